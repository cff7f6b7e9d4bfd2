//! Child processes that cannot outlive their time: run one to its end with a
//! limit, keeping what it wrote.

use std::io::{Read, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

/// What a finished program left behind.
pub struct Finished {
    /// Exit status as the kernel gave it.
    pub status: ExitStatus,
    /// All of standard output, empty if it was consumed by the caller.
    pub stdout: Vec<u8>,
    /// All of standard error.
    pub stderr: Vec<u8>,
}

impl Finished {
    /// Both outputs as text, for a failed assertion.
    pub fn words(&self) -> String {
        format!(
            "{}\n--- stdout\n{}\n--- stderr\n{}",
            self.status,
            String::from_utf8_lossy(&self.stdout),
            String::from_utf8_lossy(&self.stderr)
        )
    }

    /// Fails the test, with all the program said, unless it ended with 0.
    #[track_caller]
    pub fn succeed(self) -> Finished {
        assert!(self.status.success(), "{}", self.words());
        self
    }
}

/// Runs `command` to its end, `input` as its standard input.
///
/// A program that has not ended after `limit` is killed and the test fails.
#[track_caller]
pub fn run(command: &mut Command, input: &[u8], limit: Duration) -> Finished {
    let (finished, stdout) = run_with(command, input, limit, |output| {
        let mut all = Vec::new();
        output.read_to_end(&mut all).unwrap();
        all
    });
    Finished { stdout, ..finished }
}

/// Like [`run`], but hands standard output to `consume` as it comes, in a
/// thread of its own: for outputs too large to keep.
#[track_caller]
pub fn run_with<T: Send + 'static>(
    command: &mut Command,
    input: &[u8],
    limit: Duration,
    consume: impl FnOnce(&mut dyn Read) -> T + Send + 'static,
) -> (Finished, T) {
    let end = Instant::now() + limit;
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    // A program that does not read its input closes the pipe: no fault.
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    thread::spawn(move || drop(stdin.write_all(&input)));
    let mut output = child.stdout.take().unwrap();
    let mut errors = child.stderr.take().unwrap();
    let (out_sender, out) = channel();
    thread::spawn(move || out_sender.send(consume(&mut output)));
    let (err_sender, err) = channel();
    thread::spawn(move || {
        let mut all = Vec::new();
        let _ = errors.read_to_end(&mut all);
        err_sender.send(all)
    });
    let stdout = before(end, &out, &mut child, command);
    let stderr = before(end, &err, &mut child, command);
    let status = child.wait().unwrap();
    (
        Finished {
            status,
            stdout: Vec::new(),
            stderr,
        },
        stdout,
    )
}

/// Waits for a reader thread; its pipe is closed when the program ends.
fn before<T>(end: Instant, from: &Receiver<T>, child: &mut Child, command: &Command) -> T {
    match from.recv_timeout(end.saturating_duration_since(Instant::now())) {
        Ok(value) => value,
        Err(_) => {
            let _ = child.kill();
            let _ = child.wait();
            panic!("not finished in time, or its output was not as it should be: {command:?}");
        }
    }
}

/// Lets `command` hear SIGHUP, which under nohup(1) it would ignore.
pub fn hear_hang_ups(command: &mut Command) {
    // SAFETY: signal(2) is async-signal-safe and touches no memory.
    unsafe {
        command.pre_exec(|| {
            libc::signal(libc::SIGHUP, libc::SIG_DFL);
            Ok(())
        });
    }
}
