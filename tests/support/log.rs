//! What a server says, line by line, for tests to wait for.

use std::io::{BufRead, BufReader, Read};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::{Duration, Instant};

/// Lines of standard error or output so far, and whether it has been closed.
#[derive(Default)]
pub struct Log {
    pub state: Mutex<(Vec<String>, bool)>,
    changed: Condvar,
    /// Close it at the next line, as a reader does who has seen enough.
    pub enough: AtomicBool,
}

impl Log {
    /// Gathers what comes, on a thread of its own.
    pub fn of(stream: impl Read + Send + 'static) -> Arc<Log> {
        let log = Arc::new(Log::default());
        let writer = Arc::clone(&log);
        thread::spawn(move || {
            for line in BufReader::new(stream).split(b'\n') {
                let Ok(line) = line else { break };
                let line = String::from_utf8_lossy(&line).into_owned();
                writer.state.lock().unwrap().0.push(line);
                writer.changed.notify_all();
                if writer.enough.load(Ordering::Relaxed) {
                    break;
                }
            }
            writer.state.lock().unwrap().1 = true;
            writer.changed.notify_all();
        });
        log
    }

    pub fn text(&self) -> String {
        self.state.lock().unwrap().0.join("\n")
    }

    /// Waits until `found` gives a value; `None` when the time is up or the
    /// log has been closed without it.
    pub fn wait<T>(
        &self,
        limit: Duration,
        mut found: impl FnMut(&[String], bool) -> Option<T>,
    ) -> Option<T> {
        let end = Instant::now() + limit;
        let mut state = self.state.lock().unwrap();
        loop {
            if let Some(value) = found(&state.0, state.1) {
                return Some(value);
            }
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() || state.1 {
                return None;
            }
            state = self.changed.wait_timeout(state, left).unwrap().0;
        }
    }
}
