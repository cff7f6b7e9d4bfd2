//! Options whose effect is one thing: delay_successful_login, use_sendfile,
//! trans_chunk_size, ftp_enable, and those of vsftpd that have none here and
//! are accepted all the same.

use std::time::{Duration, Instant};

use crate::support::accounts::start_for_ann_and_bob;
use crate::support::control::Control;
use crate::support::is_vsftpd;
use crate::support::server::{Launch, Server};
use crate::support::tree::noise;

#[test]
fn a_successful_login_is_answered_after_the_delay() {
    let server = Server::start(&[("delay_successful_login", "1"), ("delay_failed_login", "0")]);
    let mut control = server.connect();
    control.command("USER anonymous", 331);
    let start = Instant::now();
    control.command("PASS x", 230);
    let took = start.elapsed();
    assert!(took > Duration::from_millis(700), "{took:?}");
    control.goes_on();
    // What came meanwhile is answered afterwards, in turn.
    let mut control = server.connect();
    control.send("USER anonymous\r\nPASS x\r\nPWD\r\nNOOP\r\n");
    for code in [331, 230, 257, 200] {
        control.expect(code);
    }
}

#[test]
fn files_come_whole_without_sendfile_and_in_small_pieces() {
    for options in [
        &[("use_sendfile", "NO")][..],
        &[("trans_chunk_size", "4096")],
        &[("trans_chunk_size", "1"), ("use_sendfile", "NO")],
        &[("trans_chunk_size", "8192"), ("anon_max_rate", "4000000")],
    ] {
        let launch = Launch::new().writable().options(options);
        let bytes = noise(1_000_003);
        launch.root().file("file", &bytes);
        launch.root().file("empty", "");
        launch.root().dir("in");
        let server = launch.start();
        let mut control = server.anonymous();
        control.command("TYPE I", 200);
        assert!(control.retrieve("file") == bytes, "{options:?}");
        assert_eq!(control.retrieve("empty"), b"");
        control.command("REST 999999", 350);
        assert_eq!(control.retrieve("file"), bytes[999_999..]);
        control.store("in/new", &bytes);
        assert!(server.root().read("in/new") == bytes, "{options:?}");
    }
}

#[test]
fn whoever_comes_is_turned_away_where_ftp_is_switched_off() {
    let server = Launch::new().option("ftp_enable", "NO").start();
    let mut control = Control::connect_ungreeted(server.address());
    control.expect(500);
    control.expect_closed();
}

#[test]
fn options_without_an_effect_here_are_accepted() {
    let server = Server::start(&[
        ("async_abor_enable", "YES"),
        ("isolate", "NO"),
        ("isolate_network", "NO"),
        ("ptrace_sandbox", "NO"),
        ("one_process_model", "NO"),
        ("utf8_filesystem", "YES"),
        ("http_enable", "NO"),
        ("allow_writeable_chroot", "YES"),
    ]);
    let mut control = server.anonymous();
    let feat = control.command("FEAT", 211).text();
    assert!(feat.contains("UTF8"), "{feat}");
    control.goes_on();
}

#[test]
fn modes_are_changed_only_where_chmod_enable_says_so() {
    if is_vsftpd() {
        return;
    }
    let launch = Launch::new().option("write_enable", "YES");
    launch.root().file("home/file", "12345");
    let server = start_for_ann_and_bob(launch, "chmod_enable=NO\n");
    let mut ann = server.login("ann", "secret");
    // As vsftpd has it; and however often, this ends no session.
    for line in ["SITE CHMOD 600 file", "SITE chmod", "SITE CHGRP 0 file"].repeat(5) {
        let words = ann.command(line, 500).words();
        assert!(words.starts_with("Unknown SITE command."), "{words}");
    }
    ann.command("MFF UNIX.mode=0600; file", 550);
    let help = ann.command("SITE HELP", 214).text();
    assert!(!help.contains("CHMOD") && help.contains("UMASK"), "{help}");
    ann.command("SITE HELP CHMOD", 501);
    let mut bob = server.login("bob", "secret");
    bob.command("SITE CHMOD 600 file", 200);
    // Anonymous users are told that they may not.
    let mut anonymous = server.anonymous();
    anonymous.command("SITE CHMOD 600 file", 550);
}

#[test]
fn who_may_write_nothing_knows_no_site_chmod() {
    if is_vsftpd() {
        return;
    }
    let launch = Launch::new();
    launch.root().file("home/file", "12345");
    let home = launch.root().path().join("home");
    let server = launch.account("ann", "secret", &home).start();
    let mut ann = server.login("ann", "secret");
    ann.command("SITE CHMOD 600 file", 500);
    ann.command("SITE MKDIR new", 550);
    server.wait_for_log(
        "SITE CHMOD 600 file: 500 Unknown SITE command. SITE HELP lists them. (write_enable)",
    );
}

/// vsftpd reads these anew for a user too.
#[test]
fn a_user_may_have_small_options_of_his_own() {
    if is_vsftpd() {
        return;
    }
    let launch = Launch::new();
    launch.root().file("home/.message", "Hello Ann\n");
    launch.root().file("home/file", "12345");
    let own = "dirmessage_enable=YES\nforce_dot_files=YES\nuse_sendfile=NO\ntrans_chunk_size=4096\n\
        download_file=*\ndelay_successful_login=3\n";
    launch.root().file("users/ann", own);
    let home = launch.root().path().join("home");
    let users = launch.root().path().join("users");
    let server = launch
        .options(&[
            ("user_config_dir", users.to_str().unwrap()),
            ("download_file", "none"),
        ])
        .account("ann", "secret", &home)
        .account("bob", "secret", &home)
        .start();
    let mut ann = server.connect();
    ann.command("USER ann", 331);
    let reply = ann.command("PASS secret", 230);
    assert!(
        reply.text().starts_with("230-Hello Ann"),
        "{}",
        reply.text()
    );
    assert_eq!(ann.listing("NLST"), [".message", "file"]);
    assert_eq!(ann.retrieve("file"), b"12345");
    let mut bob = server.login("bob", "secret");
    assert_eq!(bob.listing("NLST"), ["file"]);
    bob.denied("RETR file");
    // It comes too late, and is told.
    server.wait_for_log("delay_successful_login: has no effect in the file of one user");
}
