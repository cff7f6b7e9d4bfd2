//! Which logs of transfers a configuration asks for, and the way of an entry
//! into them. The options play together as in vsftpd:
//!
//! - vsftpd_log_file with xferlog_enable, but not with xferlog_std_format;
//! - xferlog_file with both of these;
//! - both files with dual_log_enable, whatever those say;
//! - syslog in place of vsftpd_log_file, and always, with syslog_enable.
#![forbid(unsafe_code)]

use super::event::{Account, Entry, Event, Subject};
use super::file::LogFile;
use super::outlet::{Descriptor, Outlet, Sink, standard_error, standard_output};
use super::syslog::{self, SYSLOG, Syslog};
use super::vsftpd::Letters;
use super::{json, keeper, vsftpd, xferlog};
use crate::config::Config;
use crate::sys::clock;
use log::Level;
use std::fmt;
use std::fs::File;
use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// vsftpd_log_file.
pub static OWN: Outlet = Outlet::log(
    || log::error!("vsftpd_log_file takes lines too slowly: some are lost"),
    |lost| log::warn!("vsftpd_log_file did not take lines in time; lines lost: {lost}"),
);

/// xferlog_file.
pub static STANDARD: Outlet = Outlet::log(
    || log::error!("xferlog_file takes lines too slowly: some are lost"),
    |lost| log::warn!("xferlog_file did not take lines in time; lines lost: {lost}"),
);

/// What there is now.
static CURRENT: Mutex<Option<Plan>> = Mutex::new(None);

/// The logs that a session writes to. Which they are is decided at its
/// beginning.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ledger {
    own: bool,
    standard: bool,
    syslog: bool,
    json: bool,
    letters: Letters,
}

/// Why a client gets no session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoSession {
    /// There are too many.
    TooMany,
    /// There are too many of its address.
    TooManyOfAddress,
    /// hosts.allow or hosts.deny turns it away.
    ByRule,
}

impl Ledger {
    /// Those of a configuration.
    #[must_use]
    pub fn of(config: &Config) -> Ledger {
        let both = config.dual_log_enable();
        let standard = both || config.xferlog_enable() && config.xferlog_std_format();
        let own = both || config.xferlog_enable() && !config.xferlog_std_format();
        Ledger {
            own: own && !config.syslog_enable(),
            standard,
            syslog: config.syslog_enable(),
            json: is_json(config),
            letters: match config.wc_logs_enable() {
                true => Letters::Wide,
                false => Letters::Ascii,
            },
        }
    }

    /// Whether nothing is written.
    #[must_use]
    pub fn is_silent(self) -> bool {
        self == Ledger {
            json: self.json,
            letters: self.letters,
            ..Ledger::default()
        }
    }

    /// Whether there is one that takes commands and replies
    /// (log_ftp_protocol).
    #[must_use]
    pub fn takes_protocol(self) -> bool {
        self.own || self.syslog
    }

    /// Writes, in vsftpd's words, that a client gets no session.
    pub fn write_turned_away(self, peer: IpAddr, why: NoSession) {
        if self.is_silent() {
            return;
        }
        let words = match why {
            NoSession::TooMany => "Connection refused: too many sessions.",
            NoSession::TooManyOfAddress => {
                "Connection refused: too many sessions for this address."
            }
            NoSession::ByRule => "Connection refused: tcp_wrappers denial.",
        };
        let subject = Subject {
            session: 0,
            peer,
            user: b"",
            account: Account::Nobody,
            said: b"",
        };
        self.write(&Entry {
            time: super::now(),
            subject,
            event: Event::TurnedAway(words),
        });
    }

    /// Writes an entry into all of them. Never waits.
    pub fn write(self, entry: &Entry<'_>) {
        let process = std::process::id();
        if self.own {
            OWN.write(&if self.json {
                json::line(entry, process)
            } else {
                let offset = clock::local_offset(entry.time.seconds);
                vsftpd::line(entry, self.letters, process, offset)
            });
        }
        if self.syslog {
            let severity = if vsftpd::is_warning(entry.event) {
                syslog::severity(Level::Warn)
            } else {
                syslog::severity(Level::Info)
            };
            let text = if self.json {
                json::line(entry, process)
            } else {
                vsftpd::message(entry, self.letters)
            };
            SYSLOG.write(&syslog::line(severity, entry.time, text.trim_end()));
        }
        if self.standard
            && let Event::Deed(deed, result) = entry.event
            && deed.act.is_transfer()
        {
            let offset = clock::local_offset(entry.time.seconds);
            STANDARD.write(&xferlog::line(
                entry,
                self.letters,
                deed,
                result.is_ok(),
                offset,
            ));
        }
    }
}

/// Whether the lines are to be JSON.
pub(super) fn is_json(config: &Config) -> bool {
    config.log_format() == b"json"
}

