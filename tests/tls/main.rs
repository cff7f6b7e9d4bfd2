//! FTP over TLS against a running daemon: the dialogue of RFC 4217, session
//! reuse, certificates, attacks, and real clients.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    clippy::print_stdout,
    clippy::print_stderr
)]

mod attacks;
mod certificates;
mod dialogue;
mod node;
mod programs;
mod rclone;
mod reuse;
mod secure;
mod suppaftp;
#[path = "../support/mod.rs"]
mod support;
