//! Debian's vsftpd and ironftpd started with the same configuration files, and
//! what each then says, leaves on the disk and logs, side by side.
//!
//! `options.txt` has a dialogue for each option whose effect a client can see,
//! `unseen.txt` why no client sees that of the others, `configurations/` whole
//! files as sites have them, and `differences.txt` every answer that is not
//! vsftpd's, with the reason.

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

mod blur;
mod configurations;
mod coverage;
mod dialogue;
mod logs;
mod options;
mod sealed;
mod servers;
mod stage;
mod steps;
#[path = "../support/mod.rs"]
mod support;
mod table;
mod tree;
