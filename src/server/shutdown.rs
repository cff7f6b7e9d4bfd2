//! The end of the server: nobody new comes in, who is idle is told 421, and
//! transfers may go on for `shutdown_grace` seconds. Or, where the
//! administrator has time (ironftpctl drain), all may stay.

use super::accept::Master;
use super::listen::Listener;
use super::notify::status;
use crate::sys::signal::Signal;
use crate::sys::socket::accept_blocking;
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

/// What sessions have left that are cut off: to say 421 and to put away what
/// a broken upload leaves.
const LAST_MOMENT: Duration = Duration::from_secs(2);

/// Clients that are told before the end: more than a queue holds.
const QUEUE: usize = 65_536;

/// The end under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    /// All who are there may stay for as long as they like.
    Drain,
    /// Transfers may go on until then.
    Grace(Instant),
    /// All sessions have been cut off; nobody is waited for any longer.
    Cut(Instant),
}

impl Ending {
    /// When something is to happen though all stay.
    pub(super) fn until(self) -> Option<Instant> {
        match self {
            Ending::Drain => None,
            Ending::Grace(until) | Ending::Cut(until) => Some(until),
        }
    }
}

impl Master {
    /// Lets nobody in any more, and ends the server when the last session has
    /// gone.
    pub(super) fn drain(&mut self) {
        if self.ending.is_none() {
            log::info!("draining: no new sessions, {} to go", self.state());
            self.close();
            self.ending = Some(Ending::Drain);
        }
    }

    /// Whether sessions are being ended.
    pub(super) fn is_stopping(&self) -> bool {
        matches!(self.ending, Some(Ending::Grace(_) | Ending::Cut(_)))
    }

    /// Begins the end; a second call ends what was to be waited for.
    pub(super) fn stop(&mut self, signal: Signal) {
        match self.ending {
            None => self.close(),
            Some(Ending::Drain) => {}
            Some(Ending::Grace(_)) => {
                log::info!("{signal:?} again: transfers are cut off");
                return self.cut();
            }
            Some(Ending::Cut(_)) => return self.ending = Some(Ending::Cut(Instant::now())),
        }
        let grace = Duration::from_secs(self.service.config().shutdown_grace().into());
        let transfers = self.service.course().transfers();
        log::info!("stopping on {signal:?}: {}", self.state());
        self.supervisor.stopping(grace + 2 * LAST_MOMENT);
        self.service.end();
        self.room.close();
        self.ending = Some(Ending::Grace(Instant::now() + grace));
        if grace.is_zero() {
            self.cut();
        } else if transfers > 0 {
            log::info!(
                "transfers have {} seconds left (shutdown_grace); a second signal ends them",
                grace.as_secs()
            );
        }
    }

    /// Lets nobody in any more.
    fn close(&mut self) {
        for listener in &self.listeners {
            if !listener.handed {
                self.send_home(listener);
            }
            // Another process may have this socket, and clients may go on to
            // come to it.
            if let Err(error) = self.epoll.remove(listener.socket.as_fd()) {
                log::debug!("{error}");
            }
        }
        self.listeners.clear();
        self.census.tell_when_empty(&self.bell);
        self.service.close();
    }

    /// Tells those who are in the queue of a socket that ends with the server;
    /// its end would only reset their connections.
    fn send_home(&self, listener: &Listener) {
        for _ in 0..QUEUE {
            match accept_blocking(listener.socket.as_fd()) {
                Ok((socket, _)) => self.turn_away(&socket, "Server shutting down."),
                Err(error) if error.errno() == libc::ECONNABORTED => {}
                Err(_) => return,
            }
        }
    }

    fn cut(&mut self) {
        self.service.cut();
        self.ending = Some(Ending::Cut(Instant::now() + LAST_MOMENT));
    }

    fn state(&self) -> String {
        status(self.census.sessions(), self.service.course().transfers())
    }

    /// Whether the server ends now.
    pub(super) fn is_over(&mut self) -> bool {
        let Some(ending) = self.ending else {
            return false;
        };
        if self.census.sessions() == 0 {
            log::info!("stopped: no session is left");
            return true;
        }
        match ending {
            Ending::Grace(until) if Instant::now() >= until => {
                log::warn!("shutdown_grace is over: {} are cut off", self.state());
                self.cut();
                false
            }
            Ending::Cut(until) if Instant::now() >= until => {
                log::warn!("did not end in time: {}", self.state());
                true
            }
            _ => false,
        }
    }
}
