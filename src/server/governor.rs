//! The thread that answers the administrator (ironftpctl(8)) at the control
//! socket. src/README.md has the language.
//!
//! One question after the other, each with its time: who asks and then stops
//! reading keeps the next one waiting for a moment, and no session ever.

use super::control_socket::{ControlSocket, Name};
use super::limits::Census;
use super::narrow::Walls;
use super::orders::{Order, Orders};
use super::pool::Pool;
use super::waiting::WaitingRoom;
use crate::protocol::Escaped;
use crate::session::{Course, Roster, SessionId, Sight};
use crate::sys;
use crate::sys::clock;
use crate::sys::poll::{Interest, READABLE, WRITABLE, poll};
use crate::sys::seccomp::Kind;
use crate::sys::socket::peer_user;
use crate::sys::transfer::{receive_now, send};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long a question may take to come.
const ASKING: Duration = Duration::from_secs(2);

/// How long the whole of an answer may take to be read.
const ANSWERING: Duration = Duration::from_secs(5);

/// How long the main thread may take to obey.
const OBEYING: Duration = Duration::from_secs(10);

/// The longest question, in bytes.
const LONGEST: usize = 128;

/// Bytes of an answer that are sent at once.
const GATHERED: usize = 16 * 1024;

/// How long the end of the server waits for an answer to go out.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// Rest when no more descriptors are to be had.
const SHORTAGE: Duration = Duration::from_secs(1);

/// What the thread sees of the server.
pub(super) struct Governor {
    pub(super) roster: Roster,
    pub(super) course: Course,
    pub(super) room: Arc<WaitingRoom>,
    pub(super) pool: Arc<Pool>,
    pub(super) census: Arc<Census>,
    pub(super) orders: Orders,
    pub(super) listening: Vec<SocketAddr>,
    pub(super) started: Instant,
}

/// What may be asked.
#[derive(Debug, PartialEq, Eq)]
enum Question {
    Who,
    Status,
    Kick(SessionId),
    Give(Order),
}

impl Question {
    fn parse(line: &[u8]) -> Option<Question> {
        let line = std::str::from_utf8(line).ok()?;
        let mut words = line.split(' ');
        let question = match words.next()? {
            "who" => Question::Who,
            "status" => Question::Status,
            "reload" => Question::Give(Order::Reload),
            "drain" => Question::Give(Order::Drain),
            "kick" => Question::Kick(SessionId(words.next()?.parse().ok()?)),
            _ => return None,
        };
        words.next().is_none().then_some(question)
    }
}

/// A governor at work. Dropping it takes the socket's name away, and gives an
/// answer that is under way a moment to go out.
pub(super) struct InOffice {
    /// Held for its drop.
    _name: Name,
    attending: Arc<Attending>,
}

/// Whether somebody is being attended to, and word when that is over.
#[derive(Default)]
struct Attending(Mutex<bool>, Condvar);

impl Attending {
    fn set(&self, attending: bool) {
        // A flag is whole at any moment.
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = attending;
        self.1.notify_all();
    }
}

impl Drop for InOffice {
    fn drop(&mut self) {
        let Attending(flag, over) = &*self.attending;
        let flag = flag.lock().unwrap_or_else(PoisonError::into_inner);
        drop(over.wait_timeout_while(flag, LAST_WORDS, |attending| *attending));
    }
}

/// Starts the thread, which is in office until what this returns is dropped.
///
/// # Errors
/// When the thread cannot be born.
pub(super) fn start(
    governor: Governor,
    socket: ControlSocket,
    walls: &Arc<Walls>,
) -> Result<InOffice, sys::Error> {
    let ControlSocket {
        listener,
        owner,
        name,
    } = socket;
    let walls = Arc::clone(walls);
    let attending = Arc::new(Attending::default());
    let busy = Arc::clone(&attending);
    std::thread::Builder::new()
        .name("governor".to_owned())
        .stack_size(128 * 1024)
        .spawn(move || {
            if let Err(error) = walls.enclose(Kind::Governor) {
                return log::error!("nobody answers ironftpctl: {error}");
            }
            loop {
                match listener.accept() {
                    Ok((asker, _)) => {
                        busy.set(true);
                        if let Err(error) = governor.attend(&asker, owner) {
                            log::debug!("ironftpctl: {error}");
                        }
                        drop(asker);
                        busy.set(false);
                    }
                    Err(error) => {
                        log::debug!("control_socket: {error}");
                        std::thread::sleep(SHORTAGE);
                    }
                }
            }
        })
        .map_err(|error| sys::Error::from_io("clone", &error))?;
    Ok(InOffice {
        _name: name,
        attending,
    })
}

