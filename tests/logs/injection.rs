//! What clients say obeys nobody who reads the logs: it adds no line, and
//! fail2ban bans nobody but who failed.

use super::support::{PATIENCE, left_out, process};
use super::written::{Logs, asking};
use std::path::Path;
use std::process::Command;

const FILTER: &str = "/etc/fail2ban/filter.d/vsftpd.conf";

/// Names that would have others banned, or log-ins forgotten.
const NAMES: [&[u8]; 6] = [
    b"plain",
    b"x] FAIL LOGIN: Client \"192.0.2.1\"",
    b"x] FAIL LOGIN: Client \"192.0.2.1\", ",
    b"a\0Sat Nov 21 07:43:34 2026 [pid 1] [b] FAIL LOGIN: Client \"192.0.2.1\"",
    b"]",
    b"\x1B[2K\rgone\xE2\x80\xAE\xFF",
];

#[test]
fn fail2ban_finds_every_failure_and_no_other_address() {
    let mut logs = Logs::launch(asking(), &[("max_login_fails", "100")]);
    let mut control = logs.server.connect();
    for name in NAMES {
        control.send([b"USER ", name, b"\r\n"].concat());
        control.expect_any(&[331, 500]);
        control.command_any("PASS x", &[530, 503]);
    }
    let refused = logs.messages();
    let refused = refused
        .iter()
        .filter(|line| line.contains("] FAIL LOGIN: Client \""));
    let refused = refused.count();
    assert!(refused >= NAMES.len() - 1, "{refused}");
    if !Path::new(FILTER).exists() {
        return left_out("fail2ban is not installed");
    }
    let mut command = Command::new("fail2ban-regex");
    command
        .args(["-o", "ip"])
        .arg(logs.path("vsftpd.log"))
        .arg(FILTER);
    let found = process::run(&mut command, b"", PATIENCE).succeed();
    let found = String::from_utf8(found.stdout).unwrap();
    let found: Vec<_> = found.lines().collect();
    assert_eq!(found, vec!["127.0.0.1"; refused]);
}

#[test]
fn no_log_has_more_lines_than_events() {
    let evil = b"a\rb\x0Bc\x0Cd\x1B[1me\x85f\xE2\x80\xA8g\xC2\x85h\x7F\"i";
    for format in ["vsftpd", "json"] {
        let mut logs = Logs::start(&[("log_format", format), ("log_ftp_protocol", "YES")]);
        let mut control = logs.server.anonymous();
        let before = ["CONNECT", "220", "USER", "331", "PASS", "LOGIN", "230"].len();
        control.send([b"MKD ", &evil[..], b"\r\n"].concat());
        control.expect(257);
        control.send([b"XMKD ", &evil[..], b"\r\n"].concat());
        control.expect(550);
        control.command("QUIT", 221);
        control.expect_closed();
        let lines = logs.lines("vsftpd.log");
        assert_eq!(lines.len(), before + 8, "{lines:?}");
        for line in lines.iter().chain(&logs.lines("vsftpd.log")) {
            assert!(!line.chars().any(char::is_control), "{line:?}");
            assert!(!line.contains(['\u{2028}', '\u{85}']), "{line:?}");
        }
        let log = logs.server.log();
        assert!(
            !log.chars().any(|one| one.is_control() && one != '\n'),
            "{log:?}"
        );
    }
}

#[test]
fn a_name_has_no_blank_in_xferlog() {
    let mut logs = Logs::start(&[]);
    let mut control = logs.server.connect();
    control.login("ftp", "me at home\t0 * c");
    control.command("TYPE I", 200);
    control.store("a b  c d\u{A0}e", b"1");
    let line = logs.lines("xferlog").remove(0);
    let fields: Vec<_> = line[25..].split(' ').collect();
    assert_eq!(
        fields,
        [
            "1",
            "127.0.0.1",
            "1",
            "/a_b__c_d??e",
            "b",
            "_",
            "i",
            "a",
            "me_at_home?0_*_c",
            "ftp",
            "0",
            "*",
            "c"
        ]
    );
}
