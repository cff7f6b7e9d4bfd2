//! Times and other facts that a client sets: MDTM with a time, MFMT, MFCT and
//! MFF (draft-somers-ftp-mfxx).

use std::fs;
use std::os::unix::fs::MetadataExt;

use crate::support::server::{Launch, Server};
use crate::support::temp::TempDir;

/// 2009-02-13 23:31:30 UTC.
const STAMP: i64 = 1_234_567_890;

fn modified(root: &TempDir, name: &str) -> i64 {
    fs::metadata(root.path().join(name)).unwrap().mtime()
}

#[test]
fn mdtm_with_a_time_sets_it() {
    let server = Server::writable();
    server.root().file("a file", "x");
    let mut control = server.anonymous();
    control.command("MDTM 20090213233130 a file", 213);
    assert_eq!(modified(server.root(), "a file"), STAMP);
    assert_eq!(
        control.command("MDTM a file", 213).words(),
        "20090213233130"
    );
    control.command("MDTM 20010909014640.5 a file", 213);
    let data = fs::metadata(server.root().path().join("a file")).unwrap();
    assert_eq!(
        (data.mtime(), data.mtime_nsec()),
        (1_000_000_000, 500_000_000)
    );
    control.command("MDTM 20090213233130 missing", 550);
    control.command("MDTM 20091313000000 a file", 550);
    server.root().dir("dir");
    control.command("MDTM 20090213233130 dir", 550);
}

#[test]
fn a_file_that_looks_like_a_time_and_a_name_is_asked_about() {
    let server = Server::writable();
    server.root().file("20090213233130 x", "");
    server.root().file("x", "");
    let before = modified(server.root(), "x");
    let mut control = server.anonymous();
    let told = control.command("MDTM 20090213233130 x", 213).words();
    assert_ne!(told, "20090213233130");
    assert!(told.bytes().all(|byte| byte.is_ascii_digit()), "{told}");
    assert_eq!(modified(server.root(), "x"), before);
}

#[test]
fn mdtm_sets_nothing_where_it_may_not() {
    for options in [
        &[("mdtm_write", "NO")][..],
        &[("write_enable", "NO")],
        &[("anon_other_write_enable", "NO")],
    ] {
        let launch = Launch::new().writable().options(options);
        launch.root().file("file", "");
        let server = launch.start();
        let before = modified(server.root(), "file");
        let mut control = server.anonymous();
        control.command("MDTM 20090213233130 file", 550);
        assert_eq!(modified(server.root(), "file"), before, "{options:?}");
        control.command("MDTM file", 213);
    }
}

#[test]
fn use_localtime_is_for_list_and_mdtm_and_not_for_facts() {
    let launch = Launch::new().writable().option("use_localtime", "YES");
    let server = launch.through(&["env", "TZ=XXX-5:30"]).start();
    server.root().file("file", "");
    let mut control = server.anonymous();
    control.command("MFMT 20090213233130 file", 213);
    assert_eq!(modified(server.root(), "file"), STAMP, "MFMT is in UTC");
    assert_eq!(control.command("MDTM file", 213).words(), "20090214050130");
    let line = &control.listing("LIST")[0];
    assert!(line.contains("Feb 14  2009"), "{line}");
    let text = control.command("MLST file", 250).text();
    assert!(text.contains("modify=20090213233130;"), "{text}");
    control.command("MDTM 20090214050130 file", 213);
    assert_eq!(modified(server.root(), "file"), STAMP, "MDTM is not");
    let words = control.command("SITE TIME", 200).words();
    assert!(words.contains(" +0530, UTC "), "{words}");
}

