//! atomic_uploads where an upload on its way must have a name, and what a
//! server that was killed leaves: nothing, or what the next one deletes.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::Command;

use crate::atomic::{begin, names_in, shows_only};
use crate::failed_uploads::under_strace;
use crate::support::process::run;
use crate::support::server::{IRONFTPD, Launch, Server};
use crate::support::temp::TempDir;
use crate::support::tree::noise;
use crate::support::{PATIENCE, is_root, left_out};

fn atomic() -> Launch {
    Launch::new().writable().option("atomic_uploads", "YES")
}

const ATOMIC: [(&str, &str); 1] = [("atomic_uploads", "YES")];

/// A server from which /proc is hidden, so that it cannot give a name to a
/// file without one: it does as on a file system without O_TMPFILE. `None`
/// where the machine does not allow it.
fn without_unnamed_files(launch: Launch) -> Option<Server> {
    let mut unshare = vec!["unshare", "--mount"];
    if !is_root() {
        unshare.extend(["--user", "--map-root-user"]);
    }
    let hide = "mount -t tmpfs ironftpd-test /proc";
    let mut probe = Command::new(unshare[0]);
    probe.args(&unshare[1..]).args(["sh", "-c", hide]);
    let probe = run(&mut probe, b"", PATIENCE);
    if !probe.status.success() {
        left_out(&format!("/proc cannot be hidden here: {}", probe.words()));
        return None;
    }
    let script = format!("{hide} && exec \"$@\"");
    unshare.extend(["sh", "-c", &script, "sh"]);
    Some(launch.through(&unshare).start())
}

/// The one hidden name in a directory.
#[track_caller]
fn hidden_in(directory: &TempDir) -> String {
    let names = names_in(directory);
    let mut hidden = names.iter().filter(|name| name.starts_with(".ironftpd-"));
    let found = hidden.next().unwrap_or_else(|| panic!("{names:?}")).clone();
    assert!(hidden.next().is_none(), "{names:?}");
    found
}

/// Ends a server at once, with whatever it was doing.
fn kill(server: &mut Server) {
    server.signal(libc::SIGKILL);
    let status = server.wait_for_end().expect("an end");
    assert_eq!(status.signal(), Some(libc::SIGKILL));
}

/// The next server over the same directory.
fn restarted(server: &Server) -> Server {
    let root = server.root().path().to_str().unwrap();
    atomic().option("anon_root", root).start()
}

#[test]
fn a_hidden_upload_is_whole_or_not_there_too() {
    let Some(server) = without_unnamed_files(atomic()) else {
        return;
    };
    server.root().file("file", "old content");
    let (mut writer, mut reader) = (server.anonymous(), server.anonymous());
    writer.command("TYPE I", 200);
    for (line, expected) in [
        ("STOR file", "new"),
        ("APPE file", "newnew"),
        ("STOR fresh", "new"),
    ] {
        let name = line.split_once(' ').unwrap().1;
        let before = fs::read(server.root().path().join(name)).ok();
        for ends_well in [false, true] {
            let data = begin(&mut writer, line, b"new");
            hidden_in(server.root());
            assert_eq!(fs::read(server.root().path().join(name)).ok(), before);
            if ends_well {
                drop(data);
                writer.expect(226);
            } else {
                writer.line("ABOR");
                writer.expect(426);
                writer.expect_any(&[225, 226]);
            }
        }
        assert_eq!(reader.retrieve(name), expected.as_bytes());
    }
    assert_eq!(names_in(server.root()), ["file", "fresh"]);
}

#[test]
fn who_may_not_overwrite_replaces_nothing_from_a_hidden_name_either() {
    let launch = atomic().option("anon_other_write_enable", "NO");
    let Some(server) = without_unnamed_files(launch) else {
        return;
    };
    let mut control = server.anonymous();
    let data = begin(&mut control, "STOR new", b"late");
    server.root().file("new", "early");
    drop(data);
    control.expect(553);
    assert_eq!(server.root().read("new"), b"early");
    control.store("other", b"content");
    assert_eq!(names_in(server.root()), ["new", "other"]);
}

