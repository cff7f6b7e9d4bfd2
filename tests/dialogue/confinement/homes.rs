//! A user who may write somewhere on the way to a root, by other means than
//! this server, puts a link there that makes a root of another place.

use std::os::unix::fs::{chown, lchown, symlink};

use crate::confinement::world::Outside;
use crate::support::accounts::{Account, PASSWORD, Service};
use crate::support::server::Launch;
use crate::support::temp::TempDir;
use crate::support::{is_root, left_out};

/// The way to a home that somebody else has put a link in.
const STRANGER: u32 = 54321;

#[test]
fn a_link_of_another_user_on_the_way_makes_no_root() {
    if !is_root() {
        return left_out("only root can give a link away");
    }
    let (place, outside) = (TempDir::new(), Outside::new());
    let mut launch = Launch::new();
    for (name, owner, link, home) in [
        ("at-the-end", STRANGER, "end", "end"),
        ("on-the-way", STRANGER, "way", "way/vault"),
        ("root-s-own", 0, "good", "good"),
    ] {
        let path = place.path().join(link);
        symlink(outside.path(), &path).unwrap();
        lchown(&path, Some(owner), None).unwrap();
        launch = launch.account(name, "secret", &place.path().join(home));
    }
    let server = launch.start();
    for name in ["at-the-end", "on-the-way"] {
        let mut control = server.connect();
        control.command(format!("USER {name}"), 331);
        let reply = control.command("PASS secret", 530);
        assert_eq!(reply.words(), "Login incorrect.");
        server.wait_for_log("another user's link");
    }
    // Such as /home, on many a machine.
    let mut control = server.login("root-s-own", "secret");
    control.command("SIZE secret", 213);
}

#[test]
fn who_is_kept_in_cannot_choose_where_by_a_link_of_his_own() {
    if !is_root() {
        return left_out("accounts are made by root");
    }
    let lines = "auth required pam_unix.so\naccount required pam_unix.so\n";
    let service = Service::new("links", lines);
    let home = TempDir::new();
    let account = Account::user("l", home.path().to_str().unwrap(), &[]);
    let (uid, gid) = (account.number("-u"), account.number("-g"));
    chown(home.path(), Some(uid), Some(gid)).unwrap();
    home.dir("public");
    let server = Launch::new()
        .option("run_as_launching_user", "NO")
        .option("anonymous_enable", "NO")
        .option("local_enable", "YES")
        .option("pam_service_name", &service.name)
        .option("chroot_local_user", "YES")
        .option("local_root", "public")
        .start();
    server.login(&account.name, PASSWORD).goes_on();
    std::fs::remove_dir(home.path().join("public")).unwrap();
    let link = home.link("public", "/");
    lchown(link, Some(uid), Some(gid)).unwrap();
    let mut control = server.connect();
    control.command(format!("USER {}", account.name), 331);
    control.command(format!("PASS {PASSWORD}"), 530);
}
