//! AUTH, PBSZ, PROT, CCC, REIN, and who must or may not use TLS.

use std::io::{Read, Write};
use std::net::TcpStream;

use rustls::ProtocolVersion;

use super::secure::{Client, Secure, VERSIONS, plain_reply, shake};
use super::support::server::{Launch, Server};
use super::support::temp::TempDir;
use super::support::tls::Files;
use super::support::tree::noise;

fn server(options: &[(&str, &str)]) -> Server {
    let files = Files::new();
    Launch::new()
        .writable()
        .tls(&files)
        .options(options)
        .start()
}

#[test]
fn files_go_both_ways_under_both_versions() {
    let server = server(&[]);
    let content = noise(3_000_000);
    server.root().file("file", &content);
    for version in VERSIONS {
        let client = Client::with(&[version], None);
        let mut secure = Secure::anonymous(server.address(), &client);
        assert_eq!(secure.version(), version.version);
        assert_eq!(secure.fetch("file").0, content);
        secure.store("copy", &content);
        assert_eq!(server.root().read("copy"), content);
        let (mut listing, _) = secure.open("NLST");
        let mut names = String::new();
        listing.read_to_string(&mut names).unwrap();
        secure.expect(226);
        assert_eq!(names, "copy\r\nfile\r\n");
        secure.command("DELE copy", 250);
        secure.command("QUIT", 221);
        secure.expect_closed();
    }
    server.wait_for_log("control connection: TLSv1.3, TLS_AES_256_GCM_SHA384");
    server.wait_for_log("control connection: TLSv1.2, ECDHE-ECDSA-AES256-GCM-SHA384");
}

#[test]
fn mechanisms_have_four_names_and_two_of_them_protect_data_at_once() {
    let server = server(&[]);
    server.root().file("file", "content");
    let client = Client::new();
    for (auth, protects) in [
        ("AUTH TLS", false),
        ("auth tls-c", false),
        ("AUTH SSL", true),
        ("AUTH TLS-P", true),
    ] {
        let mut secure = Secure::by(server.address(), &client, auth);
        secure.login("anonymous", "x");
        if protects {
            assert_eq!(secure.fetch("file").0, b"content", "{auth}");
        } else {
            let mut data = secure.passive();
            secure.command("RETR file", 150);
            let mut bytes = Vec::new();
            data.read_to_end(&mut bytes).unwrap();
            secure.expect(226);
            assert_eq!(bytes, b"content", "{auth}");
        }
    }
}

#[test]
fn the_order_is_auth_pbsz_prot() {
    let server = server(&[]);
    let mut control = server.connect();
    control.command("PBSZ 0", 503);
    control.command("PROT P", 503);
    control.command("AUTH KERBEROS_V4", 504);
    control.command("CCC", 502);
    let mut secure = Secure::connect(server.address(), &Client::new());
    secure.command("AUTH TLS", 503);
    secure.command("PROT P", 503);
    secure.command("PBSZ zero", 501);
    secure.command("PBSZ 4096", 200);
    for (level, code) in [("S", 536), ("E", 536), ("X", 504), ("c", 200), ("P", 200)] {
        secure.command(format!("PROT {level}"), code);
    }
    secure.login("anonymous", "x");
    secure.command("AUTH TLS", 503);
    let text = secure.command("STAT", 211).text();
    assert!(
        text.contains("Control connection is protected by TLS"),
        "{text}"
    );
    assert!(
        text.contains("Data connections are protected by TLS"),
        "{text}"
    );
}

#[test]
fn a_user_who_was_named_in_clear_must_be_named_again() {
    let server = server(&[]);
    let mut socket = TcpStream::connect(server.address()).unwrap();
    plain_reply(&mut socket);
    socket.write_all(b"USER anonymous\r\n").unwrap();
    assert!(plain_reply(&mut socket).starts_with("331"));
    socket.write_all(b"AUTH TLS\r\n").unwrap();
    assert!(plain_reply(&mut socket).starts_with("234"));
    let mut stream = Client::new().over(socket);
    stream.write_all(b"PASS x\r\n").unwrap();
    let mut reply = [0; 3];
    stream.read_exact(&mut reply).unwrap();
    assert_eq!(&reply, b"503");
}

