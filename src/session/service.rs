//! What all sessions share: the configuration and what was opened for it.

use super::announce::Announced;
use super::anonymous::{Anonymous, anonymous, anonymous_path, anonymous_rights, user_matters};
use super::course::Course;
use super::greeting::greeting;
use super::owners::Owners;
use super::passive::Passive;
use super::roster::Roster;
use super::voice::Voice;
use super::{Class, Home};
use crate::auth::authenticator::Authenticator;
use crate::auth::{ListError, Lists, LiveAccounts};
use crate::config::{Config, Finding, Personal, PersonalError};
use crate::data::Buffers;
use crate::fs::Root;
use crate::protocol::host::HostNames;
use crate::protocol::{Charset, Language, Reply};
use crate::sys;
use crate::sys::passwd::User;
use crate::sys::process::effective_user;
use crate::tls::{Settings, Tls, TlsError};
use std::borrow::Cow;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

/// The service that sessions give: read-only once opened, but for caches.
pub struct Service {
    pub(super) config: Arc<Config>,
    /// Options of single users.
    personal: Personal,
    pub(super) accounts: Arc<LiveAccounts>,
    /// Who checks the passwords of the system's users, if they may log in.
    pub(super) authenticator: Option<Arc<Authenticator>>,
    tls: Option<Arc<Tls>>,
    /// The user who has started the server; it may be another one by now.
    starter: u32,
    /// Who is welcome, and who is kept in.
    pub(super) lists: Lists,
    /// To whom uploads of anonymous users are given (chown_uploads).
    pub(super) heir: Option<u32>,
    anonymous: Anonymous,
    pub(super) passive: Passive,
    pub(super) buffers: Buffers,
    pub(super) greeting: Reply,
    pub(super) roster: Roster,
    pub(super) course: Course,
    pub(super) owners: Arc<Owners>,
    /// What HOST may name.
    pub(super) host_names: HostNames,
    /// In which sessions begin.
    pub(super) language: Language,
    /// In which names are for clients that do not ask for UTF-8.
    pub(super) charset: Option<Charset>,
}

/// Why the service cannot be given.
#[derive(Debug)]
pub enum ServiceError {
    /// The anonymous root cannot be opened.
    AnonymousRoot(PathBuf, sys::Error),
    /// anonymous_enable=YES, but nothing says where anonymous files are.
    NoAnonymousRoot,
    /// A list that decides who may log in cannot be read.
    List(ListError),
    /// The user of this option is not one of the system's, or cannot be
    /// looked up.
    User(&'static str, Vec<u8>, Option<sys::Error>),
    /// ftp_username has the number 0.
    Superuser(Vec<u8>),
    /// A file for anonymous users in user_config_dir has come, or has
    /// changed, after the server had given up the right to become their user.
    LateUser,
    /// There is no TLS as it is wanted.
    Tls(TlsError),
    /// The greeting's file cannot be read.
    Banner(PathBuf, std::io::Error),
}

impl fmt::Display for ServiceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ServiceError::AnonymousRoot(_, error) if error.errno() == libc::ENOSYS => f.write_str(
                "this kernel has no openat2, on which the confinement of sessions rests: \
                 Linux 5.8 or later is needed",
            ),
            ServiceError::AnonymousRoot(path, error) => {
                write!(
                    f,
                    "{path:?}, which anonymous users are to see (anon_root, or else the home of \
                     ftp_username), cannot be served: {error}"
                )
            }
            ServiceError::NoAnonymousRoot => f.write_str(
                "anonymous_enable=YES, but anon_root is not set and there is no user ftp_username \
                 (ftp) whose home would serve: set anon_root, or anonymous_enable=NO",
            ),
            ServiceError::List(error) => error.fmt(f),
            ServiceError::User(option, name, error) => {
                let name = name.escape_ascii();
                match error {
                    None => write!(f, "{option}: the system has no user \"{name}\""),
                    Some(error) => write!(f, "{option}={name}: {error}"),
                }
            }
            ServiceError::Superuser(name) => {
                let name = name.escape_ascii();
                write!(
                    f,
                    "ftp_username: anonymous users cannot act as root (\"{name}\")"
                )
            }
            ServiceError::LateUser => f.write_str(
                "what the file of ftp_username in user_config_dir now permits needs that user, \
                 whom the server could become at its start: restart it",
            ),
            ServiceError::Tls(error) => write!(f, "ssl_enable: {error}"),
            ServiceError::Banner(path, error) => write!(f, "banner_file {path:?}: {error}"),
        }
    }
}

impl std::error::Error for ServiceError {}

