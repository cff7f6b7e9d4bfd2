//! Readers of the server's own output who stop, or are slow: a terminal after
//! Ctrl-S, a pager, a pipe. They lose lines; no session waits for them.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, pipe};
use std::net::SocketAddr;
use std::os::fd::{FromRawFd, OwnedFd};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::support::PATIENCE;
use crate::support::control::Control;
use crate::support::server::IRONFTPD;
use crate::support::temp::TempDir;

/// A server that draws, with streams of the test's making.
struct Drawing {
    child: Child,
    _root: TempDir,
}

impl Drawing {
    fn start(output: Stdio, errors: Stdio) -> Drawing {
        let root = TempDir::new();
        let mut command = Command::new(IRONFTPD);
        command
            .args(["--trace", "--port", "0", "--serve"])
            .arg(root.path())
            .env_remove("RUST_LOG")
            .stdin(Stdio::null())
            .stdout(output)
            .stderr(errors);
        Drawing {
            child: command.spawn().unwrap(),
            _root: root,
        }
    }

    /// Ends it with SIGTERM, and gives the time that took.
    fn end(mut self) -> Duration {
        let begin = Instant::now();
        // SAFETY: kill touches no memory; the child has not been waited for.
        let sent = unsafe { libc::kill(self.child.id().try_into().unwrap(), libc::SIGTERM) };
        assert_eq!(sent, 0);
        while self.child.try_wait().unwrap().is_none() {
            assert!(begin.elapsed() < PATIENCE, "it goes on");
            std::thread::yield_now();
        }
        begin.elapsed()
    }
}

impl Drop for Drawing {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Reads the log until it says where the server listens.
fn address(log: &mut impl BufRead) -> SocketAddr {
    loop {
        let mut line = String::new();
        assert_ne!(log.read_line(&mut line).unwrap(), 0, "it ended");
        if let Some((_, address)) = line.trim_end().split_once("listening on ") {
            return address.parse().unwrap();
        }
    }
}

/// A session: greeted, logged in, and asking much that is drawn at length.
fn ask(address: SocketAddr, questions: usize) -> Control {
    let mut control = Control::connect(address);
    control.command("USER anonymous", 230);
    let question = format!("SIZE {}", "x".repeat(250));
    for _ in 0..questions {
        control.command(&question, 550);
    }
    control
}

/// More than terminals, pipes and the queue before them hold.
const MANY: usize = 6000;

#[test]
fn a_terminal_that_takes_nothing_stops_no_session() {
    let (mut ours, mut theirs) = (-1, -1);
    let none = std::ptr::null_mut();
    // SAFETY: both places are valid for a descriptor; the other arguments may
    // be null.
    let made = unsafe {
        libc::openpty(
            &raw mut ours,
            &raw mut theirs,
            none,
            none.cast(),
            none.cast(),
        )
    };
    assert_eq!(made, 0);
    // SAFETY: openpty has just made both, and nobody else has them.
    let (ours, theirs) = unsafe { (OwnedFd::from_raw_fd(ours), OwnedFd::from_raw_fd(theirs)) };
    let (log, errors) = pipe().unwrap();
    let server = Drawing::start(theirs.into(), errors.into());
    let mut log = BufReader::new(log);
    let address = address(&mut log);
    let mut control = ask(address, MANY);
    let mut other = Control::connect(address);
    for control in [&mut control, &mut other] {
        control.command("QUIT", 221);
        control.expect_closed();
    }
    // Who reads on is told what is missing.
    let mut terminal = BufReader::new(File::from(ours)).lines();
    let lost = terminal.find_map(|line| {
        let line = line.unwrap();
        let (count, _) = line.strip_prefix("# ")?.split_once(" drawings lost, ")?;
        Some(count.parse::<usize>().unwrap())
    });
    assert!(lost.unwrap() > 100, "{lost:?}");
    drop(terminal);
    server.end();
}

#[test]
fn a_slow_reader_slows_no_session() {
    let (mut drawings, output) = pipe().unwrap();
    let (log, errors) = pipe().unwrap();
    let server = Drawing::start(output.into(), errors.into());
    let mut log = BufReader::new(log);
    let address = address(&mut log);
    ask(address, MANY);
    let begin = Instant::now();
    for _ in 0..40 {
        drawings.read_exact(&mut [0; 4096]).unwrap();
        ask(address, 10);
    }
    let took = begin.elapsed();
    assert!(took < Duration::from_secs(20), "{took:?}");
    drop(drawings);
    server.end();
}

#[test]
fn a_log_that_nobody_reads_stops_no_session_and_not_the_end() {
    // As with `2>&1 | less`.
    let (both, output) = pipe().unwrap();
    let errors = output.try_clone().unwrap();
    let server = Drawing::start(output.into(), errors.into());
    let mut both = BufReader::new(both);
    let address = address(&mut both);
    ask(address, MANY);
    ask(address, 1);
    let took = server.end();
    assert!(took < Duration::from_secs(20), "{took:?}");
}

#[test]
fn what_was_said_before_the_end_is_read_after_it() {
    let (both, output) = pipe().unwrap();
    let errors = output.try_clone().unwrap();
    let server = Drawing::start(output.into(), errors.into());
    let mut both = BufReader::new(both);
    let address = address(&mut both);
    let _control = ask(address, 10);
    server.end();
    let all: Vec<String> = both.lines().map(Result::unwrap).collect();
    let questions = all.iter().filter(|line| line.contains("--- SIZE ")).count();
    assert_eq!(questions, 10, "{all:#?}");
    assert!(
        all.iter()
            .any(|line| line.contains("stopping on Terminate"))
    );
}
