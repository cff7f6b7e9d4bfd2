//! Someone else at the passive port:
//!
//!     client 10.0.0.2 and stranger 10.0.0.3 ---------- 10.0.0.1 server

use std::io::Read;
use std::net::{SocketAddr, TcpStream};

use crate::flat::{CLIENT, SERVER, network};
use crate::lab::{Host, possible};
use crate::support::data::{connect, read_all};
use crate::visitors::{FILE, content, ftpd, ip, log_in, passive_works};

const STRANGER: &str = "10.0.0.3";

/// Server, client, stranger; the server's host is the switch between them.
fn with_stranger() -> (Host, Host, Host) {
    let (server, client) = network();
    let stranger = Host::new();
    server.cable("other", &stranger, "wire");
    server.ip("route add 10.0.0.3/32 dev other");
    stranger.ip("addr add 10.0.0.3/16 dev wire");
    (server, client, stranger)
}

fn drains(mut stranger: TcpStream) {
    let mut stolen = Vec::new();
    // A reset is as good an answer as an end.
    let _ = stranger.read_to_end(&mut stolen);
    assert_eq!(stolen, b"");
}

#[test]
fn a_stranger_who_connects_first_is_dropped_and_the_client_is_served() {
    if !possible() {
        return;
    }
    let (here, there, elsewhere) = with_stranger();
    let server = here.start(ftpd());
    let mut control = log_in(&there, ip(SERVER));
    let address = control.pasv();
    let stranger = elsewhere.inside(|| connect(address));
    assert_eq!(stranger.local_addr().unwrap().ip(), ip(STRANGER));
    control.line(format!("RETR {FILE}"));
    let line = server.wait_for_log("pasv_promiscuous");
    for who in [stranger.local_addr().unwrap(), control.local()] {
        assert!(line.contains(&who.to_string()), "{who} is not in: {line}");
    }
    drains(stranger);
    let data = there.inside(|| connect(address));
    control.expect(150);
    assert!(read_all(data) == content());
    control.expect(226);
    passive_works(&there, &mut control);
}

#[test]
fn strangers_in_a_crowd_do_not_keep_the_client_out() {
    if !possible() {
        return;
    }
    let (here, there, elsewhere) = with_stranger();
    let _server = here.start(ftpd());
    let mut control = log_in(&there, ip(SERVER));
    let address = control.pasv();
    let crowd: Vec<TcpStream> = elsewhere.inside(|| (0..50).map(|_| connect(address)).collect());
    let data = there.inside(|| connect(address));
    control.command(format!("RETR {FILE}"), 150);
    assert!(read_all(data) == content());
    control.expect(226);
    crowd.into_iter().for_each(drains);
}

#[test]
fn pasv_promiscuous_gives_the_transfer_to_whoever_comes_first() {
    if !possible() {
        return;
    }
    let (here, there, elsewhere) = with_stranger();
    let _server = here.start(ftpd().option("pasv_promiscuous", "YES"));
    let mut control = log_in(&there, ip(SERVER));
    let address: SocketAddr = control.pasv();
    let third_party = elsewhere.inside(|| connect(address));
    control.command(format!("RETR {FILE}"), 150);
    assert!(read_all(third_party) == content());
    control.expect(226);
    assert_eq!(control.local().ip(), ip(CLIENT));
}
