//! The administrator's side: ironftpctl who and status at the control socket of
//! a server at work, and who may not use it. Leaves to others: kick, reload
//! and drain.

use std::io::{Read, Write};
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use serde_json::Value;

use crate::abort::under_way;
use crate::support::control::Control;
use crate::support::process::{Finished, run};
use crate::support::server::{Launch, Server, ironftpctl};
use crate::support::temp::TempDir;
use crate::support::tree::sparse_file;
use crate::support::{PATIENCE, is_root, left_out};

/// A server with a control socket, and an account ann.
pub struct Governed {
    pub server: Server,
    pub place: TempDir,
    _home: TempDir,
}

impl Governed {
    pub fn start(options: &[(&str, &str)]) -> Governed {
        let (place, home) = (TempDir::new(), TempDir::new());
        sparse_file(&home.path().join("large"));
        home.file("file", "content");
        let socket = place.path().join("control");
        let launch = Launch::new()
            .writable()
            .option("control_socket", socket.to_str().unwrap())
            .account("ann", "secret", home.path())
            .options(options);
        Governed {
            server: launch.start(),
            place,
            _home: home,
        }
    }

    pub fn socket(&self) -> PathBuf {
        self.place.path().join("control")
    }

    /// Runs ironftpctl.
    #[track_caller]
    pub fn ctl(&self, words: &[&str]) -> Finished {
        ctl_at(&self.socket(), words)
    }

    /// What `who --json` shows.
    #[track_caller]
    pub fn who(&self) -> Vec<Value> {
        let shown = self.ctl(&["who", "--json"]).succeed();
        serde_json::from_slice(&shown.stdout).unwrap()
    }

    /// The only session.
    #[track_caller]
    pub fn only(&self) -> Value {
        let mut who = self.who();
        assert_eq!(who.len(), 1, "{who:?}");
        who.remove(0)
    }

    /// Asks until what is seen of the only session is as wanted.
    #[track_caller]
    pub fn until(&self, wanted: impl Fn(&Value) -> bool) -> Value {
        until(|| Some(self.only()).filter(&wanted))
    }

    pub fn ann(&self) -> Control {
        self.server.login("ann", "secret")
    }
}

fn ctl_at(socket: &Path, words: &[&str]) -> Finished {
    let mut command = Command::new(ironftpctl());
    command.arg("--socket").arg(socket).args(words);
    run(&mut command, b"", PATIENCE)
}

/// Tries again and again, with pauses, until there is something.
#[track_caller]
pub fn until<T>(mut attempt: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = attempt() {
            return found;
        }
        assert!(Instant::now() < end, "it has not come about in time");
        std::thread::yield_now();
    }
}

pub fn id(session: &Value) -> String {
    session["session"].to_string()
}

#[test]
fn who_shows_a_session_from_its_greeting_on() {
    let governed = Governed::start(&[]);
    assert_eq!(governed.who(), Vec::<Value>::new());
    let mut control = governed.server.connect();
    let new = governed.only();
    assert_eq!(
        (&new["user"], &new["state"], &new["command"]),
        (&Value::Null, &Value::from("login"), &Value::Null)
    );
    let local = control.local();
    assert_eq!(new["address"], local.ip().to_string());
    assert_eq!(new["port"], local.port());
    control.login("ann", "secret");
    let known = governed.until(|session| session["state"] == "idle");
    assert_eq!(known["user"], "ann");
    assert_eq!(known["session"], new["session"]);
    let table = governed.ctl(&["who"]).succeed();
    let table = String::from_utf8(table.stdout).unwrap();
    let line = table.lines().nth(1).unwrap();
    assert!(line.contains(" ann ") && line.contains(" idle "), "{table}");
    control.command("REIN", 220);
    governed.until(|session| session["user"].is_null() && session["state"] == "login");
    control.command("QUIT", 221);
    until(|| governed.who().is_empty().then_some(()));
}

