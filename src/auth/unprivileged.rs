//! Who the server is once it has bound its ports (nopriv_user,
//! run_as_launching_user), and which users it must know before.
//!
//! All of it is asked before privileges are given up, while the user database
//! may still be read. Leaves to others: becoming that user.
#![forbid(unsafe_code)]

use crate::config::Config;
use crate::sys;
use crate::sys::passwd::User;
use std::fmt;

/// What becomes of the server's process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Becomes {
    /// It stays who it is: an ordinary user has started it, or the
    /// configuration says so.
    Stays,
    /// It becomes this user, who has no privilege.
    User(User),
}

/// Why it cannot be decided. The server must not start then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UnprivilegedError {
    /// There is no such user.
    NoUser(Vec<u8>),
    /// nopriv_user has user id 0, so that nothing would be given up.
    IsRoot(Vec<u8>),
    /// The user database does not answer.
    Database(sys::Error),
}

impl fmt::Display for UnprivilegedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            UnprivilegedError::NoUser(name) => write!(
                f,
                "nopriv_user: the system has no user \"{}\"",
                name.escape_ascii()
            ),
            UnprivilegedError::IsRoot(name) => write!(
                f,
                "nopriv_user: \"{}\" has user id 0, which has every privilege",
                name.escape_ascii()
            ),
            UnprivilegedError::Database(error) => write!(f, "nopriv_user: {error}"),
        }
    }
}

impl std::error::Error for UnprivilegedError {}

impl Becomes {
    /// Decides for a process whose effective user is `starter`. `find` looks
    /// a user up, [`User::find`] as a rule.
    ///
    /// # Errors
    /// Why it cannot be decided.
    pub fn decide(
        config: &Config,
        starter: u32,
        find: impl FnOnce(&[u8]) -> Result<Option<User>, sys::Error>,
    ) -> Result<Becomes, UnprivilegedError> {
        if starter != 0 || config.run_as_launching_user() {
            return Ok(Becomes::Stays);
        }
        let name = config.nopriv_user();
        let user = find(name).map_err(UnprivilegedError::Database)?;
        let user = user.ok_or_else(|| UnprivilegedError::NoUser(name.to_vec()))?;
        if user.uid == 0 {
            return Err(UnprivilegedError::IsRoot(name.to_vec()));
        }
        Ok(Becomes::User(user))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Origin;

    fn find(name: &[u8]) -> Result<Option<User>, sys::Error> {
        let uid = match name {
            b"nobody" => 65534,
            b"toor" => 0,
            _ => return Ok(None),
        };
        Ok(Some(User {
            name: name.to_vec(),
            uid,
            ..User::default()
        }))
    }

    fn decided(setting: &str, starter: u32) -> Result<Becomes, UnprivilegedError> {
        let mut config = Config::default();
        if let Some((name, value)) = setting.split_once('=') {
            let origin = &Origin::CommandLine;
            config
                .set(name.as_bytes(), value.as_bytes(), origin)
                .unwrap();
        }
        Becomes::decide(&config, starter, find)
    }

    #[test]
    fn root_becomes_nobody_and_an_ordinary_user_stays() {
        assert!(matches!(decided("", 0), Ok(Becomes::User(user)) if user.uid == 65534));
        assert_eq!(decided("", 1000), Ok(Becomes::Stays));
        assert_eq!(decided("nopriv_user=whoever", 1000), Ok(Becomes::Stays));
        assert_eq!(decided("run_as_launching_user=YES", 0), Ok(Becomes::Stays));
    }

    #[test]
    fn a_user_who_is_not_there_or_is_root_is_refused() {
        let gone = UnprivilegedError::NoUser(b"gone".to_vec());
        assert_eq!(decided("nopriv_user=gone", 0), Err(gone));
        let root = UnprivilegedError::IsRoot(b"toor".to_vec());
        assert_eq!(decided("nopriv_user=toor", 0), Err(root));
    }
}
