//! Rules of RFC 959, 1123 and 2577 that no dialogue of a family of commands
//! shows; each test is named in `requirements.txt`. Later RFCs are in
//! `extensions`.

use std::io::{ErrorKind, Read, Write};
use std::net::Ipv4Addr;
use std::os::unix::fs::MetadataExt;
use std::time::{Duration, Instant};

use super::support::control::Control;
use super::support::data::{accept, read_all};
use super::support::server::{Launch, Server};

#[test]
fn without_an_argument_of_its_own_a_type_is_non_print_again() {
    let server = Server::start(&[]);
    let mut control = server.anonymous();
    let shown = |control: &mut Control| {
        let text = control.command("STAT", 211).text();
        let line = text.lines().find(|line| line.contains("TYPE:")).unwrap();
        line.trim().to_owned()
    };
    control.command("TYPE A T", 200);
    assert_eq!(shown(&mut control), "TYPE: ASCII T, STRU: F, MODE: S");
    control.command("TYPE E", 200);
    assert_eq!(shown(&mut control), "TYPE: EBCDIC, STRU: F, MODE: S");
    control.command("TYPE A C", 200);
    control.command("TYPE A", 200);
    assert_eq!(shown(&mut control), "TYPE: ASCII, STRU: F, MODE: S");
}

#[test]
fn a_fetched_file_stays_as_it_was() {
    let server = Server::writable();
    let path = server.root().file("file", "content");
    let before = std::fs::metadata(&path).unwrap();
    let mut control = server.anonymous();
    assert_eq!(control.retrieve("file"), b"content");
    let after = std::fs::metadata(&path).unwrap();
    assert_eq!(after.mtime_nsec(), before.mtime_nsec());
    assert_eq!(after.ctime_nsec(), before.ctime_nsec());
    assert_eq!(std::fs::read(&path).unwrap(), b"content");
}

/// Nobody serves this data connection any more.
#[track_caller]
fn is_let_go(mut data: impl Read) {
    let mut byte = [0];
    match data.read(&mut byte) {
        Ok(0) => {}
        Err(error) if error.kind() == ErrorKind::ConnectionReset => {}
        other => panic!("{other:?}"),
    }
}

#[test]
fn abor_without_a_transfer_lets_the_data_connection_go() {
    let server = Server::start(&[]);
    server.root().file("file", "content");
    let mut control = server.anonymous();
    let data = control.passive();
    control.command("ABOR", 225);
    control.command("RETR file", 425);
    is_let_go(data);
    control.goes_on();
}

#[test]
fn the_end_of_a_session_lets_the_data_connection_go() {
    let server = Server::start(&[]);
    for line in ["QUIT", "REIN"] {
        let mut control = server.anonymous();
        let data = control.passive();
        control.command_any(line, &[220, 221]);
        is_let_go(data);
    }
    let mut control = server.anonymous();
    let data = control.passive();
    drop(control);
    is_let_go(data);
}

#[test]
fn an_active_connection_comes_from_the_address_the_client_speaks_to() {
    let server = Server::start(&[("listen_address", "0.0.0.0")]);
    server.root().file("file", "content");
    for last in [1, 2, 3] {
        let there = Ipv4Addr::new(127, 0, 0, last);
        let mut control = Control::connect((there, server.address().port()).into());
        control.login_anonymous();
        let listener = control.active();
        control.command("RETR file", 150);
        let (data, peer) = accept(&listener);
        assert_eq!(peer.ip(), there);
        assert_eq!(read_all(data), b"content");
        control.expect(226);
    }
}

#[test]
fn help_may_be_asked_before_login_and_about_every_command() {
    let server = Server::writable();
    let mut control = server.connect();
    control.command("HELP", 214);
    let words = control.command("HELP RETR", 214).words();
    assert!(words.starts_with("Syntax: RETR <SP> pathname"), "{words}");
    let site = control.command("HELP SITE", 214);
    assert!(site.text().contains("SITE CHMOD"), "{}", site.text());
    control.login_anonymous();
    assert_eq!(control.command("SITE HELP", 214), site);
}

#[test]
fn noop_forgets_nothing_that_was_entered() {
    let server = Server::writable();
    server.root().file("file", "0123456789");
    let mut control = server.connect();
    control.command("USER anonymous", 331);
    control.command("NOOP", 200);
    control.command("PASS x", 230);
    control.command("TYPE I", 200);
    control.command("REST 7", 350);
    let data = control.passive();
    control.command("NOOP", 200);
    control.command("RETR file", 150);
    assert_eq!(read_all(data), b"789");
    control.expect(226);
    control.command("RNFR file", 350);
    control.command("NOOP", 200);
    control.command("RNTO other", 250);
}

