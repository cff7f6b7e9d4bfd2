//! SIZE, MDTM, MLST, MLSD (RFC 3659) and MFMT (draft-somers-ftp-mfxx).

use std::fs::File;
use std::time::{Duration, SystemTime};

use crate::support::server::Server;

/// 2009-02-13 23:31:30 UTC.
const STAMP: u64 = 1_234_567_890;

fn dated(server: &Server, name: &str, seconds: u64) {
    let path = server.root().file(name, "12345");
    let file = File::options().write(true).open(path).unwrap();
    file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds))
        .unwrap();
}

fn modified(server: &Server, name: &str) -> u64 {
    let data = std::fs::metadata(server.root().path().join(name)).unwrap();
    data.modified()
        .unwrap()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap()
        .as_secs()
}

/// Splits a line of facts: (facts in lower case, pathname).
fn split(line: &str) -> (String, String) {
    let (facts, name) = line
        .split_once(' ')
        .unwrap_or_else(|| panic!("no space: {line:?}"));
    (facts.to_lowercase(), name.to_owned())
}

#[test]
fn size_tells_the_bytes_of_a_file() {
    let server = Server::start(&[]);
    server.root().file("a file", "12345");
    server.root().file("empty", "");
    let mut control = server.anonymous();
    control.command("TYPE I", 200);
    assert_eq!(control.command("SIZE a file", 213).words(), "5");
    assert_eq!(control.command("SIZE /empty", 213).words(), "0");
    control.command("SIZE", 501);
}

#[test]
fn size_in_type_a_is_answered_as_ftplib_expects() {
    let server = Server::start(&[]);
    server.root().file("file", "one\ntwo\n");
    let mut control = server.anonymous();
    control.command("TYPE A", 200);
    assert_eq!(control.command("SIZE file", 213).words(), "8");
}

#[test]
fn size_of_what_is_no_file_gives_550() {
    let server = Server::start(&[]);
    server.root().dir("dir");
    let mut control = server.anonymous();
    control.command("SIZE dir", 550);
    control.command("SIZE missing", 550);
    control.command("SIZE /", 550);
}

#[test]
fn mdtm_tells_the_time_in_utc() {
    let server = Server::start(&[]);
    dated(&server, "file", STAMP);
    dated(&server, "leap", 1_709_164_800);
    let mut control = server.anonymous();
    assert_eq!(control.command("MDTM file", 213).words(), "20090213233130");
    assert_eq!(control.command("MDTM leap", 213).words(), "20240229000000");
    control.command("MDTM missing", 550);
    control.command("MDTM", 501);
}

#[test]
fn mfmt_sets_the_time_and_tells_it() {
    let server = Server::writable();
    server.root().file("a file", "12345");
    let mut control = server.anonymous();
    let words = control.command("MFMT 20090213233130 a file", 213).words();
    let (fact, name) = words
        .split_once(' ')
        .unwrap_or_else(|| panic!("no space: {words}"));
    assert_eq!(fact.to_lowercase(), "modify=20090213233130;");
    assert!(name == "a file" || name == "/a file", "{words}");
    assert_eq!(modified(&server, "a file"), STAMP);
    assert_eq!(
        control.command("MDTM a file", 213).words(),
        "20090213233130"
    );
}

#[test]
fn mfmt_refuses_bad_times_and_missing_files() {
    let server = Server::writable();
    dated(&server, "file", STAMP);
    let mut control = server.anonymous();
    for line in [
        "MFMT",
        "MFMT file",
        "MFMT 2009 file",
        "MFMT 20091313000000 file",
        "MFMT 20090230000000 file",
        "MFMT 20090101250000 file",
        "MFMT 2009010100000x file",
        "MFMT 99999999999999999999 file",
        "MFMT -0090101000000 file",
    ] {
        control.command(line, 501);
    }
    control.command("MFMT 20090213233130 missing", 550);
    assert_eq!(modified(&server, "file"), STAMP);
    control.goes_on();
}

