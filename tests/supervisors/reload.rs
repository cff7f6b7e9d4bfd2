//! SIGHUP: the configuration is read again, whole or not at all, and nobody
//! who is there notices.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt};

use crate::kit::{children, signal, status};
use crate::support::accounts::{Account, PASSWORD, Service};
use crate::support::data::read_all;
use crate::support::server::{Launch, Server, add_account};
use crate::support::temp::TempDir;
use crate::support::tree::noise;
use crate::support::{is_root, left_out};

const AGAIN: &str = "configuration read again";

/// Appends lines to a server's configuration.
fn add(server: &Server, lines: &str) {
    let file = server.config_file();
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, text + lines).unwrap();
}

/// Sends SIGHUP, and waits for the one line that tells what came of it: the
/// `count`th that holds `words`.
#[track_caller]
fn reload(server: &Server, words: &str, count: usize) {
    server.signal(libc::SIGHUP);
    server.wait_for_lines(words, count);
}

#[test]
fn options_banner_accounts_and_lists_are_read_again() {
    let launch = Launch::new();
    let (old, new) = (launch.root().dir("old"), launch.root().dir("new"));
    let server = launch
        .account("ann", "secret", &old)
        .option("user_config_dir", "")
        .start();
    let place = TempDir::new();
    let banner = place.file("banner", "Welcome back.\n");
    let list = place.file("list", "ben\n");
    let users = place.path().join("others");
    add_account(&users, "ben", "secret", &new, false).succeed();
    add_account(&users, "cat", "secret", &new, false).succeed();
    let mut before = server.login("ann", "secret");
    add(
        &server,
        &format!(
            "banner_file={}\nvirtual_users_file={}\nuserlist_enable=YES\nuserlist_file={}\n\
             write_enable=YES\n",
            banner.display(),
            users.display(),
            list.display()
        ),
    );
    reload(&server, AGAIN, 1);
    let line = server.wait_for_log(AGAIN);
    for name in ["banner_file", "userlist_enable", "write_enable"] {
        assert!(line.contains(name), "{line}");
    }
    let mut control = crate::support::control::Control::connect_ungreeted(server.address());
    let greeting = control.expect(220);
    assert!(greeting.text().contains("Welcome back."), "{greeting:?}");
    control.login("cat", "secret");
    control.store("file", b"x");
    assert!(new.join("file").exists());
    let mut control = server.connect();
    control.command("USER ann", 331);
    control.command("PASS secret", 530);
    let mut control = server.connect();
    control.command("USER ben", 530);
    // Who was there has what he had.
    before.goes_on();
    before.refused("STOR file", &[550]);
}

#[test]
fn transfers_under_way_are_not_touched() {
    let launch = Launch::new().writable();
    let bytes = noise(24_000_000);
    launch.root().file("large", &bytes);
    let server = launch.start();
    let (mut down, mut up) = (server.anonymous(), server.anonymous());
    let mut fetched = down.passive();
    down.command("RETR large", 150);
    let mut stored = up.passive();
    up.command("STOR new", 150);
    let mut head = vec![0; 100_000];
    fetched.read_exact(&mut head).unwrap();
    let half = bytes.len() / 2;
    stored.write_all(&bytes[..half]).unwrap();
    // Everything they use is another afterwards: the root, the rate, what may
    // be done, the ports.
    let elsewhere = TempDir::new();
    elsewhere.file("large", "another");
    add(
        &server,
        &format!(
            "anon_root={}\nanon_max_rate=1000\nwrite_enable=NO\npasv_min_port=40000\n\
             pasv_max_port=50000\nidle_session_timeout=7\n",
            elsewhere.path().display()
        ),
    );
    reload(&server, AGAIN, 1);
    let mut control = server.anonymous();
    assert_eq!(control.retrieve("large"), b"another");
    control.refused("STOR file", &[550]);
    reload(&server, AGAIN, 2);
    stored.write_all(&bytes[half..]).unwrap();
    drop(stored);
    up.expect(226);
    let rest = read_all(fetched);
    assert!([head, rest].concat() == bytes);
    down.expect(226);
    assert!(server.root().read("new") == bytes);
    // And their sessions go on under what they began with.
    assert!(down.retrieve("large") == bytes);
    up.store("again", b"x");
    assert_eq!(server.root().read("again"), b"x");
}

