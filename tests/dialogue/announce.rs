//! pasv_address as a host name (pasv_addr_resolve, pasv_addr_refresh).

use std::net::{Ipv4Addr, SocketAddr};
use std::process::Command;

use crate::support::server::{Launch, Server};
use crate::support::temp::TempDir;
use crate::support::{PATIENCE, is_root, left_out, process};

/// A name that no name service is asked for, since it can only stand in a
/// hosts file: one of its labels is empty.
const NAME: &str = "ftp..test";

/// A server whose own address differs from that of `localhost`.
fn launch(name: &str) -> Launch {
    Launch::new().options(&[
        ("listen_address", "127.0.0.2"),
        ("pasv_address", name),
        ("pasv_addr_resolve", "YES"),
    ])
}

/// What PASV announces now.
fn announced(server: &Server) -> Ipv4Addr {
    let SocketAddr::V4(address) = server.anonymous().pasv() else {
        panic!("PASV is IPv4")
    };
    *address.ip()
}

#[test]
fn a_name_is_looked_up_before_the_first_client_comes() {
    let server = launch("localhost").start();
    assert_eq!(announced(&server), Ipv4Addr::LOCALHOST);
    server.wait_for_log("pasv_address \"localhost\" is 127.0.0.1");
}

#[test]
fn a_name_that_cannot_be_looked_up_keeps_no_server_from_starting() {
    for refresh in ["300", "0"] {
        let server = launch(NAME).option("pasv_addr_refresh", refresh).start();
        let line = server.wait_for_log("pasv_address");
        assert!(line.contains("local address is announced"), "{line}");
        assert!(line.contains("WARN") && line.contains(NAME), "{line}");
        assert_eq!(announced(&server), Ipv4Addr::new(127, 0, 0, 2));
    }
}

#[test]
fn a_name_is_followed_and_its_address_kept_while_it_cannot_be_looked_up() {
    let directory = TempDir::new();
    let hosts = directory.file("hosts", "");
    // The server gets a hosts file of its own, in a mount namespace.
    let script = "mount --bind \"$0\" /etc/hosts && exec \"$@\"";
    let wrapper = [
        "unshare",
        "--mount",
        "sh",
        "-c",
        script,
        hosts.to_str().unwrap(),
    ];
    if !is_root() || !can_run(&wrapper) {
        left_out("a hosts file of the server's own needs root and a mount namespace");
        return;
    }
    let is = |address: &str| std::fs::write(&hosts, format!("{address} {NAME}\n")).unwrap();
    is("127.0.0.3");
    let launch = launch(NAME).option("pasv_addr_refresh", "1");
    let server = launch.through(&wrapper).start();
    assert_eq!(announced(&server), Ipv4Addr::new(127, 0, 0, 3));
    is("127.0.0.4");
    server.wait_for_log("has moved: 127.0.0.3 -> 127.0.0.4");
    assert_eq!(announced(&server), Ipv4Addr::new(127, 0, 0, 4));
    std::fs::write(&hosts, "").unwrap();
    server.wait_for_log("127.0.0.4 stays announced");
    assert_eq!(announced(&server), Ipv4Addr::new(127, 0, 0, 4));
    is("127.0.0.5");
    server.wait_for_log("can be looked up again");
    server.wait_for_log("has moved: 127.0.0.4 -> 127.0.0.5");
    assert_eq!(announced(&server), Ipv4Addr::new(127, 0, 0, 5));
}

fn can_run(wrapper: &[&str]) -> bool {
    let mut command = Command::new(wrapper[0]);
    command.args(&wrapper[1..]).arg("true");
    process::run(&mut command, b"", PATIENCE).status.success()
}
