//! tcp_wrappers: threads that ask hosts.allow and hosts.deny about a client
//! before it becomes a session, and then hand it to the workers.
//!
//! A rule may need the name of the client, for which a name service may take
//! its time; so it is not the main thread that asks, and several do. A rule
//! may name a configuration (VSFTPD_LOAD_CONF), which is read over that of the
//! server and kept until it changes; sessions under it have crews of their own,
//! as those have that began before a reload.

use super::accept::phrase;
use super::crews::{Crews, Terms};
use super::limits::Admission;
use super::narrow::Walls;
use super::pool::Pool;
use super::prospects::{ALLOW, DENY, Load, LoadError, loaded, rules_of};
use crate::config::Config;
use crate::protocol::wrappers::{HostName, Lookups, Rules, Verdict, Visit, judge};
use crate::protocol::{Code, Reply};
use crate::record::{Ledger, NoSession};
use crate::session::{Service, Session, SessionId, Wake};
use crate::sys;
use crate::sys::hosts;
use crate::sys::regular::read_regular;
use crate::sys::seccomp::Kind;
use crate::sys::stamp::Stamp;
use crate::sys::transfer::send;
use crossbeam_channel::{Receiver, Sender, bounded};
use socket2::SockRef;
use std::collections::HashMap;
use std::ffi::OsStr;
use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Threads that ask: as many clients as may wait for a name service at once.
const THREADS: usize = 8;

/// Clients that may wait for them.
const WAITING: usize = 1000;

/// How long the name of an address is believed.
const BELIEVED: Duration = Duration::from_secs(60);

/// Names, and configurations, that are remembered.
const REMEMBERED: usize = 10_000;

/// A file of patterns larger than this is not read.
const LARGEST: u64 = 1 << 20;

/// A client that has come.
pub(super) struct Visitor {
    pub(super) id: SessionId,
    pub(super) socket: OwnedFd,
    pub(super) peer: SocketAddr,
    pub(super) admission: Admission,
    /// Clients are counted here, and not by who hands them over.
    pub(super) counts: bool,
    /// What it is served by unless a rule says otherwise.
    pub(super) base: Terms,
}

/// The way to the threads.
pub(super) struct Gate(Sender<Visitor>);

impl Gate {
    /// Starts the threads. Configurations that rules name may have on what
    /// `widest` has.
    ///
    /// # Errors
    /// When one cannot be born.
    pub(super) fn open(
        pool: &Arc<Pool>,
        walls: &Arc<Walls>,
        widest: Config,
    ) -> Result<Gate, sys::Error> {
        let (sender, receiver) = bounded(WAITING);
        let keeper = Arc::new(Keeper {
            pool: Arc::clone(pool),
            widest,
            allow: Mutex::default(),
            deny: Mutex::default(),
            names: Mutex::default(),
            loaded: Mutex::default(),
        });
        for _ in 0..THREADS {
            let (keeper, walls) = (Arc::clone(&keeper), Arc::clone(walls));
            let receiver = receiver.clone();
            // The default stack: what answers for names is loaded.
            std::thread::Builder::new()
                .name("gatekeeper".to_owned())
                .spawn(move || match walls.enclose(Kind::Gatekeeper) {
                    Ok(()) => keeper.keep(&receiver),
                    Err(error) => log::error!("nobody asks hosts.allow: {error}"),
                })
                .map_err(|error| sys::Error::from_io("clone", &error))?;
        }
        Ok(Gate(sender))
    }

    /// Has somebody asked about a client.
    ///
    /// # Errors
    /// The client again, when too many wait.
    pub(super) fn ask(&self, visitor: Visitor) -> Result<(), Visitor> {
        self.0.try_send(visitor).map_err(|error| error.into_inner())
    }
}

/// The rules of one file as they were read, or why there are none.
type Read = (Option<Stamp>, Result<Arc<Rules>, Arc<io::Error>>);

/// A configuration for some clients.
struct Loaded {
    stamp: Stamp,
    /// What it goes over.
    base: Arc<Service>,
    service: Arc<Service>,
    crews: Arc<Crews>,
}

