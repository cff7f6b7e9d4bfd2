//! The pieces of confinement, each tried alone in threads of this process:
//! identities, capabilities, Landlock, seccomp, and what a process sheds at
//! its start.
//!
//! A wall cannot be taken down again, so every test raises it in a thread of
//! its own, and what concerns a whole process in a forked child.

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

mod capability;
mod child;
mod identity;
mod landlock;
mod planted;
mod process;
mod seccomp;
mod seccomp_arguments;
#[path = "../support/mod.rs"]
mod support;
mod together;
mod unit;

/// Runs `work` in a thread of its own, and hands on its panic.
#[track_caller]
fn apart<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    let done = std::thread::scope(|scope| scope.spawn(work).join());
    done.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// The errno of a failed std call.
#[track_caller]
fn errno<T: std::fmt::Debug>(result: std::io::Result<T>) -> i32 {
    result.unwrap_err().raw_os_error().unwrap()
}

/// Makes a system call with integers for arguments: what it returned, or the
/// errno.
fn call(number: libc::c_long, arguments: [usize; 6]) -> Result<i64, i32> {
    let [a, b, c, d, e, f] = arguments;
    // SAFETY: callers pass calls whose pointers are null or to live values.
    let result = unsafe { libc::syscall(number, a, b, c, d, e, f) };
    if result < 0 {
        return Err(std::io::Error::last_os_error().raw_os_error().unwrap());
    }
    Ok(result)
}