#[test]
fn mlst_tells_the_facts_of_one_name() {
    let server = Server::start(&[]);
    dated(&server, "a file", STAMP);
    let mut control = server.anonymous();
    let reply = control.command("MLST a file", 250);
    assert_eq!(reply.lines.len(), 3, "{}", reply.text());
    let line = String::from_utf8(reply.lines[1].clone()).unwrap();
    // RFC 3659 section 7.2: exactly one space before the facts.
    let line = line
        .strip_prefix(' ')
        .unwrap_or_else(|| panic!("no space: {line:?}"));
    let (facts, name) = split(line);
    assert!(name == "/a file" || name == "a file", "{line}");
    for fact in ["type=file;", "size=5;", "modify=20090213233130;"] {
        assert!(facts.contains(fact), "{fact} is not in {facts}");
    }
}

#[test]
fn mlst_without_a_name_tells_of_the_current_directory() {
    let server = Server::start(&[]);
    server.root().dir("dir");
    let mut control = server.anonymous();
    control.command("CWD dir", 250);
    let text = control.command("MLST", 250).text();
    let line = text.lines().nth(1).unwrap().trim_start().to_owned();
    let (facts, name) = split(&line);
    assert!(
        facts.contains("type=dir;") || facts.contains("type=cdir;"),
        "{facts}"
    );
    assert_eq!(name, "/dir");
}

#[test]
fn mlst_of_a_missing_name_gives_550() {
    let server = Server::start(&[]);
    let mut control = server.anonymous();
    control.command("MLST missing", 550);
    control.goes_on();
}

#[test]
fn mlsd_tells_the_facts_of_every_entry() {
    let server = Server::start(&[]);
    dated(&server, "file 一", STAMP);
    server.root().dir("dir");
    server.root().file(".hidden", "");
    let mut control = server.anonymous();
    let lines: Vec<_> = control
        .listing("MLSD")
        .iter()
        .map(|line| split(line))
        .collect();
    let facts_of = |wanted: &str| {
        let found = lines.iter().find(|(_, name)| name == wanted);
        found
            .unwrap_or_else(|| panic!("{wanted} is not in {lines:?}"))
            .0
            .clone()
    };
    let file = facts_of("file 一");
    for fact in ["type=file;", "size=5;", "modify=20090213233130;"] {
        assert!(file.contains(fact), "{fact} is not in {file}");
    }
    assert!(facts_of("dir").contains("type=dir;"));
    for (facts, name) in &lines {
        let special = name == "." || name == ".." || name.starts_with('/');
        assert_eq!(
            special,
            facts.contains("cdir") || facts.contains("pdir"),
            "{name}: {facts}"
        );
    }
}

#[test]
fn mlsd_of_what_is_no_directory_is_refused() {
    let server = Server::start(&[]);
    server.root().file("file", "");
    let mut control = server.anonymous();
    control.refused("MLSD file", &[501, 550]);
    control.refused("MLSD missing", &[501, 550]);
    control.goes_on();
}

#[test]
fn mlsd_takes_no_switches() {
    let server = Server::start(&[]);
    server.root().file("-a/inner", "");
    let lines = server.anonymous().listing("MLSD -a");
    assert!(
        lines.iter().any(|line| line.ends_with(" inner")),
        "{lines:?}"
    );
}

#[test]
fn facts_chosen_with_opts_are_those_mlsd_sends() {
    let server = Server::start(&[]);
    server.root().file("file", "12345");
    let mut control = server.anonymous();
    control.command("OPTS MLST size;", 200);
    let lines = control.listing("MLSD");
    assert!(
        lines
            .iter()
            .any(|line| line.to_lowercase() == "size=5; file"),
        "{lines:?}"
    );
}

/// The value of a fact on a line of facts.
fn fact<'line>(line: &'line str, name: &str) -> Option<&'line str> {
    let (facts, _) = line.split_once(' ').unwrap();
    facts
        .split(';')
        .filter_map(|fact| fact.split_once('='))
        .find(|(found, _)| *found == name)
        .map(|(_, value)| value)
}

fn line_of<'lines>(lines: &'lines [String], name: &str) -> &'lines str {
    let found = lines
        .iter()
        .find(|line| line.split_once(' ').unwrap().1 == name);
    found.unwrap_or_else(|| panic!("{name} is not in {lines:?}"))
}

