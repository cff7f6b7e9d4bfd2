//! A forked child with one thread, for what concerns a whole process.

use crate::support::PATIENCE;
use crate::support::process::run;
use std::io::Read;
use std::os::unix::net::UnixStream;
use std::os::unix::process::ExitStatusExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::{Command, ExitStatus};

/// Runs `work` in a forked child and gives how that ended: with 0, or with 1
/// after a panic, whose words stand on standard error.
///
/// The child has only the calling thread, so `work` may not wait for others,
/// nor for a lock that another held (glibc puts the allocator's right).
pub fn child(work: impl FnOnce()) -> ExitStatus {
    let (mut here, there) = UnixStream::pair().unwrap();
    // SAFETY: the child runs `work` and leaves by _exit, so nothing of this
    // process is dropped twice.
    let pid = unsafe { libc::fork() };
    assert!(pid >= 0, "{}", std::io::Error::last_os_error());
    if pid == 0 {
        drop(here);
        let whole = catch_unwind(AssertUnwindSafe(work)).is_ok();
        // SAFETY: leaves at once, without destructors.
        unsafe { libc::_exit(i32::from(!whole)) };
    }
    // Reading ends when the child does, and all that inherited from it.
    drop(there);
    here.set_read_timeout(Some(PATIENCE)).unwrap();
    let ended = here.read(&mut [0]).is_ok_and(|length| length == 0);
    let mut status = 0;
    // SAFETY: `pid` is our child and has not been waited for.
    unsafe {
        if !ended {
            libc::kill(pid, libc::SIGKILL);
        }
        libc::waitpid(pid, &raw mut status, 0);
    }
    assert!(ended, "the child did not end in time");
    ExitStatus::from_raw(status)
}

/// The same, for work that has to succeed.
#[track_caller]
pub fn well(work: impl FnOnce()) {
    let status = child(work);
    assert!(status.success(), "the child ended with {status}");
}

/// Runs `work` in a process that runs this test and no other: for what all
/// threads of a process share, a forked child included.
#[track_caller]
pub fn alone(work: impl FnOnce()) {
    const MARK: &str = "IRONFTPD_TEST_ALONE";
    if std::env::var_os(MARK).is_some() {
        return work();
    }
    let name = std::thread::current().name().unwrap().to_owned();
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["--exact", &name, "--nocapture"])
        .env(MARK, "1");
    run(&mut command, b"", PATIENCE).succeed();
}

/// A field of /proc/thread-self/status, with single blanks.
pub fn status(name: &str) -> String {
    let text = std::fs::read_to_string("/proc/thread-self/status").unwrap();
    let found = text.lines().find_map(|line| {
        let (field, value) = line.split_once(':')?;
        (field == name).then(|| value.split_whitespace().collect::<Vec<_>>().join(" "))
    });
    found.unwrap_or_else(|| panic!("no {name} in {text}"))
}
