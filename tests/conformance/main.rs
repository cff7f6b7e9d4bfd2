//! What the RFCs ask of a server, and what other servers answer: tables that
//! people read and tests hold the server to.
//!
//! `requirements.txt` has a row for each rule with the test that shows it,
//! `replies.txt` the codes each command may be answered with,
//! `differences.txt` where Debian's vsftpd and ProFTPD answer otherwise.

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

mod differences;
mod extensions;
mod large;
mod logs;
mod peers;
mod replies;
mod requirements;
mod rules;
mod script;
mod situations;
#[path = "../support/mod.rs"]
mod support;
mod table;
mod verbs;
