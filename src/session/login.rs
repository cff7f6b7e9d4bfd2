//! USER, PASS, REIN and QUIT (RFC 959 sections 4.1.1 and 5.4).
//!
//! The reason of a refusal is in the log, never in the reply, and an unknown
//! user gets the same reply after the same work as a wrong password.

use super::connect::Endpoint;
use super::state::{Login, Rights, Stage};
use super::voice::Voice;
use super::{Failure, Session};
use crate::auth::{Account, Secret, is_anonymous};
use crate::protocol::ladder::Fact;
use crate::protocol::representation::Level;
use crate::protocol::{
    Algorithm, Code, Escaped, Facts, Marker, Reply, Representation, VirtualPath,
};

type Answer = Result<Reply, Failure>;

impl Session {
    /// `USER <SP> username` (RFC 959 section 4.1.1).
    pub(super) fn user(&mut self, name: &[u8]) -> Answer {
        if let Stage::In(_) = self.stage {
            return Err(Failure::refused(
                Code::NotLoggedIn,
                "Can't change to another user.",
            ));
        }
        self.stage = Stage::Named(name.into());
        if is_anonymous(name)
            && self.service.anonymous.is_some()
            && self.service.config.no_anon_password()
        {
            return self.log_in_anonymous(b"");
        }
        Ok(Reply::new(
            Code::NeedPassword,
            "Please specify the password.",
        ))
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
            stage @ Stage::In(_) => {
                self.stage = stage;
                return Ok(Reply::new(Code::LoggedIn, "Already logged in."));
            }
        };
        if is_anonymous(&name) && self.service.anonymous.is_some() {
            self.stage = Stage::Named(name);
            return self.log_in_anonymous(password);
        }
        let secret = Secret::new(password.to_vec());
        match self.service.accounts.current().verify(&name, &secret) {
            Ok(account) => self.log_in_account(&account),
            Err(denial) => Ok(self.deny(&name, &denial.to_string())),
        }
    }

    fn log_in_anonymous(&mut self, email: &[u8]) -> Answer {
        let service = &self.service;
        let config = &service.config;
        let Some(root) = service.anonymous.clone() else {
            unreachable!("both callers have seen that anonymous users are served");
        };
        let write = config.write_enable();
        let login = Login {
            root,
            cwd: VirtualPath::root(),
            rights: Rights {
                upload: write && config.anon_upload_enable(),
                make_directories: write && config.anon_mkdir_write_enable(),
                change: write && config.anon_other_write_enable(),
                chmod: false,
                world_readable_only: config.anon_world_readable_only(),
            },
            umask: config.anon_umask(),
            rate: config.anon_max_rate().into(),
        };
        self.enter(b"anonymous", login);
        if email.is_empty() {
            log::info!("{}: logged in", self.tag);
        } else {
            log::info!("{}: logged in, said \"{}\"", self.tag, Escaped(email));
        }
        Ok(Reply::new(Code::LoggedIn, "Login successful."))
    }

    fn log_in_account(&mut self, account: &Account) -> Answer {
        let root = match self.service.root_of(account) {
            Ok(root) => root,
            Err(error) => return Ok(self.deny(&account.name, &format!("home: {error}"))),
        };
        let config = &self.service.config;
        let write = config.write_enable() && !account.read_only;
        let login = Login {
            root,
            cwd: VirtualPath::root(),
            rights: Rights {
                upload: write,
                make_directories: write,
                change: write,
                chmod: write && config.chmod_enable(),
                world_readable_only: false,
            },
            umask: config.local_umask(),
            rate: config.local_max_rate().into(),
        };
        self.enter(&account.name, login);
        log::info!("{}: logged in", self.tag);
        Ok(Reply::new(Code::LoggedIn, "Login successful."))
    }

    fn enter(&mut self, name: &[u8], login: Login) {
        self.tag.set_user(name);
        self.stage = Stage::In(Box::new(login));
    }

    /// Refuses a login. The reply is held back for delay_failed_login
    /// seconds, during which no worker waits.
    fn deny(&mut self, name: &[u8], cause: &str) -> Reply {
        let name = Escaped(name);
        log::warn!("{}: login of \"{name}\" refused: {cause}", self.tag);
        self.trace(&Fact::Reason(&format!("login refused: {cause}")));
        self.failed_logins += 1;
        self.hold_reply = true;
        Reply::new(Code::NotLoggedIn, "Login incorrect.")
    }

    /// Says the reply to a failed login, the last one if there were too many.
    pub(super) fn say_denial(&mut self, reply: &Reply) {
        self.say(reply);
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
            control: _,
            tag,
            trace: _,
            stage,
            representation,
            deflate_level,
            endpoint,
            hasty: _,
            epsv_only,
            restart,
            range,
            rename_from,
            facts,
            algorithm,
            voice,
            failed_logins: _,
            unknown: _,
            last_command: _,
            hold_reply: _,
            delayed: _,
            ending: _,
        } = self;
        tag.set_user(b"");
        *stage = Stage::Greeted;
        *representation = Representation::default();
        *deflate_level = Level::default();
        *endpoint = Endpoint::None;
        *epsv_only = false;
        *restart = Marker::default();
        *range = None;
        *rename_from = None;
        *facts = Facts::DEFAULT;
        *algorithm = Algorithm::default();
        *voice = Voice::of(service);
        Reply::new(Code::ServiceReady, "Ready for a new user.")
    }

    /// `QUIT`.
    pub(super) fn quit(&mut self) -> Answer {
        self.ending = true;
        log::info!("{}: quit", self.tag);
        Ok(Reply::new(Code::ClosingControl, "Goodbye."))
    }
}
