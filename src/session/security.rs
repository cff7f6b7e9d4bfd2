//! AUTH, PBSZ, PROT and CCC (RFC 2228 section 3, RFC 4217), the handshake of
//! the control connection, and what may be done without TLS.
//!
//! The handshake is part of the session's life like its commands: a worker
//! goes on with it while octets come and parks the session otherwise, so that
//! a slow one keeps nobody. It has a deadline of its own.

use super::{Failure, Outcome, Session, Stage};
use crate::auth::{Account, is_anonymous};
use crate::control::Progress;
use crate::protocol::command::Verb;
use crate::protocol::ladder::{Fact, Side};
use crate::protocol::{Code, Reply};
use crate::tls::{Agreed, Handshake, HandshakeError, Lineage};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Tickets given before CCC is answered. Clients that use each of them once
/// keep about so many; others need no more than one.
const PARTING_TICKETS: usize = 8;

type Answer = Result<Reply, Failure>;

/// How far TLS has come.
#[derive(Debug, Default)]
pub(super) enum Security {
    /// None.
    #[default]
    Clear,
    /// A handshake is under way.
    Agreeing(Box<Agreeing>),
    /// Agreed on.
    Agreed(Box<Secured>),
}

/// A handshake of the control connection.
#[derive(Debug)]
pub(super) struct Agreeing {
    handshake: Handshake,
    until: Option<Instant>,
    /// Before the greeting (implicit_ssl).
    implicit: bool,
    /// Data connections are protected without PROT.
    data: bool,
}

/// What the session keeps of its TLS besides the keys.
#[derive(Debug)]
pub(super) struct Secured {
    /// What data connections must descend from.
    pub(super) lineage: Arc<Lineage>,
    /// Whom the client's certificate names.
    names: Vec<String>,
    /// PBSZ was said, or needs not be.
    sized: bool,
    /// PROT P.
    data: bool,
    /// A data connection has resumed the session.
    pub(super) resumes: bool,
}

impl Security {
    /// Back to where the session began (REIN); true if the control connection
    /// is to go back to the clear.
    pub(super) fn reset(&mut self, implicit: bool) -> bool {
        if let (Security::Agreed(secured), true) = (&mut *self, implicit) {
            secured.data = true;
            return false;
        }
        matches!(std::mem::take(self), Security::Agreed(_))
    }
}

pub(super) fn sequence(text: &'static str) -> Failure {
    Failure::refused(Code::BadSequence, text)
}

impl Session {
    /// `AUTH <SP> mechanism` (RFC 4217 section 4).
    pub(super) fn auth(&mut self, mechanism: &[u8]) -> Answer {
        let is = |name: &str| mechanism.eq_ignore_ascii_case(name.as_bytes());
        // The two that stand in no RFC imply PROT P, as their draft had it.
        let data = is("TLS-P") || is("SSL");
        if !(data || is("TLS") || is("TLS-C")) {
            return Err(Failure::refused(
                Code::ParameterNotImplemented,
                "Unknown mechanism: TLS is the one there is.",
            ));
        }
        if !matches!(self.security, Security::Clear) {
            return Err(sequence("TLS is on already."));
        }
        if !matches!(self.stage, Stage::Greeted | Stage::Named(_)) {
            return Err(sequence("AUTH comes before the login."));
        }
        if self.control.buffered() > 0 {
            // Whoever is on the way can put commands behind AUTH, which would
            // then seem to have come under TLS.
            self.ending = true;
            return Err(Failure::refused(
                Code::ServiceNotAvailable,
                "Nothing may follow AUTH in clear.",
            )
            .because("the client went on in clear behind AUTH"));
        }
        if !self.begin_handshake(false, data) {
            return Err(Failure::refused(
                Code::SecurityUnavailable,
                "TLS is not available now.",
            ));
        }
        // What was said in clear does not count.
        self.stage = Stage::Greeted;
        Ok(Reply::new(
            Code::SecurityAccepted,
            "Proceed with negotiation.",
        ))
    }

    /// A control connection that begins with TLS (implicit_ssl).
    pub(super) fn begin_implicitly(&mut self) {
        if !self.begin_handshake(true, true) {
            self.ending = true;
        }
    }

