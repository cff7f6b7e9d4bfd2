//! Logs that the configuration asks for only when it is read again.

use super::support::server::Server;
use super::written::Logs;
use std::fs;

/// Sets an option in the server's file and has it read again; gives the line
/// that says how that went.
#[track_caller]
fn set(server: &Server, name: &str, value: &str) -> String {
    let file = server.accounts_file().with_file_name("ironftpd.conf");
    let text = fs::read_to_string(&file).unwrap();
    let start = format!("{name}=");
    let others = text.lines().filter(|line| !line.starts_with(&start));
    let mut text = others.fold(String::new(), |text, line| text + line + "\n");
    text.push_str(&format!("{start}{value}\n"));
    fs::write(&file, text).unwrap();
    let before = server.log().matches("reloaded").count();
    server.signal(libc::SIGHUP);
    server.wait_for_nth("reloaded", before)
}

#[test]
fn a_log_is_switched_on_moved_and_switched_off() {
    let mut logs = Logs::start(&[("dual_log_enable", "NO")]);
    let (first, second) = (logs.path("vsftpd.log"), logs.path("second.log"));
    logs.server.anonymous().command("DELE before", 550);
    let said = set(&logs.server, "xferlog_enable", "YES");
    assert!(said.contains("changed: xferlog_enable"), "{said}");
    logs.server.anonymous().command("DELE first", 550);
    let mut old = logs.server.anonymous();
    set(&logs.server, "vsftpd_log_file", second.to_str().unwrap());
    logs.server.anonymous().command("DELE second", 550);
    // A session that was there writes where the log is now.
    old.command("DELE old", 550);
    set(&logs.server, "log_format", "json");
    logs.server.anonymous().command("DELE json", 550);
    set(&logs.server, "xferlog_enable", "NO");
    logs.server.anonymous().command("DELE after", 550);
    logs.server.whole_log();
    let text = |path| fs::read_to_string(path).unwrap();
    let (first, second) = (text(&first), text(&second));
    for (name, is_in) in [
        ("/before", [false, false]),
        ("/first", [true, false]),
        ("/second", [false, true]),
        ("/old", [false, true]),
        ("/json", [false, true]),
        ("/after", [false, false]),
    ] {
        assert_eq!(
            [first.contains(name), second.contains(name)],
            is_in,
            "{name}"
        );
    }
    let json = second.lines().find(|line| line.contains("/json")).unwrap();
    assert!(json.starts_with('{'), "{json}");
}

#[test]
fn a_log_that_cannot_be_written_leaves_all_as_it_was() {
    let mut logs = Logs::start(&[]);
    let said = set(&logs.server, "xferlog_file", "/nowhere/at/all");
    assert!(
        said.contains("the configuration of before stays: xferlog_file"),
        "{said}"
    );
    logs.server.anonymous().store("file", b"1");
    assert_eq!(logs.lines("xferlog").len(), 1);
}
