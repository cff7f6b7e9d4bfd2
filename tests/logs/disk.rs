//! A disk without room for the log: the sessions do not notice, and it is
//! told what that cost.

use super::support::server::Launch;
use super::support::temp::TempDir;
use super::support::{PATIENCE, is_root, left_out, process};
use super::written::{Logs, lines};
use std::fs;
use std::process::Command;

#[test]
fn a_full_disk_costs_lines_and_no_session_and_is_told_once() {
    let directory = TempDir::new();
    let mut unshare = vec!["unshare", "--mount"];
    if !is_root() {
        unshare.extend(["--user", "--map-root-user"]);
    }
    let mut probe = Command::new(unshare[0]);
    probe
        .args(&unshare[1..])
        .args(["mount", "-t", "tmpfs", "x", "/mnt"]);
    let probe = process::run(&mut probe, b"", PATIENCE);
    if !probe.status.success() {
        return left_out(&format!("no tmpfs may be mounted here: {}", probe.words()));
    }
    let path = directory.path().to_str().unwrap().to_owned();
    let script = "mount -t tmpfs -o size=64k,mode=777 ironftpd-test \"$0\" && \
                  head -c 49152 /dev/zero > \"$0/filler\" && exec \"$@\"";
    unshare.extend(["sh", "-c", script, &path]);
    let launch = Launch::new().writable().through(&unshare);
    let mut logs = Logs::launch_in(
        directory,
        launch,
        &[("dual_log_enable", "NO"), ("xferlog_enable", "YES")],
    );
    // As the server sees it.
    let seen = format!("/proc/{}/root{path}", logs.server.pid());
    let mut control = logs.server.anonymous();
    let mut count = 0;
    while !logs.server.log().contains("takes no more lines") {
        control.command(format!("DELE n{count}-"), 550);
        count += 1;
        assert!(count < 5000, "the disk is never full");
    }
    for _ in 0..20 {
        control.command(format!("DELE n{count}-"), 550);
        count += 1;
    }
    control.store("file", b"12345");
    assert_eq!(control.retrieve("file"), b"12345");
    fs::remove_file(format!("{seen}/filler")).unwrap();
    control.command("DELE last-", 550);
    let told = logs.server.wait_for_log("lines lost: ");
    let lost = told.split("lines lost: ").nth(1).unwrap();
    let lost: usize = lost.parse().unwrap();
    let found = lines(&fs::read_to_string(format!("{seen}/vsftpd.log")).unwrap());
    for line in &found {
        assert_eq!(line.matches(" [pid ").count(), 1, "{line:?}");
        assert!(
            line.ends_with('"') || line.ends_with("Kbyte/sec"),
            "{line:?}"
        );
    }
    assert!(found.last().unwrap().ends_with("\"/last-\""));
    // CONNECT, OK LOGIN, OK UPLOAD, OK DOWNLOAD and the last.
    assert_eq!(found.len() + lost, count + 5, "{told}");
    let log = logs.server.whole_log();
    let own = log.lines().filter(|line| line.contains("vsftpd_log_file"));
    assert_eq!(own.count(), 2, "{log}");
}