/// Why nobody can say whether a client may connect.
enum Obscure {
    Connection(io::Error),
    File(&'static str, Arc<io::Error>),
}

impl fmt::Display for Obscure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Obscure::Connection(error) => error.fmt(f),
            Obscure::File(path, error) => write!(f, "{path}: {error}"),
        }
    }
}

/// What the threads share.
struct Keeper {
    pool: Arc<Pool>,
    widest: Config,
    allow: Mutex<Option<Read>>,
    deny: Mutex<Option<Read>>,
    names: Mutex<HashMap<IpAddr, (Instant, HostName)>>,
    loaded: Mutex<HashMap<PathBuf, Arc<Loaded>>>,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // All of these are replaced or added to as a whole.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Keeper {
    /// The life of a thread.
    fn keep(&self, visitors: &Receiver<Visitor>) {
        for visitor in visitors {
            let peer = visitor.peer;
            let seen = catch_unwind(AssertUnwindSafe(|| self.see_to(visitor)));
            if seen.is_err() {
                log::error!("{peer} turned away by a fault of the server; please report it");
            }
        }
    }

    fn see_to(&self, visitor: Visitor) {
        let base = &visitor.base.service;
        match self.verdict(&visitor) {
            Ok(Verdict::Granted(None)) => {
                let config = base.config();
                if self.fits(&visitor, config) {
                    let service = Arc::clone(base);
                    self.let_in(visitor, service, |session, admission| {
                        self.pool.job(session, admission)
                    });
                }
            }
            Ok(Verdict::Granted(Some(path))) => {
                let path = Path::new(OsStr::from_bytes(&path));
                match self.load(path, &visitor.base) {
                    Ok(loaded) if self.fits(&visitor, loaded.service.config()) => {
                        let service = Arc::clone(&loaded.service);
                        self.let_in(visitor, service, |session, admission| {
                            Pool::job_for(&loaded.crews, session, admission)
                        });
                    }
                    Ok(_) => {}
                    Err(error) => {
                        log::error!("{}: VSFTPD_LOAD_CONF {path:?}: {error}", visitor.peer);
                        let text = "OOPS: the options for this client are out of order.";
                        turn_away(&visitor, Code::SyntaxError, text);
                    }
                }
            }
            Ok(Verdict::Denied(file, line)) => {
                log::warn!(
                    "{} turned away by {file}:{line} (tcp_wrappers)",
                    visitor.peer
                );
                let address = visitor.peer.ip().to_canonical();
                Ledger::of(base.config()).write_turned_away(address, NoSession::ByRule);
                turn_away(
                    &visitor,
                    Code::ServiceNotAvailable,
                    "Service not available.",
                );
            }
            Err(error) => {
                log::error!("{} turned away: tcp_wrappers: {error}", visitor.peer);
                turn_away(
                    &visitor,
                    Code::ServiceNotAvailable,
                    "Service not available.",
                );
            }
        }
    }

    /// Whether there is room for one more under this configuration.
    fn fits(&self, visitor: &Visitor, config: &Config) -> bool {
        let limits = (config.max_clients(), config.max_per_ip());
        let (all, per_address) = if visitor.counts { limits } else { (0, 0) };
        let Some(full) = visitor.admission.exceeds(all, per_address) else {
            return true;
        };
        let (text, option) = full.words();
        log::info!("{} turned away ({option})", visitor.peer);
        let address = visitor.peer.ip().to_canonical();
        Ledger::of(config).write_turned_away(address, full.for_logs());
        turn_away(visitor, Code::ServiceNotAvailable, text);
        false
    }

    fn let_in(
        &self,
        visitor: Visitor,
        service: Arc<Service>,
        job: impl FnOnce(Session, Admission) -> Box<super::pool::Job>,
    ) {
        let Visitor {
            id,
            socket,
            peer,
            admission,
            ..
        } = visitor;
        match Session::new(id, socket, peer, service) {
            Ok(session) => self.pool.submit(job(session, admission), Wake::Born),
            // Gone before it was greeted.
            Err(error) => log::debug!("{peer}: {error}"),
        }
    }