#[test]
fn a_download_shows_its_file_and_its_bytes_grow() {
    let governed = Governed::start(&[]);
    let mut control = governed.ann();
    let mut data = under_way(&mut control);
    let first = governed.until(|session| session["bytes"].as_u64() > Some(0));
    assert_eq!(
        (&first["state"], &first["command"], &first["file"]),
        (&"sending".into(), &"RETR".into(), &"/large".into())
    );
    let moved = first["bytes"].as_u64().unwrap();
    // More than buffers hold.
    let mut buffer = vec![0; 1 << 20];
    for _ in 0..64 {
        data.read_exact(&mut buffer).unwrap();
    }
    assert!(moved < 1 << 26);
    governed.until(|session| session["bytes"].as_u64() >= Some(1 << 26));
    control.line("ABOR");
    control.expect(426);
    control.expect(226);
    let after = governed.until(|session| session["state"] == "idle");
    assert_eq!((&after["file"], &after["bytes"]), (&Value::Null, &0.into()));
    assert!(after["total_bytes"].as_u64() >= Some(1 << 26), "{after}");
}

#[test]
fn an_upload_shows_its_file_and_its_bytes_grow() {
    let governed = Governed::start(&[]);
    let mut control = governed.ann();
    governed.until(|session| session["state"] == "idle");
    control.command("MKD d\u{fc}", 257);
    control.command("CWD d\u{fc}", 250);
    let address = control.epsv();
    control.line("STOR a name");
    let before = governed.until(|session| session["state"] == "connecting");
    assert_eq!(
        (&before["command"], &before["bytes"]),
        (&"STOR".into(), &0.into())
    );
    let mut data = crate::support::data::connect(address);
    control.expect(150);
    data.write_all(&[b'x'; 1000]).unwrap();
    let first = governed.until(|session| session["bytes"] == 1000);
    assert_eq!(
        (&first["state"], &first["file"]),
        (&"receiving".into(), &"/d\u{fc}/a name".into())
    );
    data.write_all(&[b'x'; 100_000]).unwrap();
    governed.until(|session| session["bytes"] == 101_000);
    drop(data);
    control.expect(226);
    let after = governed.until(|session| session["state"] == "idle");
    assert_eq!(after["total_bytes"], 101_000);
}

#[test]
fn two_hundred_sessions_are_listed_at_once_and_all_are_different() {
    let governed = Governed::start(&[]);
    let openers: Vec<_> = (0..8)
        .map(|_| {
            let address = governed.server.address();
            std::thread::spawn(move || {
                let open = |_| {
                    let mut control = Control::connect(address);
                    control.login("ann", "secret");
                    control
                };
                (0..25).map(open).collect::<Vec<Control>>()
            })
        })
        .collect();
    let mut controls: Vec<Control> = openers
        .into_iter()
        .flat_map(|opener| opener.join().unwrap())
        .collect();
    let who = until(|| {
        let who = governed.who();
        who.iter().all(|it| it["state"] == "idle").then_some(who)
    });
    assert_eq!(who.len(), 200);
    let ids: std::collections::HashSet<String> = who.iter().map(id).collect();
    assert_eq!(ids.len(), 200);
    let mut listed: Vec<u64> = who.iter().map(|it| it["port"].as_u64().unwrap()).collect();
    let mut ports: Vec<u64> = controls.iter().map(|it| it.local().port().into()).collect();
    listed.sort_unstable();
    ports.sort_unstable();
    assert_eq!(listed, ports);
    // All of them gone at once, in one command.
    let mut words = vec!["kick"];
    words.extend(ids.iter().map(String::as_str));
    governed.ctl(&words).succeed();
    for control in &mut controls {
        control.expect(421);
    }
    until(|| governed.who().is_empty().then_some(()));
}

