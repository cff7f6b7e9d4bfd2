//! Sockets handed over by systemd's protocol, through its own
//! systemd-socket-activate.

use std::process::Command;

use crate::kit::{CONTENT, Supervisor, connect_soon, free_address, installed, site, whole_session};
use crate::support::left_out;
use crate::support::server::IRONFTPD;

fn socket_activate() -> Option<Command> {
    match installed("systemd-socket-activate") {
        Ok(command) => Some(command),
        Err(reason) => {
            left_out(&reason);
            None
        }
    }
}

#[test]
fn every_socket_handed_over_is_served_and_no_other() {
    let Some(mut command) = socket_activate() else {
        return;
    };
    // It would not get the port: what is handed over goes before it.
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let site = site(&[("listen_port", &port)]);
    let (one, other) = (free_address(), free_address());
    command.args(["-l", &one.to_string(), "-l", &other.to_string(), IRONFTPD]);
    command.arg(&site.config);
    let supervisor = Supervisor::start(command);
    // The first client has come before the server was started.
    let mut first = connect_soon(one);
    whole_session(&mut first);
    for address in [one, other] {
        whole_session(&mut connect_soon(address));
        supervisor.wait_for_log(&format!("listening on {address} (handed over)"));
    }
}

#[test]
fn a_silent_client_who_came_before_the_server_keeps_no_worker() {
    let Some(mut command) = socket_activate() else {
        return;
    };
    let site = site(&[("idle_session_timeout", "1")]);
    let address = free_address();
    command.args(["-l", &address.to_string(), IRONFTPD]);
    command.arg(&site.config);
    let _supervisor = Supervisor::start(command);
    let mut silent = connect_soon(address);
    silent.expect(220);
    // Told so by the waiting room, where a connection must be that its worker
    // does not wait for.
    silent.expect(421);
    silent.expect_closed();
}

#[test]
fn a_connection_handed_over_is_one_session() {
    let Some(mut command) = socket_activate() else {
        return;
    };
    let (site, address) = (site(&[]), free_address());
    command.args(["--accept", "-l", &address.to_string(), IRONFTPD]);
    command.arg(&site.config);
    let _supervisor = Supervisor::start(command);
    whole_session(&mut connect_soon(address));
    let (mut one, mut other) = (connect_soon(address), connect_soon(address));
    whole_session(&mut other);
    whole_session(&mut one);
}

#[test]
fn a_connection_on_the_standard_streams_is_one_session() {
    let Some(mut command) = socket_activate() else {
        return;
    };
    let (site, address) = (site(&[]), free_address());
    let listen = address.to_string();
    command.args(["--accept", "--inetd", "-l", &listen, IRONFTPD]);
    command.arg(&site.config);
    let _supervisor = Supervisor::start(command);
    whole_session(&mut connect_soon(address));
}

#[test]
fn sockets_meant_for_another_process_are_not_taken() {
    let site = site(&[]);
    let mut command = Command::new(IRONFTPD);
    command
        .arg(&site.config)
        .env("LISTEN_FDS", "1")
        .env("LISTEN_PID", "1");
    let supervisor = Supervisor::start(command);
    let line = supervisor.wait_for_log("listening on");
    let address = line.rsplit(' ').next().unwrap().parse().unwrap();
    let mut control = connect_soon(address);
    control.expect(220);
    control.login_anonymous();
    assert_eq!(control.retrieve("file"), CONTENT);
}
