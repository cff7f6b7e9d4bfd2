//! Logs that are no files: the standard streams, the journal, syslog; and
//! files that cannot be written.

use super::support::server::{IRONFTPD, Launch};
use super::support::temp::TempDir;
use super::support::{PATIENCE, is_root, left_out, process};
use super::written::{Logs, asking, message};
use std::fs;
use std::os::unix::net::UnixDatagram;
use std::process::Command;

#[test]
fn a_container_finds_the_log_on_standard_output() {
    for name in ["-", "/dev/stdout"] {
        let mut logs = Logs::start(&[("vsftpd_log_file", name)]);
        logs.server.anonymous().store("file", b"12345");
        logs.server.whole_log();
        let output = logs.server.whole_output();
        let pid = logs.server.pid();
        let found: Vec<_> = output.lines().map(|line| message(line, pid)).collect();
        assert_eq!(found.len(), 3, "{output}");
        let start = "[ftp] OK UPLOAD: Client \"127.0.0.1\", \"/file\", 5 bytes, ";
        assert!(found[2].starts_with(start), "{output}");
    }
}

#[test]
fn or_among_the_events_on_standard_error() {
    let options = [("vsftpd_log_file", "/dev/stderr"), ("log_format", "json")];
    let mut logs = Logs::start(&options);
    logs.server.anonymous().store("file", b"12345");
    let log = logs.server.whole_log();
    let found = |words: &str| {
        log.lines()
            .any(|line| line.starts_with('{') && line.contains(words))
    };
    assert!(found("\"event\":\"upload\""), "{log}");
    assert!(found("\"message\":"), "{log}");
}

#[test]
fn the_journal_gets_priorities_and_no_time() {
    let script = "JOURNAL_STREAM=$(stat -L -c %d:%i /proc/self/fd/2) && export JOURNAL_STREAM && \
                  exec \"$@\"";
    let launch = asking().through(&["sh", "-c", script, "sh"]);
    let mut server = launch.start();
    let mut control = server.connect();
    control.command("USER nobody", 331);
    control.command("PASS wrong", 530);
    let log = server.whole_log();
    assert!(log.lines().all(|line| line.starts_with('<')), "{log}");
    assert!(log.contains("\n<6>listening on 127.0.0.1:"), "{log}");
    let refused = |line: &str| line.starts_with("<4>session 1 ") && line.contains(" refused: ");
    assert!(log.lines().any(refused), "{log}");
}

#[test]
fn another_journal_stream_is_not_ours() {
    let launch = Launch::new().through(&["env", "JOURNAL_STREAM=1:1"]);
    let mut server = launch.start();
    assert!(server.whole_log().lines().all(|line| line.starts_with('2')));
}

/// A server that sees a /dev of its own, in which log is the given socket.
fn with_syslog(socket: &UnixDatagram, directory: &TempDir, options: &[(&str, &str)]) -> Logs {
    let mut unshare = vec!["unshare", "--mount"];
    if !is_root() {
        unshare.extend(["--user", "--map-root-user"]);
    }
    let _ = socket;
    let script = "mkdir \"$0/dev\" && for name in null zero full random urandom; do \
                  touch \"$0/dev/$name\" && mount --bind \"/dev/$name\" \"$0/dev/$name\"; done && \
                  ln -s \"$0/socket\" \"$0/dev/log\" && mount --rbind \"$0/dev\" /dev && exec \"$@\"";
    let path = directory.path().to_str().unwrap().to_owned();
    unshare.extend(["sh", "-c", script, &path]);
    Logs::launch(asking().through(&unshare), options)
}

fn may_unshare() -> bool {
    let mut probe = Command::new("unshare");
    probe.arg("--mount");
    if !is_root() {
        probe.args(["--user", "--map-root-user"]);
    }
    probe.args(["mount", "--bind", "/proc/self/mem", "/dev/null"]);
    let probe = process::run(&mut probe, b"", PATIENCE);
    if !probe.status.success() {
        left_out(&format!("nothing may be mounted here: {}", probe.words()));
    }
    probe.status.success()
}

fn bound(directory: &TempDir) -> UnixDatagram {
    let path = directory.path().join("socket");
    let _ = fs::remove_file(&path);
    let socket = UnixDatagram::bind(path).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket
}

/// The next message, its time and process left out.
fn heard(socket: &UnixDatagram, pid: i32) -> String {
    let mut buffer = [0; 4096];
    let length = socket.recv(&mut buffer).expect("nothing came");
    let text = String::from_utf8(buffer[..length].to_vec()).unwrap();
    // <94>Nov 21 07:46:52 ironftpd[31940]: [ftp] OK LOGIN: ...
    let (number, rest) = text.split_once('>').unwrap();
    let message = rest[15..].strip_prefix(&format!(" ironftpd[{pid}]: "));
    let message = message.unwrap_or_else(|| panic!("{text:?}"));
    format!("{number}>{message}")
}

#[test]
fn syslog_gets_what_the_file_would_and_again_when_it_was_gone() {
    if !may_unshare() {
        return;
    }
    let directory = TempDir::new();
    let first = bound(&directory);
    let options = [("syslog_enable", "YES"), ("dual_log_enable", "NO")];
    let mut logs = with_syslog(&first, &directory, &options);
    let pid = logs.server.pid();
    let mut control = logs.server.connect();
    control.command("USER nobody", 331);
    control.command("PASS wrong", 530);
    control.login_anonymous();
    for expected in [
        "<94>CONNECT: Client \"127.0.0.1\"",
        "<92>[nobody] FAIL LOGIN: Client \"127.0.0.1\"",
        "<94>[ftp] OK LOGIN: Client \"127.0.0.1\", anon password \"someone@example.org\"",
    ] {
        assert_eq!(heard(&first, pid), expected);
    }
    drop(first);
    control.command("MKD lost", 257);
    let told = logs.server.wait_for_log("takes no lines: ");
    assert!(told.contains("syslog \"/dev/log\""), "{told}");
    let second = bound(&directory);
    control.command("MKD heard", 257);
    assert_eq!(
        heard(&second, pid),
        "<94>[ftp] OK MKDIR: Client \"127.0.0.1\", \"/heard\""
    );
    logs.server
        .wait_for_log("syslog takes lines again; lines lost: 1");
    assert!(!logs.path("vsftpd.log").exists());
    assert!(!logs.server.whole_log().contains("refused by seccomp"));
}

#[test]
fn a_log_that_cannot_be_written_is_told_at_the_start() {
    for (option, path) in [
        ("vsftpd_log_file", "/nowhere/at/all"),
        ("vsftpd_log_file", "/"),
        ("xferlog_file", ""),
    ] {
        let directory = TempDir::new();
        let text = format!(
            "listen_address=127.0.0.1\nlisten_port=0\nanon_root={0}\nrun_as_launching_user=YES\n\
             vsftpd_log_file={0}/log\nxferlog_file={0}/xferlog\ndual_log_enable=YES\n\
             {option}={path}\n",
            directory.path().display()
        );
        let file = directory.file("conf", text);
        for check in [&["--check"][..], &[]] {
            let mut command = Command::new(IRONFTPD);
            let finished = process::run(command.args(check).arg(&file), b"", PATIENCE);
            assert_eq!(finished.status.code(), Some(78), "{path}");
            let words = finished.words();
            assert!(words.contains(option), "{words}");
            assert!(!directory.has("log"), "{check:?}");
        }
    }
}
