//! PAM modules that sleep or crash, in a real server: whom they are not about
//! logs in as if they were not there.
//!
//! The module is that of tests/authenticator, which misbehaves by the name of
//! the user and asks nothing of others.

use std::path::Path;
use std::thread;
use std::time::Instant;

use crate::support::accounts::{Service, User, launch, module};
use crate::support::control::Control;
use crate::support::fifo::Fifo;
use crate::support::server::Server;
use crate::support::temp::TempDir;
use crate::support::{PATIENCE, is_root, left_out};

/// A server whose passwords our module checks, and a user of the system, whom
/// odd names that are let in are mapped to. The server ends first.
struct Stage {
    server: Server,
    user: User,
    begun: Fifo,
    waiting: Fifo,
    _service: Service,
    _directory: TempDir,
}

impl Stage {
    fn new(options: &[(&str, &str)]) -> Stage {
        let directory = TempDir::new();
        let (begun, waiting) = (
            Fifo::new(&directory, "begun"),
            Fifo::new(&directory, "waiting"),
        );
        let module = module(&directory, "-DORDINARY");
        let [module, first, second] =
            [&*module, begun.path(), waiting.path()].map(|path| path.display());
        let service = Service::new(
            "odd",
            &format!("auth required {module} {first} {second}\naccount required pam_permit.so\n"),
        );
        let user = User::new("odd");
        for name in ["slow", "sleeps"] {
            let text = format!("guest_enable=YES\nguest_username={}\n", user.account.name);
            directory.file(Path::new("options").join(name), text);
        }
        let own = directory.path().join("options").display().to_string();
        let server = launch(&service)
            .option("user_config_dir", &own)
            .options(options)
            .start();
        Stage {
            server,
            user,
            begun,
            waiting,
            _service: service,
            _directory: directory,
        }
    }

    /// A session that has sent its password, and what checks it: a process
    /// that has come to our module.
    fn hand_in(&self, name: &str) -> (Control, i32) {
        let mut control = self.server.connect();
        control.command(format!("USER {name}"), 331);
        control.line("PASS any");
        (control, self.begun.number())
    }

    fn others_log_in(&self) {
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..4 {
                        self.user.log_in(&self.server).goes_on();
                    }
                });
            }
        });
    }

    fn is_refused(&self, name: &str) {
        let mut control = self.server.connect();
        control.command(format!("USER {name}"), 331);
        let told = control.command("PASS any", 530).text();
        assert_eq!(told, "530 Login incorrect.", "{name}");
    }
}

#[test]
fn users_log_in_while_a_module_sleeps_for_another() {
    if !is_root() {
        return left_out("accounts are made by root");
    }
    let stage = Stage::new(&[]);
    // Five seconds, and however long the others take.
    let (mut sleeper, _) = stage.hand_in("sleeps");
    let slow: Vec<_> = (0..10).map(|_| stage.hand_in("slow").0).collect();
    stage.others_log_in();
    stage.waiting.release(1 + slow.len());
    for mut control in slow {
        control.expect(230);
    }
    sleeper.expect(230);
    // The order of events as the server saw them.
    stage.server.wait_for_log(" sleeps: logged in");
    let log = stage.server.log();
    let place = |words: &str| log.lines().position(|line| line.ends_with(words));
    let other = format!(" {}: logged in", stage.user.account.name);
    let others = log.lines().filter(|line| line.ends_with(&other)).count();
    assert_eq!(others, 32);
    let last = log.lines().count()
        - log
            .lines()
            .rev()
            .position(|line| line.ends_with(&other))
            .unwrap();
    assert!(place(" sleeps: logged in").unwrap() >= last);
    assert!(place(" slow: logged in").unwrap() >= last);
}

#[test]
fn a_module_that_crashes_costs_one_refusal_and_a_line_of_the_log() {
    if !is_root() {
        return left_out("accounts are made by root");
    }
    let mut stage = Stage::new(&[]);
    let ways = [
        ("crashes", "signal 11"),
        ("aborts", "signal 6"),
        ("dies", "signal 9"),
        ("quits", "exit code 0"),
    ];
    thread::scope(|scope| {
        let stage = &stage;
        for (name, _) in ways {
            scope.spawn(move || (0..5).for_each(|_| stage.is_refused(name)));
        }
        stage.others_log_in();
    });
    for (name, cause) in ways {
        let line = stage
            .server
            .wait_for_log(&format!("login of \"{name}\" refused: "));
        assert!(line.contains(cause), "{line}");
    }
    stage.others_log_in();
    assert!(stage.server.is_running());
    let log = stage.server.whole_log();
    let refusals = log
        .lines()
        .filter(|line| line.contains("refused: "))
        .count();
    assert_eq!(refusals, 5 * ways.len(), "{log}");
}

#[test]
fn a_server_that_is_told_to_end_waits_for_no_module() {
    if !is_root() {
        return left_out("accounts are made by root");
    }
    let mut stage = Stage::new(&[]);
    // It ignores what it is asked.
    let (_control, checking) = stage.hand_in("hangs");
    stage.server.signal(libc::SIGTERM);
    assert!(stage.server.wait_for_end().unwrap().success());
    let end = Instant::now() + PATIENCE;
    while Path::new(&format!("/proc/{checking}/exe")).exists() {
        assert!(Instant::now() < end, "{checking} goes on");
        thread::yield_now();
    }
}
