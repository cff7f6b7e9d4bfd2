//! Word to the supervisor that asked for it by NOTIFY_SOCKET, systemd above
//! all: ready, reloading, stopping, how many sessions and transfers, and that
//! the server is alive (sd_notify(3), sd_watchdog_enabled(3)).
//!
//! The socket is connected before any wall stands. Nobody waits for it: what
//! must arrive and is not taken is said again later, the rest is lost.

use crate::sys::clock;
use std::collections::VecDeque;
use std::ffi::OsStr;
use std::io;
use std::os::fd::{AsRawFd, RawFd};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::{Duration, Instant};

/// How often the state may be told while it changes.
const PAUSE: Duration = Duration::from_secs(1);

/// After which a supervisor that had no room is tried again.
const RETRY: Duration = Duration::from_millis(100);

/// Words that wait for a supervisor that has no room. Of a reload that comes
/// while so many wait nothing need be known.
const OWED: usize = 16;

/// How the server is.
#[derive(Debug, Clone, Copy)]
pub(super) struct State {
    pub(super) sessions: u32,
    pub(super) transfers: usize,
    /// Nobody new is let in.
    pub(super) is_draining: bool,
}

/// The supervisor; perhaps nobody.
#[derive(Debug, Default)]
pub struct Supervisor {
    socket: Option<UnixDatagram>,
    /// Between two signs of life.
    interval: Option<Duration>,
    /// When the next sign of life is due.
    due: Option<Instant>,
    /// The state last told, and when.
    told: Option<(String, Instant)>,
    /// What it had no room for, in order.
    owed: VecDeque<String>,
}

impl Supervisor {
    /// The one that the environment names.
    pub(super) fn from_environment() -> Supervisor {
        let Some(name) = std::env::var_os("NOTIFY_SOCKET").filter(|name| !name.is_empty()) else {
            return Supervisor::default();
        };
        match connect(&name) {
            Ok(socket) => Supervisor {
                socket: Some(socket),
                interval: interval(
                    std::env::var("WATCHDOG_USEC").ok().as_deref(),
                    std::env::var("WATCHDOG_PID").ok().as_deref(),
                    std::process::id(),
                ),
                ..Supervisor::default()
            },
            Err(error) => {
                log::warn!("NOTIFY_SOCKET={name:?}: {error}");
                Supervisor::default()
            }
        }
    }

    /// Its descriptor, if there is one.
    pub(super) fn descriptor(&self) -> Option<RawFd> {
        self.socket.as_ref().map(AsRawFd::as_raw_fd)
    }

    /// Says what may be lost. False if it had no room.
    fn say(&self, text: &str) -> bool {
        let Some(socket) = &self.socket else {
            return true;
        };
        match socket.send(text.as_bytes()) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return false,
            Err(error) => log::debug!("the supervisor was not told {text:?}: {error}"),
            Ok(_) => {}
        }
        true
    }

    /// Says what must arrive, in its turn.
    fn announce(&mut self, text: String) {
        self.settle();
        if !(self.owed.is_empty() && self.say(&text)) {
            self.owed.truncate(OWED);
            self.owed.push_back(text);
        }
    }

    /// Says what is owed, as far as there is room.
    fn settle(&mut self) {
        while let Some(text) = self.owed.front() {
            if !self.say(text) {
                return;
            }
            self.owed.pop_front();
        }
    }

    /// The server answers, or goes on with a configuration read again.
    pub(super) fn ready(&mut self) {
        let number = std::process::id();
        self.announce(format!("READY=1\nMAINPID={number}"));
        // Readiness is no sign of life: where reloads come faster than those are
        // due, it must not put them off.
        if self.due.is_none() {
            self.due = self.interval.map(|interval| Instant::now() + interval);
        }
    }

    /// The configuration is being read again.
    pub(super) fn reloading(&mut self) {
        let now = clock::monotonic_microseconds();
        self.announce(format!("RELOADING=1\nMONOTONIC_USEC={now}"));
    }

    /// The server ends within `grace`.
    pub(super) fn stopping(&mut self, grace: Duration) {
        let microseconds = grace.as_micros();
        self.announce(format!("STOPPING=1\nEXTEND_TIMEOUT_USEC={microseconds}"));
    }

    /// Tells the numbers of sessions and transfers if they have changed, with
    /// a word before them when nobody new is let in, and gives a sign of life if one is due and the server is well.
    pub(super) fn tell(&mut self, state: State, is_well: bool) {
        if self.socket.is_none() {
            return;
        }
        self.settle();
        let now = Instant::now();
        if self.due.is_some_and(|due| due <= now) {
            self.due = self.interval.map(|interval| now + interval);
            if is_well {
                self.say("WATCHDOG=1");
            }
        }
        if self.told.as_ref().is_some_and(|(_, at)| now < *at + PAUSE) {
            return;
        }
        let mut status = status(state.sessions, state.transfers);
        if state.is_draining {
            status.insert_str(0, "draining: ");
        }
        if self.told.as_ref().is_none_or(|(told, _)| *told != status) {
            self.say(&format!("STATUS={status}"));
            self.told = Some((status, now));
        }
    }

    /// When there may be something to tell though nothing wakes the server:
    /// for a sign of life, and while there are sessions.
    pub(super) fn next(&self, sessions: u32) -> Option<Instant> {
        self.socket.as_ref()?;
        let idle = status(0, 0);
        let stale = sessions > 0 || self.told.as_ref().is_none_or(|(told, _)| *told != idle);
        let state = stale.then(|| Instant::now() + PAUSE);
        let retry = (!self.owed.is_empty()).then(|| Instant::now() + RETRY);
        [self.due, state, retry].into_iter().flatten().min()
    }
}

