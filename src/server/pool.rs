//! The workers: a bounded pool of threads, in crews by class, that take
//! sessions from their crew's channel, serve them while they are active and
//! park them when silent.
//!
//! Only the main thread gives birth, because a thread inherits the rights of
//! the one that creates it; others ring its bell. A few idle workers of the
//! crews that stay are kept warm, the rest leave after a while.

use super::crew::Crew;
use super::crews::Crews;
use super::limits::Admission;
use super::narrow::Walls;
use super::waiting::WaitingRoom;
use crate::session::{Outcome, Place, Service, Session, WORKER, Wake};
use crate::sys::poll::Bell;
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, unbounded};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Stack of a worker. Large things live on the heap; most of this is never
/// touched and so never takes memory.
const STACK: usize = 192 * 1024;

/// Idle workers that stay, in each crew that does.
const SPARES: usize = 4;

/// Time after which an idle worker beyond the spares leaves.
const PATIENCE: Duration = Duration::from_secs(1);

/// Where there can be few workers, no crew may keep them from another.
fn spares(limit: usize) -> usize {
    SPARES.min(limit / 4)
}

/// A session and what goes with it from thread to thread.
pub(super) struct Job {
    pub(super) session: Session,
    /// Known to the waiting room's epoll.
    pub(super) registered: bool,
    /// Whose workers serve it, and the crews it may move to.
    crew: Arc<Crew>,
    crews: Arc<Crews>,
    /// Held for its drop.
    _admission: Admission,
}

impl std::fmt::Debug for Job {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Job({:?})", self.session.id())
    }
}

/// The pool. It is bounded in threads; the channels are bounded by the number
/// of sessions.
pub(super) struct Pool {
    /// Those to whom new sessions come.
    crews: Mutex<Arc<Crews>>,
    /// Crews that wanted workers when there could be no more.
    starved: Mutex<Vec<Arc<Crew>>>,
    /// Crews that want workers, for the main thread.
    wanting: (Sender<Arc<Crew>>, Receiver<Arc<Crew>>),
    room: Arc<WaitingRoom>,
    workers: AtomicUsize,
    limit: usize,
    /// Stack of each worker, in bytes.
    stack: usize,
    /// Heard by the main thread.
    bell: Arc<Bell>,
}

impl Pool {
    pub(super) fn new(
        service: Arc<Service>,
        walls: Arc<Walls>,
        limit: usize,
        room: Arc<WaitingRoom>,
        bell: Arc<Bell>,
    ) -> Pool {
        let pool = Pool {
            crews: Mutex::new(Arc::new(Crews::new(service, walls, spares(limit)))),
            starved: Mutex::default(),
            wanting: unbounded(),
            room,
            workers: AtomicUsize::new(0),
            limit,
            stack: STACK,
            bell,
        };
        pool.want_spares();
        pool
    }

    /// From now on new sessions are served as `service` says. The others stay
    /// with those who serve them.
    pub(super) fn renew(&self, service: Arc<Service>, walls: Arc<Walls>) {
        let crews = Arc::new(Crews::new(service, walls, spares(self.limit)));
        let before = std::mem::replace(&mut *self.crews(), crews);
        before.retire();
        self.want_spares();
    }

    fn want_spares(&self) {
        for crew in self.crews().lasting() {
            let _ = self.wanting.0.send(Arc::clone(crew));
        }
        self.bell.ring();
    }

    fn crews(&self) -> MutexGuard<'_, Arc<Crews>> {
        // Replaced as a whole.
        self.crews.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What goes from thread to thread of a session that begins.
    pub(super) fn job(&self, session: Session, admission: Admission) -> Box<Job> {
        let crews = Arc::clone(&self.crews());
        Pool::job_for(&crews, session, admission)
    }

    /// The same for one that these crews serve.
    pub(super) fn job_for(crews: &Arc<Crews>, session: Session, admission: Admission) -> Box<Job> {
        let crews = Arc::clone(crews);
        Box::new(Job {
            session,
            registered: false,
            crew: Arc::clone(crews.first()),
            crews,
            _admission: admission,
        })
    }

    /// Hands a session to the next free worker of its crew.
    pub(super) fn submit(&self, job: Box<Job>, wake: Wake) {
        let crew = Arc::clone(&job.crew);
        crew.send(job, wake);
        self.look_after(&crew);
    }

