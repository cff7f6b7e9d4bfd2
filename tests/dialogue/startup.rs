//! The command line and the configuration file: what is refused at start, in
//! which words, and what is printed.

use std::net::{Ipv4Addr, TcpListener};
use std::process::Command;

use crate::support::process::{Finished, run};
use crate::support::server::{IRONFTPD, Launch};
use crate::support::temp::TempDir;
use crate::support::{PATIENCE, is_root, left_out};

fn ironftpd(words: &[&str]) -> Finished {
    run(
        Command::new(IRONFTPD).args(words).env_remove("RUST_LOG"),
        b"",
        PATIENCE,
    )
}

/// Starts with this configuration text; it must be refused, and standard error
/// must hold each of `words`.
#[track_caller]
fn refused(text: &str, words: &[&str]) {
    let directory = TempDir::new();
    let file = directory.file("site.conf", text);
    let finished = ironftpd(&[file.to_str().unwrap()]);
    let code = finished.status.code();
    assert!(
        code.is_some_and(|code| code != 0 && code != 101),
        "{}",
        finished.words()
    );
    let said = String::from_utf8_lossy(&finished.stderr).into_owned();
    for word in words {
        assert!(said.contains(word), "{word:?} is not in {said:?}");
    }
}

#[test]
fn an_unknown_option_is_named_with_file_and_line_and_a_suggestion() {
    refused(
        "# a comment\nlisten=YES\nanonymous_enabel=YES\n",
        &["site.conf", "3", "anonymous_enabel", "anonymous_enable"],
    );
}

#[test]
fn root_is_told_to_be_no_anonymous_user() {
    if !is_root() {
        return left_out("only root may become another user");
    }
    refused(
        "listen=YES\nlisten_port=0\nanonymous_enable=YES\nanon_root=/\nwrite_enable=YES\n\
         anon_upload_enable=YES\nftp_username=root\n",
        &["ftp_username", "cannot act as root"],
    );
}

#[test]
fn a_bad_value_is_named_with_its_option() {
    refused(
        "listen_port=abc\n",
        &["site.conf", "1", "listen_port", "abc"],
    );
    refused("listen_port=70000\n", &["listen_port"]);
    refused("listen=MAYBE\n", &["listen", "MAYBE"]);
    refused("anon_umask=9\n", &["anon_umask"]);
    refused("max_clients=99999999999999999999\n", &["max_clients"]);
    refused(
        "listen_address=not.an.address.at.all\n",
        &["listen_address"],
    );
}

#[test]
fn a_line_that_is_no_setting_is_refused() {
    refused("listen\n", &["site.conf", "1"]);
    // vsftpd allows no blanks around the sign.
    refused("listen = YES\n", &["site.conf", "1"]);
}

#[test]
fn a_missing_configuration_file_is_named() {
    let finished = ironftpd(&["/nonexistent/ironftpd.conf"]);
    assert!(!finished.status.success());
    let said = String::from_utf8_lossy(&finished.stderr).into_owned();
    assert!(said.contains("/nonexistent/ironftpd.conf"), "{said}");
}

/// A configuration that would start, with a directory to serve.
fn good(directory: &TempDir, port: u16) -> String {
    format!(
        "listen=YES\nlisten_ipv6=NO\nlisten_address=127.0.0.1\nlisten_port={port}\n\
         background=NO\nanon_root={}\n",
        directory.path().display()
    )
}

#[test]
fn a_port_that_is_taken_is_named() {
    let directory = TempDir::new();
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    refused(&good(&directory, port), &[&port.to_string()]);
}

#[test]
fn a_root_that_is_no_directory_is_refused() {
    let directory = TempDir::new();
    let file = directory.file("file", "");
    let text = good(&directory, 0);
    refused(
        &format!("{text}anon_root={}\n", file.display()),
        &["anon_root"],
    );
    refused(
        &format!("{text}anon_root=/nonexistent/root\n"),
        &["anon_root", "/nonexistent/root"],
    );
    let serve = ironftpd(&["--serve", file.to_str().unwrap(), "--port", "0"]);
    assert!(!serve.status.success(), "{}", serve.words());
}

