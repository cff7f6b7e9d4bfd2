//! A server behind a router that leads its own ports to it:
//!
//!     outside 203.0.113.1, 198.51.100.9 ---- 203.0.113.7 router 172.17.0.1 ---- 172.17.0.2 server
//!                                     inside 172.17.1.9 ---- 172.17.1.1 |
//!
//! From outside only 203.0.113.7 can be reached, from inside only 172.17.0.2.

use std::net::SocketAddr;

use crate::lab::{HELPER, Host, has_ftp_helper, possible};
use crate::support::control::Control;
use crate::support::server::{Launch, Server};
use crate::visitors::Mode::{Active, Passive};
use crate::visitors::{
    PROGRAMS, active_works, fetch, fetch_believing, ftpd, hosts_file, ip, log_in, passive_works,
    with_hosts,
};

const PUBLIC: &str = "203.0.113.7";
const PRIVATE: &str = "172.17.0.2";

const RULES: &str = "
    table ip nat {
        chain prerouting {
            type nat hook prerouting priority -100;
            iifname \"wan\" tcp dport { 21, 30000-30009 } dnat to 172.17.0.2
        }
        chain postrouting {
            type nat hook postrouting priority 100;
            oifname \"wan\" masquerade
        }
        chain forward {
            type filter hook forward priority 0; policy drop;
            ct state established,related accept
            ct status dnat accept
            iifname != \"wan\" accept
        }
        chain input {
            type filter hook input priority 0; policy drop;
        }
    }";

struct Network {
    server: Host,
    router: Host,
    outside: Host,
    inside: Host,
}

fn network() -> Network {
    let (server, router, outside, inside) = (Host::new(), Host::new(), Host::new(), Host::new());
    server.cable("wire", &router, "lan");
    inside.cable("wire", &router, "office");
    outside.cable("wire", &router, "wan");
    server.ip("addr add 172.17.0.2/24 dev wire\nroute add default via 172.17.0.1");
    inside.ip("addr add 172.17.1.9/24 dev wire\nroute add default via 172.17.1.1");
    outside.ip("addr add 203.0.113.1/24 dev wire\n\
         addr add 198.51.100.9/32 dev wire\naddr add 198.51.100.10/32 dev wire");
    router.ip(
        "addr add 172.17.0.1/24 dev lan\naddr add 172.17.1.1/24 dev office\n\
         addr add 203.0.113.7/24 dev wan\nroute add default via 203.0.113.1",
    );
    router.forwards();
    router.nft(RULES);
    Network {
        server,
        router,
        outside,
        inside,
    }
}

/// Its passive ports are those the router leads to it.
fn behind_the_router() -> Launch {
    ftpd().option("pasv_ports", "30000-30009")
}

/// The address that PASV names.
#[track_caller]
fn announced(control: &mut Control) -> String {
    control.pasv().ip().to_string()
}

/// The warnings of the log about what PASV announces; the server has ended
/// then.
fn warnings(mut server: Server) -> Vec<String> {
    let log = server.whole_log();
    let lines = log
        .lines()
        .filter(|line| line.contains(" WARN ") && line.contains("pasv_address"));
    lines.map(str::to_owned).collect()
}

#[test]
fn without_pasv_address_a_client_that_believes_the_227_gets_nothing() {
    if !possible() {
        return;
    }
    let net = network();
    let server = net.server.start(behind_the_router());
    let seen = net.outside.watch();
    for fetched in [
        fetch_believing(&net.outside, ip(PUBLIC)),
        fetch(&net.outside, "wget", Passive, ip(PUBLIC)),
    ] {
        let finished = fetched.failed();
        assert!(!finished.status.success(), "{}", finished.words());
    }
    // It never got as far as the router.
    assert_eq!(seen.went(), [].into());
    let line = server.wait_for_log("PASV announces 172.17.0.2");
    for word in ["203.0.113.1:", "pasv_address", "pasv_address_map"] {
        assert!(line.contains(word), "{line}");
    }
    // The clients that ask EPSV, and take the server's address for granted.
    for program in ["curl", "tnftp"] {
        fetch(&net.outside, program, Passive, ip(PUBLIC)).arrived();
    }
    let mut control = log_in(&net.outside, ip(PUBLIC));
    passive_works(&net.outside, &mut control);
    // Inside, the private address is the right one.
    fetch_believing(&net.inside, ip(PRIVATE)).arrived();
    let warnings = warnings(server);
    assert_eq!(warnings.len(), 1, "{warnings:?}");
}

#[test]
fn the_log_warns_once_for_each_network_clients_come_from() {
    if !possible() {
        return;
    }
    let net = network();
    let server = net.server.start(behind_the_router());
    let from = |address: &str| {
        net.outside.inside(|| {
            let local = SocketAddr::new(ip(address), 0);
            let mut control = Control::connect_from(local, (ip(PUBLIC), 21).into());
            control.expect(220);
            control.login_anonymous();
            assert_eq!(announced(&mut control), PRIVATE);
            control.goes_on();
        });
    };
    for address in [
        "203.0.113.1",
        "198.51.100.9",
        "198.51.100.10",
        "203.0.113.1",
    ] {
        from(address);
    }
    let warnings = warnings(server);
    assert_eq!(warnings.len(), 2, "{warnings:?}");
    assert!(warnings[0].contains("203.0.113.1:"), "{warnings:?}");
    assert!(warnings[1].contains("198.51.100.9:"), "{warnings:?}");
}