#[test]
fn status_counts_what_there_is() {
    let governed = Governed::start(&[]);
    let mut downloading = governed.ann();
    let _data = under_way(&mut downloading);
    let _greeted = governed.server.connect();
    until(|| (governed.who().len() == 2).then_some(()));
    let shown = governed.ctl(&["status", "--json"]).succeed();
    let status: Value = serde_json::from_slice(&shown.stdout).unwrap();
    assert_eq!(status["sessions"], 2);
    assert_eq!(
        (&status["logged_in"], &status["transfers"]),
        (&1.into(), &1.into())
    );
    assert_eq!(status["sessions_ever"], 2);
    assert_eq!(status["pid"], governed.server.pid());
    let listening = governed.server.address().to_string();
    assert_eq!(status["listening"], Value::from(vec![listening.clone()]));
    assert_eq!(status["draining"], false);
    let words = governed.ctl(&["status"]).succeed().words();
    assert!(
        words.contains(&format!("listening on  {listening}")),
        "{words}"
    );
}

#[test]
fn the_socket_is_for_its_owner_and_a_stranger_is_refused() {
    let governed = Governed::start(&[]);
    let about = std::fs::metadata(governed.socket()).unwrap();
    assert!(about.file_type().is_socket());
    assert_eq!(about.permissions().mode() & 0o777, 0o600);
    if !is_root() {
        return left_out("becoming another user takes root");
    }
    let as_stranger = |words: &[&str]| {
        let mut command = Command::new(ironftpctl());
        command.arg("--socket").arg(governed.socket()).args(words);
        command.uid(12345).gid(12345);
        run(&mut command, b"", PATIENCE)
    };
    let shut = as_stranger(&["who"]);
    assert_eq!(shut.status.code(), Some(77), "{}", shut.words());
    // Where somebody has opened the file, the server asks who it is.
    let open = PermissionsExt::from_mode(0o666);
    std::fs::set_permissions(governed.socket(), open).unwrap();
    let mut control = governed.ann();
    for words in [&["who"][..], &["kick", "1"], &["drain"]] {
        let refused = as_stranger(words);
        assert_eq!(refused.status.code(), Some(77), "{}", refused.words());
        assert!(refused.words().contains("only root"), "{}", refused.words());
    }
    control.goes_on();
    governed
        .server
        .wait_for_log("ironftpctl: user 12345 refused");
    assert_eq!(governed.who().len(), 1);
}

#[test]
fn a_server_that_root_started_is_root_s_and_not_nobody_s() {
    if !is_root() {
        return left_out("giving up root takes root");
    }
    let mut governed =
        Governed::start(&[("run_as_launching_user", "NO"), ("anonymous_enable", "NO")]);
    let mut control = governed.ann();
    let session = governed.until(|session| session["state"] == "idle");
    let open = PermissionsExt::from_mode(0o666);
    std::fs::set_permissions(governed.socket(), open).unwrap();
    let mut as_nobody = Command::new(ironftpctl());
    as_nobody.arg("--socket").arg(governed.socket()).arg("who");
    as_nobody.uid(65534).gid(65534);
    let refused = run(&mut as_nobody, b"", PATIENCE);
    assert_eq!(refused.status.code(), Some(77), "{}", refused.words());
    governed.ctl(&["kick", &id(&session)]).succeed();
    control.expect(421);
    governed.ctl(&["drain"]).succeed();
    assert!(governed.server.wait_for_end().unwrap().success());
}

