//! A stream of the process that no session ever waits for: a bounded queue
//! before it, and a thread that does the writing.
//!
//! Nothing tells in advance how much a terminal or a pipe takes without
//! blocking, and `O_NONBLOCK` would change the stream for other programs that
//! have it too. So only the thread waits. What finds the queue full is lost
//! and counted, and the reader is told how many as soon as there is room.
//!
//! A process that is killed, or aborts, loses what is queued: with a reader
//! who reads, the last moment. Its other ends pass through [`Outlet::flush`].
#![forbid(unsafe_code)]

use crate::sys;
use crate::sys::poll::{Interest, WRITABLE, poll};
use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};
use std::fs::File;
use std::io::{self, IsTerminal, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::FileTypeExt;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

/// Texts that may wait: bursts of a thousand connections fit, and with lines
/// of the usual length it is less than a megabyte.
const LENGTH: usize = 4096;

/// Which stream.
#[derive(Clone, Copy, Debug)]
enum Stream {
    Output,
    Error,
}

/// What stands in the queue.
#[derive(Debug)]
enum Item {
    /// Whole lines.
    Text(String),
    /// Answered when everything before it has been written.
    Mark(Sender<()>),
}

/// What the thread takes from and writes to; see [`Outlet::keep`].
#[derive(Debug)]
pub struct Queue(Receiver<Item>, File);

/// One stream. Until it is opened, writing to it is writing to the stream.
#[derive(Debug)]
pub struct Outlet {
    stream: Stream,
    /// The line that tells of so many lost texts.
    note: fn(u64) -> String,
    queue: OnceLock<Sender<Item>>,
    lost: AtomicU64,
}

impl Outlet {
    /// Standard output.
    pub(super) const fn output(note: fn(u64) -> String) -> Outlet {
        Outlet::new(Stream::Output, note)
    }

    /// Standard error.
    pub(super) const fn error(note: fn(u64) -> String) -> Outlet {
        Outlet::new(Stream::Error, note)
    }

    const fn new(stream: Stream, note: fn(u64) -> String) -> Outlet {
        Outlet {
            stream,
            note,
            queue: OnceLock::new(),
            lost: AtomicU64::new(0),
        }
    }

    /// Writes whole lines. Never waits once the outlet is open. That nobody
    /// listens there any more is no trouble of whoever writes.
    pub fn write(&self, lines: &str) {
        let Some(queue) = self.queue.get() else {
            let _ = match self.stream {
                Stream::Output => io::stdout().write_all(lines.as_bytes()),
                Stream::Error => io::stderr().write_all(lines.as_bytes()),
            };
            return;
        };
        if queue.is_full() {
            self.lost.fetch_add(1, Ordering::Relaxed);
            return;
        }
        let lost = self.lost.swap(0, Ordering::Relaxed);
        let mut text = self.told(lost);
        text.push_str(lines);
        if let Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) =
            queue.try_send(Item::Text(text))
        {
            self.lost.fetch_add(lost + 1, Ordering::Relaxed);
        }
    }

    fn told(&self, lost: u64) -> String {
        match lost {
            0 => String::new(),
            lost => (self.note)(lost),
        }
    }

    /// Opens the outlet: `keeper` starts a thread that runs [`Outlet::keep`]
    /// on the queue. A second call changes nothing, and neither does one for
    /// a stream that has no reader: waking a thread costs more than writing.
    ///
    /// # Errors
    /// What `keeper` says, and when there is no descriptor left; the outlet
    /// stays closed.
    pub fn open(
        &self,
        keeper: impl FnOnce(Queue) -> Result<(), sys::Error>,
    ) -> Result<(), sys::Error> {
        if self.queue.get().is_some() {
            return Ok(());
        }
        let stream = match self.stream {
            Stream::Output => io::stdout().as_fd().try_clone_to_owned(),
            Stream::Error => io::stderr().as_fd().try_clone_to_owned(),
        };
        let stream = File::from(stream.map_err(|error| sys::Error::from_io("fcntl", &error))?);
        if never_waits(&stream) {
            return Ok(());
        }
        self.put_queue_before(stream, keeper)
    }

    fn put_queue_before(
        &self,
        stream: File,
        keeper: impl FnOnce(Queue) -> Result<(), sys::Error>,
    ) -> Result<(), sys::Error> {
        let (sender, receiver) = bounded(LENGTH);
        keeper(Queue(receiver, stream))?;
        let _ = self.queue.set(sender);
        Ok(())
    }

    /// The thread: writes what comes, for as long as the process lives.
    pub fn keep(&self, Queue(items, mut stream): Queue) {
        self.drain(&items, &mut stream);
    }

    /// Writes what comes until the queue's other end is gone.
    fn drain(&self, items: &Receiver<Item>, out: &mut (impl Write + AsFd)) {
        for item in items {
            match item {
                Item::Text(text) => {
                    let _ = write_whole(out, text.as_bytes());
                }
                Item::Mark(done) => drop(done.send(())),
            }
            // What was lost came after all that stood here, and perhaps
            // nothing follows that would bring the note.
            if items.is_empty() {
                let note = self.told(self.lost.swap(0, Ordering::Relaxed));
                let _ = write_whole(out, note.as_bytes());
            }
        }
    }

    /// Waits until everything written so far is out, but not beyond `until`.
    pub fn flush(&self, until: Instant) {
        let Some(queue) = self.queue.get() else {
            return;
        };
        let (done, written) = bounded(1);
        if queue.send_deadline(Item::Mark(done), until).is_ok() {
            let _ = written.recv_deadline(until);
        }
    }
}

