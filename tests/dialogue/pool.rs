//! Many sessions and few workers: silent ones cost no thread, a lack of
//! descriptors or a signal does not end the daemon in disorder.

use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Instant;

use crate::limits::until_admitted;
use crate::support::control::Control;
use crate::support::server::{Launch, Server};
use crate::support::{PATIENCE, left_out, raise_descriptors};

/// The number of threads the daemon has.
fn threads(server: &Server) -> usize {
    fs::read_dir(format!("/proc/{}/task", server.pid()))
        .unwrap()
        .count()
}

#[test]
fn three_hundred_silent_sessions_hold_up_nobody() {
    let server = Server::start(&[]);
    server.root().file("file", "content");
    let mut silent: Vec<Control> = (0..300).map(|_| server.anonymous()).collect();
    let mut another = server.anonymous();
    assert_eq!(another.retrieve("file"), b"content");
    // Each silent one wakes up when it is spoken to.
    for control in &mut silent {
        control.goes_on();
    }
    for control in &mut silent {
        assert_eq!(control.retrieve("file"), b"content");
    }
}

#[test]
fn silent_sessions_give_their_threads_back() {
    let server = Server::start(&[]);
    let _silent: Vec<Control> = (0..200).map(|_| server.anonymous()).collect();
    until_threads_have_left(&server, 100);
}

/// Waits until the daemon has no more than so many threads.
#[track_caller]
fn until_threads_have_left(server: &Server, most: usize) {
    let end = Instant::now() + PATIENCE;
    while threads(server) > most {
        assert!(
            Instant::now() < end,
            "{} threads for silent sessions",
            threads(server)
        );
        std::thread::yield_now();
    }
}

/// The daemon's proportional set size in bytes; `None` if it cannot be seen.
fn memory(server: &Server) -> Option<u64> {
    let rollup = fs::read_to_string(format!("/proc/{}/smaps_rollup", server.pid())).ok()?;
    let line = rollup.lines().find_map(|line| line.strip_prefix("Pss:"))?;
    let kibibytes: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kibibytes * 1024)
}

/// A logged-in session that costs this process a descriptor and nothing else.
#[track_caller]
fn bare_login(server: &Server) -> TcpStream {
    let mut stream = TcpStream::connect(server.address()).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
        .write_all(b"USER anonymous\r\nPASS someone@\r\n")
        .unwrap();
    read_until(&mut stream, b"\r\n230 ");
    stream
}

/// Reads replies up to the end of the line that holds `words`.
#[track_caller]
fn read_until(stream: &mut TcpStream, words: &[u8]) {
    let mut text = Vec::new();
    let mut piece = [0; 512];
    while !(text.ends_with(b"\r\n") && text.windows(words.len()).any(|part| part == words)) {
        let count = stream.read(&mut piece).unwrap();
        let shown = String::from_utf8_lossy(&text);
        assert_ne!(count, 0, "closed after {shown:?}");
        text.extend_from_slice(&piece[..count]);
    }
}

#[test]
fn ten_thousand_silent_sessions_cost_a_few_kibibytes_each_and_no_thread() {
    const WANTED: usize = 10_000;
    const MOST_MEMORY: u64 = 8 * 1024;
    if std::env::var_os("UNDER_TEST").is_some() {
        return left_out("two processes a session would be too many for the machine");
    }
    // The tests that run beside this one need descriptors as well.
    let count = WANTED.min(raise_descriptors() / 4 * 3);
    if count < WANTED {
        left_out(&format!("{count} sessions only, for RLIMIT_NOFILE's sake"));
    }
    let limit = (count + 10).to_string();
    let server = Server::start(&[("max_clients", &limit), ("max_per_ip", &limit)]);
    server.anonymous().goes_on();
    let before = memory(&server);
    let mut silent: Vec<TcpStream> = (0..count).map(|_| bare_login(&server)).collect();
    until_threads_have_left(&server, 32);
    match (before, memory(&server)) {
        (Some(before), Some(after)) => {
            let each = after.saturating_sub(before) / count as u64;
            assert!(each <= MOST_MEMORY, "{each} bytes a session");
        }
        _ => left_out("the daemon's memory cannot be seen by this user"),
    }
    for stream in &silent {
        stream.set_nonblocking(true).unwrap();
        let nothing = stream.peek(&mut [0]).unwrap_err();
        assert_eq!(nothing.kind(), ErrorKind::WouldBlock);
        stream.set_nonblocking(false).unwrap();
    }
    server.anonymous().goes_on();
    for stream in silent.iter_mut().step_by(count.div_ceil(50)) {
        stream.write_all(b"NOOP\r\n").unwrap();
        read_until(stream, b"200 ");
    }
    // The end that closes first keeps the connection's address for a minute:
    // let that not be ten thousand ports of this end.
    drop(server);
}

