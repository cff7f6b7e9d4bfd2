//! The process as a whole: limits, umask, allocator, what it inherits and
//! what others may see of it.

use super::Result;
use super::error::{Error, check};
use super::fork::Process;
use std::ffi::{OsStr, OsString};
use std::ops::RangeInclusive;
use std::os::fd::RawFd;

/// Raises RLIMIT_NOFILE to its hard limit and returns it. Each session takes
/// one descriptor, and the usual soft limit of 1,024 would be the first wall.
///
/// # Errors
/// getrlimit's and setrlimit's own.
pub fn raise_descriptor_limit() -> Result<u64> {
    let mut limit = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: `limit` is a live rlimit that the call fills.
    check("getrlimit", unsafe {
        libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit)
    })?;
    limit.rlim_cur = limit.rlim_max;
    // SAFETY: `limit` is initialised and only read.
    check("setrlimit", unsafe {
        libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit)
    })?;
    Ok(limit.rlim_cur)
}

/// The soft RLIMIT_NPROC: how many threads this user may have; `None` when
/// there is no limit.
#[must_use]
pub fn thread_limit() -> Option<u64> {
    let mut limit = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: `limit` is a live rlimit that the call fills.
    let result = unsafe { libc::getrlimit(libc::RLIMIT_NPROC, &raw mut limit) };
    (result == 0 && limit.rlim_cur != libc::RLIM_INFINITY).then_some(limit.rlim_cur)
}

/// Sets the process's umask to 0: the mode of each new file is computed per
/// session, and a process-wide mask would be one more hand in it.
pub fn clear_umask() {
    // SAFETY: umask cannot fail and takes an integer.
    unsafe { libc::umask(0) };
}

/// Keeps the allocator to one arena per processor or so. glibc gives up to
/// eight per processor, and memory freed in one is not used by the others:
/// with sessions that wander between workers that is waste without end.
pub fn bound_allocator_arenas() {
    #[cfg(target_env = "gnu")]
    // SAFETY: mallopt takes two integers; M_ARENA_MAX only bounds a count.
    unsafe {
        libc::mallopt(libc::M_ARENA_MAX, 2);
    }
}

/// Brings the allocator to ask what it asks but once: when glibc first gives
/// memory of a thread's arena back, it reads how the system overcommits from
/// /proc. Done here, before threads are confined, no worker has to be refused
/// that file. To be called in a thread other than the first, whose memory
/// comes from elsewhere.
pub fn settle_allocator() {
    // Below the size that gets a mapping of its own, and together above what
    // an arena keeps at its end.
    let blocks: Vec<Vec<u8>> = (0..4).map(|_| Vec::with_capacity(100 * 1024)).collect();
    drop(std::hint::black_box(blocks));
}

/// The effective user id.
#[must_use]
pub fn effective_user() -> u32 {
    // SAFETY: geteuid cannot fail and takes nothing.
    unsafe { libc::geteuid() }
}

/// How many threads this process has; `None` where /proc is not there to tell.
#[must_use]
pub fn threads() -> Option<usize> {
    std::fs::read_dir("/proc/self/task")
        .ok()
        .map(Iterator::count)
}

/// Closes every descriptor from 3 up but those in `kept`: what the starting
/// program forgot to close (a log, a terminal, another server's socket) would
/// be open to every session. Only as the first act of the process.
///
/// # Errors
/// close_range's own, and those of reading /proc/self/fd where the kernel,
/// before 5.9, does not have it.
pub fn close_inherited(kept: &[RawFd]) -> Result<()> {
    let mut kept: Vec<RawFd> = kept.iter().copied().filter(|&fd| fd > 2).collect();
    kept.sort_unstable();
    let mut first = 3;
    for fd in kept {
        if fd > first {
            close_range(first, fd - 1)?;
        }
        first = first.max(fd.saturating_add(1));
    }
    close_range(first, RawFd::MAX)
}

fn close_range(first: RawFd, last: RawFd) -> Result<()> {
    // SAFETY: nobody in this process has opened anything yet (the caller's
    // promise in `close_inherited`), so no owner loses its descriptor.
    let result = unsafe { libc::syscall(libc::SYS_close_range, first, last, 0) };
    if result == 0 {
        return Ok(());
    }
    match Error::last("close_range") {
        error if error.errno() == libc::ENOSYS => close_one_by_one(first..=last),
        error => Err(error),
    }
}

