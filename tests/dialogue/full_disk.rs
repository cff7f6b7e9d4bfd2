//! No room: a full disk gives 452, the limit on a file's size 552 (RFC 959
//! section 5.4), and neither ends the session or the daemon.

use std::process::Command;

use crate::support::control::Control;
use crate::support::process::run;
use crate::support::server::{Launch, Server};
use crate::support::tree::noise;
use crate::support::{PATIENCE, is_root, left_out};

/// Starts the server in a mount namespace of its own whose root directory is a
/// file system of one MiB; nothing to unmount afterwards. `None` where the
/// machine does not allow it.
fn on_a_small_disk(options: &[(&str, &str)]) -> Option<Server> {
    let mut unshare = vec!["unshare", "--mount"];
    if !is_root() {
        unshare.extend(["--user", "--map-root-user"]);
    }
    let probe = run(
        Command::new(unshare[0])
            .args(&unshare[1..])
            .args(["mount", "-t", "tmpfs", "x", "/mnt"]),
        b"",
        PATIENCE,
    );
    if !probe.status.success() {
        left_out(&format!("no tmpfs may be mounted here: {}", probe.words()));
        return None;
    }
    let launch = Launch::new().writable().options(options);
    let root = launch.root().path().to_str().unwrap().to_owned();
    let script = "mount -t tmpfs -o size=1m,mode=777 ironftpd-test \"$0\" && exec \"$@\"";
    unshare.extend(["sh", "-c", script, &root]);
    Some(launch.through(&unshare).start())
}

/// Stores more than fits; the server may answer or close the data connection
/// before all has been sent.
fn overfill(control: &mut Control, line: &str, code: u16) {
    overfill_with(control, line, &noise(4_000_000), code);
}

fn overfill_with(control: &mut Control, line: &str, bytes: &[u8], code: u16) {
    let mut data = control.passive();
    control.command(line, 150);
    let _ = std::io::Write::write_all(&mut data, bytes);
    drop(data);
    control.expect(code);
    control.goes_on();
}

#[test]
fn a_full_disk_gives_452_and_the_session_goes_on() {
    let Some(server) = on_a_small_disk(&[]) else {
        return;
    };
    let mut control = server.anonymous();
    control.command("TYPE I", 200);
    overfill(&mut control, "STOR large", 452);
    overfill(&mut control, "APPE large", 452);
    control.command("DELE large", 250);
    let small = noise(100_000);
    control.store("small", &small);
    assert!(control.retrieve("small") == small);
}

#[test]
fn a_full_disk_leaves_the_old_file_where_uploads_are_atomic() {
    let Some(server) = on_a_small_disk(&[("atomic_uploads", "YES")]) else {
        return;
    };
    let mut control = server.anonymous();
    control.command("TYPE I", 200);
    let old = noise(300_000);
    control.store("file", &old);
    overfill(&mut control, "STOR file", 452);
    overfill(&mut control, "APPE file", 452);
    overfill(&mut control, "STOR new", 452);
    assert!(control.retrieve("file") == old);
    assert_eq!(control.listing("NLST"), ["file"]);
    // All that the failed ones took is free again.
    control.store("new", &noise(500_000));
}

#[test]
fn a_file_larger_than_what_is_free_is_continued_where_blocks_can_be_shared() {
    let place = crate::support::temp::TempDir::new();
    let image = place.path().join("image");
    let file = std::fs::File::create(&image).unwrap();
    file.set_len(128 << 20).unwrap();
    let mut make = Command::new("mkfs.btrfs");
    make.args(["-q", "-M"]).arg(&image);
    let mount = "mount -o loop \"$0\" \"$1\" && chmod 777 \"$1\"";
    let mut probe = Command::new("unshare");
    probe
        .args(["--mount", "sh", "-c", mount])
        .arg(&image)
        .arg("/mnt");
    let possible = |command| is_root() && run(command, b"", PATIENCE).status.success();
    if !make.output().is_ok_and(|made| made.status.success()) || !possible(&mut probe) {
        left_out("no btrfs may be made or mounted here");
        return;
    }
    let launch = Launch::new().writable().option("atomic_uploads", "YES");
    let root = launch.root().path().to_str().unwrap().to_owned();
    let script = format!("{mount} && shift && exec \"$@\"");
    let words = ["unshare", "--mount", "sh", "-c", &script];
    let words = [&words[..], &[image.to_str().unwrap(), &root]].concat();
    let server = launch.through(&words).start();
    let mut control = server.anonymous();
    control.command("TYPE I", 200);
    let mut content = noise(70_000_000);
    control.store("file", &content);
    // A second one of its kind does not fit,
    overfill_with(&mut control, "STOR other", &content, 452);
    // but adding to it in a copy takes next to nothing.
    control.give("APPE file", b" and more");
    content.extend_from_slice(b" and more");
    control.command("REST 70000001", 350);
    control.store("file", b"&nd");
    content[70_000_001..][..3].copy_from_slice(b"&nd");
    assert!(control.retrieve("file") == content);
}

#[test]
fn a_full_disk_gives_452_in_ascii_too() {
    let Some(server) = on_a_small_disk(&[]) else {
        return;
    };
    let mut control = server.anonymous();
    control.command("TYPE A", 200);
    overfill(&mut control, "STOR large", 452);
}

#[test]
fn the_limit_on_file_size_gives_552_and_kills_nobody() {
    let launch = Launch::new()
        .writable()
        .option("ascii_upload_enable", "YES");
    let mut server = launch
        .through(&["prlimit", "--fsize=1048576:1048576", "--"])
        .start();
    let mut control = server.anonymous();
    let mut witness = server.anonymous();
    for kind in ["TYPE I", "TYPE A"] {
        control.command(kind, 200);
        overfill(&mut control, "STOR large", 552);
    }
    control.command("TYPE I", 200);
    control.command("REST 2000000", 350);
    overfill(&mut control, "STOR large", 552);
    witness.goes_on();
    assert!(server.is_running());
    let small = noise(100_000);
    control.store("small", &small);
    assert!(server.root().read("small") == small);
}
