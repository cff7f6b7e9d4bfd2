//! The control connection (RFC 959 section 3.3, RFC 1123 section 4.1.2.12):
//! lines in, replies out.
//!
//! Replies are gathered and leave in one send before the next wait for
//! input, so that pipelined commands cost one packet. What a line means is
//! the session's business; framing and telnet are `protocol::line`.
#![forbid(unsafe_code)]

mod secure;
#[cfg(test)]
mod tests;

use crate::protocol::protection::{Breach, Negotiation, Protection, Turn};
use crate::protocol::{Line, LineReader, Reply};
use crate::sys;
use crate::sys::transfer;
use secure::{Secure, State};
use socket2::{SockRef, TcpKeepalive};
use std::net::{Shutdown, SocketAddr};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

/// How long a worker waits for the next command before it parks the
/// session: an active session never leaves its worker.
const LINGER: Duration = Duration::from_millis(40);

/// How long a client may refuse to take a reply. No worker waits longer.
const REPLY_PATIENCE: Duration = Duration::from_secs(30);

/// Replies waiting for a send beyond this many bytes are sent at once.
const GATHERED: usize = 16 * 1024;

/// Reads after which a line should have come.
const READS_PER_LINE: usize = 16;

/// What a wait for input brought.
#[derive(Debug, PartialEq, Eq)]
pub enum Input {
    /// A line.
    Line(Line),
    /// Nothing for a while.
    Silence,
    /// The client has closed the connection, or it broke.
    Closed,
}

/// A control connection. Idle, it holds no heap memory.
#[derive(Debug)]
pub struct Connection {
    socket: Arc<OwnedFd>,
    peer: SocketAddr,
    local: SocketAddr,
    incoming: LineReader,
    outgoing: Vec<u8>,
    /// No more input will come; what is buffered is still served.
    ended: bool,
    /// Protection, once it is in force.
    secure: Option<Box<Secure>>,
    /// What the protection broke on.
    breach: Option<Breach>,
}

/// How far an agreement on protection has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// It is agreed on.
    Done,
    /// Nothing for a while.
    Silence,
    /// It came to nothing; the client was told.
    Failed,
    /// The client has closed the connection, or it broke.
    Closed,
}

/// Sets what a control connection needs. Linux hands these options down from
/// a listening socket to each connection, so a listener is prepared once and
/// no call is made per session.
///
/// After each `keepalive` of silence the kernel probes the connection; with
/// `None` never.
///
/// # Errors
/// setsockopt's own.
pub fn prepare(socket: BorrowedFd<'_>, keepalive: Option<Duration>) -> Result<(), sys::Error> {
    let socket = SockRef::from(&socket);
    let prepared = socket
        // A second small reply must not wait for the ACK of the first.
        .set_tcp_nodelay(true)
        // ABOR comes as urgent data; out of line its last byte would be lost.
        .and_then(|()| socket.set_out_of_band_inline(true))
        .and_then(|()| socket.set_read_timeout(Some(LINGER)))
        .and_then(|()| socket.set_write_timeout(Some(REPLY_PATIENCE)))
        .and_then(|()| match keepalive {
            Some(interval) => {
                let probes = TcpKeepalive::new()
                    .with_time(interval)
                    .with_interval(interval);
                socket.set_tcp_keepalive(&probes)
            }
            None => socket.set_keepalive(false),
        });
    prepared.map_err(|error| sys::Error::from_io("setsockopt", &error))
}

/// Lets no more input come, as if the client had closed its side. What the
/// session says last still goes out.
pub fn cut(socket: BorrowedFd<'_>) {
    // A connection that is gone already is as well.
    let _ = SockRef::from(&socket).shutdown(Shutdown::Read);
}

impl Connection {
    /// Takes over a connected socket, on which [`prepare`] has its effect,
    /// from a client at `peer`.
    ///
    /// # Errors
    /// getsockname's own, when the connection is already gone.
    pub fn new(socket: OwnedFd, peer: SocketAddr) -> Result<Connection, sys::Error> {
        let local = SockRef::from(&socket)
            .local_addr()
            .map_err(|error| sys::Error::from_io("getsockname", &error))?
            .as_socket()
            .ok_or_else(|| sys::Error::new("getsockname", libc::EAFNOSUPPORT))?;
        Ok(Connection {
            socket: Arc::new(socket),
            peer: canonical(peer),
            local: canonical(local),
            incoming: LineReader::new(),
            outgoing: Vec::new(),
            ended: false,
            secure: None,
            breach: None,
        })
    }

