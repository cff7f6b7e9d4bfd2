//! The main thread: accepts control connections, hears signals, gives birth
//! to workers. It never reads from a client and never waits for one, and no
//! failure of accept(2) ends it. What signals and the governor ask for is in
//! `reload`, `shutdown` and `orders`.

use super::certificates::{self, Watcher};
use super::crews::Terms;
use super::governor::Governor;
use super::limits::{Census, max_workers};
use super::listen::{Listener, Source, keepalive};
use super::narrow::Walls;
use super::notify::{State, Supervisor};
use super::orders::{Errand, Orders};
use super::pool::Pool;
use super::reload::{Reader, Reread};
use super::shutdown::Ending;
use super::waiting::WaitingRoom;
use super::wrappers::{Gate, Visitor};
use crate::auth::Authenticator;
use crate::config::Config;
use crate::control;
use crate::protocol::{Code, Reply};
use crate::record::Ledger;
use crate::session::{Service, Session, SessionId, Wake};
use crate::sys;
use crate::sys::fork::{self, Ended, Process};
use crate::sys::poll::{Bell, Epoll, Watch};
use crate::sys::seccomp::{Kind, Refusals};
use crate::sys::signal::{Signal, Signals};
use crate::sys::socket::accept_blocking;
use crate::sys::transfer::send;
use crossbeam_channel::{Receiver, Sender, unbounded};
use std::fs::File;
use std::net::SocketAddr;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Numbers under which epoll knows what is no listener.
const SIGNALS: u64 = u64::MAX;
const BELL: u64 = u64::MAX - 1;
const REFUSALS: u64 = u64::MAX - 2;

/// Connections taken from one socket before the others get their turn.
const BATCH: usize = 64;

/// Rest after a shortage of memory or threads, when trying again at once
/// would only burn the processor.
const SHORTAGE: Duration = Duration::from_millis(50);

/// Workers enough for one session: one that serves it, and one that is
/// leaving each time it moves. With so few none are spares.
const FOR_ONE: usize = 3;

/// When the server ends without being told to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stay {
    /// Never.
    Always,
    /// When nobody has been there for a while, since this moment if nobody is
    /// there now (idle_server_timeout).
    WhileUsed(Option<Instant>),
    /// With its one session.
    OneSession,
}

/// What SIGHUP means.
pub(super) enum HangUp {
    /// The configuration is to be read again.
    Reload(Reread),
    /// The terminal is gone, and the server goes with it.
    End,
    /// Nothing.
    Ignored,
}

/// What the main thread begins with.
pub(super) struct Beginning {
    pub(super) source: Source,
    pub(super) signals: Signals,
    pub(super) service: Arc<Service>,
    pub(super) walls: Arc<Walls>,
    pub(super) supervisor: Supervisor,
    pub(super) certificates: Watcher,
    pub(super) hang_up: HangUp,
    /// With tcp_wrappers: what configurations for some clients may have on.
    pub(super) widest: Option<Config>,
}

/// The main thread's belongings.
pub(super) struct Master {
    pub(super) listeners: Vec<Listener>,
    stay: Stay,
    signals: Signals,
    /// SIGHUP ends the server.
    hang_up_ends: bool,
    /// System calls that threads of this process were refused.
    refusals: Refusals,
    pub(super) epoll: Epoll,
    pub(super) bell: Arc<Bell>,
    /// From the governor; the bell tells of them.
    pub(super) orders: Receiver<Errand>,
    /// The way to this thread.
    giver: Sender<Errand>,
    pub(super) room: Arc<WaitingRoom>,
    keeper: JoinHandle<()>,
    pub(super) pool: Arc<Pool>,
    pub(super) census: Arc<Census>,
    pub(super) service: Arc<Service>,
    pub(super) walls: Arc<Walls>,
    pub(super) supervisor: Supervisor,
    pub(super) certificates: Watcher,
    pub(super) reader: Option<Reader>,
    /// Who asks whether clients may connect (tcp_wrappers).
    gate: Option<Gate>,
    pub(super) ending: Option<Ending>,
    next_session: u64,
    /// Given up for a moment when descriptors run out, so that the client
    /// can be taken and told.
    spare: Option<File>,
}

