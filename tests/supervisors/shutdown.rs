//! SIGTERM and SIGINT: transfers end whole, within their grace.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};

use crate::kit::{connect_soon, gone};
use crate::support::data::read_all;
use crate::support::server::{Launch, Server};
use crate::support::tree::noise;

/// More than sockets hold.
const SIZE: usize = 24_000_000;

fn server(options: &[(&str, &str)]) -> (Server, Vec<u8>) {
    let launch = Launch::new()
        .writable()
        .option("shutdown_grace", "60")
        .options(options);
    let bytes = noise(SIZE);
    launch.root().file("large", &bytes);
    (launch.start(), bytes)
}

#[test]
fn downloads_and_uploads_under_way_arrive_byte_for_byte() {
    for signal in [libc::SIGTERM, libc::SIGINT] {
        let (mut server, bytes) = server(&[]);
        let (mut down, mut up) = (server.anonymous(), server.anonymous());
        let mut idle = server.anonymous();
        let mut fetched = down.passive();
        down.command("RETR large", 150);
        let mut stored = up.passive();
        up.command("STOR new", 150);
        stored.write_all(&bytes[..SIZE / 2]).unwrap();
        let mut head = vec![0; 100_000];
        fetched.read_exact(&mut head).unwrap();

        server.signal(signal);
        idle.expect(421);
        idle.expect_closed();
        // Nobody new.
        server.wait_for_log("stopping on");
        assert!(TcpStream::connect(server.address()).is_err());
        assert!(server.is_running());

        // Commands that wait are not begun any more.
        down.line("NOOP");
        down.expect(200);
        down.line("RETR large");
        let rest = read_all(fetched);
        assert!([head, rest].concat() == bytes);
        down.expect(226);
        down.expect(421);
        down.expect_closed();

        stored.write_all(&bytes[SIZE / 2..]).unwrap();
        drop(stored);
        up.expect(226);
        up.expect(421);
        up.expect_closed();
        assert!(server.root().read("new") == bytes);
        let status = server.wait_for_end().expect("it goes on");
        assert_eq!(status.code(), Some(0));
    }
}

#[test]
fn a_data_connection_that_is_awaited_may_still_come() {
    let (mut server, bytes) = server(&[("log_ftp_protocol", "YES")]);
    let mut control = server.anonymous();
    let address = control.epsv();
    control.line("RETR large");
    server.wait_for_log("-> RETR large");
    server.signal(libc::SIGTERM);
    server.wait_for_log("stopping on");
    let data = crate::support::data::connect(address);
    control.expect(150);
    assert!(read_all(data) == bytes);
    control.expect(226);
    control.expect(421);
    assert_eq!(server.wait_for_end().unwrap().code(), Some(0));
}

#[test]
fn what_outlasts_the_grace_is_cut_off_and_cleaned_up() {
    let options = [("shutdown_grace", "1"), ("delete_failed_uploads", "YES")];
    let (mut server, bytes) = server(&options);
    let (mut down, mut up) = (server.anonymous(), server.anonymous());
    let fetched = down.passive();
    down.command("RETR large", 150);
    let mut stored = up.passive();
    up.command("STOR new", 150);
    stored.write_all(&bytes[..1000]).unwrap();
    server.signal(libc::SIGTERM);
    // Neither goes on of its own.
    down.expect(421);
    down.expect_closed();
    up.expect(421);
    up.expect_closed();
    assert_eq!(server.wait_for_end().unwrap().code(), Some(0));
    assert!(server.log().contains("shutdown_grace is over"));
    assert!(!server.root().has("new"), "half an upload stayed");
    let got = read_all(fetched);
    assert!(got.len() < bytes.len());
    let _ = stored.shutdown(Shutdown::Both);
}

#[test]
fn a_second_signal_ends_it_at_once() {
    let (mut server, _) = server(&[]);
    let mut control = server.anonymous();
    let _data = control.passive();
    control.command("RETR large", 150);
    server.signal(libc::SIGTERM);
    server.wait_for_log("a second signal");
    assert!(server.is_running());
    server.signal(libc::SIGINT);
    control.expect(421);
    control.expect_closed();
    assert_eq!(server.wait_for_end().unwrap().code(), Some(0));
}

#[test]
fn a_client_that_is_not_heard_is_cut_off_as_well() {
    let (mut server, _) = server(&[("log_ftp_protocol", "YES")]);
    let mut control = server.anonymous();
    let _data = control.passive();
    control.command("RETR large", 150);
    // Commands wait, and after them the end: the transfer heeds neither.
    control.line("NOOP");
    control.line("PWD");
    control.writer().shutdown(Shutdown::Write).unwrap();
    server.signal(libc::SIGTERM);
    server.wait_for_log("a second signal");
    server.signal(libc::SIGTERM);
    // And not: did not end in time.
    server.wait_for_log("no session is left");
    assert_eq!(server.wait_for_end().unwrap().code(), Some(0));
}

#[test]
fn an_idle_server_ends_without_waiting() {
    let (mut server, _) = server(&[("shutdown_grace", "3600")]);
    let mut idle = server.anonymous();
    let mut new = server.connect();
    server.signal(libc::SIGTERM);
    idle.expect(421);
    new.expect(421);
    assert_eq!(server.wait_for_end().unwrap().code(), Some(0));
}

#[test]
fn a_directory_that_was_shared_goes_with_its_terminal() {
    let root = crate::support::temp::TempDir::new();
    let mut server = Server::serve(root, &[], "");
    let mut control = connect_soon(server.address());
    control.expect(220);
    server.signal(libc::SIGHUP);
    control.expect(421);
    assert_eq!(server.wait_for_end().unwrap().code(), Some(0));

    // nohup(1) keeps it.
    let site = crate::kit::site(&[]);
    let mut shell = std::process::Command::new("sh");
    let script = "trap '' HUP; exec \"$0\" --serve \"$1\" --port 0";
    shell.args(["-c", script, crate::support::server::IRONFTPD]);
    shell.arg(site.root.path());
    let mut supervisor = crate::kit::Supervisor::start(shell);
    let line = supervisor.wait_for_log("listening on");
    crate::kit::signal(supervisor.pid(), libc::SIGHUP);
    supervisor.wait_for_log("no configuration");
    let address = line.rsplit(' ').next().unwrap().parse().unwrap();
    connect_soon(address).expect(220);
    crate::kit::signal(supervisor.pid(), libc::SIGTERM);
    gone(supervisor.pid());
    assert_eq!(supervisor.ended(), Some(0));
}
