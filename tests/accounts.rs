//! ironftpctl as an administrator runs it: the binary, a file, a password on
//! standard input, exit codes and messages; and the accounts that come of it.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use ironftpd::auth::{Accounts, Denial, Secret};

/// A directory with the accounts file of one test, gone at its end.
struct Place(PathBuf);

struct Outcome {
    code: i32,
    out: String,
    err: String,
}

impl Place {
    fn new(name: &str) -> Place {
        let path = std::env::temp_dir().join(format!("ironftpctl-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir(&path).unwrap();
        Place(path)
    }

    fn file(&self) -> PathBuf {
        self.0.join("users")
    }

    fn ctl(&self, line: &str, input: &str) -> Outcome {
        let mut child = Command::new(env!("CARGO_BIN_EXE_ironftpctl"))
            .arg("--file")
            .arg(self.file())
            .args(line.split_whitespace())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // A command that asks for no password may be gone already.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        let output = child.wait_with_output().unwrap();
        Outcome {
            code: output.status.code().unwrap(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Only the first account of all leaves something to be said.
    fn done(&self, line: &str, input: &str) {
        let new = !self.file().exists();
        let outcome = self.ctl(line, input);
        assert_eq!((outcome.code, outcome.out.as_str()), (0, ""), "{line}");
        let told = outcome.err.contains("virtual_users_file names it");
        assert_eq!(
            (told, outcome.err.lines().count()),
            (new, usize::from(new)),
            "{line}: {}",
            outcome.err
        );
    }

    fn refused(&self, line: &str, input: &str, code: i32, part: &str) {
        let before = fs::read(self.file()).ok();
        let outcome = self.ctl(line, input);
        assert_eq!(outcome.code, code, "{line}: {}", outcome.err);
        assert!(
            outcome.err.starts_with("ironftpctl: "),
            "{line}: {}",
            outcome.err
        );
        assert!(outcome.err.contains(part), "{line}: {}", outcome.err);
        assert_eq!(fs::read(self.file()).ok(), before, "{line}");
    }

    fn verify(&self, name: &str, password: &str) -> Result<bool, Denial> {
        let accounts = Accounts::load(&self.file()).unwrap();
        let secret = Secret::new(password.into());
        accounts
            .verify(name.as_bytes(), &secret)
            .map(|account| account.read_only)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn an_account_lives_from_add_to_del() {
    let place = Place::new("life");
    place.done("user add ann --home /tmp", "first pass\n");
    assert_eq!(
        fs::metadata(place.file()).unwrap().permissions().mode() & 0o777,
        0o600
    );
    assert_eq!(place.verify("ann", "first pass"), Ok(false));
    assert_eq!(place.verify("ann", "first"), Err(Denial::WrongPassword));

    place.done("user passwd ann", "second\n");
    assert_eq!(place.verify("ann", "second"), Ok(false));
    assert_eq!(
        place.verify("ann", "first pass"),
        Err(Denial::WrongPassword)
    );

    place.done("user lock ann", "");
    place.done("user lock ann", "");
    assert_eq!(place.verify("ann", "second"), Err(Denial::Locked));
    place.done("user unlock ann", "");
    place.done("user unlock ann", "");
    assert_eq!(place.verify("ann", "second"), Ok(false));

    place.done("user del ann", "");
    assert_eq!(place.verify("ann", "second"), Err(Denial::UnknownUser));
    assert_eq!(fs::read(place.file()).unwrap(), b"");
}

#[test]
fn every_method_makes_an_account_that_can_log_in() {
    let place = Place::new("methods");
    for (method, start) in [("yescrypt", "$y$"), ("sha512", "$6$"), ("bcrypt", "$2b$")] {
        place.done(
            &format!("user add {method} --home /tmp --read-only --method {method}"),
            "pw",
        );
        assert_eq!(place.verify(method, "pw"), Ok(true));
        let text = fs::read_to_string(place.file()).unwrap();
        assert!(text.contains(&format!("{method}:{start}")));
    }
    let longest = "x".repeat(511);
    place.done("user passwd sha512 --method sha512", &longest);
    assert_eq!(place.verify("sha512", &longest), Ok(true));
}

#[test]
fn the_list_shows_state_and_home_and_never_a_hash() {
    let place = Place::new("list");
    let text = "# staff\n\
        a:$6$salt$x:::read-only:/srv/a b:\n\
        locked:!$y$j9T$s$x::::/:\nempty:::::/:\nodd:$nosuch$::::/:\n\
        esc\u{e4}:*::::/\u{1b}[2J:\n";
    fs::write(place.file(), text).unwrap();
    let outcome = place.ctl("user list", "");
    assert_eq!((outcome.code, outcome.err.as_str()), (0, ""));
    let rows: Vec<Vec<&str>> = outcome
        .out
        .lines()
        .map(|line| line.split_whitespace().collect())
        .collect();
    assert_eq!(rows[0], ["NAME", "ACCESS", "STATE", "METHOD", "HOME"]);
    assert_eq!(
        rows[1],
        ["a", "read-only", "active", "sha512", "/srv/a", "b"]
    );
    assert_eq!(rows[2], ["locked", "read-write", "locked", "yescrypt", "/"]);
    assert_eq!(rows[3][2..4], ["no-password", "none"]);
    assert_eq!(rows[4][2..4], ["unusable", "other"]);
    assert_eq!(
        rows[5],
        ["esc\u{e4}", "read-write", "locked", "none", "/\\u{1b}[2J"]
    );
    assert!(!outcome.out.contains('$'));
}

#[test]
fn what_is_not_asked_for_stays_byte_for_byte() {
    let place = Place::new("verbatim");
    let (before, after) = ("# kept\r\n\n", "bob:*:12:34:Bob,x:/srv/bob:/bin/sh");
    fs::write(
        place.file(),
        format!("{before}ann:!:1:2:Ann:/srv/ann:/x\n{after}"),
    )
    .unwrap();
    let outcome = place.ctl("user passwd ann --method sha512", "pw\n");
    assert_eq!(outcome.code, 0);
    assert!(outcome.err.contains("still locked"), "{}", outcome.err);
    let text = fs::read_to_string(place.file()).unwrap();
    let hash = text.split(':').nth(1).unwrap().to_owned();
    assert!(hash.starts_with("!$6$"));
    assert_eq!(
        text,
        format!("{before}ann:{hash}:1:2:Ann:/srv/ann:/x\n{after}")
    );
    place.done("user del ann", "");
    assert_eq!(
        fs::read_to_string(place.file()).unwrap(),
        format!("{before}{after}")
    );
}

#[test]
fn every_refusal_has_its_exit_code_and_changes_nothing() {
    let place = Place::new("refused");
    place.refused("user list", "", 66, "users: cannot open");
    place.refused("user lock ann", "", 66, "users: cannot open");
    place.done("user add ann --home /tmp --method sha512", "pw\n");
    place.refused(
        "user add ann --home /tmp",
        "pw\n",
        65,
        "\"ann\" exists already",
    );
    place.refused("user add bob --home /tmp", "\n", 65, "empty password");
    place.refused("user add bob --home /tmp", "", 65, "empty password");
    place.refused("user add bob --home /tmp", &"x".repeat(600), 65, "too long");
    place.refused("user add b/b --home /tmp", "pw\n", 64, "user name");
    place.refused("user add bob --home tmp", "pw\n", 64, "begin with /");
    place.refused("user add bob --password pw --home /tmp", "", 64, "password");
    place.refused("user frobnicate", "", 64, "frobnicate");
    for command in ["passwd", "del", "lock", "unlock"] {
        place.refused(
            &format!("user {command} bob"),
            "pw\n",
            67,
            "no user \"bob\"",
        );
    }
    fs::write(place.file(), "ann:!::::/:\nstar:*::::/:\n").unwrap();
    place.refused("user unlock ann", "", 65, "no password to unlock");
    place.refused("user unlock star", "", 65, "no password to unlock");
    fs::write(place.file(), "ann:!::::/:\nbob:!::/:\n").unwrap();
    place.refused("user list", "", 65, "users:2: 5 fields");
    place.refused("user lock ann", "", 65, "users:2: 5 fields");
}

#[test]
fn a_file_that_cannot_be_made_is_told_by_its_code() {
    let place = Place::new("nowhere");
    let outcome = Command::new(env!("CARGO_BIN_EXE_ironftpctl"))
        .args([
            "--file",
            "/nonexistent/users",
            "user",
            "add",
            "a",
            "--home",
            "/",
        ])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    // The empty password comes first: nothing is made for it.
    assert_eq!(outcome.status.code(), Some(65));
    let inside = Place(place.file().join("deeper"));
    inside.refused("user add a --home /", "pw\n", 73, "cannot create");
}

#[test]
fn a_home_that_is_missing_is_warned_of_and_added() {
    let place = Place::new("home");
    let outcome = place.ctl("user add ann --home /nonexistent/ann", "pw\n");
    assert_eq!(outcome.code, 0);
    assert!(
        outcome.err.contains("warning: /nonexistent/ann"),
        "{}",
        outcome.err
    );
    assert_eq!(place.verify("ann", "pw"), Ok(false));
}

#[test]
fn help_and_version_need_no_file() {
    for (option, part) in [
        ("--help", "Usage: ironftpctl"),
        ("--version", "ironftpctl "),
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_ironftpctl"))
            .arg(option)
            .output()
            .unwrap();
        assert!(output.status.success());
        assert!(String::from_utf8(output.stdout).unwrap().starts_with(part));
    }
}

#[test]
fn a_check_warns_of_an_accounts_file_that_everybody_can_read() {
    let place = Place::new("check");
    place.done("user add ann --home /tmp", "pw\n");
    let settings = place.0.join("conf");
    let text = format!(
        "anonymous_enable=NO\nlisten_address=127.0.0.1\nlisten_port=0\nvirtual_users_file={}\n",
        place.file().display()
    );
    fs::write(&settings, text).unwrap();
    for (mode, told) in [(0o600, false), (0o644, true)] {
        fs::set_permissions(place.file(), PermissionsExt::from_mode(mode)).unwrap();
        let output = Command::new(env!("CARGO_BIN_EXE_ironftpd"))
            .arg("--check")
            .arg(&settings)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let err = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(0), "{err}");
        assert_eq!(err.contains("every user can read it"), told, "{err}");
    }
}
