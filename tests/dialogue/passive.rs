//! PASV and EPSV: the server listens (RFC 959 section 4.1.2, RFC 2428).

use std::collections::HashSet;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};

use socket2::{Domain, Socket, Type};

use crate::support::PATIENCE;
use crate::support::control::Control;
use crate::support::data::{connect, pasv_address, read_all};
use crate::support::server::Server;

/// Connects to `to` from another address of this machine.
pub fn connect_from(from: Ipv4Addr, to: SocketAddr) -> std::io::Result<TcpStream> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    socket.bind(&SocketAddr::from((from, 0)).into())?;
    socket.connect_timeout(&to.into(), PATIENCE)?;
    socket.set_read_timeout(Some(PATIENCE))?;
    Ok(socket.into())
}

#[test]
fn pasv_tells_the_address_of_the_control_connection() {
    let server = Server::start(&[]);
    server.root().file("file", "content");
    let mut control = server.anonymous();
    let address = control.pasv();
    assert_eq!(address.ip(), Ipv4Addr::LOCALHOST);
    let data = connect(address);
    control.command("RETR file", 150);
    assert_eq!(read_all(data), b"content");
    control.expect(226);
}

#[test]
fn the_client_may_connect_after_its_command() {
    let server = Server::start(&[]);
    server.root().file("file", "content");
    let mut control = server.anonymous();
    let address = control.pasv();
    control.line("RETR file");
    let data = connect(address);
    control.expect(150);
    assert_eq!(read_all(data), b"content");
    control.expect(226);
}

#[test]
fn every_transfer_gets_its_own_data_connection() {
    let server = Server::start(&[]);
    server.root().file("file", "content");
    let mut control = server.anonymous();
    for _ in 0..50 {
        assert_eq!(control.retrieve("file"), b"content");
    }
    // The last one's connection is used up (RFC 959 section 3.3).
    control.command("RETR file", 425);
}

#[test]
fn without_pasv_or_port_a_transfer_gets_425() {
    let server = Server::writable();
    server.root().file("file", "content");
    let mut control = server.anonymous();
    for line in ["RETR file", "STOR new", "APPE new", "LIST", "NLST", "MLSD"] {
        control.command(line, 425);
    }
    control.goes_on();
    assert_eq!(control.retrieve("file"), b"content");
}

#[test]
fn a_second_pasv_takes_the_place_of_the_first() {
    let server = Server::start(&[]);
    server.root().file("file", "content");
    let mut control = server.anonymous();
    control.pasv();
    let second = control.pasv();
    let data = connect(second);
    control.command("RETR file", 150);
    assert_eq!(read_all(data), b"content");
    control.expect(226);
}

#[test]
fn port_takes_the_place_of_pasv() {
    let server = Server::start(&[]);
    server.root().file("file", "content");
    let mut control = server.anonymous();
    control.pasv();
    let listener = control.active();
    control.command("RETR file", 150);
    assert_eq!(
        read_all(crate::support::data::accept(&listener).0),
        b"content"
    );
    control.expect(226);
}

#[test]
fn a_stranger_on_the_passive_port_gets_nothing_and_spoils_nothing() {
    let server = Server::start(&[]);
    server.root().file("file", "content");
    let mut control = server.anonymous();
    let address = control.epsv();
    let stranger = connect_from(Ipv4Addr::new(127, 0, 0, 2), address);
    let data = connect(address);
    control.command("RETR file", 150);
    assert_eq!(read_all(data), b"content");
    control.expect(226);
    if let Ok(mut stranger) = stranger {
        let mut stolen = Vec::new();
        // A reset is as good an answer as an end.
        let _ = std::io::Read::read_to_end(&mut stranger, &mut stolen);
        assert_eq!(stolen, b"");
    }
}

#[test]
fn pasv_promiscuous_takes_the_stranger() {
    let server = Server::start(&[("pasv_promiscuous", "YES")]);
    server.root().file("file", "content");
    let mut control = server.anonymous();
    let address = control.epsv();
    let data = connect_from(Ipv4Addr::new(127, 0, 0, 2), address).unwrap();
    control.command("RETR file", 150);
    assert_eq!(read_all(data), b"content");
    control.expect(226);
}

/// A port that was free a moment ago, for options that name one.
fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
}

#[test]
fn passive_ports_come_from_the_configured_range() {
    let low = free_port().clamp(1024, 65_000);
    let high = low + 40;
    let server = Server::start(&[
        ("pasv_min_port", &low.to_string()),
        ("pasv_max_port", &high.to_string()),
    ]);
    server.root().file("file", "content");
    let mut seen = HashSet::new();
    for _ in 0..10 {
        let mut control = server.anonymous();
        let port = control.pasv().port();
        assert!(
            (low..=high).contains(&port),
            "{port} is not in {low}..{high}"
        );
        seen.insert(port);
        assert_eq!(control.retrieve("file"), b"content");
    }
    assert!(!seen.is_empty());
}

