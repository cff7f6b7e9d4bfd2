//! A thousand clients in one moment: all are greeted, and what they fetch
//! arrives.

use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use socket2::{Domain, Socket, Type};

use crate::support::control::Control;
use crate::support::data::{connect, pasv_address, read_all};
use crate::support::server::Server;
use crate::support::tree::noise;
use crate::support::{left_out, raise_descriptors};

/// Connections that all come while the server does not look: the moment could
/// not be shorter.
fn in_one_moment(server: &Server, count: usize) -> Vec<Control> {
    in_the_moment_of(server, count, libc::SIGCONT)
}

/// The same, with a signal that comes in that moment too.
fn in_the_moment_of(server: &Server, count: usize, signal: libc::c_int) -> Vec<Control> {
    let address = server.address();
    server.signal(libc::SIGSTOP);
    let new = |_| Socket::new(Domain::for_address(address), Type::STREAM, None).unwrap();
    let sockets: Vec<Socket> = (0..count).map(new).collect();
    for socket in &sockets {
        socket.set_nonblocking(true).unwrap();
        if let Err(error) = socket.connect(&address.into()) {
            assert_eq!(error.raw_os_error(), Some(libc::EINPROGRESS), "{error}");
        }
    }
    // One that finds no room in the queue tries again a second later.
    let end = Instant::now() + Duration::from_millis(500);
    let connected = || sockets.iter().filter(|s| s.peer_addr().is_ok()).count();
    while connected() < count && Instant::now() < end {
        std::thread::yield_now();
    }
    let connected = connected();
    server.signal(signal);
    server.signal(libc::SIGCONT);
    assert_eq!(connected, count, "the server's queue has no room for more");
    let greeted_later = |socket: Socket| {
        socket.set_nonblocking(false).unwrap();
        Control::over(TcpStream::from(socket), address)
    };
    sockets.into_iter().map(greeted_later).collect()
}

/// The longest queue the kernel allows.
fn longest_queue() -> usize {
    let text = std::fs::read_to_string("/proc/sys/net/core/somaxconn").unwrap();
    text.trim().parse().unwrap()
}

/// Says the line in every session, then takes every reply.
#[track_caller]
fn all_say(crowd: &mut [Control], line: &str, code: u16) {
    for control in crowd.iter_mut() {
        control.line(line);
    }
    for control in crowd {
        control.expect(code);
    }
}

#[test]
fn a_thousand_connections_in_one_moment_are_all_greeted_and_fetch_their_file() {
    const WANTED: usize = 1000;
    // Two descriptors a client, and the tests beside this one need some.
    let count = WANTED.min(raise_descriptors() / 4).min(longest_queue());
    if count < WANTED {
        left_out(&format!(
            "{count} clients only, for the sake of RLIMIT_NOFILE or net.core.somaxconn"
        ));
    }
    let server = Server::start(&[]);
    let content = noise(10_000);
    server.root().file("file", &content);
    let mut crowd = in_one_moment(&server, count);
    for control in &mut crowd {
        control.expect(220);
    }
    all_say(&mut crowd, "USER anonymous", 331);
    all_say(&mut crowd, "PASS me@", 230);
    for control in &mut crowd {
        control.line("PASV");
    }
    // Half of them connect first, the others after their command.
    let told: Vec<SocketAddr> = crowd
        .iter_mut()
        .map(|control| pasv_address(&control.expect(227)))
        .collect();
    let early: Vec<TcpStream> = told.iter().step_by(2).map(|to| connect(*to)).collect();
    for control in &mut crowd {
        control.line("RETR file");
    }
    let late: Vec<TcpStream> = told[1..].iter().step_by(2).map(|to| connect(*to)).collect();
    for control in &mut crowd {
        control.expect(150);
    }
    for data in early.into_iter().chain(late) {
        assert!(read_all(data) == content);
    }
    for control in &mut crowd {
        control.expect(226);
    }
    all_say(&mut crowd, "QUIT", 221);
}

#[test]
fn who_is_still_in_the_queue_when_the_server_ends_is_told() {
    let mut server = Server::start(&[("shutdown_grace", "60")]);
    // More than the main thread takes from a socket at a time.
    for mut control in in_the_moment_of(&server, 200, libc::SIGTERM) {
        // Greeted or not, by when the signal was heard.
        if control.expect_any(&[220, 421]).code == 220 {
            control.expect(421);
        }
        control.expect_closed();
    }
    assert!(server.wait_for_end().is_some());
}
