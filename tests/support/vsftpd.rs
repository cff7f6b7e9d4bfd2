//! vsftpd in the place of ironftpd (`UNDER_TEST`).

use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::Instant;

use super::PATIENCE;

/// What vsftpd needs beside the same options, and the port it is given since
/// it does not tell which one it got.
pub fn adapt(options: &mut Vec<(String, String)>) -> SocketAddr {
    let address = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .unwrap()
        .local_addr()
        .unwrap();
    // Told to run as who started it, it would give anonymous users no root.
    let ours = [
        "listen_port",
        "control_socket",
        "seccomp_strict",
        "shutdown_grace",
        "run_as_launching_user",
    ];
    options.retain(|(name, _)| !ours.contains(&name.as_str()));
    for (name, value) in [
        ("seccomp_sandbox", "NO"),
        ("allow_writeable_chroot", "YES"),
        ("ftp_username", "daemon"),
        ("secure_chroot_dir", "/mnt"),
        ("isolate", "NO"),
        ("isolate_network", "NO"),
    ] {
        options.push((name.into(), value.into()));
    }
    options.push(("listen_port".into(), address.port().to_string()));
    address
}

/// vsftpd does not say when it listens: ask until it answers.
pub fn until_it_answers(address: SocketAddr) -> SocketAddr {
    let end = Instant::now() + PATIENCE;
    while TcpStream::connect(address).is_err() {
        assert!(Instant::now() < end, "nobody listens on {address}");
        thread::yield_now();
    }
    address
}
