//! The event log's other way out: syslog(3), where standard error is a
//! client's connection or a terminal that was left.
//!
//! A line that syslog has no room for is lost; nobody waits for it.

use log::Level;
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::net::UnixDatagram;
use std::sync::OnceLock;

/// Where syslog takes its lines.
const SOCKET: &str = "/dev/log";

/// LOG_FTP of syslog(3).
const FACILITY: u8 = 11 << 3;

static SYSLOG: OnceLock<Option<UnixDatagram>> = OnceLock::new();

/// From now on the log goes to syslog, and nowhere if there is none. A second
/// call changes nothing.
pub fn use_syslog() {
    SYSLOG.get_or_init(|| {
        let socket = UnixDatagram::unbound().ok()?;
        socket.connect(SOCKET).ok()?;
        socket.set_nonblocking(true).ok()?;
        Some(socket)
    });
}

/// Whether the log goes there, or nowhere.
#[must_use]
pub fn is_used() -> bool {
    SYSLOG.get().is_some()
}

/// The descriptor, where there is one to be kept open.
#[must_use]
pub fn descriptor() -> Option<RawFd> {
    SYSLOG.get()?.as_ref().map(AsRawFd::as_raw_fd)
}

/// A line as syslog takes it (RFC 3164 section 4.1, without time and host,
/// which it adds).
pub(super) fn line(level: Level, text: &str) -> String {
    let severity = match level {
        Level::Error => 3,
        Level::Warn => 4,
        Level::Info => 6,
        Level::Debug | Level::Trace => 7,
    };
    let number = std::process::id();
    format!("<{}>ironftpd[{number}]: {text}\n", FACILITY + severity)
}

/// Sends a line made by [`line`]; false when the log goes elsewhere.
pub(super) fn send(line: &[u8]) -> bool {
    let Some(socket) = SYSLOG.get() else {
        return false;
    };
    if let Some(socket) = socket {
        let _ = socket.send(line.trim_ascii_end());
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_facility_severity_and_process() {
        let number = std::process::id();
        assert_eq!(
            line(Level::Warn, "text"),
            format!("<92>ironftpd[{number}]: text\n")
        );
        assert!(line(Level::Info, "").starts_with("<94>"));
    }
}