impl Governor {
    /// Hears one question and answers it.
    fn attend(&self, asker: &UnixStream, owner: u32) -> Result<(), sys::Error> {
        let asker = asker.as_fd();
        let user = peer_user(asker)?;
        let mut answer = Answer::to(asker);
        if user != 0 && user != owner {
            log::warn!("ironftpctl: user {user} refused: neither root nor who started the server");
            answer.refuse("denied", "only root and who started the server may ask")?;
            return answer.send();
        }
        let line = ask(asker)?;
        let Some(question) = Question::parse(&line) else {
            let shown = Escaped(&line);
            answer.refuse("unknown", &format!("no such question: \"{shown}\""))?;
            return answer.send();
        };
        if !matches!(question, Question::Who | Question::Status) {
            log::info!("ironftpctl (user {user}): {}", Escaped(&line));
        }
        self.answer(&question, &mut answer)?;
        answer.send()
    }

    fn answer(&self, question: &Question, answer: &mut Answer<'_>) -> Result<(), sys::Error> {
        match *question {
            Question::Who => {
                let (sights, count) = self.roster.first(usize::MAX);
                let (now, _) = clock::now();
                for sight in &sights {
                    answer.line(&described(sight, now))?;
                }
                answer.line(&json!({ "done": "who", "sessions": count }))
            }
            Question::Status => answer.line(&self.status()),
            Question::Kick(id) => {
                if !self.roster.dismiss(id) {
                    return answer.refuse("no-session", &format!("no session {}", id.0));
                }
                self.room.rouse(id, &self.pool);
                answer.line(&json!({ "done": "kick", "session": id.0 }))
            }
            Question::Give(order) => {
                let word = match order {
                    Order::Reload => "reload",
                    Order::Drain => "drain",
                };
                match self.orders.give(order, OBEYING) {
                    Ok(kept) => {
                        let sessions = self.census.sessions();
                        answer.line(&match order {
                            Order::Reload => {
                                json!({ "done": word, "sessions": sessions, "kept": kept })
                            }
                            Order::Drain => json!({ "done": word, "sessions": sessions }),
                        })
                    }
                    Err(why) => answer.refuse("failed", &why),
                }
            }
        }
    }

    fn status(&self) -> Value {
        let (sights, _) = self.roster.first(usize::MAX);
        let logged_in = sights.iter().filter(|sight| !sight.user.is_empty());
        let draining = self.course.is_closed();
        let listening = self.listening.iter().filter(|_| !draining);
        json!({
            "done": "status",
            "version": env!("CARGO_PKG_VERSION"),
            "pid": std::process::id(),
            "uptime_seconds": self.started.elapsed().as_secs(),
            "listening": listening.map(SocketAddr::to_string).collect::<Vec<_>>(),
            "draining": draining,
            "sessions": self.census.sessions(),
            "logged_in": logged_in.count(),
            "transfers": self.course.transfers(),
            "sessions_ever": self.census.sessions_ever(),
            "workers": self.pool.workers(),
        })
    }
}

/// A session as a line of the answer; `now` in seconds since 1970.
fn described(sight: &Sight, now: i64) -> Value {
    let connected = i64::try_from(sight.connected.as_secs()).unwrap_or(i64::MAX);
    let shown = |bytes: &[u8]| (!bytes.is_empty()).then(|| Escaped(bytes).to_string());
    json!({
        "session": sight.id.0,
        "user": shown(&sight.user),
        "address": sight.peer.ip().to_string(),
        "port": sight.peer.port(),
        "since": now.saturating_sub(connected),
        "connected_seconds": sight.connected.as_secs(),
        "state": sight.doing.to_string(),
        "state_seconds": sight.lasting.as_secs(),
        "command": sight.command.map(|verb| verb.name()),
        "file": shown(&sight.file),
        "bytes": sight.bytes,
        "total_bytes": sight.total,
    })
}

/// Waits until `asker` is ready, at most until `end`.
fn wait(asker: BorrowedFd<'_>, events: i16, end: Instant) -> Result<(), sys::Error> {
    let left = end.saturating_duration_since(Instant::now());
    if left.is_zero() {
        return Err(sys::Error::new("poll", libc::ETIMEDOUT));
    }
    poll(&mut [Interest::new(asker, events)], Some(left)).map(drop)
}