    /// The client's address; an IPv4-mapped one as IPv4.
    #[must_use]
    pub fn peer(&self) -> SocketAddr {
        self.peer
    }

    /// The server's own address on this connection; an IPv4-mapped one as IPv4.
    #[must_use]
    pub fn local(&self) -> SocketAddr {
        self.local
    }

    /// The socket, for those who may have to end the session from outside
    /// ([`cut`]), as long as it is open.
    #[must_use]
    pub fn handle(&self) -> Weak<OwnedFd> {
        Arc::downgrade(&self.socket)
    }

    /// The next line. Waits a moment for it, replies being sent first.
    pub fn next_input(&mut self) -> Input {
        // A client that dribbles bytes without ever ending a line is silent:
        // it shall not keep a worker.
        for _ in 0..READS_PER_LINE {
            if let Some(line) = self.incoming.next_line() {
                return Input::Line(line);
            }
            if self.flush().is_err() || self.ended {
                return Input::Closed;
            }
            let mut chunk = [0; 4096];
            match transfer::receive_waiting(self.socket.as_fd(), &mut chunk) {
                Ok(0) => self.ended = true,
                Ok(length) => self.digest(chunk.get(..length).unwrap_or_default()),
                Err(error) if error.would_block() => return Input::Silence,
                Err(_) => return Input::Closed,
            }
        }
        // The last read may have ended a line.
        self.incoming
            .next_line()
            .map_or(Input::Silence, Input::Line)
    }

    /// Takes in what has arrived, without waiting. False once the client has
    /// closed its side or the connection is broken.
    pub fn take_in(&mut self) -> bool {
        let mut chunk = [0; 4096];
        match transfer::receive_now(self.socket.as_fd(), &mut chunk) {
            Ok(0) => self.ended = true,
            Ok(length) => self.digest(chunk.get(..length).unwrap_or_default()),
            Err(error) if error.would_block() => {}
            Err(_) => self.ended = true,
        }
        !self.ended
    }

    /// Makes lines of what came, opening it first if it is protected.
    fn digest(&mut self, came: &[u8]) {
        let Some(secure) = &mut self.secure else {
            return self.incoming.feed(came);
        };
        match secure.take(came, &mut self.incoming) {
            Ok(State::Going) => {}
            Ok(State::Ended) => self.ended = true,
            Ok(State::Left) => {
                let rest = self.secure.take().map(|secure| secure.into_rest());
                self.incoming.feed(&rest.unwrap_or_default());
            }
            Err(breach) => {
                let alert = secure.owed();
                let _ = transfer::send(self.socket.as_fd(), &alert, false);
                self.ended = true;
                self.breach = Some(breach);
            }
        }
    }

    /// What the protection broke on, if it did: the reason for the end.
    #[must_use]
    pub fn breach(&self) -> Option<Breach> {
        self.breach
    }

    /// Whether commands come protected and replies go so.
    #[must_use]
    pub fn is_secure(&self) -> bool {
        self.secure
            .as_ref()
            .is_some_and(|secure| !secure.is_leaving())
    }

    /// Exchanges what it takes to agree on protection, waiting a moment for
    /// the client. Replies are sent first.
    pub fn negotiate(&mut self, negotiation: &mut dyn Negotiation) -> Progress {
        if self.flush().is_err() {
            return Progress::Closed;
        }
        let mut reads = 0;
        loop {
            let turn = negotiation.turn();
            if turn != Turn::Receive && self.send_all(negotiation.outgoing()).is_err() {
                return Progress::Closed;
            }
            let mut chunk = [0; 4096];
            match turn {
                Turn::Send => negotiation.sent(negotiation.outgoing().len()),
                Turn::Done => return Progress::Done,
                Turn::Failed => return Progress::Failed,
                Turn::Receive if reads == READS_PER_LINE => return Progress::Silence,
                Turn::Receive => {
                    match transfer::receive_waiting(self.socket.as_fd(), &mut chunk) {
                        Ok(0) => return Progress::Closed,
                        Ok(length) => negotiation.feed(chunk.get(..length).unwrap_or_default()),
                        Err(error) if error.would_block() => return Progress::Silence,
                        Err(_) => return Progress::Closed,
                    }
                    reads += 1;
                }
            }
        }
    }

    /// Protects the connection from now on; `rest` came behind the agreement.
    pub fn protect(&mut self, protection: Box<dyn Protection>, rest: Vec<u8>) {
        self.secure = Some(Box::new(Secure::new(protection)));
        self.digest(&rest);
    }

