//! Access control: USER, PASS, QUIT, and what may be asked before a log-in
//! (RFC 959 sections 4.1.1 and 5.4). Accounts are in `accounts`.

use crate::support::server::{Launch, Server};
use crate::support::temp::TempDir;

#[test]
fn anonymous_logs_in_with_any_password() {
    let server = Server::start(&[]);
    let mut control = server.connect();
    control.command("USER anonymous", 331);
    control.command("PASS me@", 230);
    control.goes_on();
}

#[test]
fn ftp_is_another_name_for_anonymous_and_case_does_not_matter() {
    let server = Server::start(&[]);
    for name in ["ftp", "FTP", "Anonymous"] {
        let mut control = server.connect();
        control.login(name, "x");
        control.command("PWD", 257);
    }
}

#[test]
fn verbs_are_taken_in_any_case() {
    let server = Server::start(&[]);
    let mut control = server.connect();
    control.command("user anonymous", 331);
    control.command("PaSs x", 230);
    control.command("noop", 200);
    control.command("pWd", 257);
}

#[test]
fn no_anon_password_skips_the_question() {
    let server = Server::start(&[("no_anon_password", "YES")]);
    let mut control = server.connect();
    control.command("USER anonymous", 230);
    control.command("PWD", 257);
}

#[test]
fn pass_without_user_is_out_of_order() {
    let server = Server::start(&[]);
    let mut control = server.connect();
    control.command("PASS x", 503);
    control.login_anonymous();
}

#[test]
fn who_is_not_anonymous_is_refused_before_the_password_where_nobody_has_an_account() {
    let server = Server::start(&[("max_login_fails", "1")]);
    let mut control = server.connect();
    for _ in 0..3 {
        let words = control.command("USER ann", 530).words();
        assert_eq!(words, "This FTP server is anonymous only.");
    }
    control.command("PASS x", 503);
    control.login_anonymous();
    server.wait_for_log("USER ann: 530 This FTP server is anonymous only. (local_enable)");
}

#[test]
fn an_unknown_user_is_asked_for_a_password_and_then_refused() {
    let launch = Launch::new();
    let home = launch.root().path().to_owned();
    let server = launch.account("someone", "word", &home).start();
    let mut control = server.connect();
    control.command("USER nosuchuser", 331);
    control.command("PASS very-secret-word", 530);
    control.command("PWD", 530);
    control.login_anonymous();
    assert!(
        !server.log().contains("very-secret-word"),
        "{}",
        server.log()
    );
}

#[test]
fn user_without_a_name_is_a_bad_argument() {
    let server = Server::start(&[]);
    let mut control = server.connect();
    control.command("USER", 501);
    control.login_anonymous();
}

#[test]
fn without_anonymous_enable_anonymous_is_refused_like_anyone() {
    let home = TempDir::new();
    let launch = Launch::new().account("someone", "word", home.path());
    let server = launch.option("anonymous_enable", "NO").start();
    let mut control = server.connect();
    control.command("USER anonymous", 331);
    control.command("PASS x", 530);
    control.login("someone", "word");
}

#[test]
fn commands_on_files_need_a_log_in() {
    let server = Server::start(&[("write_enable", "YES")]);
    let mut control = server.connect();
    for line in [
        "PWD",
        "XPWD",
        "CWD /",
        "XCWD /",
        "CDUP",
        "XCUP",
        "MKD x",
        "XMKD x",
        "RMD x",
        "XRMD x",
        "DELE x",
        "RNFR x",
        "RNTO y",
        "TYPE I",
        "STRU F",
        "MODE S",
        "PASV",
        "EPSV",
        "PORT 127,0,0,1,200,1",
        "EPRT |1|127.0.0.1|50000|",
        "REST 5",
        "RETR x",
        "STOR x",
        "APPE x",
        "LIST",
        "NLST",
        "MLSD",
        "MLST",
        "SIZE x",
        "MDTM x",
        "MFMT 20200101000000 x",
        "SITE CHMOD 644 x",
        "STAT /",
    ] {
        control.command(line, 530);
    }
    // Half a log-in is none.
    control.command("USER anonymous", 331);
    control.command("PWD", 530);
}

#[test]
fn an_unknown_verb_before_log_in_is_refused() {
    let server = Server::start(&[]);
    let mut control = server.connect();
    control.command_any("XYZZY", &[500, 530]);
    control.login_anonymous();
}

