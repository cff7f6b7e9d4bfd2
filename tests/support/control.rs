//! A scripted control connection (RFC 959 sections 4.1 and 4.2): sends exactly
//! the bytes it is told to, and reads replies strictly.
//!
//! A reply with a bare LF, a CR followed by anything but LF or NUL, or a line
//! without a code fails the test whatever it was about. Data connections are
//! in `data`.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};

use rustls::ClientConnection;
use socket2::SockRef;

use super::PATIENCE;
use super::sealed::{Client, shake};

/// One reply: its code and its lines without their CR LF.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The three digits.
    pub code: u16,
    /// Every line as it came, code included.
    pub lines: Vec<Vec<u8>>,
}

impl Reply {
    /// All lines as text, for looking at and for assertions.
    pub fn text(&self) -> String {
        let lines: Vec<_> = self
            .lines
            .iter()
            .map(|line| String::from_utf8_lossy(line))
            .collect();
        lines.join("\n")
    }

    /// The last line after its code and space.
    pub fn words(&self) -> String {
        let last = self.lines.last().unwrap();
        String::from_utf8_lossy(&last[4..]).into_owned()
    }
}

/// The user's side of a control connection.
pub struct Control {
    stream: TcpStream,
    server: SocketAddr,
    buffered: Vec<u8>,
    /// What it is under since AUTH, and how its client does TLS.
    seal: Option<Box<(Client, ClientConnection)>>,
}

impl Control {
    /// Connects and takes the greeting.
    #[track_caller]
    pub fn connect(server: SocketAddr) -> Control {
        let mut control = Control::connect_ungreeted(server);
        control.expect(220);
        control
    }

    /// Connects and reads nothing yet.
    #[track_caller]
    pub fn connect_ungreeted(server: SocketAddr) -> Control {
        Control::over(
            TcpStream::connect_timeout(&server, PATIENCE).unwrap(),
            server,
        )
    }

    /// Connects from a given address of this machine.
    #[track_caller]
    pub fn connect_from(local: SocketAddr, server: SocketAddr) -> Control {
        let kind = socket2::Type::STREAM;
        let socket = socket2::Socket::new(socket2::Domain::for_address(server), kind, None);
        let socket = socket.unwrap();
        socket.bind(&local.into()).unwrap();
        socket.connect_timeout(&server.into(), PATIENCE).unwrap();
        Control::over(socket.into(), server)
    }

    /// A control connection that is there already; nothing has been read.
    pub fn over(stream: TcpStream, server: SocketAddr) -> Control {
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        Control {
            stream,
            server,
            buffered: Vec::new(),
            seal: None,
        }
    }

    /// Goes on under TLS.
    ///
    /// # Errors
    /// When the handshake fails.
    pub fn secure(&mut self, client: &Client) -> std::io::Result<()> {
        let mut stream = client.over(self.stream.try_clone().unwrap());
        shake(&mut stream)?;
        self.seal = Some(Box::new((client.clone(), stream.conn)));
        Ok(())
    }

    /// How data connections of its client do TLS.
    pub fn client(&self) -> Option<Client> {
        self.seal.as_ref().map(|seal| seal.0.clone())
    }

    /// The server's end of this connection.
    pub fn server(&self) -> SocketAddr {
        self.server
    }

    /// The address this end has.
    pub fn local(&self) -> SocketAddr {
        self.stream.local_addr().unwrap()
    }