    /// Asks the main thread for workers if the crew is short of them.
    fn look_after(&self, crew: &Arc<Crew>) {
        if !crew.is_short() {
            return;
        }
        if self.is_full() {
            let mut starved = self.starved();
            if !starved.iter().any(|one| Arc::ptr_eq(one, crew)) {
                starved.push(Arc::clone(crew));
            }
            drop(starved);
            // The last look may have been a moment too early.
            if !self.is_full() {
                self.feed_the_starved();
            }
        } else {
            let _ = self.wanting.0.send(Arc::clone(crew));
            self.bell.ring();
        }
    }

    /// How many workers there are.
    pub(super) fn workers(&self) -> usize {
        self.workers.load(Ordering::Relaxed)
    }

    fn is_full(&self) -> bool {
        self.workers.load(Ordering::SeqCst) >= self.limit
    }

    fn starved(&self) -> MutexGuard<'_, Vec<Arc<Crew>>> {
        // A list of crews is whole at any moment.
        self.starved.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A worker has gone: there is room for one of a crew that wanted one.
    fn feed_the_starved(&self) {
        let starved = std::mem::take(&mut *self.starved());
        for crew in &starved {
            self.look_after(crew);
        }
    }

    /// Gives birth to workers as long as jobs are waiting for one, and to
    /// the spares at the start. False when the system gives no more threads;
    /// the jobs then wait for the workers there are.
    pub(super) fn give_birth(self: &Arc<Self>) -> bool {
        while let Ok(crew) = self.wanting.1.try_recv() {
            while crew.is_short() || crew.workers.load(Ordering::Relaxed) < crew.spares() {
                if self.is_full() {
                    self.look_after(&crew);
                    break;
                }
                if !self.spawn(&crew) {
                    // Not forgotten, should no other session come.
                    let _ = self.wanting.0.send(crew);
                    self.bell.ring();
                    return false;
                }
            }
        }
        true
    }

    fn spawn(self: &Arc<Self>, crew: &Arc<Crew>) -> bool {
        let (pool, recruit) = (Arc::clone(self), Arc::clone(crew));
        self.workers.fetch_add(1, Ordering::Relaxed);
        crew.workers.fetch_add(1, Ordering::Relaxed);
        // Counted as idle from here, or a burst would give birth to a worker
        // for each look at the channel.
        crew.idle.fetch_add(1, Ordering::SeqCst);
        let born = std::thread::Builder::new()
            .name(WORKER.to_owned())
            .stack_size(self.stack)
            .spawn(move || pool.live(&recruit));
        if let Err(error) = born {
            crew.idle.fetch_sub(1, Ordering::SeqCst);
            crew.workers.fetch_sub(1, Ordering::Relaxed);
            self.workers.fetch_sub(1, Ordering::Relaxed);
            let workers = self.workers.load(Ordering::Relaxed);
            log::error!("no more threads than {workers} workers: {error}");
            return false;
        }
        true
    }

    /// The life of a worker; it begins idle.
    fn live(&self, crew: &Arc<Crew>) {
        match crew.enlist() {
            Ok(place) => self.work(crew, &place),
            Err(error) => {
                let cause = error.to_string();
                crew.idle.fetch_sub(1, Ordering::SeqCst);
                // Whoever waits for this crew waits in vain.
                while let Ok((mut job, _)) = crew.receiver.try_recv() {
                    let first = Arc::clone(job.crews.first());
                    if Arc::ptr_eq(crew, &first) {
                        // No descriptor or memory is left: one session fewer
                        // gives some back.
                        log::error!("session {} turned away: {cause}", job.session.id().0);
                        job.session.turn_away();
                    } else {
                        job.session.turn_back(&cause);
                        job.crew = first;
                        self.submit(job, Wake::Moved);
                    }
                }
            }
        }
        crew.workers.fetch_sub(1, Ordering::Relaxed);
        self.workers.fetch_sub(1, Ordering::SeqCst);
        // A job that came in this moment needs another worker.
        self.look_after(crew);
        self.feed_the_starved();
    }

    fn work(&self, crew: &Arc<Crew>, place: &Place) {
        loop {
            let job = crew.receiver.recv_timeout(PATIENCE);
            crew.idle.fetch_sub(1, Ordering::SeqCst);
            // A job submitted between the two lines above counted on this
            // worker being free.
            self.look_after(crew);
            let alive = match job {
                Ok((job, wake)) => self.serve(job, wake, place) && !self.is_wanted_elsewhere(crew),
                Err(RecvTimeoutError::Timeout) => crew.idle.load(Ordering::SeqCst) < crew.spares(),
                Err(RecvTimeoutError::Disconnected) => false,
            };
            if !alive {
                return;
            }
            crew.idle.fetch_add(1, Ordering::SeqCst);
        }
    }

