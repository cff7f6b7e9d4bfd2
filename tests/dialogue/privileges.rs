//! What `--check` says of privileges, and what a running server has.

use crate::support::process::run;
use crate::support::server::{IRONFTPD, Launch};
use crate::support::temp::TempDir;
use crate::support::{PATIENCE, is_root, left_out};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

/// `--check` of a file whose anonymous users are at `root`.
fn checking(text: &str, root: &Path) -> (TempDir, Command) {
    let directory = TempDir::new();
    let file = directory.file("site.conf", text);
    let mut command = Command::new(IRONFTPD);
    command.arg("--check").arg(file);
    command.arg(format!("-oanon_root={}", root.display()));
    (directory, command)
}

fn check(settings: &[&str]) -> String {
    let root = TempDir::new();
    root.close_to_others();
    let (_directory, mut command) =
        checking("listen_address=127.0.0.1\nlisten_port=0\n", root.path());
    for setting in settings {
        command.arg(format!("-o{setting}"));
    }
    let finished = run(&mut command, b"", PATIENCE).succeed();
    String::from_utf8(finished.stdout).unwrap()
}

#[test]
fn a_check_tells_every_capability_and_its_reason() {
    if !is_root() {
        return left_out("only root has capabilities to keep");
    }
    let nothing = check(&["connect_from_port_20=NO"]);
    assert!(
        nothing.starts_with("Privileges: becomes nobody (nopriv_user) and keeps no capability\n"),
        "{nothing}"
    );
    let all = check(&[
        "connect_from_port_20=YES",
        "local_enable=YES",
        "chown_uploads=YES",
        "chown_username=daemon",
    ]);
    let told: Vec<&str> = all
        .lines()
        .filter_map(|line| line.strip_prefix("  "))
        .collect();
    assert_eq!(
        told,
        [
            "CAP_SETUID: workers become the users that log in (local_enable)",
            "CAP_SETGID: workers become the users that log in (local_enable)",
            "CAP_NET_BIND_SERVICE: active data connections leave from port 20 (connect_from_port_20)",
            "CAP_CHOWN: uploads of anonymous users are given to daemon (chown_uploads)",
        ]
    );
}

#[test]
fn what_keeps_a_server_from_starting_fails_its_check() {
    let (_directory, mut command) = checking("", Path::new("/nonexistent/place"));
    let finished = run(&mut command, b"", PATIENCE);
    assert_eq!(finished.status.code(), Some(78), "{}", finished.words());
    assert!(finished.words().contains("/nonexistent/place"));
}

/// The lines of a thread's status that say what it may.
fn rights(task: &Path) -> String {
    let status = fs::read_to_string(task.join("status")).unwrap();
    let wanted = [
        "Uid:",
        "CapPrm:",
        "CapEff:",
        "CapBnd:",
        "NoNewPrivs:",
        "Seccomp:",
    ];
    let lines = status.lines().filter(|line| {
        let name = line.split_whitespace().next().unwrap_or_default();
        wanted.contains(&name)
    });
    lines.collect::<Vec<_>>().join("\n").replace('\t', " ")
}

#[test]
fn every_thread_has_shed_what_it_does_not_need() {
    if !is_root() {
        return left_out("becoming another user takes root");
    }
    let launch = Launch::new()
        .option("run_as_launching_user", "NO")
        .option("connect_from_port_20", "YES");
    launch.root().close_to_others();
    let server = launch.start();
    let _session = server.anonymous();
    let tasks = fs::read_dir(format!("/proc/{}/task", server.pid())).unwrap();
    let mut seen = Vec::new();
    for task in tasks {
        let task = task.unwrap().path();
        let name = fs::read_to_string(task.join("comm")).unwrap();
        let may = rights(&task);
        let kept = match name.trim() {
            // The main thread, and the workers of anonymous users' home.
            "ironftpd" | "worker" => "0000000000000400",
            _ => "0000000000000000",
        };
        let wanted = format!(
            "Uid: 65534 65534 65534 65534\nCapPrm: {kept}\nCapEff: {kept}\n\
             CapBnd: 0000000000000000\nNoNewPrivs: 1\nSeccomp: 2"
        );
        assert_eq!(may, wanted, "{name}");
        seen.push(name);
    }
    for name in [
        "ironftpd\n",
        "worker\n",
        "waiting-room\n",
        "names\n",
        "log\n",
    ] {
        assert!(seen.iter().any(|one| one == name), "{name} of {seen:?}");
    }
}

/// A list that only root may read, as some systems install them, and files of
/// users that only root may read.
#[test]
fn what_the_server_cannot_read_again_is_told_at_the_start() {
    if !is_root() {
        return left_out("giving up root takes root");
    }
    let place = TempDir::new();
    fs::set_permissions(place.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let list = place.file("list", "ann\n");
    let options = place.dir("users");
    let own = place.file("users/ann", "local_umask=027\n");
    for path in [&list, &own] {
        fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
    }
    fs::set_permissions(&options, fs::Permissions::from_mode(0o755)).unwrap();
    let start = || {
        Launch::new()
            .option("run_as_launching_user", "NO")
            .option("local_enable", "YES")
            .option("userlist_enable", "YES")
            .option("userlist_file", list.to_str().unwrap())
            .option("user_config_dir", options.to_str().unwrap())
            .start()
    };
    let server = start();
    server.wait_for_log("userlist_file");
    server.wait_for_log("these users cannot log in");
    drop(server);
    fs::set_permissions(&options, fs::Permissions::from_mode(0o700)).unwrap();
    start().wait_for_log("and nobody can log in");
}
