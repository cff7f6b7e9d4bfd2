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
use std::fmt;
use std::fs::File;
use std::io::{self, IsTerminal, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::FileTypeExt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Instant;

/// Texts that may wait: bursts of a thousand connections fit, and with lines
/// of the usual length it is less than a megabyte.
const LENGTH: usize = 4096;

/// Which stream.
#[derive(Clone, Copy, Debug)]
enum Stream {
    Output,
    Error,
    /// A log of its own, which is nowhere until it is opened.
    Log,
}

/// How the reader is told what was lost.
#[derive(Debug)]
enum Notice {
    /// By a line where the others would stand.
    InPlace(fn(u64) -> String),
    /// Elsewhere, for the log has readers that know lines of one form only:
    /// when the first line is lost, and how many they were.
    Aside { first: fn(), all: fn(u64) },
}

/// What a thread writes to.
pub trait Sink: fmt::Debug + Send {
    /// Takes whole lines; they may wait for [`Sink::flush`].
    fn take(&mut self, lines: &str);

    /// Nothing follows for now.
    fn flush(&mut self) {}

    /// The file may be another one by now.
    fn reopen(&mut self) {}
}

/// What stands in the queue.
#[derive(Debug)]
enum Item {
    /// Whole lines.
    Text(String),
    /// Answered when everything before it has been written.
    Mark(Sender<()>),
    /// Only to be woken for [`Outlet::reopen`] and [`Outlet::redirect`].
    Turn,
}

/// What the thread takes from and writes to; see [`Outlet::keep`].
#[derive(Debug)]
pub struct Queue(Receiver<Item>, Box<dyn Sink>);

/// One stream. Until it is opened, writing to it is writing to the stream.
#[derive(Debug)]
pub struct Outlet {
    stream: Stream,
    notice: Notice,
    queue: OnceLock<Sender<Item>>,
    lost: AtomicU64,
    /// The sink is to be opened again, or is another one:
    turn: AtomicBool,
    next: Mutex<Option<Box<dyn Sink>>>,
}

impl Outlet {
    /// Standard output.
    pub(super) const fn output(note: fn(u64) -> String) -> Outlet {
        Outlet::new(Stream::Output, Notice::InPlace(note))
    }

    /// Standard error.
    pub(super) const fn error(note: fn(u64) -> String) -> Outlet {
        Outlet::new(Stream::Error, Notice::InPlace(note))
    }

    /// A log. `first` tells that its thread does not keep up, `all` how many
    /// lines that has cost.
    pub(super) const fn log(first: fn(), all: fn(u64)) -> Outlet {
        Outlet::new(Stream::Log, Notice::Aside { first, all })
    }

    const fn new(stream: Stream, notice: Notice) -> Outlet {
        Outlet {
            stream,
            notice,
            queue: OnceLock::new(),
            lost: AtomicU64::new(0),
            turn: AtomicBool::new(false),
            next: Mutex::new(None),
        }
    }

    /// Writes whole lines. Never waits once the outlet is open. That nobody
    /// listens there any more is no trouble of whoever writes.
    pub fn write(&self, lines: &str) {
        let Some(queue) = self.queue.get() else {
            let _ = match self.stream {
                Stream::Output => io::stdout().write_all(lines.as_bytes()),
                Stream::Error => io::stderr().write_all(lines.as_bytes()),
                Stream::Log => Ok(()),
            };
            return;
        };
        if queue.is_full() {
            return self.lose(1);
        }
        let mut lost = 0;
        let mut text = String::new();
        if let Notice::InPlace(_) = self.notice {
            lost = self.lost.swap(0, Ordering::Relaxed);
            text = self.told(lost);
        }
        text.push_str(lines);
        if let Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) =
            queue.try_send(Item::Text(text))
        {
            self.lose(lost + 1);
        }
    }

    fn lose(&self, count: u64) {
        let before = self.lost.fetch_add(count, Ordering::Relaxed);
        if let Notice::Aside { first, .. } = self.notice
            && before == 0
        {
            first();
        }
    }

    /// Tells of so many lost texts, or gives the line that does.
    fn told(&self, lost: u64) -> String {
        if lost == 0 {
            return String::new();
        }
        match self.notice {
            Notice::InPlace(note) => note(lost),
            Notice::Aside { all, .. } => {
                all(lost);
                String::new()
            }
        }
    }

    /// Whether it has its thread.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.queue.get().is_some()
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
        if self.is_open() {
            return Ok(());
        }
        let stream = match self.stream {
            Stream::Output => standard_output()?,
            Stream::Error => standard_error()?,
            Stream::Log => return Ok(()),
        };
        if never_waits(&stream) {
            return Ok(());
        }
        self.open_to(Box::new(Descriptor(stream)), keeper)
    }

    /// Opens the outlet as [`Outlet::open`] does, with its end in `sink`.
    ///
    /// # Errors
    /// What `keeper` says; the outlet stays closed.
    pub fn open_to(
        &self,
        sink: Box<dyn Sink>,
        keeper: impl FnOnce(Queue) -> Result<(), sys::Error>,
    ) -> Result<(), sys::Error> {
        let (sender, receiver) = bounded(LENGTH);
        keeper(Queue(receiver, sink))?;
        let _ = self.queue.set(sender);
        Ok(())
    }

    /// Has the thread open its file again, for it may be another one now.
    /// Never waits.
    pub fn reopen(&self) {
        self.turn.store(true, Ordering::Release);
        if let Some(queue) = self.queue.get() {
            // In a full one the thread comes to the next item anyway.
            let _ = queue.try_send(Item::Turn);
        }
    }

    /// What is written from about now on goes to `sink`. Never waits.
    pub fn redirect(&self, sink: Box<dyn Sink>) {
        *self.next.lock().unwrap_or_else(PoisonError::into_inner) = Some(sink);
        self.reopen();
    }

    /// The thread: writes what comes, for as long as the process lives.
    pub fn keep(&self, Queue(items, sink): Queue) {
        self.drain(&items, sink);
    }

    /// Writes what comes until the queue's other end is gone.
    fn drain(&self, items: &Receiver<Item>, mut sink: Box<dyn Sink>) {
        for item in items {
            if self.turn.swap(false, Ordering::Acquire) {
                sink.flush();
                let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
                match next.take() {
                    Some(next) => sink = next,
                    None => sink.reopen(),
                }
            }
            match item {
                Item::Text(text) => sink.take(&text),
                Item::Mark(done) => {
                    sink.flush();
                    let _ = done.send(());
                }
                Item::Turn => {}
            }
            // What was lost came after all that stood here, and perhaps
            // nothing follows that would bring the note.
            if items.is_empty() {
                let note = self.told(self.lost.swap(0, Ordering::Relaxed));
                sink.take(&note);
                sink.flush();
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

/// An open descriptor: a terminal, a pipe, a socket.
#[derive(Debug)]
pub(super) struct Descriptor(pub(super) File);

impl Sink for Descriptor {
    fn take(&mut self, lines: &str) {
        let _ = write_whole(&mut self.0, lines.as_bytes());
    }
}

/// Standard output, on a descriptor of its own.
///
/// # Errors
/// When there is no descriptor left.
pub(super) fn standard_output() -> Result<File, sys::Error> {
    own(io::stdout().as_fd())
}

/// Standard error, on a descriptor of its own.
///
/// # Errors
/// When there is no descriptor left.
pub(super) fn standard_error() -> Result<File, sys::Error> {
    own(io::stderr().as_fd())
}

fn own(stream: BorrowedFd<'_>) -> Result<File, sys::Error> {
    let stream = stream.try_clone_to_owned();
    let stream = stream.map_err(|error| sys::Error::from_io("fcntl", &error))?;
    Ok(File::from(stream))
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
        match write_some(out, bytes) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(count) => bytes = bytes.get(count..).unwrap_or_default(),
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Like `write`, and waits until that gives something.
pub(super) fn write_some(out: &mut (impl Write + AsFd), bytes: &[u8]) -> io::Result<usize> {
    loop {
        match out.write(bytes) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                let mut interests = [Interest::new(out.as_fd(), WRITABLE)];
                if poll(&mut interests, None).is_err() {
                    return Err(error);
                }
            }
            result => return result,
        }
    }
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
        outlet.open_to(Box::new(Descriptor(stream)), take).unwrap();
        (outlet, end.unwrap())
    }

    /// Starts the thread, and gives what a reader would read.
    fn drained(outlet: &'static Outlet, queue: Receiver<Item>) -> BufReader<io::PipeReader> {
        let (reader, writer) = pipe().unwrap();
        let writer = Descriptor(File::from(std::os::fd::OwnedFd::from(writer)));
        thread::spawn(move || outlet.drain(&queue, Box::new(writer)));
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
