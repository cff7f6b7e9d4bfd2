//! Where and as whom anonymous users are served (anonymous_enable, anon_root,
//! ftp_username), and what becomes of them when their root cannot be had.
#![forbid(unsafe_code)]

use super::Home;
use super::service::{ServiceError, tell};
use super::state::Rights;
use crate::auth::Privileges;
use crate::config::{Config, Personal};
use crate::fs::Root;
use crate::sys::passwd::User;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Whether anonymous users are served.
pub(super) enum Anonymous {
    /// They are not.
    No,
    /// They are to be, and their root is out of reach: they are told, and
    /// others are served. This is why.
    Broken(String),
    /// They are.
    Served(Box<Served>),
}

/// Where and who anonymous users are.
pub(super) struct Served {
    pub(super) home: Arc<Home>,
    pub(super) root: Arc<Root>,
    /// As whom they act where that makes a difference: ftp_username.
    pub(super) user: Option<User>,
    /// The server gives up root for other users.
    pub(super) may_be_another: bool,
}

impl Anonymous {
    /// Where and who they are, if they are served.
    pub(super) fn served(&self) -> Option<&Served> {
        match self {
            Anonymous::Served(served) => Some(served),
            Anonymous::No | Anonymous::Broken(_) => None,
        }
    }
}

/// What becomes of anonymous users. `others` is whether anybody else may log
/// in, whom a root that is not there does not concern; `before` is what was.
/// Those who are served now are not given up because the configuration is read
/// again: the one who reads perhaps may not go where root could at the start.
pub(super) fn anonymous(
    config: &Config,
    personal: &Personal,
    starter: u32,
    others: bool,
    before: Option<&Anonymous>,
) -> Result<Anonymous, ServiceError> {
    if !config.anonymous_enable() {
        return Ok(Anonymous::No);
    }
    let before = before.and_then(Anonymous::served);
    match served(config, personal, starter, before) {
        Ok(served) => Ok(Anonymous::Served(Box::new(served))),
        Err(error) if others && before.is_none() && error.is_about_anonymous_root() => {
            Ok(Anonymous::Broken(error.to_string()))
        }
        Err(error) => Err(error),
    }
}

fn served(
    config: &Config,
    personal: &Personal,
    starter: u32,
    before: Option<&Served>,
) -> Result<Served, ServiceError> {
    let path = anonymous_path(config)?;
    let home = Home::seen(&path, anonymous_rights(config));
    // Root could open what the server perhaps cannot any more.
    let opened = before.filter(|it| it.home.path == path && it.home.directory == home.directory);
    let root = match opened {
        Some(before) => Arc::clone(&before.root),
        None => match Root::open_home(&path, starter) {
            Ok(root) => Arc::new(root),
            Err(error) => return Err(ServiceError::AnonymousRoot(path, error)),
        },
    };
    let may_be_another = starter == 0 && !config.run_as_launching_user();
    let matters = user_matters(config, &path);
    let user = if may_be_another && (matters || user_matters_in_own_file(config, personal)) {
        Some(anonymous_user(config)?)
    } else {
        None
    };
    Ok(Served {
        home: Arc::new(Home {
            user: user.clone().filter(|_| matters),
            ..home
        }),
        root,
        user,
        may_be_another,
    })
}

pub(super) fn anonymous_rights(config: &Config) -> Rights {
    Rights::of(Privileges::Anonymous, config, false)
}

/// Whether it makes a difference as whom anonymous users are served. Where it
/// makes none they act as the server, which then needs no privilege for it.
pub(super) fn user_matters(config: &Config, root: &Path) -> bool {
    let is_open = |about: std::fs::Metadata| about.permissions().mode() & 0o005 == 0o005;
    anonymous_rights(config).any_write()
        || !config.anon_world_readable_only()
        || !std::fs::metadata(root).is_ok_and(is_open)
}

/// The same by the file that they have in user_config_dir. What is wrong with
/// it is told when somebody logs in.
fn user_matters_in_own_file(config: &Config, personal: &Personal) -> bool {
    let Ok((own, findings)) = personal.of(config.ftp_username()) else {
        return false;
    };
    tell(&findings);
    anonymous_path(&own).is_ok_and(|path| user_matters(&own, &path))
}

/// ftp_username.
fn anonymous_user(config: &Config) -> Result<User, ServiceError> {
    let name = config.ftp_username();
    let error = |error| ServiceError::User("ftp_username", name.to_vec(), error);
    match User::find(name) {
        Ok(Some(user)) if user.uid != 0 => Ok(user),
        Ok(Some(_)) => Err(ServiceError::Superuser(name.to_vec())),
        Ok(None) => Err(error(None)),
        Err(why) => Err(error(Some(why))),
    }
}

pub(super) fn anonymous_path(config: &Config) -> Result<PathBuf, ServiceError> {
    if let Some(path) = config.anon_root() {
        return Ok(path.to_owned());
    }
    // Where vsftpd has anonymous files unless told otherwise.
    match User::find(config.ftp_username()) {
        Ok(Some(user)) => Ok(OsString::from_vec(user.home).into()),
        Ok(None) | Err(_) => Err(ServiceError::NoAnonymousRoot),
    }
}
