//! Faults that once were, each in the dialogue that showed it: what went wrong
//! stands in the test's name or at its first line. Those of the pool and of
//! confinement are in `pool` and `confinement`.

use std::io::{ErrorKind, Read};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use socket2::{Domain, Socket, Type};

use crate::abort::{under_way, with_a_large_file};
use crate::passive::connect_from;
use crate::support::PATIENCE;
use crate::support::control::Control;
use crate::support::data::{connect, port_line, read_all};
use crate::support::server::{Launch, Server};
use crate::support::temp::TempDir;

/// What must happen at once and not by a timeout happens within this.
const SOON: Duration = Duration::from_secs(5);

/// Says passwords at right and wrong moments, then what is surely logged.
#[track_caller]
fn say_passwords(launch: Launch) {
    let home = TempDir::new();
    let server = launch
        .account("someone", "secret-word", home.path())
        .start();
    let mut control = server.connect();
    control.command("PASS secret-zero", 503);
    control.command("secret-typed-at-once", 500);
    control.command("USER nobody", 331);
    control.command("PASS secret-one", 530);
    control.command("PASS secret-two", 503);
    control.command("USER someone", 331);
    control.command("pass secret-word", 230);
    control.command_any("PASS secret-once-more", &[202, 230, 503]);
    control.command("CWD the-last-command", 550);
    server.wait_for_log("the-last-command");
    let log = server.log();
    assert!(!log.contains("secret"), "{log}");
}

#[test]
fn a_password_is_in_no_log_whenever_it_is_said() {
    // After a failed log-in it was no password to the log, but a refused word.
    let talkative = Launch::new().option("log_ftp_protocol", "YES");
    say_passwords(Launch::new());
    say_passwords(talkative);
}

#[test]
fn a_password_is_in_no_log_when_everything_is_logged() {
    let launch = Launch::new().option("log_ftp_protocol", "YES");
    say_passwords(launch.through(&["env", "RUST_LOG=trace"]));
}

/// A port at which nobody listens, as long as the socket lives.
fn closed_port() -> (Socket, SocketAddr) {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    socket.bind(&any.into()).unwrap();
    let address = socket.local_addr().unwrap().as_socket().unwrap();
    (socket, address)
}

#[test]
fn an_upload_without_a_data_connection_leaves_the_old_file() {
    // It was truncated before the data connection had come about.
    let server = Launch::new()
        .writable()
        .option("accept_timeout", "1")
        .start();
    server.root().file("keep", "0123456789");
    let (_held, nobody) = closed_port();
    let mut control = server.anonymous();
    for restart in [false, true] {
        for way in [None, Some(port_line(nobody)), Some("PASV".to_owned())] {
            if let Some(way) = &way {
                control.command_any(way, &[200, 227]);
            }
            if restart {
                control.command("REST 3", 350);
            }
            control.command("STOR keep", 425);
            let content = server.root().read("keep");
            assert_eq!(content, b"0123456789", "{way:?}, REST: {restart}");
        }
    }
    control.command("APPE keep", 425);
    assert_eq!(server.root().read("keep"), b"0123456789");
    control.store("keep", b"new");
    assert_eq!(server.root().read("keep"), b"new");
}

#[test]
fn a_line_that_ends_with_the_last_read_of_a_series_is_answered() {
    // A session was parked after sixteen reads, a whole line among its input,
    // and woke up only for the next byte.
    let server = Server::start(&[]);
    let mut another = server.anonymous();
    let mut control = server.anonymous();
    for length in [15, 16, 17, 18] {
        let dots = ".".repeat(length - "CWD \r\n".len());
        let line = format!("CWD {dots}\r\n");
        assert_eq!(line.len(), length);
        for _ in 0..20 {
            for byte in line.as_bytes() {
                control.send([*byte]);
                // Lets the server read this byte before the next one comes,
                // and well before it thinks the session silent.
                another.goes_on();
            }
            control.expect(550);
        }
    }
    control.goes_on();
}

#[test]
fn abor_is_seen_behind_other_lines() {
    let server = with_a_large_file(&[]);
    let mut control = server.anonymous();
    let data = under_way(&mut control);
    control.send("\r\nPWD\r\nABOR\r\n");
    control.expect(426);
    control.expect(257);
    control.expect(226);
    control.goes_on();
    assert_eq!(control.retrieve("file"), b"content");
    drop(data);
}