#[test]
fn hostile_askers_keep_neither_sessions_nor_other_askers() {
    let governed = Governed::start(&[]);
    let mut control = governed.ann();
    let ask = |bytes: &[u8]| {
        let mut asker = UnixStream::connect(governed.socket()).unwrap();
        asker.set_read_timeout(Some(PATIENCE)).unwrap();
        // One who is not listened to any more.
        let _ = asker.write_all(bytes);
        asker
    };
    let noise = vec![0xff; 100_000];
    let questions: [&[u8]; 6] = [&noise, b"\n", b"who\r\n", b"kick\n", b"kick 1;2\n", b"{}\n"];
    for question in questions {
        let mut answer = String::new();
        // What nobody has read resets the connection after the answer.
        let _ = ask(question).read_to_string(&mut answer);
        let answer: Value = serde_json::from_str(&answer).unwrap();
        assert_eq!(answer["error"], "unknown");
    }
    // Half a question, none, and one whose answer nobody reads: each has its
    // time and no more, and holds no session up.
    let _half = ask(b"wh");
    let _silent = ask(b"");
    let _deaf = ask(b"who\n");
    drop(ask(b"wh"));
    for _ in 0..50 {
        control.goes_on();
    }
    assert_eq!(control.retrieve("file"), b"content");
    assert_eq!(governed.who().len(), 1);
}

#[test]
fn a_server_takes_the_place_of_a_dead_one_and_not_of_a_live_one() {
    let mut governed = Governed::start(&[]);
    let socket = governed.socket();
    let place = socket.to_str().unwrap();
    let config = governed.place.file(
        "second.conf",
        format!(
            "listen_address=127.0.0.1\nlisten_port=0\nrun_as_launching_user=YES\nanon_root=/\n\
             control_socket={place}\n"
        ),
    );
    let mut second = Command::new(crate::support::server::IRONFTPD);
    second.arg(config);
    let refused = run(&mut second, b"", PATIENCE);
    assert_eq!(refused.status.code(), Some(71), "{}", refused.words());
    assert!(
        refused.words().contains("another server"),
        "{}",
        refused.words()
    );
    assert_eq!(governed.who().len(), 0);
    governed.server.signal(libc::SIGKILL);
    governed.server.wait_for_end().unwrap();
    assert!(socket.exists());
    let heir = Server::start(&[("control_socket", place)]);
    let status = ctl_at(&socket, &["status", "--json"]).succeed();
    let status: Value = serde_json::from_slice(&status.stdout).unwrap();
    assert_eq!(status["pid"], heir.pid());
}

/// Names of the server's threads, as ps -L shows them.
fn threads(server: &Server) -> Vec<String> {
    let tasks = std::fs::read_dir(format!("/proc/{}/task", server.pid())).unwrap();
    tasks
        .filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("comm")).ok())
        .map(|name| name.trim_end().to_owned())
        .collect()
}

#[test]
fn threads_are_named_after_sessions_where_that_is_wanted() {
    for (wanted, shown) in [("YES", true), ("NO", false)] {
        let governed = Governed::start(&[("setproctitle_enable", wanted)]);
        let mut control = governed.ann();
        let _data = under_way(&mut control);
        governed.until(|session| session["state"] == "sending");
        let names = threads(&governed.server);
        assert_eq!(
            names.iter().any(|it| it == "ftp:ann RETR"),
            shown,
            "{names:?}"
        );
        assert!(names.iter().any(|it| it == "worker"), "{names:?}");
        control.line("ABOR");
        control.expect(426);
        control.expect(226);
        governed.until(|session| session["state"] == "idle");
        // Until it falls silent, the worker has its last name.
        until(|| {
            let names = threads(&governed.server);
            (!names.iter().any(|it| it.starts_with("ftp:"))).then_some(())
        });
    }
}

#[test]
fn names_and_paths_cannot_forge_lines() {
    let governed = Governed::start(&[]);
    let mut control = governed.ann();
    let address = control.epsv();
    control.line(b"STOR a\x1b[2J\"b\\\xff");
    governed.until(|session| session["state"] == "connecting");
    let mut data = crate::support::data::connect(address);
    control.expect(150);
    data.write_all(b"x").unwrap();
    let session = governed.until(|session| session["bytes"] == 1);
    assert_eq!(session["file"], "/a\\x1B[2J\"b\\\\\\xFF");
    let table = governed.ctl(&["who"]).succeed().stdout;
    assert!(!table.contains(&0x1b));
    drop(data);
    control.expect(226);
}
