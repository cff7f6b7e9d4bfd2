//! Lines and replies over sockets; under protection with a stand-in for TLS.

use super::*;
use crate::protocol::Code;
use crate::protocol::protection::stand_in::{Turned, record};
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

fn protected() -> (Connection, TcpStream) {
    let (mut server, client) = pair();
    server.protect(Box::new(Turned::default()), Vec::new());
    (server, client)
}

#[track_caller]
fn receives(client: &mut TcpStream, expected: &[u8]) {
    let mut text = vec![0; expected.len()];
    client.read_exact(&mut text).unwrap();
    assert_eq!(text, expected);
}

fn text(line: &[u8]) -> Input {
    Input::Line(Line::Text(line.to_vec()))
}

#[test]
fn lines_come_and_replies_go_protected() {
    let (mut server, mut client) = protected();
    client.write_all(&record(23, b"NOOP\r\nPW")).unwrap();
    assert_eq!(server.next_input(), text(b"NOOP"));
    client.write_all(&record(23, b"D\r\n")).unwrap();
    server.reply(&Reply::new(Code::CommandOk, "one"));
    assert_eq!(server.next_input(), text(b"PWD"));
    receives(&mut client, &record(23, b"200 one\r\n"));
    assert!(server.is_secure());
}

#[test]
fn what_came_behind_the_agreement_is_served() {
    let (mut server, _client) = pair();
    server.protect(Box::new(Turned::default()), record(23, b"NOOP\r\n"));
    assert_eq!(server.next_input(), text(b"NOOP"));
}

#[test]
fn a_record_larger_than_a_read_is_opened_once_it_is_whole() {
    let (mut server, mut client) = protected();
    let long = [b"STOR ", &[b'x'; 8000][..], b"\r\n"].concat();
    client.write_all(&record(23, &long)).unwrap();
    assert_eq!(server.next_input(), text(&long[..8005]));
}

#[test]
fn a_ticket_goes_before_the_next_reply() {
    let (mut server, mut client) = protected();
    server.give_ticket();
    server.reply(&Reply::new(Code::CommandOk, "one"));
    server.flush().unwrap();
    receives(&mut client, &record(22, b"ticket"));
    receives(&mut client, &record(23, b"200 one\r\n"));
}

#[test]
fn the_end_of_protection_is_the_end_of_the_connection() {
    let (mut server, mut client) = protected();
    client.write_all(&record(23, b"QUIT\r\n")).unwrap();
    client.write_all(&record(21, b"")).unwrap();
    client.write_all(b"DELE x\r\n").unwrap();
    assert_eq!(server.next_input(), text(b"QUIT"));
    assert_eq!(server.next_input(), Input::Closed);
    server.close();
    receives(&mut client, &record(21, b""));
}

#[test]
fn a_breach_ends_the_connection_and_the_client_is_told() {
    let (mut server, mut client) = protected();
    client.write_all(&record(20, b"x")).unwrap();
    assert_eq!(server.next_input(), Input::Closed);
    assert_eq!(server.breach(), Some(Breach::Unexpected(20)));
    receives(&mut client, &record(21, b"!"));
}

#[test]
fn protection_is_left_when_both_have_said_so() {
    for farewell in [record(21, b""), Vec::new()] {
        let (mut server, mut client) = protected();
        server.reply(&Reply::new(Code::CommandOk, "clear now"));
        server.unprotect();
        receives(&mut client, &record(23, b"200 clear now\r\n"));
        receives(&mut client, &record(21, b""));
        assert!(!server.is_secure());
        // Some clients leave without a word.
        client.write_all(&farewell).unwrap();
        client.write_all(b"NOOP\r\n").unwrap();
        assert_eq!(server.next_input(), text(b"NOOP"));
        server.reply(&Reply::new(Code::CommandOk, "one"));
        server.flush().unwrap();
        receives(&mut client, b"200 one\r\n");
    }
}

#[test]
fn last_words_are_protected_too() {
    let (mut server, mut client) = protected();
    server.farewell(&Reply::new(Code::ServiceNotAvailable, "bye"));
    receives(&mut client, &record(23, b"421 bye\r\n"));
    receives(&mut client, &record(21, b""));
}

/// Agrees when it has heard `hello`, and says `HELLO`.
#[derive(Debug, Default)]
struct Greeting {
    heard: Vec<u8>,
    outgoing: Vec<u8>,
    answered: bool,
}

impl Negotiation for Greeting {
    fn turn(&mut self) -> Turn {
        if !self.outgoing.is_empty() {
            return Turn::Send;
        }
        if self.answered {
            return Turn::Done;
        }
        if self.heard.len() < 5 {
            return Turn::Receive;
        }
        self.answered = self.heard == b"hello";
        self.outgoing = if self.answered {
            b"HELLO".to_vec()
        } else {
            b"NO".to_vec()
        };
        if self.answered {
            Turn::Send
        } else {
            Turn::Failed
        }
    }
    fn feed(&mut self, octets: &[u8]) {
        self.heard.extend_from_slice(octets);
    }
    fn outgoing(&self) -> &[u8] {
        &self.outgoing
    }
    fn sent(&mut self, count: usize) {
        self.outgoing.drain(..count);
    }
}

#[test]
fn an_agreement_may_pause_and_goes_on_with_what_comes() {
    let (mut server, mut client) = pair();
    let mut greeting = Greeting::default();
    server.reply(&Reply::new(Code::CommandOk, "go on"));
    client.write_all(b"he").unwrap();
    assert_eq!(server.negotiate(&mut greeting), Progress::Silence);
    receives(&mut client, b"200 go on\r\n");
    client.write_all(b"llo").unwrap();
    assert_eq!(server.negotiate(&mut greeting), Progress::Done);
    receives(&mut client, b"HELLO");
}

#[test]
fn an_agreement_that_fails_or_breaks_off_is_told_apart() {
    let (mut server, mut client) = pair();
    client.write_all(b"GET /").unwrap();
    assert_eq!(server.negotiate(&mut Greeting::default()), Progress::Failed);
    receives(&mut client, b"NO");
    let (mut server, client) = pair();
    drop(client);
    assert_eq!(server.negotiate(&mut Greeting::default()), Progress::Closed);
}
