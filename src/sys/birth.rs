//! What a forked process does first, to be on its own: a session and a name,
//! no descriptors, environment or signal dispositions of its parent's.
//!
//! Every function is for a process with one thread.

use super::Result;
use super::error::{Error, check};
use super::fork::{self, Process};
use std::ffi::CStr;
use std::os::fd::{AsRawFd, BorrowedFd};

/// The soft limit of descriptors that programs expect: some close all that
/// there could be, one by one.
const DESCRIPTORS: libc::rlim_t = 1024;

/// From a copy of `parent` to a process that stands alone, step by step, and
/// ends only when it wants to: with this name, and with these descriptors,
/// see [`keep_only`]. Ends at once where the parent has ended already.
///
/// # Errors
/// Those of the steps.
pub fn stand_alone<const N: usize>(
    name: &CStr,
    parent: Process,
    kept: [BorrowedFd<'_>; N],
) -> Result<()> {
    take_name(name);
    die_with_parent(true);
    if fork::parent() != parent {
        // It has ended already, and nothing will tell.
        fork::end(0);
    }
    leave_session()?;
    keep_only(kept)?;
    hide_memory();
    plain_surroundings();
    default_signals();
    ignore_requests_to_end();
    Ok(())
}

/// Cuts the process loose from its parent's terminal and working directory.
///
/// # Errors
/// setsid's and chdir's own.
pub fn leave_session() -> Result<()> {
    // SAFETY: setsid takes nothing, chdir a constant C string.
    unsafe {
        if libc::setsid() < 0 {
            return Err(Error::last("setsid"));
        }
        check("chdir", libc::chdir(c"/".as_ptr()))?;
    }
    Ok(())
}

/// Shows `name` (15 bytes of it) in ps(1) and top(1) in place of the program's.
pub fn take_name(name: &CStr) {
    // SAFETY: PR_SET_NAME reads a C string.
    unsafe { libc::prctl(libc::PR_SET_NAME, name.as_ptr()) };
}

/// SIGKILL when the parent ends (PR_SET_PDEATHSIG), or no longer so.
///
/// The kernel asks whether the parent might send it: a parent that has given
/// up root does not reach a child that is root. So this is a second rope only.
pub fn die_with_parent(die: bool) {
    let signal = if die { libc::SIGKILL } else { 0 };
    // SAFETY: only integers are passed.
    unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, signal) };
}

/// No core dump, and no ptrace(2) by other processes of the same user.
pub fn hide_memory() {
    let none = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: integers, and one live rlimit that is only read.
    unsafe {
        libc::prctl(libc::PR_SET_DUMPABLE, 0);
        libc::setrlimit(libc::RLIMIT_CORE, &raw const none);
    }
}

/// Orphaned descendants become this process's children, to be waited for by
/// it (PR_SET_CHILD_SUBREAPER).
pub fn adopt_orphans() {
    // SAFETY: only integers are passed.
    unsafe { libc::prctl(libc::PR_SET_CHILD_SUBREAPER, 1) };
}

/// Closes every descriptor but `kept`, and leaves /dev/null at 0, 1 and 2: in
/// their place may have been a client's connection.
///
/// What else in this process believes to own a descriptor must never be used
/// or dropped again.
///
/// # Errors
/// Those of opening /dev/null.
pub fn keep_only<const N: usize>(kept: [BorrowedFd<'_>; N]) -> Result<()> {
    let mut numbers = kept.map(|fd| fd.as_raw_fd().cast_unsigned());
    numbers.sort_unstable();
    let mut first = 3;
    for number in numbers {
        if number > first {
            close_range(first, number - 1);
        }
        first = first.max(number + 1);
    }
    close_range(first, u32::MAX);
    // SAFETY: constants, and integers of descriptors that are this function's.
    unsafe {
        let null = check("open", libc::open(c"/dev/null".as_ptr(), libc::O_RDWR))?;
        for standard in 0..3 {
            check("dup2", libc::dup2(null, standard))?;
        }
        if null > 2 {
            libc::close(null);
        }
    }
    Ok(())
}

/// close_range(2), or close(2) one by one before Linux 5.9.
fn close_range(first: u32, last: u32) {
    // SAFETY: only integers are passed; whose descriptors these are is the
    // caller's business.
    unsafe {
        if libc::syscall(libc::SYS_close_range, first, last, 0) != 0 {
            let end = libc::sysconf(libc::_SC_OPEN_MAX).clamp(0, 65536);
            let end = u32::try_from(end).unwrap_or(0).min(last.saturating_add(1));
            for number in first..end {
                libc::close(number.cast_signed());
            }
        }
    }
}

/// An environment of nothing but a PATH, a umask that keeps files private,
/// and the usual soft limit of descriptors.
pub fn plain_surroundings() {
    let mut limit = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: one thread, so nobody reads the environment meanwhile;
    // constant strings; one live rlimit.
    unsafe {
        libc::clearenv();
        libc::setenv(
            c"PATH".as_ptr(),
            c"/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin".as_ptr(),
            1,
        );
        libc::umask(0o077);
        if libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) == 0 {
            limit.rlim_cur = limit.rlim_max.min(DESCRIPTORS);
            libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit);
        }
    }
}

/// Signals with which a terminal or a supervisor asks a process to end.
const REQUESTS: [i32; 4] = [libc::SIGHUP, libc::SIGINT, libc::SIGQUIT, libc::SIGTERM];

/// From now on nothing but SIGKILL, or its own decision, ends the process.
pub fn ignore_requests_to_end() {
    for number in REQUESTS.into_iter().chain([libc::SIGPIPE]) {
        // SAFETY: SIG_IGN is a disposition that runs no code.
        unsafe { libc::signal(number, libc::SIG_IGN) };
    }
}

/// Every signal as a program finds it that was just started: none blocked,
/// none ignored.
pub fn default_signals() {
    // SAFETY: SIG_DFL runs no code of ours; sigset_t is plain memory, for
    // which all zeros is a value, and the calls fill and read that value.
    unsafe {
        for number in 1..libc::SIGRTMIN() {
            libc::signal(number, libc::SIG_DFL);
        }
        let mut none: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&raw mut none);
        libc::sigprocmask(libc::SIG_SETMASK, &raw const none, std::ptr::null_mut());
    }
}
