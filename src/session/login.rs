//! USER, PASS, REIN and QUIT (RFC 959 sections 4.1.1 and 5.4).
//!
//! The reason of a refusal is in the log, never in the reply, and an unknown
//! user gets the same reply after the same work as a wrong password.

use super::access::Filters;
use super::connect::Endpoint;
use super::state::{Entry, Login, Rights, Stage};
use super::voice::Voice;
use super::{Class, Delayed, Failure, Home, Place, Session};
use crate::auth::{Account, Denial, Privileges, Secret, is_anonymous};
use crate::protocol::ladder::Fact;
use crate::protocol::representation::Level;
use crate::protocol::{
    Algorithm, Code, Escaped, Facts, Marker, Reply, Representation, VirtualPath,
};
use crate::record::event::Account as Kind;
use std::sync::Arc;

type Answer = Result<Reply, Failure>;

/// What a refused login is told, whatever the reason.
pub(super) const INCORRECT: &str = "Login incorrect.";

/// What a user is told whose file in user_config_dir cannot be used.
pub(super) const OUT_OF_ORDER: &str = "OOPS: the options of this user are out of order.";

impl Session {
    /// `USER <SP> username` (RFC 959 section 4.1.1).
    pub(super) fn user(&mut self, name: &[u8]) -> Answer {
        if let Stage::In(login) = &self.stage {
            return self.still(login.privileges, name);
        }
        // Before the password, which need not cross the network in vain.
        let nobody = self.service.accounts.is_none() && !self.service.config.local_enable();
        if nobody && !is_anonymous(name) {
            self.stage = Stage::Greeted;
            return Err(
                Failure::refused(Code::NotLoggedIn, "This FTP server is anonymous only.")
                    .because("local_enable"),
            );
        }
        if let Err(why) = self.service.lists.welcome(name) {
            self.stage = Stage::Greeted;
            self.record_unwelcome(name, why);
            return Ok(self.deny_unrecorded(name, &why.to_string(), "Permission denied."));
        }
        if let Some(refusal) = self.lacks_tls(name) {
            self.stage = Stage::Greeted;
            return Err(refusal);
        }
        self.record_name(name);
        if let Some(account) = self.proved_account(name) {
            return Ok(self.log_in_proved(&account));
        }
        self.stage = Stage::Named(name.into());
        if is_anonymous(name)
            && self.service.serves_anonymous()
            && self.service.config.no_anon_password()
        {
            return Ok(self.log_in_anonymous(name, b""));
        }
        Ok(Reply::new(
            Code::NeedPassword,
            "Please specify the password.",
        ))
    }

    /// USER of who is logged in, in vsftpd's words: nobody changes but by REIN,
    /// and a client that logs in once more as the same user may go on.
    fn still(&self, privileges: Privileges, name: &[u8]) -> Answer {
        let text = match privileges {
            Privileges::Anonymous => "Can't change from guest user.",
            Privileges::Local if name == self.tag.user() => {
                return Ok(Reply::new(Code::NeedPassword, "Any password will do."));
            }
            Privileges::Local => "Can't change to another user.",
        };
        Err(Failure::refused(Code::NotLoggedIn, text))
    }

    /// `PASS <SP> password`.
    pub(super) fn pass(&mut self, password: &[u8]) -> Answer {
        let name = match std::mem::replace(&mut self.stage, Stage::Greeted) {
            Stage::Named(name) => name,
            Stage::Greeted => {
                return Err(Failure::refused(
                    Code::BadSequence,
                    "Login with USER first.",
                ));
            }
            stage @ (Stage::Accepted(_) | Stage::In(_)) => {
                self.stage = stage;
                return Ok(Reply::new(Code::LoggedIn, "Already logged in."));
            }
        };
        if is_anonymous(&name) && self.service.serves_anonymous() {
            return Ok(self.log_in_anonymous(&name, password));
        }
        let secret = Secret::new(password.to_vec());
        let service = Arc::clone(&self.service);
        Ok(match service.accounts.current().verify(&name, &secret) {
            Ok(account) => self.log_in_account(&account),
            Err(denial) => match (&service.authenticator, denial) {
                (Some(authenticator), Denial::UnknownUser) if service.config.local_enable() => {
                    self.ask(authenticator, &name, &secret)
                }
                (_, denial) => self.deny(&name, &denial.to_string(), INCORRECT),
            },
        })
    }

