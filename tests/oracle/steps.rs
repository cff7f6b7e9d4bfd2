//! One step of a dialogue: what is sent, what happens to the data connection,
//! and what comes back.

use std::fs::File;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::time::{Duration, Instant};

use socket2::{Domain, SockRef, Socket, Type};

use super::sealed;
use super::stage::Stage;
use super::support::control::{Control, Reply};
use super::support::data::{accept, port_line, read_all};
use super::support::script::{Scribe, telling};
use super::tree::content_of;

/// Codes whose words people and programs look at.
const READ: [u16; 7] = [220, 226, 230, 421, 500, 530, 550];

/// Codes, and words that somebody may depend on.
pub const USUAL: Scribe = Scribe {
    telling: told,
    showing: shown,
};

/// For steps after `words`.
const VERBATIM: Scribe = Scribe {
    telling: |_, reply| reply.text(),
    showing: shown,
};

/// How long a reply that is not to come yet is waited for.
const A_MOMENT: Duration = Duration::from_millis(300);

/// How long a server may take to see an ABOR.
const PATIENT: Duration = Duration::from_secs(2);

/// What an upload sends before something happens to it.
const PIECE: [u8; 100] = [b'x'; 100];

/// Takes one step on a connection.
pub fn say(stage: &Stage, control: &mut Control, step: &str) -> String {
    let (how, line) = step.split_once(' ').unwrap_or((step, ""));
    match how {
        "words" => VERBATIM.say(control, line),
        "hear" => USUAL.hear(control, "", String::new),
        "timed" => {
            let start = Instant::now();
            let answer = say(stage, control, line);
            let took = start.elapsed().as_secs_f32().round();
            format!("{answer} after {took} s")
        }
        "within" => {
            let (most, line) = line.split_once(' ').unwrap();
            let start = Instant::now();
            let answer = say(stage, control, line);
            let most = Duration::from_secs(most.parse().unwrap());
            let late = if start.elapsed() > most {
                "late"
            } else {
                "in time"
            };
            format!("{answer} {late}")
        }
        "from" => from(stage, control, line),
        "abort" => abort(control, line),
        "stalled" => {
            let data = control.passive();
            let answer = USUAL.converse(control, line, String::new);
            drop(data);
            answer
        }
        "reset" => reset(control, line),
        "locked" => locked(stage, control, line),
        "stranger" => stranger(control, line),
        "elsewhere" => elsewhere(control, line),
        "unanswered" => unanswered(control, line),
        _ => sealed::say(control, how, line).unwrap_or_else(|| USUAL.say(control, step)),
    }
}

/// Active, with the port that the server comes from.
fn from(stage: &Stage, control: &mut Control, line: &str) -> String {
    let listener = control.active();
    USUAL.converse(control, line, || {
        let (data, peer) = accept(&listener);
        let port = match peer.port() {
            20 => "20",
            port if port == stage.port => "PORT_ONE",
            _ => "any",
        };
        format!("{} from port {port}", shown(line, &read_all(data)))
    })
}

/// ABOR as RFC 959 has it, in a transfer that would last.
fn abort(control: &mut Control, line: &str) -> String {
    let mut data = control.passive();
    control.line(line);
    let mut begun = control.reply().code.to_string();
    data.read_exact(&mut [0; 100]).unwrap();
    control.send(b"\xFF\xF4");
    control.send_urgent(b"\xFF\xF2");
    control.line("ABOR");
    // What is not read keeps the transfer from its end, until ABOR is seen;
    // or it is not seen, and has to wait for that end.
    is_silent(control, PATIENT);
    let _ = std::io::copy(&mut data, &mut std::io::sink());
    drop(data);
    for _ in 0..2 {
        begun.push(' ');
        begun.push_str(&USUAL.hear(control, "ABOR", String::new));
    }
    begun
}

