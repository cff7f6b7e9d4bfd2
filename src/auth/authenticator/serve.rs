//! The authenticator process itself: a loop that gives each attempt a process
//! of its own and sees to its end.
//!
//! It never sees a password: what it is handed is the other end of a worker's
//! channel, with the request waiting in it. It keeps a copy of that end until
//! the checking process has ended, so that the worker hears the reason from
//! here when there is nobody else left to say it. It writes no log: all that
//! is worth a line goes to a worker as a verdict.
#![forbid(unsafe_code)]

use std::ffi::{CStr, CString};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

use super::check::Checker;
use super::message::Reply;
use super::verdict::{Cause, Denied};
use super::{Backend, Settings};
use crate::sys::channel::{self, Received};
use crate::sys::fork::{self, ChildSignal, Ended, Process};
use crate::sys::pam::{Library, Transaction};
use crate::sys::poll::{Interest, READABLE, poll_many};
use crate::sys::{self, birth};

/// The process's own name, as ps(1) shows it.
const NAME: &CStr = c"ironftpd-auth";

/// How long loading the modules may take, on trial.
const TRIAL: Duration = Duration::from_secs(3);

/// One checking process under way.
struct Check {
    process: Process,
    /// A copy of the checking process's end of the channel.
    end: OwnedFd,
    until: Instant,
    killed: bool,
}

struct Authenticator<'a> {
    settings: &'a Settings,
    library: Option<Library>,
    calls: BorrowedFd<'a>,
    /// Keeps the service's modules loaded, see [`warm`].
    _warm: Option<Transaction>,
    /// Where sessions that are being held are reported, both ends.
    reports: (OwnedFd, OwnedFd),
    ended: ChildSignal,
    checks: Vec<Check>,
}

/// The life of the authenticator process, until `calls` is closed at the
/// other end; gives its exit code.
pub fn run(settings: &Settings, calls: BorrowedFd<'_>, parent: Process) -> i32 {
    match prepare(settings, calls, parent) {
        Ok(mut authenticator) => authenticator.serve(),
        Err(error) => {
            // The main process is waiting for word.
            let _ = channel::send(calls, &Backend::failed(&error).encode());
            1
        }
    }
}

/// From a copy of the main process to one that stands alone, step by step.
fn prepare<'a>(
    settings: &'a Settings,
    calls: BorrowedFd<'a>,
    parent: Process,
) -> sys::Result<Authenticator<'a>> {
    birth::stand_alone(NAME, parent, [calls])?;
    birth::adopt_orphans();
    let ended = ChildSignal::block()?;
    let reports = channel::pair()?;
    let (library, backend) = match Library::load(&settings.library) {
        Ok(library) => (Some(library), Backend::Pam),
        Err(words) => (None, Backend::Shadow(words.into())),
    };
    let warm = library.and_then(|library| warm(settings, &library));
    channel::send(calls, &backend.encode())?;
    Ok(Authenticator {
        settings,
        library,
        _warm: warm,
        calls,
        reports,
        ended,
        checks: Vec::new(),
    })
}

/// Loads the service's modules, so that each checking process is born with
/// them: loading takes longer than all else they do, hashing apart. Their
/// files in /etc/pam.d are read anew for each attempt all the same; modules
/// that were replaced on disk are the old ones until the server starts again.
///
/// No module is asked anything here. But loading one may run code of its own,
/// so a process that may be spared tries it first; one with threads (the
/// runtime of Go has some) could not be forked any more.
fn warm(settings: &Settings, library: &Library) -> Option<Transaction> {
    let service = CString::new(settings.service.as_slice()).ok()?;
    let start = || library.start(&service, c"", Vec::new()).ok();
    let trial = fork::spawn(|| {
        let fine = start().is_some() && !fork::has_threads();
        i32::from(!fine)
    });
    let trial = trial.ok()?;
    let watch = trial.watch().ok()?;
    let mut end = [Interest::new(watch.as_fd(), READABLE)];
    if !poll_many(&mut end, Some(TRIAL)).unwrap_or(false) {
        trial.kill_group();
    }
    match trial.ended() {
        Some(Ended::Exited(0)) => start(),
        _ => None,
    }
}