#[test]
fn all_facts_can_be_asked_for() {
    let server = Server::writable();
    dated(&server, "a.txt", STAMP);
    server.root().link("link", "a.txt");
    server.root().dir("dir");
    let mut control = server.anonymous();
    let feat = control.command("FEAT", 211).text();
    let feat = feat
        .lines()
        .find(|line| line.starts_with(" MLST "))
        .unwrap();
    let all = feat.trim_start_matches(" MLST ").replace('*', "");
    control.command(format!("OPTS MLST {all}"), 200);
    let lines = control.listing("MLSD");
    let file = line_of(&lines, "a.txt");
    assert_eq!(fact(file, "type"), Some("file"));
    assert_eq!(fact(file, "media-type"), Some("text/plain"));
    assert_eq!(fact(file, "perm"), Some("adfrw"));
    assert_eq!(fact(file, "UNIX.mode"), Some("0666"));
    for name in ["unique", "UNIX.owner", "UNIX.group"] {
        assert!(fact(file, name).is_some(), "{name}: {file}");
    }
    if crate::support::is_root() {
        assert_eq!(fact(file, "UNIX.ownername"), Some("root"), "{file}");
    }
    let path = server.root().path().join("a.txt");
    if let Ok(made) = std::fs::metadata(path).unwrap().created() {
        let told = fact(file, "create").unwrap();
        let made = made.duration_since(SystemTime::UNIX_EPOCH).unwrap();
        assert_eq!(told.len() > 14, made.subsec_millis() > 0, "{told}");
    }
    let link = line_of(&lines, "link");
    assert_eq!(fact(link, "type"), Some("OS.unix=slink:a.txt"));
    assert_eq!(fact(link, "size"), None);
    assert_eq!(fact(line_of(&lines, "dir"), "media-type"), None);
    assert_eq!(fact(line_of(&lines, "dir"), "perm"), Some("cdeflmp"));
    assert_eq!(fact(line_of(&lines, "."), "type"), Some("cdir"));
    assert!(!lines.iter().any(|line| line.contains("type=pdir")));
    let inner = control.listing("MLSD dir");
    assert_eq!(fact(line_of(&inner, ".."), "type"), Some("pdir"));
}

#[test]
fn costly_facts_are_not_told_unless_asked_for() {
    let server = Server::start(&[]);
    server.root().file("a.txt", "");
    let lines = server.anonymous().listing("MLSD");
    let file = line_of(&lines, "a.txt");
    for name in ["create", "media-type", "UNIX.ownername", "UNIX.groupname"] {
        assert_eq!(fact(file, name), None, "{file}");
    }
}

#[test]
fn perm_tells_what_this_user_may_do() {
    let server = Server::start(&[("write_enable", "YES"), ("anon_upload_enable", "YES")]);
    server.root().file("public", "");
    let private = server.root().file("private", "");
    server.root().dir("dir");
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o640);
    std::fs::set_permissions(private, mode).unwrap();
    let mut control = server.anonymous();
    let lines = control.listing("MLSD");
    for (name, perm) in [
        ("public", "r"),
        ("private", ""),
        ("dir", "cel"),
        (".", "cel"),
    ] {
        assert_eq!(fact(line_of(&lines, name), "perm"), Some(perm), "{name}");
    }
    let text = control.command("MLST /", 250).text();
    assert!(text.contains("perm=cel;"), "{text}");
}

#[test]
fn hide_ids_hides_them_in_facts_too() {
    let server = Server::start(&[("hide_ids", "YES")]);
    server.root().file("file", "");
    let mut control = server.anonymous();
    control.command(
        "OPTS MLST UNIX.owner;UNIX.group;UNIX.ownername;UNIX.groupname;",
        200,
    );
    let lines = control.listing("MLSD");
    assert_eq!(
        line_of(&lines, "file"),
        "UNIX.ownername=ftp;UNIX.groupname=ftp; file"
    );
}

#[test]
fn mlst_of_a_link_that_leads_nowhere_tells_of_the_link() {
    let server = Server::start(&[]);
    server.root().link("link", "missing");
    let text = server.anonymous().command("MLST link", 250).text();
    assert!(text.contains("type=OS.unix=slink"), "{text}");
}
