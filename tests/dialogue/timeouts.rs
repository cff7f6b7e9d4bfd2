//! idle_session_timeout, data_connection_timeout, accept_timeout and
//! connect_timeout, each set to one second, and keepalive_interval.

use std::io::Read;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use socket2::{Domain, Socket, Type};

use crate::support::PATIENCE;
use crate::support::control::Control;
use crate::support::data::port_line;
use crate::support::server::{Launch, Server};
use crate::support::tree::sparse_file;

#[track_caller]
fn took_about_a_second(start: Instant) {
    let took = start.elapsed();
    assert!(
        took > Duration::from_millis(700) && took < PATIENCE / 2,
        "{took:?}"
    );
}

#[test]
fn a_silent_session_gets_421_and_its_end() {
    let server = Server::start(&[("idle_session_timeout", "1")]);
    let mut control = server.anonymous();
    let start = Instant::now();
    control.expect(421);
    control.expect_closed();
    took_about_a_second(start);
}

#[test]
fn a_client_that_never_logs_in_gets_421_too() {
    let server = Server::start(&[("idle_session_timeout", "1")]);
    let mut control = server.connect();
    let start = Instant::now();
    control.expect(421);
    control.expect_closed();
    took_about_a_second(start);
}

#[test]
fn a_transfer_is_not_silence() {
    let launch = Launch::new().option("idle_session_timeout", "1");
    launch.root().file("file", vec![7; 300_000]);
    let server = launch.option("anon_max_rate", "150000").start();
    let mut control = server.anonymous();
    assert_eq!(control.retrieve("file").len(), 300_000);
    control.goes_on();
}

#[test]
fn a_data_connection_that_stands_still_is_given_up() {
    let launch = Launch::new().option("data_connection_timeout", "1");
    sparse_file(&launch.root().path().join("large"));
    let server = launch.start();
    let mut control = server.anonymous();
    control.command("TYPE I", 200);
    let mut data = control.passive();
    control.command("RETR large", 150);
    let mut first = [0; 1000];
    data.read_exact(&mut first).unwrap();
    // The server may end the transfer or, like vsftpd, the session.
    control.expect_any(&[421, 426]);
    server.anonymous().goes_on();
}

#[test]
fn an_upload_that_stands_still_is_given_up() {
    let server = Launch::new()
        .writable()
        .option("data_connection_timeout", "1")
        .start();
    let mut control = server.anonymous();
    let data = control.passive();
    control.command("STOR new", 150);
    control.expect_any(&[421, 426]);
    drop(data);
    server.anonymous().goes_on();
}

#[test]
fn a_client_that_does_not_connect_gets_425_after_accept_timeout() {
    let server = Server::start(&[("accept_timeout", "1")]);
    server.root().file("file", "content");
    let mut control = server.anonymous();
    control.pasv();
    let start = Instant::now();
    control.command("RETR file", 425);
    took_about_a_second(start);
    assert_eq!(control.retrieve("file"), b"content");
}

#[test]
fn a_client_that_does_not_answer_gets_425_after_connect_timeout() {
    let server = Server::start(&[("connect_timeout", "1")]);
    server.root().file("file", "content");
    let mut control = server.anonymous();
    // A listener whose queue is full: the kernel drops further attempts.
    let listener = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    listener
        .bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into())
        .unwrap();
    listener.listen(0).unwrap();
    let address = listener.local_addr().unwrap().as_socket().unwrap();
    let short = Duration::from_millis(200);
    let held: Vec<_> = (0..3)
        .map_while(|_| TcpStream::connect_timeout(&address, short).ok())
        .collect();
    assert!(held.len() < 3, "the queue has no end");
    control.command(port_line(address), 200);
    let start = Instant::now();
    control.command("RETR file", 425);
    took_about_a_second(start);
    assert_eq!(control.retrieve("file"), b"content");
}

/// Hundredths of a second until the kernel probes the server's side of
/// `control`; `None` if it never does. The columns are those of
/// proc_net_tcp(5): the kind of timer, 2 for keep-alive, and when it fires.
fn next_probe(control: &Control) -> Option<u64> {
    let (own, peer) = (control.server().port(), control.local().port());
    let (own, peer) = (format!(":{own:04X}"), format!(":{peer:04X}"));
    let end = Instant::now() + PATIENCE;
    loop {
        let table = std::fs::read_to_string("/proc/net/tcp").unwrap();
        let line = table
            .lines()
            .map(|line| line.split_whitespace().collect::<Vec<_>>())
            .find(|columns| columns[1].ends_with(&own) && columns[2].ends_with(&peer))
            .expect("the server's side of the connection");
        let (timer, when) = line[5].split_once(':').unwrap();
        match timer {
            "00" => return None,
            "02" => return Some(u64::from_str_radix(when, 16).unwrap()),
            // The last reply awaits its acknowledgement.
            _ => assert!(Instant::now() < end, "{line:?}"),
        }
    }
}

#[test]
fn silent_control_connections_are_probed_at_the_interval() {
    let probe = |interval| {
        let server = Server::start(&[("keepalive_interval", interval)]);
        let mut control = server.anonymous();
        control.goes_on();
        next_probe(&control)
    };
    let soon = probe("3000").expect("a timer");
    // A second either way for the machine's own pace.
    assert!((295_000..=300_100).contains(&soon), "{soon}");
    assert_eq!(probe("0"), None);
}