    fn begin_handshake(&mut self, implicit: bool, data: bool) -> bool {
        let Some(tls) = self.service.tls() else {
            return false;
        };
        match tls.control() {
            Ok(handshake) => {
                let limit = self.handshake_limit();
                self.security = Security::Agreeing(Box::new(Agreeing {
                    handshake,
                    until: limit.map(|limit| Instant::now() + limit),
                    implicit,
                    data,
                }));
                true
            }
            Err(error) => {
                log::error!("{}: no TLS: {error}", self.tag);
                false
            }
        }
    }

    /// How long a handshake may take.
    pub(super) fn handshake_limit(&self) -> Option<Duration> {
        let seconds = self.config.ssl_handshake_timeout();
        (seconds > 0).then(|| Duration::from_secs(seconds.into()))
    }

    /// Whether a handshake is under way.
    pub(super) fn is_agreeing(&self) -> bool {
        matches!(self.security, Security::Agreeing(_))
    }

    /// Goes on with the handshake; what is to become of the session if that
    /// takes more of the client.
    pub(super) fn agree(&mut self) -> Option<Outcome> {
        let Security::Agreeing(agreeing) = &mut self.security else {
            return None;
        };
        if agreeing.until.is_some_and(|until| Instant::now() >= until) {
            self.give_up(&HandshakeError::TooSlow.to_string());
            return None;
        }
        match self.control.negotiate(&mut agreeing.handshake) {
            Progress::Done => {
                self.finish_handshake();
                None
            }
            Progress::Silence => Some(Outcome::Park(agreeing.until)),
            Progress::Failed => {
                let why = agreeing.handshake.failure().map(ToString::to_string);
                self.give_up(&why.unwrap_or_default());
                None
            }
            Progress::Closed => {
                log::info!(
                    "{}: connection closed by the client during the TLS handshake",
                    self.tag
                );
                self.trace_end(Side::Client);
                Some(Outcome::End)
            }
        }
    }

    /// Ends the session, of whose octets nobody could say what they mean.
    fn give_up(&mut self, why: &str) {
        log::warn!("{}: ended: TLS handshake: {why}", self.tag);
        self.trace(&Fact::Reason(&format!("TLS handshake: {why}")));
        self.security = Security::Clear;
        self.ending = true;
    }

    fn finish_handshake(&mut self) {
        let Security::Agreeing(agreeing) = std::mem::take(&mut self.security) else {
            return;
        };
        let Agreeing {
            handshake,
            implicit,
            data,
            ..
        } = *agreeing;
        let agreed = match handshake.finish() {
            Ok(agreed) => agreed,
            Err(error) => return self.give_up(&error.to_string()),
        };
        let Agreed {
            channel,
            rest,
            report,
            certificates,
            lineage,
        } = agreed;
        if self.config.debug_ssl() {
            log::info!("{}: control connection: {report}", self.tag);
        }
        let names = match self.service.tls() {
            Some(tls) if !certificates.is_empty() => tls.names(&certificates),
            _ => Vec::new(),
        };
        self.control.protect(Box::new(channel), rest);
        self.security = Security::Agreed(Box::new(Secured {
            lineage: Arc::new(lineage),
            names,
            sized: implicit,
            data,
            resumes: false,
        }));
        self.last_command = Instant::now();
        if implicit {
            self.greet();
        }
    }

    fn secured_mut(&mut self) -> Result<&mut Secured, Failure> {
        match &mut self.security {
            Security::Agreed(secured) => Ok(secured),
            _ => Err(sequence("AUTH comes first.")),
        }
    }

    /// What is kept of TLS, if it was agreed on.
    pub(super) fn secured(&self) -> Option<&Secured> {
        match &self.security {
            Security::Agreed(secured) => Some(secured),
            _ => None,
        }
    }

    /// Whether data connections are under TLS.
    pub(super) fn protects_data(&self) -> bool {
        self.secured().is_some_and(|secured| secured.data)
    }

    /// Notes that a data connection has resumed the session.
    pub(super) fn note_resumption(&mut self) {
        if let Security::Agreed(secured) = &mut self.security {
            secured.resumes = true;
        }
    }

    /// `PBSZ <SP> size` (RFC 4217 section 8): any size will do, and is 0.
    pub(super) fn pbsz(&mut self, size: &[u8]) -> Answer {
        let secured = self.secured_mut()?;
        let is_number = !size.is_empty() && size.iter().all(u8::is_ascii_digit);
        if !is_number || size.len() > 10 {
            let syntax = format!("Syntax: {}", Verb::Pbsz.spec().syntax);
            return Err(Failure::Refused(Reply::new(Code::ArgumentError, syntax)));
        }
        secured.sized = true;
        Ok(Reply::new(Code::CommandOk, "PBSZ=0"))
    }

