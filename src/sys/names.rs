//! Questions to the databases of users and groups, nsswitch.conf(5), put to a
//! thread of their own.
//!
//! What answers them is loaded at the first question and may go over the
//! network: libraries, sockets and files that no thread which serves clients
//! is allowed. So once there is such a thread, the others ask it; before, and
//! in processes that have none, the asking thread looks itself.
//!
//! A service that hangs holds that thread, and whoever waits for it. So once
//! somebody has waited in vain nobody waits any more, until the thread is back.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// How long an answer is waited for: longer than a name service tries, and
/// less than the client's own patience.
const PATIENCE: Duration = Duration::from_secs(20);

static DESK: OnceLock<Desk> = OnceLock::new();

struct Question {
    work: Box<dyn FnOnce() + Send>,
    /// Whoever asked has gone.
    dropped: Arc<AtomicBool>,
}

/// Where questions are put.
struct Desk {
    sender: Sender<Question>,
    /// The thread has let somebody wait in vain and has not come back since.
    stuck: Arc<AtomicBool>,
    patience: Duration,
}

/// What the thread takes its questions from.
pub struct Questions {
    receiver: Receiver<Question>,
    stuck: Arc<AtomicBool>,
}

impl Questions {
    /// From now on other threads ask whoever has these. `None` when somebody
    /// has them already.
    #[must_use]
    pub fn open() -> Option<Questions> {
        let (desk, questions) = Desk::new(PATIENCE);
        DESK.set(desk).ok()?;
        Some(questions)
    }

    /// The thread: answers as long as the process lives.
    pub fn answer(&self) {
        while let Ok(question) = self.receiver.recv() {
            if !question.dropped.load(Ordering::SeqCst) {
                (question.work)();
            }
            self.stuck.store(false, Ordering::SeqCst);
        }
    }
}

impl Desk {
    fn new(patience: Duration) -> (Desk, Questions) {
        let (sender, receiver) = channel();
        let stuck = Arc::new(AtomicBool::new(false));
        let desk = Desk {
            sender,
            stuck: Arc::clone(&stuck),
            patience,
        };
        (desk, Questions { receiver, stuck })
    }

    fn ask<T: Send + 'static>(&self, question: impl FnOnce() -> T + Send + 'static) -> Option<T> {
        if self.stuck.load(Ordering::SeqCst) {
            return None;
        }
        let (answered, answer) = channel();
        let dropped = Arc::new(AtomicBool::new(false));
        let put = self.sender.send(Question {
            work: Box::new(move || {
                // Whoever asked may have gone.
                let _ = answered.send(question());
            }),
            dropped: Arc::clone(&dropped),
        });
        put.ok()?;
        if let Ok(answer) = answer.recv_timeout(self.patience) {
            return Some(answer);
        }
        self.stuck.store(true, Ordering::SeqCst);
        // If there is no answer even now, the question is ahead of the thread
        // or in its hands, and the thread takes this back when it is done.
        if let Ok(answer) = answer.try_recv() {
            self.stuck.store(false, Ordering::SeqCst);
            return Some(answer);
        }
        dropped.store(true, Ordering::SeqCst);
        None
    }
}

/// Has `question` answered by the thread there is for it, or here if there is
/// none. `None` when no answer came in time.
pub(super) fn ask<T: Send + 'static>(question: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    match DESK.get() {
        None => Some(question()),
        Some(desk) => desk.ask(question),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_thread_that_is_there_for_it_answers() {
        let here = std::thread::current().id();
        let asked = || ask(|| std::thread::current().id());
        assert_eq!(asked(), Some(here));
        let questions = Questions::open().unwrap();
        assert!(Questions::open().is_none());
        let keeper = std::thread::spawn(move || questions.answer());
        assert_eq!(asked(), Some(keeper.thread().id()));
    }

    #[test]
    fn a_service_that_hangs_is_waited_for_once() {
        let (desk, questions) = Desk::new(Duration::from_millis(50));
        let keeper = std::thread::spawn(move || questions.answer());
        let (go_on, held) = channel::<()>();
        let (done, all) = channel();
        let hanging = move || {
            let _ = held.recv();
            let _ = done.send("first");
        };
        assert_eq!(desk.ask(hanging), None);
        assert!(desk.stuck.load(Ordering::SeqCst));
        // Not even put: the thread would have to work it off.
        assert_eq!(desk.ask(|| unreachable!("nobody waits for it")), None::<()>);
        go_on.send(()).unwrap();
        assert_eq!(all.recv(), Ok("first"));
        while desk.stuck.load(Ordering::SeqCst) {
            std::thread::yield_now();
        }
        assert_eq!(desk.ask(|| 7), Some(7));
        drop(desk);
        keeper.join().unwrap();
    }

    #[test]
    fn what_nobody_waits_for_any_more_is_not_asked() {
        let (desk, questions) = Desk::new(Duration::ZERO);
        assert_eq!(desk.ask(|| unreachable!("dropped")), None::<()>);
        drop(desk);
        questions.answer();
        assert!(!questions.stuck.load(Ordering::SeqCst));
    }
}
