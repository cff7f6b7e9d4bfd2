//! What a log-in ends in: an account, or the reason it was denied.
//!
//! Leaves to others: the reply. Every denial gets the same 530 (RFC 959
//! section 4.2); the reason is for the log alone.
#![forbid(unsafe_code)]

use std::fmt;
use std::path::PathBuf;

use crate::sys::crypt::CryptError;

/// A user of the server who is no user of the system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// The name given with USER, bytes as they came.
    pub name: Vec<u8>,
    /// The directory that is this account's root; absolute, perhaps missing.
    pub home: PathBuf,
    /// Whether every command that changes anything is refused.
    pub read_only: bool,
}

/// Why a name and password were not let in. For the log only: a client that
/// could tell these apart would learn which names exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Denial {
    /// No account has this name.
    UnknownUser,
    /// The account exists and the password is another.
    WrongPassword,
    /// The account's hash begins with `!` or `*`.
    Locked,
    /// The account's hash field is empty, which never means "no password
    /// needed" here.
    NoPassword,
    /// The system's crypt(3) refuses the account's hash, or cannot work now.
    Unusable(CryptError),
}

impl fmt::Display for Denial {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Denial::UnknownUser => out.write_str("unknown user"),
            Denial::WrongPassword => out.write_str("wrong password"),
            Denial::Locked => out.write_str("account is locked"),
            Denial::NoPassword => out.write_str("account has no password"),
            Denial::Unusable(error) => write!(out, "account's hash is unusable: {error}"),
        }
    }
}

/// Whether `name` is one of the two that mean an anonymous user (RFC 1635)
/// and so belong to no account.
#[must_use]
pub fn is_anonymous(name: &[u8]) -> bool {
    name.eq_ignore_ascii_case(b"anonymous") || name.eq_ignore_ascii_case(b"ftp")
}
