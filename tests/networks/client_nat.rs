//! A client behind a router that hides it behind the router's own address:
//!
//!     client 192.168.1.2 ---- 192.168.1.1 router 203.0.113.50 ---- 203.0.113.7 server
//!
//! The server sees 203.0.113.50 only, and what it connects to there ends at
//! the router, which drops it.

use crate::lab::{HELPER, Host, has_ftp_helper, possible};
use crate::support::data::port_line;
use crate::support::server::Launch;
use crate::visitors::Mode::{Active, Passive};
use crate::visitors::{
    PROGRAMS, active_works, fails_in_bounded_time, fetch, ftpd, ip, log_in, passive_works,
};

const SERVER: &str = "203.0.113.7";

const MASQUERADE: &str = "
    table ip nat {
        chain postrouting {
            type nat hook postrouting priority 100;
            oifname \"wan\" masquerade
        }
        chain input {
            type filter hook input priority 0; policy drop;
            ct state established,related accept
        }
    }";

struct Network {
    server: Host,
    router: Host,
    client: Host,
}

fn network() -> Network {
    let (server, router, client) = (Host::new(), Host::new(), Host::new());
    server.cable("wire", &router, "wan");
    client.cable("wire", &router, "lan");
    server.ip(&format!("addr add {SERVER}/24 dev wire"));
    router.ip("addr add 203.0.113.50/24 dev wan\naddr add 192.168.1.1/24 dev lan");
    client.ip("addr add 192.168.1.2/24 dev wire\nroute add default via 192.168.1.1");
    router.forwards();
    router.nft(MASQUERADE);
    Network {
        server,
        router,
        client,
    }
}

/// Waits a second for a data connection instead of a minute.
fn hasty() -> Launch {
    ftpd().options(&[("accept_timeout", "1"), ("connect_timeout", "1")])
}

#[test]
fn every_client_fetches_in_passive_mode() {
    if !possible() {
        return;
    }
    let net = network();
    let mut server = net.server.start(ftpd());
    for program in PROGRAMS {
        fetch(&net.client, program, Passive, ip(SERVER)).arrived();
    }
    let log = server.whole_log();
    assert!(log.contains("203.0.113.50:"), "{log}");
    assert!(!log.contains("192.168.1.2"), "{log}");
}

#[test]
fn the_private_address_in_a_port_is_refused_and_passive_works_then() {
    if !possible() {
        return;
    }
    let net = network();
    let server = net.server.start(ftpd());
    let mut control = log_in(&net.client, ip(SERVER));
    let refusal = control.command("PORT 192,168,1,2,200,1", 500);
    assert_eq!(refusal.words(), "Illegal PORT command.");
    let line =
        server.wait_for_log("192.168.1.2:51201: not the client's address (port_promiscuous)");
    assert!(line.contains("203.0.113.50:"), "{line}");
    passive_works(&net.client, &mut control);
}

#[test]
fn a_client_that_knows_its_outer_address_gets_425_soon_and_passive_works_then() {
    if !possible() {
        return;
    }
    let net = network();
    let server = net.server.start(hasty());
    let mut control = log_in(&net.client, ip(SERVER));
    control.command(port_line(([203, 0, 113, 50], 51201).into()), 200);
    fails_in_bounded_time(&mut control);
    server.wait_for_log("no data connection");
    passive_works(&net.client, &mut control);
}

#[test]
fn port_promiscuous_does_not_lead_behind_the_router_either() {
    if !possible() {
        return;
    }
    let net = network();
    let _server = net.server.start(hasty().option("port_promiscuous", "YES"));
    // What goes to a private address gets lost somewhere on its way.
    net.server.ip("route add default via 203.0.113.1\n\
         neigh add 203.0.113.1 lladdr 02:00:00:00:00:01 dev wire");
    let mut control = log_in(&net.client, ip(SERVER));
    control.command("PORT 192,168,1,2,200,1", 200);
    fails_in_bounded_time(&mut control);
    passive_works(&net.client, &mut control);
}

#[test]
fn with_the_helper_on_the_router_every_client_fetches_in_active_mode() {
    if !possible() || !has_ftp_helper() {
        return;
    }
    let net = network();
    net.router.nft(HELPER);
    let _server = net.server.start(ftpd());
    let seen = net.client.watch();
    for program in PROGRAMS {
        fetch(&net.client, program, Active, ip(SERVER)).arrived();
    }
    let came = seen.came();
    assert_eq!(came.len(), PROGRAMS.len(), "{came:?}");
    assert!(
        came.iter()
            .all(|seen| (seen.0.as_str(), seen.1) == (SERVER, 20)),
        "{came:?}"
    );
    let mut control = log_in(&net.client, ip(SERVER));
    assert_eq!(active_works(&net.client, &mut control).port(), 20);
    passive_works(&net.client, &mut control);
}
