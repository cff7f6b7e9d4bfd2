//! Users of the system (local_enable): checked by PAM, served by a worker
//! that has become them, in a server that is nobody.

use std::os::unix::fs::{MetadataExt, PermissionsExt};

use crate::support::accounts::{Account, PASSWORD, Service, run};
use crate::support::control::Control;
use crate::support::server::{Launch, Server};
use crate::support::temp::TempDir;
use crate::support::{is_root, left_out};

/// An account and the home it has.
struct User {
    account: Account,
    home: TempDir,
}

impl User {
    fn new(word: &str) -> User {
        let home = TempDir::new();
        let path = home.path().to_str().unwrap().to_owned();
        let account = Account::user(word, &path, &[]);
        run("chown", &[&format!("{}:", account.name), &path]);
        run("chmod", &["700", &path]);
        User { account, home }
    }

    fn log_in(&self, server: &Server) -> Control {
        let mut control = server.connect();
        control.command(format!("USER {}", self.account.name), 331);
        control.command(format!("PASS {PASSWORD}"), 230);
        control
    }
}

/// Asks the password file alone.
const PASSWORD_FILE: &str = "auth required pam_unix.so\naccount required pam_unix.so\n";

fn server(service: &Service, options: &[(&str, &str)]) -> Server {
    let launch = Launch::new()
        .option("run_as_launching_user", "NO")
        .option("local_enable", "YES")
        .option("pam_service_name", &service.name)
        .option("write_enable", "YES")
        .option("local_umask", "027")
        .option("chroot_local_user", "YES")
        .options(options);
    // Nobody may look into it, and no file of it is given out.
    std::fs::set_permissions(launch.root().path(), PermissionsExt::from_mode(0o755)).unwrap();
    launch.start()
}

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
    let server = server(&service, &[]);
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
fn a_wrong_password_and_an_unknown_user_are_told_the_same() {
    if !is_root() {
        return left_out("accounts are made by root");
    }
    let service = Service::new("wrong", PASSWORD_FILE);
    let user = User::new("w");
    let server = server(&service, &[]);
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
