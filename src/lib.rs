//! ironftpd: an FTP server for Linux, synchronous and threaded.
//!
//! The library holds every floor of the program so that tests, fuzzers and
//! benchmarks reach them; the binaries in `main.rs` and `ironftpctl.rs` only
//! turn arguments into calls. `src/README.md` is the map.

// Tests may fail by panicking; the program may not.
#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::string_slice,
        clippy::cast_possible_truncation,
        clippy::cast_possible_wrap,
        clippy::cast_sign_loss
    )
)]

pub mod auth;
pub mod cli;
pub mod config;
pub mod control;
pub mod ctl;
pub mod data;
pub mod fs;
pub mod protocol;
pub mod record;
pub mod server;
pub mod session;
pub mod sys;
pub mod tls;