#[test]
fn what_is_wrong_changes_nothing_and_is_told_in_one_line() {
    let server = Server::start(&[]);
    let file = server.config_file();
    let good = fs::read_to_string(&file).unwrap();
    let stays = "the configuration of before stays";
    for (count, bad, words) in [
        (
            1,
            "max_clients=x\nftpd_banner=new\nnonsense=1\n",
            "nonsense",
        ),
        (2, "anon_root=/nonexistent\nftpd_banner=new\n", "anon_root"),
        (3, "banner_file=/nonexistent\n", "banner_file"),
        (
            4,
            "deny_email_enable=YES\nbanned_email_file=/nonexistent\nftpd_banner=new\n",
            "/nonexistent",
        ),
    ] {
        fs::write(&file, format!("{good}{bad}")).unwrap();
        reload(&server, stays, count);
        let lines = server.log();
        let line = lines.lines().rfind(|line| line.contains(stays)).unwrap();
        assert!(line.contains(words), "{line}");
        let mut control = crate::support::control::Control::connect_ungreeted(server.address());
        assert!(!control.expect(220).text().contains("new"));
        control.login_anonymous();
    }
    fs::remove_file(&file).unwrap();
    reload(&server, stays, 5);
    fs::write(&file, format!("{good}ftpd_banner=new\n")).unwrap();
    reload(&server, AGAIN, 1);
    let mut control = crate::support::control::Control::connect_ungreeted(server.address());
    assert_eq!(control.expect(220).words(), "new");
}

#[test]
fn who_is_served_is_not_kept_out_by_a_root_that_is_not_there() {
    let launch = Launch::new();
    let home = launch.root().path().to_owned();
    let server = launch.account("ann", "secret", &home).start();
    add(&server, "anon_root=/nonexistent\n");
    reload(&server, "the configuration of before stays", 1);
    server.anonymous();
    server.login("ann", "secret");
}

#[test]
fn what_counts_at_the_start_is_told_by_name_and_stays() {
    let launch = Launch::new();
    let home = launch.root().path().to_owned();
    let server = launch.account("someone", "word", &home).start();
    add(
        &server,
        "listen_port=1\nchown_uploads=YES\nmax_login_fails=1\ndelay_failed_login=0\n",
    );
    server.signal(libc::SIGHUP);
    let line = server.wait_for_log("after a restart only");
    assert!(line.ends_with(": listen_port, chown_uploads"), "{line}");
    assert!(server.wait_for_log(AGAIN).contains("max_login_fails"));
    // The rest counts.
    let mut control = server.connect();
    control.command("USER nobody-here", 331);
    control.command("PASS x", 530);
    control.expect_closed();
}

#[test]
fn limits_of_sessions_count_those_of_before() {
    let server = Server::start(&[]);
    let _there = (server.anonymous(), server.anonymous());
    add(&server, "max_clients=2\n");
    reload(&server, AGAIN, 1);
    let mut control = crate::support::control::Control::connect_ungreeted(server.address());
    control.expect(421);
}

#[test]
fn many_reloads_leave_nothing_behind() {
    let server = Server::start(&[("anon_max_rate", "0")]);
    let mut kept = server.anonymous();
    let open = || {
        let folder = fs::read_dir(format!("/proc/{}/fd", server.pid())).unwrap();
        folder.count()
    };
    reload(&server, AGAIN, 1);
    kept.goes_on();
    let mut control = server.anonymous();
    control.command("QUIT", 221);
    let before = open();
    for count in 2..40 {
        reload(&server, AGAIN, count);
        let mut control = server.anonymous();
        control.command("QUIT", 221);
        control.expect_closed();
    }
    // A session may be on its way out still.
    assert!(
        open() <= before + 2,
        "{before} descriptors became {}",
        open()
    );
    kept.goes_on();
}