#[test]
fn of_a_file_and_o_the_later_counts() {
    let directory = TempDir::new();
    let file = directory.file("site.conf", good(&directory, 0) + "max_clients=7\n");
    let file = file.to_str().unwrap();
    let printed = ironftpd(&[
        "-o",
        "max_clients=9",
        "--print-config",
        file,
        "-o",
        "max_clients=8",
        "-o",
        "ftpd_banner=hi",
    ]);
    let text = String::from_utf8(printed.succeed().stdout).unwrap();
    assert!(text.contains("max_clients=8\n"), "{text}");
    assert!(text.contains("ftpd_banner=hi\n"), "{text}");
    let printed = ironftpd(&["-o", "max_clients=9", "--print-config", file]);
    let text = String::from_utf8(printed.succeed().stdout).unwrap();
    assert!(text.contains("max_clients=7\n"), "{text}");
    let refused = ironftpd(&["-o", "max_client=8", file]);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(
        !refused.status.success() && said.contains("max_clients"),
        "{said}"
    );
}

#[test]
fn print_config_gives_what_check_accepts() {
    let directory = TempDir::new();
    let file = directory.file("site.conf", good(&directory, 0));
    let printed = ironftpd(&["--print-config", file.to_str().unwrap()]).succeed();
    let again = directory.file("again.conf", &printed.stdout);
    let second = ironftpd(&["--print-config", again.to_str().unwrap()]).succeed();
    // The comments tell where each value came from, which has changed.
    let values = |text: Vec<u8>| -> Vec<String> {
        let text = String::from_utf8(text).unwrap();
        let lines = text.lines().filter(|line| !line.starts_with("# from "));
        lines.map(str::to_owned).collect()
    };
    assert_eq!(values(printed.stdout), values(second.stdout));
    ironftpd(&["--check", again.to_str().unwrap()]).succeed();
}

#[test]
fn check_starts_nothing_and_finds_faults() {
    let directory = TempDir::new();
    let file = directory.file("site.conf", good(&directory, 0));
    ironftpd(&["--check", file.to_str().unwrap()]).succeed();
    let file = directory.file("bad.conf", "listen=PERHAPS\n");
    let checked = ironftpd(&["--check", file.to_str().unwrap()]);
    assert!(!checked.status.success());
}

#[test]
fn version_and_help_are_printed() {
    let version = ironftpd(&["-v"]).succeed();
    let said = [version.stdout, version.stderr].concat();
    assert!(String::from_utf8_lossy(&said).contains(env!("CARGO_PKG_VERSION")));
    let help = ironftpd(&["-h"]).succeed();
    let help = String::from_utf8_lossy(&help.stdout).into_owned();
    for word in [
        "--serve",
        "--port",
        "--write",
        "--user",
        "--print-config",
        "--check",
        "-o",
    ] {
        assert!(help.contains(word), "{word} is not in {help}");
    }
}

#[test]
fn a_bad_command_line_is_refused() {
    for words in [
        &["--nonsense"][..],
        &["-o", "no-sign", "x"],
        &["a", "b"],
        &["--port", "x"],
    ] {
        let finished = ironftpd(words);
        assert!(!finished.status.success(), "{words:?}");
        assert!(!finished.stderr.is_empty(), "{words:?}");
    }
}

#[test]
fn both_address_families_are_served_when_asked() {
    if TcpListener::bind("[::1]:0").is_err() {
        left_out("this machine has no IPv6");
        return;
    }
    let launch = Launch::new().options(&[("listen_ipv6", "YES"), ("listen_address6", "::1")]);
    launch.root().file("file", "content");
    let server = launch.start();
    let both = [server.listening_address(1), server.listening_address(2)];
    assert_ne!(both[0].is_ipv4(), both[1].is_ipv4());
    for address in both {
        let mut control = crate::support::control::Control::connect(address);
        control.login_anonymous();
        assert_eq!(control.retrieve("file"), b"content");
    }
}
