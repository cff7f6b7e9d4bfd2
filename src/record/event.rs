//! What the logs of transfers tell: who did what, and how it went. The forms
//! it takes stand in `vsftpd`, `xferlog` and `json`.
#![forbid(unsafe_code)]

use crate::protocol::Timestamp;
use std::net::IpAddr;
use std::time::Duration;

/// The kind of user a session belongs to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Account {
    /// Nobody is logged in.
    #[default]
    Nobody,
    /// An anonymous user.
    Anonymous,
    /// One that the system does not know, or knows as somebody else.
    Guest,
    /// A user of the system.
    Real,
}

/// Who it is about.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// The session's number; 0 for a client that got none.
    pub session: u64,
    /// Where the client is.
    pub peer: IpAddr,
    /// The name given with USER; that of ftp_username for anonymous users
    /// who are logged in. Empty if there is none.
    pub user: &'a [u8],
    /// What kind of user it is.
    pub account: Account,
    /// What an anonymous user gave as a password.
    pub said: &'a [u8],
}

/// One thing that happened.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'a> {
    /// When, or rather when it was over.
    pub time: Timestamp,
    /// To whom.
    pub subject: Subject<'a>,
    /// What.
    pub event: Event<'a>,
}

/// What can happen.
#[derive(Clone, Copy, Debug)]
pub enum Event<'a> {
    /// A client came.
    Connect,
    /// A client came, and was turned away for this reason.
    TurnedAway(&'a str),
    /// A name that userlist_file turns away, in the words of Red Hat's vsftpd.
    Unwelcome(&'a str),
    /// A log-in, and why it was refused if it was.
    Login(Result<(), &'a str>),
    /// Something was done with files, or tried.
    Deed(&'a Deed, Result<(), &'a str>),
    /// A line of the client, secrets left out.
    Command(&'a [u8]),
    /// A line of a reply, with its code.
    Reply(&'a [u8]),
}

/// What is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// STOR, APPE, STOU.
    Upload,
    /// RETR.
    Download,
    /// DELE.
    Delete,
    /// MKD, SITE MKDIR.
    MakeDirectory,
    /// RMD, SITE RMDIR.
    RemoveDirectory,
    /// RNFR and RNTO.
    Rename,
    /// SITE CHMOD.
    ChangeMode,
    /// SITE CPFR and CPTO; vsftpd has no such command.
    Copy,
    /// COMB; vsftpd has no such command.
    Combine,
    /// SITE SYMLINK; vsftpd has no such command.
    Link,
}

impl Act {
    /// The word for it in vsftpd's log.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Act::Upload => "UPLOAD",
            Act::Download => "DOWNLOAD",
            Act::Delete => "DELETE",
            Act::MakeDirectory => "MKDIR",
            Act::RemoveDirectory => "RMDIR",
            Act::Rename => "RENAME",
            Act::ChangeMode => "CHMOD",
            Act::Copy => "COPY",
            Act::Combine => "COMBINE",
            Act::Link => "SYMLINK",
        }
    }

    /// Whether a data connection belongs to it.
    #[must_use]
    pub fn is_transfer(self) -> bool {
        matches!(self, Act::Upload | Act::Download)
    }
}

/// Something done with files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deed {
    /// What.
    pub act: Act,
    /// With which file, as the session sees it.
    pub path: Box<[u8]>,
    /// What else belongs to it: the new name, the mode.
    pub more: Option<Box<[u8]>>,
    /// A transfer in TYPE A.
    pub ascii: bool,
    /// Bytes that went over the data connection, as MODE S would have counted
    /// them.
    pub moved: u64,
    /// How many MODE Z made of them, where that was on.
    pub wire: Option<u64>,
    /// How long it took.
    pub took: Duration,
    /// The client closed a data connection under TLS without saying that it
    /// was done: the bytes may not be all.
    pub cut_off: bool,
}

impl Deed {
    /// `act` on `path`, at its beginning.
    #[must_use]
    pub fn new(act: Act, path: &[u8]) -> Deed {
        Deed {
            act,
            path: path.into(),
            more: None,
            ascii: false,
            moved: 0,
            wire: None,
            took: Duration::ZERO,
            cut_off: false,
        }
    }

    /// The same with what else belongs to it.
    #[must_use]
    pub fn with(self, more: &[u8]) -> Deed {
        Deed {
            more: Some(more.into()),
            ..self
        }
    }
}

/// An entry for tests of the forms.
#[cfg(test)]
pub(super) fn entry<'a>(user: &'a [u8], account: Account, event: Event<'a>) -> Entry<'a> {
    Entry {
        time: Timestamp {
            seconds: 1_794_043_503,
            nanoseconds: 123_456_789,
        },
        subject: Subject {
            session: 7,
            peer: IpAddr::from([127, 0, 0, 1]),
            user,
            account,
            said: b"",
        },
        event,
    }
}
