//! What others than signals ask of the main thread, and its answer: at once, or
//! when it is known.

use super::accept::Master;
use crate::sys::poll::Bell;
use crossbeam_channel::{RecvTimeoutError, Sender, bounded};
use std::sync::Arc;
use std::time::Duration;

/// What the main thread can be told to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    /// What SIGHUP asks for.
    Reload,
    /// Accept nobody any more, and end when the last session has gone.
    Drain,
}

/// An order, and where its outcome is awaited.
#[derive(Debug)]
pub(super) struct Errand {
    pub(super) order: Order,
    outcome: Sender<Outcome>,
}

/// What came of an order: the options of a reload that count after a restart
/// only, or why it was not obeyed, in words.
pub(super) type Outcome = Result<Vec<&'static str>, String>;

impl Errand {
    /// Tells whoever has given the order; nobody need be waiting.
    pub(super) fn done(&self, outcome: Outcome) {
        let _ = self.outcome.try_send(outcome);
    }
}

/// The way to the main thread.
#[derive(Debug, Clone)]
pub(super) struct Orders {
    pub(super) sender: Sender<Errand>,
    pub(super) bell: Arc<Bell>,
}

impl Orders {
    /// Gives an order and waits for what came of it, `patience` long.
    ///
    /// # Errors
    /// Why it was not obeyed, in words.
    pub(super) fn give(&self, order: Order, patience: Duration) -> Outcome {
        let (outcome, told) = bounded(1);
        // Nobody has the other end when the server has ended.
        let _ = self.sender.send(Errand { order, outcome });
        self.bell.ring();
        told.recv_timeout(patience).unwrap_or_else(|error| {
            Err(match error {
                RecvTimeoutError::Timeout => "the server has not done so yet: its log will tell",
                RecvTimeoutError::Disconnected => "the server has ended",
            }
            .to_owned())
        })
    }
}

impl Master {
    /// Does what the governor has asked for.
    pub(super) fn obey(&mut self) {
        while let Ok(errand) = self.orders.try_recv() {
            match errand.order {
                Order::Reload => self.reload(vec![errand]),
                Order::Drain => {
                    self.drain();
                    errand.done(Ok(Vec::new()));
                }
            }
        }
    }
}
