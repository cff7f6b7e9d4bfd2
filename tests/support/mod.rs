//! What the dialogue and client tests stand on: a server of their own each,
//! a scripted control connection, trees of files, and bounded child processes.
//!
//! Nothing here waits without an end: every read has a limit of
//! [`PATIENCE`], so that a fault of the server fails a test and never hangs
//! the run. No fixed port and no fixed directory is used; tests run in
//! parallel.

// Each test binary uses its own part of this module.
#![allow(dead_code)]

pub mod accounts;
pub mod client;
pub mod control;
pub mod data;
pub mod differences;
pub mod fifo;
pub mod first_wall;
pub mod ladders;
pub mod log;
pub mod modes;
pub mod peers;
pub mod process;
pub mod script;
pub mod sealed;
pub mod server;
pub mod temp;
pub mod tls;
pub mod tree;
pub mod vsftpd;

use std::io::Write;
use std::time::Duration;

/// How long a test waits for anything before it fails.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// Whether this process runs as root; some tests can only say why they are
/// left out when it does not.
pub fn is_root() -> bool {
    // SAFETY: geteuid takes no argument, touches no memory and cannot fail.
    unsafe { libc::geteuid() == 0 }
}

/// Whether the dialogues run against vsftpd (`UNDER_TEST`), so that what goes
/// beyond it is not asked for.
pub fn is_vsftpd() -> bool {
    std::env::var_os("UNDER_TEST").is_some()
}

/// Says why the rest of a test was left out: on stderr, and, since a passing
/// test's output is not shown, in the file that `make test` prints at its end.
/// Used only where the machine, not the server, lacks something; the caller
/// returns afterwards.
pub fn left_out(reason: &str) {
    eprintln!("left out: {reason}");
    if let Some(path) = std::env::var_os("IRONFTPD_NOT_RUN") {
        let test = std::thread::current().name().unwrap_or("?").to_owned();
        let mut file = std::fs::File::options()
            .append(true)
            .create(true)
            .open(path)
            .expect("the list of what was not run");
        file.write_all(format!("{test}: {reason}\n").as_bytes())
            .expect("the list of what was not run");
    }
}

/// Raises this process's soft limit of open descriptors to the hard one, and
/// gives that. Servers started later inherit it, and would raise it themselves.
pub fn raise_descriptors() -> usize {
    let mut limit = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: `limit` lives through both calls; the first fills it, the second
    // only reads it.
    let raised = unsafe {
        let known = libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) == 0;
        limit.rlim_cur = limit.rlim_max;
        known && libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit) == 0
    };
    assert!(raised, "{}", std::io::Error::last_os_error());
    usize::try_from(limit.rlim_max).unwrap_or(usize::MAX)
}
