//! A raw FTP client that costs little: one session, blocking, no parsing
//! beyond the reply code (RFC 959 section 4.2) and the port of a passive reply.
//!
//! It binds every connection to an address of its own in 127.0.0.0/8, so that
//! what one case leaves in TIME_WAIT never meets the next one. What is timed
//! and metered is left to `cases`.

use std::fmt;
use std::fs::File;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddrV4, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use socket2::{Domain, Socket, Type};

use crate::sys;
use crate::tls::{self, Wire};
use rustls::ClientConfig;
use std::sync::Arc;

/// No single step of a sound server takes this long.
const PATIENCE: Duration = Duration::from_secs(30);

/// Where the client listens in active mode: below the usual
/// ip_local_port_range, so no outgoing connection is in the way.
const ACTIVE_PORTS: std::ops::Range<u16> = 10_000..20_000;

static NEXT_ACTIVE: AtomicU16 = AtomicU16::new(ACTIVE_PORTS.start);

/// Why a case could not be carried out.
#[derive(Debug)]
pub enum Failure {
    /// A system call of ours, by what it was for.
    Io(&'static str, io::Error),
    /// A reply other than the one the case needs: the command, the reply.
    Reply(String, String),
    /// The wrong amount arrived: what, wanted, got.
    Amount(&'static str, u64, u64),
    /// Anything else, said in words.
    Other(String),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Io(what, error) => write!(f, "{what}: {error}"),
            Failure::Reply(command, reply) => write!(f, "{command}: {reply}"),
            Failure::Amount(what, want, got) => write!(f, "{what}: {got} in place of {want}"),
            Failure::Other(text) => f.write_str(text),
        }
    }
}

/// The result of a step of a case.
pub type Outcome<T> = Result<T, Failure>;

/// Names the step an I/O error happened in.
pub fn at<T>(what: &'static str, result: io::Result<T>) -> Outcome<T> {
    result.map_err(|error| Failure::Io(what, error))
}

/// How a data connection comes about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mode {
    /// The client connects to the port of a PASV reply.
    Pasv,
    /// The client connects to the port of an EPSV reply (RFC 2428).
    Epsv,
    /// The server connects to the port of a PORT command.
    Port,
}

/// Where a session comes from and goes to.
#[derive(Clone, Copy, Debug)]
pub struct Route {
    /// The client's address, of the control and the data connections.
    pub from: Ipv4Addr,
    /// The server's control port.
    pub to: SocketAddrV4,
    /// Under TLS.
    pub tls: bool,
}

/// A stream from `from` to `to`, with the timeouts and TCP_NODELAY set.
pub fn connect(from: Ipv4Addr, to: SocketAddrV4) -> io::Result<TcpStream> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    sys::bind_address_no_port(&socket)?;
    socket.bind(&SocketAddrV4::new(from, 0).into())?;
    socket.connect(&to.into())?;
    ready(socket.into())
}

fn ready(stream: TcpStream) -> io::Result<TcpStream> {
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    Ok(stream)
}

/// Takes all there is off the stream without looking at it; the byte count.
pub fn drain(stream: &TcpStream) -> io::Result<u64> {
    let mut total = 0;
    loop {
        match sys::discard(stream, 8 << 20)? {
            0 => return Ok(total),
            got => total += got as u64,
        }
    }
}

/// A control connection.
pub struct Session {
    control: Wire,
    /// Of the data connections, if they are under TLS.
    tls: Option<Arc<ClientConfig>>,
    route: Route,
    /// Received and not yet taken; empty between two commands.
    input: Vec<u8>,
    /// The last line of the last reply, without its end.
    last: Vec<u8>,
    line: Vec<u8>,
}

enum Data {
    Connected(TcpStream),
    Listening(TcpListener),
}

impl Session {
    /// Connects and reads the greeting.
    pub fn open(route: Route) -> Outcome<Session> {
        let control = at("connect", connect(route.from, route.to))?;
        let empty = Vec::new();
        let mut session = Session {
            control: Wire::Clear(control),
            tls: None,
            route,
            input: empty.clone(),
            last: empty.clone(),
            line: empty,
        };
        let code = session.reply()?;
        session.want("(greeting)", code, 220)?;
        Ok(session)
    }

    /// Connects and logs in as anonymous.
    pub fn login(route: Route) -> Outcome<Session> {
        Session::login_as(route, "anonymous", "x")
    }

