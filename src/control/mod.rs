//! The control connection (RFC 959 section 3.3, RFC 1123 section 4.1.2.12):
//! lines in, replies out.
//!
//! Replies are gathered and leave in one send before the next wait for
//! input, so that pipelined commands cost one packet. What a line means is
//! the session's business; framing and telnet are `protocol::line`.
#![forbid(unsafe_code)]

use crate::protocol::{Line, LineReader, Reply};
use crate::sys;
use crate::sys::transfer;
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
                Ok(length) => self.incoming.feed(chunk.get(..length).unwrap_or_default()),
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
            Ok(length) => self.incoming.feed(chunk.get(..length).unwrap_or_default()),
            Err(error) if error.would_block() => {}
            Err(_) => self.ended = true,
        }
        !self.ended
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
        let mut sent = 0;
        // One deadline for all of it: a client that takes a byte now and
        // then would keep the worker for hours.
        let start = Instant::now();
        let result = loop {
            match self.outgoing.get(sent..) {
                None | Some([]) => break Ok(()),
                Some(rest) => match transfer::send(self.socket.as_fd(), rest, true) {
                    Ok(length) if start.elapsed() < REPLY_PATIENCE => sent += length,
                    Ok(_) => {
                        self.ended = true;
                        break Err(sys::Error::new("send", libc::ETIMEDOUT));
                    }
                    Err(error) => {
                        self.ended = true;
                        break Err(error);
                    }
                },
            }
        };
        self.outgoing.clear();
        result
    }

    /// Says what has not been sent yet, and a last word, if the client can take
    /// it without anybody waiting.
    pub fn farewell(&mut self, reply: &Reply) {
        let mut text = std::mem::take(&mut self.outgoing);
        reply.encode(&mut text);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::Code;
    use std::io::{Read, Write};
    use std::net::{TcpListener, TcpStream};

    fn pair() -> (Connection, TcpStream) {
        pair_with(None)
    }

    fn pair_with(keepalive: Option<Duration>) -> (Connection, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        prepare(listener.as_fd(), keepalive).unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (socket, peer) = listener.accept().unwrap();
        (Connection::new(socket.into(), peer).unwrap(), client)
    }

    #[test]
    fn replies_to_pipelined_lines_leave_together_and_in_order() {
        let (mut server, mut client) = pair();
        client.write_all(b"NOOP\r\nPWD\r\n").unwrap();
        assert_eq!(
            server.next_input(),
            Input::Line(Line::Text(b"NOOP".to_vec()))
        );
        server.reply(&Reply::new(Code::CommandOk, "one"));
        assert_eq!(
            server.next_input(),
            Input::Line(Line::Text(b"PWD".to_vec()))
        );
        server.reply(&Reply::new(Code::CommandOk, "two"));
        assert_eq!(server.next_input(), Input::Silence);
        let mut text = [0; 18];
        client.read_exact(&mut text).unwrap();
        assert_eq!(&text, b"200 one\r\n200 two\r\n");
    }

    #[test]
    fn lines_before_the_end_are_served_before_it_shows() {
        let (mut server, mut client) = pair();
        client.write_all(b"QUIT\r\n").unwrap();
        drop(client);
        assert_eq!(
            server.next_input(),
            Input::Line(Line::Text(b"QUIT".to_vec()))
        );
        assert_eq!(server.next_input(), Input::Closed);
    }

    #[test]
    fn timeouts_are_handed_down_by_the_listener() {
        let (server, _client) = pair();
        let socket = SockRef::from(&server.socket);
        assert_eq!(socket.read_timeout().unwrap(), Some(LINGER));
        assert!(socket.out_of_band_inline().unwrap());
        assert!(socket.tcp_nodelay().unwrap());
        assert!(!socket.keepalive().unwrap());
    }

    #[test]
    fn the_interval_of_probes_is_handed_down_by_the_listener() {
        for seconds in [1, 100, 32767] {
            let interval = Duration::from_secs(seconds);
            let (server, _client) = pair_with(Some(interval));
            let socket = SockRef::from(&server.socket);
            assert!(socket.keepalive().unwrap());
            assert_eq!(socket.tcp_keepalive_time().unwrap(), interval);
            assert_eq!(socket.tcp_keepalive_interval().unwrap(), interval);
        }
    }
}
