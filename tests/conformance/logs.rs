//! The logs of Debian's vsftpd beside ours, after the same dialogue: they are
//! the same but for time, process and rate, and for replies in other words.

use std::fs;
use std::net::SocketAddr;

use super::peers::{Peer, ironftpd_of};
use super::support::control::Control;
use super::support::left_out;
use super::support::server::Launch;
use super::support::temp::TempDir;

const CONNECT: &str = "CONNECT: Client \"127.0.0.1\"";

/// Everything that vsftpd logs, done well and done badly.
fn perform(address: SocketAddr) {
    let mut control = Control::connect(address);
    control.command("USER nobody here", 331);
    control.command("PASS wrong", 530);
    control.command("USER ftp", 331);
    control.command("PASS me at home\t", 230);
    control.command("TYPE I", 200);
    assert_eq!(control.retrieve("file").len(), 8);
    control.retrieve("empty");
    control.refused("RETR none", &[550]);
    control.store("w/a b", b"12345");
    control.give("APPE w/a b", b"67");
    control.give(b"STOR w/\xE4\xB8\xAD\x7F", b"");
    control.refused("STOR none/file", &[553]);
    control.command("TYPE A", 200);
    control.give("STOR w/lines", b"one\r\ntwo\r\n");
    control.listing("LIST");
    control.command("MKD w/d", 257);
    control.command("MKD w/d", 550);
    control.command("RNFR w/d", 350);
    control.command("RNTO w/e", 250);
    control.command("RNFR w/e", 350);
    control.command("RNTO none/e", 550);
    control.command("RNFR w/none", 550);
    control.command("RMD w/e", 250);
    control.command("RMD w/e", 550);
    control.command("DELE w/lines", 250);
    control.command("DELE w/lines", 550);
    control.command("CWD none", 550);
    control.command("SIZE none", 550);
    control.command("XYZZY", 500);
    control.command("QUIT", 221);
    control.expect_closed();
}

/// A log without what differs from run to run. The rate of nothing is 0.00.
fn comparable(text: &str) -> Vec<String> {
    let line = |line: &str| {
        let (_, rest) = line.split_at(24);
        let rest = match rest.split_once("] ") {
            Some((process, rest)) if process.starts_with(" [pid ") => rest,
            _ => rest,
        };
        match rest.split_once(" bytes, ") {
            Some((start, _)) => format!("{start} bytes, at a rate"),
            None => rest.to_owned(),
        }
    };
    text.lines().map(line).collect()
}

/// Lines that tell neither a reply, whose words are ours, nor who has come:
/// theirs was called once to see whether it answers, at no certain moment.
fn without_replies(lines: &[String]) -> Vec<&String> {
    let is_other = |line: &&String| !line.contains("FTP response: ") && *line != CONNECT;
    lines.iter().filter(is_other).collect()
}

#[test]
fn logs_are_those_of_vsftpd() {
    let theirs = match Peer::Vsftpd.start_with("local_enable=YES\npam_service_name=other\n") {
        Ok(running) => running,
        Err(reason) => return left_out(&format!("vsftpd: {reason}")),
    };
    perform(theirs.address);
    let logs = TempDir::new();
    let path = |name| logs.path().join(name).display().to_string();
    let launch = Launch::new().options(&[
        ("dual_log_enable", "YES"),
        ("log_ftp_protocol", "YES"),
        ("vsftpd_log_file", &path("vsftpd.log")),
        ("xferlog_file", &path("xferlog")),
        ("ftp_username", "daemon"),
    ]);
    // So that others are asked for a password.
    let mut ours = ironftpd_of(launch.account("someone", "word", logs.path()));
    perform(ours.address());
    ours.whole_log();
    let own = |name| fs::read_to_string(path(name)).unwrap();
    let standard = comparable(&own("xferlog"));
    assert_eq!(standard, comparable(&theirs.log("xferlog")));
    assert_eq!(standard.len(), 8, "{standard:?}");
    let (ours, theirs) = (
        comparable(&own("vsftpd.log")),
        comparable(&theirs.log("vsftpd.log")),
    );
    let (lines, expected) = (without_replies(&ours), without_replies(&theirs));
    assert_eq!(lines, expected);
    assert!(lines.len() > 45, "{lines:#?}");
    for log in [&ours, &theirs] {
        assert!(log.iter().any(|line| line == CONNECT), "{log:#?}");
    }
    // The same shape where the words are the same.
    for words in [
        "331 Please specify the password.",
        "230 Login successful.",
        "221 Goodbye.",
    ] {
        let find = |lines: &[String]| lines.iter().rfind(|line| line.contains(words)).cloned();
        assert_eq!(find(&ours), find(&theirs));
        assert!(find(&ours).is_some(), "{words}");
    }
}
