//! What a process sheds at its start.

use crate::child::{status, well};
use crate::{apart, call};
use ironftpd::sys::process::{
    clear_environment, close_inherited, forbid_core_files, forbid_dumps, forbid_new_privileges,
    threads,
};
use std::fs::File;

fn is_open(descriptor: i32) -> bool {
    call(
        libc::SYS_fcntl,
        [descriptor as usize, libc::F_GETFD as usize, 0, 0, 0, 0],
    )
    .is_ok()
}

#[test]
fn inherited_descriptors_are_closed_but_for_those_kept() {
    well(|| {
        let files: Vec<i32> = (0..6)
            .map(|_| File::open("/dev/null").unwrap())
            .map(std::os::fd::IntoRawFd::into_raw_fd)
            .collect();
        let kept = [files[4], files[1], 0];
        let before = [0, 1, 2].map(is_open);
        close_inherited(&kept).unwrap();
        for (at, &file) in files.iter().enumerate() {
            assert_eq!(is_open(file), at == 1 || at == 4, "{at}");
        }
        assert_eq!([0, 1, 2].map(is_open), before);
        // Nothing to close is no error, nor is keeping what is not open.
        close_inherited(&[files[0], files[1]]).unwrap();
        assert!(is_open(files[1]) && !is_open(files[4]));
        close_inherited(&[]).unwrap();
        assert!(!is_open(files[1]));
    });
}

#[test]
fn the_environment_keeps_what_is_wanted() {
    well(|| {
        clear_environment(|name| name == "PATH" || name == "TZ").unwrap();
        let left: Vec<_> = std::env::vars_os().map(|(name, _)| name).collect();
        assert!(std::env::var_os("PATH").is_some());
        assert!(
            left.iter().all(|name| name == "PATH" || name == "TZ"),
            "{left:?}"
        );
    });
}

#[test]
fn the_environment_of_a_process_with_threads_is_left_alone() {
    let error = apart(|| clear_environment(|_| false).unwrap_err());
    assert_eq!(error.errno(), libc::EBUSY);
    assert!(threads().unwrap() > 1);
    assert!(std::env::vars_os().count() > 0);
}

#[test]
fn no_execve_gives_privileges_and_no_dump_shows_secrets() {
    well(|| {
        assert_eq!(status("NoNewPrivs"), "0");
        forbid_new_privileges().unwrap();
        forbid_dumps().unwrap();
        forbid_core_files().unwrap();
        apart(|| assert_eq!(status("NoNewPrivs"), "1", "a thread born later"));
        let dumpable = call(
            libc::SYS_prctl,
            [libc::PR_GET_DUMPABLE as usize, 0, 0, 0, 0, 0],
        );
        assert_eq!(dumpable, Ok(0));
        // Its own descriptors a process finds there all the same; uploads
        // without a name need them.
        std::fs::read_dir("/proc/self/fd").unwrap();
        let mut limit = libc::rlimit {
            rlim_cur: 1,
            rlim_max: 1,
        };
        // SAFETY: `limit` is a live rlimit that the call fills.
        let result = unsafe { libc::getrlimit(libc::RLIMIT_CORE, &raw mut limit) };
        assert_eq!(result, 0);
        assert_eq!((limit.rlim_cur, limit.rlim_max), (0, 0));
    });
}
