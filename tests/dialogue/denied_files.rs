//! deny_file: names that may not be touched in any way, by no command and no
//! spelling; download_file and upload_file: the only ones that may be fetched
//! and stored (additions of Debian's vsftpd).

use std::os::unix::fs::PermissionsExt;

use crate::support::control::Control;
use crate::support::is_vsftpd;
use crate::support::server::{Launch, Server};

/// A server whose users may change what is in `in`, and who find there and
/// elsewhere what `filter` denies.
fn server(option: &str, filter: &str) -> Server {
    let launch = Launch::new().writable().option(option, filter);
    let root = launch.root();
    for name in [
        "a.txt",
        "b.key",
        "B.KEY",
        "in/c.txt",
        "in/d.key",
        "in/.private/z",
        "in/sub/y.txt",
    ] {
        root.file(name, "12345");
    }
    root.dir("in/.private/deep");
    root.link("link", "b.key");
    root.link("in/link", "d.key");
    root.link("in/way", ".private");
    root.link("in/round", "../in/sub/../.private");
    launch.start()
}

fn refused(control: &mut Control, lines: &[&str]) {
    for line in lines {
        let reply = control.denied(line);
        assert_eq!(reply.words(), "Permission denied.", "{line}");
    }
}

#[test]
fn no_command_touches_what_is_denied() {
    let server = server("deny_file", "{*.key,.private}");
    let mut control = server.anonymous();
    control.command("CWD in", 250);
    refused(
        &mut control,
        &[
            "CWD .private",
            "RETR d.key",
            "SIZE d.key",
            "MDTM d.key",
            "LIST d.key",
            "NLST d.key",
            "LIST .private",
            "STAT d.key",
            "STAT .private",
            "STOR d.key",
            "STOR new.key",
            "APPE d.key",
            "STOU new.key",
            "DELE d.key",
            "RNFR d.key",
            "MKD new.key",
            "RMD .private",
            "NLST *.key",
        ],
    );
    control.command("RNFR c.txt", 350);
    refused(&mut control, &["RNTO c.key"]);
    control.command("RNFR c.txt", 350);
    control.command("RNTO other.txt", 250);
    assert!(server.root().has("in/other.txt"));
    assert_eq!(server.root().read("in/d.key"), b"12345");
    // What is denied is shown all the same.
    assert!(control.listing("NLST -a").contains(&".private".to_owned()));
}

#[test]
fn no_spelling_leads_to_what_is_denied() {
    let server = server("deny_file", "{*.key,.private}");
    let mut control = server.anonymous();
    for name in [
        "b.key",
        "./b.key",
        "/b.key",
        "//b.key",
        "in/../b.key",
        "in/./sub/../../b.key",
        "link",
        "in/link",
        "in/way",
        "in/round",
    ] {
        control.denied(format!("SIZE {name}"));
        control.denied(format!("RETR {name}"));
    }
    // Case counts, as in vsftpd; a wildcard is no wildcard here.
    control.command("SIZE B.KEY", 213);
    control.denied("SIZE b.ke?");
    control.denied("SIZE b.*");
    for name in [
        "in/.private",
        "in/way",
        "in/round",
        "in/./.private/",
        "in//way",
    ] {
        control.denied(format!("CWD {name}"));
    }
    control.command("SIZE a.txt", 213);
}

#[test]
fn a_text_is_denied_wherever_it_stands() {
    let server = server("deny_file", "in/.private");
    let mut control = server.anonymous();
    for name in ["in/.private", "/in/.private/", "in/.private/deep"] {
        control.denied(format!("CWD {name}"));
    }
    control.denied("RETR in/.private/z");
    control.command("SIZE b.key", 213);
    if !is_vsftpd() {
        for name in ["in/way", "in/round", "in//.private", "in/./.private"] {
            control.denied(format!("CWD {name}"));
        }
        control.command("CWD in", 250);
        control.denied("CWD .private");
        control.denied("RMD .private/deep");
    }
}

