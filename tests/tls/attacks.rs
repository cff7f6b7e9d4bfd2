//! What somebody on the way, or a client of ill will, may try.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

use rustls::pki_types::ServerName;

use super::secure::{Client, Secure, VERSIONS, plain_reply, shake};
use super::support::PATIENCE;
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

fn greeted(server: &Server) -> TcpStream {
    let mut socket = TcpStream::connect(server.address()).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    plain_reply(&mut socket);
    socket
}

/// Everything until the end of the connection, however that comes.
fn rest(socket: &mut TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut chunk = [0; 4096];
    while let Ok(count @ 1..) = socket.read(&mut chunk) {
        bytes.extend_from_slice(&chunk[..count]);
    }
    bytes
}

#[test]
fn commands_put_behind_auth_in_clear_end_the_session() {
    let server = server(&[]);
    for injected in ["USER anonymous\r\n", "US"] {
        let mut socket = greeted(&server);
        socket
            .write_all(format!("AUTH TLS\r\n{injected}").as_bytes())
            .unwrap();
        let answer = String::from_utf8(rest(&mut socket)).unwrap();
        assert!(answer.starts_with("421"), "{answer}");
        assert_eq!(answer.lines().count(), 1, "{answer}");
    }
    server.wait_for_lines("went on in clear behind AUTH", 2);
}

#[test]
fn commands_that_come_after_auth_in_clear_are_no_commands() {
    let server = server(&[]);
    let mut socket = greeted(&server);
    socket.write_all(b"AUTH TLS\r\n").unwrap();
    assert!(plain_reply(&mut socket).starts_with("234"));
    socket.write_all(b"USER anonymous\r\nPASS x\r\n").unwrap();
    rest(&mut socket);
    server.wait_for_log("no TLS: USER ");
    assert!(!server.log().contains("logged in"));
}

#[test]
fn garbage_under_tls_ends_the_session_and_no_other() {
    let server = server(&[]);
    let client = Client::new();
    let mut bystander = Secure::anonymous(server.address(), &client);
    for garbage in [
        &[0x17, 3, 3, 0, 32][..],
        b"NOOP\r\nNOOP\r\n",
        &[0x17, 3, 3, 0xFF, 0xFF],
        &[0x16, 3, 1, 0, 1, 0],
    ] {
        for version in VERSIONS {
            let client = Client::with(&[version], None);
            let secure = Secure::anonymous(server.address(), &client);
            let mut socket = secure.stream.sock;
            socket.write_all(garbage).unwrap();
            socket.write_all(&[0; 32]).unwrap();
            rest(&mut socket);
        }
    }
    server.wait_for_lines("ended: ", 8);
    bystander.command("NOOP", 200);
}

#[test]
fn a_handshake_of_garbage_ends_at_once() {
    let server = server(&[]);
    for garbage in [
        &[0_u8; 64][..],
        &[0x16, 3, 1, 0, 4, 1, 0, 0, 200],
        b"\x16\x03\x01\xff\xff",
    ] {
        let mut socket = greeted(&server);
        socket.write_all(b"AUTH TLS\r\n").unwrap();
        plain_reply(&mut socket);
        socket.write_all(garbage).unwrap();
        socket.shutdown(Shutdown::Write).unwrap();
        rest(&mut socket);
    }
    server.connect().command("NOOP", 200);
}

#[test]
fn a_slow_handshake_keeps_nobody_waiting_and_ends_in_its_time() {
    let server = server(&[("ssl_handshake_timeout", "1")]);
    server.root().file("file", "content");
    // More than there are workers to spare.
    let mut slow: Vec<TcpStream> = (0..30)
        .map(|_| {
            let mut socket = greeted(&server);
            socket.write_all(b"AUTH TLS\r\n").unwrap();
            plain_reply(&mut socket);
            socket.write_all(&[0x16, 3, 1, 2, 0, 1]).unwrap();
            socket
        })
        .collect();
    let mut secure = Secure::anonymous(server.address(), &Client::new());
    assert_eq!(secure.fetch("file").0, b"content");
    let begun = Instant::now();
    for socket in &mut slow {
        rest(socket);
    }
    assert!(begun.elapsed() < Duration::from_secs(15));
    server.wait_for_lines("TLS handshake: it takes too long", 30);
}

#[test]
fn a_handshake_octet_by_octet_succeeds_within_its_time() {
    let server = server(&[]);
    let client = Client::new();
    let mut socket = greeted(&server);
    socket.set_nodelay(true).unwrap();
    socket.write_all(b"AUTH TLS\r\n").unwrap();
    plain_reply(&mut socket);
    let mut stream = client.over(socket.try_clone().unwrap());
    while stream.conn.is_handshaking() {
        let mut flight = Vec::new();
        while stream.conn.wants_write() {
            stream.conn.write_tls(&mut flight).unwrap();
        }
        for octet in flight {
            socket.write_all(&[octet]).unwrap();
        }
        if stream.conn.wants_read() && stream.conn.is_handshaking() {
            stream.conn.read_tls(&mut socket).unwrap();
            stream.conn.process_new_packets().unwrap();
        }
    }
    stream.write_all(b"NOOP\r\n").unwrap();
    let mut reply = [0; 3];
    stream.read_exact(&mut reply).unwrap();
    assert_eq!(&reply, b"200");
}