#[test]
fn a_server_that_gave_up_root_reads_what_it_may_read() {
    if !is_root() {
        return left_out("only root gives something up");
    }
    let launch = Launch::new()
        .option("run_as_launching_user", "NO")
        .option("nopriv_user", "nobody");
    launch.root().close_to_others();
    let server = launch.start();
    let file = server.config_file();
    add(&server, "ftpd_banner=new\n");
    reload(&server, AGAIN, 1);
    fs::set_permissions(&file, PermissionsExt::from_mode(0o600)).unwrap();
    add(&server, "ftpd_banner=newer\n");
    reload(&server, "the configuration of before stays", 1);
    let mut control = crate::support::control::Control::connect_ungreeted(server.address());
    assert_eq!(control.expect(220).words(), "new");
}

#[test]
fn users_of_the_system_log_in_by_the_same_authenticator() {
    if !is_root() {
        return left_out("accounts are made by root");
    }
    let service = Service::new(
        "reload",
        "auth required pam_unix.so\naccount required pam_unix.so\n",
    );
    let home = TempDir::new();
    let path = home.path().to_str().unwrap().to_owned();
    let account = Account::user("reload", &path, &[]);
    let launch = Launch::new().options(&[
        ("run_as_launching_user", "NO"),
        ("nopriv_user", "nobody"),
        ("local_enable", "YES"),
        ("pam_service_name", &service.name),
        ("chroot_local_user", "YES"),
    ]);
    launch.root().close_to_others();
    let server = launch.start();
    let authenticators = || children(server.pid().cast_unsigned());
    let before = authenticators();
    assert_eq!(before.len(), 1);
    add(&server, "write_enable=YES\npam_service_name=another\n");
    reload(&server, AGAIN, 1);
    server.wait_for_log("after a restart only: pam_service_name");
    let mut control = server.login(&account.name, PASSWORD);
    control.store("file", b"x");
    let owner = fs::metadata(home.path().join("file")).unwrap().uid();
    assert_eq!(owner, account.number("-u"));
    assert_eq!(authenticators(), before);
    // Its end is told, and it is waited for.
    signal(before[0], libc::SIGKILL);
    server.wait_for_log("the authenticator has ended");
    assert!(status(before[0], "State").is_none());
    control.goes_on();
}

#[test]
fn a_configuration_that_only_root_reads_is_told_at_the_start() {
    if !is_root() {
        return left_out("only root gives something up");
    }
    let launch = Launch::new()
        .option("run_as_launching_user", "NO")
        .option("nopriv_user", "nobody");
    launch.root().close_to_others();
    let site = launch.written();
    fs::set_permissions(&site.config, PermissionsExt::from_mode(0o600)).unwrap();
    let mut command = std::process::Command::new(crate::support::server::IRONFTPD);
    command.arg(&site.config);
    let supervisor = crate::kit::Supervisor::start(command);
    let line = supervisor.wait_for_log("will change nothing");
    assert!(line.contains("ironftpd.conf") && line.contains("nopriv_user"));
}

#[test]
fn rights_that_were_given_up_do_not_come_back() {
    if !is_root() {
        return left_out("only root gives something up");
    }
    // Nobody is to be another user at the start, so that the right to become
    // one was given up.
    let launch = Launch::new()
        .option("run_as_launching_user", "NO")
        .option("nopriv_user", "nobody")
        .option("ftp_username", "daemon");
    launch.root().close_to_others();
    let server = launch.start();
    add(&server, "write_enable=YES\nanon_upload_enable=YES\n");
    reload(&server, "the configuration of before stays", 1);
    assert!(server.log().contains("a restart is needed"));
    server.anonymous().refused("STOR file", &[550]);
}