#[test]
fn no_client_sees_or_reaches_a_hidden_upload() {
    let Some(server) = without_unnamed_files(atomic()) else {
        return;
    };
    server.root().file("other", "content");
    let (mut writer, mut client) = (server.anonymous(), server.anonymous());
    client.command("TYPE I", 200);
    let data = begin(&mut writer, "STOR new", b"half");
    let hidden = hidden_in(server.root());
    shows_only(&mut client, &["other"]);
    for verb in ["RETR", "LIST", "NLST"] {
        client.refused(format!("{verb} {hidden}"), &[550]);
    }
    for verb in ["STOR", "APPE"] {
        client.refused(format!("{verb} {hidden}"), &[553]);
    }
    for verb in ["SIZE", "MDTM", "MLST", "DELE", "RNFR", "RMD", "MKD", "CWD"] {
        client.command(format!("{verb} {hidden}"), 550);
    }
    client.command_any(format!("STAT {hidden}"), &[450, 550]);
    client.command(format!("MFMT 20200101000000 {hidden}"), 550);
    client.command("RNFR other", 350);
    client.command(format!("RNTO {hidden}"), 550);
    client.goes_on();
    drop(data);
    writer.expect(226);
    assert_eq!(server.root().read("new"), b"half");
    assert_eq!(names_in(server.root()), ["new", "other"]);
}

#[test]
fn a_name_that_only_resembles_a_hidden_one_is_a_name() {
    let server = atomic().start();
    let mut control = server.anonymous();
    for name in [
        ".ironftpd-x.part",
        ".ironftpd-0123456789ABCDEF.part",
        ".part",
    ] {
        control.store(name, b"content");
        assert_eq!(control.retrieve(name), b"content");
    }
    control.refused("STOR .ironftpd-0123456789abcdef.part", &[553]);
    assert_eq!(control.listing("NLST .*").len(), 3);
}

#[test]
fn a_server_killed_in_mid_upload_leaves_the_old_file_and_nothing_else() {
    let mut server = atomic().start();
    server.root().file("file", "old content");
    let mut uploads = Vec::new();
    for line in ["STOR file", "STOR new", "APPE file"] {
        let mut control = server.anonymous();
        let data = begin(&mut control, line, &noise(100_000));
        uploads.push((control, data));
    }
    kill(&mut server);
    assert_eq!(names_in(server.root()), ["file"]);
    assert_eq!(server.root().read("file"), b"old content");
}

#[test]
fn what_a_killed_server_left_is_deleted_by_the_next_one() {
    // By whichever command comes to the directory first.
    for line in ["LIST", "NLST -a", "MLSD", "STAT .", "STOR", "RMD"] {
        let Some(mut server) = without_unnamed_files(atomic()) else {
            return;
        };
        server.root().dir("dir");
        let mut control = server.anonymous();
        control.command("CWD dir", 250);
        let data = begin(&mut control, "STOR new", &noise(100_000));
        kill(&mut server);
        let dir = server.root().path().join("dir");
        assert_eq!(fs::read_dir(&dir).unwrap().count(), 1);
        drop((control, data));
        if line == "STOR" {
            let root = server.root().path().to_str().unwrap().to_owned();
            let next = without_unnamed_files(atomic().option("anon_root", &root)).unwrap();
            next.anonymous().store("dir/other", b"content");
            assert_eq!(fs::read_dir(&dir).unwrap().count(), 1);
            assert!(server.root().has("dir/other"));
            continue;
        }
        let next = restarted(&server);
        let mut control = next.anonymous();
        match line {
            "RMD" => {
                control.command("RMD dir", 250);
                assert!(!server.root().has("dir"));
                continue;
            }
            "STAT ." => {
                control.command("STAT dir", 212);
            }
            _ => {
                control.command("CWD dir", 250);
                control.fetch(line);
            }
        }
        assert_eq!(fs::read_dir(&dir).unwrap().count(), 0, "{line}");
        next.wait_for_log("left by an upload that died");
    }
}

#[test]
fn an_upload_on_its_way_is_not_taken_for_a_dead_one() {
    let Some(server) = without_unnamed_files(atomic()) else {
        return;
    };
    server.root().dir("dir");
    let mut writer = server.anonymous();
    let data = begin(&mut writer, "STOR dir/new", b"content");
    // Another server, as in a container that shares the directory.
    let other = restarted(&server);
    for server in [&server, &other] {
        let mut control = server.anonymous();
        assert!(control.listing("NLST -a dir").len() <= 2);
        control.command("RMD dir", 550);
    }
    drop(data);
    writer.expect(226);
    assert_eq!(server.root().read("dir/new"), b"content");
}