/// The question, without its LF; what comes after it is nobody's.
fn ask(asker: BorrowedFd<'_>) -> Result<Vec<u8>, sys::Error> {
    let end = Instant::now() + ASKING;
    let mut line = Vec::with_capacity(LONGEST);
    let mut piece = [0; LONGEST];
    loop {
        match receive_now(asker, &mut piece) {
            Ok(0) => return Err(sys::Error::new("recv", libc::ENODATA)),
            Ok(count) => line.extend_from_slice(piece.get(..count).unwrap_or_default()),
            Err(error) if error.would_block() => wait(asker, READABLE, end)?,
            Err(error) => return Err(error),
        }
        if let Some(length) = line.iter().position(|&byte| byte == b'\n') {
            line.truncate(length);
            return Ok(line);
        }
        if line.len() >= LONGEST {
            return Ok(line);
        }
    }
}

/// What is said to one asker.
struct Answer<'asker> {
    asker: BorrowedFd<'asker>,
    /// When the time for all of it is over; from the first word on.
    end: Option<Instant>,
    text: Vec<u8>,
}

impl<'asker> Answer<'asker> {
    fn to(asker: BorrowedFd<'asker>) -> Answer<'asker> {
        Answer {
            asker,
            end: None,
            text: Vec::new(),
        }
    }

    fn refuse(&mut self, error: &str, text: &str) -> Result<(), sys::Error> {
        self.line(&json!({ "error": error, "text": text }))
    }

    fn line(&mut self, value: &Value) -> Result<(), sys::Error> {
        self.text.extend_from_slice(value.to_string().as_bytes());
        self.text.push(b'\n');
        if self.text.len() >= GATHERED {
            self.send()?;
        }
        Ok(())
    }

    fn send(&mut self) -> Result<(), sys::Error> {
        let end = *self.end.get_or_insert_with(|| Instant::now() + ANSWERING);
        let text = std::mem::take(&mut self.text);
        let mut rest = text.as_slice();
        while !rest.is_empty() {
            match send(self.asker, rest, false) {
                Ok(sent) => rest = rest.get(sent..).unwrap_or_default(),
                Err(error) if error.would_block() => wait(self.asker, WRITABLE, end)?,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions_are_understood_and_nothing_else_is() {
        for (line, question) in [
            ("who", Question::Who),
            ("status", Question::Status),
            ("reload", Question::Give(Order::Reload)),
            ("drain", Question::Give(Order::Drain)),
            ("kick 12", Question::Kick(SessionId(12))),
        ] {
            assert_eq!(Question::parse(line.as_bytes()), Some(question));
        }
        for line in [
            "",
            " who",
            "who ",
            "who am i",
            "WHO",
            "kick",
            "kick 1 2",
            "kick -1",
            "kick x",
            "kick 99999999999999999999",
            "drain now",
            "\u{0}",
        ] {
            assert_eq!(Question::parse(line.as_bytes()), None, "{line:?}");
        }
        assert_eq!(Question::parse(b"\xff\xfe"), None);
    }

    #[test]
    fn an_answer_that_nobody_reads_is_given_up() {
        let (_client, server) = UnixStream::pair().unwrap();
        let mut answer = Answer::to(server.as_fd());
        answer.end = Some(Instant::now() + Duration::from_millis(20));
        let line = json!({ "text": "x".repeat(10_000) });
        let sent = (0..1000).try_for_each(|_| answer.line(&line));
        assert_eq!(sent.unwrap_err().errno(), libc::ETIMEDOUT);
    }

    #[test]
    fn a_question_that_never_ends_is_cut_off() {
        use std::io::Write;
        let (mut client, server) = UnixStream::pair().unwrap();
        client.write_all(&[b'x'; 1000]).unwrap();
        assert_eq!(ask(server.as_fd()).unwrap().len(), LONGEST);
        let (mut client, server) = UnixStream::pair().unwrap();
        client.write_all(b"who\nkick 1\n").unwrap();
        assert_eq!(ask(server.as_fd()).unwrap(), b"who");
        let (client, server) = UnixStream::pair().unwrap();
        drop(client);
        let error = ask(server.as_fd()).unwrap_err();
        assert_eq!(error.errno(), libc::ENODATA);
    }
}