    /// Connects and logs in.
    pub fn login_as(route: Route, name: &str, password: &str) -> Outcome<Session> {
        if route.tls {
            let mut session = Session::login_by(route, &tls::config(true), name, password)?;
            session.expect("PBSZ 0", 200)?;
            session.expect("PROT P", 200)?;
            return Ok(session);
        }
        let session = Session::open(route)?;
        session.named(name, password)
    }

    /// Connects and logs in under TLS, with data connections in clear.
    pub fn login_by(
        route: Route,
        config: &Arc<ClientConfig>,
        name: &str,
        password: &str,
    ) -> Outcome<Session> {
        let mut session = Session::open(route)?;
        session.expect("AUTH TLS", 234)?;
        session.control = at("handshake", session.control.protect(config))?;
        session.tls = Some(Arc::clone(config));
        session.named(name, password)
    }

    fn named(mut self, name: &str, password: &str) -> Outcome<Session> {
        let session = &mut self;
        if session.exchange(&format!("USER {name}"))? != 230 {
            session.expect(&format!("PASS {password}"), 230)?;
        }
        Ok(self)
    }

    /// As [`Session::login`], with TYPE I.
    pub fn binary(route: Route) -> Outcome<Session> {
        let mut session = Session::login(route)?;
        session.expect("TYPE I", 200)?;
        Ok(session)
    }

    /// QUIT, and everything until the server closes.
    pub fn quit(mut self) -> Outcome<()> {
        self.expect("QUIT", 221)?;
        at("end of session", self.control.drain()).map(drop)
    }

    fn send(&mut self, command: &str) -> Outcome<()> {
        self.line.clear();
        self.line.extend_from_slice(command.as_bytes());
        self.line.extend_from_slice(b"\r\n");
        at("send command", self.control.write_all(&self.line))
    }

    /// One command and its reply's code.
    pub fn exchange(&mut self, command: &str) -> Outcome<u16> {
        self.send(command)?;
        self.reply()
    }

    /// One command that must be answered with `code`.
    pub fn expect(&mut self, command: &str, code: u16) -> Outcome<()> {
        let got = self.exchange(command)?;
        self.want(command, got, code)
    }

    fn want(&self, command: &str, got: u16, code: u16) -> Outcome<()> {
        if got == code {
            Ok(())
        } else {
            Err(self.refused(command))
        }
    }

    fn refused(&self, command: &str) -> Failure {
        Failure::Reply(command.into(), String::from_utf8_lossy(&self.last).into())
    }

    /// Reads one reply, multi-line ones included, to its last line.
    fn reply(&mut self) -> Outcome<u16> {
        let mut opened = None;
        loop {
            self.take_line()?;
            let code = match self.last.get(..3) {
                Some(digits) if digits.iter().all(u8::is_ascii_digit) => digits
                    .iter()
                    .fold(0, |sum, digit| sum * 10 + u16::from(digit - b'0')),
                _ if opened.is_some() => continue,
                _ => return Err(self.refused("(reply)")),
            };
            match (opened, self.last.get(3)) {
                (None, Some(b'-')) => opened = Some(code),
                (Some(first), Some(b' ') | None) if first == code => return Ok(code),
                (None, _) => return Ok(code),
                _ => {}
            }
        }
    }

    fn take_line(&mut self) -> Outcome<()> {
        loop {
            if let Some(end) = self.input.iter().position(|byte| *byte == b'\n') {
                self.last.clear();
                self.last.extend_from_slice(&self.input[..end]);
                while self.last.last() == Some(&b'\r') {
                    self.last.pop();
                }
                self.input.drain(..=end);
                return Ok(());
            }
            let mut chunk = [0; 512];
            let got = at("read reply", self.control.read(&mut chunk))?;
            if got == 0 {
                return Err(Failure::Other(
                    "server closed the control connection".into(),
                ));
            }
            self.input.extend_from_slice(&chunk[..got]);
        }
    }

    fn offer(&mut self, mode: Mode) -> Outcome<Data> {
        if mode == Mode::Port {
            let (listener, port) = at("listen for active mode", self.listen())?;
            let [a, b, c, d] = self.route.from.octets();
            let [high, low] = port.to_be_bytes();
            self.expect(&format!("PORT {a},{b},{c},{d},{high},{low}"), 200)?;
            return Ok(Data::Listening(listener));
        }
        let (command, code) = if mode == Mode::Pasv {
            ("PASV", 227)
        } else {
            ("EPSV", 229)
        };
        self.expect(command, code)?;
        let port = self.passive_port().ok_or_else(|| self.refused(command))?;
        let to = SocketAddrV4::new(*self.route.to.ip(), port);
        Ok(Data::Connected(at(
            "data connect",
            connect(self.route.from, to),
        )?))
    }

