//! Proof at the start that the wall stands: a scratch thread takes on a
//! session's list and tries what it must not.

use super::refusals::refused_here;
use super::{Filter, FilterError, Kind, Mode};
use crate::sys::{Error, clock, process};
use std::fmt;
use std::ptr;

/// Why the filters cannot be relied on.
#[derive(Debug)]
pub enum TrialError {
    /// No thread for it.
    Birth(Error),
    /// There is no filter at all.
    Filter(FilterError),
    /// This call was made, or failed for another reason than the filter:
    /// name, what it returned, errno.
    NotRefused(&'static str, i64, i32),
    /// This call was refused and nobody was told.
    NotTold(&'static str),
    /// A call that every list allows was refused; an errno.
    TooStrict(i32),
}

impl fmt::Display for TrialError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TrialError::Birth(error) => error.fmt(f),
            TrialError::Filter(error) => error.fmt(f),
            TrialError::NotRefused(name, result, errno) => write!(
                f,
                "{name} was not refused by seccomp (result {result}, errno {errno})"
            ),
            TrialError::NotTold(name) => write!(f, "{name} was refused, but not reported"),
            TrialError::TooStrict(errno) => {
                write!(f, "{} was refused", Error::new("getpid", *errno))
            }
        }
    }
}

impl std::error::Error for TrialError {}

/// A call, with arguments that do no harm if it is made all the same.
type Forbidden = (&'static str, libc::c_long, [usize; 3]);

const NOBODY: usize = usize::MAX;

const FORBIDDEN: [Forbidden; 4] = [
    // Without a name there is nothing to execute: EFAULT.
    ("execve", libc::SYS_execve, [0, 0, 0]),
    // A request that does not exist, to a process that cannot: ESRCH.
    ("ptrace", libc::SYS_ptrace, [NOBODY, NOBODY, 0]),
    // Gives a descriptor, which is closed again.
    ("socket", libc::SYS_socket, [16, 3, 0]),
    // "No change" in all three places.
    ("setresuid", libc::SYS_setresuid, [NOBODY, NOBODY, NOBODY]),
];

/// Shows in a scratch thread that a session's filter refuses forbidden calls
/// and tells of them. Works in [`Mode::Refuse`] whatever the mode of the
/// server will be: the list is the same. Its refusals are not logged. The
/// thread also asks what the C library reads from files once, so that no
/// confined one has to: about memory, and the time zone.
///
/// # Errors
/// What did not happen as it should.
pub fn trial() -> Result<(), TrialError> {
    let filter = Filter::new(Kind::Trial, Mode::Refuse).map_err(TrialError::Filter)?;
    let birth = |error| TrialError::Birth(Error::from_io("clone", &error));
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new()
            .name("trial".to_owned())
            .stack_size(64 * 1024)
            .spawn_scoped(scope, || tried(&filter))
            .map_err(birth)?;
        thread
            .join()
            .unwrap_or(Err(TrialError::NotTold("a thread that panicked")))
    })
}

fn tried(filter: &Filter) -> Result<(), TrialError> {
    process::settle_allocator();
    // The C library reads the time zone from a file, at the first question.
    let _ = clock::local_offset(0);
    filter.confine().map_err(TrialError::Filter)?;
    for (name, call, arguments) in FORBIDDEN {
        let before = refused_here();
        let (result, errno) = raw(call, arguments);
        if result != -1 || errno != libc::EPERM {
            return Err(TrialError::NotRefused(name, result, errno));
        }
        let after = refused_here();
        // EPERM may also be the kernel's own answer, or another's filter's.
        if after.0 != before.0 + 1 || libc::c_long::from(after.1) != call {
            return Err(TrialError::NotTold(name));
        }
    }
    let (process, errno) = raw(libc::SYS_getpid, [0; 3]);
    if process < 1 {
        return Err(TrialError::TooStrict(errno));
    }
    Ok(())
}

/// Makes a call of [`FORBIDDEN`], or getpid.
fn raw(call: libc::c_long, [a, b, c]: [usize; 3]) -> (i64, i32) {
    let none = ptr::null::<libc::c_void>();
    // SAFETY: the calls and arguments are those above: none of them points
    // into memory of this process, and none changes anything if it is made.
    let result = unsafe { libc::syscall(call, a, b, c, none, none) };
    let errno = std::io::Error::last_os_error().raw_os_error().unwrap_or(0);
    if call == libc::SYS_socket
        && let Ok(descriptor) = i32::try_from(result)
        && descriptor >= 0
    {
        // SAFETY: the kernel just returned this descriptor; nobody else has it.
        unsafe { libc::close(descriptor) };
    }
    (result, errno)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wall_stands() {
        trial().unwrap();
        // Not in the calling thread.
        assert_eq!(refused_here().0, 0);
        assert_eq!(raw(libc::SYS_setresuid, [NOBODY; 3]).0, 0);
    }

    #[test]
    fn without_the_wall_every_try_is_noticed() {
        for (name, call, arguments) in FORBIDDEN {
            let (result, errno) = raw(call, arguments);
            assert!(
                result != -1 || errno != libc::EPERM,
                "{name}: {result}, {errno}"
            );
        }
    }
}