    fn verdict(&self, visitor: &Visitor) -> Result<Verdict, Obscure> {
        let local = SockRef::from(&visitor.socket).local_addr();
        let local = local.map_err(Obscure::Connection)?.as_socket();
        let server = local.map_or(visitor.peer.ip(), |local| local.ip());
        let visit = Visit {
            client: visitor.peer.ip().to_canonical(),
            server: server.to_canonical(),
        };
        let allow = rules(&self.allow, ALLOW)?;
        let deny = rules(&self.deny, DENY)?;
        Ok(judge(&allow, &deny, visit, &mut Asking(self)))
    }

    /// The configuration in a file, over that of `base`.
    fn load(&self, path: &Path, base: &Terms) -> Result<Arc<Loaded>, LoadError> {
        // Taken before reading: a change in between is seen next time.
        let stamp = Stamp::of(path).map_err(LoadError::Unreachable)?;
        let is_current = |loaded: &&Arc<Loaded>| {
            loaded.stamp == stamp && Arc::ptr_eq(&loaded.base, &base.service)
        };
        // Read once, while the others of this moment wait.
        let mut all = locked(&self.loaded);
        if let Some(loaded) = all.get(path).filter(is_current) {
            return Ok(Arc::clone(loaded));
        }
        let Load { service, kept } = loaded(path, &base.service, &self.widest)?;
        if service.changes_user() && !base.walls.let_change_user() {
            return Err(LoadError::Identity);
        }
        if !kept.is_empty() {
            let names = kept.join(", ");
            log::warn!("{path:?}: these count at the start of the server only: {names}");
        }
        let service = Arc::new(service);
        let walls = Arc::new(base.walls.again(service.config()));
        let loaded = Arc::new(Loaded {
            stamp,
            base: Arc::clone(&base.service),
            crews: Arc::new(Crews::new(Arc::clone(&service), walls, 0)),
            service,
        });
        if all.len() >= REMEMBERED {
            all.clear();
        }
        all.insert(path.to_owned(), Arc::clone(&loaded));
        Ok(loaded)
    }
}

/// The rules in a file as it is now. What is wrong with it was told at the
/// start, and is told again when it has changed.
fn rules(known: &Mutex<Option<Read>>, path: &'static str) -> Result<Arc<Rules>, Obscure> {
    let stamp = Stamp::of(Path::new(path)).ok();
    let mut known = locked(known);
    let is_first = known.is_none();
    let (_, read) = match &mut *known {
        Some(read) if read.0 == stamp => read,
        stale => {
            let read = rules_of(path).map(|(rules, faults)| {
                for fault in faults.iter().filter(|_| !is_first) {
                    log::warn!("{path}: {fault}");
                }
                Arc::new(rules)
            });
            stale.insert((stamp, read.map_err(Arc::new)))
        }
    };
    read.clone().map_err(|error| Obscure::File(path, error))
}

/// Says a word without waiting; the connection closes on drop.
fn turn_away(visitor: &Visitor, code: Code, text: &'static str) {
    let out = phrase(&visitor.base.service, &Reply::new(code, text));
    let _ = send(visitor.socket.as_fd(), &out, false);
}

/// Answers what rules ask.
struct Asking<'keeper>(&'keeper Keeper);

impl Lookups for Asking<'_> {
    fn name_of(&mut self, address: IpAddr) -> HostName {
        let now = Instant::now();
        if let Some((since, name)) = locked(&self.0.names).get(&address)
            && now.duration_since(*since) < BELIEVED
        {
            return name.clone();
        }
        let name = look_up(address);
        let mut names = locked(&self.0.names);
        if names.len() >= REMEMBERED {
            names.clear();
        }
        names.insert(address, (now, name.clone()));
        name
    }

    fn patterns_in(&mut self, path: &[u8]) -> Vec<u8> {
        let path = Path::new(OsStr::from_bytes(path));
        read_regular(path, LARGEST).unwrap_or_else(|error| {
            log::warn!("tcp_wrappers: {path:?}: {error}");
            Vec::new()
        })
    }

    fn is_in_netgroup(&mut self, group: &[u8], name: &[u8]) -> bool {
        hosts::is_in_netgroup(group, name)
    }
}

/// The name of an address, if it leads back.
fn look_up(address: IpAddr) -> HostName {
    let Some(name) = hosts::name_of(address) else {
        return HostName::Unknown;
    };
    if hosts::leads_to(&name, address) {
        HostName::Known(name.into_bytes())
    } else {
        HostName::Paranoid
    }
}
