//! `--check`, the doctor, on whole files: each finding with file, line and
//! option, what will happen and what to do; and an exit status that says
//! whether the server would start. What it makes of networks and firewalls is
//! in `doctor`, of certificates in tests/tls.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;

use crate::support::accounts::{may_mount, with_files_over};
use crate::support::process::{Finished, run};
use crate::support::server::IRONFTPD;
use crate::support::temp::TempDir;
use crate::support::{PATIENCE, is_root, left_out};

/// A configuration file, and what it names.
struct Site {
    place: TempDir,
}

impl Site {
    fn new() -> Site {
        let place = TempDir::new();
        fs::set_permissions(place.path(), fs::Permissions::from_mode(0o755)).unwrap();
        place.dir("root");
        Site { place }
    }

    fn file(&self, name: &str, text: &str, mode: u32) -> PathBuf {
        let path = self.place.file(name, text);
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        path
    }

    /// Runs the program on a file of these lines, `DIR` being the place;
    /// anonymous users have a root, and no other machine can connect.
    fn run(&self, through: &[String], words: &[&str], text: &str) -> Finished {
        let mut command = self.command(through, words, text);
        run(command.env_remove("RUST_LOG"), b"", PATIENCE)
    }

    /// The same with words behind all others.
    fn run_after(&self, words: &[&str], text: &str) -> Finished {
        let mut command = self.command(&[], &[], text);
        run(command.args(words).env_remove("RUST_LOG"), b"", PATIENCE)
    }

    fn command(&self, through: &[String], words: &[&str], text: &str) -> Command {
        let directory = self.place.path().display().to_string();
        let text = text.replace("DIR", &directory);
        let file = self.file("site.conf", &text, 0o600);
        let program = [IRONFTPD.to_owned()];
        let mut all = through.iter().chain(&program);
        let mut command = Command::new(all.next().unwrap());
        command.args(all).args(words).arg(file);
        command.args(["-olisten_address=127.0.0.1", "-olisten_port=0"]);
        command.arg(format!("-oanon_root={directory}/root"));
        command
    }

    /// What `--check` says on standard error, with places as `DIR`, and its
    /// last line.
    #[track_caller]
    fn check(&self, text: &str, code: i32) -> (String, String) {
        self.check_through(&[], text, code)
    }

    #[track_caller]
    fn check_through(&self, through: &[String], text: &str, code: i32) -> (String, String) {
        let finished = self.run(through, &["--check"], text);
        assert_eq!(finished.status.code(), Some(code), "{}", finished.words());
        let directory = self.place.path().display().to_string();
        let said = String::from_utf8(finished.stderr).unwrap();
        let out = String::from_utf8(finished.stdout).unwrap();
        let verdict = out.lines().last().unwrap_or_default().to_owned();
        (said.replace(&directory, "DIR"), verdict)
    }

    /// Each of `lines` is a line of what `--check` says.
    #[track_caller]
    fn told(&self, text: &str, lines: &[&str]) {
        let (said, verdict) = self.check(text, 0);
        for line in lines {
            let line = format!("ironftpd: {line}");
            assert!(
                said.lines().any(|it| it == line),
                "{line}\nis not in\n{said}"
            );
        }
        assert!(verdict.starts_with("The server would start; "), "{verdict}");
    }
}

#[test]
fn options_without_effect_name_the_one_they_need() {
    Site::new().told(
        "anon_upload_enable=YES\nxferlog_file=DIR/x\nisolate=NO\nforce_local_logins_ssl=YES\n",
        &[
            "warning: DIR/site.conf:1: anon_upload_enable: has no effect while write_enable is NO: \
             set write_enable=YES, or leave this out",
            "note: DIR/site.conf:2: xferlog_file: has no effect while xferlog_std_format is NO and \
             dual_log_enable is NO: set one of them, or leave this out",
            "note: DIR/site.conf:3: isolate: has no meaning here: what vsftpd keeps from its \
             processes by name spaces (other processes, shared memory), ironftpd keeps from its \
             threads by seccomp lists and Landlock: leave this out, or let it stand",
            "warning: DIR/site.conf:4: force_local_logins_ssl: has no effect while ssl_enable is \
             NO: set ssl_enable=YES, or leave this out",
        ],
    );
}

#[test]
fn defaults_that_vsftpds_manual_has_otherwise_are_told_where_they_count() {
    let site = Site::new();
    let line = "default: anonymous_enable: not set: vsftpd's manual gives NO as the default, its \
                code YES, and here it is YES: set it to what is meant";
    site.told("", &[&format!("note: {line}")]);
    site.told("local_enable=YES\n", &[&format!("warning: {line}")]);
    let set = "anonymous_enable=YES\nmax_clients=5\nmax_per_ip=5\npasv_enable=NO\n";
    let (said, verdict) = site.check(set, 0);
    assert_eq!(
        (said.as_str(), verdict.as_str()),
        ("", "The configuration is in order.")
    );
}

