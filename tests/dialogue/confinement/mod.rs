//! Nothing outside a session's root is reached: not by `..`, not through
//! symbolic links, not by a race (features of openat2, RESOLVE_IN_ROOT).

mod attack;
mod commands;
mod kernel;
mod local;
mod moved;
mod own_files;
mod races;
mod spelled;
mod spellings;
mod world;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use crate::support::control::Control;
use crate::support::data::{lines_of, read_all};
use crate::support::server::{Launch, Server};
use crate::support::temp::TempDir;

/// What stands in the file that must never be seen.
const SECRET: &[u8] = b"the secret";

/// A writable server, and a directory beside its root with a secret in it.
fn beside_a_secret() -> (Server, TempDir) {
    let outside = TempDir::new();
    outside.file("secret", SECRET);
    outside.dir("dir");
    let launch = Launch::new().writable();
    let root = launch.root();
    root.file("inside/file", "content");
    root.link("to-outside", outside.path());
    root.link("to-secret", outside.path().join("secret"));
    root.link("to-dir", outside.path().join("dir"));
    root.link(
        "inside/climb",
        format!("../../..{}", outside.path().display()),
    );
    root.link("to-root", "/");
    root.link("to-proc", "/proc/self/root");
    root.link("new-outside", outside.path().join("new"));
    (launch.start(), outside)
}

/// RETR, with whatever reply; what data came.
fn try_retrieve(control: &mut Control, name: &str) -> Vec<u8> {
    let data = control.passive();
    if control
        .command_any(format!("RETR {name}"), &[150, 550])
        .code
        == 150
    {
        let bytes = read_all(data);
        control.expect_any(&[226, 426, 451]);
        return bytes;
    }
    Vec::new()
}

#[test]
fn dots_lead_nowhere() {
    let (server, outside) = beside_a_secret();
    let mut control = server.anonymous();
    let name = outside.path().display().to_string();
    for path in [
        format!("{name}/secret"),
        format!("../../../../..{name}/secret"),
        format!("/../../..{name}/secret"),
        format!("inside/../../../..{name}/secret"),
        format!("inside/./../..//..{name}/secret"),
        "../../../../etc/passwd".to_owned(),
        "/etc/passwd".to_owned(),
        "..\\..\\etc\\passwd".to_owned(),
        "%2e%2e/etc/passwd".to_owned(),
    ] {
        control.refused(format!("RETR {path}"), &[550]);
        control.command(format!("SIZE {path}"), 550);
    }
    control.command("CWD inside", 250);
    control.refused(format!("RETR ../../../..{name}/secret"), &[550]);
}

#[test]
fn links_that_leave_the_root_lead_nowhere() {
    let (server, outside) = beside_a_secret();
    let mut control = server.anonymous();
    for path in [
        "to-secret",
        "to-outside/secret",
        "inside/climb/secret",
        "to-proc/etc/passwd",
    ] {
        control.refused(format!("RETR {path}"), &[550]);
        for verb in ["SIZE", "MDTM"] {
            control.command(format!("{verb} {path}"), 550);
        }
    }
    for path in ["to-outside", "to-dir", "inside/climb"] {
        control.command(format!("CWD {path}"), 550);
    }
    for line in [
        "LIST to-outside/",
        "NLST to-outside",
        "MLSD to-outside",
        "LIST inside/climb/",
    ] {
        let data = control.passive();
        if control.command_any(line, &[150, 501, 550]).code == 150 {
            let lines = lines_of(&read_all(data));
            control.expect(226);
            assert!(
                !lines.iter().any(|line| line.contains("secret")),
                "{line}: {lines:?}"
            );
        }
    }
    let status = control
        .command_any("STAT to-outside/", &[212, 213, 450, 550])
        .text();
    assert!(!status.contains("secret"), "{status}");
    assert_eq!(outside.read("secret"), SECRET);
}

