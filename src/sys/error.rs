//! A failed system call, shown as the call itself.
//!
//! The message is for the log only: it may hold a server-side path, and the
//! text of an errno tells a client things it has no business with.

use std::fmt;

/// A system call that failed: which one, on what, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    call: &'static str,
    subject: Option<Box<str>>,
    errno: i32,
}

impl Error {
    /// An error of `call` with an explicit `errno`.
    #[must_use]
    pub fn new(call: &'static str, errno: i32) -> Error {
        Error {
            call,
            subject: None,
            errno,
        }
    }

    /// The error the calling thread's last failed call left in `errno`.
    #[must_use]
    pub fn last(call: &'static str) -> Error {
        Error::from_io(call, &std::io::Error::last_os_error())
    }

    /// The same for a call that std or socket2 made; an error without an
    /// errno (std's own, such as "unexpected end of file") counts as EIO.
    #[must_use]
    pub fn from_io(call: &'static str, error: &std::io::Error) -> Error {
        Error::new(call, error.raw_os_error().unwrap_or(libc::EIO))
    }

    /// [`Error::from_io`] of `call`, for `map_err`.
    pub fn of(call: &'static str) -> impl Fn(std::io::Error) -> Error {
        move |error| Error::from_io(call, &error)
    }

    /// Names what the call was made on (a path, an address).
    #[must_use]
    pub fn on(mut self, subject: &[u8]) -> Error {
        self.subject = Some(String::from_utf8_lossy(subject).escape_debug().collect());
        self
    }

    /// The call that failed, or the option that stands for one.
    #[must_use]
    pub fn call(&self) -> &'static str {
        self.call
    }

    /// The errno, one of `libc::E*`.
    #[must_use]
    pub fn errno(&self) -> i32 {
        self.errno
    }

    /// Whether a non-blocking call found nothing to do.
    #[must_use]
    pub fn would_block(&self) -> bool {
        self.errno == libc::EAGAIN || self.errno == libc::EWOULDBLOCK
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let reason = std::io::Error::from_raw_os_error(self.errno);
        match &self.subject {
            Some(subject) => write!(f, "{}(\"{subject}\"): {reason}", self.call),
            None => write!(f, "{}(): {reason}", self.call),
        }
    }
}

impl std::error::Error for Error {}

/// Turns the -1 convention of system calls into a `Result`.
///
/// # Errors
/// The calling thread's errno, when `value` is negative.
pub(super) fn check(call: &'static str, value: libc::c_int) -> super::Result<libc::c_int> {
    if value < 0 {
        Err(Error::last(call))
    } else {
        Ok(value)
    }
}

/// The same for calls that return a length.
///
/// # Errors
/// The calling thread's errno, when `value` is negative.
pub(super) fn check_length(call: &'static str, value: libc::ssize_t) -> super::Result<usize> {
    usize::try_from(value).map_err(|_| Error::last(call))
}

/// Runs `call` again as long as a signal interrupted it.
///
/// # Errors
/// Whatever `call` fails with, EINTR apart.
pub(super) fn retry<T>(mut call: impl FnMut() -> super::Result<T>) -> super::Result<T> {
    loop {
        match call() {
            Err(error) if error.errno == libc::EINTR => {}
            result => return result,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_prints_as_the_call_on_its_subject() {
        let error = Error::new("openat2", libc::ENOENT).on(b"pub/a\nb");
        assert_eq!(
            error.to_string(),
            "openat2(\"pub/a\\nb\"): No such file or directory (os error 2)"
        );
    }
}
