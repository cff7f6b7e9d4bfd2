//! The main thread: accepts control connections, hears signals, gives birth
//! to workers. It never reads from a client and never waits for one, and no
//! failure of accept(2) ends it.

use super::limits::{Census, Full, max_workers};
use super::listen::Listener;
use super::narrow::Walls;
use super::pool::Pool;
use super::waiting::WaitingRoom;
use crate::protocol::{Code, Reply};
use crate::session::{Service, Session, SessionId, Wake};
use crate::sys;
use crate::sys::poll::{Bell, Epoll, Watch};
use crate::sys::seccomp::{Kind, Refusals};
use crate::sys::signal::{Signal, Signals};
use crate::sys::socket::accept_blocking;
use crate::sys::transfer::send;
use std::fs::File;
use std::net::SocketAddr;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::time::Duration;

/// Numbers under which epoll knows what is no listener.
const SIGNALS: u64 = u64::MAX;
const BELL: u64 = u64::MAX - 1;
const REFUSALS: u64 = u64::MAX - 2;

/// Connections taken from one socket before the others get their turn.
const BATCH: usize = 64;

/// Rest after a shortage of memory or threads, when trying again at once
/// would only burn the processor.
const SHORTAGE: Duration = Duration::from_millis(50);

/// The main thread's belongings.
pub(super) struct Master {
    listeners: Vec<Listener>,
    signals: Signals,
    /// System calls that threads of this process were refused.
    refusals: Refusals,
    epoll: Epoll,
    bell: Arc<Bell>,
    room: Arc<WaitingRoom>,
    pool: Arc<Pool>,
    census: Arc<Census>,
    service: Arc<Service>,
    next_session: u64,
    /// Given up for a moment when descriptors run out, so that the client
    /// can be taken and told.
    spare: Option<File>,
}

impl Master {
    pub(super) fn new(
        listeners: Vec<Listener>,
        signals: Signals,
        service: Arc<Service>,
        walls: Arc<Walls>,
    ) -> Result<Master, sys::Error> {
        let epoll = Epoll::new()?;
        let bell = Arc::new(Bell::new()?);
        for (token, listener) in (0u64..).zip(&listeners) {
            epoll.add(listener.socket.as_fd(), token, Watch::Level)?;
        }
        epoll.add(signals.as_fd(), SIGNALS, Watch::Level)?;
        epoll.add(bell.as_fd(), BELL, Watch::Level)?;
        let refusals = Refusals::new()?;
        epoll.add(refusals.as_fd(), REFUSALS, Watch::Level)?;
        let room = Arc::new(WaitingRoom::new()?);
        let pool = Arc::new(Pool::new(
            Arc::clone(&service),
            Arc::clone(&walls),
            max_workers(),
            Arc::clone(&room),
            Arc::clone(&bell),
        ));
        let keeper = (Arc::clone(&room), Arc::clone(&pool));
        std::thread::Builder::new()
            .name("waiting-room".to_owned())
            .stack_size(128 * 1024)
            .spawn(move || match walls.enclose(Kind::WaitingRoom) {
                Ok(()) => keeper.0.keep(&keeper.1),
                Err(error) => log::error!("the waiting room: {error}"),
            })
            .map_err(|error| sys::Error::from_io("clone", &error))?;
        Ok(Master {
            listeners,
            signals,
            refusals,
            epoll,
            bell,
            room,
            pool,
            census: Arc::default(),
            service,
            next_session: 1,
            spare: spare(),
        })
    }

    /// The loop, until a signal ends it.
    pub(super) fn run(mut self) {
        let mut ready = Vec::new();
        loop {
            if !self.pool.give_birth() {
                std::thread::sleep(SHORTAGE);
            }
            ready.clear();
            if let Err(error) = self.epoll.wait(&mut ready, None) {
                unreachable!("epoll_wait fails only for arguments that are not ours: {error}");
            }
            for &token in &ready {
                match token {
                    SIGNALS => {
                        while let Some(signal) = self.signals.next() {
                            if self.heard(signal) {
                                return self.tell_refusals();
                            }
                        }
                    }
                    BELL => self.bell.hush(),
                    REFUSALS => self.tell_refusals(),
                    listener => self.accept(usize::try_from(listener).unwrap_or(usize::MAX)),
                }
            }
        }
    }

    /// Logs what threads of this process were refused by their lists.
    fn tell_refusals(&mut self) {
        for refusal in self.refusals.take() {
            log::error!("{refusal}; please report it");
        }
    }

    /// Acts on a signal; true when it ends the server.
    fn heard(&mut self, signal: Signal) -> bool {
        match signal {
            Signal::Terminate | Signal::Interrupt => {
                log::info!("stopping on {signal:?}");
                self.listeners.clear();
                self.room.close();
                true
            }
            Signal::HangUp => {
                log::warn!("SIGHUP: reloading is not supported yet, the configuration stays");
                false
            }
        }
    }

    /// Takes the connections waiting on one socket.
    fn accept(&mut self, at: usize) {
        for _ in 0..BATCH {
            let Some(listener) = self.listeners.get(at) else {
                return;
            };
            match accept_blocking(listener.socket.as_fd()) {
                Ok((socket, peer)) => self.welcome(socket, peer),
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
        let admitted = self
            .census
            .admit(address, config.max_clients(), config.max_per_ip());
        let admission = match admitted {
            Ok(admission) => admission,
            Err(full) => {
                let (text, option) = match full {
                    Full::Clients => (
                        "There are too many connected users, please try later.",
                        "max_clients",
                    ),
                    Full::PerAddress => (
                        "There are too many connections from your internet address.",
                        "max_per_ip",
                    ),
                };
                log::info!("{peer} turned away ({option})");
                return self.turn_away(&socket, text);
            }
        };
        let id = SessionId(self.next_session);
        self.next_session += 1;
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
    fn turn_away(&self, socket: &OwnedFd, text: &'static str) {
        let mut out = Vec::new();
        let reply = Reply::new(Code::ServiceNotAvailable, text);
        self.service.phrase(&reply).encode(&mut out);
        let _ = send(socket.as_fd(), &out, false);
    }
}

fn spare() -> Option<File> {
    File::open("/dev/null").ok()
}