#[test]
fn a_failed_sequence_begins_anew() {
    let launch = Launch::new().writable();
    let home = launch.root().path().to_owned();
    let server = launch.account("someone", "word", &home).start();
    server.root().file("file", "");
    let mut control = server.connect();
    control.command("USER nobody-here", 331);
    control.command("PASS x", 530);
    control.command("PASS x", 503);
    control.login_anonymous();
    control.command("RNFR file", 350);
    control.command("RNTO missing/x", 550);
    control.command("RNTO other", 503);
}

#[test]
fn lines_inside_a_reply_are_none_that_ends_it() {
    let server = Server::start(&[]);
    server.root().file("211 End", "");
    server.root().file("250 x", "");
    server.root().file("212 End of status", "");
    let mut control = server.anonymous();
    for (line, code) in [("STAT /", 212), ("STAT", 211), ("HELP", 214), ("FEAT", 211)] {
        let reply = control.command(line, code);
        let inside = &reply.lines[1..reply.lines.len() - 1];
        assert!(!inside.is_empty(), "{line}");
        for text in inside {
            assert!(!text[0].is_ascii_digit(), "{}", reply.text());
        }
    }
    let text = control.command("MLST 250 x", 250).text();
    let facts = text.lines().nth(1).unwrap();
    assert!(
        facts.starts_with(' ') && facts.ends_with(" /250 x"),
        "{facts}"
    );
    control.goes_on();
}

#[test]
fn what_the_name_list_gives_can_be_fetched() {
    let server = Server::start(&[]);
    let names = [
        "plain",
        "with blanks",
        " leading",
        "quo\"te",
        "文件",
        "50%",
        "-l",
    ];
    for name in names {
        server.root().file(name, name);
    }
    let mut control = server.anonymous();
    // Whatever the type is: the listing itself is text.
    control.command("TYPE I", 200);
    server.root().dir("d");
    control.command("CWD d", 250);
    for line in ["NLST ..", "NLST /", "NLST ../*", "NLST ../d/.."] {
        let mut listed = control.listing(line);
        listed.retain(|name| !name.ends_with("/d"));
        assert_eq!(listed.len(), names.len(), "{line}");
        for name in listed {
            let content = control.retrieve(&name);
            assert!(name.as_bytes().ends_with(&content), "{name}");
        }
    }
}

#[test]
fn a_silent_session_may_be_so_for_five_minutes_unless_configured() {
    let server = Server::start(&[]);
    let text = server.anonymous().command("STAT", 211).text();
    assert!(text.contains("timeout in seconds is 300"), "{text}");
    let server = Server::start(&[("idle_session_timeout", "77")]);
    let text = server.anonymous().command("STAT", 211).text();
    assert!(text.contains("timeout in seconds is 77"), "{text}");
}

#[test]
fn passive_ports_cannot_be_guessed_from_the_last() {
    let server = Server::start(&[]);
    let mut control = server.anonymous();
    let ports: Vec<u16> = (0..20).map(|_| control.epsv().port()).collect();
    let steps: Vec<i32> = ports
        .windows(2)
        .map(|pair| i32::from(pair[1]) - i32::from(pair[0]))
        .collect();
    let constant = steps.iter().all(|step| *step == steps[0]);
    assert!(!constant, "{ports:?}");
}

#[test]
fn two_data_ports_named_by_the_client_count_as_the_last() {
    let server = Server::start(&[]);
    server.root().file("file", "content");
    let mut control = server.anonymous();
    let first = control.active();
    let second = control.active();
    control.command("RETR file", 150);
    assert_eq!(read_all(accept(&second).0), b"content");
    control.expect(226);
    first.set_nonblocking(true).unwrap();
    assert_eq!(first.accept().unwrap_err().kind(), ErrorKind::WouldBlock);
}

#[test]
fn a_transfer_that_is_refused_leaves_what_was_stored_before() {
    let server = Server::writable();
    server.root().file("file", "content");
    let mut control = server.anonymous();
    control.command("STOR file", 425);
    control.refused("STOR missing/file", &[553]);
    let mut data = control.passive();
    control.command("STOR new", 150);
    data.write_all(b"all of it").unwrap();
    drop(data);
    control.expect(226);
    assert_eq!(server.root().read("file"), b"content");
    assert_eq!(server.root().read("new"), b"all of it");
}

#[test]
fn a_wrong_password_is_answered_late() {
    let launch = Launch::new().option("delay_failed_login", "1");
    let home = launch.root().path().to_owned();
    let server = launch.account("someone", "word", &home).start();
    let mut control = server.connect();
    control.command("USER nobody-here", 331);
    let begin = Instant::now();
    control.command("PASS x", 530);
    assert!(begin.elapsed() >= Duration::from_secs(1));
}
