//! Who a session belongs to and what it may do.

use super::access::Filters;
use super::roster::{Listed, Roster};
use super::{Class, Failure, Session, directory_message};
use crate::auth::Privileges;
use crate::config::Config;
use crate::control::Connection;
use crate::fs::{self, Root};
use crate::protocol::tilde::{Tilde, home_in};
use crate::protocol::{Code, Escaped, Reply, VirtualPath};
use crate::record::event::Account;
use crate::sys;
use crate::sys::file::Attributes;
use std::fmt;
use std::net::SocketAddr;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;

/// A passwd(5) larger than this is not looked into for a `~name`.
const LARGEST_PASSWD: usize = 1 << 20;

/// The number of a session in the log, counted from the server's start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SessionId(pub u64);

/// How a session signs its log lines, and its line in the roster.
#[derive(Debug)]
pub(super) struct Tag {
    pub(super) id: SessionId,
    peer: SocketAddr,
    user: Arc<[u8]>,
    pub(super) listed: Listed,
}

impl Tag {
    pub(super) fn new(id: SessionId, control: &Connection, roster: &Roster) -> Tag {
        Tag {
            id,
            peer: control.peer(),
            user: Arc::default(),
            listed: roster.enter(id, control.peer(), control.handle()),
        }
    }

    /// Where the client is.
    pub(super) fn peer(&self) -> SocketAddr {
        self.peer
    }

    /// Who is logged in; empty if nobody is.
    pub(super) fn user(&self) -> &[u8] {
        &self.user
    }

    pub(super) fn set_user(&mut self, name: &[u8]) {
        self.user = name.into();
        self.listed.set_user(&self.user);
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "session {} {}", self.id.0, self.peer)?;
        if !self.user.is_empty() {
            write!(f, " {}", Escaped(&self.user))?;
        }
        Ok(())
    }
}

/// How far the log-in has come (RFC 959 section 5.4).
#[derive(Debug)]
pub(super) enum Stage {
    /// Nothing said yet.
    Greeted,
    /// USER was said, PASS is awaited.
    Named(Box<[u8]>),
    /// Accepted, and on its way to a worker of its class.
    Accepted(Box<Entry>),
    /// Logged in.
    In(Box<Login>),
}

/// What a user who is accepted will be.
#[derive(Debug)]
pub(super) struct Entry {
    pub class: Class,
    pub name: Box<[u8]>,
    /// The configuration with the user's own file over it.
    pub config: Arc<Config>,
    pub privileges: Privileges,
    /// Not more than to read, whatever the configuration says.
    pub read_only: bool,
    /// Where to begin: the first of these that can be entered.
    pub start: Vec<VirtualPath>,
    /// For the log: what kind of user it is,
    pub account: Account,
    /// and what an anonymous one gave as a password.
    pub said: Box<[u8]>,
}

/// What may be changed, and what is given out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Rights {
    /// Store new files.
    pub upload: bool,
    /// Make directories.
    pub make_directories: bool,
    /// Delete, rename, overwrite, append, set times.
    pub change: bool,
    /// SITE CHMOD.
    pub chmod: bool,
    /// Uploads become those of chown_username.
    pub give_away: bool,
    /// Give out only files that everybody may read.
    pub world_readable_only: bool,
}

impl Rights {
    /// What these privileges amount to under a configuration.
    pub(super) fn of(privileges: Privileges, config: &Config, read_only: bool) -> Rights {
        let write = config.write_enable() && !read_only;
        match privileges {
            Privileges::Anonymous => Rights {
                upload: write && config.anon_upload_enable(),
                make_directories: write && config.anon_mkdir_write_enable(),
                change: write && config.anon_other_write_enable(),
                chmod: false,
                give_away: write && config.chown_uploads(),
                world_readable_only: config.anon_world_readable_only(),
            },
            Privileges::Local => Rights {
                upload: write,
                make_directories: write,
                change: write,
                chmod: write && config.chmod_enable(),
                give_away: false,
                world_readable_only: false,
            },
        }
    }

    /// Whether anything may be changed at all.
    pub(super) fn any_write(self) -> bool {
        self.upload || self.make_directories || self.change || self.chmod
    }
}

