//! Before and after login: REIN (RFC 959 section 4.1.1), HOST (RFC 7151), ACCT,
//! CLNT, CSID, PRET, LPRT and LPSV (RFC 1639); and strangers on the port that
//! speak another protocol.

use std::net::TcpListener;

use crate::support::data::{accept, connect, read_all};
use crate::support::server::{Launch, Server};

#[test]
fn rein_takes_back_all_that_was_set() {
    let server = Launch::new()
        .writable()
        .option("client_charset", "GBK")
        .start();
    server.root().file("file", "0123456789");
    server.root().dir("d");
    let mut control = server.anonymous();
    let fresh = control.command("FEAT", 211);
    for (line, code) in [
        ("TYPE I", 200),
        ("OPTS MLST size;", 200),
        ("OPTS UTF8 ON", 200),
        ("LANG zh", 200),
        ("CWD d", 250),
        ("EPSV ALL", 200),
        ("REST 5", 350),
        ("RNFR /file", 350),
    ] {
        control.command(line, code);
    }
    control.epsv();
    let words = control.command("REIN", 220).words();
    assert_eq!(words, "Ready for a new user.");
    control.command("PWD", 530);
    control.command("RNTO /other", 530);
    control.login_anonymous();
    assert_eq!(control.command("FEAT", 211), fresh);
    assert!(control.command("PWD", 257).text().contains("\"/\""));
    assert!(control.command("STAT", 211).text().contains("TYPE: ASCII"));
    control.command("RNTO other", 503);
    // The endpoint is gone, and EPSV is not the only way any more.
    control.command("RETR file", 425);
    control.pasv();
    control.command("ABOR", 225);
    assert_eq!(control.retrieve("file"), b"0123456789");
}

#[test]
fn rein_before_login_and_between_user_and_pass_begins_anew() {
    let server = Server::start(&[]);
    let mut control = server.connect();
    control.command("REIN", 220);
    control.command("USER anonymous", 331);
    control.command("REIN", 220);
    control.command("PASS x", 503);
    control.command("REIN x", 501);
    control.login_anonymous();
}

#[test]
fn rein_gives_no_new_attempts_to_guess_a_password() {
    let launch = Launch::new().option("max_login_fails", "3");
    let home = launch.root().path().to_owned();
    let server = launch.account("someone", "word", &home).start();
    let mut control = server.connect();
    for _ in 0..2 {
        control.command("USER nobody-here", 331);
        control.command("PASS x", 530);
        control.command("REIN", 220);
    }
    control.command("USER nobody-here", 331);
    control.command("PASS x", 530);
    control.expect_closed();
}

#[test]
fn another_user_can_log_in_after_rein() {
    let launch = Launch::new();
    let home = launch.root().dir("home");
    std::fs::write(home.join("mine"), "").unwrap();
    let server = launch.account("alice", "secret", &home).start();
    let mut control = server.anonymous();
    control.command("SIZE mine", 550);
    control.command("REIN", 220);
    control.login("alice", "secret");
    control.command("TYPE I", 200);
    control.command("SIZE mine", 213);
    let umask = control.command("SITE UMASK", 200);
    control.command("SITE UMASK 5", 200);
    control.command("REIN", 220);
    control.command("SIZE mine", 530);
    control.login("alice", "secret");
    assert_eq!(control.command("SITE UMASK", 200), umask);
}

#[test]
fn without_a_list_host_accepts_every_name_and_the_servers_own_address() {
    let server = Server::start(&[]);
    let mut control = server.connect();
    control.command("HOST ftp.example.org", 220);
    control.command("HOST 127.0.0.1", 220);
    control.command("HOST [127.0.0.1]", 220);
    control.command("HOST 192.0.2.1", 504);
    control.command("HOST [2001:db8::1]", 504);
    control.command("HOST", 501);
    for bad in [
        "ftp.example.org:21",
        "[127.0.0.1]:21",
        "a b",
        "-",
        "..",
        "ftp/x",
    ] {
        control.command(format!("HOST {bad}"), 501);
    }
    control.login_anonymous();
}

#[test]
fn with_host_names_only_those_are_accepted() {
    let server = Server::start(&[("host_names", "ftp.example.org, 203.0.113.7")]);
    let mut control = server.connect();
    control.command("HOST FTP.Example.Org", 220);
    control.command("HOST 203.0.113.7", 220);
    control.command("HOST 127.0.0.1", 220);
    control.command("HOST www.example.org", 504);
    control.login_anonymous();
}

#[test]
fn host_comes_before_user() {
    let server = Server::start(&[]);
    let mut control = server.connect();
    control.command("USER anonymous", 331);
    control.command("HOST ftp.example.org", 503);
    control.command("PASS x", 230);
    control.command("HOST ftp.example.org", 503);
    control.command("REIN", 220);
    control.command("HOST ftp.example.org", 220);
}

#[test]
fn acct_is_superfluous_and_its_argument_stays_out_of_the_log() {
    let server = Server::start(&[("log_ftp_protocol", "YES")]);
    let mut control = server.anonymous();
    control.command("ACCT sesame", 202);
    control.command("ACCT", 501);
    control.goes_on();
    server.wait_for_log("NOOP");
    assert!(!server.log().contains("sesame"));
}

#[test]
fn smnt_is_not_implemented_rather_than_superfluous() {
    let server = Server::start(&[]);
    server.anonymous().command("SMNT /", 502);
}