#[test]
fn pasv_address_is_what_the_client_is_told() {
    let server = Server::start(&[("pasv_address", "192.0.2.7")]);
    let mut control = server.anonymous();
    let reply = control.command("PASV", 227);
    assert_eq!(pasv_address(&reply).ip(), Ipv4Addr::new(192, 0, 2, 7));
}

#[test]
fn pasv_addr_resolve_takes_a_name() {
    let server = Server::start(&[("pasv_address", "localhost"), ("pasv_addr_resolve", "YES")]);
    let mut control = server.anonymous();
    assert_eq!(control.pasv().ip(), Ipv4Addr::LOCALHOST);
}

#[test]
fn pasv_enable_no_refuses_both_forms() {
    let server = Server::start(&[("pasv_enable", "NO")]);
    let mut control = server.anonymous();
    control.command_any("PASV", &[550, 502]);
    control.command_any("EPSV", &[550, 502]);
    control.goes_on();
}

#[test]
fn epsv_takes_its_own_family_and_refuses_others() {
    let server = Server::start(&[]);
    let mut control = server.anonymous();
    control.command("EPSV 1", 229);
    control.command("EPSV 2", 522);
    control.command("EPSV 3", 522);
    control.command_any("EPSV one", &[501, 522]);
    control.goes_on();
}

#[test]
fn after_epsv_all_only_epsv_is_left() {
    let server = Server::start(&[]);
    server.root().file("file", "content");
    let mut control = server.anonymous();
    control.command("EPSV ALL", 200);
    for line in ["PASV", "PORT 127,0,0,1,200,1", "EPRT |1|127.0.0.1|50000|"] {
        control.line(line);
        let reply = control.reply();
        assert!((500..600).contains(&reply.code), "{line}: {}", reply.text());
    }
    assert_eq!(control.retrieve("file"), b"content");
}

#[test]
fn ports_come_from_the_list_with_its_holes() {
    // Two free ports with others between them, below those the system hands
    // out to the other tests' connections.
    let start = 10_000 + u16::try_from(std::process::id() % 20_000).unwrap();
    let free: Vec<u16> = (start..32_000)
        .step_by(7)
        .filter(|&port| TcpListener::bind(("127.0.0.1", port)).is_ok())
        .take(2)
        .collect();
    let list = format!("{},{}-{}", free[0], free[1], free[1]);
    let server = Server::start(&[("pasv_ports", &list), ("pasv_max_port", "1")]);
    server.root().file("file", "content");
    let mut control = server.anonymous();
    for _ in 0..10 {
        assert!(free.contains(&control.pasv().port()));
        assert!(free.contains(&control.epsv().port()));
    }
    assert_eq!(control.retrieve("file"), b"content");
}

#[test]
fn the_address_announced_is_the_one_for_the_client_s_network() {
    let map = "127.0.0.0/30=127.0.0.1,127.0.0.8/29=192.0.2.1";
    let server = Server::start(&[("pasv_address", "192.0.2.9"), ("pasv_address_map", map)]);
    for (client, announced) in [(1, "127,0,0,1,"), (9, "192,0,2,1,"), (77, "192,0,2,9,")] {
        let client = Ipv4Addr::new(127, 0, 0, client);
        let mut control = Control::connect_from((client, 0).into(), server.address());
        control.expect(220);
        control.login_anonymous();
        let reply = control.command("PASV", 227);
        assert!(reply.text().contains(announced), "{client}: {reply:?}");
        control.epsv();
    }
}

#[test]
fn a_port_is_free_before_quit_is_answered() {
    let port = free_port().to_string();
    let server = Server::start(&[("pasv_min_port", &port), ("pasv_max_port", &port)]);
    for _ in 0..50 {
        let mut control = server.anonymous();
        control.pasv();
        control.command("QUIT", 221);
    }
}

#[test]
fn a_client_that_connects_twice_is_no_stranger() {
    let port = free_port().to_string();
    let mut server = Server::start(&[("pasv_min_port", &port), ("pasv_max_port", &port)]);
    server.root().file("file", "content");
    let mut control = server.anonymous();
    let elsewhere = Ipv4Addr::new(127, 0, 0, 2);
    let stream = connect_from(elsewhere, server.address()).unwrap();
    let mut other = Control::over(stream, server.address());
    other.expect(220);
    other.login("anonymous", "me@");
    let address = control.pasv();
    assert_eq!(other.pasv(), address);
    // The other session accepts these, and hands the first one over.
    let data = connect(address);
    let _again = connect(address);
    let others = connect_from(elsewhere, address).unwrap();
    other.command("RETR file", 150);
    assert_eq!(read_all(others), b"content");
    other.expect(226);
    control.command("RETR file", 150);
    assert_eq!(read_all(data), b"content");
    control.expect(226);
    let log = server.whole_log();
    assert!(!log.contains("pasv_promiscuous"), "{log}");
}