#[test]
fn without_a_certificate_there_is_no_tls() {
    let server = Server::start(&[]);
    let mut control = server.connect();
    for line in ["AUTH TLS", "PBSZ 0", "PROT P", "CCC"] {
        control.command(line, 502);
    }
}

/// CCC, and the control connection as it is afterwards.
fn clear(mut secure: Secure) -> TcpStream {
    secure.command("CCC", 200);
    secure.expect_closed();
    secure.stream.conn.send_close_notify();
    let mut stream = secure.stream;
    while stream.conn.wants_write() {
        stream.conn.write_tls(&mut stream.sock).unwrap();
    }
    stream.sock
}

/// Fetches a file under TLS with the control connection in clear; what the
/// reply to it was, and whether a session was resumed.
fn fetch_after_ccc(socket: &mut TcpStream, client: &Client) -> (Vec<u8>, String, bool) {
    socket.write_all(b"PASV\r\n").unwrap();
    let reply = plain_reply(socket);
    let inside = reply.split(['(', ')']).nth(1).unwrap();
    let numbers: Vec<u16> = inside
        .split(',')
        .map(|part| part.parse().unwrap())
        .collect();
    let port = numbers[4] * 256 + numbers[5];
    let data = TcpStream::connect(("127.0.0.1", port)).unwrap();
    socket.write_all(b"RETR file\r\n").unwrap();
    assert!(plain_reply(socket).starts_with("150"));
    let mut data = client.over(data);
    let resumed = shake(&mut data).unwrap();
    let mut bytes = Vec::new();
    data.read_to_end(&mut bytes).unwrap();
    (bytes, plain_reply(socket), resumed)
}

#[test]
fn ccc_goes_on_in_clear_and_data_stay_protected() {
    let server = server(&[("ccc_enable", "YES"), ("force_anon_data_ssl", "NO")]);
    server.root().file("file", "content");
    for version in VERSIONS {
        let client = Client::with(&[version], None);
        let mut socket = clear(Secure::anonymous(server.address(), &client));
        socket.write_all(b"CCC\r\n").unwrap();
        let reply = plain_reply(&mut socket);
        assert!(reply.starts_with("533"), "{reply}");
        // Somebody on the way may say this, and shall not be heard.
        socket.write_all(b"PROT C\r\n").unwrap();
        let reply = plain_reply(&mut socket);
        assert!(reply.starts_with("534"), "{reply}");
        // Each of them with a ticket of its own.
        for round in 0..8 {
            let (bytes, reply, resumed) = fetch_after_ccc(&mut socket, &client);
            assert!(resumed, "{round}");
            assert!(reply.starts_with("226"), "{reply}");
            assert_eq!(bytes, b"content");
        }
    }
}

#[test]
fn after_ccc_auto_demands_no_session_and_yes_does() {
    for (reuse, code) in [("AUTO", "226"), ("YES", "522")] {
        let server = server(&[("ccc_enable", "YES"), ("require_ssl_reuse", reuse)]);
        server.root().file("file", "content");
        let client = Client::new();
        let mut secure = Secure::anonymous(server.address(), &client);
        assert!(secure.fetch("file").1);
        let mut socket = clear(secure);
        // As if all tickets were used up.
        let (_, reply, resumed) = fetch_after_ccc(&mut socket, &Client::new());
        assert!(!resumed && reply.starts_with(code), "{reuse}: {reply}");
    }
}