impl ServiceError {
    /// Whether all that is missing is the root of anonymous users. Without
    /// openat2 nobody at all can be served.
    pub(super) fn is_about_anonymous_root(&self) -> bool {
        matches!(self, ServiceError::AnonymousRoot(_, cause) if cause.errno() != libc::ENOSYS)
    }
}

impl Service {
    /// Opens what `config` names.
    ///
    /// # Errors
    /// What cannot be opened.
    pub fn open(config: Config, accounts: LiveAccounts) -> Result<Service, ServiceError> {
        let starter = effective_user();
        Service::open_after(None, config, Arc::new(accounts), starter)
    }

    /// Opens what a configuration names that was read again. What sessions
    /// share whatever they began under is handed on: the list of sessions, the
    /// authenticator, caches, and the passive ports if they are the same.
    ///
    /// # Errors
    /// What cannot be opened.
    pub fn reopen(
        &self,
        config: Config,
        accounts: impl Into<Arc<LiveAccounts>>,
    ) -> Result<Service, ServiceError> {
        Service::open_after(Some(self), config, accounts.into(), self.starter)
    }

    fn open_after(
        before: Option<&Service>,
        config: Config,
        accounts: Arc<LiveAccounts>,
        starter: u32,
    ) -> Result<Service, ServiceError> {
        let config = Arc::new(config);
        let personal = Personal::new(Arc::clone(&config), starter);
        Ok(Service {
            anonymous: anonymous(
                &config,
                &personal,
                starter,
                config.local_enable() || !accounts.is_none(),
                before.map(|before| &before.anonymous),
            )?,
            personal,
            lists: before
                .map_or_else(
                    || Lists::open(&config),
                    |before| before.lists.reopen(&config),
                )
                .map_err(ServiceError::List)?,
            heir: heir(&config)?,
            passive: before.map_or_else(
                || Passive::new(&config),
                |before| before.passive.under(&config, &before.config),
            ),
            buffers: before.map_or_else(Buffers::default, |before| before.buffers.clone()),
            greeting: greeting(&config)?,
            roster: before.map_or_else(Roster::default, |before| before.roster.clone()),
            course: before.map_or_else(Course::default, |before| before.course.clone()),
            owners: before.map_or_else(Arc::default, |before| Arc::clone(&before.owners)),
            // What cannot be read here, config::check has refused.
            host_names: HostNames::parse(config.host_names()).unwrap_or_default(),
            language: Language::parse(config.default_language()).unwrap_or(Language::English),
            charset: Charset::parse(config.client_charset()),
            accounts,
            authenticator: before.and_then(|before| before.authenticator.clone()),
            tls: match before.and_then(|before| before.tls.as_ref()) {
                Some(tls) => tls_of(tls, &config)?,
                None => None,
            },
            starter,
            config,
        })
    }

    /// Lets the system's users log in: `authenticator` checks their passwords.
    pub fn admit_local_users(&mut self, authenticator: Authenticator) {
        self.authenticator = Some(Arc::new(authenticator));
    }

    /// The authenticator, if users of the system may log in.
    #[must_use]
    pub fn authenticator(&self) -> Option<&Authenticator> {
        self.authenticator.as_deref()
    }

    /// Its virtual accounts.
    #[must_use]
    pub fn accounts(&self) -> &Arc<LiveAccounts> {
        &self.accounts
    }

    /// Lets clients use TLS.
    pub fn offer_tls(&mut self, tls: Arc<Tls>) {
        self.tls = Some(tls);
    }

    /// TLS, if it is offered.
    #[must_use]
    pub fn tls(&self) -> Option<&Arc<Tls>> {
        self.tls.as_ref()
    }

    /// The user who has started the server.
    #[must_use]
    pub fn starter(&self) -> u32 {
        self.starter
    }

    /// The course of the server.
    #[must_use]
    pub fn course(&self) -> &Course {
        &self.course
    }

    /// From now on nobody new is let in, and those who are there stay.
    pub fn close(&self) {
        self.course.close();
    }

    /// From now on sessions end where their next command would begin.
    pub fn end(&self) {
        self.course.end();
    }

    /// Ends all sessions, and the transfers that are under way.
    pub fn cut(&self) {
        self.course.end();
        self.roster.dismiss_all();
    }

