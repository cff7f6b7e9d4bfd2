//! The master and its workers: sockets, the accept loop, the pool, the
//! waiting room.
//!
//! [`run`] is the start-up order, top to bottom; before it comes [`Input`], so
//! that no diagnosis reaches a client. The calling thread becomes
//! the main thread: it accepts, hears signals and gives birth to workers; it
//! never reads from a client.
#![forbid(unsafe_code)]

mod accept;
mod activation;
mod background;
mod certificates;
mod control_socket;
mod crew;
mod crews;
mod error;
mod filters;
mod foresight;
mod governor;
mod limits;
mod listen;
mod names;
mod narrow;
mod notify;
mod orders;
mod plan;
mod pool;
mod prospects;
mod reload;
mod resolve;
mod shutdown;
mod unreadable;
mod waiting;
mod wrappers;
mod writers;

use crate::auth::LiveAccounts;
use crate::auth::authenticator::{self, Authenticator, Backend, Settings};
use crate::config::{Config, Finding};
use crate::record::ledger;
use crate::session::Service;
use crate::sys;
use crate::sys::process::effective_user;
use crate::sys::signal::{Signals, hang_up_is_ignored, ignore_fatal_ones};
use crate::tls::SelfSigned;
use accept::{Beginning, HangUp, Master};
pub use activation::{Handed, Input};
use background::{Birth, PidFile, Role};
use certificates::Watcher;
pub use control_socket::SocketError;
pub use error::StartError;
pub use foresight::foresee;
use listen::Source;
use narrow::Walls;
pub use plan::Plan;
use prospects::Prospects;
pub use reload::Reread;
use std::net::SocketAddr;
use std::sync::Arc;

/// What a server is started with.
pub struct Launch {
    /// The configuration, checked.
    pub config: Config,
    /// Its accounts.
    pub accounts: LiveAccounts,
    /// What the supervisor has handed over.
    pub handed: Handed,
    /// Nothing but a socket that was handed over will do.
    pub by_inetd: bool,
    /// A certificate for TLS of the server's own making, in place of the
    /// configuration's.
    pub certificate: Option<SelfSigned>,
    /// How the configuration is read again; `None` if there is none to be
    /// read, and the server is to go with its terminal.
    pub reread: Option<Reread>,
}

/// How [`run`] came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The server has served.
    Ended,
    /// It serves in the background.
    Background,
    /// It failed in the background, with this exit code if it had one, and has
    /// said why itself.
    Failed(Option<u8>),
}

/// Serves until SIGTERM or SIGINT, or until the client that was handed over
/// has gone. `bound` is told the first address once every socket listens.
///
/// # Errors
/// What kept it from starting.
pub fn run(launch: Launch, bound: impl FnOnce(SocketAddr)) -> Result<Outcome, StartError> {
    let is_alone = launch.handed.sockets.is_empty() && launch.handed.input.is_none();
    let birth = if launch.config.background() && is_alone && !launch.by_inetd {
        match background::enter()? {
            Role::Server(birth) => Some(birth),
            Role::Started(Some(0)) => return Ok(Outcome::Background),
            Role::Started(code) => return Ok(Outcome::Failed(code)),
        }
    } else {
        None
    };
    serve(launch, birth, bound).map(|()| Outcome::Ended)
}

fn serve(
    launch: Launch,
    birth: Option<Birth>,
    bound: impl FnOnce(SocketAddr),
) -> Result<(), StartError> {
    // A signal that comes from now on waits until it is heard.
    let hang_up = hang_up(launch.reread);
    let signals = Signals::block()?;
    ignore_fatal_ones();
    sys::process::clear_umask();
    sys::process::bound_allocator_arenas();
    let descriptors = sys::process::raise_descriptor_limit()?;
    let mut handed = launch.handed;
    let supervisor = std::mem::take(&mut handed.supervisor);
    let source = Source::of(handed, &launch.config, launch.by_inetd)?;
    let logs = ledger::open(&launch.config).map_err(StartError::Log)?;
    let mut service = Service::open(launch.config, launch.accounts).map_err(StartError::Service)?;
    let config = service.config();
    let serves_many = !source.listeners().is_empty();
    if serves_many {
        tell(limits::findings(config, descriptors));
    }
    if let Some(first) = source.listeners().first() {
        bound(first.address);
    }
    let _pid_file = match config.pid_file().filter(|_| serves_many) {
        Some(path) => {
            Some(PidFile::write(path).map_err(|(path, error)| StartError::PidFile(path, error))?)
        }
        None => None,
    };
    let (prospects, findings) = Prospects::of(&service);
    tell(findings);
    // No thread is born before this line.
    admit_local_users(&mut service, &prospects)?;
    if serves_many && effective_user() == 0 && !service.config().run_as_launching_user() {
        logs.keep()?;
    }
    // After the last other process is born, which shall have no key.
    certificates::offer(&mut service, launch.certificate)?;
    let control = if serves_many {
        control_socket::open(service.config())?
    } else {
        None
    };
    let walls = Arc::new(Walls::raise(&service, &prospects)?);
    tell(unreadable::findings(service.config()));
    // Dropped last: what was said until then shall be read.
    let kept = birth.as_ref().map_or((true, true), Birth::keeps);
    let _writers = writers::start(service.config(), logs, &walls, kept)?;
    names::start(&walls)?;
    let service = Arc::new(service);
    resolve::start(&service, &walls)?;
    let certificates = Watcher::start(&service, &walls)?;
    for listener in source.listeners() {
        let by = if listener.handed {
            " (handed over)"
        } else {
            ""
        };
        log::info!("listening on {}{by}", listener.address);
    }
    let master = Master::new(Beginning {
        source,
        signals,
        service,
        walls: Arc::clone(&walls),
        supervisor,
        certificates,
        hang_up,
        widest: prospects.into_widest(),
    })?;
    // Dropped when the loop has ended: nobody shall ask a server that has.
    let _governor = control
        .map(|socket| governor::start(master.govern(), socket, &walls))
        .transpose()?;
    if let Some(birth) = birth {
        birth.leave()?;
    }
    walls.limit_main()?;
    master.run();
    Ok(())
}

/// What SIGHUP is to mean: for a server that has no configuration to be read
/// again, the end of its terminal.
fn hang_up(reread: Option<Reread>) -> HangUp {
    match reread {
        Some(reread) => HangUp::Reload(reread),
        None if hang_up_is_ignored() => HangUp::Ignored,
        None => HangUp::End,
    }
}

/// Starts the process that checks the passwords of the system's users, where
/// they may log in. It is born before any thread, while all rights are there.
fn admit_local_users(service: &mut Service, prospects: &Prospects) -> Result<(), StartError> {
    let widest = prospects.widest(service.config());
    let Some(settings) = Settings::of(widest) else {
        return Ok(());
    };
    match Authenticator::start(&settings) {
        Ok(authenticator) => {
            match authenticator.backend() {
                Backend::Pam => {}
                Backend::Shadow(why) => {
                    log::warn!("passwords are checked against /etc/shadow, without PAM: {why}");
                }
                Backend::Failed(why) => log::error!("no user of the system can log in: {why}"),
            }
            service.admit_local_users(authenticator);
            Ok(())
        }
        Err(authenticator::StartError::NotRoot) => {
            log::warn!(
                "local_enable: only root can check the passwords of the system's users, \
                 so none of them can log in"
            );
            Ok(())
        }
        Err(error) => Err(StartError::Authenticator(error)),
    }
}

/// Says before the first client comes what is odd.
fn tell(findings: Vec<Finding>) {
    for finding in findings {
        finding.log();
    }
}