#[test]
fn a_pattern_with_a_slash_is_denied_as_a_place() {
    for pattern in ["/in/*", "{/in/.priv*,/none}"] {
        let server = server("deny_file", pattern);
        let mut control = server.anonymous();
        control.denied("CWD in/.private");
        control.denied("RETR /in/.private/z");
        control.command("SIZE a.txt", 213);
        control.command("CWD in", 250);
        control.denied("CWD .private");
        control.denied("CWD way");
    }
}

/// vsftpd looks at the last name alone, so that there is a way in below.
#[test]
fn what_lies_in_a_denied_directory_is_denied_with_it() {
    if is_vsftpd() {
        return;
    }
    let server = server("deny_file", "{*.key,.private}");
    let mut control = server.anonymous();
    for name in [
        "in/.private/z",
        "in/way/z",
        "in/round/z",
        "in/way/deep/../z",
    ] {
        control.denied(format!("RETR {name}"));
        control.denied(format!("DELE {name}"));
    }
    control.denied("RMD in/way/deep");
    control.denied("MKD in/way/new");
    assert_eq!(control.listing("NLST in/.priv*/*"), [""; 0]);
    assert!(server.root().has("in/.private/z") && !server.root().has("in/.private/new"));
}

#[test]
fn commands_that_vsftpd_does_not_have_touch_it_no_more() {
    if is_vsftpd() {
        return;
    }
    let server = server("deny_file", "{*.key,.private}");
    let mut control = server.anonymous();
    control.command("CWD in", 250);
    for line in [
        "MLST d.key",
        "MLST link",
        "LIST link",
        "MLSD .private",
        "MLSD way",
        "HASH d.key",
        "XCRC link",
        "MD5 \"d.key\"",
        "MFMT 20200101000000 d.key",
        "MFF modify=20200101000000; link",
        "DSIZ way",
        "SITE CPFR d.key",
        "SITE CPFR link",
        "SITE UTIME 20200101000000 d.key",
        "SITE MKDIR .private/a/b",
        "SITE MKDIR a/new.key",
        "SITE RMDIR .private",
        "SITE RMDIR way",
        "SITE SYMLINK c.txt new.key",
        "COMB \"new.key\" \"c.txt\"",
        "COMB \"new.txt\" \"d.key\"",
    ] {
        control.denied(line);
    }
    control.command("SITE CPFR c.txt", 350);
    control.denied("SITE CPTO new.key");
    control.command("SITE CPFR c.txt", 350);
    control.denied("SITE CPTO link");
    assert_eq!(server.root().read("in/d.key"), b"12345");
    assert!(!server.root().has("in/new.key") && server.root().has("in/c.txt"));
    // A link may be made, and leads nowhere.
    control.command("SITE SYMLINK d.key fair.txt", 200);
    control.denied("RETR fair.txt");
    // What may not be deleted keeps the tree that it is in.
    control.command("CWD /", 250);
    control.denied("SITE RMDIR in");
    assert!(server.root().has("in/.private/z") && server.root().has("in/d.key"));
    let facts = control.listing("MLSD");
    let key = facts.iter().find(|line| line.ends_with(" b.key")).unwrap();
    assert!(key.contains("perm=;"), "{key}");
}

#[test]
fn a_star_takes_as_much_as_it_must() {
    let server = server("deny_file", "*.key");
    server.root().file("in/e.key.key", "12345");
    server.anonymous().denied("RETR in/e.key.key");
}

#[test]
fn atomic_uploads_are_denied_as_others() {
    if is_vsftpd() {
        return;
    }
    let launch = Launch::new()
        .writable()
        .options(&[("deny_file", "*.key"), ("atomic_uploads", "YES")]);
    launch.root().file("in/a.key", "12345");
    launch.root().link("in/link", "a.key");
    launch.root().link("in/dangling", "none.key");
    launch.root().link("in/fair", "b.txt");
    let server = launch.start();
    let mut control = server.anonymous();
    for name in ["in/a.key", "in/link", "in/dangling"] {
        control.denied(format!("STOR {name}"));
    }
    control.store("in/fair", b"abc");
    assert_eq!(server.root().read("in/b.txt"), b"abc");
    assert_eq!(server.root().read("in/a.key"), b"12345");
    assert!(!server.root().has("in/none.key"));
}

