//! Bare loops of system calls: what this machine can do at most, with no
//! protocol in the way. The rows of the report are put in proportion to them.
//!
//! A loop's "server" is one thread per client whose CPU clock is read at both
//! ends, so its cost is comparable with a server's; its client is the one the
//! cases use.

use std::fs::File;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddrV4, TcpListener, TcpStream};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::cases::Sample;
use crate::client::{Outcome, at, connect, drain, send_all};
use crate::sys;

/// The loops' address; its first octets keep it apart from the servers'.
const HERE: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 10);

fn listener() -> io::Result<(TcpListener, SocketAddrV4)> {
    let listener = TcpListener::bind(SocketAddrV4::new(HERE, 0))?;
    let port = listener.local_addr()?.port();
    Ok((listener, SocketAddrV4::new(HERE, port)))
}

/// Runs `serve` in one thread and `request` in another per client, all on one
/// listener. `request` returns how many units it had done; the word to stop,
/// for a `serve` that would go on for ever, is a connection that says nothing.
fn pair(
    clients: usize,
    stop: bool,
    serve: impl Fn(&TcpListener) -> io::Result<()> + Sync,
    request: impl Fn(SocketAddrV4) -> io::Result<f64> + Sync,
) -> io::Result<Sample> {
    let (listener, to) = listener()?;
    let serve = || {
        let before = sys::thread_cpu();
        serve(&listener).map(|()| sys::thread_cpu() - before)
    };
    thread::scope(|scope| {
        let servers: Vec<_> = (0..clients).map(|_| scope.spawn(serve)).collect();
        let start = Instant::now();
        let requests: Vec<_> = (0..clients).map(|_| scope.spawn(|| request(to))).collect();
        let mut units = 0.0;
        for request in requests {
            units += request.join().expect("client thread")?;
        }
        let seconds = start.elapsed().as_secs_f64();
        let stops = if stop { clients } else { 0 };
        (0..stops).try_for_each(|_| TcpStream::connect(to).map(drop))?;
        let mut cpu = 0.0;
        for server in servers {
            cpu += server.join().expect("server thread")?;
        }
        Ok(Sample {
            units,
            seconds,
            cpu,
            ..Sample::default()
        })
    })
}

/// `sendfile` of the whole file to a receiver that discards.
pub fn sendfile(source: &Path, len: u64) -> Outcome<Sample> {
    let serve = |listener: &TcpListener| {
        let (stream, _) = listener.accept()?;
        send_all(&stream, &File::open(source)?, len)
    };
    at(
        "limit: sendfile",
        pair(1, false, serve, |to| Ok(drain(&connect(HERE, to)?)? as f64)),
    )
}

/// `splice` through a pipe of 1 MiB into `target`, from a client that
/// sendfiles `source`.
pub fn splice(source: &Path, target: &Path, len: u64) -> Outcome<Sample> {
    let serve = |listener: &TcpListener| {
        let (mut stream, _) = listener.accept()?;
        let file = File::create(target)?;
        let (out, into) = sys::pipe(1 << 20)?;
        loop {
            let mut held = sys::splice(&stream, &into, 1 << 20)?;
            if held == 0 {
                break;
            }
            while held > 0 {
                held -= sys::splice(&out, &file, held)?;
            }
        }
        stream.write_all(b"+")
    };
    let request = |to| {
        let mut stream = connect(HERE, to)?;
        send_all(&stream, &File::open(source)?, len)?;
        stream.shutdown(Shutdown::Write)?;
        // As 226 says it: the bytes are where they belong.
        stream.read_exact(&mut [0])?;
        Ok(len as f64)
    };
    at("limit: splice", pair(1, false, serve, request))
}