#[test]
fn a_noop_sent_with_retr_is_answered_after_the_transfer() {
    // It was answered before the 150.
    let server = Server::start(&[]);
    server.root().file("file", "content");
    let mut control = server.anonymous();
    for _ in 0..20 {
        let data = control.passive();
        control.send("RETR file\r\nNOOP\r\n");
        control.expect(150);
        assert_eq!(read_all(data), b"content");
        control.expect(226);
        control.expect(200);
    }
    control.goes_on();
}

#[test]
fn a_noop_while_the_server_waits_for_the_data_connection_is_answered_after_it() {
    // A client takes the first reply after RETR for that of RETR.
    let server = Server::start(&[]);
    server.root().file("file", "content");
    let mut another = server.anonymous();
    let mut control = server.anonymous();
    let address = control.pasv();
    control.line("RETR file");
    another.goes_on();
    control.line("NOOP");
    another.goes_on();
    let data = connect(address);
    control.expect(150);
    assert_eq!(read_all(data), b"content");
    control.expect(226);
    control.expect(200);
    control.goes_on();
}

#[test]
fn rest_holds_until_the_transfer_whatever_comes_between() {
    let server = Server::writable();
    server.root().file("file", "0123456789");
    let mut control = server.anonymous();
    control.command("TYPE I", 200);
    control.command("REST 5", 350);
    control.command_any("ALLO 5", &[200, 202]);
    control.command("PWD", 257);
    control.store("file", b"abcde");
    assert_eq!(server.root().read("file"), b"01234abcde");
    // And it is for one transfer.
    control.store("file", b"short");
    assert_eq!(server.root().read("file"), b"short");
}

#[test]
fn who_may_only_add_files_restarts_none() {
    // REST before STOR opened files of others for writing.
    let launch = Launch::new().options(&[("write_enable", "YES"), ("anon_upload_enable", "YES")]);
    launch.root().file("old", "0123456789");
    let server = launch.start();
    let mut control = server.anonymous();
    for name in ["new", "old"] {
        control.command("REST 10", 350);
        control.refused(format!("STOR {name}"), &[550]);
    }
    assert!(!server.root().has("new"));
    assert_eq!(server.root().read("old"), b"0123456789");
    control.store("new", b"content");
    assert_eq!(server.root().read("new"), b"content");
}

/// The server must soon let go of a data connection, without a byte.
#[track_caller]
fn let_go(mut data: TcpStream) {
    data.set_read_timeout(Some(SOON)).unwrap();
    match data.read(&mut [0]) {
        Ok(count) => assert_eq!(count, 0, "a byte came"),
        Err(error) => assert_eq!(error.kind(), ErrorKind::ConnectionReset),
    }
}

#[test]
fn a_data_connection_nobody_uses_is_let_go() {
    // The listener went back to the store with the client in its queue.
    let server = Server::start(&[]);
    let mut control = server.anonymous();
    let attempt = |control: &mut Control, line, code| {
        let data = connect(control.pasv());
        control.command(line, code);
        let_go(data);
    };
    attempt(&mut control, "RETR missing", 550);
    attempt(&mut control, "LIST missing", 550);
    attempt(&mut control, "ABOR", 225);
    attempt(&mut control, "QUIT", 221);
    control.expect_closed();
}

#[test]
fn a_stranger_does_not_prolong_accept_timeout() {
    // Each one started the time anew.
    let server = Server::start(&[("accept_timeout", "1")]);
    server.root().file("file", "content");
    let mut control = server.anonymous();
    let address = control.pasv();
    let stop = AtomicBool::new(false);
    let end = Instant::now() + PATIENCE / 2;
    thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) && Instant::now() < end {
                if let Ok(mut stranger) = connect_from(Ipv4Addr::new(127, 0, 0, 9), address) {
                    let _ = stranger.set_read_timeout(Some(Duration::from_millis(100)));
                    let _ = stranger.read(&mut [0]);
                }
            }
        });
        let start = Instant::now();
        control.line("RETR file");
        let reply = control.reply();
        let took = start.elapsed();
        stop.store(true, Ordering::Relaxed);
        assert_eq!(reply.code, 425, "{}", reply.text());
        assert!(took < SOON, "{took:?}");
    });
    assert_eq!(control.retrieve("file"), b"content");
}
