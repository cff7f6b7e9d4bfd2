//! The data connection as the user's side sees it: passive and active set-up,
//! and whole transfers in one call (RFC 959 section 3.2, RFC 2428).

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::time::Instant;

use super::PATIENCE;
use super::control::{Control, Reply};

impl Control {
    /// PASV: the address the server told.
    #[track_caller]
    pub fn pasv(&mut self) -> SocketAddr {
        let reply = self.command("PASV", 227);
        pasv_address(&reply)
    }

    /// EPSV: the server's own address with the port it told.
    #[track_caller]
    pub fn epsv(&mut self) -> SocketAddr {
        let reply = self.command("EPSV", 229);
        let text = reply.words();
        let inside = text
            .split_once('(')
            .and_then(|(_, rest)| rest.split_once(')'))
            .unwrap()
            .0;
        let port = inside
            .strip_prefix("|||")
            .and_then(|rest| rest.strip_suffix('|'));
        let port = port
            .unwrap_or_else(|| panic!("no port: {text}"))
            .parse()
            .unwrap();
        // With the interface, where it is a link-local one.
        let mut address = self.server();
        address.set_port(port);
        address
    }

    /// EPSV and connect.
    #[track_caller]
    pub fn passive(&mut self) -> TcpStream {
        let address = self.epsv();
        connect(address)
    }

    /// A listener at this end of the control connection, announced with PORT
    /// or, over IPv6, with EPRT.
    #[track_caller]
    pub fn active(&mut self) -> TcpListener {
        let mut here = self.local();
        here.set_port(0);
        let listener = TcpListener::bind(here).unwrap();
        let address = listener.local_addr().unwrap();
        match address {
            SocketAddr::V4(_) => self.command(port_line(address), 200),
            SocketAddr::V6(_) => self.command(eprt_line(address), 200),
        };
        listener
    }

    /// RETR over a passive connection, to its 226.
    #[track_caller]
    pub fn retrieve(&mut self, name: &str) -> Vec<u8> {
        self.fetch(format!("RETR {name}"))
    }

    /// Any command that sends data: 150, the bytes, 226.
    #[track_caller]
    pub fn fetch(&mut self, line: impl AsRef<[u8]>) -> Vec<u8> {
        let data = self.passive();
        self.command_any(line, &[150, 125]);
        let bytes = read_all(data);
        self.expect(226);
        bytes
    }

    /// The lines of a listing, without their CR LF, which each must have.
    #[track_caller]
    pub fn listing(&mut self, line: impl AsRef<[u8]>) -> Vec<String> {
        let bytes = self.fetch(line);
        lines_of(&bytes)
    }

    /// STOR over a passive connection, to its 226.
    #[track_caller]
    pub fn store(&mut self, name: &str, bytes: &[u8]) {
        self.give(format!("STOR {name}"), bytes);
    }

    /// Any command that takes data: 150, the bytes, 226.
    #[track_caller]
    pub fn give(&mut self, line: impl AsRef<[u8]>, bytes: &[u8]) -> Reply {
        let mut data = self.passive();
        self.command_any(line, &[150, 125]);
        data.write_all(bytes).unwrap();
        drop(data);
        self.expect(226)
    }

    /// A command that must be refused although a data connection stands ready.
    /// The 150 some servers send first is not taken.
    #[track_caller]
    pub fn refused(&mut self, line: impl AsRef<[u8]>, codes: &[u16]) -> Reply {
        let _data = self.passive();
        self.command_any(line, codes)
    }
}

impl Control {
    /// A command that must get 550, with a data connection ready if it is one
    /// that needs it.
    #[track_caller]
    pub fn denied(&mut self, line: impl AsRef<str>) -> Reply {
        let line = line.as_ref();
        let verb = line.split(' ').next().unwrap();
        match verb {
            "RETR" | "STOR" | "STOU" | "APPE" | "LIST" | "NLST" | "MLSD" => {
                self.refused(line, &[550])
            }
            _ => self.command(line, 550),
        }
    }
}

/// The address in a 227.
#[track_caller]
pub fn pasv_address(reply: &Reply) -> SocketAddr {
    let text = reply.words();
    let inside = text
        .split_once('(')
        .and_then(|(_, rest)| rest.split_once(')'));
    let inside = inside.unwrap_or_else(|| panic!("no brackets: {text}")).0;
    let numbers: Vec<u8> = inside
        .split(',')
        .map(|number| number.parse().unwrap())
        .collect();
    let [a, b, c, d, high, low] = numbers[..] else {
        panic!("not six numbers: {text}")
    };
    SocketAddr::from((Ipv4Addr::new(a, b, c, d), u16::from_be_bytes([high, low])))
}

/// The PORT command for an address.
pub fn port_line(address: SocketAddr) -> String {
    let [high, low] = address.port().to_be_bytes();
    format!(
        "PORT {},{high},{low}",
        address.ip().to_string().replace('.', ",")
    )
}

/// The EPRT command for an address.
pub fn eprt_line(address: SocketAddr) -> String {
    let family = if address.is_ipv4() { 1 } else { 2 };
    format!("EPRT |{family}|{}|{}|", address.ip(), address.port())
}

/// A data connection with the time limits of all tests.
#[track_caller]
pub fn connect(address: SocketAddr) -> TcpStream {
    limited(TcpStream::connect_timeout(&address, PATIENCE).unwrap())
}

/// Accepts one connection, within the time limit.
#[track_caller]
pub fn accept(listener: &TcpListener) -> (TcpStream, SocketAddr) {
    listener.set_nonblocking(true).unwrap();
    let end = Instant::now() + PATIENCE;
    loop {
        match listener.accept() {
            Ok((stream, peer)) => {
                stream.set_nonblocking(false).unwrap();
                return (limited(stream), peer);
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                assert!(Instant::now() < end, "the server did not connect");
                std::thread::yield_now();
            }
            Err(error) => panic!("accept: {error}"),
        }
    }
}

fn limited(stream: TcpStream) -> TcpStream {
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.set_write_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// Reads to the end of a data connection.
#[track_caller]
pub fn read_all(mut stream: TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap();
    bytes
}

/// Splits a listing; every line must end with CR LF (RFC 959 section 3.1.1.1).
#[track_caller]
pub fn lines_of(bytes: &[u8]) -> Vec<String> {
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    assert!(text.is_empty() || text.ends_with("\r\n"), "{text:?}");
    let lines: Vec<String> = text.split_terminator("\r\n").map(String::from).collect();
    assert!(
        !lines.iter().any(|line| line.contains(['\r', '\n'])),
        "{lines:?}"
    );
    lines
}
