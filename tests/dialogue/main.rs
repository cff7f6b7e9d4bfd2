//! Scripted control connections against a running daemon, one file per family
//! of commands. Real clients are in tests/clients.

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

mod abort;
mod accounts;
mod active;
mod administrator;
mod announce;
mod atomic;
mod bad_files;
mod bad_lines;
mod bad_numbers;
mod burst;
mod cast;
mod check;
mod combine;
mod confinement;
mod copy;
mod denied_files;
mod denied_users;
mod digest;
mod directory_messages;
mod doctor;
mod facts;
mod failed_uploads;
mod full_disk;
mod hammer;
mod hidden_files;
mod hidden_uploads;
mod in_step;
mod kick;
mod languages;
mod large;
mod limits;
mod listing;
mod local_users;
mod locks;
mod login;
mod mode_b;
mod mode_z;
mod modify;
mod moments;
mod navigation;
mod newcomers;
mod odd_modules;
mod orders;
mod pam_sessions;
mod parameters;
mod passive;
mod pool;
mod privileges;
mod ranges;
mod readers;
mod regressions;
mod representation;
mod site;
mod small_options;
mod space;
mod startup;
#[path = "../support/mod.rs"]
mod support;
mod table;
mod timeouts;
mod trace;
mod transfers;
mod unique;
mod welcome;
mod wildcards;
mod withheld_commands;
mod wrappers;
