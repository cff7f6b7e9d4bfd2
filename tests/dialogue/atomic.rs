//! atomic_uploads: an upload is whole or not there. What a reader, a listing
//! and the disk show before, during and after it.

use std::fs;
use std::io::Write;
use std::net::TcpStream;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Instant;

use crate::support::PATIENCE;
use crate::support::control::Control;
use crate::support::server::{Launch, Server};
use crate::support::temp::TempDir;
use crate::support::tree::noise;

/// A server with atomic uploads.
fn atomic(options: &[(&str, &str)]) -> Server {
    let launch = Launch::new().writable().option("atomic_uploads", "YES");
    launch.options(options).start()
}

/// Sends the beginning of an upload and waits until the server has it.
pub fn begin(control: &mut Control, line: &str, bytes: &[u8]) -> TcpStream {
    let mut data = control.passive();
    control.command(line, 150);
    data.write_all(bytes).unwrap();
    let end = Instant::now() + PATIENCE;
    let wanted = format!(": {} bytes so far", bytes.len());
    while !control.command("STAT", 213).text().contains(&wanted) {
        assert!(Instant::now() < end, "the bytes did not arrive");
        thread::yield_now();
    }
    data
}

/// Every name in a directory of this machine, sorted.
pub fn names_in(directory: &TempDir) -> Vec<String> {
    let entries = fs::read_dir(directory.path()).unwrap();
    let name = |entry: Result<fs::DirEntry, _>| entry.unwrap().file_name().into_string().unwrap();
    let mut names: Vec<String> = entries.map(name).collect();
    names.sort();
    names
}

/// Every name a client is shown, by whichever command, is one of `names`, and
/// NLST shows them all.
#[track_caller]
pub fn shows_only(control: &mut Control, names: &[&str]) {
    for line in [
        "LIST -a",
        "LIST -R -a",
        "LIST .*",
        "MLSD",
        "NLST .*",
        "NLST -a *",
    ] {
        for entry in control.listing(line) {
            let name = entry.split(' ').next_back().unwrap();
            let known = names.contains(&name) || name == "." || name == ".." || name == ".:";
            assert!(known || entry.starts_with("type=cdir"), "{line}: {entry}");
        }
    }
    let status = control.command("STAT -a .", 212).text();
    assert!(!status.contains(".ironftpd-"), "{status}");
    assert_eq!(control.listing("NLST"), names);
}

#[test]
fn readers_see_the_old_file_until_the_226_and_then_the_new_one() {
    let server = atomic(&[]);
    server.root().file("file", "old content");
    let (mut writer, mut reader) = (server.anonymous(), server.anonymous());
    let new = noise(3_000_000);
    let mut data = begin(&mut writer, "STOR file", &new[..1_000_000]);
    assert_eq!(reader.retrieve("file"), b"old content");
    assert_eq!(reader.command("SIZE file", 213).words(), "11");
    assert_eq!(server.root().read("file"), b"old content");
    data.write_all(&new[1_000_000..]).unwrap();
    drop(data);
    writer.expect(226);
    assert!(server.root().read("file") == new);
    assert_eq!(names_in(server.root()), ["file"]);
}

#[test]
fn no_listing_shows_an_upload_on_its_way() {
    let server = atomic(&[]);
    server.root().file("other", "");
    let (mut writer, mut reader) = (server.anonymous(), server.anonymous());
    reader.command("TYPE I", 200);
    let data = begin(&mut writer, "STOR new", b"half");
    shows_only(&mut reader, &["other"]);
    reader.refused("RETR new", &[550]);
    drop(data);
    writer.expect(226);
    shows_only(&mut reader, &["new", "other"]);
    assert_eq!(server.root().read("new"), b"half");
}

