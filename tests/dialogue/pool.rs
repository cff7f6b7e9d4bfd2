//! Many sessions and few workers: silent ones cost no thread, a lack of
//! descriptors or a signal does not end the daemon in disorder.

use std::fs;
use std::time::Instant;

use crate::limits::until_admitted;
use crate::support::PATIENCE;
use crate::support::control::Control;
use crate::support::server::{Launch, Server};

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
    let end = Instant::now() + PATIENCE;
    while threads(&server) > 100 {
        assert!(
            Instant::now() < end,
            "{} threads for 200 silent sessions",
            threads(&server)
        );
        std::thread::yield_now();
    }
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
        crate::support::left_out("the daemon's descriptors cannot be seen by this user");
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