impl Master {
    pub(super) fn new(beginning: Beginning) -> Result<Master, sys::Error> {
        let Beginning {
            source,
            signals,
            service,
            walls,
            supervisor,
            certificates,
            hang_up,
            widest,
        } = beginning;
        let epoll = Epoll::new()?;
        let bell = Arc::new(Bell::new()?);
        epoll.add(signals.as_fd(), SIGNALS, Watch::Level)?;
        epoll.add(bell.as_fd(), BELL, Watch::Level)?;
        let refusals = Refusals::new()?;
        epoll.add(refusals.as_fd(), REFUSALS, Watch::Level)?;
        let (listeners, stay, visitor) = match source {
            Source::Sockets(listeners) => (listeners, Stay::Always, None),
            Source::Lent(listener) => (vec![listener], Stay::WhileUsed(None), None),
            Source::Visitor(visitor, peer) => (Vec::new(), Stay::OneSession, Some((visitor, peer))),
        };
        for (token, listener) in (0u64..).zip(&listeners) {
            epoll.add(listener.socket.as_fd(), token, Watch::Level)?;
        }
        let room = Arc::new(WaitingRoom::new()?);
        let workers = match stay {
            Stay::OneSession => FOR_ONE,
            _ => max_workers(),
        };
        let pool = Arc::new(Pool::new(
            Arc::clone(&service),
            Arc::clone(&walls),
            workers,
            Arc::clone(&room),
            Arc::clone(&bell),
        ));
        let keeper = keep(&room, &pool, &walls)?;
        let hang_up_ends = matches!(hang_up, HangUp::End);
        let reader = match hang_up {
            HangUp::Reload(reread) if visitor.is_none() => {
                Some(Reader::start(reread, &service, &walls, Arc::clone(&bell))?)
            }
            _ => None,
        };
        let (giver, orders) = unbounded();
        let gate = match widest {
            Some(widest) => Some(Gate::open(&pool, &walls, widest)?),
            None => None,
        };
        let mut master = Master {
            listeners,
            stay,
            signals,
            hang_up_ends,
            refusals,
            epoll,
            bell,
            orders,
            giver,
            room,
            keeper,
            pool,
            census: Arc::default(),
            service,
            walls,
            supervisor,
            certificates,
            reader,
            gate,
            ending: None,
            next_session: 1,
            spare: spare(),
        };
        if stay != Stay::Always {
            master.census.tell_when_empty(&master.bell);
        }
        if let Some((visitor, peer)) = visitor
            && let Some(socket) = visitor.welcome()
        {
            master.welcome(socket, peer);
        }
        Ok(master)
    }

    /// What the governor needs of this server.
    pub(super) fn govern(&self) -> Governor {
        Governor {
            roster: self.service.roster().clone(),
            course: self.service.course().clone(),
            room: Arc::clone(&self.room),
            pool: Arc::clone(&self.pool),
            census: Arc::clone(&self.census),
            orders: Orders {
                sender: self.giver.clone(),
                bell: Arc::clone(&self.bell),
            },
            listening: self.listeners.iter().map(|it| it.address).collect(),
            started: Instant::now(),
        }
    }

    /// The loop, until the server ends.
    pub(super) fn run(mut self) {
        self.supervisor.ready();
        let mut ready = Vec::new();
        loop {
            if !self.pool.give_birth() {
                std::thread::sleep(SHORTAGE);
            }
            ready.clear();
            let patience = self.next_moment();
            let patience = patience.map(|at| at.saturating_duration_since(Instant::now()));
            if let Err(error) = self.epoll.wait(&mut ready, patience) {
                unreachable!("epoll_wait fails only for arguments that are not ours: {error}");
            }
            for &token in &ready {
                self.look(token);
            }
            if self.is_over() || self.is_left() {
                break;
            }
            // The keeper ends only with the room: sessions would wait for ever.
            let is_well = self.is_stopping() || !self.keeper.is_finished();
            let state = State {
                sessions: self.census.sessions(),
                transfers: self.service.course().transfers(),
                is_draining: self.service.course().is_closed(),
            };
            self.supervisor.tell(state, is_well);
        }
        self.room.close();
        self.tell_refusals();
    }