    fn log_in_anonymous(&mut self, name: &[u8], email: &[u8]) -> Reply {
        self.stage = Stage::Greeted;
        if let Err(why) = self.service.lists.welcome_email(email) {
            return self.deny(name, &why.to_string(), INCORRECT);
        }
        let service = Arc::clone(&self.service);
        if let Some(fault) = service.anonymous_fault() {
            return self.oops(name, fault, "OOPS: cannot change directory.");
        }
        let config = match self.service.config_of(self.service.config.ftp_username()) {
            Ok(config) => config,
            Err(error) => return self.oops(name, &error.to_string(), OUT_OF_ORDER),
        };
        let class = if Arc::ptr_eq(&config, &self.service.config) {
            self.service.anonymous_class()
        } else {
            match self.service.anonymous_class_of(&config) {
                Ok(class) => Some(class),
                Err(error) => return self.oops(name, &error.to_string(), OUT_OF_ORDER),
            }
        };
        let Some(class) = class else {
            unreachable!("both callers have seen that anonymous users are served");
        };
        self.accept(Entry {
            class,
            name: (*b"anonymous").into(),
            config,
            privileges: Privileges::Anonymous,
            read_only: false,
            start: vec![VirtualPath::root()],
            account: Kind::Anonymous,
            said: match email {
                b"" if self.service.config.no_anon_password() => b"<no_password>"[..].into(),
                email => email.into(),
            },
        })
    }

    /// Who has proved by its certificate to be this user needs no password.
    fn log_in_proved(&mut self, account: &Account) -> Reply {
        let reply = self.log_in_account(account);
        if reply.code() != Code::LoggedIn {
            return reply;
        }
        log::info!("{}: proved by its certificate (client_cert_user)", self.tag);
        Reply::new(Code::LoggedInSecurely, "Login successful, by certificate.")
    }

    /// A virtual account has what users of the system have: local_umask and
    /// local_max_rate, and the options of its own file; but its home is its
    /// root whatever chroot_local_user, local_root and guest_enable say.
    fn log_in_account(&mut self, account: &Account) -> Reply {
        let config = match self.service.config_of(&account.name) {
            Ok(config) => config,
            Err(error) => return self.oops(&account.name, &error.to_string(), OUT_OF_ORDER),
        };
        let privileges = Privileges::Local;
        let rights = Rights::of(privileges, &config, account.read_only);
        self.accept(Entry {
            class: Class::Home(Arc::new(Home::seen(&account.home, rights))),
            name: account.name.as_slice().into(),
            config,
            privileges,
            read_only: account.read_only,
            start: vec![VirtualPath::root()],
            account: Kind::Guest,
            said: Box::default(),
        })
    }

    /// The user is who it says. What is left is a worker that may serve it,
    /// which says the reply.
    pub(super) fn accept(&mut self, entry: Entry) -> Reply {
        self.stage = Stage::Accepted(Box::new(entry));
        Reply::new(Code::LoggedIn, "Login successful.")
    }

    /// The class of worker this session needs, if that is not `place`.
    pub(super) fn class_elsewhere(&self, place: &Place) -> Option<Class> {
        match &self.stage {
            Stage::Greeted | Stage::Named(_) => {
                let first = self.service.first_class();
                (first != place.class).then_some(first)
            }
            Stage::Accepted(entry) if entry.class != place.class => Some(entry.class.clone()),
            // In stays where it went.
            Stage::Accepted(_) | Stage::In(_) => None,
        }
    }

    /// Lets a user who was accepted in, now that a worker of its class has
    /// the session.
    pub(super) fn arrive(&mut self, place: &Place) {
        if !matches!(self.stage, Stage::Accepted(_)) {
            return;
        }
        let (Stage::Accepted(entry), Some(welcome)) = (
            std::mem::replace(&mut self.stage, Stage::Greeted),
            self.welcome.take(),
        ) else {
            unreachable!("who is accepted has its reply waiting");
        };
        let Some(root) = &place.root else {
            unreachable!("a worker of a home has its root");
        };
        let mut start = entry.start.iter();
        let Some(home) = start.find(|path| root.enter(path).is_ok()) else {
            let reply = self.deny(&entry.name, "no directory to begin in", INCORRECT);
            return self.hold(reply);
        };
        let Entry {
            config, privileges, ..
        } = &*entry;
        let filters = Filters::of(config);
        let Some(root) = filters.root(root, home) else {
            let reply = self.deny(&entry.name, "no directory to begin in", INCORRECT);
            return self.hold(reply);
        };
        self.tag.set_user(&entry.name);
        self.passive = self.service.passive(config);
        self.config = Arc::clone(config);
        self.stage = Stage::In(Box::new(Login {
            root,
            cwd: home.clone(),
            home: home.clone(),
            privileges: *privileges,
            rights: Rights::of(*privileges, config, entry.read_only),
            filters: Arc::new(filters),
            umask: privileges.umask(config),
            rate: privileges.rate(config),
            idle_limit: None,
            visited: Vec::new(),
        }));
        if entry.said.is_empty() {
            log::info!("{}: logged in", self.tag);
        } else {
            log::info!("{}: logged in, said \"{}\"", self.tag, Escaped(&entry.said));
        }
        let shown = match entry.account {
            Kind::Anonymous => config.ftp_username(),
            _ => &*entry.name,
        };
        self.record_login(shown, entry.account, &entry.said);
        let welcome = self.shown_around(welcome);
        if self.service.config.delay_successful_login() > 0 {
            self.delayed = Some(Delayed::Welcome(welcome));
        } else {
            self.say(&welcome);
        }
        self.rests();
    }