#[test]
fn each_file_is_shown_at_the_time_of_its_own_season() {
    let launch = Launch::new().writable().option("use_localtime", "YES");
    let zone = "TZ=CET-1CEST,M3.5.0,M10.5.0/3";
    let server = launch.through(&["env", zone]).start();
    server.root().file("summer", "");
    server.root().file("winter", "");
    let mut control = server.anonymous();
    control.command("MFMT 20200701120000 summer", 213);
    control.command("MFMT 20200101120000 winter", 213);
    assert_eq!(
        control.command("MDTM summer", 213).words(),
        "20200701140000"
    );
    assert_eq!(
        control.command("MDTM winter", 213).words(),
        "20200101130000"
    );
}

#[test]
fn a_fraction_is_kept_and_told_in_facts() {
    let server = Server::writable();
    server.root().file("file", "");
    let mut control = server.anonymous();
    let words = control
        .command("MFMT 20090213233130.123456 file", 213)
        .words();
    assert_eq!(words, "Modify=20090213233130.123; file");
    let data = fs::metadata(server.root().path().join("file")).unwrap();
    assert_eq!(data.mtime_nsec(), 123_456_000);
    let text = control.command("MLST file", 250).text();
    assert!(text.contains("modify=20090213233130.123;"), "{text}");
    // Clients of vsftpd know fourteen digits only.
    assert_eq!(control.command("MDTM file", 213).words(), "20090213233130");
}

#[test]
fn mfct_is_refused_for_what_it_asks() {
    let server = Server::writable();
    server.root().file("file", "");
    let mut control = server.anonymous();
    control.command("MFCT 20090213233130 file", 504);
    control.command("MFCT file", 501);
    control.command("MFCT 2009 file", 501);
    control.command("MFCT", 501);
}

#[test]
fn mff_sets_all_its_facts() {
    let home = TempDir::new();
    let path = home.file("a file", "x");
    let launch = Launch::new().account("someone", "word", home.path());
    let server = launch.option("write_enable", "YES").start();
    let mut control = server.login("someone", "word");
    let gid = fs::metadata(&path).unwrap().gid();
    let line = format!("MFF modify=20090213233130;UNIX.mode=640;UNIX.group={gid}; a file");
    let words = control.command(line, 213).words();
    assert_eq!(
        words,
        format!("Modify=20090213233130;UNIX.group={gid};UNIX.mode=0640; a file")
    );
    let data = fs::metadata(&path).unwrap();
    assert_eq!((data.mtime(), data.mode() & 0o7777), (STAMP, 0o640));
    assert_eq!(data.gid(), gid);
}

#[test]
fn mff_sets_all_or_nothing() {
    let home = TempDir::new();
    let path = home.file("file", "x");
    let launch = Launch::new().account("someone", "word", home.path());
    let server = launch.option("write_enable", "YES").start();
    let mut control = server.login("someone", "word");
    let before = fs::metadata(&path).unwrap();
    for (line, code) in [
        ("MFF UNIX.mode=600;create=20090213233130; file", 504),
        ("MFF UNIX.mode=600;size=0; file", 504),
        ("MFF UNIX.mode=600;modify=2009; file", 501),
        ("MFF UNIX.mode=600;UNIX.group=nosuchgroup; file", 550),
        ("MFF UNIX.mode=600;modify=20090213233130; missing", 550),
        ("MFF UNIX.mode=600 file", 501),
        ("MFF file", 501),
        ("MFF", 501),
    ] {
        control.command(line, code);
    }
    let after = fs::metadata(&path).unwrap();
    assert_eq!(after.mode(), before.mode());
    assert_eq!(after.mtime_nsec(), before.mtime_nsec());
    assert_eq!(
        after.ctime_nsec(),
        before.ctime_nsec(),
        "not even for a moment"
    );
}

#[test]
fn mff_needs_the_right_of_each_fact() {
    let server = Server::writable();
    server.root().file("file", "");
    let mut control = server.anonymous();
    control.command("MFF modify=20090213233130; file", 213);
    control.command("MFF UNIX.mode=600; file", 550);
    control.command("MFF modify=20010909014640;UNIX.mode=600; file", 550);
    assert_eq!(modified(server.root(), "file"), STAMP);
}
