//! Failure to reply: the one place where an error becomes a code.
//!
//! A reply says what the client can do something about, never a server-side
//! path or an errno text; the cause goes to the log.

use crate::data::{Interruption, Malformed};
use crate::fs;
use crate::protocol::{Code, PathError, Reply, Verb};
use crate::tls::Shown;
use std::borrow::Cow;
use std::fmt;

/// Why a command was not carried out.
#[derive(Debug)]
pub(super) enum Failure {
    /// Refused by the session itself; the reply says all.
    Refused(Reply),
    /// The same, for the cause or the option named here for the log.
    Ruled(Reply, Cow<'static, str>),
    /// Not permitted, by the option or right named here for the log.
    Forbidden(&'static str),
    /// The pathname cannot be one.
    Path(PathError),
    /// The file system said no.
    Fs(fs::Error),
    /// The data connection did not come about; the option limits the time.
    NoData(Interruption, &'static str),
    /// The data connection would have had to be under TLS, by this option.
    InClear(&'static str),
    /// TLS on the data connection came to nothing.
    NoTls(String),
    /// The data connection did not resume the TLS session of the control
    /// connection: what it showed instead.
    NoReuse(Shown),
    /// The transfer did not finish.
    Transfer(Interruption),
    /// Work without a data connection did not finish.
    Work(Interruption),
}

impl From<fs::Error> for Failure {
    fn from(error: fs::Error) -> Failure {
        Failure::Fs(error)
    }
}

impl From<PathError> for Failure {
    fn from(error: PathError) -> Failure {
        Failure::Path(error)
    }
}

impl Failure {
    /// A refusal with this reply.
    pub(super) fn refused(code: Code, text: &'static str) -> Failure {
        Failure::Refused(Reply::new(code, text))
    }

    /// The same with the cause, or the option that decides, for the log.
    pub(super) fn because(self, cause: impl Into<Cow<'static, str>>) -> Failure {
        match self {
            Failure::Refused(reply) => Failure::Ruled(reply, cause.into()),
            other => other,
        }
    }

    /// Whether ABOR was what ended it.
    pub(super) fn is_abort(&self) -> bool {
        matches!(
            self,
            Failure::NoData(Interruption::Aborted, _)
                | Failure::Transfer(Interruption::Aborted)
                | Failure::Work(Interruption::Aborted)
        )
    }

    /// The reply for the client after a command, which vsftpd's words begin.
    pub(super) fn reply_to(self, verb: Verb, argument: &[u8]) -> Option<Reply> {
        // What an option denies is not even tried.
        let of_file = match &self {
            Failure::Fs(fs::Error::System(error)) => error.call() != "deny_file",
            Failure::Fs(_) | Failure::Path(PathError::TooLong) => true,
            _ => false,
        };
        let reply = self.reply()?;
        match vsftpd_says(verb, argument) {
            Some(words) if of_file && reply.code() == Code::FileUnavailable => {
                let text = [words.as_bytes(), b" ", reply.text()].concat();
                // RFC 959 section 5.4 has no 550 for them.
                let code = match verb {
                    Verb::Stor | Verb::Stou | Verb::Appe => Code::NameNotAllowed,
                    _ => Code::FileUnavailable,
                };
                Some(Reply::new(code, text))
            }
            _ => Some(reply),
        }
    }

    /// The reply for the client; `None` when there is no client any more, or
    /// it will get its last word from another.
    pub(super) fn reply(self) -> Option<Reply> {
        let (code, text) = match self {
            Failure::Refused(reply) | Failure::Ruled(reply, _) => return Some(reply),
            Failure::Forbidden(_) => (Code::FileUnavailable, "Permission denied."),
            Failure::Path(PathError::Nul) => (Code::ArgumentError, "A name cannot hold NUL."),
            Failure::Path(PathError::TooLong) => (Code::FileUnavailable, "Pathname too long."),
            Failure::Fs(error) => of_file(&error),
            Failure::NoData(Interruption::ControlLost | Interruption::Dismissed, _)
            | Failure::Transfer(Interruption::ControlLost | Interruption::Dismissed)
            | Failure::Work(Interruption::ControlLost | Interruption::Dismissed) => return None,
            Failure::InClear(_) => (
                Code::DATA_IN_CLEAR,
                "Data connections must be protected here: PROT P comes first.",
            ),
            Failure::NoTls(_) => (
                Code::DATA_NOT_PROTECTED,
                "TLS failed on the data connection.",
            ),
            Failure::NoReuse(_) => (
                Code::DATA_NOT_PROTECTED,
                "The data connection must resume the TLS session of the control connection.",
            ),
            Failure::NoData(Interruption::Aborted, _) => {
                (Code::TransferAborted, "Transfer aborted.")
            }
            Failure::NoData(..) => (Code::CannotOpenData, "Failed to establish connection."),
            Failure::Work(Interruption::Aborted) => (Code::TransferAborted, "Aborted."),
            Failure::Transfer(interruption) | Failure::Work(interruption) => {
                of_transfer(&interruption)
            }
        };
        Some(Reply::new(code, text))
    }
}

/// What vsftpd says where this command fails at a file: scripts look for these
/// words. What is the matter follows them.
pub(super) fn vsftpd_says(verb: Verb, argument: &[u8]) -> Option<&'static str> {
    let text = match verb {
        Verb::Retr => "Failed to open file.",
        Verb::Stor | Verb::Stou | Verb::Appe => "Could not create file.",
        Verb::Cwd | Verb::Cdup => "Failed to change directory.",
        Verb::Dele => "Delete operation failed.",
        Verb::Rmd => "Remove directory operation failed.",
        Verb::Mkd => "Create directory operation failed.",
        Verb::Rnfr => "RNFR command failed.",
        Verb::Rnto => "Rename failed.",
        Verb::Size => "Could not get file size.",
        Verb::Mdtm if begins_with_time(argument) => "Could not set file modification time.",
        Verb::Mdtm => "Could not get file modification time.",
        Verb::Site if begins_with(argument, b"CHMOD ") => "SITE CHMOD command failed.",
        _ => return None,
    };
    Some(text)
}

fn begins_with(argument: &[u8], word: &[u8]) -> bool {
    let begin = argument.get(..word.len()).unwrap_or_default();
    begin.eq_ignore_ascii_case(word)
}

/// MDTM with a time sets it.
fn begins_with_time(argument: &[u8]) -> bool {
    let time = argument.iter().position(|byte| *byte == b' ');
    let time = time.and_then(|end| argument.get(..end)).unwrap_or_default();
    time.len() == 14 && time.iter().all(u8::is_ascii_digit)
}

fn of_file(error: &fs::Error) -> (Code, &'static str) {
    match error {
        fs::Error::System(error) => of_errno(error.errno()),
        fs::Error::NotAFile => (Code::FileUnavailable, "Not a plain file."),
        fs::Error::IsADirectory => (Code::FileUnavailable, "Is a directory."),
        fs::Error::Locked => (Code::FileBusy, "File is busy."),
        fs::Error::IsTheRoot | fs::Error::NotWorldReadable => {
            (Code::FileUnavailable, "Permission denied.")
        }
    }
}

/// Codes by RFC 959 section 4.2.2: 45x for what may pass, 55x for what stays.
fn of_errno(errno: i32) -> (Code, &'static str) {
    match errno {
        libc::ENOENT => (Code::FileUnavailable, "No such file or directory."),
        libc::ENOTDIR => (Code::FileUnavailable, "Not a directory."),
        libc::EISDIR => (Code::FileUnavailable, "Is a directory."),
        libc::EEXIST => (Code::FileUnavailable, "File exists."),
        libc::ENOTEMPTY => (Code::FileUnavailable, "Directory not empty."),
        libc::EACCES | libc::EPERM => (Code::FileUnavailable, "Permission denied."),
        libc::EROFS => (Code::FileUnavailable, "Read-only file system."),
        libc::ELOOP => (Code::FileUnavailable, "Too many links in the pathname."),
        libc::EXDEV => (Code::FileUnavailable, "Cannot rename across file systems."),
        libc::ENAMETOOLONG => (Code::FileUnavailable, "File name too long."),
        libc::EBUSY | libc::ETXTBSY | libc::EAGAIN => (Code::FileBusy, "File is busy."),
        libc::ENOSPC => (Code::InsufficientStorage, "No space left."),
        libc::EDQUOT => (Code::StorageExceeded, "Quota exceeded."),
        libc::EFBIG => (Code::StorageExceeded, "File too large."),
        libc::EIO | libc::EMFILE | libc::ENFILE | libc::ENOMEM => {
            (Code::LocalError, "Local error in processing.")
        }
        _ => (Code::FileUnavailable, "Requested action not taken."),
    }
}

fn of_transfer(interruption: &Interruption) -> (Code, &'static str) {
    match interruption {
        Interruption::Aborted | Interruption::ControlLost | Interruption::Dismissed => {
            (Code::TransferAborted, "Transfer aborted.")
        }
        Interruption::TimedOut(_) => (Code::TransferAborted, "Data connection timed out."),
        Interruption::Network(_) | Interruption::Breach(_) => {
            (Code::TransferAborted, "Failure on the data connection.")
        }
        Interruption::CutOff => of_data(&Malformed::NoEndOfFile),
        Interruption::Storage(error) => match error.errno() {
            errno @ (libc::ENOSPC | libc::EDQUOT | libc::EFBIG) => of_errno(errno),
            _ => (Code::LocalError, "Failure of the local file."),
        },
        Interruption::Malformed(what) => of_data(what),
    }
}

/// What the client sent is wrong; it is told how, since nobody else can mend
/// it.
fn of_data(what: &Malformed) -> (Code, &'static str) {
    match what {
        Malformed::NoEndOfFile => (
            Code::TransferAborted,
            "Data connection closed before the end of the file was marked.",
        ),
        Malformed::Descriptor(_) => (Code::LocalError, "Unknown descriptor code in the data."),
        Malformed::ControlCode(_) => (Code::LocalError, "Unknown control code in the data."),
        Malformed::MarkerTooLong => (Code::LocalError, "Restart marker too long."),
        Malformed::Deflate => (Code::LocalError, "The data is no valid zlib stream."),
    }
}

/// The cause, for the log.
impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Refused(reply) | Failure::Ruled(reply, _) => {
                let text = crate::protocol::Escaped(reply.text());
                write!(f, "{} {text}", reply.code().as_u16())?;
                match self {
                    Failure::Ruled(_, cause) => write!(f, " ({cause})"),
                    _ => Ok(()),
                }
            }
            Failure::Forbidden(cause) => write!(f, "not permitted ({cause})"),
            Failure::Path(PathError::Nul) => f.write_str("NUL in a pathname"),
            Failure::Path(PathError::TooLong) => f.write_str("pathname too long"),
            Failure::Fs(error) => error.fmt(f),
            Failure::NoData(why @ Interruption::TimedOut(_), option) => {
                write!(f, "no data connection: {why} ({option})")
            }
            Failure::NoData(why, _) => write!(f, "no data connection: {why}"),
            Failure::InClear(option) => write!(f, "data connection in clear refused ({option})"),
            Failure::NoTls(why) => write!(f, "TLS on the data connection: {why}"),
            Failure::NoReuse(shown) => write!(
                f,
                "data connection refused (require_ssl_reuse): the client {shown}"
            ),
            Failure::Transfer(why @ Interruption::TimedOut(_)) => {
                write!(f, "transfer ended early: {why} (data_connection_timeout)")
            }
            Failure::Transfer(why) => write!(f, "transfer ended early: {why}"),
            Failure::Work(why) => write!(f, "given up: {why}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys;

    #[test]
    fn a_reply_never_shows_the_system_s_words() {
        let error = sys::Error::new("openat2", libc::ENOENT).on(b"/srv/secret/place");
        let failure = Failure::from(fs::Error::System(error));
        assert!(failure.to_string().contains("/srv/secret/place"));
        let reply = failure.reply().unwrap();
        assert_eq!(reply.code(), Code::FileUnavailable);
        assert_eq!(reply.text(), b"No such file or directory.");
    }

    #[test]
    fn the_words_of_vsftpd_come_before_the_cause() {
        let failure = |errno| Failure::from(fs::Error::System(sys::Error::new("x", errno)));
        let reply = |errno, verb, argument: &[u8]| {
            let reply = failure(errno).reply_to(verb, argument).unwrap();
            String::from_utf8_lossy(reply.text()).into_owned()
        };
        let missing = "No such file or directory.";
        assert_eq!(
            reply(libc::ENOENT, Verb::Retr, b"x"),
            format!("Failed to open file. {missing}")
        );
        assert_eq!(
            reply(libc::ENOENT, Verb::Site, b"chmod 600 x"),
            format!("SITE CHMOD command failed. {missing}")
        );
        assert_eq!(reply(libc::ENOENT, Verb::Site, b"UTIME x"), missing);
        assert_eq!(reply(libc::EBUSY, Verb::Retr, b"x"), "File is busy.");
    }

    #[test]
    fn an_upload_that_has_no_place_is_553_and_one_without_room_is_not() {
        let code = |failure: Failure| failure.reply_to(Verb::Stor, b"x").unwrap().code();
        let fs = |errno| Failure::from(fs::Error::System(sys::Error::new("openat2", errno)));
        for errno in [libc::ENOENT, libc::EACCES, libc::EEXIST, libc::EROFS] {
            assert_eq!(code(fs(errno)), Code::NameNotAllowed);
        }
        assert_eq!(code(fs::Error::IsADirectory.into()), Code::NameNotAllowed);
        assert_eq!(code(PathError::TooLong.into()), Code::NameNotAllowed);
        assert_eq!(code(fs(libc::EDQUOT)), Code::StorageExceeded);
        assert_eq!(code(fs::Error::Locked.into()), Code::FileBusy);
        assert_eq!(code(Failure::Forbidden("upload")), Code::FileUnavailable);
        let denied = sys::Error::new("deny_file", libc::EACCES);
        assert_eq!(
            code(fs::Error::System(denied).into()),
            Code::FileUnavailable
        );
    }

    #[test]
    fn a_full_disk_may_pass_and_a_limit_stays() {
        let code = |errno| {
            Failure::Transfer(Interruption::Storage(sys::Error::new("write", errno)))
                .reply()
                .unwrap()
                .code()
        };
        assert_eq!(code(libc::ENOSPC), Code::InsufficientStorage);
        assert_eq!(code(libc::EFBIG), Code::StorageExceeded);
        assert_eq!(code(libc::EIO), Code::LocalError);
    }
}
