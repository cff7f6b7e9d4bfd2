//! CWD, CDUP, PWD and their X forms (RFC 959 section 4.1.1, RFC 775).

use crate::support::control::Control;
use crate::support::server::Server;

/// The pathname in a 257, quotes undoubled (RFC 959 appendix II).
fn here(control: &mut Control) -> String {
    quoted(&control.command("PWD", 257).words())
}

fn quoted(words: &str) -> String {
    let rest = words
        .strip_prefix('"')
        .unwrap_or_else(|| panic!("no quotes: {words}"));
    let mut path = String::new();
    let mut letters = rest.chars().peekable();
    while let Some(letter) = letters.next() {
        if letter == '"' && letters.next_if_eq(&'"').is_none() {
            return path;
        }
        path.push(letter);
    }
    panic!("no closing quote: {words}");
}

#[test]
fn a_session_begins_in_its_root() {
    let server = Server::start(&[]);
    assert_eq!(here(&mut server.anonymous()), "/");
}

#[test]
fn cwd_and_cdup_walk_down_and_up() {
    let server = Server::start(&[]);
    server.root().dir("a/b/c");
    let mut control = server.anonymous();
    control.command("CWD a", 250);
    control.command("CWD b/c", 250);
    assert_eq!(here(&mut control), "/a/b/c");
    control.command("CDUP", 250);
    assert_eq!(here(&mut control), "/a/b");
    control.command("CWD ../../a/./b//c/", 250);
    assert_eq!(here(&mut control), "/a/b/c");
    control.command("CWD /a", 250);
    assert_eq!(here(&mut control), "/a");
}

#[test]
fn the_x_forms_do_the_same() {
    let server = Server::start(&[]);
    server.root().dir("a/b");
    let mut control = server.anonymous();
    control.command("XCWD a/b", 250);
    assert_eq!(quoted(&control.command("XPWD", 257).words()), "/a/b");
    control.command("XCUP", 250);
    assert_eq!(here(&mut control), "/a");
}

#[test]
fn cwd_above_root_stays_at_root() {
    let server = Server::start(&[]);
    server.root().dir("a");
    let mut control = server.anonymous();
    for line in [
        "CDUP",
        "CWD ..",
        "CWD ../../../..",
        "CWD /..",
        "CWD a/../../..",
    ] {
        control.command(line, 250);
        assert_eq!(here(&mut control), "/", "{line}");
    }
}

#[test]
fn a_refused_cwd_leaves_the_session_where_it_was() {
    let server = Server::start(&[]);
    server.root().dir("a");
    server.root().file("file", "x");
    let mut control = server.anonymous();
    control.command("CWD a", 250);
    for line in ["CWD missing", "CWD /file", "CWD /file/", "CWD /file/x"] {
        control.command(line, 550);
        assert_eq!(here(&mut control), "/a", "{line}");
    }
    control.command("CWD", 501);
    assert_eq!(here(&mut control), "/a");
}

#[test]
fn a_directory_removed_under_the_session_is_refused_politely() {
    let server = Server::writable();
    server.root().dir("a/b");
    let mut control = server.anonymous();
    control.command("CWD a/b", 250);
    server.anonymous().command("RMD /a/b", 250);
    control.command_any("SIZE x", &[550]);
    control.command("PWD", 257);
    control.command("CWD /a", 250);
}

#[test]
fn names_with_blanks_quotes_and_chinese_letters_are_directories_too() {
    let server = Server::start(&[]);
    for name in [
        "with blanks",
        " leading",
        "trailing ",
        "quo\"te",
        "目录",
        "a'b",
        "-l",
        "*",
    ] {
        server.root().dir(name);
        let mut control = server.anonymous();
        control.command(format!("CWD {name}"), 250);
        assert_eq!(here(&mut control), format!("/{name}"));
    }
}

#[test]
fn a_quote_in_a_name_is_doubled_in_the_reply() {
    let server = Server::start(&[]);
    server.root().dir("say \"hi\"");
    let mut control = server.anonymous();
    control.command("CWD say \"hi\"", 250);
    let reply = control.command("PWD", 257);
    assert!(
        reply.text().starts_with("257 \"/say \"\"hi\"\"\""),
        "{}",
        reply.text()
    );
}

#[test]
fn a_very_deep_and_a_very_long_name_are_refused_or_found() {
    let server = Server::start(&[]);
    let mut control = server.anonymous();
    control.command(format!("CWD {}", "x".repeat(300)), 550);
    control.command_any(format!("CWD {}", "d/".repeat(1900)), &[550, 501, 500]);
    control.goes_on();
}
