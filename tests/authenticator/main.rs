//! The authenticator with real accounts, real PAM and real processes, as root.
//!
//! It is forked before there are threads, and cargo's test harness has some
//! from its first moment on. So this target has a harness of its own: start
//! every authenticator the tests need, then run them one after the other.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::print_stdout,
    clippy::print_stderr
)]

mod answers;
mod processes;
mod secrets;
mod sessions;
#[path = "../support/mod.rs"]
mod support;
mod trouble;
mod world;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;

use support::{is_root, left_out};
use world::{Authenticators, World};

/// A test: its name, and what it does.
pub type Case = (&'static str, fn(&World, &Authenticators));

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [mode, service] = arguments.as_slice()
        && mode == "--hold"
    {
        processes::hold(service);
    }
    if arguments.iter().any(|argument| argument == "--list") {
        return ExitCode::SUCCESS;
    }
    if !is_root() {
        left_out("local accounts are made and checked by root alone");
        println!("test result: ok. 0 passed; 0 failed; 1 ignored");
        return ExitCode::SUCCESS;
    }
    // Inherited by every authenticator, which must not keep it.
    let listener = processes::listen();
    let world = World::new();
    let authenticators = Authenticators::start(&world);
    let wanted: Vec<&String> = arguments
        .iter()
        .filter(|word| !word.starts_with('-'))
        .collect();
    let all = [
        answers::CASES,
        trouble::CASES,
        sessions::CASES,
        secrets::CASES,
        processes::CASES,
    ];
    let (mut passed, mut failed) = (0, 0);
    for (name, test) in all.into_iter().flatten() {
        if !wanted.is_empty() && !wanted.iter().any(|word| name.contains(word.as_str())) {
            continue;
        }
        let fine = catch_unwind(AssertUnwindSafe(|| test(&world, &authenticators))).is_ok();
        println!("test {name} ... {}", if fine { "ok" } else { "FAILED" });
        if fine { passed += 1 } else { failed += 1 }
    }
    drop(listener);
    println!(
        "test result: {}. {passed} passed; {failed} failed; 0 ignored",
        if failed == 0 { "ok" } else { "FAILED" }
    );
    if failed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