/// A user who is logged in.
#[derive(Debug, Clone)]
pub(super) struct Login {
    pub root: Arc<Root>,
    pub cwd: VirtualPath,
    /// Where the session began, which `~` stands for.
    pub home: VirtualPath,
    /// Which family of options is theirs.
    pub privileges: Privileges,
    pub rights: Rights,
    /// Names that are hidden, and those that alone are given or taken.
    pub filters: Arc<Filters>,
    /// Taken from the mode of what is created (umask(2)); SITE UMASK sets it.
    pub umask: u32,
    /// Bytes per second; 0 means no limit.
    pub rate: u64,
    /// Seconds between two commands, if SITE IDLE has set them.
    pub idle_limit: Option<u32>,
    /// Directories whose message has been shown.
    pub visited: Vec<directory_message::Place>,
}

impl Login {
    /// Attributes of what `path` leads to, or of a link that leads nowhere: it
    /// is still an entry.
    ///
    /// # Errors
    /// The system's own; EACCES for a link that leads where one may not go.
    pub(super) fn attributes(&self, path: &VirtualPath) -> Result<Attributes, fs::Error> {
        self.root.attributes(path).or_else(|error| match &error {
            fs::Error::System(cause) if cause.errno() == libc::EACCES => Err(error),
            _ => self.root.own_attributes(path).map_err(|_| error),
        })
    }

    /// Opens a directory whose names the user may have.
    ///
    /// # Errors
    /// The system's own, and that the directory is not everybody's to read
    /// where that is asked for.
    pub(super) fn open_directory(&self, path: &VirtualPath) -> Result<OwnedFd, fs::Error> {
        let directory = self.root.open_directory(path)?;
        if self.rights.world_readable_only {
            let about = sys::file::attributes(directory.as_fd())?;
            if about.mode & 0o004 == 0 {
                return Err(fs::Error::NotWorldReadable);
            }
        }
        Ok(directory)
    }
}

impl Session {
    /// The user who is logged in.
    pub(super) fn login(&self) -> Result<&Login, Failure> {
        match &self.stage {
            Stage::In(login) => Ok(login),
            _ => Err(not_logged_in()),
        }
    }

    /// Whether the session has the privileges of anonymous users, as guests
    /// have unless virtual_use_local_privs says otherwise.
    pub(super) fn is_anonymous(&self) -> bool {
        self.login()
            .is_ok_and(|login| login.privileges == Privileges::Anonymous)
    }

    /// A copy of the login for a transfer, during which the session itself
    /// is lent to the control connection.
    pub(super) fn share_login(&self) -> Result<Login, Failure> {
        self.login().cloned()
    }

    pub(super) fn login_mut(&mut self) -> Result<&mut Login, Failure> {
        match &mut self.stage {
            Stage::In(login) => Ok(login),
            _ => Err(not_logged_in()),
        }
    }

    /// Seconds there may be between two commands; 0 means no limit.
    pub(super) fn idle_limit(&self) -> u32 {
        let own = self.login().ok().and_then(|login| login.idle_limit);
        own.unwrap_or_else(|| self.config.idle_session_timeout())
    }

    /// The virtual path that `argument` names, seen from the working directory.
    pub(super) fn path(&self, argument: &[u8]) -> Result<VirtualPath, Failure> {
        let login = self.login()?;
        match Tilde::parse(argument) {
            None => Ok(login.cwd.join(argument)?),
            Some(Tilde { user: b"", below }) => Ok(login.home.join(below)?),
            Some(Tilde { user, below }) => match self.home_of(user, login) {
                Some(home) => Ok(home.join(below)?),
                None => Ok(login.cwd.join(argument)?),
            },
        }
    }

    /// The home of another user, by the /etc/passwd that the session sees
    /// (tilde_user_enable).
    fn home_of(&self, user: &[u8], login: &Login) -> Option<VirtualPath> {
        if !self.config.tilde_user_enable() {
            return None;
        }
        let passwd = VirtualPath::root().join(b"/etc/passwd").ok()?;
        let text = login.root.undenied().read(&passwd, LARGEST_PASSWD).ok()?;
        let home = home_in(&text, user)?;
        VirtualPath::root().join(home).ok()
    }

    /// The same for a pathname that must lead to a file: one that ends in a
    /// slash asks for a directory (POSIX pathname resolution).
    pub(super) fn file_path(&self, argument: &[u8]) -> Result<VirtualPath, Failure> {
        let path = self.path(argument)?;
        if argument.ends_with(b"/") && !path.is_root() {
            return Err(fs::Error::System(sys::Error::new("openat2", libc::ENOTDIR)).into());
        }
        Ok(path)
    }
}

fn not_logged_in() -> Failure {
    Failure::Refused(Reply::new(
        Code::NotLoggedIn,
        "Please login with USER and PASS.",
    ))
}
