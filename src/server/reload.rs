//! The configuration read again, at SIGHUP or `ironftpctl reload`: everything,
//! or nothing if any of it is wrong.
//!
//! A thread of its own reads, so that clients are greeted meanwhile. It reads
//! as who the server is by now: files that only root may read are out of its
//! reach (ironftpd(8)).

use super::accept::Master;
use super::narrow::Walls;
use super::orders::{Errand, Outcome};
use super::writers;
use crate::auth::{Accounts, AccountsError, LiveAccounts};
use crate::config::{Config, ConfigErrors, Finding};
use crate::record;
use crate::record::ledger::{self, LogError, Opened};
use crate::session::{Service, ServiceError};
use crate::sys;
use crate::sys::poll::Bell;
use crate::sys::process::effective_user;
use crate::sys::seccomp::Kind;
use crossbeam_channel::{Receiver, Sender, unbounded};
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

/// Reads the configuration again, for a server that this user has started.
pub type Reread = Box<dyn Fn(u32) -> Result<(Config, Vec<Finding>), ConfigErrors> + Send + 'static>;

/// A configuration that can be served.
struct Fresh {
    service: Arc<Service>,
    walls: Arc<Walls>,
    /// Logs that are not open yet.
    logs: Opened,
    /// Options that have changed.
    changed: Vec<&'static str>,
    /// Options that would have to be known at the start.
    kept: Vec<&'static str>,
}

/// Why it cannot.
enum ReloadError {
    Config(ConfigErrors),
    Accounts(AccountsError),
    Service(ServiceError),
    Log(LogError),
    /// Anonymous users would have to be a user that the server cannot become.
    Identity,
    /// Reading it met a fault of the server, which the log has.
    Fault,
}

impl fmt::Display for ReloadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ReloadError::Config(errors) => errors.fmt(f),
            ReloadError::Accounts(error) => error.fmt(f),
            ReloadError::Service(error) => error.fmt(f),
            ReloadError::Log(error) => error.fmt(f),
            ReloadError::Fault => f.write_str("a fault of the server; please report it"),
            ReloadError::Identity => f.write_str(
                "anonymous users would have to act as ftp_username, \
                 for which the rights were given up at the start: a restart is needed",
            ),
        }
    }
}

type Question = (Arc<Service>, Arc<Walls>);

/// The thread that reads, seen from the main thread.
pub(super) struct Reader {
    questions: Sender<Question>,
    answers: Receiver<Result<Fresh, ReloadError>>,
    is_reading: bool,
    /// Whoever wants to know what comes of it.
    askers: Vec<Errand>,
    /// Asked again meanwhile: what it reads may be old already.
    is_asked_again: bool,
    /// Whoever wants to know what comes of that.
    next_askers: Vec<Errand>,
}

impl Reader {
    /// Starts the thread, which rings `bell` when it has read.
    ///
    /// # Errors
    /// When it cannot be born.
    pub(super) fn start(
        reread: Reread,
        service: &Arc<Service>,
        walls: &Arc<Walls>,
        bell: Arc<Bell>,
    ) -> Result<Reader, sys::Error> {
        let (questions, asked) = unbounded::<Question>();
        let (answered, answers) = unbounded();
        let (service, walls) = (Arc::clone(service), Arc::clone(walls));
        std::thread::Builder::new()
            .name("reload".to_owned())
            .spawn(move || {
                if let Err(error) = walls.enclose(Kind::Main) {
                    return log::error!("a reload will change nothing: {error}");
                }
                try_once(&reread, &service);
                drop((service, walls));
                for (service, walls) in asked {
                    let fresh = catch_unwind(AssertUnwindSafe(|| read(&reread, &service, &walls)))
                        .unwrap_or(Err(ReloadError::Fault));
                    // Nobody listens any more when the server ends.
                    let _ = answered.send(fresh);
                    bell.ring();
                }
            })
            .map_err(|error| sys::Error::from_io("clone", &error))?;
        Ok(Reader {
            questions,
            answers,
            is_reading: false,
            askers: Vec::new(),
            is_asked_again: false,
            next_askers: Vec::new(),
        })
    }
}

/// Says at the start what keeps the server from reading the configuration
/// again now that it is another user.
fn try_once(reread: &Reread, service: &Arc<Service>) {
    if service.starter() == effective_user() {
        return;
    }
    let result = reread(service.starter())
        .map_err(ReloadError::Config)
        .and_then(|(mut config, _)| {
            config.keep_from(service.config());
            service
                .reopen(config, LiveAccounts::fixed(Accounts::none()))
                .map_err(ReloadError::Service)
        });
    if let Err(error) = result {
        log::warn!(
            "a reload will change nothing, since who the server is now (nopriv_user) \
             cannot read it all again: {error}"
        );
    }
}

