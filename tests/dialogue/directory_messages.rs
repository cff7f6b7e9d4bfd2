//! dirmessage_enable and message_file: shown once for each directory of a
//! session, and no way out of the root.

use std::os::unix::fs::PermissionsExt;

use crate::support::control::Reply;
use crate::support::fifo::Fifo;
use crate::support::is_vsftpd;
use crate::support::server::{Launch, Server};

/// A server with messages in `/` and `/sub`.
fn launch() -> Launch {
    let launch = Launch::new().option("dirmessage_enable", "YES");
    launch.root().file(".message", "Welcome\n\nto the root\n");
    launch.root().file("sub/.message", "in sub, without an end");
    launch.root().dir("plain");
    launch.root().link("link", "sub");
    launch
}

/// The lines of a reply before its last.
fn before(reply: &Reply) -> Vec<String> {
    let lines = reply.lines.split_last().unwrap().1;
    lines
        .iter()
        .map(|line| String::from_utf8_lossy(line).into_owned())
        .collect()
}

/// Logs in and gives the reply to PASS.
fn welcomed(server: &Server) -> Reply {
    let mut control = server.connect();
    control.command("USER anonymous", 331);
    control.command("PASS x", 230)
}

#[test]
fn a_message_is_shown_at_the_login_and_at_the_first_visit() {
    let server = launch().start();
    let mut control = server.connect();
    control.command("USER anonymous", 331);
    let reply = control.command("PASS x", 230);
    assert_eq!(reply.words(), "Login successful.");
    assert_eq!(before(&reply), ["230-Welcome", "230-", "230-to the root"]);
    let reply = control.command("CWD sub", 250);
    assert_eq!(before(&reply), ["250-in sub, without an end"]);
    assert_eq!(reply.words(), "Directory successfully changed.");
    for line in [
        "CWD /sub",
        "CDUP",
        "CWD sub",
        "CWD /link",
        "CWD /plain",
        "CWD /",
    ] {
        let reply = control.command(line, 250);
        assert_eq!(before(&reply), [""; 0], "{line}");
    }
    control.command("CWD none", 550);
    // Another session sees it again.
    assert_eq!(before(&welcomed(&server)).len(), 3);
}

#[test]
fn messages_are_off_unless_asked_for() {
    let server = launch().option("dirmessage_enable", "NO").start();
    assert_eq!(before(&welcomed(&server)), [""; 0]);
}

#[test]
fn the_file_may_have_another_name() {
    let launch = launch().option("message_file", "about");
    launch.root().file("sub/about", "About sub\n");
    let server = launch.start();
    let mut control = server.anonymous();
    assert_eq!(before(&control.command("CWD sub", 250)), ["250-About sub"]);
    let server = with("message_file", "");
    assert_eq!(before(&welcomed(&server)), [""; 0]);
    let server = with("message_file", "/sub/.message");
    assert_eq!(before(&welcomed(&server)), ["230-in sub, without an end"]);
}

fn with(option: &str, value: &str) -> Server {
    launch().option(option, value).start()
}

/// vsftpd passes on what ends such a line, and breaks its own.
#[test]
fn lines_may_end_as_on_other_systems() {
    if is_vsftpd() {
        return;
    }
    let launch = launch();
    launch.root().file("sub/.message", "one\r\ntwo\r\n");
    let server = launch.start();
    let reply = server.anonymous().command("CWD sub", 250);
    assert_eq!(before(&reply), ["250-one", "250-two"]);
}

#[test]
fn what_is_denied_and_hidden_is_shown_as_a_message() {
    let server = launch().option("deny_file", ".message").start();
    assert_eq!(before(&welcomed(&server)).len(), 3);
}

#[test]
fn no_message_leads_out_of_the_root_or_stops_a_session() {
    let launch = launch();
    let outside = crate::support::temp::TempDir::new();
    outside.file("secret", "the secret\n");
    let root = launch.root();
    root.dir("relative");
    root.link("relative/.message", "../../../../../../../../../etc/passwd");
    root.dir("absolute");
    root.link("absolute/.message", outside.path().join("secret"));
    root.dir("directory/.message");
    root.dir("pipe");
    let _pipe = Fifo::new(root, "pipe/.message");
    let path = root.file("locked/.message", "private");
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o000)).unwrap();
    let server = launch.start();
    let mut control = server.anonymous();
    for name in ["relative", "absolute", "directory", "pipe"] {
        let reply = control.command(format!("CWD /{name}"), 250);
        assert_eq!(before(&reply), [""; 0], "{name}");
    }
    control.command("CWD /locked", 250);
    control.goes_on();
}

#[test]
fn a_long_message_is_cut_off() {
    let launch = launch();
    launch
        .root()
        .file("long/.message", "0123456789\n".repeat(100_000));
    let server = launch.start();
    let mut control = server.anonymous();
    let reply = control.command("CWD long", 250);
    let lines = before(&reply);
    assert!(lines.len() > 300 && lines.len() < 4000, "{}", lines.len());
    control.goes_on();
}

#[test]
fn signs_of_a_message_forge_no_reply() {
    if is_vsftpd() {
        return;
    }
    let launch = launch();
    launch
        .root()
        .file("odd/.message", b"250 done\n\xff\xf4\r550 x\n%C %T\n");
    let server = launch.start();
    let mut control = server.anonymous();
    let reply = control.command("CWD odd", 250);
    assert_eq!(before(&reply)[0], "250-250 done");
    control.goes_on();
}
