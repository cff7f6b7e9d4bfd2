//! Rotation while sessions write: every line is there once, whole and in
//! order, in one of the files.

use super::support::server::Launch;
use super::support::temp::TempDir;
use super::support::{PATIENCE, is_root, left_out, process};
use super::written::{Logs, lines};
use std::fs::{self, File, Permissions};
use std::os::fd::AsRawFd;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::Instant;

const SESSIONS: usize = 3;
const LINES: usize = 1500;

/// Has several sessions write, and `rotate` called again and again meanwhile,
/// at least three times, with how often it was before.
fn under_load(logs: &Logs, mut rotate: impl FnMut(usize)) {
    thread::scope(|scope| {
        let writers: Vec<_> = (0..SESSIONS)
            .map(|session| {
                let mut control = logs.server.anonymous();
                scope.spawn(move || {
                    for line in 0..LINES {
                        control.command(format!("DELE s{session}-{line}-"), 550);
                    }
                })
            })
            .collect();
        let mut turn = 0;
        while turn < 3 || writers.iter().any(|writer| !writer.is_finished()) {
            rotate(turn);
            turn += 1;
            thread::yield_now();
        }
    });
}

/// Waits until it is so.
#[track_caller]
fn wait_for(mut is_so: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < end, "it never is");
        thread::yield_now();
    }
}

/// The lines of all files whose names begin so, the oldest file first. A file
/// without a number is the newest.
fn in_all(directory: &Path, name: &str) -> Vec<String> {
    let number = |path: &Path| {
        let extension = path
            .extension()
            .and_then(|end| end.to_str().map(str::to_owned));
        extension
            .and_then(|end| end.parse().ok())
            .unwrap_or(usize::MAX)
    };
    let entries = fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let mut paths: Vec<_> = entries
        .filter(|path| {
            path.file_name()
                .unwrap()
                .to_str()
                .unwrap()
                .starts_with(name)
        })
        .collect();
    paths.sort_by_key(|path| number(path));
    assert!(paths.len() > 3, "rotated too seldom: {paths:?}");
    paths
        .iter()
        .flat_map(|path| lines(&fs::read_to_string(path).unwrap()))
        .collect()
}

/// Errs unless each session's lines are there once and in order.
fn check_all(found: &[String]) {
    for session in 0..SESSIONS {
        let start = format!("/s{session}-");
        let numbers = found.iter().filter_map(|line| line.split_once(&start));
        let numbers: Vec<usize> = numbers
            .map(|(_, rest)| rest.split('-').next().unwrap().parse().unwrap())
            .collect();
        assert_eq!(numbers, (0..LINES).collect::<Vec<_>>(), "session {session}");
    }
    check_shape(found);
}

/// Errs where a line is torn.
fn check_shape(found: &[String]) {
    for line in found {
        let is_whole = line.contains(" [pid ")
            && (line.ends_with("-\"")
                || line.ends_with("CONNECT: Client \"127.0.0.1\"")
                || line.ends_with("anon password \"someone@example.org\""));
        assert!(is_whole, "{line:?}");
        assert_eq!(line.matches(" [pid ").count(), 1, "{line:?}");
    }
}

#[test]
fn renaming_and_sighup_lose_no_line() {
    let mut logs = Logs::start(&[]);
    let log = logs.path("vsftpd.log");
    under_load(&logs, |turn| {
        fs::rename(&log, logs.path(&format!("vsftpd.log.{turn}"))).unwrap();
        logs.server.signal(libc::SIGHUP);
        wait_for(|| log.exists());
    });
    logs.server.whole_log();
    check_all(&in_all(logs.directory.path(), "vsftpd.log"));
}

#[test]
fn renaming_alone_loses_no_line_either() {
    let mut logs = Logs::start(&[]);
    let log = logs.path("vsftpd.log");
    under_load(&logs, |turn| {
        fs::rename(&log, logs.path(&format!("vsftpd.log.{turn}"))).unwrap();
        File::create_new(&log).unwrap();
    });
    logs.server.whole_log();
    check_all(&in_all(logs.directory.path(), "vsftpd.log"));
}

/// fcntl(2)'s lock of all of a file, until the file is closed.
fn lock(file: &File) {
    // SAFETY: flock is a plain struct of integers, for which all zeros is a
    // value; it and the descriptor live through the call.
    let result = unsafe {
        let mut lock: libc::flock = std::mem::zeroed();
        lock.l_type = libc::F_WRLCK as libc::c_short;
        libc::fcntl(file.as_raw_fd(), libc::F_OFD_SETLKW, &raw const lock)
    };
    assert_eq!(result, 0);
}

#[test]
fn copying_and_cutting_off_under_the_lock_loses_no_line() {
    let mut logs = Logs::start(&[]);
    let log = logs.path("vsftpd.log");
    under_load(&logs, |turn| {
        let file = File::options().write(true).open(&log).unwrap();
        lock(&file);
        fs::copy(&log, logs.path(&format!("vsftpd.log.{turn}"))).unwrap();
        file.set_len(0).unwrap();
    });
    logs.server.whole_log();
    check_all(&in_all(logs.directory.path(), "vsftpd.log"));
}

