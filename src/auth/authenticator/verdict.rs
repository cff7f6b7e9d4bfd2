//! What comes of a local user's log-in: who they are, or why not.
#![forbid(unsafe_code)]

use std::fmt;
use std::os::fd::OwnedFd;
use std::time::Duration;

use crate::sys::passwd::User;

/// The answer to one attempt.
#[derive(Debug)]
pub enum Verdict {
    /// Let in.
    Granted(Granted),
    /// Kept out; the reply is the same whatever the reason.
    Denied(Denied),
}

/// Somebody who gave the right password.
#[derive(Debug)]
pub struct Granted {
    /// The system's user of this name, spelt as the system has it, which with
    /// some name services is not what was typed: lists of users should be
    /// asked for both. `None` where PAM knows the user and the system does
    /// not: good for guests only. The groups have what pam_setcred(3) added.
    pub account: Option<User>,
    /// The open PAM session, with `session_support`.
    pub session: Option<SessionHandle>,
}

/// A PAM session that is open as long as this lives. Dropping it is all it
/// takes to close the session; nothing is waited for.
#[derive(Debug)]
pub struct SessionHandle {
    _end: OwnedFd,
}

impl SessionHandle {
    pub(super) fn new(end: OwnedFd) -> SessionHandle {
        SessionHandle { _end: end }
    }
}

/// Why a user was kept out, for the log alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denied {
    /// The reason.
    pub cause: Cause,
    /// What PAM or the system said, one line, printable; perhaps empty.
    pub detail: Box<str>,
    /// How long PAM's modules would have had the user wait
    /// (pam_fail_delay(3)). Nobody has waited yet.
    pub delay: Duration,
}

/// The reasons to keep a user out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// A name or password that no account can have: too long, or with
    /// control characters.
    Unfit,
    /// Nobody has this name.
    UnknownUser,
    /// Another password than the account's.
    WrongPassword,
    /// PAM refused, which may mean any of the others; `detail` has its words.
    Refused,
    /// The password is locked.
    Locked,
    /// The account has no password, which never means that none is needed.
    NoPassword,
    /// The account's last day is over.
    AccountExpired,
    /// The password is too old, and cannot be changed here.
    PasswordExpired,
    /// The log-in shell is not in /etc/shells.
    Shell,
    /// User id 0, and the configuration does not allow it.
    Root,
    /// More groups than can be handed over.
    Groups,
    /// The check could not be made.
    Unavailable,
    /// The process that checked crashed or ended early.
    Crashed,
    /// The check took longer than it may.
    TimedOut,
}

impl Cause {
    /// Every cause, in the order of their numbers in a message.
    pub(super) const ALL: [Cause; 14] = [
        Cause::Unfit,
        Cause::UnknownUser,
        Cause::WrongPassword,
        Cause::Refused,
        Cause::Locked,
        Cause::NoPassword,
        Cause::AccountExpired,
        Cause::PasswordExpired,
        Cause::Shell,
        Cause::Root,
        Cause::Groups,
        Cause::Unavailable,
        Cause::Crashed,
        Cause::TimedOut,
    ];

    /// Whether it is the machine or its configuration that needs attention,
    /// and not the user: worth a warning in the log.
    #[must_use]
    pub fn is_fault(self) -> bool {
        matches!(
            self,
            Cause::Groups | Cause::Unavailable | Cause::Crashed | Cause::TimedOut
        )
    }
}

impl Denied {
    /// A denial without PAM's delay.
    pub(super) fn new(cause: Cause, detail: impl Into<Box<str>>) -> Denied {
        Denied {
            cause,
            detail: detail.into(),
            delay: Duration::ZERO,
        }
    }
}

impl From<Cause> for Denied {
    fn from(cause: Cause) -> Denied {
        Denied::new(cause, "")
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Cause::Unfit => "name or password that no account can have",
            Cause::UnknownUser => "unknown user",
            Cause::WrongPassword => "wrong password",
            Cause::Refused => "refused by PAM",
            Cause::Locked => "account is locked",
            Cause::NoPassword => "account has no password",
            Cause::AccountExpired => "account has expired",
            Cause::PasswordExpired => "password has expired",
            Cause::Shell => "log-in shell is not in /etc/shells",
            Cause::Root => "user id 0 (allow_root_login is NO)",
            Cause::Groups => "too many groups",
            Cause::Unavailable => "the check could not be made",
            Cause::Crashed => "the checking process ended early",
            Cause::TimedOut => "the check took too long",
        })
    }
}

impl fmt::Display for Denied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.cause.fmt(f)?;
        if !self.detail.is_empty() {
            write!(f, " ({})", self.detail)?;
        }
        Ok(())
    }
}