    /// There is no worker for the user: its home cannot be served, for the
    /// reason given.
    pub fn turn_back(&mut self, cause: &str) {
        if let Stage::Accepted(entry) = std::mem::replace(&mut self.stage, Stage::Greeted) {
            self.welcome = None;
            self.pam_session = None;
            let reply = self.deny(&entry.name, cause, INCORRECT);
            self.hold(reply);
        }
    }

    /// Refuses a login. The reply is held back for delay_failed_login
    /// seconds, during which no worker waits.
    pub(super) fn deny(&mut self, name: &[u8], cause: &str, text: &'static str) -> Reply {
        self.record_denial(name, cause);
        self.deny_unrecorded(name, cause, text)
    }

    /// The same when the logs of transfers have, or want, nothing of it.
    fn deny_unrecorded(&mut self, name: &[u8], cause: &str, text: &'static str) -> Reply {
        let shown = Escaped(name);
        log::warn!("{}: login of \"{shown}\" refused: {cause}", self.tag);
        self.explained = true;
        self.trace(&Fact::Reason(&format!("login refused: {cause}")));
        self.failed_logins += 1;
        self.hold_reply = true;
        Reply::new(Code::NotLoggedIn, text)
    }

    /// Ends the session of a user who may come in, and cannot, for something
    /// that the configuration names is out of order: without it he might do
    /// more than he may.
    pub(super) fn oops(&mut self, name: &[u8], cause: &str, text: &'static str) -> Reply {
        let name = Escaped(name);
        log::error!("{}: login of \"{name}\" refused: {cause}", self.tag);
        self.trace(&Fact::Reason(&format!("login refused: {cause}")));
        self.explained = true;
        self.ending = true;
        Reply::new(Code::SyntaxError, text)
    }

    /// Holds the reply to a failed login back.
    pub(super) fn hold(&mut self, reply: Reply) {
        self.hold_reply = false;
        if self.service.config.delay_failed_login() > 0 {
            self.delayed = Some(Delayed::Denial(reply));
        } else {
            self.say_denial(&reply);
        }
    }

    /// Says the reply to a failed login, the last one if there were too many.
    pub(super) fn say_denial(&mut self, reply: &Reply) {
        self.say(reply);
        self.record_name(b"");
        if self.failed_logins >= self.service.config.max_login_fails().max(1) {
            log::warn!("{}: too many failed logins (max_login_fails)", self.tag);
            self.trace(&Fact::Reason("too many failed logins (max_login_fails)"));
            self.ending = true;
        }
    }

    /// `REIN`: back to where the greeting was said (RFC 959 section 4.1.1).
    /// What counts attempts goes on counting, or guessing would be free.
    pub(super) fn rein(&mut self) -> Reply {
        log::info!("{}: begins anew", self.tag);
        // Named one by one, so that none is forgotten.
        let Session {
            service,
            config,
            passive,
            control: _,
            tag,
            trace: _,
            scribe: _,
            stage,
            pam_session,
            security,
            leaving,
            representation,
            deflate_level,
            endpoint,
            hasty: _,
            epsv_only,
            restart,
            range,
            rename_from,
            copy_from,
            facts,
            algorithm,
            voice,
            failed_logins: _,
            unknown: _,
            last_command: _,
            aborted: _,
            hold_reply: _,
            asked: _,
            delayed: _,
            welcome: _,
            ending: _,
            explained: _,
        } = self;
        tag.set_user(b"");
        *config = Arc::clone(&service.config);
        *passive = service.passive.clone();
        *stage = Stage::Greeted;
        *pam_session = None;
        *leaving = security.reset(config.implicit_ssl());
        *representation = Representation::default();
        *deflate_level = Level::default();
        *endpoint = Endpoint::None;
        *epsv_only = false;
        *restart = Marker::default();
        *range = None;
        *rename_from = None;
        *copy_from = None;
        *facts = Facts::DEFAULT;
        *algorithm = Algorithm::default();
        *voice = Voice::of(service);
        self.record_name(b"");
        Reply::new(Code::ServiceReady, "Ready for a new user.")
    }

    /// `QUIT`.
    pub(super) fn quit(&mut self) -> Answer {
        self.ending = true;
        log::info!("{}: quit", self.tag);
        Ok(Reply::new(Code::ClosingControl, "Goodbye."))
    }
}
