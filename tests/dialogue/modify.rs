//! MKD, RMD, DELE, RNFR and RNTO, SITE CHMOD and UMASK, and the switches that
//! allow them (RFC 959 sections 4.1.1 and 4.1.3).

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::support::server::{Launch, Server};
use crate::support::temp::TempDir;

fn mode(directory: &TempDir, name: &str) -> u32 {
    fs::metadata(directory.path().join(name))
        .unwrap()
        .permissions()
        .mode()
        & 0o7777
}

#[test]
fn mkd_makes_a_directory_and_tells_its_absolute_name() {
    let server = Server::writable();
    let mut control = server.anonymous();
    let reply = control.command("MKD new", 257);
    assert!(reply.text().starts_with("257 \"/new\""), "{}", reply.text());
    control.command("CWD new", 250);
    let reply = control.command("XMKD sub \"q\"", 257);
    assert!(
        reply.text().starts_with("257 \"/new/sub \"\"q\"\"\""),
        "{}",
        reply.text()
    );
    assert!(server.root().path().join("new/sub \"q\"").is_dir());
}

#[test]
fn mkd_of_what_exists_or_has_no_parent_is_refused() {
    let server = Server::writable();
    server.root().dir("old");
    server.root().file("file", "");
    let mut control = server.anonymous();
    for line in [
        "MKD old",
        "MKD file",
        "MKD missing/new",
        "MKD file/new",
        "MKD /",
        "MKD ..",
    ] {
        control.command(line, 550);
    }
    control.command("MKD", 501);
}

#[test]
fn rmd_removes_an_empty_directory_only() {
    let server = Server::writable();
    let root = server.root();
    root.dir("one");
    root.dir("two");
    root.file("full/file", "");
    root.file("file", "");
    let mut control = server.anonymous();
    control.command("RMD one", 250);
    control.command("XRMD /two/", 250);
    for line in ["RMD full", "RMD file", "RMD missing", "RMD /", "RMD ."] {
        control.command(line, 550);
    }
    assert!(!root.has("one") && !root.has("two") && root.has("full/file") && root.has("file"));
}

#[test]
fn dele_removes_a_file_only() {
    let server = Server::writable();
    server.root().file("file name", "");
    server.root().dir("directory");
    let mut control = server.anonymous();
    control.command("DELE file name", 250);
    for line in [
        "DELE file name",
        "DELE directory",
        "DELE /",
        "DELE missing/file",
    ] {
        control.command(line, 550);
    }
    control.command("DELE", 501);
    assert!(!server.root().has("file name") && server.root().has("directory"));
}

#[test]
fn rnfr_and_rnto_rename() {
    let server = Server::writable();
    let root = server.root();
    root.file("from", "content");
    root.file("dir/inner", "x");
    let mut control = server.anonymous();
    control.command("RNFR from", 350);
    control.command("RNTO to 目录", 250);
    assert_eq!(root.read("to 目录"), b"content");
    assert!(!root.has("from"));
    control.command("RNFR /dir", 350);
    control.command("RNTO other", 250);
    assert!(root.has("other/inner"));
}

#[test]
fn rnto_without_rnfr_is_out_of_order() {
    let server = Server::writable();
    server.root().file("file", "");
    let mut control = server.anonymous();
    control.command("RNTO new", 503);
    control.command("RNFR missing", 550);
    control.command("RNTO new", 503);
    control.command("RNFR file", 350);
    control.command("RNTO new", 250);
    control.command("RNTO newer", 503);
    control.goes_on();
    assert!(server.root().has("new"));
}

#[test]
fn rnto_into_a_missing_directory_is_refused_and_harms_nothing() {
    let server = Server::writable();
    server.root().file("file", "kept");
    let mut control = server.anonymous();
    control.command("RNFR file", 350);
    control.command_any("RNTO missing/file", &[550, 553]);
    control.command("RNFR file", 350);
    control.command("RNTO", 501);
    assert_eq!(server.root().read("file"), b"kept");
}

/// Every command that changes something, each with a data connection ready.
fn changes() -> [&'static str; 8] {
    [
        "STOR file",
        "APPE file",
        "DELE file",
        "MKD new",
        "RMD empty",
        "RNFR file",
        "MFMT 20200101000000 file",
        "STOR new",
    ]
}

fn all_refused(server: &Server, name: &str) {
    let mut control = server.connect();
    control.login(name, "word");
    for line in changes() {
        let _data = control.passive();
        control.command(line, 550);
    }
    control.goes_on();
}

#[test]
fn without_write_enable_nothing_changes() {
    let launch = Launch::new().writable().option("write_enable", "NO");
    launch.root().file("file", "kept");
    launch.root().dir("empty");
    let server = launch.start();
    all_refused(&server, "anonymous");
    server
        .anonymous()
        .command_any("SITE CHMOD 600 file", &[550]);
    assert_eq!(server.root().read("file"), b"kept");
    assert!(server.root().has("empty") && !server.root().has("new"));
}

#[test]
fn write_enable_alone_gives_anonymous_nothing() {
    let server = Server::start(&[("write_enable", "YES")]);
    server.root().file("file", "kept");
    server.root().dir("empty");
    all_refused(&server, "anonymous");
    assert_eq!(server.root().read("file"), b"kept");
}

