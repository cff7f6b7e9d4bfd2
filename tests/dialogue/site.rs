//! SITE beyond CHMOD and UMASK: CHGRP, UTIME, MKDIR, RMDIR, SYMLINK, IDLE,
//! WHO, QUOTA and TIME. Copies are in `copy`.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::time::Duration;

use crate::support::control::Control;
use crate::support::server::{Launch, Server};
use crate::support::temp::TempDir;

/// A server with the account `someone`, who may write to `home`.
fn with_account(home: &TempDir, options: &[(&str, &str)]) -> Server {
    Launch::new()
        .account("someone", "word", home.path())
        .account("other", "word", home.path())
        .option("write_enable", "YES")
        .options(options)
        .start()
}

#[test]
fn chgrp_gives_a_file_to_a_group_of_the_server_only() {
    let home = TempDir::new();
    let path = home.file("a file", "x");
    let server = with_account(&home, &[]);
    let mut control = server.login("someone", "word");
    // SAFETY: getegid takes nothing and cannot fail.
    let own = unsafe { libc::getegid() };
    control.command(format!("SITE CHGRP {own} a file"), 200);
    assert_eq!(fs::metadata(&path).unwrap().gid(), own);
    for line in [
        "SITE CHGRP 3999999999 a file",
        "SITE CHGRP nosuchgroup a file",
    ] {
        control.command(line, 550);
    }
    control.command(format!("SITE CHGRP {own} missing"), 550);
    for line in ["SITE CHGRP", "SITE CHGRP a", "SITE CHGRP  a file"] {
        control.command(line, 501);
    }
    assert_eq!(fs::metadata(&path).unwrap().gid(), own);
    let server = Server::writable();
    server.root().file("file", "");
    server.anonymous().command("SITE CHGRP 0 file", 550);
}

#[test]
fn utime_sets_times_in_both_forms_and_in_utc() {
    let server = Server::writable();
    let path = server.root().file("a file", "x");
    let mut control = server.anonymous();
    control.command("SITE UTIME 20090213233130 a file", 200);
    let data = fs::metadata(&path).unwrap();
    assert_eq!((data.mtime(), data.atime()), (1_234_567_890, 1_234_567_890));
    control.command("SITE UTIME 200902132331 a file", 200);
    assert_eq!(fs::metadata(&path).unwrap().mtime(), 1_234_567_860);
    control.command(
        "SITE UTIME a file 20010909014640 20090213233130 20010909014640 UTC",
        200,
    );
    let data = fs::metadata(&path).unwrap();
    assert_eq!((data.mtime(), data.atime()), (1_234_567_890, 1_000_000_000));
    for line in [
        "SITE UTIME",
        "SITE UTIME a file",
        "SITE UTIME 20091313000000 a file",
        "SITE UTIME a file 20010909014640 20090213233130 UTC",
    ] {
        control.command(line, 501);
    }
    control.command("SITE UTIME 20090213233130 missing", 550);
    assert_eq!(fs::metadata(&path).unwrap().mtime(), 1_234_567_890);
}

#[test]
fn mkdir_makes_the_directories_on_the_way_too() {
    let server = Server::writable();
    let root = server.root();
    root.file("file", "");
    root.dir("real");
    root.link("link", "real");
    let mut control = server.anonymous();
    for _ in 0..2 {
        control.command("SITE MKDIR new dir/一/two", 200);
        assert!(root.path().join("new dir/一/two").is_dir());
    }
    control.command("SITE MKDIR link/below", 200);
    assert!(root.path().join("real/below").is_dir());
    for line in ["SITE MKDIR file", "SITE MKDIR file/below"] {
        control.command(line, 550);
    }
    control.command("SITE MKDIR ../../outside", 200);
    assert!(root.has("outside"), "above the root is the root");
    control.command("SITE MKDIR /", 200);
}

