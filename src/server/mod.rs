//! The master and its workers: sockets, the accept loop, the pool, the
//! waiting room.
//!
//! [`run`] is the start-up order, top to bottom. The calling thread becomes
//! the main thread: it accepts, hears signals and gives birth to workers; it
//! never reads from a client.
#![forbid(unsafe_code)]

mod accept;
mod crew;
mod filters;
mod limits;
mod listen;
mod names;
mod narrow;
mod plan;
mod pool;
mod resolve;
mod unreadable;
mod waiting;
mod writers;

use crate::auth::LiveAccounts;
use crate::auth::authenticator::{self, Authenticator, Backend, Settings};
use crate::auth::unprivileged::UnprivilegedError;
use crate::config::Config;
use crate::session::{Service, ServiceError};
use crate::sys;
use crate::sys::signal::{Signals, ignore_fatal_ones};
use narrow::Walls;
pub use plan::Plan;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

/// Why the server did not start or could not go on.
#[derive(Debug)]
pub enum StartError {
    /// A listening socket could not be made.
    Listen(SocketAddr, sys::Error),
    /// What the configuration names cannot be served.
    Service(ServiceError),
    /// It is not known whom the server is to become.
    Unprivileged(UnprivilegedError),
    /// The process that checks passwords could not be started.
    Authenticator(authenticator::StartError),
    /// The system refused something that every server needs.
    System(sys::Error),
}

impl From<sys::Error> for StartError {
    fn from(error: sys::Error) -> StartError {
        StartError::System(error)
    }
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StartError::Listen(address, error) => {
                write!(f, "cannot listen on {address}: {error}")?;
                match error.errno() {
                    libc::EADDRINUSE => write!(
                        f,
                        "; another server has the port (ss -ltnp 'sport = {}' shows which)",
                        address.port()
                    ),
                    libc::EACCES => f.write_str(
                        "; ports under 1024 need root or CAP_NET_BIND_SERVICE: \
                         set listen_port to a higher one",
                    ),
                    _ => Ok(()),
                }
            }
            StartError::Service(error) => error.fmt(f),
            StartError::Unprivileged(error) => error.fmt(f),
            StartError::Authenticator(error) => write!(f, "the authenticator: {error}"),
            StartError::System(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for StartError {}

/// Serves until SIGTERM or SIGINT. `bound` is told the first address once
/// every socket listens.
///
/// # Errors
/// What kept it from starting.
pub fn run(
    config: Config,
    accounts: LiveAccounts,
    bound: impl FnOnce(SocketAddr),
) -> Result<(), StartError> {
    ignore_fatal_ones();
    sys::process::clear_umask();
    sys::process::bound_allocator_arenas();
    let descriptors = sys::process::raise_descriptor_limit()?;
    let listeners = listen::open(&config)?;
    let background = config.background();
    let mut service = Service::open(config, accounts).map_err(StartError::Service)?;
    warn_of_limits(service.config(), descriptors);
    if let Some(first) = listeners.first() {
        bound(first.address);
    }
    // No thread is born before this line.
    if background && sys::process::fork_into_background()?.is_some() {
        return Ok(());
    }
    admit_local_users(&mut service)?;
    let walls = Arc::new(Walls::raise(&service)?);
    unreadable::warn(service.config());
    let signals = Signals::block()?;
    // Dropped last: what was said until then shall be read.
    let _writers = writers::start(service.config(), &walls)?;
    names::start(&walls)?;
    let service = Arc::new(service);
    resolve::start(&service, &walls)?;
    for listener in &listeners {
        log::info!("listening on {}", listener.address);
    }
    let master = accept::Master::new(listeners, signals, service, Arc::clone(&walls))?;
    walls.limit_main()?;
    master.run();
    Ok(())
}

/// Starts the process that checks the passwords of the system's users, where
/// they may log in. It is born before any thread, while all rights are there.
fn admit_local_users(service: &mut Service) -> Result<(), StartError> {
    let Some(settings) = Settings::of(service.config()) else {
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

/// Says before the first client comes what will not fit.
fn warn_of_limits(config: &Config, descriptors: u64) {
    let clients = u64::from(config.max_clients());
    // One descriptor per session, and three more while a transfer runs.
    if clients > descriptors.saturating_sub(64) {
        log::warn!(
            "max_clients={clients} needs more descriptors than RLIMIT_NOFILE allows ({descriptors})"
        );
    }
    let workers = u64::try_from(limits::max_workers()).unwrap_or(u64::MAX);
    if workers < 64 {
        log::warn!(
            "the limits of threads (ulimit -u, pids.max of the cgroup) allow {workers} workers: \
             that many transfers at once"
        );
    }
}
