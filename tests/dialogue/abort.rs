//! ABOR, and other commands while data flows (RFC 959 section 4.1.3, RFC 1123
//! section 4.1.2.12): a client that gives up, politely or not.

use std::io::{Read, Write};

use crate::limits::until_admitted;
use crate::support::control::Control;
use crate::support::data::read_all;
use crate::support::server::{Launch, Server};
use crate::support::tree::{noise, sparse_file};

/// A server with a file no socket buffer holds.
pub fn with_a_large_file(options: &[(&str, &str)]) -> Server {
    let launch = Launch::new().writable().options(options);
    sparse_file(&launch.root().path().join("large"));
    launch.root().file("file", "content");
    launch.start()
}

/// A RETR that has begun and cannot end by itself.
pub fn under_way(control: &mut Control) -> std::net::TcpStream {
    control.command("TYPE I", 200);
    let mut data = control.passive();
    control.command("RETR large", 150);
    let mut first = [0; 1000];
    data.read_exact(&mut first).unwrap();
    data
}

/// 426 for the transfer, then 226 or 225 for the ABOR.
#[track_caller]
fn aborted(control: &mut Control) {
    control.expect(426);
    control.expect_any(&[226, 225]);
    control.goes_on();
    assert_eq!(control.retrieve("file"), b"content");
}

#[test]
fn abor_with_nothing_under_way_is_acknowledged() {
    let server = with_a_large_file(&[]);
    let mut control = server.anonymous();
    let words = control.command("ABOR", 225).words();
    assert_eq!(words, "No transfer to ABOR.");
    control.pasv();
    control.command("ABOR", 225);
    control.goes_on();
    assert_eq!(control.retrieve("file"), b"content");
}

#[test]
fn abor_ends_a_retr() {
    let server = with_a_large_file(&[]);
    let mut control = server.anonymous();
    let data = under_way(&mut control);
    control.line("ABOR");
    aborted(&mut control);
    drop(data);
}

#[test]
fn abor_as_urgent_data_ends_a_retr() {
    let server = with_a_large_file(&[]);
    let mut control = server.anonymous();
    let data = under_way(&mut control);
    // As Python's ftplib does: the LF is the urgent byte, and must not be lost.
    control.send_urgent("ABOR\r\n");
    aborted(&mut control);
    drop(data);
}

#[test]
fn abor_with_telnet_synch_ends_a_retr() {
    let server = with_a_large_file(&[]);
    let mut control = server.anonymous();
    let data = under_way(&mut control);
    // RFC 959 section 4.1.3: IP, then the data mark as urgent data, then ABOR.
    control.send(b"\xff\xf4\xff");
    control.send_urgent(b"\xf2");
    control.line("ABOR");
    aborted(&mut control);
    drop(data);
}

#[test]
fn urgent_data_without_a_transfer_is_a_command_like_any() {
    let server = with_a_large_file(&[]);
    let mut control = server.anonymous();
    control.send_urgent("ABOR\r\n");
    control.expect_any(&[225, 226]);
    control.goes_on();
    control.send_urgent("NOOP\r\n");
    control.expect(200);
    control.command("PWD", 257);
}

#[test]
fn abor_after_the_client_closed_the_data_connection_gets_two_replies() {
    let server = with_a_large_file(&[]);
    let mut control = server.anonymous();
    drop(under_way(&mut control));
    control.line("ABOR");
    control.expect(426);
    control.expect_any(&[225, 226]);
    control.goes_on();
}

#[test]
fn abor_ends_a_stor() {
    let server = with_a_large_file(&[]);
    let mut control = server.anonymous();
    let mut data = control.passive();
    control.command("STOR new", 150);
    data.write_all(&noise(10_000)).unwrap();
    control.line("ABOR");
    aborted(&mut control);
    drop(data);
}

#[test]
fn abor_while_the_server_waits_for_the_data_connection() {
    let server = with_a_large_file(&[("accept_timeout", "60")]);
    let mut control = server.anonymous();
    control.pasv();
    control.line("RETR file");
    control.line("ABOR");
    // Some servers say 150 before the connection is there.
    if control.expect_any(&[150, 425, 426]).code == 150 {
        control.expect_any(&[425, 426]);
    }
    control.expect_any(&[225, 226]);
    control.goes_on();
}

#[test]
fn stat_during_a_transfer_is_answered_at_once() {
    let server = with_a_large_file(&[]);
    let mut control = server.anonymous();
    let data = under_way(&mut control);
    control.line("STAT");
    let text = control.expect(213).text();
    assert!(text.contains("/large: "), "{text}");
    assert!(text.contains(" bytes so far, "), "{text}");
    assert!(text.contains(" bytes per second"), "{text}");
    control.line("ABOR");
    aborted(&mut control);
    drop(data);
}

#[test]
fn quit_during_a_transfer_lets_it_end_first() {
    let server = with_a_large_file(&[]);
    let content = noise(8_000_000);
    server.root().file("middle", &content);
    let mut control = server.anonymous();
    let data = control.passive();
    control.command("RETR middle", 150);
    control.line("QUIT");
    assert!(read_all(data) == content);
    control.expect(226);
    control.expect(221);
    control.expect_closed();
}

#[test]
fn a_data_connection_closed_early_gives_426_and_the_session_goes_on() {
    let server = with_a_large_file(&[]);
    let mut control = server.anonymous();
    drop(under_way(&mut control));
    control.expect(426);
    control.goes_on();
    assert_eq!(control.retrieve("file"), b"content");
}

#[test]
fn a_client_gone_in_mid_transfer_harms_no_other_and_frees_its_place() {
    let server = with_a_large_file(&[("max_clients", "2")]);
    let mut witness = server.anonymous();
    for by_reset in [false, true] {
        let mut control = until_admitted(&server);
        let data = under_way(&mut control);
        if by_reset {
            control.reset();
        } else {
            drop(control);
        }
        drop(data);
        witness.goes_on();
        assert_eq!(witness.retrieve("file"), b"content");
    }
    until_admitted(&server).goes_on();
}

#[test]
fn a_client_gone_in_mid_transfer_is_noticed_though_its_data_connection_stays() {
    let server = with_a_large_file(&[("max_clients", "1")]);
    let mut control = server.anonymous();
    let data = under_way(&mut control);
    control.reset();
    // The data connection neither moves nor closes; the place must become free
    // well before data_connection_timeout.
    until_admitted(&server).goes_on();
    drop(data);
}

#[test]
fn a_client_gone_in_mid_upload_harms_no_other() {
    let server = with_a_large_file(&[]);
    let mut witness = server.anonymous();
    let mut control = server.anonymous();
    let mut data = control.passive();
    control.command("STOR new", 150);
    data.write_all(&noise(100_000)).unwrap();
    socket2::SockRef::from(&data)
        .set_linger(Some(std::time::Duration::ZERO))
        .unwrap();
    drop(data);
    control.expect_any(&[426, 451]);
    control.goes_on();
    witness.goes_on();
}
