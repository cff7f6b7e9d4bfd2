//! The workers: a bounded pool of threads that take sessions from one
//! channel, serve them while they are active and park them when silent.
//!
//! Only the main thread gives birth, because a thread inherits the rights of
//! the one that creates it; others ring its bell. A few idle workers are
//! kept warm, the rest leave after a while.

use super::limits::Admission;
use super::waiting::WaitingRoom;
use crate::session::{Outcome, Session, Wake};
use crate::sys::poll::Bell;
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, unbounded};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// Stack of a worker. Large things live on the heap; most of this is never
/// touched and so never takes memory.
const STACK: usize = 192 * 1024;

/// Idle workers that stay.
const SPARES: usize = 4;

/// Time after which an idle worker beyond the spares leaves.
const PATIENCE: Duration = Duration::from_secs(1);

/// A session and what goes with it from thread to thread.
pub(super) struct Job {
    pub(super) session: Session,
    /// Known to the waiting room's epoll.
    pub(super) registered: bool,
    /// Held for its drop.
    _admission: Admission,
}

impl std::fmt::Debug for Job {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Job({:?})", self.session.id())
    }
}

impl Job {
    pub(super) fn new(session: Session, admission: Admission) -> Box<Job> {
        Box::new(Job {
            session,
            registered: false,
            _admission: admission,
        })
    }
}

/// The pool. It is bounded in threads; the channel is bounded by the number
/// of sessions.
pub(super) struct Pool {
    sender: Sender<(Box<Job>, Wake)>,
    receiver: Receiver<(Box<Job>, Wake)>,
    room: Arc<WaitingRoom>,
    /// Workers waiting for a job.
    idle: AtomicUsize,
    workers: AtomicUsize,
    limit: usize,
    /// Stack of each worker, in bytes.
    stack: usize,
    /// Heard by the main thread.
    bell: Arc<Bell>,
}

impl Pool {
    pub(super) fn new(limit: usize, room: Arc<WaitingRoom>, bell: Arc<Bell>) -> Pool {
        let (sender, receiver) = unbounded();
        Pool {
            sender,
            receiver,
            room,
            idle: AtomicUsize::new(0),
            workers: AtomicUsize::new(0),
            limit,
            stack: STACK,
            bell,
        }
    }

    /// Hands a session to the next free worker.
    pub(super) fn submit(&self, job: Box<Job>, wake: Wake) {
        // The pool itself holds a receiver, so the channel is never closed.
        let _ = self.sender.send((job, wake));
        if self.wants_birth() {
            self.bell.ring();
        }
    }

    fn wants_birth(&self) -> bool {
        self.sender.len() > self.idle.load(Ordering::SeqCst)
            && self.workers.load(Ordering::Relaxed) < self.limit
    }

    /// Gives birth to workers as long as jobs are waiting for one, and to
    /// the spares at the start. False when the system gives no more threads;
    /// the jobs then wait for the workers there are.
    pub(super) fn give_birth(self: &Arc<Self>) -> bool {
        while self.wants_birth() || self.workers.load(Ordering::Relaxed) < SPARES.min(self.limit) {
            if !self.spawn() {
                return false;
            }
        }
        true
    }

    fn spawn(self: &Arc<Self>) -> bool {
        let pool = Arc::clone(self);
        self.workers.fetch_add(1, Ordering::Relaxed);
        // Counted as idle from here, or a burst would give birth to a worker
        // for each look at the channel.
        self.idle.fetch_add(1, Ordering::SeqCst);
        let born = std::thread::Builder::new()
            .name("worker".to_owned())
            .stack_size(self.stack)
            .spawn(move || pool.work());
        if let Err(error) = born {
            self.workers.fetch_sub(1, Ordering::Relaxed);
            self.idle.fetch_sub(1, Ordering::SeqCst);
            let workers = self.workers.load(Ordering::Relaxed);
            log::error!("no more threads than {workers} workers: {error}");
            return false;
        }
        true
    }

    /// The life of a worker; it begins idle.
    fn work(&self) {
        loop {
            let job = self.receiver.recv_timeout(PATIENCE);
            self.idle.fetch_sub(1, Ordering::SeqCst);
            // A job submitted between the two lines above counted on this
            // worker being free.
            if self.wants_birth() {
                self.bell.ring();
            }
            let alive = match job {
                Ok((job, wake)) => self.serve(job, wake),
                Err(RecvTimeoutError::Timeout) => self.idle.load(Ordering::SeqCst) < SPARES,
                Err(RecvTimeoutError::Disconnected) => false,
            };
            if !alive {
                self.workers.fetch_sub(1, Ordering::Relaxed);
                // A job that came in this moment needs another worker.
                if self.wants_birth() {
                    self.bell.ring();
                }
                return;
            }
            self.idle.fetch_add(1, Ordering::SeqCst);
        }
    }