#[test]
fn what_lends_itself_to_harm_is_told_with_what_to_do() {
    Site::new().told(
        "write_enable=YES\nanon_upload_enable=YES\nport_promiscuous=YES\nanon_umask=022\n\
         ftp_username=daemon\n",
        &[
            "warning: DIR/site.conf:2: anon_upload_enable: anybody who reaches this server may \
             store files, and fill the disk: if that is meant, give the directory a file system \
             or a quota of its own, and max_per_ip and anon_max_rate",
            "warning: DIR/site.conf:3: port_promiscuous: clients may have the server connect to \
             other hosts, to attack or to look around (RFC 2577, section 3): set it to NO unless \
             files go from server to server here (FXP)",
            "warning: DIR/site.conf:4: anon_umask: what strangers store, strangers may fetch, and \
             use the server to pass on what they like: set anon_umask=077",
        ],
    );
}

#[test]
fn lists_that_others_may_write_and_that_cannot_be_read_again_are_told() {
    let site = Site::new();
    site.file("list", "ann\n", 0o666);
    let text = "userlist_enable=YES\nuserlist_file=DIR/list\nlocal_enable=YES\n";
    let open = "warning: DIR/site.conf:2: userlist_file: users other than its owner may write \
                \"DIR/list\", and so decide what it says: chmod go-w DIR/list";
    site.told(text, &[open]);
    if !is_root() {
        return left_out("the user that the server becomes can be tried by root only");
    }
    site.file("list", "ann\n", 0o600);
    let closed = "warning: DIR/site.conf:2: userlist_file: \"DIR/list\" cannot be read any more by \
                  who the server becomes (nopriv_user), so that changes count after a restart \
                  only: let that user read it";
    site.told(text, &[closed]);
    let (said, _) = site.check(&format!("{text}run_as_launching_user=YES\n"), 0);
    assert!(!said.contains("cannot be read any more"), "{said}");
}

#[test]
fn files_of_users_are_read_beforehand() {
    let site = Site::new();
    site.place.dir("users");
    let mode = fs::Permissions::from_mode(0o755);
    fs::set_permissions(site.place.path().join("users"), mode).unwrap();
    site.file("users/ann", "hide_ids=YES\nhide_idz=YES\n", 0o644);
    site.file("users/bob", "listen_port=5\n", 0o644);
    site.told(
        "user_config_dir=DIR/users\n",
        &[
            "warning: DIR/users/ann:2: unknown option \"hide_idz\": did you mean \"hide_ids\"?: \
             this user cannot log in until it is mended",
            "warning: DIR/users/bob:1: listen_port: has no effect in the file of one user: set it \
             in the file of the server",
        ],
    );
}

#[test]
fn files_of_users_that_are_no_files_of_options_keep_nobody_waiting() {
    let site = Site::new();
    let users = site.place.dir("users");
    site.file("users/archive", &"x\n".repeat(10_000), 0o644);
    let fifo = users.join("fifo");
    assert!(
        run(Command::new("mkfifo").arg(&fifo), b"", PATIENCE)
            .status
            .success()
    );
    std::os::unix::fs::symlink("/dev/zero", users.join("endless")).unwrap();
    site.file("users/\u{1b}[2J\n", "x=\n", 0o644);
    let (said, _) = site.check("user_config_dir=DIR/users\n", 0);
    for name in ["fifo", "endless"] {
        assert!(said.contains(&format!("users/{name}: is not a regular file: ")));
    }
    assert!(
        said.contains("users/\\u{1b}[2J\\n:1: unknown option"),
        "{said}"
    );
    assert!(!said.contains('\u{1b}'));
    assert_eq!(said.matches("users/archive:").count(), 20);
    for number in 0..1000 {
        site.file(&format!("users/{number}"), "", 0o644);
    }
    let (said, _) = site.check("user_config_dir=DIR/users\n", 0);
    assert!(said.contains("user_config_dir: only 1000 of its files were looked at"));
}

