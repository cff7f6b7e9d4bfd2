//! Signals as input of the main thread: blocked everywhere, read from a
//! signalfd(2). A handler would run on whichever worker the kernel picks.

use super::Result;
use super::error::{Error, check};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

/// The signals that ask the daemon to do something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// SIGTERM.
    Terminate,
    /// SIGINT.
    Interrupt,
    /// SIGHUP.
    HangUp,
    /// SIGCHLD.
    Child,
}

const LISTENED: [(i32, Signal); 4] = [
    (libc::SIGTERM, Signal::Terminate),
    (libc::SIGINT, Signal::Interrupt),
    (libc::SIGHUP, Signal::HangUp),
    (libc::SIGCHLD, Signal::Child),
];

/// The descriptor signals are read from.
#[derive(Debug)]
pub struct Signals(OwnedFd);

impl Signals {
    /// Blocks SIGTERM, SIGINT, SIGHUP and SIGCHLD in the calling thread, and
    /// so in every thread born of it later, and opens the descriptor that
    /// gives them. Call it before the first thread is born.
    ///
    /// Blocked signals reach process 1 of a container too, whom the kernel
    /// spares all those that would merely end it.
    ///
    /// # Errors
    /// pthread_sigmask's and signalfd's own.
    pub fn block() -> Result<Signals> {
        // SAFETY: sigset_t is plain memory, for which all zeros is a value.
        let mut set: libc::sigset_t = unsafe { std::mem::zeroed() };
        hear_of_children();
        // SAFETY: `set` is a live sigset_t; the signal numbers are constants.
        unsafe {
            libc::sigemptyset(&raw mut set);
            for (number, _) in LISTENED {
                libc::sigaddset(&raw mut set, number);
            }
        }
        // SAFETY: `set` is initialised; a null old set is allowed.
        let error =
            unsafe { libc::pthread_sigmask(libc::SIG_BLOCK, &raw const set, std::ptr::null_mut()) };
        if error != 0 {
            return Err(Error::new("pthread_sigmask", error));
        }
        // SAFETY: `set` is initialised and copied by the kernel.
        let fd = check("signalfd", unsafe {
            libc::signalfd(-1, &raw const set, libc::SFD_CLOEXEC | libc::SFD_NONBLOCK)
        })?;
        // SAFETY: the kernel just returned this descriptor; nobody else has it.
        Ok(Signals(unsafe { OwnedFd::from_raw_fd(fd) }))
    }

    /// The next signal that came, if any.
    #[must_use]
    pub fn next(&self) -> Option<Signal> {
        // SAFETY: signalfd_siginfo is a plain struct, for which all zeros is a value.
        let mut info: libc::signalfd_siginfo = unsafe { std::mem::zeroed() };
        let size = size_of::<libc::signalfd_siginfo>();
        // SAFETY: the kernel writes at most `size` bytes, the size of `info`.
        let read = unsafe { libc::read(self.0.as_raw_fd(), (&raw mut info).cast(), size) };
        if usize::try_from(read) != Ok(size) {
            return None;
        }
        LISTENED
            .iter()
            .find(|(number, _)| number.cast_unsigned() == info.ssi_signo)
            .map(|&(_, signal)| signal)
    }
}

impl AsFd for Signals {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// Lets children be waited for: SIGCHLD inherited as "ignored" would have the
/// kernel forget how they ended.
pub fn hear_of_children() {
    // SAFETY: SIG_DFL is a disposition that runs no code of ours.
    unsafe { libc::signal(libc::SIGCHLD, libc::SIG_DFL) };
}

/// Whether the process was started with SIGHUP ignored, as nohup(1) does: the
/// end of the terminal is then not to be heard.
#[must_use]
pub fn hang_up_is_ignored() -> bool {
    // SAFETY: sigaction is a plain struct, for which all zeros is a value; a
    // null new action changes nothing, and the call fills `now`.
    unsafe {
        let mut now: libc::sigaction = std::mem::zeroed();
        let found = libc::sigaction(libc::SIGHUP, std::ptr::null(), &raw mut now);
        found == 0 && now.sa_sigaction == libc::SIG_IGN
    }
}

/// Ignores SIGPIPE and SIGXFSZ, whose default is to end the process and with
/// it every session: a closed connection and a file-size limit then are
/// errors (EPIPE, EFBIG) of the one call that met them.
pub fn ignore_fatal_ones() {
    for number in [libc::SIGPIPE, libc::SIGXFSZ] {
        // SAFETY: SIG_IGN is a disposition that runs no code.
        unsafe { libc::signal(number, libc::SIG_IGN) };
    }
}
