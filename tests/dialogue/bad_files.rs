//! Names that lead to something else than a command wants: nothing, a
//! directory, a FIFO, a socket, a device, or a name that would forge a line.

use std::fs;
use std::os::unix::net::UnixListener;
use std::process::Command;

use crate::support::data::lines_of;
use crate::support::process::run;
use crate::support::server::{Launch, Server};
use crate::support::{PATIENCE, is_root, left_out};

#[test]
fn a_missing_file_gives_550() {
    let server = Server::writable();
    let mut control = server.anonymous();
    for line in [
        "CWD missing",
        "DELE missing",
        "RMD missing",
        "RNFR missing",
        "SIZE missing",
        "MDTM missing",
        "MLST missing",
        "MFMT 20200101000000 missing",
        "RETR missing",
        "RETR missing/deeper",
        "LIST missing",
        "NLST missing",
    ] {
        control.refused(line, &[550]);
        control.goes_on();
    }
    control.refused("STOR missing/new", &[553]);
    control.goes_on();
    // vsftpd's words, which scripts look for, and the cause.
    let _data = control.passive();
    let words = control.command("APPE missing/new", 553).words();
    assert_eq!(words, "Could not create file. No such file or directory.");
}

#[test]
fn a_directory_where_a_file_is_needed_is_refused() {
    let server = Server::writable();
    server.root().dir("dir");
    let mut control = server.anonymous();
    for line in ["RETR dir", "RETR dir/", "RETR /", "SIZE dir", "DELE dir"] {
        control.refused(line, &[550]);
    }
    for line in [
        "STOR dir",
        "APPE dir",
        "STOR /",
        "STOR dir/",
        "STOR .",
        "STOR ..",
    ] {
        control.refused(line, &[553]);
    }
    control.goes_on();
    assert!(server.root().has("dir"));
}

#[test]
fn a_file_where_a_directory_is_needed_is_refused() {
    let server = Server::writable();
    server.root().file("file", "kept");
    let mut control = server.anonymous();
    for line in [
        "CWD file",
        "RMD file",
        "MKD file/x",
        "RETR file/x",
        "RETR file/",
        "SIZE file/x",
    ] {
        control.refused(line, &[550]);
    }
    control.refused("STOR file/x", &[553]);
    control.goes_on();
    assert_eq!(server.root().read("file"), b"kept");
}

#[test]
fn a_fifo_is_refused_and_never_waited_on() {
    let server = Server::writable();
    let fifo = server.root().path().join("fifo");
    run(Command::new("mkfifo").arg(&fifo), b"", PATIENCE).succeed();
    fs::set_permissions(&fifo, std::os::unix::fs::PermissionsExt::from_mode(0o666)).unwrap();
    let mut control = server.anonymous();
    control.refused("RETR fifo", &[550]);
    control.refused("STOR fifo", &[553]);
    control.refused("APPE fifo", &[553]);
    control.command("SIZE fifo", 550);
    control.goes_on();
    assert_eq!(control.listing("LIST").len(), 1);
}

#[test]
fn a_socket_is_refused() {
    let server = Server::writable();
    let _listener = UnixListener::bind(server.root().path().join("socket")).unwrap();
    let mut control = server.anonymous();
    control.refused("RETR socket", &[550]);
    control.refused("STOR socket", &[553]);
    control.goes_on();
}

#[test]
fn a_device_is_refused() {
    let server = Server::writable();
    let device = server.root().path().join("zero");
    let made = run(
        Command::new("mknod").arg(&device).args(["c", "1", "5"]),
        b"",
        PATIENCE,
    );
    if !is_root() || !made.status.success() {
        left_out("mknod of a device is for root alone");
        return;
    }
    fs::set_permissions(&device, std::os::unix::fs::PermissionsExt::from_mode(0o666)).unwrap();
    let mut control = server.anonymous();
    control.refused("RETR zero", &[550]);
    control.refused("STOR zero", &[553]);
    control.goes_on();
}

#[test]
fn a_file_without_permission_is_refused_without_words_of_the_system() {
    if is_root() {
        left_out("root may read everything");
        return;
    }
    let server = Server::start(&[]);
    let path = server.root().file("closed", "x");
    fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o000)).unwrap();
    let mut control = server.anonymous();
    let text = control.refused("RETR closed", &[550]).text();
    assert!(
        !text.contains("os error") && !text.contains("EACCES"),
        "{text}"
    );
}

#[test]
fn a_refusal_never_tells_where_the_root_stands() {
    let server = Server::writable();
    let root = server.root().path().to_str().unwrap().to_owned();
    let mut control = server.anonymous();
    for line in [
        "RETR missing",
        "CWD missing",
        "DELE missing",
        "STAT missing",
        "RMD /",
    ] {
        let text = control.command_any(line, &[550, 450, 425]).text();
        assert!(!text.contains(&root), "{text}");
    }
    for line in ["STAT", "HELP", "PWD", "MLST"] {
        control.line(line);
        let text = control.reply().text();
        assert!(!text.contains(&root), "{text}");
    }
}

/// A directory whose entries try to forge the end of a reply.
fn forgers() -> Server {
    let launch = Launch::new();
    for name in [
        "a\r\n226 forged",
        "b\n213 forged",
        "c\r\n213 End of status",
        "d\rx",
    ] {
        launch.root().file(name, "x");
    }
    launch.root().dir("e\r\n250 forged");
    launch.root().file("honest", "x");
    launch.start()
}

#[test]
fn names_with_line_ends_forge_no_line_of_a_listing() {
    let server = forgers();
    let mut control = server.anonymous();
    for line in ["LIST", "LIST -a", "NLST", "MLSD"] {
        // The strict split refuses a lone CR or LF; a forged line would begin
        // like a reply.
        let lines = lines_of(&control.fetch(line));
        assert!(lines.len() <= 6 + 3, "{line}: {lines:?}");
        for forged in ["226", "213", "250"] {
            let found = lines.iter().find(|entry| entry.starts_with(forged));
            assert_eq!(found, None, "{line}");
        }
        assert!(
            lines.iter().any(|entry| entry.ends_with("honest")),
            "{line}: {lines:?}"
        );
        control.goes_on();
    }
}

#[test]
fn names_with_line_ends_forge_no_reply_of_stat() {
    let server = forgers();
    let mut control = server.anonymous();
    let text = control.command_any("STAT /", &[212, 213]).text();
    assert!(text.contains("honest"), "{text}");
    // A forged end would leave the true one behind as the next reply.
    control.goes_on();
    control.command("PWD", 257);
}

#[test]
fn a_name_with_line_ends_is_escaped_in_the_log() {
    let server = Server::start(&[("log_ftp_protocol", "YES")]);
    let mut control = server.anonymous();
    control.command_any("CWD \x1b[31mred\x07", &[550, 501]);
    control.command("QUIT", 221);
    control.expect_closed();
    let log = server.log();
    assert!(!log.contains('\x1b') && !log.contains('\x07'), "{log:?}");
}
