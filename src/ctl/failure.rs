//! How ironftpctl fails: what it says on stderr, and the exit code.
//!
//! The codes are those of sysexits(3), so that a script can tell a name
//! misspelt from a disk full. ironftpctl(8) lists them.
#![forbid(unsafe_code)]

use std::fmt;
use std::io;
use std::path::PathBuf;

use crate::auth::{AccountsError, Action, Method};
use crate::sys::crypt::CryptError;

/// How the program ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Done as asked.
    Ok = 0,
    /// EX_USAGE: the command line is wrong.
    Usage = 64,
    /// EX_DATAERR: the accounts file, the password or the state of the
    /// account does not allow it.
    Data = 65,
    /// EX_NOINPUT: there is no such accounts file.
    NoInput = 66,
    /// EX_NOUSER: the file has no such account, the server no such session.
    NoUser = 67,
    /// EX_UNAVAILABLE: the system's crypt(3) lacks the method, or no server
    /// listens there.
    Unavailable = 69,
    /// EX_CANTCREAT: the file, or its successor, cannot be made.
    CannotCreate = 73,
    /// EX_IOERR: reading or writing failed.
    Io = 74,
    /// EX_TEMPFAIL: the server has not answered, or not obeyed.
    TempFail = 75,
    /// EX_PROTOCOL: what came was no answer.
    Protocol = 76,
    /// EX_NOPERM: the system, or the server, does not permit it.
    Permission = 77,
}

impl Exit {
    /// The number the process ends with.
    pub fn code(self) -> u8 {
        self as u8
    }
}

/// Why a command was not obeyed.
#[derive(Debug)]
pub enum Failure {
    /// The command line is wrong.
    Usage(UsageError),
    /// The accounts file could not be read or changed.
    Accounts(AccountsError),
    /// The file has no account of this name.
    NoSuchUser {
        /// The accounts file.
        file: PathBuf,
        /// The name asked for.
        name: String,
    },
    /// The file has an account of this name already.
    UserExists {
        /// The accounts file.
        file: PathBuf,
        /// The name to be added.
        name: String,
    },
    /// An account to be unlocked has no password under its lock.
    NothingToUnlock {
        /// The accounts file.
        file: PathBuf,
        /// The account.
        name: String,
    },
    /// No password was given, or an empty one.
    EmptyPassword,
    /// The two passwords typed are not the same.
    PasswordsDiffer,
    /// A password with a NUL, CR or LF, which no client can send.
    UnsendablePassword,
    /// A password of which the method would not use every byte.
    PasswordTooLong(Method),
    /// The password could not be read from terminal or standard input.
    PasswordInput(io::Error),
    /// No hash could be made by this method.
    Crypt(Method, CryptError),
    /// Standard output could not be written.
    Output(io::Error),
    /// No server answers at this socket.
    NoServer(PathBuf, io::Error),
    /// The server has not answered in time, or not wholly.
    NoAnswer(PathBuf, io::Error),
    /// What came from this socket was no answer of a server.
    BadAnswer(PathBuf),
    /// The server refuses, by this word and in these words.
    Refused {
        /// One word: `denied`, `no-session`, `unknown` or `failed`.
        error: String,
        /// The same for people.
        text: String,
    },
}

/// What is wrong with a command line.
#[derive(Debug)]
pub enum UsageError {
    /// An unknown option, one without its value, or one given twice.
    Option(getopts::Fail),
    /// No command at all.
    NoCommand,
    /// No such command, or no such command of `user`.
    UnknownCommand(String),
    /// The command needs a user's name.
    NoName,
    /// More arguments than the command takes; the first of them.
    TooMany(String),
    /// An option that this command does not have.
    NotForCommand {
        /// The option's long name.
        option: &'static str,
        /// The command.
        command: String,
    },
    /// `kick` without a session.
    NoSession,
    /// No number of a session.
    BadSession(String),
    /// `user add` without `--home`.
    NoHome,
    /// A home that is not absolute, or cannot stand in the file.
    BadHome(String),
    /// A method that is none of [`Method::ALL`].
    UnknownMethod(String),
    /// A name that a new account cannot have.
    BadName(String),
}

