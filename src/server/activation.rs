//! What a supervisor hands over at the start: sockets on descriptor 0 (inetd,
//! xinetd, tcpserver, socat) or from 3 on (systemd, sd_listen_fds(3)), and
//! standard streams that may be a client's connection.
//!
//! [`Input::take`] is the program's first act: no word of a diagnosis may
//! reach the client.

use super::notify::Supervisor;
use crate::protocol::{Code, Reply};
use crate::record::syslog;
use crate::sys;
use crate::sys::inherited::{duplicate, same, silence};
use crate::sys::process::{clear_environment, close_inherited};
use crate::sys::transfer::send;
use socket2::{Domain, SockRef, Type};
use std::ffi::OsStr;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};

/// Where systemd's sockets begin (SD_LISTEN_FDS_START).
const FIRST: RawFd = 3;

/// More sockets than anybody hands over.
const MOST: RawFd = 1024;

/// Variables that stay in the environment: the log, the C library's language
/// and time zone, and where programs are found. What supervisors say is read
/// before.
const KEPT: &[&str] = &[
    "JOURNAL_STREAM",
    "LANG",
    "LANGUAGE",
    "PATH",
    "RUST_BACKTRACE",
    "RUST_LIB_BACKTRACE",
    "RUST_LOG",
    "RUST_LOG_STYLE",
    "TZ",
    "TZDIR",
];

/// A client whose connection was handed over. Dropped without having become a
/// session, it is told so.
#[derive(Debug)]
pub(super) struct Visitor {
    socket: Option<OwnedFd>,
    /// What it is told.
    parting: (Code, &'static str),
}

impl Visitor {
    /// The connection, for a session.
    pub(super) fn welcome(mut self) -> Option<OwnedFd> {
        self.socket.take()
    }

    pub(super) fn socket(&self) -> Option<BorrowedFd<'_>> {
        self.socket.as_ref().map(AsFd::as_fd)
    }
}

impl From<OwnedFd> for Visitor {
    fn from(socket: OwnedFd) -> Visitor {
        let text = "Service not available, closing control connection.";
        Visitor {
            socket: Some(socket),
            parting: (Code::ServiceNotAvailable, text),
        }
    }
}

impl Drop for Visitor {
    fn drop(&mut self) {
        if let Some(socket) = self.socket.take() {
            let (code, text) = self.parting;
            let mut out = Vec::new();
            Reply::new(code, text).encode(&mut out);
            let _ = send(socket.as_fd(), &out, false);
        }
    }
}

/// A socket that was handed over.
#[derive(Debug)]
pub(super) enum Socket {
    /// It listens.
    Listening(OwnedFd),
    /// It is a client's control connection.
    Connected(Visitor),
}

