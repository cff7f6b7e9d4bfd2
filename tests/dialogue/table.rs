//! The command tables as promises: what a row says a command needs is what the
//! running server asks for, whatever the command does. SITE commands have been
//! forgotten elsewhere (CVE-2015-3306, CVE-2019-12815).

use ironftpd::protocol::command::{Access, Arg, COMMANDS, Needs};
use ironftpd::protocol::site::SITE_COMMANDS;

use crate::support::server::{Launch, Server};
use crate::support::temp::TempDir;
use crate::support::tls::Files;

/// A line for each spelling of each command that `wanted` picks.
fn lines(wanted: impl Fn(Needs, Access) -> bool) -> Vec<String> {
    let argument = |arg: Arg| if arg == Arg::Required { " file" } else { "" };
    let commands = COMMANDS
        .iter()
        .filter(|row| wanted(row.needs, row.access))
        .flat_map(|row| {
            let name = |name: &&str| format!("{name}{}", argument(row.arg));
            row.names.iter().map(name)
        });
    let site = SITE_COMMANDS
        .iter()
        .filter(|row| wanted(Needs::Login, row.access))
        .flat_map(|row| {
            let name = |name: &&str| format!("SITE {name}{}", argument(row.arg));
            row.names.iter().map(name)
        });
    commands.chain(site).collect()
}

/// What is in a directory, with content, mode and time of each file.
fn state(root: &TempDir) -> Vec<String> {
    let mut found: Vec<String> = std::fs::read_dir(root.path())
        .unwrap()
        .map(|entry| {
            let entry = entry.unwrap();
            let data = entry.metadata().unwrap();
            let content = std::fs::read(entry.path()).unwrap_or_default();
            let modified = data.modified().unwrap();
            let mode = data.permissions();
            format!("{:?} {content:?} {mode:?} {modified:?}", entry.file_name())
        })
        .collect();
    found.sort();
    found
}

#[test]
fn before_login_every_row_that_needs_one_is_refused() {
    let files = Files::new();
    let launch = Launch::new().writable().tls(&files);
    let server = launch.option("ccc_enable", "YES").start();
    server.root().file("file", "kept");
    let before = state(server.root());
    let mut control = server.connect();
    let lines = lines(|needs, _| needs == Needs::Login);
    assert!(lines.len() > 60, "{} lines", lines.len());
    for line in lines {
        control.command(&line, 530);
    }
    assert_eq!(state(server.root()), before);
    control.login_anonymous();
}

#[test]
fn every_row_that_writes_is_refused_to_a_read_only_account() {
    let home = TempDir::new();
    home.file("file", "kept");
    let before = state(&home);
    let launch = Launch::new().read_only_account("reader", "word", home.path());
    let server = launch.option("write_enable", "YES").start();
    let mut control = server.login("reader", "word");
    let lines = lines(|_, access| access == Access::Write);
    assert!(lines.len() > 20, "{} lines", lines.len());
    for line in lines {
        control.command(&line, 550);
    }
    assert_eq!(state(&home), before);
    control.goes_on();
}

#[test]
fn every_row_that_writes_is_refused_to_anonymous_users_without_write_enable() {
    let launch = Launch::new().writable().option("write_enable", "NO");
    launch.root().file("file", "kept");
    let server = launch.start();
    let before = state(server.root());
    let mut control = server.anonymous();
    for line in lines(|_, access| access == Access::Write) {
        control.command(&line, 550);
    }
    assert_eq!(state(server.root()), before);
    control.goes_on();
}

#[test]
fn feat_offers_what_writes_only_where_writing_is_on() {
    let offered = [" MFMT", " MFF modify;", " SITE UTIME", " SITE COPY"];
    let text = Server::writable().connect().command("FEAT", 211).text();
    for line in offered {
        assert!(text.contains(line), "{line} is not in {text}");
    }
    assert!(!text.contains("MFCT"), "what is always refused: {text}");
    let text = Server::start(&[]).connect().command("FEAT", 211).text();
    for line in offered {
        assert!(!text.contains(line), "{line} is in {text}");
    }
    assert!(text.contains(" MDTM") && text.contains(" MLST"), "{text}");
}

#[test]
fn help_knows_every_row() {
    let server = Server::writable();
    let mut control = server.anonymous();
    for row in SITE_COMMANDS {
        let name = row.names[0];
        let text = control.command(format!("SITE HELP {name}"), 214).text();
        assert!(text.contains(&format!("SITE {name}")), "{text}");
        let all = control.command("HELP SITE", 214).text();
        assert!(all.contains(row.syntax), "{all}");
    }
    control.command("SITE HELP XYZZY", 501);
}