#[test]
fn clients_that_connect_and_say_nothing_hold_up_nobody() {
    let server = Server::start(&[]);
    let _silent: Vec<Control> = (0..200)
        .map(|_| Control::connect_ungreeted(server.address()))
        .collect();
    server.anonymous().goes_on();
}

#[test]
fn a_lack_of_descriptors_does_not_end_the_accept_loop() {
    let mut server = Launch::new()
        .through(&["prlimit", "--nofile=64:64", "--"])
        .start();
    server.root().file("file", "content");
    let crowd: Vec<Control> = (0..150)
        .map(|_| Control::connect_ungreeted(server.address()))
        .collect();
    drop(crowd);
    let mut control = until_greeted(&server);
    control.login_anonymous();
    assert_eq!(control.retrieve("file"), b"content");
    assert!(server.is_running());
}

/// Connects until the server has descriptors again.
fn until_greeted(server: &Server) -> Control {
    let end = Instant::now() + PATIENCE;
    loop {
        let mut control = Control::connect_ungreeted(server.address());
        let mut byte = [0];
        let greeted = control
            .writer()
            .peek(&mut byte)
            .is_ok_and(|count| count > 0);
        if greeted && control.reply().code == 220 {
            return control;
        }
        assert!(Instant::now() < end, "the accept loop has ended");
    }
}

#[test]
fn two_hundred_connections_in_one_moment_are_all_greeted() {
    let server = Server::start(&[]);
    let mut crowd: Vec<Control> = (0..200)
        .map(|_| Control::connect_ungreeted(server.address()))
        .collect();
    for control in &mut crowd {
        control.expect(220);
    }
}

#[test]
fn sessions_come_and_go_without_leaving_descriptors() {
    let server = Server::start(&[("max_clients", "4")]);
    server.root().file("file", "content");
    let open = || fs::read_dir(format!("/proc/{}/fd", server.pid())).map(Iterator::count);
    if open().is_err() {
        left_out("the daemon's descriptors cannot be seen by this user");
        return;
    }
    // Passive listeners stay bound for later transfers, a bounded number of
    // them; after a first crowd there are as many as there will ever be.
    come_and_go(&server);
    let before = open().unwrap();
    come_and_go(&server);
    let end = Instant::now() + PATIENCE;
    while open().unwrap() > before + 4 {
        assert!(
            Instant::now() < end,
            "{before} before, {} after",
            open().unwrap()
        );
        std::thread::yield_now();
    }
}

fn come_and_go(server: &Server) {
    for round in 0..60 {
        let mut control = until_admitted(server);
        assert_eq!(control.retrieve("file"), b"content");
        if round % 2 == 0 {
            control.command("QUIT", 221);
        } else {
            control.pasv();
        }
    }
}

#[test]
fn sigterm_and_sigint_end_it_with_exit_code_0() {
    for signal in [libc::SIGTERM, libc::SIGINT] {
        let mut server = Server::start(&[]);
        let mut control = server.anonymous();
        control.goes_on();
        server.signal(signal);
        let status = server.wait_for_end().expect("it goes on");
        assert_eq!(status.code(), Some(0), "signal {signal}");
        // The sessions end with it, with 421 or without a word.
        if control.writer().peek(&mut [0]).is_ok_and(|count| count > 0) {
            control.expect(421);
        }
        control.expect_closed();
    }
}
