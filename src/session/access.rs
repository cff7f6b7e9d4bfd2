//! What the administrator takes away from users besides their rights:
//! commands (cmds_allowed, cmds_denied, download_enable, dirlist_enable) and
//! names (hide_file, download_file, upload_file).
//!
//! What deny_file takes away is `fs::Root`'s to refuse, since it alone knows
//! where a pathname leads.

use super::digest::is_digest;
use super::state::Login;
use super::{Failure, Session};
use crate::config::Config;
use crate::fs::Root;
use crate::protocol::command::Verb;
use crate::protocol::parse::ParseError;
use crate::protocol::{NameFilter, Permitted, SiteVerb, VirtualPath};
use crate::sys::file::readlink_at;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;

/// The filters of names of one user.
#[derive(Debug, Clone, Default)]
pub(super) struct Filters {
    deny: Option<NameFilter>,
    hide: Option<NameFilter>,
    download: Option<NameFilter>,
    upload: Option<NameFilter>,
}

impl Filters {
    /// Those of a configuration.
    pub(super) fn of(config: &Config) -> Filters {
        // One that cannot be read has been refused by config::check.
        let read = |text| NameFilter::parse(text).unwrap_or_default();
        Filters {
            deny: read(config.deny_file()),
            hide: read(config.hide_file()),
            download: read(config.download_file()),
            upload: read(config.upload_file()),
        }
    }

    /// Whether listings leave this name out.
    pub(super) fn hides(&self, name: &[u8]) -> bool {
        self.hide.as_ref().is_some_and(|hide| hide.picks(name))
    }

    /// The same for an entry of a directory, which may be a link that tells
    /// such a name.
    pub(super) fn hides_in(&self, directory: &OwnedFd, name: &[u8]) -> bool {
        let Some(hide) = &self.hide else {
            return false;
        };
        let tells = || {
            let target = readlink_at(directory.as_fd(), name).ok();
            let last = target.as_deref().and_then(last_name);
            last.is_some_and(|last| hide.picks(last))
        };
        hide.picks(name) || tells()
    }

    /// Whether nothing may be done with an entry of this name.
    pub(super) fn denies(&self, name: &[u8]) -> bool {
        self.deny.as_ref().is_some_and(|deny| deny.picks(name))
    }

    /// The root for a session that begins in `home`: without what is denied.
    pub(super) fn root(&self, root: &Arc<Root>, home: &VirtualPath) -> Option<Arc<Root>> {
        match &self.deny {
            None => Some(Arc::clone(root)),
            Some(deny) => root.denying(deny.clone(), home).ok().map(Arc::new),
        }
    }
}

/// The last name of the text of a link.
fn last_name(target: &[u8]) -> Option<&[u8]> {
    let mut names = target.rsplit(|&byte| byte == b'/');
    names.find(|name| !name.is_empty())
}

impl Login {
    /// Errs unless download_file lets this file be fetched.
    pub(super) fn may_fetch(&self, path: &VirtualPath) -> Result<(), Failure> {
        self.is_among(self.filters.download.as_ref(), path, "download_file")
    }

    /// Errs unless upload_file lets a file be stored as this.
    pub(super) fn may_store(&self, path: &VirtualPath) -> Result<(), Failure> {
        self.is_among(self.filters.upload.as_ref(), path, "upload_file")
    }

    fn is_among(
        &self,
        filter: Option<&NameFilter>,
        path: &VirtualPath,
        option: &'static str,
    ) -> Result<(), Failure> {
        let Some(filter) = filter else {
            return Ok(());
        };
        let leads_there = || {
            let real = self.root.real(path);
            real.is_ok_and(|real| filter.picks_end_of(&real))
        };
        if filter.picks_end_of(path) || leads_there() {
            Ok(())
        } else {
            Err(Failure::Forbidden(option))
        }
    }

    /// Errs if a pathname that only stands for others, by wildcards or as
    /// their beginning, is itself one that is denied, as vsftpd has it.
    pub(super) fn may_say(&self, pathname: &[u8]) -> Result<(), Failure> {
        let deny = self.filters.deny.as_ref();
        if deny.is_some_and(|deny| deny.picks_part_of(pathname)) {
            return Err(Failure::Forbidden("deny_file"));
        }
        Ok(())
    }
}

impl Session {
    fn permitted(&self) -> Permitted<'_> {
        Permitted::new(self.config.cmds_allowed(), self.config.cmds_denied())
    }

    /// The option by which a user may not use this command, if there is one.
    pub(super) fn withheld(&self, verb: Verb) -> Option<&'static str> {
        let config = &self.config;
        if !self.permitted().verb(verb) {
            return Some("cmds_allowed/cmds_denied");
        }
        let fetches = verb == Verb::Retr || is_digest(verb);
        if fetches && !config.download_enable() {
            return Some("download_enable");
        }
        let lists = matches!(
            verb,
            Verb::List | Verb::Nlst | Verb::Mlsd | Verb::Mlst | Verb::Dsiz
        );
        (lists && !config.dirlist_enable()).then_some("dirlist_enable")
    }

    /// Whether a user may use this command of SITE.
    pub(super) fn permits_site(&self, verb: SiteVerb) -> bool {
        self.permitted().site(verb)
    }

    /// What a user who may not use a command is told before anything is said
    /// about how it was written.
    pub(super) fn refusal(&self, error: &ParseError<'_>) -> Option<Failure> {
        self.login().ok()?;
        let refused = match *error {
            ParseError::Empty => false,
            ParseError::Unknown(name) | ParseError::Unimplemented(name) => {
                !self.permitted().name(name)
            }
            ParseError::MissingArgument(verb) | ParseError::UnexpectedArgument(verb) => {
                self.withheld(verb).is_some()
            }
        };
        refused.then_some(Failure::Forbidden("cmds_allowed/cmds_denied"))
    }
}
