//! Every refusal has one line in the event log, with its cause and the option
//! that has decided it. That no reply refuses without a cause, whatever the
//! place it comes from, is asserted by builds like those that the tests run
//! (`Session::explain`).

use super::support::control::Control;
use super::support::server::{Launch, Server};
use super::support::temp::TempDir;
use std::io::Write;

/// The lines of the log, once the server has ended, that are no commonplace.
fn told(server: &mut Server) -> Vec<String> {
    let log = server.whole_log();
    let lines = log.lines().filter(|line| {
        let common = [
            "connected",
            "logged in",
            "quit",
            "connection closed",
            "stop",
        ];
        line.contains(" session ") && !common.iter().any(|end| line.contains(end))
    });
    lines.map(str::to_owned).collect()
}

/// Has `act` refused by a server with these options, and expects one line with
/// all of `words`.
#[track_caller]
fn refused(options: &[(&str, &str)], act: impl FnOnce(&mut Control), words: &[&str]) {
    let launch = Launch::new().writable().options(options);
    launch.root().file("file", "content");
    let mut server = launch.start();
    let mut control = server.anonymous();
    act(&mut control);
    let lines = told(&mut server);
    let found = lines
        .iter()
        .filter(|line| words.iter().all(|word| line.contains(word)));
    assert_eq!(found.count(), 1, "{words:?}: {lines:#?}");
}

#[test]
fn a_refusal_of_the_data_connection() {
    refused(
        &[],
        |it| drop(it.command("RETR file", 425)),
        &["RETR file: 425 Use PORT"],
    );
    refused(
        &[("accept_timeout", "1")],
        |it| {
            it.pasv();
            it.command("RETR file", 425);
        },
        &["RETR file: no data connection: nothing for 1 s (accept_timeout)"],
    );
    refused(
        &[],
        |it| {
            let listener = it.active();
            drop(listener);
            it.command("RETR file", 425);
        },
        &["RETR file: no data connection: ", "refused"],
    );
    let taken = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let only = [("pasv_ports", port.as_str())];
    refused(
        &only,
        |it| drop(it.command_any("PASV", &[425])),
        &["PASV : 425 ", "pasv_ports"],
    );
}

#[test]
fn a_transfer_that_is_cut_off() {
    let stalled = [("data_connection_timeout", "1")];
    refused(
        &stalled,
        |it| {
            let _data = it.passive();
            it.command("STOR slow", 150);
            it.expect(426);
        },
        &["STOR slow: transfer ended early: nothing for 1 s (data_connection_timeout)"],
    );
    refused(
        &[],
        |it| {
            let mut data = it.passive();
            it.command("STOR gone", 150);
            data.write_all(b"x").unwrap();
            it.line("ABOR");
            it.expect(426);
            it.expect(226);
        },
        &["STOR gone: transfer ended early: aborted by the client"],
    );
}

#[test]
fn an_end_of_the_session() {
    refused(
        &[("idle_session_timeout", "1")],
        |it| drop(it.expect(421)),
        &["idle for too long (idle_session_timeout)"],
    );
    let mut server = Launch::new().option("max_clients", "1").start();
    let _first = server.anonymous();
    Control::connect_ungreeted(server.address()).expect(421);
    assert!(server.whole_log().contains("turned away (max_clients)"));
    let mut server = Launch::new().start();
    let mut control = server.connect();
    for _ in 0..9 {
        control.command("XYZZY", 500);
    }
    control.command("XYZZY", 421);
    assert!(
        server
            .whole_log()
            .contains("ended: 10 lines without a command")
    );
    let mut server = Launch::new().start();
    let mut control = server.anonymous();
    server.signal(libc::SIGTERM);
    control.expect(421);
    server.wait_for_end().expect("it goes on");
    assert!(server.log().contains("ended, the server stops"));
}

#[test]
fn a_network_protocol() {
    refused(
        &[],
        |it| drop(it.command("EPSV 2", 522)),
        &["EPSV 2: 522 ", "use (1)"],
    );
    refused(
        &[],
        |it| drop(it.command("EPRT |2|::1|5000|", 522)),
        &["EPRT |2|::1|5000|: 522 ", "use (1)"],
    );
}

