//! The server-PI (RFC 959 section 2.2): one session from its greeting to its
//! end.
//!
//! A [`Session`] is a value, not a stack: between two commands it can be
//! handed from one worker to another or lie parked without any thread. A
//! worker calls [`Session::serve`], which works while commands come and
//! returns as soon as there is nothing to do.
#![forbid(unsafe_code)]

mod access;
mod announce;
mod anonymous;
mod attributes;
mod class;
mod combine;
mod connect;
mod copy;
mod course;
mod digest;
mod directory_message;
mod dispatch;
mod expand;
mod facts;
mod failure;
mod greeting;
mod host;
mod information;
mod list;
mod listing;
mod local;
mod login;
mod messages;
mod modify;
mod navigate;
mod owners;
mod parameters;
mod passive;
mod permission;
mod presence;
mod protected;
mod representation;
mod retrieve;
mod roster;
mod scribe;
mod security;
mod service;
mod site;
mod space;
mod state;
mod store;
mod trace;
mod transfer;
mod unique;
mod voice;

pub use announce::{Announced, News};
pub use class::{Class, Home, Place};
pub use course::Course;
pub use presence::WORKER;
pub use roster::{Doing, Roster, Sight};
pub use service::{Service, ServiceError};
pub use state::SessionId;

use crate::auth::authenticator::SessionHandle;
use crate::config::Config;
use crate::control::{Connection, Input};
use crate::protocol::ladder::{Fact, Side};
use crate::protocol::representation::Level;
use crate::protocol::{
    Algorithm, ByteRange, Code, Escaped, Facts, Marker, Reply, Representation, VirtualPath,
};
use crate::record::Ledger;
use connect::Endpoint;
use failure::Failure;
use scribe::Scribe;
use security::Security;
use state::{Stage, Tag};
use std::net::SocketAddr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::time::{Duration, Instant};
use trace::Trace;
use voice::Voice;

/// Why a worker takes a session up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wake {
    /// It is new.
    Born,
    /// Its control connection has input, or has closed.
    Readable,
    /// The moment it was parked until has come.
    TimeIsUp,
    /// It has come to a worker of its class.
    Moved,
}

/// What is to become of a session that a worker lays down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Wake it at input, or at this moment if one is given.
    Park(Option<Instant>),
    /// Wake it at this moment and not before: input must wait.
    Delay(Instant),
    /// Take it to a worker of this class.
    Move(Class),
    /// Let it go.
    End,
}

/// The reply to PASS, or to USER, that is held back.
enum Delayed {
    /// For delay_failed_login.
    Denial(Reply),
    /// For delay_successful_login.
    Welcome(Reply),
}

/// One session with one client.
pub struct Session {
    service: Arc<Service>,
    /// That of the service, and once logged in that of the user.
    config: Arc<Config>,
    passive: passive::Passive,
    control: Connection,
    tag: Tag,
    /// The drawing of this session, if somebody wants one (trace_connections).
    trace: Option<Box<Trace>>,
    /// Who writes to the logs of transfers, if there are any.
    scribe: Option<Box<Scribe>>,
    stage: Stage,
    /// Keeps the PAM session open (session_support).
    pam_session: Option<SessionHandle>,
    /// TLS, and how far it has come.
    security: Security,
    /// The control connection goes back to the clear after this reply.
    leaving: bool,
    /// TYPE, STRU and MODE.
    representation: Representation,
    /// OPTS MODE Z LEVEL.
    deflate_level: Level,
    endpoint: Endpoint,
    /// The client is of a kind for which passive replies come too soon
    /// (`Session::note_order`).
    hasty: bool,
    /// EPSV ALL was said (RFC 2428 section 4).
    epsv_only: bool,
    /// Where the next transfer begins (REST).
    restart: Marker,
    /// Part of the file that the next transfer or HASH is about (RANG).
    range: Option<ByteRange>,
    /// How HASH hashes (OPTS HASH).
    algorithm: Algorithm,
    /// Source of the rename under way (RNFR).
    rename_from: Option<VirtualPath>,
    /// Source of the copy under way (SITE CPFR).
    copy_from: Option<VirtualPath>,
    /// Facts MLSD and MLST give (OPTS MLST).
    facts: Facts,
    voice: Voice,
    failed_logins: u32,
    /// Lines before login that were no command.
    unknown: u32,
    /// The idle timer counts from here: commands count, stray bytes do not.
    last_command: Instant,
    /// The reply of the command under way is to be held back.
    hold_reply: bool,
    /// When the command under way came.
    asked: Instant,
    /// The reply that is being held back.
    delayed: Option<Delayed>,
    /// The reply to a log-in that has succeeded, until somebody serves it.
    welcome: Option<Reply>,
    /// The last reply is said; the session is to be closed.
    ending: bool,
    /// Why the next reply refuses is in the log.
    explained: bool,
    /// ABOR has ended something, and is still to be answered.
    aborted: bool,
}