    /// Sends bytes as they are.
    #[track_caller]
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) {
        let bytes = bytes.as_ref();
        match &mut self.seal {
            None => self.stream.write_all(bytes).unwrap(),
            Some(seal) => {
                let mut stream = rustls::Stream::new(&mut seal.1, &mut self.stream);
                stream.write_all(bytes).unwrap();
            }
        }
    }

    /// Sends a line, adding CR LF.
    #[track_caller]
    pub fn line(&mut self, line: impl AsRef<[u8]>) {
        let mut bytes = line.as_ref().to_vec();
        bytes.extend_from_slice(b"\r\n");
        self.send(bytes);
    }

    /// Sends bytes as TCP urgent data: the last byte is the urgent one.
    #[track_caller]
    pub fn send_urgent(&mut self, bytes: impl AsRef<[u8]>) {
        let bytes = bytes.as_ref();
        let sent = SockRef::from(&self.stream).send_out_of_band(bytes).unwrap();
        assert_eq!(sent, bytes.len());
    }

    /// A second handle on the connection, for a thread that only writes.
    pub fn writer(&self) -> TcpStream {
        self.stream.try_clone().unwrap()
    }

    /// Closes the connection with a reset instead of an orderly end.
    pub fn reset(self) {
        let zero = Some(std::time::Duration::ZERO);
        SockRef::from(&self.stream).set_linger(zero).unwrap();
    }

    /// Sends a command line and reads its reply, which must have this code.
    #[track_caller]
    pub fn command(&mut self, line: impl AsRef<[u8]>, code: u16) -> Reply {
        self.command_any(line, &[code])
    }

    /// Sends a command line; any of these codes will do.
    #[track_caller]
    pub fn command_any(&mut self, line: impl AsRef<[u8]>, codes: &[u16]) -> Reply {
        let line = line.as_ref();
        self.line(line);
        let reply = self.reply();
        assert!(
            codes.contains(&reply.code),
            "{:?}: expected {codes:?}, got {}",
            String::from_utf8_lossy(line),
            reply.text()
        );
        reply
    }

    /// The next reply must have this code.
    #[track_caller]
    pub fn expect(&mut self, code: u16) -> Reply {
        self.expect_any(&[code])
    }

    /// The next reply must have one of these codes.
    #[track_caller]
    pub fn expect_any(&mut self, codes: &[u16]) -> Reply {
        let reply = self.reply();
        assert!(
            codes.contains(&reply.code),
            "expected {codes:?}, got {}",
            reply.text()
        );
        reply
    }

    /// The session is alive and no reply is left over from before.
    #[track_caller]
    pub fn goes_on(&mut self) {
        self.command("NOOP", 200);
    }

    /// The next reply, whatever its code.
    #[track_caller]
    pub fn reply(&mut self) -> Reply {
        let first = self.reply_line();
        let code = code_of(&first);
        let mut lines = vec![first];
        if lines[0].get(3) == Some(&b'-') {
            loop {
                let line = self.reply_line();
                let last = line.len() >= 4 && line[..3] == lines[0][..3] && line[3] == b' ';
                lines.push(line);
                if last {
                    break;
                }
            }
        }
        Reply { code, lines }
    }

    #[track_caller]
    fn reply_line(&mut self) -> Vec<u8> {
        loop {
            if let Some(end) = self.buffered.iter().position(|&byte| byte == b'\n') {
                let mut line: Vec<u8> = self.buffered.drain(..=end).collect();
                let shown = String::from_utf8_lossy(&line).into_owned();
                line.pop();
                assert_eq!(line.pop(), Some(b'\r'), "bare LF in a reply: {shown:?}");
                for (at, _) in line.iter().enumerate().filter(|(_, byte)| **byte == b'\r') {
                    assert_eq!(line.get(at + 1), Some(&0), "bare CR in a reply: {shown:?}");
                }
                return line;
            }
            assert_ne!(
                self.fill(),
                0,
                "the server has closed the control connection"
            );
        }
    }

    /// Reads once more; 0 at the end of the connection, a reset included.
    #[track_caller]
    fn fill(&mut self) -> usize {
        let mut buffer = [0; 65536];
        loop {
            let read = match &mut self.seal {
                None => self.stream.read(&mut buffer),
                Some(seal) => rustls::Stream::new(&mut seal.1, &mut self.stream).read(&mut buffer),
            };
            match read {
                Ok(count) => {
                    self.buffered.extend_from_slice(&buffer[..count]);
                    return count;
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::ConnectionReset => return 0,
                // An end of TLS without close_notify is one.
                Err(error) if error.kind() == ErrorKind::UnexpectedEof => return 0,
                Err(error) => panic!("no reply: {error}"),
            }
        }
    }

    /// The server must close the connection without another word.
    #[track_caller]
    pub fn expect_closed(&mut self) {
        if self.buffered.is_empty() {
            self.fill();
        }
        let shown = String::from_utf8_lossy(&self.buffered);
        assert!(shown.is_empty(), "expected the end, got {shown:?}");
    }

    /// Whether the server has closed the connection and nothing is left to be
    /// read; waits for either.
    #[track_caller]
    pub fn is_over(&mut self) -> bool {
        self.buffered.is_empty() && self.fill() == 0
    }

    /// Logs in as anonymous.
    #[track_caller]
    pub fn login_anonymous(&mut self) {
        self.login("anonymous", "someone@example.org");
    }

    /// Logs in.
    #[track_caller]
    pub fn login(&mut self, name: &str, password: &str) {
        self.command(format!("USER {name}"), 331);
        self.command(format!("PASS {password}"), 230);
    }
}

#[track_caller]
fn code_of(line: &[u8]) -> u16 {
    let shown = String::from_utf8_lossy(line);
    assert!(
        line.len() >= 4 && matches!(line[3], b' ' | b'-'),
        "no reply: {shown:?}"
    );
    let digits = std::str::from_utf8(&line[..3]).unwrap_or("?");
    digits
        .parse()
        .unwrap_or_else(|_| panic!("no code: {shown:?}"))
}
