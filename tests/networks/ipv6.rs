//! IPv6, through a router that translates nothing:
//!
//!     client fd00:2::2 ---- fd00:2::ff router fd00:1::ff ---- fd00:1::1 server
//!
//! and over link-local addresses, loopback, and IPv4 on the IPv6 socket.

use std::net::{SocketAddr, ToSocketAddrs};

use crate::flat;
use crate::lab::{Host, has_ipv6, possible};
use crate::support::client::Client;
use crate::support::control::Control;
use crate::support::data::accept;
use crate::support::left_out;
use crate::visitors::Mode::{Active, Passive};
use crate::visitors::{
    FILE, active_works, content, fetch, fetch_believing, ftpd_for_both, ip, log_in, passive_works,
};

const SERVER: &str = "fd00:1::1";

/// Clients that speak IPv6; ncftp does not.
const PROGRAMS: [&str; 4] = ["curl", "lftp", "tnftp", "wget"];

/// Whether this kernel has IPv6 and networks can be built.
fn v6_possible() -> bool {
    if !possible() {
        return false;
    }
    if !has_ipv6() {
        left_out("this machine has no IPv6");
    }
    has_ipv6()
}

/// Server, router, client.
fn network() -> (Host, Host, Host) {
    let (server, router, client) = (Host::new(), Host::new(), Host::new());
    server.cable("wire", &router, "wan");
    client.cable("wire", &router, "lan");
    router.forwards();
    router.ip("addr add fd00:1::ff/64 dev wan\naddr add fd00:2::ff/64 dev lan");
    server.ip("addr add fd00:1::1/64 dev wire\nroute add default via fd00:1::ff");
    client.ip("addr add fd00:2::2/64 dev wire\nroute add default via fd00:2::ff");
    (server, router, client)
}

#[test]
fn clients_behind_a_router_fetch_in_both_modes() {
    if !v6_possible() {
        return;
    }
    let (here, _router, there) = network();
    let mut server = here.start(ftpd_for_both().option("log_ftp_protocol", "YES"));
    for program in PROGRAMS {
        for mode in [Active, Passive] {
            fetch(&there, program, mode, ip(SERVER)).arrived();
        }
    }
    // ftplib goes by the family as well.
    fetch_believing(&there, ip(SERVER)).arrived();
    let log = server.whole_log();
    for (word, count) in [("-> EPSV", 5), ("-> EPRT", 4), ("<- 229", 5)] {
        assert_eq!(log.matches(word).count(), count, "{word}\n{log}");
    }
}

#[test]
fn epsv_and_eprt_work_behind_a_router_and_active_data_comes_from_port_20() {
    if !v6_possible() {
        return;
    }
    let (here, _router, there) = network();
    let _server = here.start(ftpd_for_both());
    let mut control = log_in(&there, ip(SERVER));
    passive_works(&there, &mut control);
    let from = active_works(&there, &mut control);
    assert_eq!(from, (ip(SERVER), 20).into());
    // Another host's address, and one of another family.
    control.command_any("EPRT |2|fd00:2::3|50000|", &[500, 501]);
    let refusal = control.command("EPRT |1|10.0.0.2|50000|", 522);
    assert!(refusal.words().contains("(2)"), "{}", refusal.text());
}

#[test]
fn pasv_is_refused_with_522_and_the_word_epsv() {
    if !v6_possible() {
        return;
    }
    let (here, _router, there) = network();
    let _server = here.start(ftpd_for_both());
    let mut control = log_in(&there, ip(SERVER));
    let refusal = control.command("PASV", 522);
    assert!(refusal.words().contains("EPSV"), "{}", refusal.text());
    control.command(format!("RETR {FILE}"), 425);
    passive_works(&there, &mut control);
}

#[test]
fn the_loopback_address_serves_both_modes() {
    if !v6_possible() {
        return;
    }
    // Where all but loopback is missing, lftp does not take "::1" for an
    // address (AI_ADDRCONFIG of getaddrinfo(3)).
    let (here, _router, _there) = network();
    let _server = here.start(ftpd_for_both());
    for program in PROGRAMS {
        fetch(&here, program, Passive, ip("::1")).arrived();
    }
    // lftp announces the address `::` there.
    for program in ["curl", "tnftp", "wget"] {
        fetch(&here, program, Active, ip("::1")).arrived();
    }
    let mut control = log_in(&here, ip("::1"));
    assert_eq!(active_works(&here, &mut control), (ip("::1"), 20).into());
    passive_works(&here, &mut control);
}

#[test]
fn link_local_addresses_serve_both_modes() {
    if !v6_possible() {
        return;
    }
    let (here, _router, _there) = network();
    // The same on both devices: only the interface tells them apart.
    let neighbour = Host::new();
    here.cable("second", &neighbour, "wire");
    here.ip("addr add fe80::1/64 dev wire\naddr add fe80::1/64 dev second");
    let _server = here.start(ftpd_for_both());
    neighbour.inside(|| {
        let mut addresses = ("fe80::1%wire", 21).to_socket_addrs().unwrap();
        let mut control = Control::connect(addresses.next().unwrap());
        control.login_anonymous();
        assert!(control.retrieve(FILE) == content());
        let listener = control.active();
        control.command(format!("RETR {FILE}"), 150);
        let (data, peer) = accept(&listener);
        let SocketAddr::V6(peer) = peer else {
            panic!("{peer}")
        };
        assert_eq!(
            (peer.ip().to_string().as_str(), peer.port()),
            ("fe80::1", 20)
        );
        assert!(crate::support::data::read_all(data) == content());
        control.expect(226);
        control.goes_on();
        // In active mode curl binds the address without its interface.
        let curl = Client::new("curl", "curl");
        let url = format!("ftp://[fe80::1%25wire]/{FILE}");
        let fetched = curl.run(&["-sS", "--fail", "-m", "20", &url]);
        assert!(fetched.succeed().stdout == content());
    });
}

#[test]
fn an_ipv4_client_on_the_socket_for_both_is_an_ipv4_client() {
    if !v6_possible() {
        return;
    }
    let (here, there) = flat::network();
    let mut server = here.start(ftpd_for_both());
    let seen = there.watch();
    let mut control = log_in(&there, ip(flat::SERVER));
    assert_eq!(control.pasv().ip(), ip(flat::SERVER));
    let from = active_works(&there, &mut control);
    assert_eq!(from, (ip(flat::SERVER), 20).into());
    passive_works(&there, &mut control);
    control.command("EPRT |2|fd00:2::2|50000|", 522);
    // With PASV and PORT.
    for mode in [Active, Passive] {
        fetch(&there, "wget", mode, ip(flat::SERVER)).arrived();
        fetch(&there, "ncftpget", mode, ip(flat::SERVER)).arrived();
    }
    assert!(seen.came().iter().all(|seen| seen.1 == 20));
    let log = server.whole_log();
    assert!(!log.contains("::ffff"), "{log}");
}
