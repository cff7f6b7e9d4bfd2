//! SITE CPFR and CPTO: copies made by the server.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::support::server::{Launch, Server};
use crate::support::temp::TempDir;
use crate::support::tree::noise;

/// The names in a directory, hidden ones too.
fn names(root: &TempDir) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(root.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

fn chmod(root: &TempDir, name: &str, mode: u32) {
    let path = root.path().join(name);
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn a_file_is_copied_whole() {
    let server = Server::writable();
    let root = server.root();
    let content = noise(3_000_001);
    root.file("a file", &content);
    root.dir("dir");
    let mut control = server.anonymous();
    control.command("SITE CPFR a file", 350);
    control.command("SITE CPTO dir/the copy", 250);
    assert!(root.read("dir/the copy") == content);
    assert!(root.read("a file") == content);
    root.file("empty", "");
    control.command("SITE CPFR /empty", 350);
    control.command("SITE CPTO /dir/empty", 250);
    assert_eq!(root.read("dir/empty"), b"");
    assert_eq!(names(root), ["a file", "dir", "empty"]);
}

#[test]
fn a_copy_replaces_a_file_and_takes_over_its_mode() {
    let server = Server::writable();
    let root = server.root();
    root.file("from", "new content");
    chmod(root, "from", 0o755);
    root.file("to", "old content, which was longer");
    chmod(root, "to", 0o604);
    let mut control = server.anonymous();
    for to in ["to", "fresh"] {
        control.command("SITE CPFR from", 350);
        control.command(format!("SITE CPTO {to}"), 250);
        assert_eq!(root.read(to), b"new content");
    }
    let mode = |name: &str| {
        let data = fs::metadata(root.path().join(name)).unwrap();
        data.permissions().mode() & 0o7777
    };
    assert_eq!((mode("to"), mode("fresh")), (0o604, 0o755));
}

#[test]
fn cpto_comes_right_after_cpfr() {
    let server = Server::writable();
    let root = server.root();
    root.file("from", "x");
    let mut control = server.anonymous();
    control.command("SITE CPTO to", 503);
    control.command("SITE CPFR from", 350);
    control.command("NOOP", 200);
    control.command("SITE CPTO to", 503);
    control.command("SITE CPFR from", 350);
    control.command("SITE CPFR missing", 550);
    control.command("SITE CPTO to", 503);
    control.command("SITE CPFR from", 350);
    control.command("SITE CPTO to", 250);
    control.command("SITE CPTO again", 503);
    control.command("RNFR from", 350);
    control.command("SITE CPTO again", 503);
    control.command("SITE CPFR from", 350);
    control.command("REIN", 220);
    control.login_anonymous();
    control.command("SITE CPTO again", 503);
    control.command("SITE CPFR", 501);
    assert_eq!(names(root), ["from", "to"]);
}

#[test]
fn what_is_no_file_of_the_root_is_not_copied() {
    let outside = TempDir::new();
    outside.file("secret", "secret");
    let server = Server::writable();
    let root = server.root();
    root.file("from", "x");
    root.dir("dir");
    root.link("out", outside.path().join("secret"));
    root.link("out-dir", outside.path());
    root.link("same", "from");
    let mut control = server.anonymous();
    for line in ["dir", "missing", "out", "out-dir/secret", "from/"] {
        control.command(format!("SITE CPFR {line}"), 550);
    }
    for line in ["dir", "missing/to", "out-dir/to", "new/"] {
        control.command("SITE CPFR from", 350);
        control.command(format!("SITE CPTO {line}"), 550);
    }
    for line in ["from", "same", "./dir/../from"] {
        control.command("SITE CPFR from", 350);
        control.command(format!("SITE CPTO {line}"), 553);
    }
    assert_eq!(root.read("from"), b"x");
    assert_eq!(names(&outside), ["secret"]);
    control.goes_on();
}

#[test]
fn who_copies_needs_the_rights_of_retr_and_stor() {
    let launch = Launch::new()
        .option("write_enable", "YES")
        .option("anon_upload_enable", "YES");
    let root = launch.root();
    root.file("private", "secret");
    chmod(root, "private", 0o640);
    root.file("public", "x");
    root.file("old", "kept");
    let server = launch.start();
    let root = server.root();
    let mut control = server.anonymous();
    control.command("SITE CPFR private", 550);
    control.command("SITE CPFR public", 350);
    control.command("SITE CPTO old", 550);
    assert_eq!(root.read("old"), b"kept");
    control.command("SITE CPFR public", 350);
    control.command("SITE CPTO new", 250);
    let server = Server::start(&[("write_enable", "YES"), ("anon_other_write_enable", "YES")]);
    server.root().file("public", "x");
    server.anonymous().command("SITE CPFR public", 550);
}

#[test]
fn a_copy_that_is_aborted_leaves_nothing() {
    let server = Server::writable();
    let root = server.root();
    root.file("from", noise(1_000_000));
    root.file("old", "kept");
    let mut control = server.anonymous();
    for to in ["new", "old"] {
        control.command("SITE CPFR from", 350);
        control.send(format!("SITE CPTO {to}\r\nABOR\r\n"));
        control.expect(426);
        control.expect(226);
    }
    assert_eq!(root.read("old"), b"kept");
    assert_eq!(names(root), ["from", "old"]);
    control.goes_on();
}

#[test]
fn a_copy_that_finds_no_room_leaves_nothing() {
    let launch = Launch::new().writable();
    launch.root().file("from", noise(3_000_000));
    launch.root().file("old", "kept");
    let server = launch.through(&["prlimit", "--fsize=2000000"]).start();
    let mut control = server.anonymous();
    for to in ["new", "old"] {
        control.command("SITE CPFR from", 350);
        control.command(format!("SITE CPTO {to}"), 552);
    }
    assert_eq!(server.root().read("old"), b"kept");
    assert_eq!(names(server.root()), ["from", "old"]);
    control.goes_on();
}