    fn look(&mut self, token: u64) {
        match token {
            SIGNALS => {
                while let Some(signal) = self.signals.next() {
                    self.heard(signal);
                }
            }
            BELL => {
                self.bell.hush();
                self.obey();
                self.take_news();
            }
            REFUSALS => self.tell_refusals(),
            listener => self.accept(usize::try_from(listener).unwrap_or(usize::MAX)),
        }
    }

    /// Acts on a signal.
    fn heard(&mut self, signal: Signal) {
        match signal {
            Signal::Terminate | Signal::Interrupt => self.stop(signal),
            Signal::HangUp if self.hang_up_ends => self.stop(signal),
            Signal::HangUp => self.reload(Vec::new()),
            Signal::Child => self.reap(),
        }
    }

    /// Takes note of processes that have ended: the authenticator, and in a
    /// container orphans of others, which become process 1's.
    fn reap(&self) {
        let authenticator = self.service.authenticator();
        let tell = |ended: Ended| {
            log::error!(
                "the authenticator has ended ({ended:?}): no user of the system \
                 can log in until the server is started again"
            );
        };
        if let Some(ended) = authenticator.and_then(Authenticator::ended) {
            tell(ended);
        }
        certificates::tell_end(&self.service);
        if Process::current().id() != 1 {
            return;
        }
        while let Some((process, ended)) = fork::reap() {
            if authenticator.is_some_and(|it| it.process_id() == process.id()) {
                tell(ended);
            } else {
                log::debug!("process {} has ended: {ended:?}", process.id());
            }
        }
    }

    /// Logs what threads of this process were refused by their lists.
    fn tell_refusals(&mut self) {
        for refusal in self.refusals.take() {
            log::error!("{refusal}; please report it");
        }
    }

    /// Whether the server ends because nobody needs it any more.
    fn is_left(&mut self) -> bool {
        let is_empty = self.census.sessions() == 0;
        match self.stay {
            Stay::Always => false,
            Stay::OneSession => is_empty,
            Stay::WhileUsed(_) if !is_empty => {
                self.stay = Stay::WhileUsed(None);
                false
            }
            Stay::WhileUsed(since) => {
                let since = since.unwrap_or_else(Instant::now);
                self.stay = Stay::WhileUsed(Some(since));
                let limit = self.idle_limit();
                let is_left = limit.is_some_and(|limit| since.elapsed() >= limit);
                if is_left {
                    log::info!("nobody has come for a while (idle_server_timeout): ending");
                }
                is_left
            }
        }
    }

    fn idle_limit(&self) -> Option<Duration> {
        let seconds = u64::from(self.service.config().idle_server_timeout());
        (seconds > 0).then(|| Duration::from_secs(seconds))
    }

    /// When there will be something to do though nothing happens.
    fn next_moment(&self) -> Option<Instant> {
        let left = match self.stay {
            Stay::WhileUsed(Some(since)) => self.idle_limit().map(|limit| since + limit),
            // Not looked at yet.
            Stay::WhileUsed(None) if self.census.sessions() == 0 => Some(Instant::now()),
            _ => None,
        };
        let end = self.ending.and_then(Ending::until);
        let word = self.supervisor.next(self.census.sessions());
        [left, end, word].into_iter().flatten().min()
    }

    /// Takes the connections waiting on one socket.
    fn accept(&mut self, at: usize) {
        for _ in 0..BATCH {
            let Some(listener) = self.listeners.get(at) else {
                return;
            };
            let handed = listener.handed;
            match accept_blocking(listener.socket.as_fd()) {
                Ok((socket, peer)) => {
                    if handed
                        && let Err(error) =
                            control::prepare(socket.as_fd(), keepalive(self.service.config()))
                    {
                        // Gone before it was greeted.
                        log::debug!("{peer}: {error}");
                        continue;
                    }
                    self.welcome(socket, peer);
                }
                Err(error) if error.would_block() => return,
                Err(error) => match error.errno() {
                    libc::EMFILE | libc::ENFILE => return self.turn_away_for_descriptors(at),
                    libc::ENOBUFS | libc::ENOMEM => {
                        log::error!("{error}");
                        return std::thread::sleep(SHORTAGE);
                    }
                    // The connection died in the queue (ECONNABORTED) or had
                    // a network error that accept(2) passes on: the next
                    // one may be well.
                    _ => log::debug!("{error}"),
                },
            }
        }
    }