#[test]
fn each_anonymous_switch_gives_its_own_right() {
    let base = [("write_enable", "YES"), ("anon_umask", "022")];
    let launch = Launch::new()
        .options(&base)
        .option("anon_upload_enable", "YES");
    launch.root().file("old", "old");
    let server = launch.start();
    let mut control = server.anonymous();
    control.store("new", b"new");
    control.command("MKD dir", 550);
    control.command("DELE new", 550);
    control.command("RNFR new", 550);
    // Without anon_other_write_enable nothing that exists is replaced.
    control.refused("STOR old", &[553]);
    assert_eq!(server.root().read("old"), b"old");

    let server = Server::start(&[base[0], ("anon_mkdir_write_enable", "YES")]);
    let mut control = server.anonymous();
    control.command("MKD dir", 257);
    control.command("RMD dir", 550);
    control.refused("STOR new", &[550]);

    let server = Server::start(&[base[0], ("anon_other_write_enable", "YES")]);
    server.root().file("old", "old");
    let mut control = server.anonymous();
    control.command("RNFR old", 350);
    control.command("RNTO newer", 250);
    control.command("DELE newer", 250);
    control.command("MKD dir", 550);
}

#[test]
fn anon_umask_and_file_open_mode_shape_what_anonymous_makes() {
    let launch = Launch::new().writable().option("anon_umask", "027");
    let server = launch.option("file_open_mode", "0777").start();
    let mut control = server.anonymous();
    control.store("file", b"x");
    control.command("MKD dir", 257);
    assert_eq!(mode(server.root(), "file"), 0o750);
    assert_eq!(mode(server.root(), "dir"), 0o750);
}

#[test]
fn local_umask_shapes_what_an_account_makes() {
    let home = TempDir::new();
    let launch = Launch::new().account("someone", "word", home.path());
    let server = launch
        .options(&[("write_enable", "YES"), ("local_umask", "037")])
        .start();
    let mut control = server.login("someone", "word");
    control.store("file", b"x");
    control.command("MKD dir", 257);
    assert_eq!(mode(&home, "file"), 0o640);
    assert_eq!(mode(&home, "dir"), 0o740);
}

#[test]
fn a_client_makes_no_program_that_runs_as_its_owner() {
    let home = TempDir::new();
    home.file("program", "x");
    home.dir("dir");
    let launch = Launch::new().account("someone", "word", home.path());
    let server = launch.option("write_enable", "YES").start();
    let mut control = server.login("someone", "word");
    for line in ["SITE CHMOD 7755 program", "SITE CHMOD 4711 program"] {
        control.command(line, 200);
        assert_eq!(mode(&home, "program") & 0o7000, 0, "{line}");
    }
    assert_eq!(mode(&home, "program"), 0o711);
    let reply = control.command("MFF UNIX.mode=6755; program", 213);
    assert!(reply.text().contains("UNIX.mode=0755;"), "{}", reply.text());
    assert_eq!(mode(&home, "program"), 0o755);
    // What it makes, a directory's group inherits; nothing runs by that.
    control.command("SITE CHMOD 7775 dir", 200);
    assert_eq!(mode(&home, "dir"), 0o3775);
}

#[test]
fn site_chmod_and_umask_serve_an_account() {
    let home = TempDir::new();
    home.file("a file", "x");
    let launch = Launch::new().account("someone", "word", home.path());
    let server = launch.option("write_enable", "YES").start();
    let mut control = server.login("someone", "word");
    control.command("SITE CHMOD 604 a file", 200);
    assert_eq!(mode(&home, "a file"), 0o604);
    for line in [
        "SITE CHMOD",
        "SITE CHMOD 644",
        "SITE CHMOD 9 a file",
        "SITE CHMOD rw a file",
    ] {
        control.command_any(line, &[501]);
    }
    control.command("SITE CHMOD 644 missing", 550);
    assert_eq!(mode(&home, "a file"), 0o604);
    control.command("SITE UMASK 007", 200);
    control.store("new", b"x");
    assert_eq!(mode(&home, "new"), 0o660);
    assert!(control.command("SITE UMASK", 200).text().contains("07"));
    control.command("SITE UMASK 999", 501);
}

#[test]
fn anonymous_users_cannot_give_each_other_files_by_site_umask() {
    let launch = Launch::new().options(&[
        ("write_enable", "YES"),
        ("anon_upload_enable", "YES"),
        ("anon_umask", "077"),
    ]);
    let server = launch.start();
    let mut control = server.anonymous();
    for line in ["SITE UMASK", "SITE UMASK 022", "SITE UMASK x"] {
        control.command(line, 550);
    }
    control.store("new", b"x");
    assert_eq!(mode(server.root(), "new"), 0o600);
    control.refused("RETR new", &[550]);
}

#[test]
fn site_help_answers_and_an_unknown_site_command_does_not() {
    let server = Server::start(&[]);
    let mut control = server.anonymous();
    control.command("SITE HELP", 214);
    control.command_any("SITE XYZZY", &[500, 501, 502, 504]);
    control.command_any("SITE", &[500, 501]);
    control.goes_on();
}