impl Session {
    /// A session on a fresh control connection from `peer`.
    ///
    /// # Errors
    /// When the connection is already gone.
    pub fn new(
        id: SessionId,
        socket: OwnedFd,
        peer: SocketAddr,
        service: Arc<Service>,
    ) -> Result<Session, crate::sys::Error> {
        let control = Connection::new(socket, peer)?;
        let trace = service.config.trace_connections();
        let tag = Tag::new(id, &control, &service.roster);
        Ok(Session {
            scribe: Scribe::of(Ledger::of(&service.config), &tag),
            tag,
            trace: trace.then(|| Box::new(Trace::new(id, &control))),
            voice: Voice::of(&service),
            config: Arc::clone(&service.config),
            passive: service.passive.clone(),
            service,
            control,
            stage: Stage::Greeted,
            pam_session: None,
            security: Security::Clear,
            leaving: false,
            representation: Representation::default(),
            deflate_level: Level::default(),
            endpoint: Endpoint::None,
            hasty: false,
            epsv_only: false,
            restart: Marker::default(),
            range: None,
            algorithm: Algorithm::default(),
            rename_from: None,
            copy_from: None,
            facts: Facts::DEFAULT,
            failed_logins: 0,
            unknown: 0,
            last_command: Instant::now(),
            hold_reply: false,
            asked: Instant::now(),
            delayed: None,
            welcome: None,
            ending: false,
            explained: false,
            aborted: false,
        })
    }

    /// The number by which the log knows this session.
    #[must_use]
    pub fn id(&self) -> SessionId {
        self.tag.id
    }

    /// Works as long as there are commands, on a worker at `place`.
    pub fn serve(&mut self, wake: Wake, place: &Place) -> Outcome {
        match wake {
            Wake::Born => self.begin(),
            Wake::Readable | Wake::Moved => {}
            Wake::TimeIsUp if self.is_dismissed() => {}
            // Its own deadline, which whoever goes on with it looks at.
            Wake::TimeIsUp if self.is_agreeing() => {}
            Wake::TimeIsUp => match self.delayed.take() {
                Some(Delayed::Denial(reply)) => self.say_denial(&reply),
                Some(Delayed::Welcome(reply)) => self.say(&reply),
                None => self.time_out(),
            },
        }
        let outcome = self.work(place);
        self.entitle(None);
        if outcome == Outcome::End {
            // Before the last reply: the client's next session may want it.
            self.forget_endpoint();
            self.control.close();
            self.control.drain();
        } else if !matches!(outcome, Outcome::Move(_)) {
            self.control.shrink();
        }
        outcome
    }

    fn work(&mut self, place: &Place) -> Outcome {
        loop {
            if !self.ending && self.is_dismissed() {
                self.depart();
                return Outcome::End;
            }
            if let Some(class) = self.class_elsewhere(place) {
                return Outcome::Move(class);
            }
            self.arrive(place);
            if self.ending {
                self.trace_end(Side::Server);
                return Outcome::End;
            }
            if let Some(delayed) = &self.delayed {
                let _ = self.control.flush();
                let config = &self.service.config;
                let seconds = |seconds: u32| Duration::from_secs(seconds.into());
                let delay = match delayed {
                    Delayed::Denial(_) => {
                        let delay = seconds(config.delay_failed_login());
                        whole_delays(self.asked.elapsed(), delay)
                    }
                    Delayed::Welcome(_) => seconds(config.delay_successful_login()),
                };
                return Outcome::Delay(self.asked + delay);
            }
            if self.service.course.is_ending() {
                // No command begins any more; what was under way is over.
                log::info!("{}: ended, the server stops", self.tag);
                self.explained = true;
                self.end(shutting_down());
                continue;
            }
            if self.is_agreeing() {
                match self.agree() {
                    None => continue,
                    Some(outcome) => return outcome,
                }
            }
            let input = self.control.next_input();
            if self.is_dismissed() {
                continue;
            }
            match input {
                Input::Line(line) => {
                    self.asked = Instant::now();
                    self.command(line);
                    self.last_command = Instant::now();
                    self.rests();
                }
                Input::Silence => return Outcome::Park(self.idle_deadline()),
                Input::Closed => {
                    self.tell_end();
                    self.trace_end(Side::Client);
                    return Outcome::End;
                }
            }
        }
    }

    fn idle_deadline(&self) -> Option<Instant> {
        let seconds = self.idle_limit();
        (seconds > 0).then(|| self.last_command + Duration::from_secs(seconds.into()))
    }

