//! Logs in syslog(3): datagrams to /dev/log, facility FTP as vsftpd has it
//! (RFC 3164 section 4.1). With syslog_enable it gets what would stand in
//! vsftpd_log_file; it also gets the event log where standard error is not
//! to be written to.
//!
//! The socket is opened before the walls and connected again when the one at
//! its other end has gone and come back.
#![forbid(unsafe_code)]

use super::outlet::{Outlet, Sink};
use crate::protocol::Timestamp;
use crate::protocol::log_time::format_syslog;
use crate::sys::clock;
use log::Level;
use std::io;
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// Where syslog takes its lines.
pub(super) const SOCKET: &str = "/dev/log";

/// LOG_FTP of syslog(3).
const FACILITY: u8 = 11 << 3;

/// What is said to syslog.
pub static SYSLOG: Outlet = Outlet::log(
    || log::error!("syslog takes lines too slowly: some are lost"),
    |lost| log::warn!("syslog did not take lines in time; lines lost: {lost}"),
);

/// Where the event log goes while there is no thread for it yet; set once it
/// goes to syslog, without a socket if there is none.
static EVENTS: OnceLock<Option<UnixDatagram>> = OnceLock::new();

/// From now on the event log goes to syslog, and nowhere if there is none. A
/// second call changes nothing.
pub fn use_syslog() {
    EVENTS.get_or_init(|| {
        let socket = UnixDatagram::unbound().ok()?;
        socket.connect(SOCKET).ok()?;
        socket.set_nonblocking(true).ok()?;
        Some(socket)
    });
}

/// Whether the event log goes there.
#[must_use]
pub fn is_used() -> bool {
    EVENTS.get().is_some()
}

/// The descriptor, where there is one to be kept open.
#[must_use]
pub fn descriptor() -> Option<RawFd> {
    EVENTS.get()?.as_ref().map(AsRawFd::as_raw_fd)
}

/// Takes a line of the event log. Never waits.
pub(super) fn take_event(line: &str) {
    if SYSLOG.is_open() {
        SYSLOG.write(line);
    } else if let Some(Some(socket)) = EVENTS.get() {
        let _ = socket.send(line.trim_end().as_bytes());
    }
}

/// The number that begins a line, of priority and facility.
pub(super) fn severity(level: Level) -> u8 {
    match level {
        Level::Error => 3,
        Level::Warn => 4,
        Level::Info => 6,
        Level::Debug | Level::Trace => 7,
    }
}

/// A line as syslog takes it, from a program by the name it was called by:
/// rules that look for vsftpd go on finding it.
#[must_use]
pub(super) fn line(severity: u8, time: Timestamp, text: &str) -> String {
    let offset = clock::local_offset(time.seconds);
    let time = format_syslog(time, offset);
    let (name, number) = (program(), std::process::id());
    format!("<{}>{time} {name}[{number}]: {text}\n", FACILITY + severity)
}

fn program() -> &'static str {
    static NAME: OnceLock<String> = OnceLock::new();
    NAME.get_or_init(|| {
        let called = std::env::args_os().next().map(PathBuf::from);
        let name = called.as_deref().and_then(Path::file_name);
        match name.and_then(|name| name.to_str()) {
            Some(name) if name.bytes().all(|byte| byte.is_ascii_alphanumeric()) => name.to_owned(),
            _ => "ironftpd".to_owned(),
        }
    })
}

/// The socket.
#[derive(Debug)]
pub(super) struct Syslog {
    path: PathBuf,
    socket: Option<UnixDatagram>,
    lost: u64,
}

impl Syslog {
    /// Connects to the socket at `path`. One that is not there may come yet.
    pub(super) fn open(path: &Path) -> Syslog {
        let mut syslog = Syslog {
            path: path.to_owned(),
            socket: None,
            lost: 0,
        };
        if let Err(error) = syslog.connect() {
            log::warn!("no syslog at {path:?}, its lines are lost until there is one: {error}");
        }
        syslog
    }

    fn connect(&mut self) -> io::Result<()> {
        self.socket = None;
        let socket = UnixDatagram::unbound()?;
        socket.connect(&self.path)?;
        self.socket = Some(socket);
        Ok(())
    }

    fn send(&mut self, line: &str) -> io::Result<()> {
        if let Some(socket) = &self.socket {
            match socket.send(line.as_bytes()) {
                // Nobody is at the other end, or another one is.
                Err(error) if is_gone(&error) => {}
                result => return result.map(drop),
            }
        }
        self.connect()?;
        match &self.socket {
            Some(socket) => socket.send(line.as_bytes()).map(drop),
            None => Err(io::ErrorKind::NotConnected.into()),
        }
    }
}

fn is_gone(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionRefused
            | io::ErrorKind::NotConnected
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::BrokenPipe
    )
}

impl Sink for Syslog {
    fn take(&mut self, lines: &str) {
        for line in lines.lines() {
            match self.send(line) {
                Ok(()) if self.lost > 0 => {
                    log::warn!("syslog takes lines again; lines lost: {}", self.lost);
                    self.lost = 0;
                }
                Ok(()) => {}
                Err(error) => {
                    if self.lost == 0 {
                        log::error!("syslog {:?} takes no lines: {error}", self.path);
                    }
                    self.lost += 1;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_facility_severity_time_and_process() {
        let number = std::process::id();
        let time = Timestamp::from_seconds(1_794_043_503);
        let line = line(severity(Level::Warn), time, "text");
        assert!(line.starts_with("<92>Nov  "), "{line}");
        assert!(line.ends_with(&format!("[{number}]: text\n")), "{line}");
        assert_eq!(severity(Level::Info), 6);
    }

    #[test]
    fn a_syslog_that_went_and_came_back_gets_lines_again() {
        let path = std::env::temp_dir().join(format!("ironftpd-syslog-{}", std::process::id()));
        let heard = |socket: &UnixDatagram| {
            let mut buffer = [0; 100];
            let length = socket.recv(&mut buffer).unwrap();
            String::from_utf8(buffer[..length].to_vec()).unwrap()
        };
        let mut syslog = Syslog::open(&path);
        syslog.take("lost\n");
        assert_eq!(syslog.lost, 1);
        let first = UnixDatagram::bind(&path).unwrap();
        syslog.take("one\ntwo\n");
        assert_eq!((heard(&first), heard(&first)), ("one".into(), "two".into()));
        drop(first);
        std::fs::remove_file(&path).unwrap();
        let second = UnixDatagram::bind(&path).unwrap();
        syslog.take("three\n");
        assert_eq!(heard(&second), "three");
        assert_eq!(syslog.lost, 0);
        std::fs::remove_file(&path).unwrap();
    }
}
