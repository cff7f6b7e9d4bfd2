//! session_support: a PAM session is open as long as somebody is logged in,
//! and not a moment longer, however the log-in ends.

use crate::support::accounts::{PASSWORD, Service, User, launch, run};
use crate::support::control::Control;
use crate::support::fifo::Fifo;
use crate::support::server::Server;
use crate::support::temp::TempDir;
use crate::support::{is_root, left_out};

/// A server whose PAM sessions say so over a FIFO. It ends first.
struct Stage {
    server: Server,
    user: User,
    said: Fifo,
    _service: Service,
    _directory: TempDir,
}

impl Stage {
    fn new(options: &[(&str, &str)]) -> Stage {
        let directory = TempDir::new();
        let said = Fifo::new(&directory, "said");
        let script = directory.file(
            "session.sh",
            format!(
                "#!/bin/sh\necho \"$PAM_TYPE $PAM_USER $PAM_RHOST $PAM_TTY $PAM_RUSER\" >{}\n",
                said.path().display()
            ),
        );
        run("chmod", &["755", script.to_str().unwrap()]);
        let service = Service::new(
            "sessions",
            &format!(
                "auth required pam_unix.so\naccount required pam_unix.so\n\
                 session required pam_exec.so {}\n",
                script.display()
            ),
        );
        let server = launch(&service)
            .option("session_support", "YES")
            .options(options)
            .start();
        Stage {
            server,
            user: User::new("sess"),
            said,
            _service: service,
            _directory: directory,
        }
    }

    /// The next thing that PAM was told: a session was opened or closed.
    #[track_caller]
    fn hears(&self, what: &str) {
        let name = &self.user.account.name;
        let expected = format!("{what}_session {name} 127.0.0.1 ftp {name}");
        assert_eq!(self.said.line(), expected);
    }

    /// Logs in; the session is open by the time the client is told.
    fn log_in(&self) -> Control {
        let control = self.user.log_in(&self.server);
        assert!(!self.said.is_silent(), "no session was opened");
        self.hears("open");
        control
    }
}

#[test]
fn a_pam_session_is_open_from_the_log_in_to_the_end_of_the_session() {
    if !is_root() {
        return left_out("accounts are made by root");
    }
    let stage = Stage::new(&[]);
    let mut control = stage.log_in();
    control.store("file", b"content");
    assert!(stage.said.is_silent(), "it was closed early");
    control.command("QUIT", 221);
    stage.hears("close");
    // Another user may log in after REIN.
    let mut control = stage.log_in();
    control.command("REIN", 220);
    stage.hears("close");
    control.login(&stage.user.account.name, PASSWORD);
    stage.hears("open");
    drop(control);
    stage.hears("close");
}

#[test]
fn a_pam_session_is_closed_when_the_client_vanishes() {
    if !is_root() {
        return left_out("accounts are made by root");
    }
    let stage = Stage::new(&[]);
    drop(stage.log_in());
    stage.hears("close");
    stage.log_in().reset();
    stage.hears("close");
    // In the middle of an upload, with a worker at it.
    let mut control = stage.log_in();
    let data = control.passive();
    control.command("STOR half", 150);
    control.reset();
    drop(data);
    stage.hears("close");
}

#[test]
fn a_pam_session_is_closed_when_the_client_is_silent_for_too_long() {
    if !is_root() {
        return left_out("accounts are made by root");
    }
    let stage = Stage::new(&[("idle_session_timeout", "1")]);
    let mut control = stage.log_in();
    stage.hears("close");
    control.expect(421);
}

#[test]
fn pam_sessions_are_closed_when_the_server_ends() {
    if !is_root() {
        return left_out("accounts are made by root");
    }
    for signal in [libc::SIGTERM, libc::SIGKILL] {
        let mut stage = Stage::new(&[]);
        let _silent = [stage.log_in(), stage.log_in()];
        let mut busy = stage.log_in();
        let _data = busy.passive();
        busy.command("STOR half", 150);
        stage.server.signal(signal);
        for _ in 0..3 {
            stage.hears("close");
        }
        assert!(stage.server.wait_for_end().is_some());
        assert!(stage.said.is_silent());
    }
}

#[test]
fn no_pam_session_is_left_open_by_who_is_not_let_in() {
    if !is_root() {
        return left_out("accounts are made by root");
    }
    let stage = Stage::new(&[("local_root", "/no/such/place")]);
    let name = &stage.user.account.name;
    let mut control = stage.server.connect();
    control.command(format!("USER {name}"), 331);
    control.command("PASS wrong", 530);
    stage.server.anonymous().goes_on();
    assert!(stage.said.is_silent());
    // PAM lets this one in, and there is no place for him.
    control.command(format!("USER {name}"), 331);
    control.command(format!("PASS {PASSWORD}"), 530);
    stage.hears("open");
    stage.hears("close");
    control.goes_on();
}

#[test]
fn without_session_support_pam_is_told_of_no_session() {
    if !is_root() {
        return left_out("accounts are made by root");
    }
    let stage = Stage::new(&[("session_support", "NO")]);
    let mut control = stage.user.log_in(&stage.server);
    control.command("QUIT", 221);
    control.expect_closed();
    assert!(stage.said.is_silent());
}
