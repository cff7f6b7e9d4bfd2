//! Logs against a running daemon: their forms, those who read them, rotation,
//! full disks, and that every refusal tells its cause. How the lines compare
//! with those of the real vsftpd is in tests/conformance.

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

mod causes;
mod disk;
mod forms;
mod injection;
mod reload;
mod rotation;
mod streams;
#[path = "../support/mod.rs"]
mod support;
mod written;
