//! Where a user of the system lands who has logged in, as whom he acts, and
//! which options count for him.
//!
//! Pure but for the look-up of a guest's user, which the caller brings. The
//! rules are vsftpd's. Leaves to others: the password before, and after it
//! becoming that user and opening the directories named here as him, for
//! they may be nobody else's to enter.
//!
//! Of the options whose names begin with local_, virtual accounts
//! ([`super::Account`]) share local_umask and local_max_rate, and
//! user_config_dir. The rest of this file is not about them: they have
//! their home as root, and are neither mapped to a guest nor let out.
#![forbid(unsafe_code)]

use std::ffi::OsStr;
use std::fmt;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::sync::Arc;

use super::list::Lists;
use crate::config::Config;
use crate::protocol::VirtualPath;
use crate::sys;
use crate::sys::passwd::User;

/// Which family of options says what a session may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Privileges {
    /// Those whose names begin with anon_: anonymous users, and guests unless
    /// virtual_use_local_privs is YES.
    Anonymous,
    /// Those whose names begin with local_.
    Local,
}

impl Privileges {
    /// Permission bits taken from what the session creates.
    #[must_use]
    pub fn umask(self, config: &Config) -> u32 {
        match self {
            Privileges::Anonymous => config.anon_umask(),
            Privileges::Local => config.local_umask(),
        }
    }

    /// Bytes per second; 0 means no limit.
    #[must_use]
    pub fn rate(self, config: &Config) -> u64 {
        match self {
            Privileges::Anonymous => config.anon_max_rate(),
            Privileges::Local => config.local_max_rate(),
        }
        .into()
    }
}

/// A user of the system who may come in.
#[derive(Clone, Debug, PartialEq)]
pub struct LocalLogin {
    /// The name given with USER, for the log and for `user_config_dir`.
    pub name: Vec<u8>,
    /// As whom the session acts: the user himself, or guest_username.
    pub user: User,
    /// The directory that is `/` to the session.
    pub root: PathBuf,
    /// Where it begins, seen from the root: the first of these that can be
    /// entered. If none can, the login fails.
    pub start: Vec<VirtualPath>,
    /// Which options count.
    pub privileges: Privileges,
    /// The configuration with the user's own file over it.
    pub config: Arc<Config>,
}

/// Why a user with the right password is turned away all the same. For the
/// log only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LocalDenial {
    /// PAM knows the user and the system does not, and he is no guest.
    NoUser,
    /// guest_username is nobody.
    NoGuest(Vec<u8>),
    /// The user database does not answer.
    Database(sys::Error),
    /// User id 0 without allow_root_login.
    Root,
    /// Whether he is to be kept in is in a list that cannot be read.
    List(String),
    /// A name that user_sub_token must not put into a path.
    Name,
    /// The home is no absolute path, or too long for one.
    Home(Vec<u8>),
}

impl fmt::Display for LocalDenial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LocalDenial::NoUser => f.write_str("no user of the system (and guest_enable is NO)"),
            LocalDenial::NoGuest(name) => {
                write!(
                    f,
                    "guest_username: the system has no user \"{}\"",
                    name.escape_ascii()
                )
            }
            LocalDenial::Database(error) => {
                write!(f, "the system's users are out of reach: {error}")
            }
            LocalDenial::Root => f.write_str("user id 0 (allow_root_login is NO)"),
            LocalDenial::List(error) => write!(f, "chroot_list_file: {error}"),
            LocalDenial::Name => f.write_str("user_sub_token: the name cannot be put into a path"),
            LocalDenial::Home(home) => write!(f, "home \"{}\" is no place", home.escape_ascii()),
        }
    }
}

impl std::error::Error for LocalDenial {}

impl LocalLogin {
    /// Decides for the user who has given `name` and the right password.
    ///
    /// `account` is the system's user of this name, if there is one; `lists`
    /// are those of the server's configuration, and `config` has the user's
    /// own file over it. `find` looks a user up, [`User::find`] as a rule.
    ///
    /// # Errors
    /// Why the user is turned away.
    pub fn decide(
        name: &[u8],
        account: Option<User>,
        lists: &Lists,
        config: Arc<Config>,
        find: impl FnOnce(&[u8]) -> Result<Option<User>, sys::Error>,
    ) -> Result<LocalLogin, LocalDenial> {
        let mut privileges = Privileges::Local;
        // A directory service may know one user by many spellings of a name,
        // of which the list has one.
        let own = account.as_ref().map(|account| account.name.as_slice());
        let jails = |name| {
            let jails = lists.jails(name);
            jails.map_err(|error| LocalDenial::List(error.to_string()))
        };
        let mut jailed = jails(name)? || own.map_or(Ok(false), jails)?;
        let user = if config.guest_enable() {
            if !config.virtual_use_local_privs() {
                privileges = Privileges::Anonymous;
                jailed = true;
            }
            let guest = config.guest_username();
            find(guest)
                .map_err(LocalDenial::Database)?
                .ok_or_else(|| LocalDenial::NoGuest(guest.to_vec()))?
        } else {
            account.ok_or(LocalDenial::NoUser)?
        };
        if user.uid == 0 && !config.allow_root_login() {
            return Err(LocalDenial::Root);
        }
        let (root, start) = Place::of(&user, name, &config)?.seen(jailed)?;
        Ok(LocalLogin {
            name: name.to_vec(),
            user,
            root,
            start,
            privileges,
            config,
        })
    }
}

