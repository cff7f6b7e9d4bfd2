//! ironftpd under whoever starts and ends it: inetds, tcpserver, socat,
//! systemd's socket activation and notification, a container, a shell that
//! sends it to the background; and what signals do to sessions.
//!
//! The inetds are Debian's, unpacked by `tests/conformance/peers.sh`, since
//! they cannot be installed beside each other.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    clippy::print_stderr
)]

mod background;
mod container;
mod inetd;
mod kit;
mod notify;
mod reload;
mod shutdown;
#[path = "../support/mod.rs"]
mod support;
mod syslog;
mod systemd;
mod units;
