//! Transfers over a socket pair with a stand-in for TLS.

use super::*;
use crate::data::{Heed, Limits};
use crate::protocol::Marker;
use crate::protocol::protection::stand_in::{Turned, record};
use std::fs::File;
use std::io::{Read, Seek, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::thread;

/// A control connection on which nothing happens.
struct Nobody(TcpStream);

impl Watch for Nobody {
    fn control(&self) -> (BorrowedFd<'_>, Heed) {
        (self.0.as_fd(), Heed::Nothing)
    }
    fn attend(&mut self, _: u64) -> Result<(), Interruption> {
        Ok(())
    }
    fn stranger(&mut self, _: SocketAddr) {}
    fn marker(&mut self, _: &[u8], _: Marker) -> Result<(), Interruption> {
        Ok(())
    }
    fn port_taken(&mut self, _: u16, _: SocketAddr) {}
}

/// The server's end, which does not block, and the client's.
fn pair() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (server, _) = listener.accept().unwrap();
    server.set_nonblocking(true).unwrap();
    (server, client)
}

/// Runs `work` on a protected transfer, to whose socket `client` is the
/// other end.
fn run<T>(
    server: &TcpStream,
    rest: &[u8],
    strict: bool,
    work: impl FnOnce(&mut Transfer<'_>) -> T,
) -> T {
    let mut watch = Nobody(server.try_clone().unwrap());
    let limits = Limits {
        stall: Some(Duration::from_secs(5)),
        rate: 0,
        chunk: None,
    };
    let mut protection = Turned::default();
    let buffers = Buffers::default();
    let transfer = Transfer::new(server.as_fd(), &mut watch, limits);
    let mut transfer = transfer.sealed(&mut protection, &buffers, rest, strict);
    work(&mut transfer)
}

/// An unnamed file with this content.
fn file(content: &[u8]) -> File {
    let place = std::env::temp_dir();
    let id = std::process::id();
    let path = place.join(format!("ironftpd-sealed-{id}-{:?}", thread::current().id()));
    let mut file = File::options()
        .read(true)
        .write(true)
        .create(true)
        .truncate(true)
        .open(&path)
        .unwrap();
    std::fs::remove_file(path).unwrap();
    file.write_all(content).unwrap();
    file.rewind().unwrap();
    file
}

/// The clear text of all records, and whether an end was among them.
fn opened(wire: &[u8]) -> (Vec<u8>, bool) {
    let (mut clear, mut ended) = (Vec::new(), false);
    let mut rest = wire;
    while let [kind, high, low, after @ ..] = rest {
        let length = usize::from(u16::from_be_bytes([*high, *low]));
        clear.extend(after[..length].iter().map(|octet| octet ^ 1));
        ended |= *kind == 21;
        rest = &after[length..];
    }
    (clear, ended)
}

#[test]
fn a_file_and_its_end_go_out_protected() {
    let content: Vec<u8> = (0..700_000_u32).map(|at| (at % 251) as u8).collect();
    for (offset, end) in [(0, 700_000), (5, 700_000), (0, 0), (100, 200)] {
        let (server, mut client) = pair();
        let reader = thread::spawn(move || {
            let mut wire = Vec::new();
            client.read_to_end(&mut wire).unwrap();
            wire
        });
        let file = OwnedFd::from(file(&content));
        let moved = run(&server, b"", false, |transfer| {
            transfer.send_file(&file, offset, end).unwrap();
            transfer.end_protection(false).unwrap();
            transfer.moved()
        });
        drop(server);
        let (clear, ended) = opened(&reader.join().unwrap());
        let until = if end == 0 {
            content.len()
        } else {
            end as usize
        };
        assert_eq!(clear, content[offset as usize..until]);
        assert!(ended);
        assert_eq!(moved, clear.len() as u64);
    }
}

#[test]
fn a_file_that_shrinks_is_told() {
    let (server, _client) = pair();
    let file = OwnedFd::from(file(b"short"));
    let result = run(&server, b"", false, |transfer| {
        transfer.send_file(&file, 0, 9)
    });
    assert!(matches!(result, Err(Interruption::Storage(_))));
}

#[test]
fn an_upload_is_opened_and_its_end_heard() {
    let (server, mut client) = pair();
    client.write_all(&record(23, b"two")).unwrap();
    client.write_all(&record(21, b"")).unwrap();
    let into = OwnedFd::from(file(b""));
    run(&server, &record(23, b"one"), true, |transfer| {
        let mut buffer = vec![0; 1 << 20];
        transfer.receive_file(&into, &mut buffer).unwrap();
        transfer.end_protection(false).unwrap();
        assert!(!transfer.is_cut_off());
        assert_eq!(transfer.moved(), 6);
    });
    let mut stored = String::new();
    let mut into = File::from(into);
    into.rewind().unwrap();
    into.read_to_string(&mut stored).unwrap();
    assert_eq!(stored, "onetwo");
    let mut last = [0; 3];
    client.read_exact(&mut last).unwrap();
    assert_eq!(last.as_slice(), record(21, b""));
}

#[test]
fn an_upload_without_an_end_is_cut_off() {
    for strict in [false, true] {
        let (server, mut client) = pair();
        client.write_all(&record(23, b"one")).unwrap();
        // Half a record is no more than none.
        client.write_all(&record(23, b"two")[..5]).unwrap();
        client.shutdown(Shutdown::Write).unwrap();
        let into = OwnedFd::from(file(b""));
        run(&server, b"", strict, |transfer| {
            let mut buffer = vec![0; 1 << 20];
            let result = transfer.receive_file(&into, &mut buffer);
            let expected = if strict {
                Err(Interruption::CutOff)
            } else {
                Ok(())
            };
            assert_eq!(result, expected);
            assert_eq!(transfer.is_cut_off(), !strict);
            assert_eq!(transfer.moved(), 3);
        });
    }
}

#[test]
fn a_breach_ends_an_upload_with_an_alert() {
    let (server, mut client) = pair();
    client.write_all(&record(20, b"x")).unwrap();
    let into = OwnedFd::from(file(b""));
    let result = run(&server, b"", false, |transfer| {
        transfer.receive_file(&into, &mut vec![0; 1 << 20])
    });
    assert!(matches!(result, Err(Interruption::Breach(_))));
    let mut alert = [0; 4];
    client.read_exact(&mut alert).unwrap();
    assert_eq!(alert.as_slice(), record(21, b"!"));
}

#[test]
fn the_clients_end_is_waited_for_where_that_is_wanted() {
    let (server, mut client) = pair();
    client.write_all(&record(21, b"")).unwrap();
    run(&server, b"", false, |transfer| {
        transfer.send_bytes(b"listing").unwrap();
        transfer.end_protection(true).unwrap();
    });
    // It may have come right behind the handshake, whole or in part.
    let end = record(21, b"");
    for at in 0..=end.len() {
        let (early, late) = end.split_at(at);
        let (server, mut client) = pair();
        client.write_all(late).unwrap();
        run(&server, early, false, |transfer| {
            transfer.send_bytes(b"listing").unwrap();
            transfer.end_protection(true).unwrap();
        });
        drop(server);
        let mut wire = Vec::new();
        client.read_to_end(&mut wire).unwrap();
        assert_eq!(opened(&wire), (b"listing".to_vec(), true));
    }
    let (server, client) = pair();
    client.shutdown(Shutdown::Write).unwrap();
    let result = run(&server, b"", false, |transfer| {
        transfer.send_bytes(b"listing").unwrap();
        transfer.end_protection(true)
    });
    assert_eq!(result, Err(Interruption::CutOff));
}

#[test]
fn an_agreement_has_one_limit_for_all_of_it() {
    /// Wants ever more.
    #[derive(Debug)]
    struct Hungry;
    impl Negotiation for Hungry {
        fn turn(&mut self) -> Turn {
            Turn::Receive
        }
        fn feed(&mut self, _: &[u8]) {}
        fn outgoing(&self) -> &[u8] {
            b""
        }
        fn sent(&mut self, _: usize) {}
    }
    let (server, client) = pair();
    let mut watch = Nobody(server.try_clone().unwrap());
    let limit = Duration::from_millis(50);
    let result = negotiate(server.as_fd(), &mut watch, Some(limit), &mut Hungry);
    assert_eq!(result, Err(Interruption::TimedOut(limit)));
    drop(client);
    let result = negotiate(server.as_fd(), &mut watch, None, &mut Hungry);
    assert!(matches!(result, Err(Interruption::Network(_))));
}