/// Where vsftpd_log_file leads.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Place {
    File(PathBuf),
    Output,
    Error,
}

impl Place {
    /// By their names the standard streams can neither be opened where they
    /// are sockets nor where they are somebody else's.
    fn of(path: &Path) -> Place {
        match path.to_str() {
            Some("-" | "/dev/stdout" | "/dev/fd/1" | "/proc/self/fd/1") => Place::Output,
            Some("/dev/stderr" | "/dev/fd/2" | "/proc/self/fd/2") => Place::Error,
            _ => Place::File(path.to_owned()),
        }
    }
}

/// What is to be open.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Plan {
    own: Option<Place>,
    standard: Option<PathBuf>,
    syslog: bool,
    lock: bool,
}

impl Plan {
    fn of(config: &Config) -> Result<Plan, LogError> {
        let ledger = Ledger::of(config);
        let unnamed = |option| LogError(option, PathBuf::new(), io::ErrorKind::NotFound.into());
        let own = match config.vsftpd_log_file() {
            _ if !ledger.own => None,
            Some(path) => Some(Place::of(path)),
            None => return Err(unnamed("vsftpd_log_file")),
        };
        let standard = match config.xferlog_file() {
            _ if !ledger.standard => None,
            Some(path) => Some(path.to_owned()),
            None => return Err(unnamed("xferlog_file")),
        };
        Ok(Plan {
            own,
            standard,
            syslog: ledger.syslog,
            lock: !config.no_log_lock(),
        })
    }
}

/// A log that cannot be written: the option, what it names, and why.
#[derive(Debug)]
pub struct LogError(&'static str, PathBuf, io::Error);

impl LogError {
    /// The option that names it.
    #[must_use]
    pub fn option(&self) -> &'static str {
        self.0
    }
}

impl fmt::Display for LogError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let LogError(option, path, error) = self;
        if path.as_os_str().is_empty() {
            write!(f, "{option} is empty: it must name a file")
        } else {
            write!(f, "{option} {path:?} cannot be written: {error}")
        }
    }
}

impl std::error::Error for LogError {}

/// Logs that are open, each for its outlet.
#[derive(Debug, Default)]
pub struct Opened {
    plan: Option<Plan>,
    sinks: Vec<Channel>,
}

/// An outlet, the name of its thread, and where it is to lead.
pub type Channel = (&'static Outlet, &'static str, Box<dyn Sink>);

impl Opened {
    /// Sees to it that the files can be opened again once the server is root
    /// no more. As root, before the first thread is born.
    ///
    /// # Errors
    /// When there is no process to be had for it.
    pub fn keep(&self) -> Result<(), crate::sys::Error> {
        let plan = self.plan.as_ref();
        let own = plan.and_then(|plan| match &plan.own {
            Some(Place::File(path)) => Some(path),
            _ => None,
        });
        let standard = plan.and_then(|plan| plan.standard.as_ref());
        keeper::start(own.into_iter().chain(standard).cloned().collect())
    }

    /// Adds syslog for the event log.
    pub fn add_syslog(&mut self) {
        let is_there = self.sinks.iter().any(|(_, name, _)| *name == "syslog");
        if !is_there {
            self.sinks.push(syslog_channel());
        }
    }

    /// Standard output is to be left, with nothing written to it.
    pub fn leave_output(&mut self) {
        let own = self.plan.as_ref().and_then(|plan| plan.own.as_ref());
        if own == Some(&Place::Output) {
            log::warn!(
                "vsftpd_log_file: with background=YES there is no standard output to write to"
            );
            self.sinks.retain(|(_, name, _)| *name != "vsftpd log");
        }
    }

    /// What is to be written where, which counts from now on.
    #[must_use]
    pub fn take(self) -> Vec<Channel> {
        *current() = self.plan;
        self.sinks
    }
}

fn current() -> std::sync::MutexGuard<'static, Option<Plan>> {
    CURRENT.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether the logs of `config` can be written. Makes no file.
///
/// # Errors
/// The first that cannot.
pub fn check(config: &Config) -> Result<(), LogError> {
    let plan = Plan::of(config)?;
    let own = match &plan.own {
        Some(Place::File(path)) => Some(("vsftpd_log_file", path)),
        _ => None,
    };
    let standard = plan.standard.iter().map(|path| ("xferlog_file", path));
    for (option, path) in own.into_iter().chain(standard) {
        keeper::try_open(path).map_err(|error| LogError(option, path.clone(), error))?;
    }
    Ok(())
}

