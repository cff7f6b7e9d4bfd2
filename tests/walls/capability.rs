//! Capabilities of single threads.

use crate::support::temp::TempDir;
use crate::support::{is_root, left_out};
use crate::{apart, errno};
use ironftpd::sys::capability::{self, Capabilities, Capability, keep_only, needed_for_port};
use ironftpd::sys::identity::{Identity, drop_process_to};
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::{MetadataExt, chown};

fn needs_root() -> bool {
    if is_root() {
        return false;
    }
    left_out("there are no capabilities to give up without root");
    true
}

/// Binds some port below 1024, at a loopback address of this process alone.
fn bind_a_low_port() -> std::io::Result<TcpListener> {
    let [.., high, low] = std::process::id().to_be_bytes();
    let address = Ipv4Addr::new(127, 99, high, low.max(1));
    let mut result = TcpListener::bind((address, 1));
    for port in 2..1024 {
        match &result {
            Err(error) if error.raw_os_error() == Some(libc::EADDRINUSE) => {
                result = TcpListener::bind((address, port));
            }
            _ => break,
        }
    }
    result
}

#[test]
fn what_is_kept_works_and_what_is_not_does_not() {
    if needs_root() {
        return;
    }
    if needed_for_port(1).is_empty() {
        return left_out(
            "net.ipv4.ip_unprivileged_port_start is so low that no port needs anything",
        );
    }
    let place = TempDir::new();
    let file = place.file("file", "");
    apart(|| {
        keep_only(needed_for_port(1)).unwrap();
        bind_a_low_port().unwrap();
        assert_eq!(errno(chown(&file, Some(9), None)), libc::EPERM);
        keep_only(Capabilities::NONE).unwrap();
        assert_eq!(errno(bind_a_low_port()), libc::EACCES);
    });
    apart(|| {
        keep_only(Capabilities::NONE.with(Capability::Chown)).unwrap();
        chown(&file, Some(9), None).unwrap();
        assert_eq!(errno(bind_a_low_port()), libc::EACCES);
    });
    assert_eq!(file.metadata().unwrap().uid(), 9);
    // This thread has lost nothing.
    chown(&file, Some(0), None).unwrap();
    assert!(capability::has(Capability::Setuid));
}

#[test]
fn what_was_given_up_cannot_be_kept() {
    if needs_root() {
        return;
    }
    apart(|| {
        let chown = Capabilities::NONE.with(Capability::Chown);
        keep_only(chown).unwrap();
        let error = keep_only(chown.with(Capability::Setuid)).unwrap_err();
        assert_eq!(error.errno(), libc::EPERM);
        assert_eq!(capability::current().unwrap().permitted, chown);
    });
}

#[test]
fn nothing_is_left_to_inherit() {
    if needs_root() {
        return;
    }
    crate::child::well(|| {
        let kept = Capabilities::NONE.with(Capability::NetBindService);
        drop_process_to(&Identity::new(40_009, 40_009, &[]).unwrap(), kept).unwrap();
        for field in ["CapInh", "CapAmb", "CapBnd"] {
            assert_eq!(
                crate::child::status(field),
                format!("{:016x}", 0),
                "{field}"
            );
        }
        keep_only(Capabilities::NONE).unwrap();
        assert_eq!(crate::child::status("CapPrm"), format!("{:016x}", 0));
    });
}

#[test]
fn giving_up_nothing_needs_no_privilege() {
    apart(|| {
        keep_only(Capabilities::NONE).unwrap();
        keep_only(Capabilities::NONE).unwrap();
        assert!(!capability::has(Capability::Setuid));
    });
}
