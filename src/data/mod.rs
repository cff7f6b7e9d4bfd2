//! The server-DTP (RFC 959 section 3.2): data connections, made in active
//! or passive mode, and the moving of bytes over them.
//!
//! Data sockets never block. Wherever a transfer waits, it waits in one
//! poll(2) for the data connection and the control connection together, the
//! latter through [`Watch`]; this floor does not know what a command is.
#![forbid(unsafe_code)]

pub mod active;
pub mod ascii;
mod block;
pub mod buffers;
pub mod coding;
mod compressed;
pub mod decoder;
mod deflate;
pub mod encoder;
pub mod lines;
pub mod passive;
pub mod ports;
pub mod position;
pub mod rate;
pub mod receive;
mod record;
#[cfg(test)]
mod round_trip;
mod sealed;
pub mod send;
pub mod transfer;
pub mod work;

pub use buffers::Buffers;
pub use coding::{Characters, Coding, Malformed};
pub use decoder::Decoder;
pub use encoder::Encoder;
pub use lines::Lines;
pub use passive::Promise;
pub use ports::PassivePorts;
pub use sealed::negotiate;
pub use send::Start;
pub use transfer::{Limits, Transfer, until};
pub use work::Work;

use crate::protocol::Marker;
use crate::protocol::protection::Breach;
use crate::sys;
use socket2::SockRef;
use std::fmt;
use std::net::SocketAddr;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::time::Duration;

/// An open data connection.
#[derive(Debug)]
pub struct DataConnection {
    /// The non-blocking socket; closing it ends a stream-mode transfer
    /// (RFC 959 section 3.3).
    pub socket: OwnedFd,
    /// The client's end.
    pub peer: SocketAddr,
}

impl DataConnection {
    /// The server's end: a call to the kernel, for those who want to see it.
    #[must_use]
    pub fn local(&self) -> Option<SocketAddr> {
        let local = SockRef::from(&self.socket).local_addr().ok()?;
        local.as_socket()
    }
}

/// Why a data connection did not come about or a transfer did not finish.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Interruption {
    /// The client asked for it (ABOR).
    Aborted,
    /// The control connection is gone, and with it the client.
    ControlLost,
    /// The session is to end, whatever it is doing.
    Dismissed,
    /// Nothing moved, or nobody came, for this long.
    TimedOut(Duration),
    /// The data connection failed.
    Network(sys::Error),
    /// The file failed, on reading or writing.
    Storage(sys::Error),
    /// What the client sent is not what TYPE, STRU and MODE promise.
    Malformed(Malformed),
    /// The protection of the data connection broke.
    Breach(Breach),
    /// The client closed a protected connection without saying that it was
    /// done, and that is not enough (strict_ssl_read_eof,
    /// strict_ssl_write_shutdown).
    CutOff,
}

impl fmt::Display for Interruption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Interruption::Aborted => f.write_str("aborted by the client"),
            Interruption::ControlLost => f.write_str("control connection lost"),
            Interruption::Dismissed => f.write_str("the session is to end"),
            Interruption::TimedOut(time) => write!(f, "nothing for {} s", time.as_secs()),
            Interruption::Network(error) => write!(f, "data connection: {error}"),
            Interruption::Storage(error) => write!(f, "file: {error}"),
            Interruption::Malformed(what) => write!(f, "data of the client: {what}"),
            Interruption::Breach(breach) => write!(f, "data connection: {breach}"),
            Interruption::CutOff => f.write_str(
                "the client closed without a close_notify (strict_ssl_read_eof, strict_ssl_write_shutdown)",
            ),
        }
    }
}

/// What the watcher of the control connection wants to hear of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heed {
    /// Input and the end.
    Input,
    /// Only the end: there is unread input that must wait.
    End,
    /// Nothing any more; the watcher is asked now and then all the same, for
    /// what others decide.
    Nothing,
}

/// The control connection as a transfer sees it.
pub trait Watch {
    /// The descriptor to poll, and for what.
    fn control(&self) -> (BorrowedFd<'_>, Heed);

    /// Called when something happened there, and now and then with
    /// [`Heed::Nothing`]; `moved` is the bytes so far.
    ///
    /// # Errors
    /// When the transfer is to end.
    fn attend(&mut self, moved: u64) -> Result<(), Interruption>;

    /// Called when bytes have moved, `bytes` in all. Must be quick.
    fn moved(&self, _bytes: u64) {}

    /// Called when a passive data connection came from a wrong address.
    fn stranger(&mut self, peer: SocketAddr);

    /// Called when a restart marker `theirs` came: all that the client sent
    /// before it is in the file, and `ours` is where it ends there.
    ///
    /// # Errors
    /// When the transfer is to end.
    fn marker(&mut self, theirs: &[u8], ours: Marker) -> Result<(), Interruption>;

    /// Called when an active data connection to `peer` leaves from another
    /// port than `port`, which an earlier connection to `peer` still has.
    fn port_taken(&mut self, port: u16, peer: SocketAddr);
}
