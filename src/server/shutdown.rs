//! The end of the server: nobody new comes in, who is idle is told 421, and
//! transfers may go on for `shutdown_grace` seconds.

use super::accept::Master;
use super::notify::status;
use crate::sys::signal::Signal;
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

/// What sessions have left that are cut off: to say 421 and to put away what
/// a broken upload leaves.
const LAST_MOMENT: Duration = Duration::from_secs(2);

/// The end under way.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ending {
    /// Nobody is waited for any longer.
    pub(super) until: Instant,
    /// All sessions have been cut off.
    is_cut: bool,
}

impl Master {
    /// Begins the end; a second call ends what was to be waited for.
    pub(super) fn stop(&mut self, signal: Signal) {
        match &mut self.ending {
            None => {}
            Some(ending) if ending.is_cut => return ending.until = Instant::now(),
            Some(_) => {
                log::info!("{signal:?} again: transfers are cut off");
                return self.cut();
            }
        }
        let grace = Duration::from_secs(self.service.config().shutdown_grace().into());
        let transfers = self.service.transfers();
        let state = status(self.census.sessions(), transfers);
        log::info!("stopping on {signal:?}: {state}");
        self.supervisor.stopping(grace + 2 * LAST_MOMENT);
        for listener in &self.listeners {
            // Another process may have this socket, and clients may go on to
            // come to it.
            if let Err(error) = self.epoll.remove(listener.socket.as_fd()) {
                log::debug!("{error}");
            }
        }
        self.listeners.clear();
        self.census.tell_when_empty(&self.bell);
        self.service.end();
        self.room.close();
        self.ending = Some(Ending {
            until: Instant::now() + grace,
            is_cut: false,
        });
        if grace.is_zero() {
            self.cut();
        } else if transfers > 0 {
            log::info!(
                "transfers have {} seconds left (shutdown_grace); a second signal ends them",
                grace.as_secs()
            );
        }
    }

    fn cut(&mut self) {
        self.service.cut();
        self.ending = Some(Ending {
            until: Instant::now() + LAST_MOMENT,
            is_cut: true,
        });
    }

    /// Whether the server ends now.
    pub(super) fn is_over(&mut self) -> bool {
        let Some(ending) = self.ending else {
            return false;
        };
        if self.census.sessions() == 0 {
            return true;
        }
        if Instant::now() < ending.until {
            return false;
        }
        if !ending.is_cut {
            let state = status(self.census.sessions(), self.service.transfers());
            log::warn!("shutdown_grace is over: {state} are cut off");
            self.cut();
            return false;
        }
        let state = status(self.census.sessions(), self.service.transfers());
        log::warn!("did not end in time: {state}");
        true
    }
}
