//! The same port of the client for one transfer after another. The server
//! closes first, so that its end of the connection lies in TIME_WAIT (RFC
//! 9293 section 3.6.1) when the next one is to be made between the same two
//! addresses and ports. Loopback is treated otherwise by Linux.

use std::net::TcpListener;

use crate::flat::{CLIENT, SERVER, all_from_port_20, network};
use crate::lab::{Host, possible};
use crate::support::data::{accept, port_line, read_all};
use crate::support::server::Server;
use crate::visitors::{FILE, content, ftpd, ip, log_in};

/// Ten transfers in a row to one port.
fn fetches_again_and_again(there: &Host) {
    let mut control = log_in(there, ip(SERVER));
    let listener = there.inside(|| TcpListener::bind((CLIENT, 0)).unwrap());
    let line = port_line(listener.local_addr().unwrap());
    for _ in 0..10 {
        control.command(&line, 200);
        control.command(format!("RETR {FILE}"), 150);
        let (data, peer) = accept(&listener);
        assert_eq!(peer.ip(), ip(SERVER));
        assert!(read_all(data) == content());
        control.expect(226);
    }
}

#[test]
fn the_same_port_of_the_client_serves_again_and_again() {
    if !possible() {
        return;
    }
    let (here, there) = network();
    let _server: Server = here.start(ftpd());
    let seen = there.watch();
    fetches_again_and_again(&there);
    // The kernel sees but one pair of addresses and ports: port 20 each time.
    all_from_port_20(&seen, 1);
}

#[test]
fn it_does_so_where_either_end_has_no_timestamps() {
    if !possible() {
        return;
    }
    // Without them (RFC 7323) the kernel cannot tell a new connection's
    // segments from the old one's, and refuses these ports for a minute.
    for without in ["client", "server"] {
        let (here, there) = network();
        let host = if without == "client" { &there } else { &here };
        host.setting("ipv4/tcp_timestamps", "0");
        let server = here.start(ftpd());
        let seen = there.watch();
        fetches_again_and_again(&there);
        // Rather from another port than not at all; and the log says why.
        let from: Vec<u16> = seen.came().iter().map(|seen| seen.1).collect();
        assert!(from.contains(&20) && from.len() > 1, "{from:?}");
        let line = server.wait_for_log("leaves from another port");
        assert!(line.contains(CLIENT) && line.contains("port 20"), "{line}");
    }
}

#[test]
fn a_client_that_closes_late_has_its_next_transfer_at_once() {
    if !possible() {
        return;
    }
    let (here, there) = network();
    let _server = here.start(ftpd());
    let mut control = log_in(&there, ip(SERVER));
    let listener = there.inside(|| TcpListener::bind((CLIENT, 0)).unwrap());
    let line = port_line(listener.local_addr().unwrap());
    let mut held = Vec::new();
    for _ in 0..3 {
        control.command(&line, 200);
        control.command(format!("RETR {FILE}"), 150);
        let (mut data, _) = accept(&listener);
        let mut bytes = vec![0; content().len()];
        std::io::Read::read_exact(&mut data, &mut bytes).unwrap();
        assert!(bytes == content());
        control.expect(226);
        // Not closed: the server's end does not even get to TIME_WAIT.
        held.push(data);
    }
}