/// Everything a client outside may do, once the server announces the right
/// address.
#[track_caller]
fn serves_outside(net: &Network) {
    let mut control = log_in(&net.outside, ip(PUBLIC));
    assert_eq!(announced(&mut control), PUBLIC);
    passive_works(&net.outside, &mut control);
    fetch_believing(&net.outside, ip(PUBLIC)).arrived();
    for program in PROGRAMS {
        fetch(&net.outside, program, Passive, ip(PUBLIC)).arrived();
    }
}

#[test]
fn with_the_address_in_pasv_address_every_client_outside_is_served() {
    if !possible() {
        return;
    }
    let net = network();
    let server = net
        .server
        .start(behind_the_router().option("pasv_address", PUBLIC));
    serves_outside(&net);
    // Inside, the router does not answer to its outer address: that is what
    // the map is for.
    fetch_believing(&net.inside, ip(PRIVATE)).failed();
    assert_eq!(warnings(server), [""; 0]);
}

#[test]
fn with_a_host_name_in_pasv_address_every_client_outside_is_served() {
    if !possible() {
        return;
    }
    let net = network();
    let hosts = hosts_file("203.0.113.7 ftp.example.org");
    let launch = behind_the_router()
        .option("pasv_address", "ftp.example.org")
        .option("pasv_addr_resolve", "YES")
        .option("pasv_addr_refresh", "1")
        .through(&with_hosts(&hosts.path().join("hosts")));
    let server = net.server.start(launch);
    serves_outside(&net);
    // The line gets another address, the name service fails, and comes back.
    let mut control = log_in(&net.outside, ip(PUBLIC));
    hosts.file("hosts", "203.0.113.8 ftp.example.org\n");
    server.wait_for_log("203.0.113.7 -> 203.0.113.8");
    assert_eq!(announced(&mut control), "203.0.113.8");
    hosts.file("hosts", "");
    server.wait_for_log("cannot be looked up, 203.0.113.8 stays announced");
    assert_eq!(announced(&mut control), "203.0.113.8");
    hosts.file("hosts", "203.0.113.7 ftp.example.org\n");
    server.wait_for_log("203.0.113.8 -> 203.0.113.7");
    passive_works(&net.outside, &mut control);
}

#[test]
fn with_pasv_address_map_clients_inside_and_outside_are_served_alike() {
    if !possible() {
        return;
    }
    let net = network();
    let map = "172.16.0.0/12=172.17.0.2,0.0.0.0/0=203.0.113.7";
    let server = net
        .server
        .start(behind_the_router().option("pasv_address_map", map));
    serves_outside(&net);
    let mut control = log_in(&net.inside, ip(PRIVATE));
    assert_eq!(announced(&mut control), PRIVATE);
    passive_works(&net.inside, &mut control);
    fetch_believing(&net.inside, ip(PRIVATE)).arrived();
    for program in PROGRAMS {
        fetch(&net.inside, program, Passive, ip(PRIVATE)).arrived();
    }
    assert_eq!(warnings(server), [""; 0]);
}

#[test]
fn where_the_router_reads_along_pasv_address_need_not_be_set_but_may() {
    if !possible() || !has_ftp_helper() {
        return;
    }
    for option in ["", PUBLIC] {
        let net = network();
        net.router.nft(HELPER);
        let launch = behind_the_router().option("pasv_address", option);
        let _server = net.server.start(launch);
        let mut control = log_in(&net.outside, ip(PUBLIC));
        assert_eq!(announced(&mut control), PUBLIC);
        passive_works(&net.outside, &mut control);
        fetch_believing(&net.outside, ip(PUBLIC)).arrived();
        for program in PROGRAMS {
            for mode in [Active, Passive] {
                fetch(&net.outside, program, mode, ip(PUBLIC)).arrived();
            }
        }
    }
}

#[test]
fn active_connections_leave_through_the_router_from_its_port_20() {
    if !possible() {
        return;
    }
    let net = network();
    let _server = net.server.start(behind_the_router());
    let seen = net.outside.watch();
    for program in PROGRAMS {
        fetch(&net.outside, program, Active, ip(PUBLIC)).arrived();
    }
    assert_eq!(seen.came().len(), PROGRAMS.len());
    assert!(
        seen.came()
            .iter()
            .all(|seen| (seen.0.as_str(), seen.1) == (PUBLIC, 20)),
        "{:?}",
        seen.came()
    );
    let mut control = log_in(&net.outside, ip(PUBLIC));
    let from = active_works(&net.outside, &mut control);
    assert_eq!(from, (ip(PUBLIC), 20).into());
    assert_eq!(
        active_works(&net.inside, &mut log_in(&net.inside, ip(PRIVATE))).port(),
        20
    );
}