#[test]
fn an_upload_that_fails_leaves_what_was_there() {
    let server = atomic(&[]);
    server.root().file("file", "old content");
    for name in ["file", "new"] {
        for before in ["", "REST 3", "APPE"] {
            let verb = if before == "APPE" { before } else { "STOR" };
            let line = format!("{verb} {name}");
            let mut control = server.anonymous();
            control.command("TYPE I", 200);
            let rest = |control: &mut Control| {
                if before.starts_with("REST") {
                    control.command(before, 350);
                }
            };
            // Given up with ABOR.
            rest(&mut control);
            let data = begin(&mut control, &line, b"new");
            control.line("ABOR");
            control.expect(426);
            control.expect_any(&[225, 226]);
            drop(data);
            // Data connection reset.
            rest(&mut control);
            let data = begin(&mut control, &line, b"new");
            let zero = Some(std::time::Duration::ZERO);
            socket2::SockRef::from(&data).set_linger(zero).unwrap();
            drop(data);
            control.expect_any(&[426, 451]);
            // The client is gone, with both connections closed in order.
            rest(&mut control);
            let data = begin(&mut control, &line, b"new");
            drop(control);
            drop(data);
        }
    }
    let mut witness = server.anonymous();
    witness.goes_on();
    for _ in 0..6 {
        server.wait_for_log("control connection lost");
    }
    assert_eq!(server.root().read("file"), b"old content");
    assert_eq!(names_in(server.root()), ["file"]);
    assert_eq!(witness.retrieve("file"), b"old content");
}

#[test]
fn an_upload_that_stalls_leaves_what_was_there() {
    let server = atomic(&[("data_connection_timeout", "1")]);
    server.root().file("file", "old content");
    let mut control = server.anonymous();
    let data = begin(&mut control, "STOR file", b"new");
    control.expect(426);
    assert_eq!(control.retrieve("file"), b"old content");
    assert_eq!(names_in(server.root()), ["file"]);
    drop(data);
}

#[test]
fn an_abor_that_comes_with_the_end_of_data_counts() {
    let server = atomic(&[]);
    server.root().file("file", "old content");
    let mut control = server.anonymous();
    let data = begin(&mut control, "STOR file", b"new");
    // The client says ABOR first, as most do, and then closes.
    control.line("ABOR");
    drop(data);
    control.expect(426);
    control.expect_any(&[225, 226]);
    assert_eq!(server.root().read("file"), b"old content");
}

#[test]
fn a_client_that_was_gone_before_its_last_byte_was_read_has_stored_nothing() {
    let server = atomic(&[]);
    server.root().file("file", "old content");
    let mut control = server.anonymous();
    let mut data = control.passive();
    // All of it happens while the server does not look.
    server.signal(libc::SIGSTOP);
    let state = format!("/proc/{}/stat", server.pid());
    while !fs::read_to_string(&state).unwrap().contains(") T ") {
        thread::yield_now();
    }
    control.line("STOR file");
    data.write_all(b"new").unwrap();
    drop(data);
    drop(control);
    server.signal(libc::SIGCONT);
    server.wait_for_log("control connection lost");
    assert_eq!(server.root().read("file"), b"old content");
    assert_eq!(names_in(server.root()), ["file"]);
}

#[test]
fn rest_and_appe_continue_in_a_copy() {
    let server = atomic(&[]);
    let old = noise(2_000_000);
    server.root().file("file", &old);
    fs::hard_link(
        server.root().path().join("file"),
        server.root().path().join("twin"),
    )
    .unwrap();
    let mut control = server.anonymous();
    let mut reader = server.anonymous();
    control.command("TYPE I", 200);
    reader.command("TYPE I", 200);
    control.command("REST 1234567", 350);
    let data = begin(&mut control, "STOR file", b"continued");
    assert!(reader.retrieve("file") == old);
    drop(data);
    control.expect(226);
    let mut expected = old.clone();
    expected[1_234_567..][..9].copy_from_slice(b"continued");
    assert!(server.root().read("file") == expected);
    let data = begin(&mut control, "APPE file", b" and more");
    assert!(reader.retrieve("file") == expected);
    drop(data);
    control.expect(226);
    expected.extend_from_slice(b" and more");
    assert!(server.root().read("file") == expected);
    // What else leads to the old file still does.
    assert!(server.root().read("twin") == old);
    assert_eq!(names_in(server.root()), ["file", "twin"]);
}