    /// Makes a session of a connection, or says why not.
    fn welcome(&mut self, socket: OwnedFd, peer: SocketAddr) {
        let config = self.service.config();
        let address = peer.ip().to_canonical();
        // Whoever hands single connections over counts them.
        let counts = self.stay != Stay::OneSession;
        let (all, per_address) = match (&self.gate, counts) {
            // A rule may give clients limits of their own.
            (Some(_), _) | (_, false) => (0, 0),
            (None, true) => (config.max_clients(), config.max_per_ip()),
        };
        let admitted = self.census.admit(address, all, per_address);
        let admission = match admitted {
            Ok(admission) => admission,
            Err(full) => {
                let (text, option) = full.words();
                log::info!("{peer} turned away ({option})");
                Ledger::of(config).write_turned_away(address, full.for_logs());
                return self.turn_away(&socket, text);
            }
        };
        let id = SessionId(self.next_session);
        self.next_session += 1;
        if let Some(gate) = &self.gate {
            let visitor = Visitor {
                id,
                socket,
                peer,
                admission,
                counts,
                base: Terms {
                    service: Arc::clone(&self.service),
                    walls: Arc::clone(&self.walls),
                },
            };
            if let Err(visitor) = gate.ask(visitor) {
                log::error!("{peer} turned away: too many wait for tcp_wrappers");
                let text = "The server is out of resources, please try later.";
                self.turn_away(&visitor.socket, text);
            }
            return;
        }
        match Session::new(id, socket, peer, Arc::clone(&self.service)) {
            Ok(session) => self
                .pool
                .submit(self.pool.job(session, admission), Wake::Born),
            // Gone before it was greeted.
            Err(error) => log::debug!("{peer}: {error}"),
        }
    }

    /// Descriptors are spent: without taking the connection it would stay in
    /// the queue and wake this loop for ever.
    fn turn_away_for_descriptors(&mut self, at: usize) {
        self.spare = None;
        if let Some(listener) = self.listeners.get(at)
            && let Ok((socket, peer)) = accept_blocking(listener.socket.as_fd())
        {
            log::error!("{peer} turned away: no more descriptors (RLIMIT_NOFILE)");
            self.turn_away(&socket, "The server is out of resources, please try later.");
        } else {
            std::thread::sleep(SHORTAGE);
        }
        self.spare = spare();
    }

    /// Says 421 without waiting; the connection closes on drop.
    pub(super) fn turn_away(&self, socket: &OwnedFd, text: &'static str) {
        let out = phrase(&self.service, &Reply::new(Code::ServiceNotAvailable, text));
        let _ = send(socket.as_fd(), &out, false);
    }
}

/// A reply to a client that gets no session, as it goes over the wire.
pub(super) fn phrase(service: &Service, reply: &Reply) -> Vec<u8> {
    let mut out = Vec::new();
    service.phrase(reply).encode(&mut out);
    out
}

/// Starts the waiting room's thread.
fn keep(
    room: &Arc<WaitingRoom>,
    pool: &Arc<Pool>,
    walls: &Arc<Walls>,
) -> Result<JoinHandle<()>, sys::Error> {
    let (room, pool, walls) = (Arc::clone(room), Arc::clone(pool), Arc::clone(walls));
    std::thread::Builder::new()
        .name("waiting-room".to_owned())
        .stack_size(128 * 1024)
        .spawn(move || match walls.enclose(Kind::WaitingRoom) {
            Ok(()) => room.keep(&pool),
            Err(error) => log::error!("the waiting room: {error}"),
        })
        .map_err(|error| sys::Error::from_io("clone", &error))
}

fn spare() -> Option<File> {
    File::open("/dev/null").ok()
}