#[test]
fn rmdir_removes_a_tree_and_nothing_its_links_lead_to() {
    let outside = TempDir::new();
    outside.file("kept", "");
    let server = Server::writable();
    let root = server.root();
    root.file("tree/a/b/file", "");
    root.file("tree/.hidden", "");
    root.file("kept/file", "");
    root.link("tree/out", outside.path());
    root.link("tree/a/in", "../../kept");
    root.link("link", "kept");
    let mut control = server.anonymous();
    for line in ["link", "kept/file", "missing", "/", "."] {
        control.command(format!("SITE RMDIR {line}"), 550);
    }
    control.command("SITE RMDIR tree", 200);
    assert!(!root.has("tree") && root.has("kept/file") && outside.has("kept"));
    control.command("SITE RMDIR tree", 550);
    root.file("tree/file", "");
    control.send("SITE RMDIR tree\r\nABOR\r\n");
    control.expect(426);
    control.expect(226);
    assert!(root.has("tree/file"), "aborted before it began");
}

fn link_text(root: &TempDir, name: &str) -> String {
    let text = fs::read_link(root.path().join(name)).unwrap();
    text.to_str().unwrap().to_owned()
}

#[test]
fn symlink_makes_links_that_lead_down() {
    let server = Server::writable();
    let root = server.root();
    root.file("dir/a file", "content");
    let mut control = server.anonymous();
    for (line, link, text) in [
        ("SITE SYMLINK dir one", "one", "dir"),
        (
            "SITE SYMLINK \"dir/a file\" \"a link\"",
            "a link",
            "dir/a file",
        ),
        // Absolute as the client sees it, relative on the disk.
        ("SITE SYMLINK /dir two", "two", "dir"),
        ("SITE SYMLINK /dir/sub/../x /dir/three", "dir/three", "x"),
        ("SITE SYMLINK ./././dir/. four", "four", "dir"),
        ("SITE SYMLINK missing five", "five", "missing"),
    ] {
        control.command(line, 200);
        assert_eq!(link_text(root, link), text, "{line}");
    }
    assert_eq!(control.retrieve("one/a file"), b"content");
    assert_eq!(control.retrieve("a link"), b"content");
    control.command("SITE SYMLINK dir one", 550);
}

#[test]
fn symlink_never_makes_a_link_that_could_lead_out() {
    let server = Server::writable();
    let root = server.root();
    root.dir("dir/sub");
    // A directory whose name here hides how deep it is.
    root.link("deep", "dir/sub");
    let mut control = server.anonymous();
    for line in [
        "SITE SYMLINK /etc/passwd dir/one",
        "SITE SYMLINK .. dir/one",
        "SITE SYMLINK ../../../../etc/passwd dir/sub/one",
        // This one stays inside, but after RNFR dir/sub/one, RNTO one it
        // would not.
        "SITE SYMLINK ../../etc/passwd dir/sub/one",
        "SITE SYMLINK ../x deep/one",
        "SITE SYMLINK / dir/one",
    ] {
        control.command(line, 553);
    }
    for line in [
        "SITE SYMLINK",
        "SITE SYMLINK dir",
        "SITE SYMLINK a b c",
        "SITE SYMLINK \"a b",
    ] {
        control.command(line, 501);
    }
    assert!(!root.has("dir/one") && !root.has("dir/sub/one"));
    // What climbs above the root stays there, as everywhere.
    control.command("SITE SYMLINK ../../../../etc/passwd one", 200);
    assert_eq!(link_text(root, "one"), "etc/passwd");
}

#[test]
fn symlink_climbs_up_to_the_root_where_that_is_allowed() {
    let launch = Launch::new().writable();
    let server = launch.option("symlink_climb_enable", "YES").start();
    let root = server.root();
    root.file("dir/file", "content");
    root.dir("dir/sub");
    root.link("short", "dir/sub");
    let mut control = server.anonymous();
    for (line, link, text) in [
        ("SITE SYMLINK ../file dir/sub/one", "dir/sub/one", "../file"),
        (
            "SITE SYMLINK /dir/file /dir/sub/two",
            "dir/sub/two",
            "../file",
        ),
        ("SITE SYMLINK / dir/three", "dir/three", ".."),
        // Above the root is the root.
        (
            "SITE SYMLINK ../../../../etc/passwd dir/four",
            "dir/four",
            "../etc/passwd",
        ),
        ("SITE SYMLINK dir/sub short-too", "short-too", "dir/sub"),
    ] {
        control.command(line, 200);
        assert_eq!(link_text(root, link), text, "{line}");
    }
    assert_eq!(control.retrieve("dir/sub/two"), b"content");
    // Nobody can tell how deep this directory is.
    control.command("SITE SYMLINK ../x short/five", 550);
    assert!(!root.has("dir/sub/five"));
}