/// An upload whose data connection is cut off.
fn reset(control: &mut Control, line: &str) -> String {
    let mut data = control.passive();
    USUAL.converse(control, line, || {
        data.write_all(&PIECE).unwrap();
        let _ = SockRef::from(&data).set_linger(Some(Duration::ZERO));
        drop(data);
        String::new()
    })
}

/// While another program has the lock of alice's `file`.
fn locked(stage: &Stage, control: &mut Control, line: &str) -> String {
    let path = stage.path("/home/alice/file");
    let file = File::options().read(true).write(true).open(path).unwrap();
    // SAFETY: flock is numbers alone, for which zeroes are a value.
    let mut lock: libc::flock = unsafe { std::mem::zeroed() };
    lock.l_type = libc::F_WRLCK as libc::c_short;
    // SAFETY: `lock` lives through the call, which only reads it.
    let done = unsafe { libc::fcntl(file.as_raw_fd(), libc::F_OFD_SETLK, &raw const lock) };
    assert_eq!(done, 0, "{}", std::io::Error::last_os_error());
    let data = control.passive();
    control.line(line);
    let waits = is_silent(control, A_MOMENT);
    drop(file);
    let answer = USUAL.hear(control, line, || shown(line, &read_all(data)));
    let waits = if waits { "waits, then " } else { "" };
    format!("{waits}{answer}")
}

fn is_silent(control: &Control, time: Duration) -> bool {
    let socket = control.writer();
    let usual = socket.read_timeout().unwrap();
    socket.set_read_timeout(Some(time)).unwrap();
    let silent = socket.peek(&mut [0]).is_err();
    socket.set_read_timeout(usual).unwrap();
    silent
}

/// Somebody else comes to the port that the server opened.
fn stranger(control: &mut Control, line: &str) -> String {
    let address = control.epsv();
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    let other = SocketAddr::from((Ipv4Addr::new(127, 0, 0, 2), 0));
    socket.bind(&other.into()).unwrap();
    socket.connect(&address.into()).unwrap();
    let data = TcpStream::from(socket);
    USUAL.converse(control, line, || shown(line, &read_all(data)))
}

/// The server is sent to another address than the client's.
fn elsewhere(control: &mut Control, line: &str) -> String {
    let listener = TcpListener::bind((Ipv4Addr::new(127, 0, 0, 2), 0)).unwrap();
    let port = port_line(listener.local_addr().unwrap());
    let answer = USUAL.converse(control, &port, String::new);
    if !answer.starts_with("200") {
        return answer;
    }
    USUAL.converse(control, line, || {
        shown(line, &read_all(accept(&listener).0))
    })
}

/// The server is sent where nobody answers: a listener whose queue is full.
fn unanswered(control: &mut Control, line: &str) -> String {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    let here = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    socket.bind(&here.into()).unwrap();
    socket.listen(0).unwrap();
    let address = socket.local_addr().unwrap().as_socket().unwrap();
    let _waiting = TcpStream::connect(address).unwrap();
    control.command(port_line(address), 200);
    USUAL.converse(control, line, String::new)
}

/// The code, and the words that somebody may depend on.
fn told(line: &str, reply: &Reply) -> String {
    let told = telling(line, reply);
    let text = reply.text();
    let oops = reply.code != 500 || text.contains("OOPS");
    let more = reply.lines.len() > 1 && reply.code == 250;
    if told.len() > 3 {
        return told;
    }
    if reply.code == 227 {
        let numbers: Vec<&str> = text.split(',').collect();
        let address = numbers[..4.min(numbers.len())].join(",");
        return format!("227 {}", address.rsplit('(').next().unwrap());
    }
    if READ.contains(&reply.code) && oops || more {
        return text;
    }
    told
}

pub fn shown(line: &str, bytes: &[u8]) -> String {
    if line.starts_with("RETR") {
        return content_of(bytes);
    }
    let text = String::from_utf8_lossy(bytes);
    let lines: Vec<&str> = text.split_terminator("\r\n").collect();
    format!("{{{}}}", lines.join(" / "))
}