/// Whether writing is no matter of somebody reading: files, /dev/null.
fn never_waits(stream: &File) -> bool {
    stream.metadata().is_ok_and(|about| {
        let kind = about.file_type();
        kind.is_file() || kind.is_char_device() && !stream.is_terminal()
    })
}

/// Like `write_all`, and waits where another program has made the stream
/// non-blocking.
fn write_whole(out: &mut (impl Write + AsFd), mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match out.write(bytes) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(count) => bytes = bytes.get(count..).unwrap_or_default(),
            Err(error) => match error.kind() {
                io::ErrorKind::Interrupted => {}
                io::ErrorKind::WouldBlock => {
                    let mut interests = [Interest::new(out.as_fd(), WRITABLE)];
                    if poll(&mut interests, None).is_err() {
                        return Err(error);
                    }
                }
                _ => return Err(error),
            },
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{BufRead, BufReader, pipe};
    use std::thread;
    use std::time::Duration;

    /// An outlet that lasts as long as the process, as the real ones do.
    fn outlet() -> (&'static Outlet, Receiver<Item>) {
        let outlet = Box::leak(Box::new(Outlet::output(|lost| format!("{lost} lost\n"))));
        let mut end = None;
        let take = |Queue(items, _)| {
            end = Some(items);
            Ok(())
        };
        let stream = File::open("/dev/null").unwrap();
        outlet.put_queue_before(stream, take).unwrap();
        (outlet, end.unwrap())
    }

    /// Starts the thread, and gives what a reader would read.
    fn drained(outlet: &'static Outlet, queue: Receiver<Item>) -> BufReader<io::PipeReader> {
        let (reader, mut writer) = pipe().unwrap();
        thread::spawn(move || outlet.drain(&queue, &mut writer));
        BufReader::new(reader)
    }

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(60)
    }

    #[test]
    fn what_finds_no_room_is_lost_and_told_when_there_is_room() {
        let (outlet, queue) = outlet();
        // Nobody takes anything yet, and nobody waits.
        for number in 0..LENGTH + 3 {
            outlet.write(&format!("{number}\n"));
        }
        let mut lines = drained(outlet, queue).lines().map(Result::unwrap);
        for number in 0..LENGTH {
            assert_eq!(lines.next().unwrap(), number.to_string());
        }
        // Though nothing is written after them.
        assert_eq!(lines.next().unwrap(), "3 lost");
        outlet.write("next\n");
        assert_eq!(lines.next().unwrap(), "next");
    }

    #[test]
    fn the_note_of_a_loss_stands_where_it_happened() {
        let (outlet, queue) = outlet();
        for _ in 0..=LENGTH {
            outlet.write("early\n");
        }
        let first = queue.recv().unwrap();
        outlet.write("late\n");
        assert!(matches!(first, Item::Text(text) if text == "early\n"));
        let last = queue.try_iter().last().unwrap();
        assert!(matches!(last, Item::Text(text) if text == "1 lost\nlate\n"));
    }

    #[test]
    fn a_flush_waits_for_the_writing_and_not_for_a_reader_who_stopped() {
        let (outlet, queue) = outlet();
        let left = queue.clone();
        let mut reader = drained(outlet, queue);
        let mut have = String::new();
        outlet.write("first\n");
        outlet.flush(soon());
        assert!(left.is_empty());
        reader.read_line(&mut have).unwrap();
        assert_eq!(have, "first\n");
        // More than a pipe holds.
        let line = format!("{}\n", "x".repeat(1000));
        for _ in 0..200 {
            outlet.write(&line);
        }
        outlet.flush(Instant::now() + Duration::from_millis(1));
        assert!(!left.is_empty());
        // One who is gone is not waited for either.
        drop(reader);
        outlet.flush(soon());
        assert!(left.is_empty());
    }

    #[test]
    fn a_stream_that_somebody_made_non_blocking_loses_nothing() {
        let (reader, writer) = pipe().unwrap();
        // Its fcntl(2) does for any descriptor.
        let socket = socket2::Socket::from(std::os::fd::OwnedFd::from(writer));
        socket.set_nonblocking(true).unwrap();
        let bytes = vec![b'x'; 300_000];
        thread::scope(|scope| {
            let mut reader = reader;
            let all = scope.spawn(move || io::copy(&mut reader, &mut io::sink()).unwrap());
            let mut out = File::from(std::os::fd::OwnedFd::from(socket));
            write_whole(&mut out, &bytes).unwrap();
            drop(out);
            assert_eq!(all.join().unwrap(), 300_000);
        });
    }
}