#[test]
fn only_listed_files_are_given_out() {
    let server = server("download_file", "*.txt");
    let mut control = server.anonymous();
    assert_eq!(control.retrieve("a.txt"), b"12345");
    assert_eq!(control.retrieve("in/sub/y.txt"), b"12345");
    for name in ["b.key", "in/.private/z", "in/sub", "none.key", "link"] {
        control.denied(format!("RETR {name}"));
    }
    control.command("SIZE b.key", 213);
    control.store("in/new.key", b"");
    if !is_vsftpd() {
        control.denied("HASH b.key");
        control.denied("SITE CPFR b.key");
    }
}

#[test]
fn a_link_is_given_out_by_its_own_name_or_by_its_files() {
    for filter in ["link", "*.key"] {
        let server = server("download_file", filter);
        let mut control = server.anonymous();
        assert_eq!(control.retrieve("link"), b"12345", "{filter}");
        control.denied("RETR a.txt");
    }
}

#[test]
fn denial_goes_before_what_may_be_fetched_and_stored() {
    let launch = Launch::new().writable().options(&[
        ("deny_file", "*.key"),
        ("download_file", "*"),
        ("upload_file", "*"),
    ]);
    launch.root().file("a.key", "12345");
    launch.root().file("a.txt", "12345");
    launch.root().dir("in");
    let server = launch.start();
    let mut control = server.anonymous();
    control.denied("RETR a.key");
    control.denied("STOR in/a.key");
    assert_eq!(control.retrieve("a.txt"), b"12345");
    control.store("in/a.txt", b"");
}

#[test]
fn only_listed_files_are_stored() {
    let server = server("upload_file", "*.txt");
    let mut control = server.anonymous();
    control.command("CWD in", 250);
    control.store("new.txt", b"abc");
    control.give("APPE new.txt", b"def");
    assert_eq!(server.root().read("in/new.txt"), b"abcdef");
    for line in ["STOR new.bin", "APPE d.key", "STOU", "STOU x.bin"] {
        control.denied(line);
    }
    // Neither directories nor new names of files are uploads.
    control.command("MKD new", 257);
    control.command("RNFR new.txt", 350);
    control.command("RNTO new.bin", 250);
    control.command("DELE new.bin", 250);
    if !is_vsftpd() {
        control.command("SITE CPFR c.txt", 350);
        control.denied("SITE CPTO c.bin");
        control.command("COMB \"c.bin\" \"c.txt\"", 550);
    }
}

#[test]
fn what_is_denied_to_one_user_is_not_denied_to_another() {
    if is_vsftpd() {
        return;
    }
    let launch = Launch::new().writable().option("deny_file", "*.key");
    launch.root().file("home/a.key", "12345");
    launch
        .root()
        .file("users/ann", "deny_file=\nhide_file=*.key\n");
    let home = launch.root().path().join("home");
    let users = launch.root().path().join("users");
    std::fs::set_permissions(&users, std::fs::Permissions::from_mode(0o755)).unwrap();
    let server = launch
        .option("user_config_dir", users.to_str().unwrap())
        .account("ann", "secret", &home)
        .account("bob", "secret", &home)
        .start();
    let (mut ann, mut bob) = (server.login("ann", "secret"), server.login("bob", "secret"));
    assert_eq!(ann.retrieve("a.key"), b"12345");
    bob.denied("RETR a.key");
    assert_eq!(ann.listing("NLST"), [""; 0]);
    assert_eq!(bob.listing("NLST"), ["a.key"]);
}