    /// Whether a worker of `crew` had better make room: a crew gets none, and
    /// the sessions of this one might come back before its patience ends.
    fn is_wanted_elsewhere(&self, crew: &Crew) -> bool {
        self.is_full()
            && crew.receiver.is_empty()
            && crew.workers.load(Ordering::Relaxed) > crew.spares()
            && !self.starved().is_empty()
    }

    /// Serves one session until it is silent, moves or ends. False after a
    /// panic: the session is gone, and the worker retires.
    fn serve(&self, mut job: Box<Job>, wake: Wake, place: &Place) -> bool {
        let id = job.session.id().0;
        // Whatever state the panic left is dropped with the session.
        match catch_unwind(AssertUnwindSafe(|| job.session.serve(wake, place))) {
            Ok(Outcome::End) => {}
            Ok(Outcome::Park(until)) => self.room.admit(job, until, true),
            Ok(Outcome::Delay(until)) => self.room.admit(job, Some(until), false),
            Ok(Outcome::Move(class)) => {
                job.crew = job.crews.of(&class);
                self.submit(job, Wake::Moved);
            }
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
    use crate::session::{Class, Service, SessionId};
    use crate::sys::poll::{Interest, READABLE, poll};
    use std::io::{BufRead, BufReader, Write};
    use std::net::{TcpListener, TcpStream};
    use std::os::fd::AsFd;
    use std::sync::atomic::AtomicBool;

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
            let service = Arc::new(Service::open(config, accounts).unwrap());
            let bell = Arc::new(Bell::new().unwrap());
            let mut pool = Pool::new(
                Arc::clone(&service),
                Arc::new(Walls::none()),
                limit,
                room,
                bell,
            );
            pool.stack = stack;
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            crate::control::prepare(listener.as_fd(), None).unwrap();
            Rig {
                pool: Arc::new(pool),
                listener,
                service,
                census: Arc::default(),
                next: 1,
                born: true,
            }
        }

        fn connect(&mut self) -> BufReader<TcpStream> {
            let (client, job) = self.session();
            self.pool.submit(job, Wake::Born);
            self.born = self.pool.give_birth();
            client
        }

        fn session(&mut self) -> (BufReader<TcpStream>, Box<Job>) {
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
            let job = self.pool.job(session, admission);
            (BufReader::new(client), job)
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
        let first = Arc::clone(rig.pool.crews().first());
        assert_eq!(first.idle.load(Ordering::SeqCst), 0);
        let pool = Arc::clone(&rig.pool);
        rig.pool.workers.fetch_add(1, Ordering::Relaxed);
        first.idle.fetch_add(1, Ordering::SeqCst);
        first.workers.fetch_add(1, Ordering::Relaxed);
        std::thread::spawn(move || pool.live(&first));
        assert!(line(&mut client).starts_with("220"));
    }

    #[test]
    fn a_crew_that_is_never_idle_for_long_makes_room_for_another() {
        let mut rig = Rig::new(1, STACK);
        let mut busy = rig.connect();
        assert!(line(&mut busy).starts_with("220"));
        let keeper = (Arc::clone(&rig.pool), Arc::clone(&rig.pool.room));
        std::thread::spawn(move || keeper.1.keep(&keeper.0));
        let (mut waiting, mut job) = rig.session();
        job.crew = rig.pool.crews().of(&Class::Reception);
        rig.pool.submit(job, Wake::Born);
        let moment = Duration::from_millis(80);
        waiting.get_ref().set_read_timeout(Some(moment)).unwrap();
        let mut greeting = String::new();
        let done = AtomicBool::new(false);
        let pool = &rig.pool;
        let greeted = std::thread::scope(|scope| {
            // The main thread's part.
            scope.spawn(|| {
                while !done.load(Ordering::SeqCst) {
                    pool.give_birth();
                    let mut bell = [Interest::new(pool.bell.as_fd(), READABLE)];
                    poll(&mut bell, Some(PATIENCE)).unwrap();
                    pool.bell.hush();
                }
            });
            let greeted = (0..100).any(|_| {
                busy.get_mut().write_all(b"NOOP\r\n").unwrap();
                assert!(line(&mut busy).starts_with("200"));
                // And silent for long enough to be parked.
                waiting.read_line(&mut greeting).is_ok()
            });
            done.store(true, Ordering::SeqCst);
            pool.bell.ring();
            greeted
        });
        assert!(greeted && greeting.starts_with("220"), "{greeting}");
        rig.pool.room.close();
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