#[test]
fn rest_beyond_the_end_and_appe_to_nothing_are_as_without() {
    let server = atomic(&[]);
    server.root().file("short", "abc");
    let mut control = server.anonymous();
    control.command("TYPE I", 200);
    for name in ["short", "new"] {
        control.command("REST 5", 350);
        control.store(name, b"xy");
    }
    control.give("APPE fresh", b"content");
    assert_eq!(server.root().read("short"), b"abc\0\0xy");
    assert_eq!(server.root().read("new"), b"\0\0\0\0\0xy");
    assert_eq!(server.root().read("fresh"), b"content");
}

#[test]
fn a_new_file_has_the_mode_of_uploads_and_a_replaced_one_its_own() {
    let server = atomic(&[("anon_umask", "027")]);
    let path = server.root().file("file", "old");
    let mut control = server.anonymous();
    let mode = |name: &str| {
        let found = fs::metadata(server.root().path().join(name)).unwrap();
        (
            found.permissions().mode() & 0o7777,
            found.uid(),
            found.gid(),
        )
    };
    fs::set_permissions(&path, fs::Permissions::from_mode(0o4604)).unwrap();
    let (_, uid, gid) = mode("file");
    for line in ["STOR file", "APPE file"] {
        control.give(line, b"new");
        // Set-user-ID goes with any write.
        assert_eq!(mode("file"), (0o604, uid, gid));
    }
    control.store("fresh", b"new");
    assert_eq!(mode("fresh").0, 0o640);
}

#[test]
fn a_link_stays_a_link_and_its_target_is_replaced() {
    let launch = Launch::new().writable().option("atomic_uploads", "YES");
    let outside = TempDir::new();
    outside.file("secret", "the secret");
    let root = launch.root();
    root.file("real/dir/file", "old");
    root.dir("elsewhere");
    root.link("elsewhere/to-dir", "../real/dir");
    // `..` behind a link to a directory is that directory's parent.
    root.link("elsewhere/odd", "to-dir/../dir/file");
    root.link("chain", "elsewhere/odd");
    root.link("absolute", "/real/dir/file");
    root.link("dangling", "real/new");
    root.link("circle", "circle");
    root.link("slash", "real/");
    root.link("leave", outside.path().join("secret"));
    root.link(
        "climb",
        format!("../../..{}/secret", outside.path().display()),
    );
    let server = launch.start();
    let mut control = server.anonymous();
    for name in ["chain", "absolute", "elsewhere/to-dir/file"] {
        control.store(name, name.as_bytes());
        assert_eq!(server.root().read("real/dir/file"), name.as_bytes());
    }
    control.store("dangling", b"made");
    assert_eq!(server.root().read("real/new"), b"made");
    for name in ["circle", "slash", "leave", "climb", "real", "/"] {
        control.refused(format!("STOR {name}"), &[553]);
        control.goes_on();
    }
    for name in ["chain", "absolute", "dangling", "leave", "climb"] {
        let found = fs::symlink_metadata(server.root().path().join(name)).unwrap();
        assert!(found.is_symlink(), "{name}");
    }
    assert_eq!(outside.read("secret"), b"the secret");
}

#[test]
fn who_may_not_overwrite_replaces_nothing_that_came_meanwhile() {
    let server = atomic(&[("anon_other_write_enable", "NO")]);
    server.root().file("there", "content");
    server.root().link("dangling", "nowhere");
    let mut control = server.anonymous();
    control.refused("STOR there", &[553]);
    control.refused("STOR dangling", &[553]);
    let data = begin(&mut control, "STOR new", b"late");
    server.root().file("new", "early");
    drop(data);
    control.expect(553);
    control.goes_on();
    assert_eq!(server.root().read("new"), b"early");
    control.store("other", b"content");
    assert_eq!(
        names_in(server.root()),
        ["dangling", "new", "other", "there"]
    );
}