/// How many there are, in words.
pub(super) fn status(sessions: u32, transfers: usize) -> String {
    let word = |count: usize, word: &str| {
        let plural = if count == 1 { "" } else { "s" };
        format!("{count} {word}{plural}")
    };
    let sessions = usize::try_from(sessions).unwrap_or(usize::MAX);
    format!(
        "{}, {}",
        word(sessions, "session"),
        word(transfers, "transfer")
    )
}

/// A datagram socket that sends to `name`: a path, or after an `@` a name of
/// the abstract kind (unix(7)).
fn connect(name: &OsStr) -> io::Result<UnixDatagram> {
    let address = match name.as_bytes().split_first() {
        Some((b'@', rest)) => SocketAddr::from_abstract_name(rest)?,
        Some((b'/', _)) => SocketAddr::from_pathname(name)?,
        _ => return Err(io::ErrorKind::Unsupported.into()),
    };
    let socket = UnixDatagram::unbound()?;
    socket.connect_addr(&address)?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}

/// Half the time in which the supervisor wants a sign of life of the process
/// `own`.
fn interval(microseconds: Option<&str>, process: Option<&str>, own: u32) -> Option<Duration> {
    if process.is_some_and(|process| process.parse() != Ok(own)) {
        return None;
    }
    let microseconds: u64 = microseconds?.parse().ok()?;
    (microseconds > 0).then(|| Duration::from_micros(microseconds / 2))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(socket: &UnixDatagram) -> String {
        let mut buffer = [0; 256];
        let length = socket.recv(&mut buffer).unwrap();
        String::from_utf8(buffer[..length].to_vec()).unwrap()
    }

    fn watched() -> (Supervisor, UnixDatagram) {
        let (ours, theirs) = UnixDatagram::pair().unwrap();
        let supervisor = Supervisor {
            socket: Some(ours),
            interval: Some(Duration::ZERO),
            ..Supervisor::default()
        };
        theirs
            .set_read_timeout(Some(Duration::from_secs(20)))
            .unwrap();
        (supervisor, theirs)
    }

    #[test]
    fn names_are_paths_or_abstract() {
        let name = format!("ironftpd-notify-{}", std::process::id());
        let address = SocketAddr::from_abstract_name(&name).unwrap();
        let server = UnixDatagram::bind_addr(&address).unwrap();
        let client = connect(OsStr::new(&format!("@{name}"))).unwrap();
        client.send(b"word").unwrap();
        assert_eq!(told(&server), "word");
        let path = std::env::temp_dir().join(&name);
        let server = UnixDatagram::bind(&path).unwrap();
        let client = connect(path.as_os_str());
        std::fs::remove_file(&path).unwrap();
        client.unwrap().send(b"word").unwrap();
        assert_eq!(told(&server), "word");
        assert!(connect(OsStr::new("relative")).is_err());
    }

    #[test]
    fn state_is_told_when_it_changes_and_life_only_when_well() {
        let (mut supervisor, heard) = watched();
        supervisor.ready();
        assert!(told(&heard).starts_with("READY=1\n"));
        let state = |sessions, transfers| State {
            sessions,
            transfers,
            is_draining: false,
        };
        supervisor.tell(state(1, 2), true);
        assert_eq!(told(&heard), "WATCHDOG=1");
        assert_eq!(told(&heard), "STATUS=1 session, 2 transfers");
        assert!(supervisor.next(1).is_some());
        supervisor.due = None;
        // Too soon.
        supervisor.tell(state(0, 0), true);
        supervisor.told = supervisor.told.map(|(text, at)| (text, at - PAUSE));
        supervisor.due = Some(Instant::now());
        supervisor.tell(state(0, 0), false);
        assert_eq!(told(&heard), "STATUS=0 sessions, 0 transfers");
    }

    #[test]
    fn readiness_that_finds_no_room_is_told_later() {
        let (mut supervisor, heard) = watched();
        let socket = supervisor.socket.as_ref().unwrap();
        socket.set_nonblocking(true).unwrap();
        while socket.send(b"noise").is_ok() {}
        supervisor.interval = None;
        supervisor.reloading();
        supervisor.ready();
        let retry = supervisor.next(0).unwrap();
        assert!(retry <= Instant::now() + RETRY);
        heard.set_nonblocking(true).unwrap();
        while heard.recv(&mut [0; 16]).is_ok() {}
        let state = State {
            sessions: 0,
            transfers: 0,
            is_draining: false,
        };
        supervisor.tell(state, true);
        assert!(told(&heard).starts_with("RELOADING=1\n"));
        assert!(told(&heard).starts_with("READY=1\n"));
    }

    #[test]
    fn a_reload_puts_no_sign_of_life_off() {
        let (mut supervisor, _heard) = watched();
        supervisor.interval = Some(Duration::from_secs(5));
        supervisor.ready();
        let due = supervisor.due;
        supervisor.reloading();
        supervisor.ready();
        assert!(due.is_some());
        assert_eq!(supervisor.due, due);
    }

    #[test]
    fn a_watchdog_of_another_process_is_not_ours() {
        assert_eq!(
            interval(Some("2000000"), Some("5"), 5),
            Some(Duration::from_secs(1))
        );
        assert_eq!(interval(Some("2000000"), Some("6"), 5), None);
        assert_eq!(
            interval(Some("2000"), None, 5),
            Some(Duration::from_millis(1))
        );
        for nonsense in [Some("0"), Some("x"), None] {
            assert_eq!(interval(nonsense, None, 5), None);
        }
    }
}