#[test]
fn rules_for_clients_are_read_beforehand() {
    if !is_root() || !may_mount() {
        return left_out("needs root who may mount, to lay rules over /etc/hosts.allow");
    }
    let both = ["/etc/hosts.allow", "/etc/hosts.deny"];
    if !both.iter().all(|path| std::path::Path::new(path).exists()) {
        return left_out("/etc/hosts.allow and hosts.deny are not there to be laid over");
    }
    let site = Site::new();
    let own = site.file("some.conf", "listen=PERHAPS\n", 0o600);
    let rule = format!(
        "no rule at all\nvsftpd: 192.0.2.1: setenv VSFTPD_LOAD_CONF {}\n",
        own.display()
    );
    let allow = site.file("allow", &rule, 0o644);
    let deny = site.file("deny", "", 0o644);
    let through = with_files_over(&[(&allow, both[0]), (&deny, both[1])]);
    let (said, verdict) = site.check_through(&through, "tcp_wrappers=YES\n", 0);
    assert!(said.contains("warning: /etc/hosts.allow:1: "), "{said}");
    let line = "warning: DIR/site.conf:1: tcp_wrappers: VSFTPD_LOAD_CONF \"DIR/some.conf\" cannot \
                be used, and its clients are turned away: DIR/some.conf:1: listen: ";
    assert!(said.contains(line), "{said}");
    assert!(verdict.contains("2 warnings"), "{verdict}");
    site.file(
        "some.conf",
        "xferlog_enable=NO\nwrite_enable=YES\nlisten_port=3\n",
        0o600,
    );
    let text = "tcp_wrappers=YES\nxferlog_enable=YES\nvsftpd_log_file=DIR/log\n";
    let (said, _) = site.check_through(&through, text, 0);
    let vain: Vec<&str> = said
        .lines()
        .filter(|it| it.contains("DIR/some.conf"))
        .collect();
    let line = |option| {
        format!(
            "ironftpd: warning: DIR/some.conf:{option}: has no effect for some clients only: set it \
             in the file of the server"
        )
    };
    assert_eq!(vain, [line("3: listen_port"), line("1: xferlog_enable")]);
}

#[test]
fn limits_of_the_system_are_compared_with_those_of_the_file() {
    let line = "1000000000 sessions need more descriptors than there may be (RLIMIT_NOFILE is ";
    let (said, _) = Site::new().check("max_clients=1000000000\n", 0);
    let prefix = format!("warning: DIR/site.conf:1: max_clients: {line}");
    assert!(said.contains(&prefix), "{said}");
}

#[test]
fn the_exit_status_is_that_of_a_start_and_every_fault_is_told_at_once() {
    let site = Site::new();
    for (text, code, faults) in [
        ("anonymous_enabel=YES\nwrite_enable=PERHAPS\n", 78, 2),
        (
            "banner_file=DIR/none\nuserlist_enable=YES\nuserlist_file=DIR/none\nlocal_enable=YES\n",
            78,
            2,
        ),
        (
            "ssl_enable=YES\nrsa_cert_file=DIR/none\nxferlog_enable=YES\nvsftpd_log_file=DIR/a/b\n",
            78,
            2,
        ),
        ("anonymous_enable=NO\n", 78, 1),
        ("pid_file=DIR/none/pid\n", 77, 1),
        ("pid_file=DIR/root\n", 77, 1),
        ("control_socket=DIR/site.conf\n", 71, 1),
        (
            "listen=NO\nlisten_ipv6=YES\nlisten_address6=2001:db8::1\n",
            69,
            1,
        ),
    ] {
        let (said, verdict) = site.check(text, code);
        let errors: Vec<&str> = said.lines().filter(|it| it.contains(" error: ")).collect();
        assert_eq!(errors.len(), faults, "{text}: {said}");
        let placed = |line: &&str| line.starts_with("ironftpd: error: DIR/site.conf:");
        assert!(errors.iter().all(placed), "{said}");
        let would_not = format!("The server would not start; {faults} error");
        assert!(verdict.starts_with(&would_not), "{verdict}");
        let started = site.run(&[], &[], text);
        assert_eq!(started.status.code(), Some(code), "{}", started.words());
    }
    let missing = site.run(&[], &["--check", "/nonexistent"], "");
    assert_eq!(missing.status.code(), Some(66), "{}", missing.words());
}

#[test]
fn who_looks_for_vsftpds_words_on_standard_error_finds_them() {
    let site = Site::new();
    for (text, words) in [
        (
            "nonsense=YES\n",
            "unrecognised variable in config file: nonsense",
        ),
        (
            "write_enable=MAYBE\n",
            "bad bool value in config file for: write_enable",
        ),
        (
            "write_enable\n",
            "missing value in config file for: write_enable",
        ),
    ] {
        let started = site.run(&[], &[], text);
        let said = String::from_utf8(started.stderr).unwrap();
        let lines: Vec<&str> = said.lines().collect();
        assert!(lines[0].starts_with("ironftpd: "), "{said}");
        assert!(lines[0].contains("site.conf:1: "), "{said}");
        assert_eq!(lines[1..], [format!("500 OOPS: {words}")], "{said}");
    }
}

#[test]
fn so_do_those_who_look_for_ports_that_are_taken_and_certificates() {
    let site = Site::new();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = format!("-olisten_port={}", taken.local_addr().unwrap().port());
    let text = "ssl_enable=YES\nrsa_cert_file=DIR/none\n";
    for (words, text, oops) in [
        (
            &["-olisten=YES"][..],
            text,
            "SSL: cannot load RSA certificate",
        ),
        (
            &[port.as_str()][..],
            "",
            "could not bind listening IPv4 socket",
        ),
    ] {
        let started = site.run_after(words, text);
        let said = String::from_utf8(started.stderr).unwrap();
        let last = said.lines().last().unwrap_or_default();
        assert_eq!(last, format!("500 OOPS: {oops}"), "{said}");
    }
}