/// Opens the logs of `config` that are not open yet, with the rights the
/// process has now. What is open and no longer wanted is among them as a log
/// that leads nowhere.
///
/// # Errors
/// Those of the first that cannot be opened; then nothing changes.
pub fn open(config: &Config) -> Result<Opened, LogError> {
    let plan = Plan::of(config)?;
    let before = current().clone();
    let before = before.as_ref();
    let relocked = before.is_some_and(|before| before.lock != plan.lock);
    let mut sinks: Vec<Channel> = Vec::new();
    let was = before.and_then(|before| before.own.as_ref());
    if was != plan.own.as_ref() || relocked && plan.own.is_some() {
        sinks.push((&OWN, "vsftpd log", own(&plan)?));
    }
    let was = before.and_then(|before| before.standard.as_ref());
    if was != plan.standard.as_ref() || relocked && plan.standard.is_some() {
        sinks.push((&STANDARD, "xferlog", standard(&plan)?));
    }
    if plan.syslog && before.is_none_or(|before| !before.syslog) {
        sinks.push(syslog_channel());
    }
    Ok(Opened {
        plan: Some(plan),
        sinks,
    })
}

fn syslog_channel() -> Channel {
    let syslog = Syslog::open(Path::new(syslog::SOCKET));
    (&SYSLOG, "syslog", Box::new(syslog))
}

fn own(plan: &Plan) -> Result<Box<dyn Sink>, LogError> {
    let stream = |stream: Result<File, crate::sys::Error>, name: &str| match stream {
        Ok(stream) => Ok(Box::new(Descriptor(stream)) as Box<dyn Sink>),
        Err(error) => {
            let error = io::Error::from_raw_os_error(error.errno());
            Err(LogError("vsftpd_log_file", name.into(), error))
        }
    };
    match &plan.own {
        None => Ok(Box::new(Nowhere)),
        Some(Place::Output) => stream(standard_output(), "/dev/stdout"),
        Some(Place::Error) => stream(standard_error(), "/dev/stderr"),
        Some(Place::File(path)) => file("vsftpd_log_file", path, plan),
    }
}

fn standard(plan: &Plan) -> Result<Box<dyn Sink>, LogError> {
    match &plan.standard {
        None => Ok(Box::new(Nowhere)),
        Some(path) => file("xferlog_file", path, plan),
    }
}

fn file(option: &'static str, path: &Path, plan: &Plan) -> Result<Box<dyn Sink>, LogError> {
    match LogFile::open(option, path, plan.lock) {
        Ok(file) => Ok(Box::new(file)),
        Err(error) => Err(LogError(option, path.to_owned(), error)),
    }
}

/// A log that nobody wants any more.
#[derive(Debug)]
struct Nowhere;

impl Sink for Nowhere {
    fn take(&mut self, _: &str) {}
}

/// Has the files opened again by those who write them: they may have been
/// renamed. To be called on SIGHUP; never waits.
pub fn reopen() {
    OWN.reopen();
    STANDARD.reopen();
    SYSLOG.reopen();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Origin;

    fn ledger(settings: &[(&str, &str)]) -> Ledger {
        let mut config = Config::default();
        for (name, value) in settings {
            config
                .set(name.as_bytes(), value.as_bytes(), &Origin::CommandLine)
                .unwrap();
        }
        Ledger::of(&config)
    }

    #[test]
    fn the_options_play_together_as_in_vsftpd() {
        let on = |own, standard, syslog| Ledger {
            own,
            standard,
            syslog,
            json: false,
            letters: Letters::Ascii,
        };
        let (enable, std) = (("xferlog_enable", "YES"), ("xferlog_std_format", "YES"));
        let (dual, syslog) = (("dual_log_enable", "YES"), ("syslog_enable", "YES"));
        for (settings, expected) in [
            (&[][..], on(false, false, false)),
            (&[std], on(false, false, false)),
            (&[enable], on(true, false, false)),
            (&[enable, std], on(false, true, false)),
            (&[dual], on(true, true, false)),
            (&[dual, enable, std], on(true, true, false)),
            (&[syslog], on(false, false, true)),
            (&[syslog, enable], on(false, false, true)),
            (&[syslog, enable, std], on(false, true, true)),
            (&[syslog, dual], on(false, true, true)),
        ] {
            assert_eq!(ledger(settings), expected, "{settings:?}");
        }
        assert!(ledger(&[("log_format", "json")]).is_silent());
        assert!(!ledger(&[syslog]).is_silent());
    }

    #[test]
    fn standard_streams_go_by_several_names() {
        for name in ["-", "/dev/stdout", "/proc/self/fd/1"] {
            assert_eq!(Place::of(Path::new(name)), Place::Output);
        }
        assert_eq!(Place::of(Path::new("/dev/stderr")), Place::Error);
        let file = Path::new("/var/log/vsftpd.log");
        assert_eq!(Place::of(file), Place::File(file.to_owned()));
    }
}
