//! What can be wrong with the accounts file, and what is worth a warning.
//!
//! For the log and for stderr: these texts name files, lines and users, and
//! never go to a client.
#![forbid(unsafe_code)]

use std::fmt;
use std::io;
use std::path::PathBuf;

use super::file::{FILE_MAX, LINE_MAX, NAME_MAX, READ_ONLY};
use crate::sys::crypt::CryptError;

/// Why the accounts could not be loaded or changed.
#[derive(Debug)]
pub enum AccountsError {
    /// A system call on the file, its directory or its successor failed.
    Io {
        /// What was being done.
        action: Action,
        /// To which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The path leads to a directory, a device or a FIFO.
    NotAFile(PathBuf),
    /// The file is larger than [`FILE_MAX`].
    TooLarge(PathBuf),
    /// One line is no account.
    Line {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// What is wrong with it.
        problem: Problem,
    },
    /// An account not from a file that cannot be.
    Account(Problem),
    /// No hash could be made.
    Crypt(CryptError),
}

/// What was being done when a system call failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Looking the file up and opening it.
    Open,
    /// Making the file, or its successor beside it.
    Create,
    /// Waiting for other writers to be done.
    Lock,
    /// Reading it.
    Read,
    /// Writing the successor.
    Write,
    /// Giving the successor the owner of the old file.
    GiveOwner,
    /// Giving the successor the permission bits of the old file.
    GiveMode,
    /// Bringing the successor, or the directory, to the disk.
    Sync,
    /// Putting the successor in the file's place.
    Rename,
}

/// What is wrong with one account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    /// Longer than [`LINE_MAX`]; its length.
    LineTooLong(usize),
    /// A NUL byte in the line.
    Nul,
    /// Not seven fields; their number.
    FieldCount(usize),
    /// Nothing before the first colon.
    NoName,
    /// Longer than [`NAME_MAX`]; its length.
    NameTooLong(usize),
    /// A name with a colon or control character, or blanks around it.
    BadName(Vec<u8>),
    /// The home field is empty.
    NoHome,
    /// The home field does not begin with `/`.
    RelativeHome(Vec<u8>),
    /// A name that an earlier line has.
    Duplicate {
        /// The name.
        name: Vec<u8>,
        /// The earlier line, counted from 1.
        first: usize,
    },
    /// A field with a colon or LF in it, which would read back as another.
    Unwritable,
    /// An account without a password, where one must be given.
    NoPassword,
}

/// What is no error and should be known: one line of the log each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Warning {
    /// Every user of the system can read the hashes; the file's mode.
    WorldReadable {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// Others than its owner can write the file.
    Writable {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// crypt(3) does not know the method of this account's hash, so that
    /// nobody can log in to it.
    UnknownMethod {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// The account.
        name: Vec<u8>,
    },
    /// A word that is nearly `read-only` and has no effect.
    MisspeltFlag {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// The word.
        word: Vec<u8>,
    },
}

impl fmt::Display for Action {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Action::Open => "open",
            Action::Create => "create",
            Action::Lock => "lock",
            Action::Read => "read",
            Action::Write => "write",
            Action::GiveOwner => "chown",
            Action::GiveMode => "chmod",
            Action::Sync => "fsync",
            Action::Rename => "rename",
        })
    }
}

impl fmt::Display for AccountsError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AccountsError::Io {
                action,
                path,
                source,
            } => {
                write!(out, "{}: cannot {action}: {source}", path.display())
            }
            AccountsError::NotAFile(path) => write!(out, "{}: not a regular file", path.display()),
            AccountsError::TooLarge(path) => {
                write!(out, "{}: larger than {FILE_MAX} bytes", path.display())
            }
            AccountsError::Line {
                path,
                line,
                problem,
            } => {
                write!(out, "{}:{line}: {problem}", path.display())
            }
            AccountsError::Account(problem) => problem.fmt(out),
            AccountsError::Crypt(error) => error.fmt(out),
        }
    }
}

impl std::error::Error for AccountsError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            AccountsError::Io { source, .. } => Some(source),
            AccountsError::Crypt(error) => Some(error),
            _ => None,
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Problem::LineTooLong(length) => {
                write!(out, "line of {length} bytes, {LINE_MAX} at most")
            }
            Problem::Nul => out.write_str("NUL byte"),
            Problem::FieldCount(found) => write!(
                out,
                "{found} fields where 7 belong (name:hash:uid:gid:gecos:home:shell)"
            ),
            Problem::NoName => out.write_str("no user name"),
            Problem::NameTooLong(length) => {
                write!(out, "user name of {length} bytes, {NAME_MAX} at most")
            }
            Problem::BadName(name) => write!(
                out,
                "user name \"{}\" has a colon, a control character, or a blank or # at its edge",
                name.escape_ascii()
            ),
            Problem::NoHome => out.write_str("no home directory"),
            Problem::RelativeHome(home) => {
                write!(
                    out,
                    "home directory \"{}\" does not begin with /",
                    home.escape_ascii()
                )
            }
            Problem::Duplicate { name, first } => {
                write!(
                    out,
                    "user \"{}\" is on line {first} already",
                    name.escape_ascii()
                )
            }
            Problem::Unwritable => out.write_str("colon or line feed within a field"),
            Problem::NoPassword => out.write_str("empty password"),
        }
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Warning::WorldReadable { path, mode } => {
                write!(
                    out,
                    "{0}: every user can read it (mode {mode:04o}): chmod o-r {0}",
                    path.display()
                )
            }
            Warning::Writable { path, mode } => {
                write!(
                    out,
                    "{0}: others can write it (mode {mode:04o}): chmod go-w {0}",
                    path.display()
                )
            }
            Warning::UnknownMethod { path, line, name } => write!(
                out,
                "{}:{line}: user \"{}\" cannot log in: crypt(3) does not know the hash: give \
                 a new password (ironftpctl user passwd)",
                path.display(),
                name.escape_ascii()
            ),
            Warning::MisspeltFlag { path, line, word } => write!(
                out,
                "{}:{line}: \"{}\" has no effect; did you mean \"{READ_ONLY}\"?",
                path.display(),
                word.escape_ascii()
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_begin_with_file_and_line() {
        let (path, problem) = (PathBuf::from("/etc/users"), Problem::FieldCount(3));
        let shown = AccountsError::Line {
            path,
            line: 7,
            problem,
        }
        .to_string();
        assert!(shown.starts_with("/etc/users:7: 3 fields"), "{shown}");
    }

    #[test]
    fn odd_names_are_shown_escaped() {
        let shown = Problem::BadName(b"a\x1b[2Jb\n".to_vec()).to_string();
        assert!(
            shown.contains(r"a\x1b[2Jb\n") && !shown.contains('\x1b'),
            "{shown}"
        );
    }
}