#[test]
fn copying_and_cutting_off_without_it_tears_no_line() {
    let mut logs = Logs::start(&[("no_log_lock", "YES")]);
    let log = logs.path("vsftpd.log");
    under_load(&logs, |turn| {
        let file = File::options().write(true).open(&log).unwrap();
        // One read, as a file is never longer here than that takes.
        fs::write(logs.path(&format!("copy.{turn}")), fs::read(&log).unwrap()).unwrap();
        file.set_len(0).unwrap();
    });
    let rest = logs.lines("vsftpd.log");
    check_shape(&in_all(logs.directory.path(), "copy"));
    check_shape(&rest);
}

#[test]
fn who_holds_the_lock_stops_no_session_unless_locks_are_off() {
    for (option, waits) in [("NO", true), ("YES", false)] {
        let mut logs = Logs::start(&[("no_log_lock", option)]);
        let mut control = logs.server.anonymous();
        control.command("MKD before", 257);
        let log = File::options()
            .write(true)
            .open(logs.path("vsftpd.log"))
            .unwrap();
        lock(&log);
        for number in 0..20 {
            control.command(format!("MKD d{number}"), 257);
        }
        if waits {
            drop(log);
            logs.server.whole_log();
        } else {
            logs.server.whole_log();
            drop(log);
        }
        let found = fs::read_to_string(logs.path("vsftpd.log")).unwrap();
        assert_eq!(found.matches("OK MKDIR").count(), 21, "{found}");
    }
}

/// Logs of a server that gives up root.
fn as_nobody() -> Logs {
    let directory = TempDir::new();
    directory.close_to_others();
    let options = [("run_as_launching_user", "NO"), ("ftp_username", "daemon")];
    Logs::launch_in(directory, Launch::new().writable().options(&options), &[])
}

#[test]
fn a_file_made_for_root_is_opened_for_a_server_that_is_root_no_more() {
    if !is_root() {
        return left_out("not root: nothing to give up");
    }
    let mut logs = as_nobody();
    let status = fs::read_to_string(format!("/proc/{}/status", logs.server.pid())).unwrap();
    assert!(!status.contains("\nUid:\t0\t0"), "still root");
    let mut control = logs.server.anonymous();
    control.command("DELE old-", 550);
    let log = logs.path("vsftpd.log");
    wait_for(|| fs::read_to_string(&log).unwrap().contains("/old-"));
    fs::rename(&log, logs.path("vsftpd.log.1")).unwrap();
    // As logrotate does for vsftpd on Debian, which then says nothing to it.
    File::create_new(&log).unwrap();
    fs::set_permissions(&log, Permissions::from_mode(0o640)).unwrap();
    control.command("DELE new-", 550);
    logs.server.wait_for_log("goes on in a new file");
    let messages = logs.messages();
    assert_eq!(messages.len(), 1, "{messages:?}");
    assert!(messages[0].ends_with("\"/new-\""), "{messages:?}");
    assert!(!logs.server.log().contains("refused by seccomp"));
}

#[test]
fn what_not_even_the_keeper_opens_leaves_the_log_where_it_is() {
    if !is_root() {
        return left_out("not root: nothing to give up");
    }
    let mut logs = as_nobody();
    let log = logs.path("vsftpd.log");
    fs::rename(&log, logs.path("vsftpd.log.1")).unwrap();
    let secret = logs.directory.file("secret", "secret\n");
    fs::set_permissions(&secret, Permissions::from_mode(0o600)).unwrap();
    std::os::unix::fs::symlink(&secret, &log).unwrap();
    let mut control = logs.server.anonymous();
    control.command("DELE one-", 550);
    logs.server
        .wait_for_log("the log goes on in the file of before");
    logs.server.signal(libc::SIGHUP);
    control.command("DELE two-", 550);
    logs.server.whole_log();
    assert_eq!(fs::read(&secret).unwrap(), b"secret\n");
    let text = fs::read_to_string(logs.path("vsftpd.log.1")).unwrap();
    assert!(text.contains("/one-") && text.contains("/two-"), "{text}");
}

#[test]
fn logrotate_does_it_right_both_ways() {
    let has = ["/usr/sbin/logrotate", "/usr/bin/logrotate"].map(|path| Path::new(path).exists());
    if !is_root() || !has.contains(&true) {
        return left_out("logrotate needs to be there, and root");
    }
    for how in ["create", "copytruncate"] {
        let mut logs = as_nobody();
        let line = match how {
            "create" => "create 640 root root",
            other => other,
        };
        let log = logs.path("vsftpd.log");
        let rules = format!("{} {{\n{line}\nrotate 3\n}}\n", log.display());
        let rules = logs.directory.file("rules", rules);
        fs::set_permissions(&rules, Permissions::from_mode(0o600)).unwrap();
        let mut control = logs.server.anonymous();
        for turn in 0..3 {
            control.command(format!("DELE turn{turn}-"), 550);
            wait_for(|| {
                fs::read_to_string(&log)
                    .unwrap()
                    .contains(&format!("/turn{turn}-"))
            });
            let mut command = Command::new("logrotate");
            command.env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
            command
                .arg("-f")
                .arg("-s")
                .arg(logs.path("state"))
                .arg(&rules);
            process::run(&mut command, b"", PATIENCE).succeed();
        }
        logs.server.whole_log();
        for (name, turn) in [
            ("vsftpd.log.3", 0),
            ("vsftpd.log.2", 1),
            ("vsftpd.log.1", 2),
        ] {
            let text = fs::read_to_string(logs.path(name)).unwrap();
            assert!(
                text.contains(&format!("/turn{turn}-")),
                "{how}: {name}: {text}"
            );
        }
    }
}
