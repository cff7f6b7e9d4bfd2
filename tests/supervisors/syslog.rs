//! Where the log goes when standard error is the client.

use std::os::unix::net::UnixDatagram;
use std::path::Path;

use crate::kit::{Supervisor, connect_soon, free_address, installed, site, whole_session, word};
use crate::support::server::IRONFTPD;
use crate::support::{PATIENCE, is_root, left_out};

/// The system's socket for log lines, which this test is behind.
const SOCKET: &str = "/dev/log";

struct Syslog(UnixDatagram);

impl Syslog {
    fn new() -> Result<Syslog, String> {
        if !is_root() {
            return Err("only root can be the system's log".to_owned());
        }
        if Path::new(SOCKET).symlink_metadata().is_ok() {
            return Err(format!("this machine has a {SOCKET} of its own"));
        }
        let socket = UnixDatagram::bind(SOCKET).map_err(|error| error.to_string())?;
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        Ok(Syslog(socket))
    }

    /// Lines that come until one holds `words`.
    #[track_caller]
    fn wait_for(&self, words: &str) -> Vec<String> {
        let mut lines = Vec::new();
        loop {
            let mut buffer = [0; 4096];
            let length = match self.0.recv(&mut buffer) {
                Ok(length) => length,
                Err(error) => panic!("{error}: nothing holds {words:?}: {lines:#?}"),
            };
            let line = String::from_utf8_lossy(&buffer[..length]).into_owned();
            let is_it = line.contains(words);
            lines.push(line);
            if is_it {
                return lines;
            }
        }
    }
}

impl Drop for Syslog {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(SOCKET);
    }
}

#[test]
fn the_log_goes_to_syslog_where_standard_error_is_the_client() {
    let syslog = match Syslog::new() {
        Ok(syslog) => syslog,
        Err(reason) => return left_out(&reason),
    };
    let mut socat = match installed("socat") {
        Ok(socat) => socat,
        Err(reason) => return left_out(&reason),
    };
    let (site, address) = (site(&[]), free_address());
    let listen = format!("TCP4-LISTEN:{},bind=127.0.0.1,fork", address.port());
    // Standard error too.
    let config = word(&site.config);
    let exec = format!("EXEC:{IRONFTPD} --inetd {config},nofork,stderr");
    socat.args([listen, exec]);
    let _supervisor = Supervisor::start(socat);
    let mut control = connect_soon(address);
    // Others of this machine may have something to say as well.
    let who = control.local().to_string();
    whole_session(&mut control);
    let lines = syslog.wait_for(&format!("{who} anonymous: quit"));
    let connected = lines.iter().find(|line| line.contains(&who)).unwrap();
    // LOG_FTP and LOG_INFO.
    assert!(connected.starts_with("<94>"), "{lines:#?}");
    assert!(connected[19..].starts_with(" ironftpd["), "{lines:#?}");
    assert!(connected.ends_with(": connected"), "{lines:#?}");
    // What is wrong before there is a session is told there, too.
    std::fs::write(&site.config, "listen_port=x\n").unwrap();
    let mut control = connect_soon(address);
    control.expect(500);
    control.expect_closed();
    syslog.wait_for("listen_port");
}
