//! cmds_allowed, cmds_denied, download_enable and dirlist_enable: commands
//! that a user who is logged in may not give. They get 550, and FEAT and HELP
//! do not tell of them.
//!
//! What is asked of both vsftpd and ironftpd comes first; what goes beyond
//! vsftpd is in tests of its own.

use crate::support::accounts::start_for_ann_and_bob;
use crate::support::control::Control;
use crate::support::is_vsftpd;
use crate::support::server::{Launch, Server};

fn launch() -> Launch {
    let launch = Launch::new();
    launch.root().file("file", "12345");
    launch
}

#[test]
fn only_allowed_commands_are_obeyed() {
    let server = launch()
        .option("cmds_allowed", "PASV,EPSV,RETR,NOOP")
        .start();
    let mut control = server.anonymous();
    assert_eq!(control.retrieve("file"), b"12345");
    for line in [
        "PWD",
        "XPWD",
        "LIST",
        "SIZE file",
        "SIZE",
        "FEAT",
        "HELP",
        "QUIT",
        "MLSD",
        "FROB",
        "TYPE I",
    ] {
        let reply = control.denied(line);
        assert_eq!(reply.words(), "Permission denied.", "{line}");
    }
    control.goes_on();
}

#[test]
fn lists_are_read_as_vsftpd_reads_them() {
    for (list, obeyed) in [
        ("PWD,NOOP", true),
        ("NOOP,PWD,", true),
        ("NOOP,pwd", false),
        ("NOOP, PWD", false),
        ("NOOP,,PWD", false),
    ] {
        let server = Server::start(&[("cmds_allowed", list)]);
        let mut control = server.anonymous();
        control.command("PWD", if obeyed { 257 } else { 550 });
        control.goes_on();
    }
}

#[test]
fn denied_commands_are_refused_and_denial_goes_first() {
    let server = launch()
        .options(&[
            ("cmds_denied", "SIZE,DELE,FROB"),
            ("cmds_allowed", "SIZE,NOOP,PASV,EPSV,RETR,FROB"),
        ])
        .start();
    let mut control = server.anonymous();
    for line in ["SIZE file", "size file", "DELE file", "FROB"] {
        control.denied(line);
    }
    assert_eq!(control.retrieve("file"), b"12345");
    let server = launch().option("cmds_denied", "FROB").start();
    let mut control = server.anonymous();
    control.command("FROB", 550);
    control.command("FRIB", 500);
    control.command("SIZE file", 213);
}

#[test]
fn nothing_is_denied_before_the_login() {
    let server = Server::start(&[("cmds_denied", "USER,PASS,QUIT,FEAT")]);
    let mut control = server.connect();
    control.command("FEAT", 211);
    control.login_anonymous();
    control.command("FEAT", 550);
    control.command("QUIT", 550);
    control.goes_on();
    let mut control = server.connect();
    control.command("QUIT", 221);
}

#[test]
fn downloads_can_be_switched_off() {
    let server = launch().option("download_enable", "NO").start();
    let mut control = server.anonymous();
    control.denied("RETR file");
    control.denied("RETR");
    control.denied("RETR none");
    control.command("SIZE file", 213);
    assert_eq!(control.listing("NLST"), ["file"]);
    if !is_vsftpd() {
        // A hash tells what is in a file.
        for line in ["HASH file", "XCRC file", "MD5 file"] {
            control.denied(line);
        }
        assert!(!told(&mut control, "FEAT").contains("HASH"));
    }
}

#[test]
fn listings_can_be_switched_off() {
    let server = launch().option("dirlist_enable", "NO").start();
    let mut control = server.anonymous();
    for line in [
        "LIST",
        "NLST",
        "LIST file",
        "NLST none",
        "STAT .",
        "STAT file",
    ] {
        control.denied(line);
    }
    control.command("STAT", 211);
    assert_eq!(control.retrieve("file"), b"12345");
    if !is_vsftpd() {
        for line in ["MLSD", "MLST", "MLST file", "DSIZ"] {
            control.denied(line);
        }
        assert!(!told(&mut control, "FEAT").contains("MLST"));
    }
}

/// The text of a reply, whatever it is.
fn told(control: &mut Control, line: &str) -> String {
    control.line(line);
    control.reply().text()
}

#[test]
fn what_is_denied_is_told_neither_by_feat_nor_by_help() {
    if is_vsftpd() {
        return;
    }
    let server = launch()
        .writable()
        .option("cmds_denied", "MDTM,SITE CHMOD,SITE MKDIR,PASV,RETR")
        .start();
    let mut control = server.anonymous();
    let feat = told(&mut control, "FEAT");
    for name in ["MDTM", "MFMT", "PASV", "SITE MKDIR", "XCRC", "HASH"] {
        assert!(!feat.contains(name), "{name} in {feat}");
    }
    for name in ["SIZE", "EPSV", "SITE RMDIR", "MLST"] {
        assert!(feat.contains(name), "no {name} in {feat}");
    }
    let help = told(&mut control, "HELP");
    for name in ["MDTM", "MFMT", "PASV", "RETR", "MD5"] {
        assert!(!help.split_whitespace().any(|word| word == name), "{name}");
    }
    control.command("HELP MDTM", 501);
    control.command("HELP SIZE", 214);
    control.command("SITE HELP CHMOD", 501);
    assert!(!told(&mut control, "SITE HELP").contains("CHMOD"));
    control.command("SITE CHMOD 600 file", 550);
    control.command("SITE MKDIR new", 550);
    assert!(!server.root().has("new"));
}

#[test]
fn aliases_and_commands_that_do_the_same_are_denied_too() {
    if is_vsftpd() {
        return;
    }
    let server = launch()
        .writable()
        .option("cmds_denied", "cwd, RMD,DELE,STOR,LIST,RETR")
        .start();
    server.root().dir("sub/deep");
    let mut control = server.anonymous();
    for line in [
        "CWD sub",
        "XCWD sub",
        "RMD sub/deep",
        "XRMD sub/deep",
        "SITE RMDIR sub",
        "COMB \"file\" \"file\"",
        "SITE CPFR file",
        "SITE SYMLINK file link",
        "MLSD",
        "MLST",
        "HASH file",
        "STOR new",
    ] {
        control.denied(line);
    }
    assert!(server.root().has("sub/deep") && !server.root().has("link"));
    control.command("CDUP", 250);
    assert_eq!(control.listing("NLST"), ["file", "sub"]);
}

#[test]
fn a_user_may_have_lists_of_his_own() {
    if is_vsftpd() {
        return;
    }
    let launch = Launch::new().option("cmds_denied", "SIZE");
    launch.root().file("home/file", "12345");
    let server = start_for_ann_and_bob(launch, "cmds_denied=\ndownload_enable=NO\n");
    let mut ann = server.login("ann", "secret");
    ann.command("SIZE file", 213);
    ann.denied("RETR file");
    let mut bob = server.login("bob", "secret");
    bob.command("SIZE file", 550);
    assert_eq!(bob.retrieve("file"), b"12345");
}
