//! Users of the system (local_enable): checked by PAM, served by a worker
//! that has become them, in a server that is nobody.

use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use crate::support::accounts::{PASSWORD, PASSWORD_FILE, Service, User, launch};
use crate::support::server::{Launch, Server};
use crate::support::temp::TempDir;
use crate::support::{is_root, left_out};

fn status(server: &Server, name: &str) -> String {
    let text = std::fs::read_to_string(format!("/proc/{}/status", server.pid())).unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    line.unwrap()
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
}

#[test]
fn users_act_as_themselves_in_a_server_that_is_nobody() {
    if !is_root() {
        return left_out("accounts are made by root");
    }
    let service = Service::new("two", PASSWORD_FILE);
    let (one, two) = (User::new("one"), User::new("two"));
    let server = launch(&service).start();
    let (mut first, mut second) = (one.log_in(&server), two.log_in(&server));
    for round in 0..20 {
        for (user, control) in [(&one, &mut first), (&two, &mut second)] {
            let name = format!("file{round}");
            control.store(&name, user.account.name.as_bytes());
            let about = std::fs::metadata(user.home.path().join(&name)).unwrap();
            assert_eq!(
                (about.uid(), about.gid()),
                (user.account.number("-u"), user.account.number("-g"))
            );
            assert_eq!(about.mode() & 0o7777, 0o640);
            assert_eq!(control.retrieve(&name), user.account.name.as_bytes());
        }
    }
    // The process itself is nobody, and may become its users and no more.
    assert_eq!(status(&server, "Uid:"), "65534 65534 65534 65534");
    assert_eq!(status(&server, "CapPrm:"), "00000000000000c0");
    assert_eq!(status(&server, "NoNewPrivs:"), "1");
}

#[test]
fn a_user_s_other_programs_cannot_signal_the_worker_that_acts_as_him() {
    if !is_root() {
        return left_out("accounts are made by root");
    }
    let service = Service::new("signal", PASSWORD_FILE);
    let user = User::new("sig");
    let server = launch(&service).start();
    let _control = user.log_in(&server);
    let (uid, gid) = (user.account.number("-u"), user.account.number("-g"));
    let mut acting = 0;
    for task in std::fs::read_dir(format!("/proc/{}/task", server.pid())).unwrap() {
        let task = task.unwrap();
        let text = std::fs::read_to_string(task.path().join("status")).unwrap();
        let line = text.lines().find_map(|line| line.strip_prefix("Uid:"));
        let effective = line.unwrap().split_whitespace().nth(1).unwrap();
        acting += usize::from(effective == uid.to_string());
        let thread = task.file_name().into_string().unwrap();
        let kill = Command::new("sh")
            .args(["-c", "kill -0 \"$0\"", &thread])
            .uid(uid)
            .gid(gid)
            .stderr(Stdio::null())
            .status();
        assert!(!kill.unwrap().success(), "{text}");
    }
    assert_ne!(acting, 0, "a worker acts as the user");
}

#[test]
fn a_wrong_password_and_an_unknown_user_are_told_the_same() {
    if !is_root() {
        return left_out("accounts are made by root");
    }
    let service = Service::new("wrong", PASSWORD_FILE);
    let user = User::new("w");
    let server = launch(&service).start();
    for (name, password) in [
        (user.account.name.as_str(), "wrong"),
        ("ifl-nobody-of-this-name", PASSWORD),
    ] {
        let mut control = server.connect();
        control.command(format!("USER {name}"), 331);
        let words = control.command(format!("PASS {password}"), 530).words();
        assert_eq!(words, "Login incorrect.");
    }
    let mut control = user.log_in(&server);
    assert!(control.command("PWD", 257).text().contains("\"/\""));
}

#[test]
fn an_anonymous_server_for_everybody_has_no_capability_at_all() {
    if !is_root() {
        return left_out("giving up root takes root");
    }
    let launch = Launch::new().option("run_as_launching_user", "NO");
    launch.root().file("file", "content");
    let path = launch.root().path().join("file");
    std::fs::set_permissions(launch.root().path(), PermissionsExt::from_mode(0o755)).unwrap();
    std::fs::set_permissions(path, PermissionsExt::from_mode(0o644)).unwrap();
    let server = launch.start();
    assert_eq!(server.anonymous().retrieve("file"), b"content");
    assert_eq!(status(&server, "Uid:"), "65534 65534 65534 65534");
    assert_eq!(status(&server, "CapPrm:"), "0000000000000000");
}

/// A server that becomes nobody and serves anonymous users of `user`, whose
/// own options may follow in the directory given.
fn anonymous_with_own_options(user: &User, options: &TempDir) -> Launch {
    let launch = Launch::new()
        .option("run_as_launching_user", "NO")
        .option("ftp_username", &user.account.name)
        .option("anon_root", user.home.path().to_str().unwrap())
        .option("user_config_dir", options.path().to_str().unwrap());
    std::fs::set_permissions(user.home.path(), PermissionsExt::from_mode(0o755)).unwrap();
    launch
}

const MAY_STORE: &str = "write_enable=YES\nanon_upload_enable=YES\n";

#[test]
fn anonymous_users_who_may_store_by_a_file_of_their_own_are_their_user() {
    if !is_root() {
        return left_out("accounts are made by root");
    }
    let (user, options) = (User::new("anon"), TempDir::new());
    options.file(&user.account.name, MAY_STORE);
    let server = anonymous_with_own_options(&user, &options).start();
    server.anonymous().store("file", b"content");
    let about = std::fs::metadata(user.home.path().join("file")).unwrap();
    let own = (user.account.number("-u"), user.account.number("-g"));
    assert_eq!((about.uid(), about.gid()), own);
}

#[test]
fn anonymous_users_who_should_be_another_too_late_are_not_let_in() {
    if !is_root() {
        return left_out("accounts are made by root");
    }
    let (user, options) = (User::new("late"), TempDir::new());
    let server = anonymous_with_own_options(&user, &options).start();
    assert_eq!(status(&server, "CapPrm:"), "0000000000000000");
    server.anonymous().goes_on();
    options.file(&user.account.name, MAY_STORE);
    let mut control = server.connect();
    control.command("USER anonymous", 331);
    control.command("PASS x", 500);
    server.wait_for_log("restart it");
}