impl Failure {
    /// The exit code that says the same.
    pub fn exit(&self) -> Exit {
        match self {
            Failure::Usage(_) => Exit::Usage,
            Failure::Accounts(error) => exit_of(error),
            Failure::NoSuchUser { .. } => Exit::NoUser,
            Failure::UserExists { .. }
            | Failure::NothingToUnlock { .. }
            | Failure::EmptyPassword
            | Failure::PasswordsDiffer
            | Failure::UnsendablePassword
            | Failure::PasswordTooLong(_) => Exit::Data,
            Failure::Crypt(..) => Exit::Unavailable,
            Failure::PasswordInput(_) | Failure::Output(_) => Exit::Io,
            Failure::NoServer(_, error) if error.kind() == io::ErrorKind::PermissionDenied => {
                Exit::Permission
            }
            Failure::NoServer(..) => Exit::Unavailable,
            Failure::NoAnswer(..) => Exit::TempFail,
            Failure::BadAnswer(_) => Exit::Protocol,
            Failure::Refused { error, .. } => match error.as_str() {
                "denied" => Exit::Permission,
                "no-session" => Exit::NoUser,
                "failed" => Exit::TempFail,
                _ => Exit::Protocol,
            },
        }
    }
}

fn exit_of(error: &AccountsError) -> Exit {
    match error {
        AccountsError::Io { action, source, .. } => match (source.kind(), action) {
            (io::ErrorKind::PermissionDenied, _) => Exit::Permission,
            (_, Action::Create) => Exit::CannotCreate,
            (io::ErrorKind::NotFound, Action::Open) => Exit::NoInput,
            _ => Exit::Io,
        },
        AccountsError::NotAFile(_)
        | AccountsError::TooLarge(_)
        | AccountsError::Line { .. }
        | AccountsError::Account(_) => Exit::Data,
        AccountsError::Crypt(_) => Exit::Unavailable,
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Usage(error) => error.fmt(out),
            Failure::Accounts(error) => error.fmt(out),
            Failure::NoSuchUser { file, name } => {
                write!(
                    out,
                    "{}: no user \"{}\"",
                    file.display(),
                    name.escape_debug()
                )
            }
            Failure::UserExists { file, name } => {
                write!(out, "{}: user \"{name}\" exists already", file.display())
            }
            Failure::NothingToUnlock { file, name } => write!(
                out,
                "{}: user \"{}\" has no password to unlock; give one with ironftpctl user passwd",
                file.display(),
                name.escape_debug()
            ),
            Failure::EmptyPassword => out.write_str("empty password"),
            Failure::PasswordsDiffer => out.write_str("the two passwords differ"),
            Failure::UnsendablePassword => {
                out.write_str("a password cannot have NUL, CR or LF in it")
            }
            Failure::PasswordTooLong(method) => write!(
                out,
                "password too long: {} uses {} bytes at most",
                method.name(),
                method.password_max()
            ),
            Failure::PasswordInput(error) => write!(out, "cannot read the password: {error}"),
            Failure::Crypt(method, error) => write!(out, "{}: {error}", method.name()),
            Failure::Output(error) => write!(out, "standard output: {error}"),
            Failure::NoServer(socket, error) => {
                write!(out, "{}: {error}", socket.display())?;
                match error.kind() {
                    io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => out.write_str(
                        "; no server listens there (its option control_socket says where, \
                         and --socket here)",
                    ),
                    _ => Ok(()),
                }
            }
            Failure::NoAnswer(socket, error) => {
                write!(out, "{}: no answer: {error}", socket.display())
            }
            Failure::BadAnswer(socket) => {
                write!(out, "{}: that is no answer of ironftpd", socket.display())
            }
            Failure::Refused { text, .. } => out.write_str(text),
        }
    }
}

impl fmt::Display for UsageError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            UsageError::Option(fail) => fail.fmt(out),
            UsageError::NoCommand => out.write_str("no command"),
            UsageError::UnknownCommand(word) => {
                write!(out, "no command \"{}\"", word.escape_debug())
            }
            UsageError::NoName => out.write_str("no user name"),
            UsageError::TooMany(word) => {
                write!(out, "one argument too many: \"{}\"", word.escape_debug())
            }
            UsageError::NotForCommand { option, command } => {
                write!(out, "{command} has no option --{option}")
            }
            UsageError::NoSession => out.write_str("which session? ironftpctl who shows them"),
            UsageError::BadSession(word) => {
                write!(out, "\"{}\" is no number of a session", word.escape_debug())
            }
            UsageError::NoHome => out.write_str("user add needs --home DIR"),
            UsageError::BadHome(home) => write!(
                out,
                "home \"{}\": must begin with / and have no colon or control character",
                home.escape_debug()
            ),
            UsageError::UnknownMethod(word) => {
                write!(out, "no method \"{}\"; there are", word.escape_debug())?;
                Method::ALL
                    .into_iter()
                    .try_for_each(|method| write!(out, " {}", method.name()))
            }
            UsageError::BadName(name) => write!(
                out,
                "user name \"{}\": must be 1 to 32 of A-Z a-z 0-9 . _ @ -, not begin with -, \
                 and be neither anonymous nor ftp",
                name.escape_debug()
            ),
        }
    }
}