#[test]
fn of_two_uploads_at_once_the_last_to_end_is_there_whole() {
    let server = atomic(&[]);
    let (mut one, mut two) = (server.anonymous(), server.anonymous());
    for name in ["new", "new"] {
        let mut first = begin(&mut one, &format!("STOR {name}"), &[b'1'; 100_000]);
        let mut second = begin(&mut two, &format!("STOR {name}"), &[b'2'; 50_000]);
        first.write_all(&[b'1'; 100_000]).unwrap();
        second.write_all(&[b'2'; 50_000]).unwrap();
        drop(second);
        two.expect(226);
        assert!(server.root().read(name) == [b'2'; 100_000]);
        drop(first);
        one.expect(226);
        assert!(server.root().read(name) == [b'1'; 200_000]);
    }
    assert_eq!(names_in(server.root()), ["new"]);
}

#[test]
fn whoever_reads_at_any_moment_reads_a_whole_file() {
    let server = atomic(&[]);
    let contents = [vec![b'a'; 70_000], vec![b'b'; 90_000]];
    server.root().file("file", &contents[0]);
    let path = server.root().path().join("file");
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let mut seen = [0; 2];
            while !stop.load(Ordering::Relaxed) {
                let found = fs::read(&path).expect("never a moment without the file");
                let which = contents.iter().position(|content| *content == found);
                seen[which.expect("a whole file")] += 1;
            }
            seen
        });
        let mut control = server.anonymous();
        control.command("TYPE I", 200);
        for turn in 0..100 {
            control.store("file", &contents[(turn + 1) % 2]);
        }
        stop.store(true, Ordering::Relaxed);
        reader.join().unwrap();
    });
    assert_eq!(names_in(server.root()), ["file"]);
}

#[test]
fn comb_is_whole_or_not_there_too() {
    let part = noise(700_000);
    let launch = Launch::new().writable().option("atomic_uploads", "YES");
    launch.root().file("a", &part);
    launch.root().file("b", &part);
    let target = launch.root().file("target", "zero,");
    fs::hard_link(&target, launch.root().path().join("twin")).unwrap();
    let limit = ["prlimit", "--fsize=1048576:1048576", "--"];
    let server = launch.through(&limit).start();
    let mut control = server.anonymous();
    control.command("COMB target a b", 552);
    control.command("COMB new a b", 552);
    assert_eq!(server.root().read("target"), b"zero,");
    assert_eq!(names_in(server.root()), ["a", "b", "target", "twin"]);
    control.command("COMB target a", 250);
    control.command("COMB new b", 250);
    let mut expected = b"zero,".to_vec();
    expected.extend_from_slice(&part);
    assert!(server.root().read("target") == expected);
    assert!(server.root().read("new") == part);
    assert_eq!(server.root().read("twin"), b"zero,");
    assert_eq!(names_in(server.root()), ["new", "target", "twin"]);
}

#[test]
fn a_directory_gone_meanwhile_costs_the_upload_and_no_more() {
    let server = atomic(&[]);
    let mut control = server.anonymous();
    control.command("MKD dir", 257);
    let data = begin(&mut control, "STOR dir/file", b"content");
    let mut other = server.anonymous();
    other.command("RMD dir", 250);
    drop(data);
    control.expect(451);
    control.goes_on();
    assert!(names_in(server.root()).is_empty());
}

#[test]
fn a_download_that_began_goes_on_with_the_file_it_began() {
    let server = atomic(&[]);
    crate::support::tree::sparse_file(&server.root().path().join("large"));
    let mut reader = server.anonymous();
    let data = crate::abort::under_way(&mut reader);
    let mut writer = server.anonymous();
    writer.store("large", b"small now");
    assert_eq!(writer.retrieve("large"), b"small now");
    reader.line("ABOR");
    reader.expect(426);
    reader.expect_any(&[225, 226]);
    drop(data);
}