fn read(reread: &Reread, before: &Arc<Service>, walls: &Arc<Walls>) -> Result<Fresh, ReloadError> {
    let (mut config, findings) = reread(before.starter()).map_err(ReloadError::Config)?;
    let kept = config.keep_from(before.config());
    let changed = config.differing(before.config());
    let accounts = LiveAccounts::of(config.virtual_users_file()).map_err(ReloadError::Accounts)?;
    let service = before
        .reopen(config, accounts)
        .map_err(ReloadError::Service)?;
    if service.changes_user() && !walls.let_change_user() {
        return Err(ReloadError::Identity);
    }
    let logs = ledger::open(service.config()).map_err(ReloadError::Log)?;
    for finding in findings {
        finding.log();
    }
    Ok(Fresh {
        walls: Arc::new(walls.again(service.config())),
        service: Arc::new(service),
        logs,
        changed,
        kept,
    })
}

impl Master {
    /// Has the configuration read again. `askers` want to know what comes of
    /// it; a signal does not.
    pub(super) fn reload(&mut self, askers: Vec<Errand>) {
        record::reopen();
        if self.is_stopping() {
            return refuse(&askers, "the server is stopping");
        }
        self.certificates.look();
        let Some(reader) = &mut self.reader else {
            return refuse(&askers, "there is no configuration to be read again");
        };
        if reader.is_reading {
            reader.is_asked_again = true;
            return reader.next_askers.extend(askers);
        }
        self.supervisor.reloading();
        let question = (Arc::clone(&self.service), Arc::clone(&self.walls));
        if reader.questions.send(question).is_err() {
            refuse(&askers, "nobody is there to read the configuration");
            return self.supervisor.ready();
        }
        reader.is_reading = true;
        reader.askers = askers;
    }

    /// Takes what was read, if anything was. Sessions that are there keep
    /// what they have.
    pub(super) fn take_news(&mut self) {
        let Some(reader) = &mut self.reader else {
            return;
        };
        let Ok(answer) = reader.answers.try_recv() else {
            return;
        };
        reader.is_reading = false;
        let askers = std::mem::take(&mut reader.askers);
        let again = std::mem::take(&mut reader.is_asked_again);
        let next_askers = std::mem::take(&mut reader.next_askers);
        let outcome = match answer {
            Ok(fresh) => {
                let kept = fresh.kept.clone();
                self.renew(fresh);
                Ok(kept)
            }
            Err(error) => {
                log::error!("not reloaded, the configuration of before stays: {error}");
                Err(error.to_string())
            }
        };
        tell(&askers, &outcome);
        self.supervisor.ready();
        if again {
            self.reload(next_askers);
        }
    }

    fn renew(&mut self, fresh: Fresh) {
        let Fresh {
            service,
            walls,
            logs,
            changed,
            kept,
        } = fresh;
        if let Err(error) = writers::write_to(logs, &self.walls) {
            log::error!("SIGHUP: logs: {error}");
        }
        record::configure(service.config());
        self.service = Arc::clone(&service);
        self.walls = Arc::clone(&walls);
        for listener in &self.listeners {
            if let Err(error) = listener.prepare(service.config()) {
                log::error!("{}: keepalive_interval: {error}", listener.address);
            }
        }
        self.certificates.renew(&service);
        self.pool.renew(service, walls);
        let changed = match changed.as_slice() {
            [] => "no option has changed".to_owned(),
            names => format!("changed: {}", names.join(", ")),
        };
        log::info!("reloaded: configuration read again; {changed}");
        if !kept.is_empty() {
            let names = kept.join(", ");
            log::warn!("changes of these count after a restart only: {names}");
        }
    }
}

fn refuse(askers: &[Errand], why: &str) {
    log::info!("not reloaded: {why}");
    tell(askers, &Err(why.to_owned()));
}

fn tell(askers: &[Errand], outcome: &Outcome) {
    for asker in askers {
        asker.done(outcome.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::poll::{Interest, READABLE, poll};
    use std::os::fd::AsFd;
    use std::time::Duration;

    #[test]
    fn a_panic_while_reading_is_an_answer_and_the_next_question_has_one() {
        let mut config = Config::default();
        let origin = crate::config::Origin::CommandLine;
        config.set(b"anon_root", b"/", &origin).unwrap();
        let accounts = LiveAccounts::fixed(Accounts::none());
        let service = Arc::new(Service::open(config, accounts).unwrap());
        let walls = Arc::new(Walls::none());
        let bell = Arc::new(Bell::new().unwrap());
        let reread: Reread = Box::new(|_| panic!("a fault"));
        let reader = Reader::start(reread, &service, &walls, Arc::clone(&bell)).unwrap();
        for _ in 0..2 {
            let question = (Arc::clone(&service), Arc::clone(&walls));
            reader.questions.send(question).unwrap();
            let patience = Some(Duration::from_secs(20));
            let answer = reader
                .answers
                .recv_timeout(Duration::from_secs(20))
                .unwrap();
            assert!(matches!(answer, Err(ReloadError::Fault)));
            poll(&mut [Interest::new(bell.as_fd(), READABLE)], patience).unwrap();
        }
    }
}