    /// A reply to a client that gets no session, in the language of the
    /// greeting.
    #[must_use]
    pub fn phrase<'reply>(&self, reply: &'reply Reply) -> Cow<'reply, Reply> {
        Voice::of(self).phrase(reply)
    }

    /// The configuration all this was opened for.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The sessions there are.
    #[must_use]
    pub fn roster(&self) -> &Roster {
        &self.roster
    }

    /// Where clients of passive mode connect to in a session with these options.
    pub(super) fn passive(&self, config: &Arc<Config>) -> Passive {
        if Arc::ptr_eq(config, &self.config) {
            self.passive.clone()
        } else {
            self.passive.under(config, &self.config)
        }
    }

    /// What PASV announces.
    #[must_use]
    pub fn announced(&self) -> &Arc<Announced> {
        &self.passive.announced
    }

    /// The root of a home, to be opened by the worker that serves it.
    ///
    /// # Errors
    /// When it cannot be opened, and EPERM when the calling thread is not
    /// the user as whom it is to be served.
    pub fn root_of(&self, home: &Home) -> Result<Arc<Root>, sys::Error> {
        if let Some(user) = &home.user
            && effective_user() != user.uid
        {
            return Err(sys::Error::new("geteuid", libc::EPERM).on(&user.name));
        }
        match self.anonymous.served() {
            Some(anonymous) if *anonymous.home == *home => Ok(Arc::clone(&anonymous.root)),
            _ => Root::open_home(&home.path, self.starter).map(Arc::new),
        }
    }

    /// Whether some sessions act as another user than the server.
    #[must_use]
    pub fn changes_user(&self) -> bool {
        let anonymous = self.anonymous.served();
        let local = self.config.local_enable() && self.starter == 0;
        local || anonymous.is_some_and(|it| it.user.is_some())
    }

    /// Whether who comes by an anonymous name is meant to be let in.
    pub(super) fn serves_anonymous(&self) -> bool {
        self.config.anonymous_enable()
    }

    /// Why nobody can be let in so all the same.
    pub(super) fn anonymous_fault(&self) -> Option<&str> {
        match &self.anonymous {
            Anonymous::Broken(fault) => Some(fault),
            Anonymous::No | Anonymous::Served(_) => None,
        }
    }

    /// The class of anonymous users, if they are served.
    #[must_use]
    pub fn anonymous_class(&self) -> Option<Class> {
        let anonymous = self.anonymous.served()?;
        Some(Class::Home(Arc::clone(&anonymous.home)))
    }

    /// The class of anonymous users under a configuration of their own.
    ///
    /// # Errors
    /// When it is not known where or who they are.
    pub(super) fn anonymous_class_of(&self, config: &Config) -> Result<Class, ServiceError> {
        let path = anonymous_path(config)?;
        let mut home = Home::seen(&path, anonymous_rights(config));
        if let Some(anonymous) = self.anonymous.served()
            && anonymous.may_be_another
            && user_matters(config, &path)
        {
            let user = anonymous.user.clone();
            home.user = Some(user.ok_or(ServiceError::LateUser)?);
        }
        Ok(Class::Home(Arc::new(home)))
    }

    /// The configuration of a user, whose own file goes over the server's.
    ///
    /// # Errors
    /// When the file cannot be used.
    pub(super) fn config_of(&self, name: &[u8]) -> Result<Arc<Config>, PersonalError> {
        let (config, findings) = self.personal.of(name)?;
        tell(&findings);
        Ok(config)
    }

    /// The class of the workers that greet: where anonymous users alone are
    /// served, that of theirs, so that logging in takes no session elsewhere.
    #[must_use]
    pub fn first_class(&self) -> Class {
        match self.anonymous_class() {
            // Whose workers see no file but those they serve.
            Some(anonymous)
                if self.accounts.is_none()
                    && !self.config.local_enable()
                    && self.lists.is_empty()
                    && self.config.user_config_dir().is_none() =>
            {
                anonymous
            }
            _ => Class::Reception,
        }
    }
}

/// What becomes of TLS under a configuration that was read again.
fn tls_of(before: &Arc<Tls>, config: &Config) -> Result<Option<Arc<Tls>>, ServiceError> {
    match Settings::of(config) {
        None => Ok(None),
        Some(settings) if settings == *before.settings() => Ok(Some(Arc::clone(before))),
        Some(settings) => {
            let tls = before.again(settings).map_err(ServiceError::Tls)?;
            Ok(Some(Arc::new(tls)))
        }
    }
}

pub(super) fn tell(findings: &[Finding]) {
    for finding in findings {
        log::warn!("{finding}");
    }
}

/// The user that chown_uploads gives files to, which the file of one user may
/// switch on.
fn heir(config: &Config) -> Result<Option<u32>, ServiceError> {
    let needed = config.chown_uploads();
    if !needed && config.user_config_dir().is_none() {
        return Ok(None);
    }
    let error = |error| {
        let name = config.chown_username().to_vec();
        ServiceError::User("chown_username", name, error)
    };
    match User::find(config.chown_username()) {
        Ok(Some(user)) => Ok(Some(user.uid)),
        Ok(None) if needed => Err(error(None)),
        Err(why) if needed => Err(error(Some(why))),
        Ok(None) | Err(_) => Ok(None),
    }
}