#[test]
fn changes_through_links_stay_inside() {
    let (server, outside) = beside_a_secret();
    let before = outside.path().join("secret").metadata().unwrap();
    let mut control = server.anonymous();
    for line in [
        "STOR to-secret",
        "STOR to-outside/new",
        "APPE to-secret",
        "STOR new-outside",
    ] {
        control.refused(line, &[550, 553]);
    }
    for line in [
        "MKD to-outside/made",
        "RMD to-dir",
        "RMD to-outside/dir",
        "DELE to-outside/secret",
        "RNFR to-outside/secret",
        "MFMT 20010101000000 to-secret",
        "SITE CHMOD 777 to-secret",
        "SITE CHMOD 777 to-outside/secret",
    ] {
        control.command_any(line, &[550, 500, 502]);
    }
    control.command("RNFR inside/file", 350);
    control.command_any("RNTO to-outside/moved", &[550, 553]);
    // Removing a link removes the link.
    control.command("DELE to-secret", 250);
    let after = outside.path().join("secret").metadata().unwrap();
    assert_eq!(outside.read("secret"), SECRET);
    assert_eq!(before.modified().unwrap(), after.modified().unwrap());
    assert_eq!(before.permissions().mode(), after.permissions().mode());
    let mut left: Vec<_> = fs::read_dir(outside.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    left.sort();
    assert_eq!(left, ["dir", "secret"]);
}

#[test]
fn links_that_stay_inside_work() {
    let (server, _outside) = beside_a_secret();
    server.root().link("near", "inside/file");
    server.root().link("absolute", "/inside");
    let mut control = server.anonymous();
    assert_eq!(control.retrieve("near"), b"content");
    // A link to / is the session's root, as in a chroot.
    assert_eq!(control.retrieve("to-root/inside/file"), b"content");
    assert_eq!(control.retrieve("absolute/file"), b"content");
    control.command("CWD to-root/inside", 250);
    control.command("SIZE file", 213);
}

#[test]
fn links_in_a_circle_are_refused() {
    let server = Server::start(&[]);
    server.root().link("a", "b");
    server.root().link("b", "a");
    let mut control = server.anonymous();
    control.refused("RETR a", &[550]);
    control.command("CWD a", 550);
    control.command("CWD a/b/c", 550);
    assert!(!control.listing("NLST").is_empty());
}

/// Swaps a directory for a link to `outside` and back until told to stop.
fn swap(root: &Path, outside: &Path, stop: &AtomicBool) {
    let flip = root.join("flip");
    let aside = root.join("aside");
    let link = root.join("link");
    while !stop.load(Ordering::Relaxed) {
        let _ = std::os::unix::fs::symlink(outside, &link);
        let _ = fs::rename(&flip, &aside);
        let _ = fs::rename(&link, &flip);
        let _ = fs::rename(&flip, &link);
        let _ = fs::rename(&aside, &flip);
    }
}

#[test]
fn a_race_of_renames_does_not_help() {
    let outside = TempDir::new();
    outside.file("file", SECRET);
    let server = Server::writable();
    server.root().file("flip/file", "content");
    let stop = Arc::new(AtomicBool::new(false));
    let racer = {
        let (root, outside) = (server.root().path().to_owned(), outside.path().to_owned());
        let stop = Arc::clone(&stop);
        thread::spawn(move || swap(&root, &outside, &stop))
    };
    let mut control = server.anonymous();
    let mut found = 0;
    for _ in 0..300 {
        let bytes = try_retrieve(&mut control, "flip/file");
        assert!(
            bytes.is_empty() || bytes == b"content",
            "{:?}",
            String::from_utf8_lossy(&bytes)
        );
        found += usize::from(!bytes.is_empty());
        control.command_any("MKD flip/made", &[257, 550]);
        control.command_any("RMD flip/made", &[250, 550]);
        control.command_any("SIZE flip/../flip/file", &[213, 550]);
    }
    stop.store(true, Ordering::Relaxed);
    racer.join().unwrap();
    assert!(!outside.has("made"));
    assert_eq!(outside.read("file"), SECRET);
    // The race is none if the file was never there to be found.
    assert!(found > 0);
    control.goes_on();
}

#[test]
fn a_directory_moved_out_of_the_root_takes_nobody_along() {
    let (server, outside) = beside_a_secret();
    let mut control = server.anonymous();
    control.command("CWD inside", 250);
    fs::rename(
        server.root().path().join("inside"),
        outside.path().join("dir/inside"),
    )
    .unwrap();
    for line in [
        "RETR ../../secret",
        "RETR ../secret",
        "RETR ../../../etc/passwd",
    ] {
        control.refused(line, &[550]);
    }
    control.command_any("CWD ..", &[250, 550]);
    control.refused("RETR secret", &[550]);
    control.command("CWD /", 250);
    assert!(!control.listing("NLST").iter().any(|name| name == "secret"));
}

#[test]
fn the_root_s_parent_shows_nothing_of_itself_in_a_listing() {
    let launch = Launch::new();
    let parent = launch.root().path().to_owned();
    let served = launch.root().dir("served");
    // Beside the mode, the number of links and the size may differ too.
    launch.root().dir("beside/deeper");
    fs::set_permissions(&parent, fs::Permissions::from_mode(0o751)).unwrap();
    let server = launch
        .option("anon_root", &served.display().to_string())
        .start();
    let mut control = server.anonymous();
    for line in ["LIST -a", "LIST -a ..", "LIST -a /../.."] {
        let lines = control.listing(line);
        let before_name = |name: &str| {
            let mut found = lines.iter().filter_map(|line| line.strip_suffix(name));
            let columns = found.next().unwrap_or_else(|| panic!("{line}: {lines:?}"));
            assert_eq!(found.next(), None, "{line}: {lines:?}");
            columns.to_owned()
        };
        let root = before_name(" .");
        assert!(root.starts_with("drwxrwxrwx "), "{line}: {root}");
        assert_eq!(before_name(" .."), root, "{line}");
    }
}