impl Authenticator<'_> {
    fn serve(&mut self) -> i32 {
        let code = loop {
            match self.turn() {
                Ok(true) => {}
                Ok(false) => break 0,
                Err(_) => break 1,
            }
        };
        // Nobody is left to hear their answers.
        for check in &self.checks {
            check.process.kill_group();
        }
        code
    }

    /// Waits for something to happen and sees to it; `false` at the end.
    fn turn(&mut self) -> sys::Result<bool> {
        let (gone, alone) = self.wait()?;
        if alone {
            return Ok(false);
        }
        self.note_sessions();
        self.kill_overdue(&gone);
        self.ended.hush();
        while let Some((process, ended)) = fork::reap() {
            self.conclude(process, ended);
        }
        while self.has_room() {
            match channel::receive_descriptor(self.calls) {
                Ok(Received::Descriptor(end)) => self.begin(end),
                Ok(Received::Nothing) => {}
                Ok(Received::End) => return Ok(false),
                Err(error) if error.would_block() => break,
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }

    fn has_room(&self) -> bool {
        self.checks.len() < self.settings.attempts_at_once.get()
    }

    /// Waits; gives those whose worker has hung up, and whether the main
    /// process has though there may be calls of it left.
    fn wait(&self) -> sys::Result<(Vec<Process>, bool)> {
        let room = self.has_room();
        let mut interests = vec![
            // With no room left only the end of the main process matters.
            Interest::new(self.calls, if room { READABLE } else { 0 }),
            Interest::new(self.ended.as_fd(), READABLE),
            Interest::new(self.reports.0.as_fd(), READABLE),
        ];
        let fixed = interests.len();
        interests.extend(self.checks.iter().map(|check| match check.killed {
            // A hang-up shows though nothing is asked for.
            false => Interest::new(check.end.as_fd(), 0),
            true => Interest::none(),
        }));
        let alive = self.checks.iter().filter(|check| !check.killed);
        let first = alive.map(|check| check.until).min();
        let timeout = first.map(|until| until.saturating_duration_since(Instant::now()));
        poll_many(&mut interests, timeout)?;
        let alone = !room && interests.first().is_some_and(Interest::ready);
        let seen = interests.iter().skip(fixed).zip(&self.checks);
        let gone = seen.filter(|(interest, _)| interest.ready());
        Ok((gone.map(|(_, check)| check.process).collect(), alone))
    }

    /// Lets go of those that now hold a session: they end when it does.
    fn note_sessions(&mut self) {
        let mut number = [0; 4];
        while let Ok(1..) = channel::try_receive(self.reports.0.as_fd(), &mut number) {
            let holder = Process::from_bytes(number);
            self.checks.retain(|check| check.process != holder);
        }
    }

    /// Ends those that took too long, or whose worker no longer waits.
    fn kill_overdue(&mut self, gone: &[Process]) {
        let now = Instant::now();
        for check in &mut self.checks {
            let overdue = check.until <= now || gone.contains(&check.process);
            if overdue && !check.killed {
                check.process.kill_group();
                check.killed = true;
            }
        }
    }

    fn begin(&mut self, end: OwnedFd) {
        let checker = Checker {
            settings: self.settings,
            library: self.library,
            channel: end.as_fd(),
            reports: self.reports.1.as_fd(),
        };
        match fork::spawn(|| checker.run()) {
            Ok(process) => {
                process.lead_group();
                self.checks.push(Check {
                    process,
                    end,
                    until: Instant::now() + self.settings.time_limit,
                    killed: false,
                });
            }
            Err(error) => say(&end, Denied::new(Cause::Unavailable, error.to_string())),
        }
    }

    /// A process has ended. After a verdict, what is said here is not heard.
    fn conclude(&mut self, process: Process, ended: Ended) {
        let Some(at) = self
            .checks
            .iter()
            .position(|check| check.process == process)
        else {
            return;
        };
        let check = self.checks.swap_remove(at);
        let cause = if check.killed {
            Cause::TimedOut
        } else {
            Cause::Crashed
        };
        say(
            &check.end,
            match ended {
                Ended::Exited(code) => Denied::new(cause, format!("exit code {code}")),
                Ended::Killed(signal) => Denied::new(cause, format!("signal {signal}")),
            },
        );
    }
}

fn say(end: &OwnedFd, denied: Denied) {
    // A worker that does not listen any more has its answer.
    let _ = channel::send(end.as_fd(), &Reply::Denied(denied).encode());
}
