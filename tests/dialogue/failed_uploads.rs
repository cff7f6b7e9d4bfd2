//! What becomes of uploads that fail (delete_failed_uploads), and what a disk
//! that fails is answered with (RFC 959 section 4.2.2: 451, 452, 552;
//! fsync_uploads).

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::atomic::{begin, names_in};
use crate::support::control::Control;
use crate::support::left_out;
use crate::support::server::{Launch, Server};

/// An upload that is given up in the middle.
fn give_up(control: &mut Control, line: &str) {
    let data = begin(control, line, b"half");
    control.line("ABOR");
    control.expect(426);
    control.expect_any(&[225, 226]);
    drop(data);
}

fn deleting(value: &str) -> Server {
    let launch = Launch::new().writable().option("accept_timeout", "1");
    launch.option("delete_failed_uploads", value).start()
}

#[test]
fn what_came_of_a_failed_upload_stays_by_default() {
    let server = deleting("NO");
    server.root().file("file", "a longer content");
    let mut control = server.anonymous();
    give_up(&mut control, "STOR new");
    give_up(&mut control, "STOR file");
    assert_eq!(server.root().read("new"), b"half");
    assert_eq!(server.root().read("file"), b"half");
    // So that it can be continued.
    control.command("TYPE I", 200);
    control.command("REST 4", 350);
    control.store("new", b" and whole");
    assert_eq!(server.root().read("new"), b"half and whole");
}

#[test]
fn what_came_of_a_failed_upload_is_deleted_where_told() {
    let server = deleting("YES");
    server.root().file("file", "a longer content");
    let mut control = server.anonymous();
    for line in ["STOR new", "STOR file", "APPE fresh"] {
        give_up(&mut control, line);
    }
    assert!(names_in(server.root()).is_empty());
    let data = begin(&mut control, "STOR new", b"half");
    let zero = Some(std::time::Duration::ZERO);
    socket2::SockRef::from(&data).set_linger(zero).unwrap();
    drop(data);
    control.expect_any(&[426, 451]);
    assert!(names_in(server.root()).is_empty());
    // The client dies, which closes both connections in order.
    let data = begin(&mut control, "STOR new", b"half");
    drop(control);
    drop(data);
    server.wait_for_log("control connection lost");
    let mut control = server.anonymous();
    assert!(control.listing("NLST").is_empty());
    control.store("new", b"whole");
    assert_eq!(server.root().read("new"), b"whole");
}

#[test]
fn a_file_that_was_to_be_continued_is_never_deleted() {
    let server = deleting("YES");
    server.root().file("file", "content");
    let mut control = server.anonymous();
    control.command("TYPE I", 200);
    give_up(&mut control, "APPE file");
    assert_eq!(server.root().read("file"), b"contenthalf");
    control.command("REST 7", 350);
    give_up(&mut control, "STOR file");
    assert_eq!(server.root().read("file"), b"contenthalf");
}

#[test]
fn an_upload_that_never_began_changes_nothing() {
    for value in ["NO", "YES"] {
        let server = deleting(value);
        server.root().file("file", "content");
        server.root().link("dangling", "nowhere");
        let mut control = server.anonymous();
        for line in ["STOR file", "STOR new", "APPE file", "APPE new"] {
            control.pasv();
            control.command(line, 425);
        }
        assert_eq!(names_in(server.root()), ["dangling", "file"]);
        assert_eq!(server.root().read("file"), b"content");
    }
}

#[test]
fn only_the_file_of_the_upload_is_deleted() {
    let server = deleting("YES");
    server.root().file("real", "content");
    server.root().link("link", "real");
    let mut control = server.anonymous();
    // Another file bears the name by now.
    let data = begin(&mut control, "STOR new", b"half");
    let path = |name: &str| server.root().path().join(name);
    fs::rename(path("new"), path("moved")).unwrap();
    fs::write(path("new"), b"other").unwrap();
    control.line("ABOR");
    control.expect(426);
    control.expect_any(&[225, 226]);
    drop(data);
    assert_eq!(server.root().read("new"), b"other");
    // Through a link it is the file that goes.
    give_up(&mut control, "STOR link");
    assert_eq!(names_in(server.root()), ["link", "moved", "new"]);
}