#[test]
fn a_server_killed_between_name_and_place_leaves_no_litter_for_long() {
    let kill = ["-e", "trace=renameat", "-e", "inject=renameat:signal=KILL"];
    let Some(mut server) = under_strace(&ATOMIC, &kill, Path::new("/dev/null")) else {
        return;
    };
    server.root().file("file", "old content");
    let mut control = server.anonymous();
    let data = begin(&mut control, "STOR file", b"new");
    drop(data);
    let status = server.wait_for_end().expect("an end");
    assert_eq!(status.signal(), Some(libc::SIGKILL));
    assert_eq!(server.root().read("file"), b"old content");
    hidden_in(server.root());
    let next = restarted(&server);
    shows_only(&mut next.anonymous(), &["file"]);
    assert_eq!(names_in(server.root()), ["file"]);
}

#[test]
fn a_kernel_that_names_files_by_proc_alone_will_do() {
    // Before Linux 6.10, linkat of a bare descriptor is for the privileged.
    let refuse = [
        "-e",
        "trace=linkat",
        "-e",
        "inject=linkat:error=ENOENT:when=1+2",
    ];
    let Some(server) = under_strace(&ATOMIC, &refuse, Path::new("/dev/null")) else {
        return;
    };
    let mut control = server.anonymous();
    for content in ["new", "replaced"] {
        control.store("file", content.as_bytes());
        assert_eq!(server.root().read("file"), content.as_bytes());
    }
    assert_eq!(names_in(server.root()), ["file"]);
}

#[test]
fn a_file_system_that_cannot_rename_without_replacing_will_do() {
    let words = [
        "-e",
        "trace=renameat2",
        "-e",
        "inject=renameat2:error=EINVAL",
    ];
    let hide = "mount -t tmpfs ironftpd-test /proc && exec \"$@\"";
    let unshare = ["unshare", "--mount", "sh", "-c", hide, "sh"];
    if !is_root() {
        left_out("only root can hide /proc under strace");
        return;
    }
    let options = [ATOMIC[0], ("anon_other_write_enable", "NO")];
    let words = [&words[..], &unshare[..]].concat();
    let Some(server) = under_strace(&options, &words, Path::new("/dev/null")) else {
        return;
    };
    let mut control = server.anonymous();
    let data = begin(&mut control, "STOR new", b"late");
    hidden_in(server.root());
    server.root().file("new", "early");
    drop(data);
    control.expect(553);
    control.store("other", b"content");
    assert_eq!(server.root().read("new"), b"early");
    assert_eq!(names_in(server.root()), ["new", "other"]);
}

#[test]
fn a_server_without_privileges_replaces_what_it_may_write() {
    let become_nobody = [
        "setpriv",
        "--reuid=65534",
        "--regid=65534",
        "--clear-groups",
        "--",
    ];
    let mut probe = Command::new(become_nobody[0]);
    probe
        .args(&become_nobody[1..])
        .args([IRONFTPD, "--version"]);
    if !is_root()
        || probe
            .output()
            .map_or(true, |output| !output.status.success())
    {
        left_out("the server cannot be started as nobody");
        return;
    }
    let launch = atomic().through(&become_nobody);
    let path = launch.root().file("file", "old content");
    let closed = launch.root().file("closed", "old content");
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o644)).unwrap();
    let unwritable = launch.root().dir("unwritable");
    launch.root().file("unwritable/file", "old content");
    fs::set_permissions(&unwritable, fs::Permissions::from_mode(0o755)).unwrap();
    let server = launch.start();
    let mut control = server.anonymous();
    control.store("new", b"content");
    control.store("file", b"new");
    control.give("APPE file", b" more");
    let found = fs::metadata(&path).unwrap();
    assert_eq!((found.mode() & 0o777, found.uid()), (0o666, 65534));
    assert_eq!(server.root().read("file"), b"new more");
    for line in [
        "STOR closed",
        "APPE closed",
        "STOR unwritable/file",
        "STOR unwritable/new",
    ] {
        control.refused(line, &[553]);
        control.goes_on();
    }
    assert_eq!(
        names_in(server.root()),
        ["closed", "file", "new", "unwritable"]
    );
    assert_eq!(server.root().read("closed"), b"old content");
}