impl Socket {
    /// What `socket` is; `None` if it is no TCP socket.
    pub(super) fn of(socket: OwnedFd) -> Option<Socket> {
        match kind(socket.as_fd())? {
            Kind::Listening => Some(Socket::Listening(socket)),
            Kind::Connected => Some(Socket::Connected(socket.into())),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Listening,
    Connected,
}

/// Which kind of TCP socket this is, if it is one.
fn kind(descriptor: BorrowedFd<'_>) -> Option<Kind> {
    let socket = SockRef::from(&descriptor);
    let is_tcp = matches!(socket.domain(), Ok(Domain::IPV4 | Domain::IPV6))
        && matches!(socket.r#type(), Ok(Type::STREAM));
    match socket.is_listener() {
        Ok(true) if is_tcp => Some(Kind::Listening),
        Ok(false) if is_tcp => Some(Kind::Connected),
        _ => None,
    }
}

/// Standard input, if it is a TCP socket.
#[derive(Debug, Default)]
pub struct Input(Option<Socket>);

impl Input {
    /// Takes the socket that descriptor 0 may be, and puts /dev/null in its
    /// place, as in that of every other standard stream that is one: the log
    /// goes to syslog then. Others stay as they are.
    ///
    /// # Errors
    /// When that cannot be done: the program must not say anything then.
    pub fn take() -> Result<Input, sys::Error> {
        let (input, output, error) = (io::stdin(), io::stdout(), io::stderr());
        let mut streams = Vec::new();
        let mut taken = None;
        if kind(input.as_fd()).is_some() {
            taken = Socket::of(duplicate(0)?);
            streams.push(0);
        }
        for (number, stream) in [(1, output.as_fd()), (2, error.as_fd())] {
            // A client whose connection is of another kind (a socket pair of
            // socat's) has it on all of them.
            let is_input = !streams.is_empty() && same(stream, input.as_fd());
            if is_input || kind(stream).is_some() {
                streams.push(number);
            }
        }
        if streams.contains(&2) {
            syslog::use_syslog();
        }
        silence(&streams)?;
        Ok(Input(taken))
    }

    /// Whether there is one.
    #[must_use]
    pub fn is_socket(&self) -> bool {
        self.0.is_some()
    }
}

/// All that was handed over.
#[derive(Debug)]
pub struct Handed {
    pub(super) input: Option<Socket>,
    /// Those of systemd, by number.
    pub(super) sockets: Vec<(RawFd, OwnedFd)>,
    pub(super) supervisor: Supervisor,
}

impl Handed {
    /// Takes the rest of what was handed over, closes every other descriptor,
    /// and clears the environment. Nothing else may have been opened yet.
    ///
    /// # Errors
    /// When a socket that is announced is not there, or the system refuses.
    pub fn take(Input(input): Input) -> Result<Handed, sys::Error> {
        let announced = announced(
            std::env::var("LISTEN_PID").ok().as_deref(),
            std::env::var("LISTEN_FDS").ok().as_deref(),
            std::process::id(),
        );
        let sockets = (FIRST..FIRST + announced)
            .map(|number| Ok((number, duplicate(number)?)))
            .collect::<Result<Vec<_>, sys::Error>>()?;
        let supervisor = Supervisor::from_environment();
        // With StandardInput=socket systemd gives the connection twice.
        let input = input.filter(|_| sockets.is_empty());
        let kept: Vec<RawFd> = sockets
            .iter()
            .map(|(_, socket)| socket.as_raw_fd())
            .chain(input.as_ref().and_then(Socket::number))
            .chain(supervisor.descriptor())
            .chain(syslog::descriptor())
            .collect();
        close_inherited(&kept)?;
        clear_environment(is_kept)?;
        sys::process::forbid_core_files()?;
        Ok(Handed {
            input,
            sockets,
            supervisor,
        })
    }
}

impl Handed {
    /// Has the client that was handed over, if there is one, told that the
    /// configuration is wrong when this is dropped. What is wrong with it is
    /// for the log.
    pub fn blame_configuration(&mut self) {
        if let Some(Socket::Connected(visitor)) = &mut self.input {
            let text = "OOPS: the configuration of this server is out of order.";
            visitor.parting = (Code::SyntaxError, text);
        }
    }
}

impl Socket {
    fn number(&self) -> Option<RawFd> {
        match self {
            Socket::Listening(socket) => Some(socket.as_raw_fd()),
            Socket::Connected(visitor) => visitor.socket().map(|socket| socket.as_raw_fd()),
        }
    }
}

fn is_kept(name: &OsStr) -> bool {
    name.to_str()
        .is_some_and(|name| KEPT.contains(&name) || name.starts_with("LC_"))
}

/// How many sockets systemd has announced to the process `own`; what is meant
/// for another is not (sd_listen_fds(3)).
fn announced(process: Option<&str>, count: Option<&str>, own: u32) -> RawFd {
    let is_meant = process.and_then(|text| text.parse().ok()) == Some(own);
    let count = count.and_then(|text| text.parse().ok()).unwrap_or(0);
    if is_meant { count.clamp(0, MOST) } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;
    use std::net::{TcpListener, TcpStream, UdpSocket};
    use std::os::unix::net::UnixStream;

    #[test]
    fn only_tcp_sockets_count_and_listening_is_seen() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        assert_eq!(kind(listener.as_fd()), Some(Kind::Listening));
        assert_eq!(kind(client.as_fd()), Some(Kind::Connected));
        let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
        let (unix, _other) = UnixStream::pair().unwrap();
        let file = std::fs::File::open("/dev/null").unwrap();
        for other in [udp.as_fd(), unix.as_fd(), file.as_fd()] {
            assert_eq!(kind(other), None);
        }
    }

    #[test]
    fn a_visitor_who_gets_no_session_is_told() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (socket, _) = listener.accept().unwrap();
        drop(Visitor::from(OwnedFd::from(socket)));
        let mut text = String::new();
        client.read_to_string(&mut text).unwrap();
        assert!(text.starts_with("421 "), "{text}");
    }

    #[test]
    fn sockets_meant_for_another_process_are_none() {
        assert_eq!(announced(Some("7"), Some("2"), 7), 2);
        assert_eq!(announced(Some("8"), Some("2"), 7), 0);
        assert_eq!(announced(None, Some("2"), 7), 0);
        for nonsense in ["", "-1", "x", "99999999999"] {
            assert_eq!(announced(Some("7"), Some(nonsense), 7), 0, "{nonsense}");
        }
        assert_eq!(announced(Some("7"), Some("2000000000"), 7), MOST);
    }

    #[test]
    fn the_environment_keeps_language_and_log_and_no_more() {
        for kept in ["LC_ALL", "TZ", "RUST_LOG", "LANG"] {
            assert!(is_kept(OsStr::new(kept)), "{kept}");
        }
        for other in ["LD_PRELOAD", "HOME", "LISTEN_FDS", "RES_OPTIONS", "LC"] {
            assert!(!is_kept(OsStr::new(other)), "{other}");
        }
    }
}