/// Connect, accept, one side sends 1 KiB and closes, the other reads to the
/// end; `count` times shared among `clients`. `out` is the server sending.
pub fn small(out: bool, count: usize, clients: usize) -> Outcome<Sample> {
    let each = count / clients;
    let bytes = [b'x'; 1024];
    let accepted = AtomicUsize::new(0);
    let serve = |listener: &TcpListener| {
        while accepted.fetch_add(1, Ordering::Relaxed) < each * clients {
            let (mut stream, _) = listener.accept()?;
            if out {
                stream.write_all(&bytes)?;
            } else {
                drain(&stream)?;
            }
        }
        Ok(())
    };
    let request = |to| {
        for _ in 0..each {
            let mut stream = connect(HERE, to)?;
            if out {
                drain(&stream)?;
            } else {
                stream.write_all(&bytes)?;
                stream.shutdown(Shutdown::Write)?;
                // As a client waits for 226; or the backlog would overflow.
                drain(&stream)?;
            }
        }
        Ok(each as f64)
    };
    at(
        "limit: connect-accept-send-close",
        pair(clients, false, serve, request),
    )
}

const REQUEST: usize = 6;
const ANSWER: [u8; 20] = [b'x'; 20];

/// Answers requests of 6 bytes with 20 until the client closes.
fn answer(stream: &mut TcpStream) -> io::Result<()> {
    let mut request = [0; REQUEST];
    while stream.read(&mut request)? > 0 {
        stream.write_all(&ANSWER)?;
    }
    Ok(())
}

fn ask(stream: &mut TcpStream) -> io::Result<()> {
    stream.write_all(&[b'x'; REQUEST])?;
    stream.read_exact(&mut [0; ANSWER.len()])
}

/// Small requests and replies over one connection, for `time`.
pub fn echo(time: Duration) -> Outcome<Sample> {
    let serve = |listener: &TcpListener| {
        let (mut stream, _) = listener.accept()?;
        stream.set_nodelay(true)?;
        answer(&mut stream)
    };
    let request = |to| {
        let mut stream = connect(HERE, to)?;
        let (start, mut done) = (Instant::now(), 0.0);
        while start.elapsed() < time {
            ask(&mut stream)?;
            done += 1.0;
        }
        Ok(done)
    };
    at("limit: echo", pair(1, false, serve, request))
}

/// The bare form of connect, greeting, USER, PASS, QUIT: a connection, one
/// send, three requests with their replies, the close.
pub fn login(time: Duration, clients: usize) -> Outcome<Sample> {
    let serve = |listener: &TcpListener| {
        loop {
            let (mut stream, _) = listener.accept()?;
            stream.set_nodelay(true)?;
            // A client that is there no more is the word to stop.
            if stream.write_all(&ANSWER).is_err() {
                return Ok(());
            }
            let mut request = [0; REQUEST];
            for turn in 0..3 {
                match stream.read(&mut request) {
                    Ok(0) | Err(_) if turn == 0 => return Ok(()),
                    read => read?,
                };
                stream.write_all(&ANSWER)?;
            }
        }
    };
    let request = |to| {
        let (start, mut done) = (Instant::now(), 0.0);
        while start.elapsed() < time {
            let mut stream = connect(HERE, to)?;
            stream.read_exact(&mut [0; ANSWER.len()])?;
            for _ in 0..3 {
                ask(&mut stream)?;
            }
            drain(&stream)?;
            done += 1.0;
        }
        Ok(done)
    };
    at(
        "limit: connect and dialogue",
        pair(clients, true, serve, request),
    )
}

/// `getdents64`, and `statx` of each entry where `stat` says so; nothing sent.
pub fn scan(dir: &Path, stat: bool, times: usize) -> Outcome<Sample> {
    let (start, before) = (Instant::now(), sys::thread_cpu());
    let mut units = 0;
    for _ in 0..times {
        let dir = at("open directory", File::open(dir))?;
        units += at("getdents64", sys::scan(&dir, stat))?;
    }
    let (seconds, cpu) = (start.elapsed().as_secs_f64(), sys::thread_cpu() - before);
    Ok(Sample {
        units: units as f64,
        seconds,
        cpu,
        ..Sample::default()
    })
}
