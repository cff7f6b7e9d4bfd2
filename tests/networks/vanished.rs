//! A client that is gone without a word: its cable is pulled. Nothing but
//! time tells the server.

use std::io::{ErrorKind, Read};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::flat::{SERVER, network};
use crate::lab::{Host, possible};
use crate::support::PATIENCE;
use crate::support::control::Control;
use crate::support::data::read_all;
use crate::support::server::{Launch, Server};
use crate::support::tree::noise;
use crate::visitors::{ftpd, ip, log_in};

/// More than all buffers hold.
fn large() -> Vec<u8> {
    noise(30_000_000)
}

/// A download that has begun and stands still, since nobody reads.
fn under_way(launch: Launch) -> (Host, Host, Server, Control, TcpStream) {
    let (here, there) = network();
    launch.root().file("large", large());
    let server = here.start(launch);
    let mut control = log_in(&there, ip(SERVER));
    let data = there.inside(|| control.passive());
    control.command("RETR large", 150);
    (here, there, server, control, data)
}

#[test]
fn a_client_whose_cable_is_pulled_is_given_up_in_bounded_time() {
    if !possible() {
        return;
    }
    let launch = ftpd().options(&[
        ("data_connection_timeout", "1"),
        ("idle_session_timeout", "2"),
    ]);
    let (_here, there, server, mut control, data) = under_way(launch);
    there.ip("link set wire down");
    let begin = Instant::now();
    let line = server.wait_for_log("transfer ended early");
    assert!(line.contains(&control.local().to_string()), "{line}");
    server.wait_for_log("idle_session_timeout");
    assert!(begin.elapsed() < Duration::from_secs(15));
    // The server has let go: nothing of the session is left there.
    there.ip("link set wire up");
    drop(data);
    control.expect(426);
}

#[test]
fn a_cable_that_is_back_in_time_costs_no_byte() {
    if !possible() {
        return;
    }
    let (_here, there, mut server, mut control, mut data) = under_way(ftpd());
    there.ip("link set wire down");
    // What is there already, and then nothing more.
    let mut bytes = Vec::new();
    data.set_read_timeout(Some(Duration::from_millis(300)))
        .unwrap();
    let silence = data.read_to_end(&mut bytes).unwrap_err();
    assert_eq!(silence.kind(), ErrorKind::WouldBlock);
    there.ip("link set wire up");
    data.set_read_timeout(Some(PATIENCE)).unwrap();
    bytes.extend(read_all(data));
    assert!(bytes == large());
    control.expect(226);
    control.goes_on();
    let log = server.whole_log();
    assert!(!log.contains("ended early"), "{log}");
}