fn close_one_by_one(range: RangeInclusive<RawFd>) -> Result<()> {
    let open = std::fs::read_dir("/proc/self/fd").map_err(Error::of("open"))?;
    let numbers: Vec<RawFd> = open
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter(|fd| range.contains(fd))
        .collect();
    for fd in numbers {
        // SAFETY: as above; the directory's own descriptor has been closed, and
        // closing it again is an error without effect.
        unsafe { libc::close(fd) };
    }
    Ok(())
}

/// Removes every variable from the environment whose name `keep` does not
/// want. Libraries act on variables nobody here has read about (LD_*, MALLOC_*,
/// RES_OPTIONS, LOCALDOMAIN), and whoever starts a service by hand brings all
/// of the own ones along.
///
/// Only before the second thread is born, since the C library's environment
/// has no lock.
///
/// # Errors
/// EBUSY when there is more than one thread.
pub fn clear_environment(keep: impl Fn(&OsStr) -> bool) -> Result<()> {
    if threads().is_some_and(|threads| threads > 1) {
        return Err(Error::new("unsetenv", libc::EBUSY).on(b"not the only thread"));
    }
    let names: Vec<OsString> = std::env::vars_os().map(|(name, _)| name).collect();
    for name in names.iter().filter(|name| !keep(name)) {
        // SAFETY: this is the only thread, so nobody reads the environment now.
        unsafe { std::env::remove_var(name) };
    }
    Ok(())
}

/// Sets no_new_privs: from now on no execve(2) by this thread, or by one born
/// of it later, gives anybody rights it does not have (set-user-ID programs,
/// file capabilities). Landlock and seccomp want it. To be called once on the
/// main thread before others are born, and after the authenticator has been
/// forked off: PAM modules may use set-user-ID programs.
///
/// # Errors
/// prctl's own; there is none to expect.
pub fn forbid_new_privileges() -> Result<()> {
    prctl(libc::PR_SET_NO_NEW_PRIVS, 1)
}

/// Makes the process not dumpable: no core file with passwords in it, no
/// ptrace(2) and no /proc/PID/mem by another process of the same user, among
/// them other services of that user. The files of /proc/PID then belong to
/// root. A change of user does the same, but only once it happens, and a
/// server started by an ordinary user changes none.
///
/// # Errors
/// prctl's own; there is none to expect.
pub fn forbid_dumps() -> Result<()> {
    prctl(libc::PR_SET_DUMPABLE, 0)
}

/// Sets RLIMIT_CORE to 0, for good: where core files go through a program
/// (/proc/sys/kernel/core_pattern) this says the same to that program, and
/// it holds for the authenticator's children, which PAM modules may make
/// dumpable again.
///
/// There is no such limit for RLIMIT_NPROC: it counts the threads of a real
/// user, not of a process, and others may be served by the same one.
///
/// # Errors
/// setrlimit's own; there is none to expect.
pub fn forbid_core_files() -> Result<()> {
    let none = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: `none` is initialised and only read.
    check("setrlimit", unsafe {
        libc::setrlimit(libc::RLIMIT_CORE, &raw const none)
    })
    .map(drop)
}

/// Names the calling thread as ps(1) -L and top(1) -H show it: 15 bytes, the
/// rest and what follows a NUL is cut off (PR_SET_NAME).
pub fn name_thread(name: &str) {
    let mut text = [0_u8; 16];
    for (to, from) in text.iter_mut().take(15).zip(name.bytes()) {
        *to = from;
    }
    // SAFETY: `text` lives through the call and ends in a NUL. There is no
    // failure but that of a bad pointer.
    unsafe { libc::prctl(libc::PR_SET_NAME, text.as_ptr()) };
}

fn prctl(option: libc::c_int, value: libc::c_ulong) -> Result<()> {
    let none: libc::c_ulong = 0;
    // SAFETY: the options used in this file take integers only.
    check("prctl", unsafe {
        libc::prctl(option, value, none, none, none)
    })
    .map(drop)
}

/// fork(2) into the background: the child goes on in a session of its own
/// with this function's `Ok(None)`, without a controlling terminal; the parent
/// gets `Ok(Some(child))`. Only before the first thread is born.
///
/// # Errors
/// fork's and setsid's own.
pub fn fork_into_background() -> Result<Option<Process>> {
    // SAFETY: the process has one thread (the caller's promise above is kept
    // by the start-up order), so the child's copy of all locks is consistent.
    let child = check("fork", unsafe { libc::fork() })?;
    if child != 0 {
        return Ok(Some(Process::of(child)));
    }
    // SAFETY: setsid takes nothing.
    if unsafe { libc::setsid() } < 0 {
        return Err(Error::last("setsid"));
    }
    Ok(None)
}