#[test]
fn rein_ends_tls_and_the_login_and_auth_begins_anew() {
    let server = server(&[]);
    server.root().file("file", "content");
    let client = Client::new();
    let mut secure = Secure::anonymous(server.address(), &client);
    secure.command("REIN", 220);
    secure.expect_closed();
    let mut socket = secure.stream.sock;
    // Without a close_notify of its own, as some clients go on.
    socket.write_all(b"PWD\r\nAUTH TLS\r\n").unwrap();
    assert!(plain_reply(&mut socket).starts_with("530"));
    assert!(plain_reply(&mut socket).starts_with("234"));
    let mut stream = client.over(socket);
    stream.write_all(b"USER anonymous\r\n").unwrap();
    let mut reply = [0; 3];
    stream.read_exact(&mut reply).unwrap();
    assert_eq!(&reply, b"331");
}

#[test]
fn implicit_tls_comes_before_the_greeting_and_protects_data() {
    let server = server(&[("implicit_ssl", "YES")]);
    server.root().file("file", "content");
    let mut secure = Secure::implicit(server.address(), &Client::new());
    secure.expect(220);
    secure.login("anonymous", "x");
    assert_eq!(secure.fetch("file").0, b"content");
    // REIN leaves what began with the connection.
    secure.command("REIN", 220);
    secure.login("anonymous", "x");
    secure.command("PROT C", 200);
    secure.command("PROT P", 200);
    assert_eq!(secure.fetch("file").0, b"content");
}

#[test]
fn users_must_use_tls_where_they_are_told_to() {
    let home = TempDir::new();
    home.file("file", "content");
    let files = Files::new();
    let server = Launch::new()
        .tls(&files)
        .account("ann", "word", home.path())
        .start();
    let mut control = server.connect();
    // Before the password, which need not cross the network in vain.
    control.command("USER ann", 530);
    control.command("USER anonymous", 331);
    let mut secure = Secure::connect(server.address(), &Client::new());
    secure.login("ann", "word");
    secure.command("PASV", 227);
    secure.command("RETR file", 521);
    secure.command("PBSZ 0", 200);
    secure.command("PROT P", 200);
    assert_eq!(secure.fetch("file").0, b"content");
    server.wait_for_log("force_local_data_ssl");
    server.wait_for_log("force_local_logins_ssl");
}

#[test]
fn anonymous_users_may_must_or_may_not() {
    let files = Files::new();
    let launch = |options: &[(&str, &str)]| Launch::new().tls(&files).options(options).start();
    let server = launch(&[("allow_anon_ssl", "NO")]);
    Secure::connect(server.address(), &Client::new()).command("USER anonymous", 530);
    server.connect().command("USER anonymous", 331);
    let server = launch(&[
        ("allow_anon_ssl", "NO"),
        ("force_anon_logins_ssl", "YES"),
        ("force_anon_data_ssl", "YES"),
    ]);
    server.connect().command("USER anonymous", 530);
    let mut secure = Secure::connect(server.address(), &Client::new());
    secure.login("anonymous", "x");
    secure.command("PASV", 227);
    secure.command("NLST", 521);
}

#[test]
fn versions_can_be_switched_off_in_either_spelling() {
    let client = Client::new();
    let files = Files::new();
    for (option, left) in [
        ("ssl_tlsv1_3", ProtocolVersion::TLSv1_2),
        ("ssl_tlsv13", ProtocolVersion::TLSv1_2),
        ("ssl_tlsv1_2", ProtocolVersion::TLSv1_3),
        ("ssl_tlsv12", ProtocolVersion::TLSv1_3),
    ] {
        let server = Launch::new().tls(&files).option(option, "NO").start();
        let secure = Secure::connect(server.address(), &client);
        assert_eq!(secure.version(), left, "{option}");
    }
}

#[test]
fn sessions_under_tls_are_parked_and_come_back() {
    let server = server(&[]);
    let client = Client::new();
    let mut sessions: Vec<Secure> = (0..20)
        .map(|_| Secure::anonymous(server.address(), &client))
        .collect();
    for secure in sessions.iter_mut().rev() {
        secure.command("NOOP", 200);
    }
    // More sessions than workers have been silent meanwhile.
    for secure in &mut sessions {
        secure.command("PWD", 257);
    }
}
