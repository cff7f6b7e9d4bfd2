//! A crew: the workers of one class, and the channel through which sessions
//! reach them.
//!
//! Each worker narrows itself at its birth to what its class may, and cannot
//! widen again. A crew is there as long as somebody has it: its workers, its
//! sessions, or the pool where it is one that stays.

use super::crews::Terms;
use super::pool::Job;
use crate::fs::Root;
use crate::session::{Class, Place, Wake};
use crate::sys;
use crossbeam_channel::{Receiver, Sender, unbounded};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

/// The crew of a class.
pub(super) struct Crew {
    pub(super) class: Class,
    /// What its workers serve, and behind which walls.
    terms: Arc<Terms>,
    /// The root of its home, once a worker has opened it.
    root: OnceLock<Arc<Root>>,
    sender: Sender<(Box<Job>, Wake)>,
    pub(super) receiver: Receiver<(Box<Job>, Wake)>,
    /// Workers waiting for a job.
    pub(super) idle: AtomicUsize,
    pub(super) workers: AtomicUsize,
    /// Idle workers that stay.
    spares: AtomicUsize,
}

impl Crew {
    pub(super) fn new(class: Class, spares: usize, terms: &Arc<Terms>) -> Arc<Crew> {
        let (sender, receiver) = unbounded();
        Arc::new(Crew {
            class,
            terms: Arc::clone(terms),
            root: OnceLock::new(),
            sender,
            receiver,
            idle: AtomicUsize::new(0),
            workers: AtomicUsize::new(0),
            spares: AtomicUsize::new(spares),
        })
    }

    /// How many idle workers stay.
    pub(super) fn spares(&self) -> usize {
        self.spares.load(Ordering::Relaxed)
    }

    /// From now on no idle worker stays.
    pub(super) fn keep_no_spares(&self) {
        self.spares.store(0, Ordering::Relaxed);
    }

    /// Puts a session in the channel.
    pub(super) fn send(&self, job: Box<Job>, wake: Wake) {
        // The crew itself holds a receiver, so the channel is never closed.
        let _ = self.sender.send((job, wake));
    }

    /// Whether a job waits for which there is no idle worker.
    pub(super) fn is_short(&self) -> bool {
        self.sender.len() > self.idle.load(Ordering::SeqCst)
    }

    /// Makes of the calling thread, which was just born, a worker of this
    /// class, for good.
    ///
    /// # Errors
    /// When the home cannot be served.
    pub(super) fn enlist(&self) -> Result<Place, sys::Error> {
        let Terms { walls, service } = &*self.terms;
        let root = walls.narrow(&self.class, self.root.get(), service)?;
        let root = root.map(|root| Arc::clone(self.root.get_or_init(|| root)));
        Ok(Place {
            class: self.class.clone(),
            root,
        })
    }
}