#[test]
fn an_upload_that_was_cut_off_is_told_or_refused() {
    for (strict, atomic) in [(false, false), (false, true), (true, false), (true, true)] {
        let word = |on: bool| if on { "YES" } else { "NO" };
        let log = TempDir::new();
        let transfers = log.path().join("log").display().to_string();
        let mut server = server(&[
            ("strict_ssl_read_eof", word(strict)),
            ("atomic_uploads", word(atomic)),
            ("xferlog_enable", "YES"),
            ("vsftpd_log_file", &transfers),
        ]);
        server.root().file("file", "before");
        let mut secure = Secure::anonymous(server.address(), &Client::new());
        let (mut data, _) = secure.open("STOR file");
        data.write_all(b"the beginning").unwrap();
        data.flush().unwrap();
        // A FIN, as anybody on the way can make it.
        data.sock.shutdown(Shutdown::Write).unwrap();
        secure.expect(if strict { 426 } else { 226 });
        let kept = server.root().read("file");
        let expected: &[u8] = if strict && atomic {
            b"before"
        } else {
            b"the beginning"
        };
        assert_eq!(kept, expected, "strict {strict}, atomic {atomic}");
        server.wait_for_log("close_notify");
        server.whole_log();
        let lines = String::from_utf8(log.read("log")).unwrap();
        let outcome = if strict { "FAIL" } else { "OK" };
        let line = lines.lines().find(|line| line.contains("UPLOAD")).unwrap();
        assert!(line.contains(&format!(" {outcome} UPLOAD: ")), "{line}");
        assert!(line.ends_with("sec, without close_notify"), "{line}");
    }
}

#[test]
fn a_download_that_was_cut_off_shows() {
    let server = server(&[]);
    // More than the systems at both ends hold for who does not read.
    server.root().file("file", noise(32_000_000));
    let mut secure = Secure::anonymous(server.address(), &Client::new());
    let (mut data, _) = secure.open("RETR file");
    let mut some = vec![0; 1000];
    data.read_exact(&mut some).unwrap();
    secure.command("ABOR", 426);
    let mut bytes = Vec::new();
    let end = data.read_to_end(&mut bytes);
    // No close_notify: rustls tells a cut from an end.
    assert!(end.is_err());
    secure.expect(226);
}

#[test]
fn a_download_may_wait_for_the_client_s_end() {
    let server = server(&[("strict_ssl_write_shutdown", "YES")]);
    server.root().file("file", "content");
    let mut secure = Secure::anonymous(server.address(), &Client::new());
    let (mut data, _) = secure.open("RETR file");
    let mut bytes = Vec::new();
    data.read_to_end(&mut bytes).unwrap();
    data.conn.send_close_notify();
    data.flush().unwrap();
    secure.expect(226);
    let (mut data, _) = secure.open("RETR file");
    data.read_to_end(&mut bytes).unwrap();
    drop(data);
    secure.expect(426);
}

#[test]
fn http_over_tls_is_cut_off() {
    let server = server(&[]);
    let mut secure = Secure::connect(server.address(), &Client::new());
    secure.line("GET / HTTP/1.1");
    secure.expect_closed();
    server.wait_for_log("HTTP");
}

#[test]
fn protocols_other_than_ftp_are_refused() {
    let server = server(&[("implicit_ssl", "YES")]);
    let offer = |names: &[&str]| {
        let names: Vec<Vec<u8>> = names.iter().map(|name| name.as_bytes().to_vec()).collect();
        let client = Client::new().change(|config| config.alpn_protocols = names);
        let socket = TcpStream::connect(server.address()).unwrap();
        let mut stream = client.over(socket);
        shake(&mut stream).map(|_| stream.conn.alpn_protocol().map(<[u8]>::to_vec))
    };
    assert!(offer(&["h2", "http/1.1"]).is_err());
    server.wait_for_log("speaks h2, http/1.1 and not ftp");
    assert_eq!(offer(&["http/1.1", "ftp"]).unwrap().unwrap(), b"ftp");
    assert_eq!(offer(&[]).unwrap(), None);
}

#[test]
fn only_the_name_that_is_wanted_may_be_asked_for() {
    let server = server(&[("ssl_sni_hostname", "localhost")]);
    Secure::connect(server.address(), &Client::new());
    let other = Client {
        name: ServerName::try_from("127.0.0.1").unwrap(),
        ..Client::new()
    };
    let mut socket = greeted(&server);
    socket.write_all(b"AUTH TLS\r\n").unwrap();
    plain_reply(&mut socket);
    assert!(shake(&mut other.over(socket)).is_err());
    server.wait_for_log("did not say for whom it asks");
}

#[test]
fn clear_text_in_place_of_a_data_handshake_gets_nothing() {
    let server = server(&[]);
    server.root().file("file", "secret");
    let mut secure = Secure::anonymous(server.address(), &Client::new());
    let mut data = secure.passive();
    secure.command("RETR file", 150);
    data.write_all(b"give me the file\r\n").unwrap();
    assert!(!rest(&mut data).windows(6).any(|part| part == b"secret"));
    secure.expect(522);
    // And one that says nothing at all, while another command is answered.
    let data = secure.passive();
    secure.command("RETR file", 150);
    secure.line("STAT");
    secure.expect(213);
    drop(data);
    secure.expect(522);
    assert_eq!(secure.fetch("file").0, b"secret");
}

#[test]
fn abort_during_a_data_handshake_is_heard() {
    let server = server(&[]);
    server.root().file("file", "content");
    let mut secure = Secure::anonymous(server.address(), &Client::new());
    let _data = secure.passive();
    secure.command("RETR file", 150);
    secure.line("ABOR");
    secure.expect(426);
    secure.expect(226);
    assert_eq!(secure.fetch("file").0, b"content");
}
