//! A client's control connection under TLS, and its transfers.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use rustls::ProtocolVersion;

use super::support::PATIENCE;
use super::support::control::Reply;
use super::support::data::pasv_address;

pub use super::support::sealed::{Client, Stream, VERSIONS, shake};

/// A control connection under TLS.
pub struct Secure {
    pub client: Client,
    pub stream: Stream,
    server: SocketAddr,
    buffered: Vec<u8>,
}

/// One reply, read octet by octet so that nothing behind it is taken.
pub fn plain_reply(socket: &mut TcpStream) -> String {
    let mut text = Vec::new();
    let mut octet = [0];
    while !text.ends_with(b"\r\n") {
        assert_eq!(socket.read(&mut octet).unwrap(), 1, "closed");
        text.push(octet[0]);
    }
    String::from_utf8(text).unwrap()
}

impl Secure {
    /// AUTH TLS, without a login.
    #[track_caller]
    pub fn connect(server: SocketAddr, client: &Client) -> Secure {
        Secure::by(server, client, "AUTH TLS")
    }

    /// The same by another mechanism.
    #[track_caller]
    pub fn by(server: SocketAddr, client: &Client, auth: &str) -> Secure {
        let mut socket = TcpStream::connect(server).unwrap();
        socket.set_nodelay(true).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        assert!(plain_reply(&mut socket).starts_with("220"));
        socket.write_all(format!("{auth}\r\n").as_bytes()).unwrap();
        let reply = plain_reply(&mut socket);
        assert!(reply.starts_with("234"), "{reply}");
        Secure::over(server, client, socket)
    }

    /// Without AUTH and greeting.
    #[track_caller]
    pub fn implicit(server: SocketAddr, client: &Client) -> Secure {
        let socket = TcpStream::connect(server).unwrap();
        socket.set_nodelay(true).unwrap();
        Secure::over(server, client, socket)
    }

    #[track_caller]
    fn over(server: SocketAddr, client: &Client, socket: TcpStream) -> Secure {
        let mut stream = client.over(socket);
        shake(&mut stream).unwrap();
        Secure {
            client: client.clone(),
            stream,
            server,
            buffered: Vec::new(),
        }
    }

    /// Logged in as anonymous, with data connections under TLS.
    #[track_caller]
    pub fn anonymous(server: SocketAddr, client: &Client) -> Secure {
        let mut secure = Secure::connect(server, client);
        secure.login("anonymous", "x");
        secure.command("PBSZ 0", 200);
        secure.command("PROT P", 200);
        secure
    }

    #[track_caller]
    pub fn login(&mut self, name: &str, password: &str) {
        self.command(format!("USER {name}"), 331);
        self.command(format!("PASS {password}"), 230);
    }

    pub fn version(&self) -> ProtocolVersion {
        self.stream.conn.protocol_version().unwrap()
    }

    pub fn line(&mut self, line: impl AsRef<str>) {
        let line = format!("{}\r\n", line.as_ref());
        self.stream.write_all(line.as_bytes()).unwrap();
        self.stream.flush().unwrap();
    }

    #[track_caller]
    pub fn command(&mut self, line: impl AsRef<str>, code: u16) -> Reply {
        let line = line.as_ref();
        self.line(line);
        let reply = self.reply();
        assert_eq!(reply.code, code, "{line}: {}", reply.text());
        reply
    }

    #[track_caller]
    pub fn expect(&mut self, code: u16) -> Reply {
        let reply = self.reply();
        assert_eq!(reply.code, code, "{}", reply.text());
        reply
    }

    #[track_caller]
    pub fn reply(&mut self) -> Reply {
        let mut lines: Vec<Vec<u8>> = Vec::new();
        loop {
            let line = self.read_line();
            let text = String::from_utf8_lossy(&line).into_owned();
            lines.push(line);
            let is_last = text.len() >= 4
                && text.as_bytes()[3] == b' '
                && text.as_bytes()[..3].iter().all(u8::is_ascii_digit);
            if is_last {
                let code = text[..3].parse().unwrap();
                return Reply { code, lines };
            }
        }
    }

    #[track_caller]
    fn read_line(&mut self) -> Vec<u8> {
        loop {
            if let Some(end) = self.buffered.windows(2).position(|two| two == b"\r\n") {
                let mut line: Vec<u8> = self.buffered.drain(..end + 2).collect();
                line.truncate(end);
                return line;
            }
            let mut chunk = [0; 4096];
            let count = self.stream.read(&mut chunk).unwrap();
            assert!(count > 0, "closed");
            self.buffered.extend_from_slice(&chunk[..count]);
        }
    }

    /// The client has heard the end, in good form.
    #[track_caller]
    pub fn expect_closed(&mut self) {
        let mut chunk = [0; 64];
        assert_eq!(self.stream.read(&mut chunk).unwrap(), 0, "no close_notify");
    }

    /// A passive data connection, before its handshake.
    #[track_caller]
    pub fn passive(&mut self) -> TcpStream {
        let reply = self.command("PASV", 227);
        let mut address = pasv_address(&reply);
        address.set_ip(self.server.ip());
        TcpStream::connect(address).unwrap()
    }

    /// A transfer command up to the end of the handshake of its data
    /// connection; and whether that resumed a session.
    #[track_caller]
    pub fn open(&mut self, line: &str) -> (Stream, bool) {
        let client = self.client.clone();
        self.open_by(line, &client)
    }

    /// The same with another client's sessions.
    #[track_caller]
    pub fn open_by(&mut self, line: &str, client: &Client) -> (Stream, bool) {
        let socket = self.passive();
        self.command(line, 150);
        let mut data = client.over(socket);
        let resumed = shake(&mut data).unwrap();
        (data, resumed)
    }

    /// Fetches a file; and whether the data connection resumed a session.
    #[track_caller]
    pub fn fetch(&mut self, name: &str) -> (Vec<u8>, bool) {
        let (mut data, resumed) = self.open(&format!("RETR {name}"));
        let mut bytes = Vec::new();
        data.read_to_end(&mut bytes).unwrap();
        self.expect(226);
        (bytes, resumed)
    }

    /// Stores a file and ends it in good form.
    #[track_caller]
    pub fn store(&mut self, name: &str, bytes: &[u8]) {
        let (mut data, _) = self.open(&format!("STOR {name}"));
        data.write_all(bytes).unwrap();
        data.conn.send_close_notify();
        data.flush().unwrap();
        drop(data);
        self.expect(226);
    }
}