    /// Serves one session until it is silent or ends. False after a panic:
    /// the session is gone, and the worker retires.
    fn serve(&self, mut job: Box<Job>, wake: Wake) -> bool {
        let id = job.session.id().0;
        // Whatever state the panic left is dropped with the session.
        match catch_unwind(AssertUnwindSafe(|| job.session.serve(wake))) {
            Ok(Outcome::End) => {}
            Ok(Outcome::Park(until)) => self.room.admit(job, until, true),
            Ok(Outcome::Delay(until)) => self.room.admit(job, Some(until), false),
            Err(_) => {
                log::error!("session {id} ended by a fault of the server; please report it");
                return false;
            }
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::{Accounts, LiveAccounts};
    use crate::config::Config;
    use crate::server::limits::Census;
    use crate::session::{Service, SessionId};
    use std::io::{BufRead, BufReader, Write};
    use std::net::{TcpListener, TcpStream};
    use std::os::fd::AsFd;

    struct Rig {
        pool: Arc<Pool>,
        listener: TcpListener,
        service: Arc<Service>,
        census: Arc<Census>,
        next: u64,
        /// Whether the last connection found all the workers it asked for.
        born: bool,
    }

    impl Rig {
        fn new(limit: usize, stack: usize) -> Rig {
            let mut config = Config::default();
            let origin = crate::config::Origin::CommandLine;
            config.set(b"anon_root", b"/", &origin).unwrap();
            let accounts = LiveAccounts::fixed(Accounts::none());
            let room = Arc::new(WaitingRoom::new().unwrap());
            let mut pool = Pool::new(limit, room, Arc::new(Bell::new().unwrap()));
            pool.stack = stack;
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            crate::control::prepare(listener.as_fd(), None).unwrap();
            Rig {
                pool: Arc::new(pool),
                listener,
                service: Arc::new(Service::open(config, accounts).unwrap()),
                census: Arc::default(),
                next: 1,
                born: true,
            }
        }

        fn connect(&mut self) -> BufReader<TcpStream> {
            let client = TcpStream::connect(self.listener.local_addr().unwrap()).unwrap();
            client
                .set_read_timeout(Some(Duration::from_secs(20)))
                .unwrap();
            let (socket, peer) = self.listener.accept().unwrap();
            let admission = self.census.admit(peer.ip(), 0, 0).unwrap();
            let id = SessionId(self.next);
            self.next += 1;
            let service = Arc::clone(&self.service);
            let session = Session::new(id, socket.into(), peer, service).unwrap();
            self.pool.submit(Job::new(session, admission), Wake::Born);
            self.born = self.pool.give_birth();
            BufReader::new(client)
        }
    }

    fn line(client: &mut BufReader<TcpStream>) -> String {
        let mut line = String::new();
        client.read_line(&mut line).unwrap();
        line
    }

    #[test]
    fn a_panic_ends_its_session_and_no_other() {
        let mut rig = Rig::new(4, STACK);
        let mut bystander = rig.connect();
        let mut victim = rig.connect();
        assert!(line(&mut bystander).starts_with("220"));
        assert!(line(&mut victim).starts_with("220"));
        victim.get_mut().write_all(b"XPANIC\r\n").unwrap();
        assert_eq!(line(&mut victim), "", "the session goes on");
        bystander.get_mut().write_all(b"NOOP\r\n").unwrap();
        // Parked or not, some worker comes to it.
        let keeper = (Arc::clone(&rig.pool), Arc::clone(&rig.pool.room));
        std::thread::spawn(move || keeper.1.keep(&keeper.0));
        assert!(line(&mut bystander).starts_with("200"));
        assert!(line(&mut rig.connect()).starts_with("220"));
        rig.pool.room.close();
    }

    #[test]
    fn a_thread_that_cannot_be_born_leaves_its_work_to_the_others() {
        // More stack than there are addresses.
        let mut rig = Rig::new(4, 1 << 46);
        let mut client = rig.connect();
        assert!(!rig.born);
        assert_eq!(rig.pool.workers.load(Ordering::Relaxed), 0);
        assert_eq!(rig.pool.idle.load(Ordering::SeqCst), 0);
        let pool = Arc::clone(&rig.pool);
        rig.pool.workers.fetch_add(1, Ordering::Relaxed);
        rig.pool.idle.fetch_add(1, Ordering::SeqCst);
        std::thread::spawn(move || pool.work());
        assert!(line(&mut client).starts_with("220"));
    }

    #[test]
    fn there_are_never_more_workers_than_the_limit() {
        let mut rig = Rig::new(2, STACK);
        let mut clients: Vec<_> = (0..12).map(|_| rig.connect()).collect();
        // Each keeps a worker until it falls silent; all are served in turn.
        for client in &mut clients {
            assert!(line(client).starts_with("220"));
        }
        assert!(rig.pool.workers.load(Ordering::Relaxed) <= 2);
    }
}