    fn begin(&mut self) {
        log::info!("{}: connected", self.tag);
        self.record_arrival();
        self.trace(&Fact::Opened);
        if self.config.implicit_ssl() && self.service.tls().is_some() {
            return self.begin_implicitly();
        }
        self.greet();
    }

    fn greet(&mut self) {
        if !self.config.ftp_enable() {
            log::warn!("{}: turned away (ftp_enable=NO)", self.tag);
            return self.end(Reply::new(
                Code::SyntaxError,
                "OOPS: FTP is switched off here.",
            ));
        }
        let greeting = self.service.greeting.clone();
        self.say(&greeting);
    }

    /// Logs why no more input comes.
    fn tell_end(&self) {
        match self.control.breach() {
            Some(breach) => {
                log::warn!("{}: ended: {breach}", self.tag);
                self.trace(&Fact::Reason(&breach.to_string()));
            }
            None => log::info!("{}: connection closed by the client", self.tag),
        }
    }

    fn time_out(&mut self) {
        log::info!("{}: idle for too long (idle_session_timeout)", self.tag);
        self.trace(&Fact::Reason("idle for too long (idle_session_timeout)"));
        self.explained = true;
        self.end(Reply::new(Code::ServiceNotAvailable, "Timeout."));
    }

    /// Says a reply and ends the session after it.
    fn end(&mut self, reply: Reply) {
        self.say(&reply);
        self.ending = true;
    }

    /// Appends a reply to what is sent at the next wait.
    fn say(&mut self, reply: &Reply) {
        self.explain(reply);
        if let Some(protocol) = self.protocol() {
            protocol.reply(reply);
        }
        self.trace(&Fact::Reply(reply));
        self.control.reply(&self.voice.phrase(reply));
    }

    /// Makes sure that the log tells why, where a reply refuses: each place
    /// that has a cause tells it and says so, and one that was forgotten is
    /// found by the tests.
    fn explain(&mut self, reply: &Reply) {
        let explained = std::mem::take(&mut self.explained);
        if explained || !is_refusal(reply.code()) {
            return;
        }
        let (code, text) = (reply.code().as_u16(), Escaped(reply.text()));
        log::warn!(
            "{}: refused, and it is not known why: {code} {text}",
            self.tag
        );
        debug_assert!(false, "{code} {text}: without a cause in the log");
    }

    /// Says that there is nobody to serve the session. Never waits.
    pub fn turn_away(&mut self) {
        let text = "The server is out of resources, please try later.";
        let reply = Reply::new(Code::ServiceNotAvailable, text);
        self.control.farewell(&self.voice.phrase(&reply));
        self.trace_end(Side::Server);
    }

    /// Ends a parked session because the server stops. Never waits.
    pub fn farewell(&mut self) {
        log::info!("{}: ended, the server stops", self.tag);
        self.explained = true;
        self.say_last(&shutting_down());
    }

    /// Says `reply` if the client can take it without anybody waiting, and no
    /// more after it.
    fn say_last(&mut self, reply: &Reply) {
        self.explain(reply);
        if let Some(protocol) = self.protocol() {
            protocol.reply(reply);
        }
        self.trace(&Fact::Reply(reply));
        self.control.farewell(&self.voice.phrase(reply));
        self.trace_end(Side::Server);
    }
}

/// How long after the question a refusal is told that took this time to find:
/// a whole number of delays. Its own time would tell unknown users from others,
/// even on a busy machine where it takes longer than one delay.
fn whole_delays(taken: Duration, delay: Duration) -> Duration {
    let taken = taken.as_millis();
    let times = taken.div_ceil(delay.as_millis().max(1)).max(1);
    delay.saturating_mul(u32::try_from(times).unwrap_or(u32::MAX))
}

fn shutting_down() -> Reply {
    Reply::new(Code::ServiceNotAvailable, "Server shutting down.")
}

/// Whether a reply refuses something that is not plainly the client's own
/// mistake, as 500 to 504 are.
fn is_refusal(code: Code) -> bool {
    code.is_negative() && !(500..=504).contains(&code.as_u16())
}

impl AsFd for Session {
    /// The control connection, for the waiting room.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.control.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_waits_for_whole_delays() {
        let of = |taken| whole_delays(Duration::from_millis(taken), Duration::from_secs(1));
        assert_eq!(of(0), Duration::from_secs(1));
        assert_eq!(of(999), Duration::from_secs(1));
        assert_eq!(of(1001), Duration::from_secs(2));
        assert_eq!(of(1999), Duration::from_secs(2));
        assert_eq!(of(60_001), Duration::from_secs(61));
    }
}
