//! One network, nothing in between:
//!
//!     client 10.0.0.2 ---------- 10.0.0.1 server

use crate::lab::{Host, Witness, possible};
use crate::support::server::Server;
use crate::visitors::Mode::{Active, Passive};
use crate::visitors::{PROGRAMS, active_works, fetch, ftpd, ip, log_in, passive_works};

/// The server's address.
pub const SERVER: &str = "10.0.0.1";
/// The client's.
pub const CLIENT: &str = "10.0.0.2";

/// Server and client, in this order, on one cable. Others may be added to
/// the client's device `wire`, 10.0.0.0/16.
pub fn network() -> (Host, Host) {
    let (server, client) = (Host::new(), Host::new());
    server.cable("wire", &client, "wire");
    server.ip(&format!("addr add {SERVER}/16 dev wire"));
    client.ip(&format!("addr add {CLIENT}/16 dev wire"));
    (server, client)
}

/// Every connection to the client came from port 20 of the server.
#[track_caller]
pub fn all_from_port_20(seen: &Witness<'_>, count: usize) {
    let came = seen.came();
    assert_eq!(came.len(), count, "{came:?}");
    for (address, from, to) in came {
        assert_eq!((address.as_str(), from), (SERVER, 20));
        assert!(to >= 1024, "{to}");
    }
}

#[test]
fn every_client_fetches_in_active_mode_over_a_connection_from_port_20() {
    if !possible() {
        return;
    }
    let (here, there) = network();
    let server = here.start(ftpd());
    let seen = there.watch();
    for program in PROGRAMS {
        fetch(&there, program, Active, ip(SERVER)).arrived();
    }
    all_from_port_20(&seen, PROGRAMS.len());
    assert_eq!(seen.went(), [].into());
    drop(server);
}

#[test]
fn every_client_fetches_in_passive_mode_and_the_server_never_connects() {
    if !possible() {
        return;
    }
    let (here, there) = network();
    let server: Server = here.start(ftpd());
    let seen = there.watch();
    for program in PROGRAMS {
        fetch(&there, program, Passive, ip(SERVER)).arrived();
    }
    let went = seen.went();
    assert_eq!(went.len(), PROGRAMS.len(), "{went:?}");
    for (address, _, port) in went {
        assert_eq!(address, SERVER);
        assert!(port >= 5001, "below pasv_min_port's default: {port}");
    }
    assert_eq!(seen.came(), [].into());
    drop(server);
}

#[test]
fn one_session_changes_its_mode_with_each_transfer() {
    if !possible() {
        return;
    }
    let (here, there) = network();
    let _server = here.start(ftpd());
    let mut control = log_in(&there, ip(SERVER));
    for _ in 0..3 {
        let from = active_works(&there, &mut control);
        assert_eq!(from, (ip(SERVER), 20).into());
        passive_works(&there, &mut control);
    }
}

#[test]
fn without_connect_from_port_20_the_source_port_is_any_high_one() {
    if !possible() {
        return;
    }
    let (here, there) = network();
    let _server = here.start(ftpd().option("connect_from_port_20", "NO"));
    let mut control = log_in(&there, ip(SERVER));
    let from = active_works(&there, &mut control);
    assert_eq!(from.ip(), ip(SERVER));
    assert!(from.port() >= 1024, "{from}");
}

#[test]
fn the_source_address_is_the_one_the_client_called() {
    if !possible() {
        return;
    }
    let (here, there) = network();
    // A second address, which the kernel would not choose by itself.
    here.ip("addr add 10.0.0.9/16 dev wire");
    let _server = here.start(ftpd().option("ftp_data_port", "1020"));
    for address in [SERVER, "10.0.0.9"] {
        let mut control = log_in(&there, ip(address));
        let from = active_works(&there, &mut control);
        assert_eq!(from, (ip(address), 1020).into());
        assert_eq!(control.pasv().ip(), ip(address));
        passive_works(&there, &mut control);
    }
}