#[test]
fn feat_may_be_asked_before_log_in() {
    let server = Server::start(&[]);
    let mut control = server.connect();
    let features = control.command("FEAT", 211);
    assert!(features.lines.len() > 3, "{}", features.text());
    // RFC 2389 section 3.2: exactly one space before each feature.
    for line in &features.lines[1..features.lines.len() - 1] {
        assert!(line[0] == b' ' && line[1] != b' ', "{}", features.text());
    }
    control.login_anonymous();
}

#[test]
fn feat_names_what_is_served() {
    let server = Server::writable();
    let text = server.anonymous().command("FEAT", 211).text();
    for feature in [
        "EPRT",
        "EPSV",
        "MDTM",
        "MFMT",
        "REST STREAM",
        "SIZE",
        "TVFS",
        "UTF8",
    ] {
        let found = text.lines().any(|line| line.trim() == feature);
        assert!(found, "{feature} is not in\n{text}");
    }
    let facts = text
        .lines()
        .find(|line| line.starts_with(" MLST "))
        .unwrap()
        .to_lowercase();
    for fact in ["type", "size", "modify"] {
        assert!(facts.contains(&format!("{fact}*;")), "{facts}");
    }
}

#[test]
fn feat_does_not_name_what_configuration_took_away() {
    let server = Server::start(&[("port_enable", "NO"), ("pasv_enable", "NO")]);
    let text = server.anonymous().command("FEAT", 211).text();
    assert!(!text.contains("EPRT") && !text.contains("EPSV"), "{text}");
}

#[test]
fn syst_help_and_stat_answer() {
    let server = Server::start(&[]);
    let mut control = server.anonymous();
    let system = control.command("SYST", 215).words();
    assert!(system.starts_with("UNIX Type: L8"), "{system}");
    let help = control.command("HELP", 214).text();
    for verb in ["RETR", "STOR", "MLSD", "EPSV", "XPWD"] {
        assert!(help.contains(verb), "{verb} is not in\n{help}");
    }
    assert!(control.command("HELP RETR", 214).text().contains("RETR"));
    control.command_any("HELP XYZZY", &[501, 502, 504]);
    control.command("STAT", 211);
    control.goes_on();
}

#[test]
fn quit_says_221_and_closes() {
    let server = Server::start(&[]);
    let mut fresh = server.connect();
    fresh.command("QUIT", 221);
    fresh.expect_closed();
    let mut control = server.anonymous();
    control.command("QUIT", 221);
    control.expect_closed();
}

#[test]
fn too_many_wrong_passwords_end_the_session() {
    let launch = Launch::new().option("max_login_fails", "2");
    let home = launch.root().path().to_owned();
    let server = launch.account("someone", "word", &home).start();
    let mut control = server.connect();
    control.command("USER nobody-here", 331);
    control.command("PASS a", 530);
    control.command("USER nobody-here", 331);
    control.command_any("PASS b", &[530, 421]);
    control.expect_closed();
    server.anonymous().goes_on();
}

#[test]
fn ftpd_banner_is_the_greeting() {
    let server = Server::start(&[("ftpd_banner", "Hello, here be files.")]);
    let mut control = crate::support::control::Control::connect_ungreeted(server.address());
    assert_eq!(control.expect(220).words(), "Hello, here be files.");
}

#[test]
fn banner_file_greets_with_all_its_lines() {
    let directory = TempDir::new();
    // A line that looks like the end of a reply must not be one.
    let file = directory.file("banner", "first\n220 second\nthird\n");
    let server = Server::start(&[("banner_file", file.to_str().unwrap())]);
    let mut control = server.connect();
    control.login_anonymous();
    let mut control = crate::support::control::Control::connect_ungreeted(server.address());
    let greeting = control.expect(220).text();
    assert_eq!(greeting, "220-first\n220-220 second\n220-third\n220 ");
    control.login_anonymous();
}

#[test]
fn the_log_holds_the_reason_and_no_password() {
    let launch = Launch::new().option("log_ftp_protocol", "YES");
    let home = launch.root().path().to_owned();
    let server = launch.account("someone", "word", &home).start();
    let mut control = server.connect();
    control.command("USER nosuchuser", 331);
    control.command("PASS tell-no-one", 530);
    server.wait_for_log("nosuchuser");
    control.command("QUIT", 221);
    control.expect_closed();
    assert!(!server.log().contains("tell-no-one"), "{}", server.log());
}