#[test]
fn idle_shows_and_sets_a_limit_up_to_the_configured_one() {
    let server = Server::start(&[("idle_session_timeout", "600")]);
    let mut control = server.anonymous();
    let text = control.command("SITE IDLE", 200).text();
    assert!(text.contains("600"), "{text}");
    control.command("SITE IDLE 60", 200);
    let text = control.command("SITE IDLE", 200).text();
    assert!(text.contains("60 ") && text.contains("600"), "{text}");
    assert!(
        control
            .command("STAT", 211)
            .text()
            .contains("seconds is 60")
    );
    for line in [
        "SITE IDLE 0",
        "SITE IDLE 601",
        "SITE IDLE x",
        "SITE IDLE -1",
    ] {
        control.command(line, 501);
    }
    // It was this user's.
    control.command("REIN", 220);
    control.login_anonymous();
    assert!(control.command("SITE IDLE", 200).text().contains("600 "));
}

#[test]
fn a_session_ends_after_the_idle_time_it_has_set() {
    let server = Server::start(&[("idle_session_timeout", "600")]);
    let mut control = server.anonymous();
    control.command("SITE IDLE 1", 200);
    control.expect(421);
    control.expect_closed();
}

#[test]
fn without_a_configured_limit_any_may_be_set() {
    let server = Server::start(&[("idle_session_timeout", "0")]);
    let mut control = server.anonymous();
    control.command("SITE IDLE 100000", 200);
    control.command("SITE IDLE 0", 200);
    control.command("SITE IDLE 99999999999", 501);
}

/// The lines of SITE WHO that stand for sessions.
fn who(control: &mut Control) -> Vec<String> {
    let text = control.command("SITE WHO", 211).text();
    let lines = text.lines().filter(|line| line.starts_with(' '));
    lines.map(|line| line.trim().to_owned()).collect()
}

#[test]
fn who_lists_the_sessions_for_those_who_may_see_them() {
    let home = TempDir::new();
    let server = with_account(&home, &[("site_who_users", "nobody, someone")]);
    let mut other = server.login("other", "word");
    other.command("SITE WHO", 550);
    let mut guest = server.anonymous();
    guest.command("SITE WHO", 550);
    let mut control = server.login("someone", "word");
    let lines = who(&mut control);
    assert_eq!(lines.len(), 3, "{lines:?}");
    for user in ["anonymous", "other", "someone"] {
        let ends = |line: &&String| line.ends_with(&format!(" {user}"));
        assert_eq!(lines.iter().filter(ends).count(), 1, "{lines:?}");
    }
    assert!(lines.iter().all(|line| line.contains(" 127.0.0.1 ")));
    // Who has begun anew is nobody; who is gone is no more.
    guest.command("REIN", 220);
    other.command("QUIT", 221);
    other.expect_closed();
    let end = std::time::Instant::now() + Duration::from_secs(10);
    while who(&mut control).len() > 2 {
        assert!(std::time::Instant::now() < end, "{:?}", who(&mut control));
    }
    let lines = who(&mut control);
    assert!(lines.iter().any(|line| line.ends_with(" -")), "{lines:?}");
}

#[test]
fn nobody_sees_the_sessions_unless_the_configuration_says_so() {
    let home = TempDir::new();
    let server = with_account(&home, &[]);
    server.login("someone", "word").command("SITE WHO", 550);
}

#[test]
fn quota_and_time_are_answered() {
    let server = Server::start(&[]);
    let mut control = server.anonymous();
    control.command("SITE QUOTA", 202);
    let words = control.command("SITE TIME", 200).words();
    let utc = words.rsplit_once("UTC ").unwrap().1.trim_end_matches('.');
    let form: String = utc
        .chars()
        .map(|sign| if sign.is_ascii_digit() { '9' } else { sign })
        .collect();
    assert_eq!(form, "9999-99-99 99:99:99", "{words}");
    control.command("SITE TIME now", 501);
}
