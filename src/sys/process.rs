//! The process as a whole: limits, umask, allocator.

use super::Result;
use super::error::{Error, check};

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

/// The effective user id.
#[must_use]
pub fn effective_user() -> u32 {
    // SAFETY: geteuid cannot fail and takes nothing.
    unsafe { libc::geteuid() }
}

/// fork(2) into the background: the child goes on in a session of its own
/// with this function's `Ok(None)`; the parent gets `Ok(Some(child))`.
/// Only before the first thread is born.
///
/// # Errors
/// fork's and setsid's own.
pub fn fork_into_background() -> Result<Option<i32>> {
    // SAFETY: the process has one thread (the caller's promise above is kept
    // by the start-up order), so the child's copy of all locks is consistent.
    let child = check("fork", unsafe { libc::fork() })?;
    if child != 0 {
        return Ok(Some(child));
    }
    // SAFETY: setsid takes nothing.
    if unsafe { libc::setsid() } < 0 {
        return Err(Error::last("setsid"));
    }
    Ok(None)
}