    /// `PROT <SP> level` (RFC 4217 section 9).
    pub(super) fn prot(&mut self, level: &[u8]) -> Answer {
        let in_clear = !self.control.is_secure();
        let secured = self.secured_mut()?;
        if !secured.sized {
            return Err(sequence("PBSZ comes first."));
        }
        let text = match level.to_ascii_uppercase().as_slice() {
            // After CCC anybody on the way can say so, and would read what
            // the client believes to be protected.
            b"C" if in_clear && secured.data => {
                return Err(Failure::refused(
                    Code::PolicyDenied,
                    "Data connections stay protected after CCC.",
                ));
            }
            b"C" => {
                secured.data = false;
                "Data connections are plain text now."
            }
            b"P" => {
                secured.data = true;
                "Data connections are protected now."
            }
            b"S" | b"E" => {
                return Err(Failure::refused(
                    Code::ProtectionUnsupported,
                    "TLS has no such level: there are C and P.",
                ));
            }
            _ => {
                return Err(Failure::refused(
                    Code::ParameterNotImplemented,
                    "Unknown level: there are C and P.",
                ));
            }
        };
        Ok(Reply::new(Code::CommandOk, text))
    }

    /// `CCC` (RFC 4217 section 6).
    pub(super) fn ccc(&mut self) -> Answer {
        if !self.control.is_secure() {
            return Err(Failure::refused(
                Code::ProtectionDenied,
                "The control connection is plain text.",
            ));
        }
        self.leaving = true;
        // Later there is nothing left on which they could come.
        for _ in 0..PARTING_TICKETS {
            self.control.give_ticket();
        }
        Ok(Reply::new(
            Code::CommandOk,
            "The control connection goes on in clear.",
        ))
    }

    /// Ends the protection of the control connection, once the reply to the
    /// command that asks for it is said.
    pub(super) fn leave_protection(&mut self) {
        if std::mem::take(&mut self.leaving) {
            self.control.unprotect();
            log::info!("{}: the control connection goes on in clear", self.tag);
        }
    }

    /// Why a user may not log in on this control connection as it is.
    pub(super) fn lacks_tls(&self, name: &[u8]) -> Option<Failure> {
        self.service.tls()?;
        let config = &self.config;
        let anonymous = is_anonymous(name) && self.service.serves_anonymous();
        let (text, option) = match (anonymous, self.control.is_secure()) {
            (true, true) if !config.allow_anon_ssl() && !config.force_anon_logins_ssl() => (
                "Anonymous sessions may not use encryption.",
                "allow_anon_ssl",
            ),
            (true, false) if config.force_anon_logins_ssl() => (
                "Anonymous sessions must use encryption.",
                "force_anon_logins_ssl",
            ),
            (false, false) if config.force_local_logins_ssl() => (
                "Non-anonymous sessions must use encryption.",
                "force_local_logins_ssl",
            ),
            _ => return None,
        };
        Some(Failure::refused(Code::NotLoggedIn, text).because(option))
    }

    /// Refuses a data connection in clear where it has to be under TLS.
    pub(super) fn need_protection(&self) -> Result<(), Failure> {
        if self.service.tls().is_none() || self.protects_data() {
            return Ok(());
        }
        let user = self.tag.user();
        let anonymous = is_anonymous(user) && self.service.serves_anonymous();
        let (must, option) = if anonymous {
            (self.config.force_anon_data_ssl(), "force_anon_data_ssl")
        } else {
            (self.config.force_local_data_ssl(), "force_local_data_ssl")
        };
        if must {
            return Err(Failure::InClear(option));
        }
        Ok(())
    }

    /// The virtual account of this name, if the client's certificate says
    /// that it is its user (client_cert_user).
    pub(super) fn proved_account(&self, name: &[u8]) -> Option<Arc<Account>> {
        let secured = self.secured().filter(|_| self.control.is_secure())?;
        if secured.names.is_empty() {
            return None;
        }
        let by = self.service.config.users_by_certificate()?;
        let accounts = self.service.accounts.current();
        accounts.proved(name, by, &secured.names)
    }
}
