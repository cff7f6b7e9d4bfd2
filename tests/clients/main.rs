//! Real clients against a running daemon: each fetches real trees
//! byte-identical and, where it may write, uploads, resumes, renames and
//! deletes. Scripted dialogues are in tests/dialogue.
//!
//! A client that is not installed fails its tests and names the Debian package
//! that holds it: a silent gap would look like success.

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

mod curl;
mod fixture;
mod ftplib;
mod lftp;
mod ncftp;
#[path = "../support/mod.rs"]
mod support;
mod tnftp;
mod wget;