    fn passive_port(&self) -> Option<u16> {
        let text = std::str::from_utf8(&self.last).ok()?;
        let inner = text.split_once('(')?.1.split_once(')')?.0;
        if let Some(extended) = inner.strip_prefix("|||") {
            return extended.trim_end_matches('|').parse().ok();
        }
        let mut numbers = inner
            .split(',')
            .skip(4)
            .map(|number| number.trim().parse::<u8>());
        Some(u16::from_be_bytes([
            numbers.next()?.ok()?,
            numbers.next()?.ok()?,
        ]))
    }

    /// A fresh port each time: the server's side of the last one may be in
    /// TIME_WAIT, and what a server does then is not what is measured.
    fn listen(&self) -> io::Result<(TcpListener, u16)> {
        loop {
            let port = NEXT_ACTIVE.fetch_add(1, Ordering::Relaxed);
            if !ACTIVE_PORTS.contains(&port) {
                NEXT_ACTIVE.store(ACTIVE_PORTS.start, Ordering::Relaxed);
                continue;
            }
            let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
            socket.set_reuse_address(true)?;
            match socket.bind(&SocketAddrV4::new(self.route.from, port).into()) {
                Err(error) if error.kind() == io::ErrorKind::AddrInUse => continue,
                bound => bound?,
            }
            socket.listen(4)?;
            socket.set_read_timeout(Some(PATIENCE))?;
            return Ok((socket.into(), port));
        }
    }

    /// Opens a data connection and starts `command` over it: the data stream,
    /// once the preliminary reply is in.
    pub fn begin(&mut self, mode: Mode, command: &str) -> Outcome<Wire> {
        let data = self.offer(mode)?;
        if !matches!(self.exchange(command)?, 125 | 150) {
            return Err(self.refused(command));
        }
        let stream = match data {
            Data::Connected(stream) => stream,
            Data::Listening(listener) => {
                let (stream, _) = at("accept data connection", listener.accept())?;
                at("data socket", ready(stream))?
            }
        };
        let wire = Wire::Clear(stream);
        match &self.tls {
            None => Ok(wire),
            Some(config) => at("data handshake", wire.protect(config)),
        }
    }

    /// The completion reply of a transfer.
    pub fn finish(&mut self, command: &str) -> Outcome<()> {
        match self.reply()? {
            226 | 250 => Ok(()),
            _ => Err(self.refused(command)),
        }
    }

    /// RETR, with the bytes discarded; how many there were.
    pub fn retrieve(&mut self, mode: Mode, path: &str) -> Outcome<u64> {
        let command = format!("RETR {path}");
        let mut data = self.begin(mode, &command)?;
        let total = at("receive", data.drain())?;
        drop(data);
        self.finish(&command)?;
        Ok(total)
    }

    /// STOR of `len` bytes of `source` from its offset on, by sendfile.
    pub fn store_file(&mut self, mode: Mode, path: &str, source: &File, len: u64) -> Outcome<()> {
        let command = format!("STOR {path}");
        let mut data = self.begin(mode, &command)?;
        match &mut data {
            Wire::Clear(stream) => at("sendfile", send_all(stream, source, len))?,
            wire @ Wire::Tls(_) => at("send", wire.copy(source, len))?,
        }
        at("end of data", data.end())?;
        drop(data);
        self.finish(&command)
    }

    /// STOR of a few bytes.
    pub fn store(&mut self, mode: Mode, path: &str, bytes: &[u8]) -> Outcome<()> {
        let command = format!("STOR {path}");
        let mut data = self.begin(mode, &command)?;
        at("send", data.write_all(bytes))?;
        at("end of data", data.end())?;
        drop(data);
        self.finish(&command)
    }
}

/// Sends `len` bytes of `source` by sendfile.
pub fn send_all(to: &TcpStream, source: &File, len: u64) -> io::Result<()> {
    let mut left = len as usize;
    while left > 0 {
        match sys::sendfile(to, source, left.min(1 << 20))? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            sent => left -= sent,
        }
    }
    Ok(())
}