    /// Ends the protection and goes on in the clear, once all replies until
    /// now have gone (RFC 4217 section 8, CCC).
    pub fn unprotect(&mut self) {
        let _ = self.flush();
        if let Some(secure) = &mut self.secure {
            let last = secure.leave();
            let _ = self.send_all(&last);
        }
    }

    /// Tells the client in good form that nothing more will come.
    pub fn close(&mut self) {
        let _ = self.flush();
        if let Some(secure) = &mut self.secure {
            let last = secure.close();
            let _ = transfer::send(self.socket.as_fd(), &last, false);
        }
    }

    /// Lets the client resume its protection once more, with the next reply.
    pub fn give_ticket(&mut self) {
        if let Some(secure) = &mut self.secure {
            secure.give_ticket();
        }
    }

    /// The next complete line, left in its place; a malformed one is empty.
    #[must_use]
    pub fn peek(&self) -> Option<&[u8]> {
        self.incoming.peek_line()
    }

    /// All complete lines that wait, left in their place.
    pub fn waiting(&self) -> impl Iterator<Item = &[u8]> {
        self.incoming.lines()
    }

    /// Bytes of input that wait.
    #[must_use]
    pub fn buffered(&self) -> usize {
        self.incoming.buffered()
    }

    /// Drops the line that [`Connection::peek`] showed.
    pub fn skip(&mut self) {
        let _ = self.incoming.next_line();
    }

    /// Appends a reply to what is sent next.
    pub fn reply(&mut self, reply: &Reply) {
        reply.encode(&mut self.outgoing);
        if self.outgoing.len() > GATHERED {
            // A broken connection shows at the next read.
            let _ = self.flush();
        }
    }

    /// Sends all replies now.
    ///
    /// # Errors
    /// When the connection is broken or the client takes nothing for too long.
    pub fn flush(&mut self) -> Result<(), sys::Error> {
        if self.outgoing.is_empty() {
            return Ok(());
        }
        let mut wire = std::mem::take(&mut self.outgoing);
        if let Some(secure) = &mut self.secure
            && !secure.is_leaving()
        {
            wire = secure.seal(&wire);
        }
        let result = self.send_all(&wire);
        if self.secure.is_none() {
            // Its room is for the next reply.
            wire.clear();
            self.outgoing = wire;
        }
        result
    }

    fn send_all(&mut self, wire: &[u8]) -> Result<(), sys::Error> {
        let mut sent = 0;
        // One deadline for all of it: a client that takes a byte now and
        // then would keep the worker for hours.
        let start = Instant::now();
        loop {
            match wire.get(sent..) {
                None | Some([]) => return Ok(()),
                Some(rest) => match transfer::send(self.socket.as_fd(), rest, true) {
                    Ok(length) if start.elapsed() < REPLY_PATIENCE => sent += length,
                    Ok(_) => {
                        self.ended = true;
                        return Err(sys::Error::new("send", libc::ETIMEDOUT));
                    }
                    Err(error) => {
                        self.ended = true;
                        return Err(error);
                    }
                },
            }
        }
    }

    /// Says what has not been sent yet, and a last word, if the client can take
    /// it without anybody waiting.
    pub fn farewell(&mut self, reply: &Reply) {
        let mut text = std::mem::take(&mut self.outgoing);
        reply.encode(&mut text);
        if let Some(secure) = &mut self.secure
            && !secure.is_leaving()
        {
            text = secure.seal(&text);
            text.extend_from_slice(&secure.close());
        }
        let _ = transfer::send(self.socket.as_fd(), &text, false);
    }

    /// Reads away what has arrived, so that closing the connection does not
    /// reset it and take the last reply back.
    pub fn drain(&mut self) {
        let mut chunk = [0; 4096];
        for _ in 0..READS_PER_LINE {
            match transfer::receive_now(self.socket.as_fd(), &mut chunk) {
                Ok(length) if length > 0 => {}
                _ => return,
            }
        }
    }

    /// Gives back all memory that holds nothing; for the waiting room.
    pub fn shrink(&mut self) {
        self.incoming.shrink();
        self.outgoing = Vec::new();
        if let Some(secure) = &mut self.secure {
            secure.shrink();
        }
    }
}

impl AsFd for Connection {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

fn canonical(address: SocketAddr) -> SocketAddr {
    match address.ip().to_canonical() {
        ip if ip.is_ipv4() => SocketAddr::new(ip, address.port()),
        _ => address,
    }
}
