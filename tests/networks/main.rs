//! The server and real clients in the networks people have: each is rebuilt
//! of network namespaces, cables and packet filters, used, and gone again.
//!
//! Needs root; where namespaces cannot be had, each test says so and is left
//! out. Dialogues that need no network of their own are in tests/dialogue.

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

mod again;
mod client_nat;
mod firewalls;
mod flat;
mod ipv6;
mod lab;
mod many;
mod server_nat;
mod sharing;
mod strangers;
#[path = "../support/mod.rs"]
mod support;
mod transcripts;
mod vanished;
mod visitors;
