//! PORT and EPRT: the server connects (RFC 959 section 3.2, RFC 2428), to the
//! client and no one else (RFC 2577 section 3).

use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};

use crate::support::data::{accept, eprt_line, port_line, read_all};
use crate::support::server::Server;
use crate::support::tree::noise;
use crate::support::{is_root, left_out};

#[test]
fn port_retrieves_and_stores() {
    let server = Server::writable();
    let content = noise(500_000);
    server.root().file("file", &content);
    let mut control = server.anonymous();
    let listener = control.active();
    control.command("RETR file", 150);
    assert_eq!(read_all(accept(&listener).0), content);
    control.expect(226);
    let listener = control.active();
    control.command("STOR new", 150);
    accept(&listener).0.write_all(&content).unwrap();
    control.expect(226);
    assert_eq!(server.root().read("new"), content);
}

#[test]
fn eprt_does_what_port_does() {
    let server = Server::start(&[]);
    server.root().file("file", "content");
    let mut control = server.anonymous();
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let line = eprt_line(listener.local_addr().unwrap());
    control.command(&line, 200);
    control.command("RETR file", 150);
    assert_eq!(read_all(accept(&listener).0), b"content");
    control.expect(226);
    // Any sign may separate (RFC 2428 section 2).
    control.command(line.replace('|', "!"), 200);
    control.command("RETR file", 150);
    assert_eq!(read_all(accept(&listener).0), b"content");
    control.expect(226);
}

#[test]
fn the_same_client_port_serves_again_and_again() {
    let server = Server::start(&[]);
    server.root().file("file", "content");
    let mut control = server.anonymous();
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let line = port_line(listener.local_addr().unwrap());
    for _ in 0..10 {
        control.command(&line, 200);
        control.command("RETR file", 150);
        assert_eq!(read_all(accept(&listener).0), b"content");
        control.expect(226);
    }
}

#[test]
fn the_data_connection_comes_from_port_20_where_it_may() {
    if !is_root() {
        left_out("port 20 is for root alone");
        return;
    }
    let server = Server::start(&[("connect_from_port_20", "YES")]);
    server.root().file("file", "content");
    let mut control = server.anonymous();
    let mut other = server.anonymous();
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let line = port_line(listener.local_addr().unwrap());
    for _ in 0..3 {
        control.command(&line, 200);
        control.command("RETR file", 150);
        let (data, peer) = accept(&listener);
        assert_eq!(peer.port(), 20);
        // A second one shares the port while the first is still open.
        let second = other.active();
        other.command("RETR file", 150);
        let (second_data, second_peer) = accept(&second);
        assert_eq!(second_peer.port(), 20);
        assert_eq!(read_all(second_data), b"content");
        other.expect(226);
        assert_eq!(read_all(data), b"content");
        control.expect(226);
    }
}

#[test]
fn a_foreign_address_is_refused() {
    let server = Server::start(&[]);
    server.root().file("file", "x");
    let mut control = server.anonymous();
    control.command("PORT 127,0,0,2,200,1", 500);
    control.command("PORT 8,8,8,8,200,1", 500);
    control.command("EPRT |1|127.0.0.2|50000|", 500);
    // Nothing of the refused address was kept.
    control.command("RETR file", 425);
}

#[test]
fn a_port_below_1024_is_refused() {
    let server = Server::start(&[]);
    let mut control = server.anonymous();
    control.command("PORT 127,0,0,1,0,25", 500);
    control.command("EPRT |1|127.0.0.1|25|", 500);
    control.command("PORT 127,0,0,1,0,0", 500);
    control.goes_on();
}

#[test]
fn port_promiscuous_connects_wherever_it_is_told() {
    let server = Server::start(&[("port_promiscuous", "YES")]);
    server.root().file("file", "content");
    let mut control = server.anonymous();
    let listener = TcpListener::bind((Ipv4Addr::new(127, 0, 0, 2), 0)).unwrap();
    // But to no service of the system.
    control.command("PORT 127,0,0,2,0,80", 500);
    control.command("EPRT |1|127.0.0.1|22|", 500);
    control.command(port_line(listener.local_addr().unwrap()), 200);
    control.command("RETR file", 150);
    assert_eq!(read_all(accept(&listener).0), b"content");
    control.expect(226);
}

#[test]
fn a_client_port_where_no_one_listens_gives_425() {
    let server = Server::start(&[]);
    server.root().file("file", "content");
    let mut control = server.anonymous();
    let listener = control.active();
    drop(listener);
    control.command("RETR file", 425);
    assert_eq!(control.retrieve("file"), b"content");
}

#[test]
fn port_enable_no_refuses_both_forms() {
    let server = Server::start(&[("port_enable", "NO")]);
    server.root().file("file", "content");
    let mut control = server.anonymous();
    control.command_any("PORT 127,0,0,1,200,1", &[550, 502]);
    control.command_any("EPRT |1|127.0.0.1|50000|", &[550, 502]);
    assert_eq!(control.retrieve("file"), b"content");
}

#[test]
fn an_address_of_another_family_gives_522() {
    let server = Server::start(&[]);
    let mut control = server.anonymous();
    let reply = control.command("EPRT |2|::1|50000|", 522);
    assert!(
        reply.text().contains("(1"),
        "RFC 2428 section 2: {}",
        reply.text()
    );
    control.command("EPRT |3|127.0.0.1|50000|", 522);
    control.goes_on();
}

#[test]
fn over_ipv6_eprt_serves_and_port_does_not() {
    let v6: SocketAddr = "[::1]:0".parse().unwrap();
    if TcpListener::bind(v6).is_err() {
        left_out("this machine has no IPv6");
        return;
    }
    let launch = crate::support::server::Launch::new().options(&[
        ("listen", "NO"),
        ("listen_ipv6", "YES"),
        ("listen_address6", "::1"),
    ]);
    launch.root().file("file", "content");
    let server = launch.start();
    assert_eq!(server.address().ip(), v6.ip());
    let mut control = server.anonymous();
    assert_eq!(control.retrieve("file"), b"content");
    let listener = control.active();
    control.command("RETR file", 150);
    assert_eq!(read_all(accept(&listener).0), b"content");
    control.expect(226);
    control.command("EPRT |1|127.0.0.1|50000|", 522);
    control.command_any("PORT 127,0,0,1,200,1", &[500, 501, 522]);
    control.goes_on();
}

#[test]
fn an_upload_that_found_no_connection_is_not_in_the_way_of_the_next() {
    let options = [("write_enable", "YES"), ("anon_upload_enable", "YES")];
    let server = Server::start(&options);
    let mut control = server.anonymous();
    let gone = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    control.command(port_line(gone.local_addr().unwrap()), 200);
    drop(gone);
    control.command("STOR new", 425);
    assert!(!server.root().path().join("new").exists());
    control.store("new", b"content");
    assert_eq!(server.root().read("new"), b"content");
}