#[test]
fn clnt_and_csid_are_noted_before_and_after_login() {
    let server = Server::start(&[]);
    let mut control = server.connect();
    control.command("CLNT Some Client 1.0", 200);
    server.wait_for_log("the client is Some Client 1.0");
    let before = control.command("CSID Name=Other; Version=2;", 200).words();
    assert!(before.starts_with("Name=ironftpd;"), "{before}");
    assert!(!before.contains("Version="), "{before}");
    control.login_anonymous();
    let after = control.command("CSID Version=2;Name=Other;", 200).words();
    assert!(after.contains("Version="), "{after}");
    control.command("CSID nothing", 501);
    control.command("CLNT", 501);
}

#[test]
fn pret_is_accepted_for_commands_that_transfer() {
    let server = Server::start(&[]);
    server.root().file("file", "content");
    let mut control = server.anonymous();
    for line in ["RETR file", "stor x", "APPE x", "LIST", "NLST", "MLSD d"] {
        control.command(format!("PRET {line}"), 200);
    }
    control.command("PRET RETR", 501);
    for line in ["PWD", "XYZZY", "DELE file", "AUTH TLS"] {
        control.command(format!("PRET {line}"), 504);
    }
    control.command("PRET", 501);
    control.command("PRET RETR file", 200);
    assert_eq!(control.retrieve("file"), b"content");
}

#[test]
fn lpsv_tells_a_long_address_that_works() {
    let server = Server::start(&[]);
    server.root().file("file", "content");
    let mut control = server.anonymous();
    let words = control.command("LPSV", 228).words();
    let numbers = words.split(['(', ')']).nth(1).unwrap();
    let [high, low] = numbers
        .strip_prefix("4,4,127,0,0,1,2,")
        .unwrap()
        .split_once(',')
        .map(|(high, low)| [high, low].map(|number| number.parse().unwrap()))
        .unwrap();
    let mut address = control.server();
    address.set_port(u16::from_be_bytes([high, low]));
    let data = connect(address);
    control.command("RETR file", 150);
    assert_eq!(read_all(data), b"content");
    control.expect(226);
}

#[test]
fn lprt_is_port_with_a_long_address() {
    let server = Server::start(&[]);
    server.root().file("file", "content");
    let mut control = server.anonymous();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let [high, low] = listener.local_addr().unwrap().port().to_be_bytes();
    control.command(format!("LPRT 4,4,127,0,0,1,2,{high},{low}"), 200);
    control.command("RETR file", 150);
    assert_eq!(read_all(accept(&listener).0), b"content");
    control.expect(226);
    // As PORT: to the client and nobody else, and to no port of the system.
    control.command("LPRT 4,4,192,0,2,1,2,200,1", 500);
    control.command("LPRT 4,4,127,0,0,1,2,0,21", 500);
    control.command("LPRT 4,4,127,0,0,1", 501);
    let words = control
        .command("LPRT 6,16,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,1,2,200,1", 521)
        .words();
    assert!(words.contains("(4)"), "{words}");
    control.goes_on();
}

#[test]
fn lprt_and_lpsv_obey_the_switches_of_their_modes() {
    let server = Server::start(&[("port_enable", "NO"), ("pasv_enable", "NO")]);
    let mut control = server.anonymous();
    control.command("LPRT 4,4,127,0,0,1,2,200,1", 550);
    control.command("LPSV", 550);
}

#[test]
fn other_protocols_are_cut_off_without_a_word_before_and_after_login() {
    let server = Server::start(&[]);
    let mut hello = vec![0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3];
    hello.extend([0xab; 64]);
    let first_words: [(&[u8], &str); 7] = [
        (b"GET /\"><script> HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP"),
        (b"POST / HTTP/1.1\r\n\r\nPWD\r\nQUIT\r\n", "HTTP"),
        (b"DELETE /x HTTP/1.1\r\n", "HTTP"),
        (b"OPTIONS * HTTP/1.1\r\n", "HTTP"),
        (b"put /x HTTP/1.0\r\n", "HTTP"),
        (&hello, "TLS"),
        (b"SSH-2.0-OpenSSH_9.6\r\n", "SSH"),
    ];
    for (words, protocol) in first_words {
        for logged_in in [false, true] {
            let mut control = server.connect();
            if logged_in {
                control.login_anonymous();
            }
            control.send(words);
            control.expect_closed();
            server.wait_for_log(&format!("ended: this is {protocol}, not FTP"));
        }
    }
    assert!(!server.log().contains("script"));
    server.anonymous().command("OPTS UTF8 ON", 200);
}

#[test]
fn after_ten_unknown_commands_before_login_the_session_ends() {
    let server = Server::start(&[]);
    let mut control = server.connect();
    for round in 0..9 {
        control.command(format!("X{round}"), 500);
        // What is known does not count, and takes nothing back.
        control.command("NOOP", 200);
        control.command("AUTH TLS", 502);
    }
    control.command("Host: example.org", 421);
    control.expect_closed();
}

#[test]
fn unknown_commands_after_login_do_not_end_the_session() {
    let server = Server::start(&[]);
    let mut control = server.connect();
    for _ in 0..9 {
        control.command("XYZZY", 500);
    }
    control.login_anonymous();
    for _ in 0..50 {
        control.command("XYZZY", 500);
    }
    control.command("REIN", 220);
    control.command("XYZZY", 421);
    control.expect_closed();
}
