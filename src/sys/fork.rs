//! Processes of our own making: fork(2), how they end, how they are ended.
//!
//! Leaves to others: what the child does, and what a new process has to
//! shake off (`birth`).

use super::Result;
use super::error::{Error, check, retry};
use std::fs;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::os::unix::fs::MetadataExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;

/// EX_SOFTWARE of sysexits: a panic ended the child.
pub const PANICKED: i32 = 70;

/// A process by its number. Holds nothing: a number that was waited for may
/// come to mean another process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Process(i32);

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// By itself, with this exit code.
    Exited(i32),
    /// By this signal.
    Killed(i32),
}

impl Process {
    /// A child that fork(2) has just given.
    pub(super) fn of(child: i32) -> Process {
        Process(child)
    }

    /// The number, as ps(1) shows it.
    #[must_use]
    pub fn id(self) -> i32 {
        self.0
    }

    /// The number as a message to a process of this program.
    #[must_use]
    pub fn to_bytes(self) -> [u8; 4] {
        self.0.to_ne_bytes()
    }

    /// The number out of [`Process::to_bytes`].
    #[must_use]
    pub fn from_bytes(bytes: [u8; 4]) -> Process {
        Process(i32::from_ne_bytes(bytes))
    }

    /// The calling process.
    #[must_use]
    pub fn current() -> Process {
        // SAFETY: getpid cannot fail and takes nothing.
        Process(unsafe { libc::getpid() })
    }

    /// Puts it at the head of a process group of its own, so that
    /// [`Process::kill_group`] takes what it started along. Parent and child
    /// both call this, since either may be the first to need it.
    pub fn lead_group(self) {
        // SAFETY: only integers are passed. Failure means that it is done
        // already or that the process is gone.
        unsafe { libc::setpgid(self.0, self.0) };
    }

    /// SIGKILL to it and its group. Only while it has not been waited for.
    pub fn kill_group(self) {
        // Numbers up to 1 would mean whole sets of processes.
        if self.0 > 1 {
            // SAFETY: only integers are passed.
            unsafe {
                libc::kill(-self.0, libc::SIGKILL);
                libc::kill(self.0, libc::SIGKILL);
            }
        }
    }

    /// waitpid(2) without waiting; `None` while it lives, and where there is
    /// nothing to wait for.
    #[must_use]
    pub fn ended(self) -> Option<Ended> {
        wait_for(self.0, libc::WNOHANG).map(|(_, ended)| ended)
    }

    /// waitpid(2), until the child ends; `None` where there is nothing to wait
    /// for.
    #[must_use]
    pub fn wait(self) -> Option<Ended> {
        wait_for(self.0, 0).map(|(_, ended)| ended)
    }

    /// A descriptor that becomes readable when it ends (pidfd_open(2)).
    ///
    /// # Errors
    /// pidfd_open's own; ENOSYS before Linux 5.3.
    pub fn watch(self) -> Result<OwnedFd> {
        // SAFETY: only integers are passed.
        let fd = unsafe { libc::syscall(libc::SYS_pidfd_open, self.0, 0) };
        let fd = i32::try_from(fd).unwrap_or(-1);
        check("pidfd_open", fd)?;
        // SAFETY: the kernel just returned this descriptor; nobody else has it.
        Ok(unsafe { OwnedFd::from_raw_fd(fd) })
    }
}

/// The parent of the calling process.
#[must_use]
pub fn parent() -> Process {
    // SAFETY: getppid cannot fail and takes nothing.
    Process(unsafe { libc::getppid() })
}

/// Any child that has ended since, waitpid(2) without waiting.
#[must_use]
pub fn reap() -> Option<(Process, Ended)> {
    wait_for(-1, libc::WNOHANG)
}

fn wait_for(which: i32, options: i32) -> Option<(Process, Ended)> {
    let mut status = 0;
    let found = retry(|| {
        // SAFETY: `status` is a live int for the call to fill.
        check("waitpid", unsafe {
            libc::waitpid(which, &raw mut status, options)
        })
    });
    let found = found.unwrap_or(-1);
    if found <= 0 {
        return None;
    }
    let ended = if libc::WIFSIGNALED(status) {
        Ended::Killed(libc::WTERMSIG(status))
    } else {
        Ended::Exited(libc::WEXITSTATUS(status))
    };
    Some((Process(found), ended))
}

/// Whether the process has more than one thread; `false` where procfs is not
/// there to tell.
#[must_use]
pub fn has_threads() -> bool {
    // A directory's two links, and one for each thread.
    fs::metadata("/proc/self/task").is_ok_and(|tasks| tasks.nlink() > 3)
}

/// fork(2): the child runs `run` and ends with its result as exit code,
/// without running destructors or exit handlers of the parent's.
///
/// # Errors
/// EBUSY in a process with threads, whose locks the child would copy in
/// whatever state they are; fork's own, EAGAIN above all.
pub fn spawn(run: impl FnOnce() -> i32) -> Result<Process> {
    if has_threads() {
        return Err(Error::new("fork", libc::EBUSY));
    }
    // SAFETY: the process has one thread, as just seen, so the child's copy
    // of all locks is consistent.
    let child = check("fork", unsafe { libc::fork() })?;
    if child != 0 {
        return Ok(Process(child));
    }
    let code = catch_unwind(AssertUnwindSafe(run)).unwrap_or(PANICKED);
    end(code)
}

/// _exit(2).
pub fn end(code: i32) -> ! {
    // SAFETY: takes an integer and does not return.
    unsafe { libc::_exit(code) }
}

/// SIGCHLD as input: readable when a child has ended.
#[derive(Debug)]
pub struct ChildSignal(OwnedFd);

impl ChildSignal {
    /// Blocks SIGCHLD in the calling thread and opens the descriptor.
    ///
    /// # Errors
    /// sigprocmask's and signalfd's own.
    pub fn block() -> Result<ChildSignal> {
        // SAFETY: sigset_t is plain memory, for which all zeros is a value,
        // and the calls fill and read that one live value.
        let fd = unsafe {
            // A disposition of "ignored" would keep children from being waited for.
            libc::signal(libc::SIGCHLD, libc::SIG_DFL);
            let mut set: libc::sigset_t = std::mem::zeroed();
            libc::sigemptyset(&raw mut set);
            libc::sigaddset(&raw mut set, libc::SIGCHLD);
            check(
                "sigprocmask",
                libc::sigprocmask(libc::SIG_BLOCK, &raw const set, ptr::null_mut()),
            )?;
            check(
                "signalfd",
                libc::signalfd(-1, &raw const set, libc::SFD_CLOEXEC | libc::SFD_NONBLOCK),
            )?
        };
        // SAFETY: the kernel just returned this descriptor; nobody else has it.
        Ok(ChildSignal(unsafe { OwnedFd::from_raw_fd(fd) }))
    }

    /// Takes the signal off, so that the descriptor is silent until the next.
    pub fn hush(&self) {
        // SAFETY: signalfd_siginfo is a plain struct, for which all zeros is a value.
        let mut info: libc::signalfd_siginfo = unsafe { std::mem::zeroed() };
        // SAFETY: the kernel writes at most the size passed, which is `info`'s.
        // One signal of a kind is pending at most, so one read takes all.
        unsafe {
            libc::read(
                self.0.as_raw_fd(),
                (&raw mut info).cast(),
                size_of_val(&info),
            )
        };
    }
}

impl AsFd for ChildSignal {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