/// Where a user belongs, as pathnames of the machine.
struct Place {
    /// Absolute.
    home: Vec<u8>,
    /// local_root, absolute.
    instead: Option<Vec<u8>>,
    /// What stands behind the `/./` of the home, if that counts.
    below: Option<Vec<u8>>,
}

impl Place {
    fn of(user: &User, name: &[u8], config: &Config) -> Result<Place, LocalDenial> {
        let token = config.user_sub_token();
        let mut home = substituted(&user.home, token, name)?;
        if config.passwd_chroot_enable()
            && let Some(at) = find(&home, b"/./")
        {
            let below = home.split_off(at);
            // Goes before local_root, as in vsftpd.
            return Ok(Place {
                home: if home.is_empty() { b"/".to_vec() } else { home },
                instead: None,
                below: below.get(3..).map(<[u8]>::to_vec),
            });
        }
        let instead = match config.local_root() {
            None => None,
            Some(root) => {
                let root = substituted(root.as_os_str().as_bytes(), token, name)?;
                Some(if root.starts_with(b"/") {
                    root
                } else {
                    [&home, &b"/"[..], &root].concat()
                })
            }
        };
        Ok(Place {
            home,
            instead,
            below: None,
        })
    }

    /// The root, and where to begin under it.
    fn seen(self, jailed: bool) -> Result<(PathBuf, Vec<VirtualPath>), LocalDenial> {
        let Place {
            home,
            instead,
            below,
        } = self;
        if jailed {
            let root = instead.unwrap_or(home);
            if !root.starts_with(b"/") {
                return Err(LocalDenial::Home(root));
            }
            let mut start = Vec::new();
            if let Some(below) = below {
                start.push(joined(&VirtualPath::root(), &relative(&below))?);
            }
            start.push(VirtualPath::root());
            return Ok((OsStr::from_bytes(&root).into(), start));
        }
        let mut start = Vec::new();
        if let Some(instead) = instead.filter(|instead| instead.starts_with(b"/")) {
            start.push(joined(&VirtualPath::root(), &instead)?);
        }
        if home.starts_with(b"/") {
            let home = joined(&VirtualPath::root(), &home)?;
            if let Some(below) = below {
                start.push(joined(&home, &relative(&below))?);
            }
            start.push(home);
        }
        if start.is_empty() {
            return Err(LocalDenial::Home(home));
        }
        Ok((PathBuf::from("/"), start))
    }
}

/// What stands behind `/./` counts from what stands before it.
fn relative(below: &[u8]) -> Vec<u8> {
    let slashes = below.iter().take_while(|&&byte| byte == b'/').count();
    below.get(slashes..).unwrap_or_default().to_vec()
}

fn joined(base: &VirtualPath, path: &[u8]) -> Result<VirtualPath, LocalDenial> {
    base.join(path)
        .map_err(|_| LocalDenial::Home(path.to_vec()))
}

/// `path` with `name` wherever `token` stands.
fn substituted(path: &[u8], token: &[u8], name: &[u8]) -> Result<Vec<u8>, LocalDenial> {
    let mut out = Vec::with_capacity(path.len() + name.len());
    let mut rest = path;
    while let Some(at) = find(rest, token) {
        // A name shall be one directory's name and lead nowhere else.
        if matches!(name, b"" | b"." | b"..") || name.contains(&b'/') || name.contains(&0) {
            return Err(LocalDenial::Name);
        }
        let (before, found) = rest.split_at(at);
        out.extend_from_slice(before);
        out.extend_from_slice(name);
        rest = found.get(token.len()..).unwrap_or_default();
    }
    out.extend_from_slice(rest);
    Ok(out)
}

/// Where `wanted` first stands in `text`; an empty one stands nowhere.
fn find(text: &[u8], wanted: &[u8]) -> Option<usize> {
    if wanted.is_empty() {
        return None;
    }
    text.windows(wanted.len()).position(|part| part == wanted)
}

#[cfg(test)]
#[path = "local/tests.rs"]
mod tests;