#[test]
fn a_log_in() {
    let home = TempDir::new();
    let list = home.file("list", "mallory\n");
    let emails = home.file("emails", "bad@example.org\n");
    let launch = Launch::new()
        .options(&[
            ("userlist_enable", "YES"),
            ("userlist_file", list.to_str().unwrap()),
            ("deny_email_enable", "YES"),
            ("banned_email_file", emails.to_str().unwrap()),
            ("max_login_fails", "4"),
        ])
        .account("ann", "secret", home.path());
    let mut server = launch.start();
    let mut control = server.connect();
    control.command("RETR file", 530);
    control.command("USER mallory", 530);
    for (name, password) in [("ann", "wrong"), ("zoe", "x"), ("ftp", "bad@example.org")] {
        control.command(format!("USER {name}"), 331);
        control.command(format!("PASS {password}"), 530);
    }
    control.expect_closed();
    let lines = told(&mut server);
    let expected = [
        "RETR file: 530 Please login",
        "login of \"mallory\" refused: in userlist_file",
        "login of \"ann\" refused: wrong password",
        "login of \"zoe\" refused: unknown user",
        "login of \"ftp\" refused: ",
        "too many failed logins (max_login_fails)",
    ];
    assert_eq!(lines.len(), expected.len(), "{lines:#?}");
    for (line, expected) in lines.iter().zip(expected) {
        assert!(line.contains(expected), "{line}: {expected}");
    }
    assert!(lines[4].contains("banned_email_file"), "{}", lines[4]);
}

/// Options, a command that they refuse, and words of the line about it.
type Case = (
    &'static [(&'static str, &'static str)],
    &'static str,
    &'static [&'static str],
);

#[test]
fn a_file() {
    let cases: [Case; 11] = [
        (&[], "DELE none", &["DELE none: unlinkat(\"none\")"]),
        (&[("write_enable", "NO")], "DELE file", &["write_enable"]),
        (
            &[("anon_other_write_enable", "NO")],
            "DELE file",
            &["anon_other_write_enable"],
        ),
        (
            &[("anon_mkdir_write_enable", "NO")],
            "MKD d",
            &["anon_mkdir_write_enable"],
        ),
        (
            &[("anon_upload_enable", "NO")],
            "STOR f",
            &["anon_upload_enable"],
        ),
        (&[("write_enable", "NO")], "SITE MKDIR d", &["write_enable"]),
        (&[], "SITE CHMOD 600 file", &["chmod_enable"]),
        (
            &[("pasv_enable", "NO")],
            "EPSV",
            &["EPSV : 550 ", "(pasv_enable)"],
        ),
        (
            &[("port_enable", "NO")],
            "PORT 127,0,0,1,200,1",
            &["(port_enable)"],
        ),
        (
            &[("ascii_size_limit", "1"), ("ascii_download_enable", "YES")],
            "SIZE file",
            &["SIZE file: 550", "(ascii_size_limit)"],
        ),
        (&[], "SITE WHO", &["site_who_users"]),
    ];
    for (options, line, words) in cases {
        refused(options, |it| drop(it.command_any(line, &[550])), words);
    }
    refused(
        &[("dsiz_max_entries", "1")],
        |it| {
            it.store("second", b"");
            it.command("DSIZ", 550);
        },
        &["DSIZ : 550 ", "(dsiz_max_entries)"],
    );
    let launch = Launch::new();
    let file = launch.root().file("secret", "x");
    std::fs::set_permissions(file, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let mut server = launch.start();
    server.anonymous().refused("RETR secret", &[550]);
    let lines = told(&mut server);
    assert_eq!(lines.len(), 1, "{lines:#?}");
    // Root reads it, others do not get so far.
    let why = ["anon_world_readable_only", "Permission denied"];
    assert!(why.iter().any(|why| lines[0].contains(why)), "{lines:?}");
}

#[test]
fn an_address_that_is_not_the_clients() {
    refused(
        &[],
        |it| drop(it.command("PORT 192,0,2,1,200,1", 500)),
        &[
            "PORT 192,0,2,1,200,1: 500 ",
            "not the client's address (port_promiscuous)",
        ],
    );
    refused(
        &[],
        |it| drop(it.command("PORT 127,0,0,1,0,22", 500)),
        &["PORT 127,0,0,1,0,22: 500 ", "a port of the system"],
    );
}