/// A server whose system calls strace records, or tampers with, as `words`
/// say. `None` where strace cannot be used.
pub fn under_strace(options: &[(&str, &str)], words: &[&str], log: &Path) -> Option<Server> {
    let mut probe = Command::new("strace");
    probe.args(["-f", "-o", "/dev/null", "true"]);
    if probe
        .output()
        .map_or(true, |output| !output.status.success())
    {
        left_out("strace is not here, or may not trace");
        return None;
    }
    let log = log.to_str().unwrap();
    let mut through = vec!["strace", "-D", "-f", "-qq", "-y", "-o", log];
    through.extend(words);
    Some(
        Launch::new()
            .writable()
            .options(options)
            .through(&through)
            .start(),
    )
}

/// Ends a server and gives the lines strace wrote.
fn traced(mut server: Server, log: &Path) -> Vec<String> {
    server.signal(libc::SIGTERM);
    server.wait_for_end().expect("an end");
    let text = fs::read_to_string(log).unwrap();
    text.lines().map(String::from).collect()
}

/// The lines of strace's log that show this call succeed.
fn successful(lines: &[String], call: &str) -> usize {
    let call = format!(" {call}(");
    let good = |line: &&String| line.contains(&call) && line.ends_with("= 0");
    lines.iter().filter(good).count()
}

#[test]
fn fsync_uploads_puts_file_and_directory_on_the_disk_before_the_226() {
    for (atomic, fsync, expected) in [("NO", "YES", 2), ("YES", "YES", 2), ("NO", "NO", 0)] {
        let place = crate::support::temp::TempDir::new();
        let log = place.path().join("strace");
        let options = [("atomic_uploads", atomic), ("fsync_uploads", fsync)];
        let calls = ["-e", "trace=fsync,sendto,linkat"];
        let Some(server) = under_strace(&options, &calls, &log) else {
            return;
        };
        let root = server.root().path().to_str().unwrap().to_owned();
        let mut control = server.anonymous();
        control.store("new", b"content");
        drop(control);
        let lines = traced(server, &log);
        assert_eq!(successful(&lines, "fsync"), expected, "{lines:#?}");
        if expected == 0 {
            continue;
        }
        let at = |words: &str| {
            let found = lines.iter().position(|line| line.contains(words));
            found.unwrap_or_else(|| panic!("no {words}: {lines:#?}"))
        };
        let directory = at(&format!("<{root}>) = 0"));
        let file = lines
            .iter()
            .position(|line| line.contains(" fsync("))
            .unwrap();
        assert!(file < directory && directory < at("226 "), "{lines:#?}");
        if atomic == "YES" {
            assert!(file < at("linkat("), "{lines:#?}");
        }
    }
}

#[test]
fn a_disk_that_fails_at_fsync_gives_451_and_the_old_file_stays() {
    let log = Path::new("/dev/null");
    let options = [("atomic_uploads", "YES"), ("fsync_uploads", "YES")];
    let inject = ["-e", "trace=fsync", "-e", "inject=fsync:error=EIO"];
    let Some(server) = under_strace(&options, &inject, log) else {
        return;
    };
    server.root().file("file", "old content");
    let mut control = server.anonymous();
    for line in ["STOR file", "APPE file", "STOR new"] {
        let data = begin(&mut control, line, b"new");
        drop(data);
        control.expect(451);
        control.goes_on();
    }
    assert_eq!(names_in(server.root()), ["file"]);
    assert_eq!(server.root().read("file"), b"old content");
}

#[test]
fn each_failure_of_the_disk_has_its_own_reply() {
    for (errno, code) in [
        ("EIO", 451),
        ("ENOSPC", 452),
        ("EDQUOT", 552),
        ("EFBIG", 552),
    ] {
        // strace asks for the file's name, so that the log still works.
        let root = crate::support::temp::TempDir::new();
        let path = root.file("file", "");
        let inject = format!("inject=write:error={errno}");
        let words = [
            "-e",
            "trace=write",
            "-e",
            &inject,
            "-P",
            path.to_str().unwrap(),
        ];
        let options = [("anon_root", root.path().to_str().unwrap())];
        let Some(server) = under_strace(&options, &words, Path::new("/dev/null")) else {
            return;
        };
        let mut control = server.anonymous();
        let mut data = control.passive();
        control.command("STOR file", 150);
        // The server may answer before it has read all.
        let _ = std::io::Write::write_all(&mut data, b"content");
        drop(data);
        control.expect(code);
        control.store("other", b"content");
        assert_eq!(root.read("other"), b"content");
    }
}
