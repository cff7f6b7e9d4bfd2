//! Questions to the databases of users and groups, nsswitch.conf(5), put to a
//! thread of their own.
//!
//! What answers them is loaded at the first question and may go over the
//! network: libraries, sockets and files that no thread which serves clients
//! is allowed. So once there is such a thread, the others ask it; before, and
//! in processes that have none, the asking thread looks itself.

use std::sync::OnceLock;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

/// How long an answer is waited for: longer than a name service tries, and
/// less than the client's own patience.
const PATIENCE: Duration = Duration::from_secs(20);

type Question = Box<dyn FnOnce() + Send>;

static QUESTIONS: OnceLock<Sender<Question>> = OnceLock::new();

/// What the thread takes its questions from.
pub struct Questions(Receiver<Question>);

impl Questions {
    /// From now on other threads ask whoever has these. `None` when somebody
    /// has them already.
    #[must_use]
    pub fn open() -> Option<Questions> {
        let (sender, receiver) = channel();
        QUESTIONS.set(sender).ok()?;
        Some(Questions(receiver))
    }

    /// The thread: answers as long as the process lives.
    pub fn answer(&self) {
        while let Ok(question) = self.0.recv() {
            question();
        }
    }
}

/// Has `question` answered by the thread there is for it, or here if there is
/// none. `None` when no answer came in time.
pub(super) fn ask<T: Send + 'static>(question: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    let Some(questions) = QUESTIONS.get() else {
        return Some(question());
    };
    let (answered, answer) = channel();
    let put = questions.send(Box::new(move || {
        // Whoever asked may have gone.
        let _ = answered.send(question());
    }));
    put.ok()?;
    answer.recv_timeout(PATIENCE).ok()
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
}
