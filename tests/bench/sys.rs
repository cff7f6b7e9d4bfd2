//! Every `unsafe` block of the benchmark, as plain functions.
//!
//! The calls the standard library does not have: `sendfile`, `splice`, a
//! discarding `recv`, `getdents64` with `statx`, the thread's CPU clock, and
//! what a server's process does between `fork` and `exec`. Nothing here knows
//! FTP.

use std::ffi::{CStr, CString};
use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::Command;

fn check(result: libc::ssize_t) -> io::Result<usize> {
    if result < 0 {
        Err(io::Error::last_os_error())
    } else {
        Ok(result as usize)
    }
}

/// Sends up to `len` bytes of `file` from its own offset on.
pub fn sendfile(socket: &impl AsRawFd, file: &File, len: usize) -> io::Result<usize> {
    // SAFETY: both descriptors are borrowed for the call; a null offset makes
    // the kernel use the file's own, so no memory of ours is touched.
    check(unsafe {
        libc::sendfile(
            socket.as_raw_fd(),
            file.as_raw_fd(),
            std::ptr::null_mut(),
            len,
        )
    })
}

/// Takes up to `len` bytes off a TCP socket without copying them out
/// (`MSG_TRUNC`, tcp(7)); 0 at the end of the stream.
pub fn discard(socket: &impl AsRawFd, len: usize) -> io::Result<usize> {
    // SAFETY: with MSG_TRUNC a TCP socket never writes to the buffer, so a null
    // one is what tcp(7) allows.
    check(unsafe {
        libc::recv(
            socket.as_raw_fd(),
            std::ptr::null_mut(),
            len,
            libc::MSG_TRUNC,
        )
    })
}

/// A pipe of `size` bytes, as (read end, write end).
pub fn pipe(size: i32) -> io::Result<(OwnedFd, OwnedFd)> {
    let mut ends = [0; 2];
    // SAFETY: `ends` has room for the two descriptors pipe2 writes.
    check(unsafe { libc::pipe2(ends.as_mut_ptr(), libc::O_CLOEXEC) } as isize)?;
    // SAFETY: pipe2 succeeded, so both numbers are open and nobody else's.
    let pair = unsafe { (OwnedFd::from_raw_fd(ends[0]), OwnedFd::from_raw_fd(ends[1])) };
    // SAFETY: the descriptor is open and F_SETPIPE_SZ takes a plain integer.
    check(unsafe { libc::fcntl(ends[1], libc::F_SETPIPE_SZ, size) } as isize)?;
    Ok(pair)
}

/// Moves up to `len` bytes between two descriptors, one of them a pipe.
pub fn splice(from: &impl AsRawFd, to: &impl AsRawFd, len: usize) -> io::Result<usize> {
    let none = std::ptr::null_mut();
    // SAFETY: null offsets mean the descriptors' own; nothing else is passed by
    // address.
    check(unsafe {
        libc::splice(
            from.as_raw_fd(),
            none,
            to.as_raw_fd(),
            none,
            len,
            libc::SPLICE_F_MOVE,
        )
    })
}

/// One reading of a directory with `getdents64` (256 KiB at a time) and, where
/// asked, one `statx` per entry: the least a listing can cost. Returns the
/// number of entries without `.` and `..`.
pub fn scan(dir: &File, stat: bool) -> io::Result<usize> {
    let mut buffer = vec![0u64; 32 * 1024];
    let bytes = size_of_val(buffer.as_slice());
    let mut entries = 0;
    loop {
        // SAFETY: the buffer is writable, aligned for linux_dirent64 and `bytes` long.
        let filled = check(unsafe {
            libc::syscall(
                libc::SYS_getdents64,
                dir.as_raw_fd(),
                buffer.as_mut_ptr(),
                bytes,
            )
        } as isize)?;
        if filled == 0 {
            return Ok(entries);
        }
        let base = buffer.as_ptr().cast::<u8>();
        let mut at = 0;
        while at < filled {
            // SAFETY: the kernel filled `filled` bytes with whole records; a
            // record has its length as u16 at offset 16 and its NUL-ended name
            // at 19, and `at` is the start of one.
            let (length, name) = unsafe {
                let record = base.add(at);
                (
                    record.add(16).cast::<u16>().read_unaligned(),
                    CStr::from_ptr(record.add(19).cast()),
                )
            };
            if name != c"." && name != c".." {
                if stat {
                    statx(dir, name)?;
                }
                entries += 1;
            }
            at += usize::from(length);
        }
    }
}

fn statx(dir: &File, name: &CStr) -> io::Result<()> {
    // SAFETY: statx is plain integers, for which all zeroes is a value.
    let mut status: libc::statx = unsafe { std::mem::zeroed() };
    let flags = libc::AT_SYMLINK_NOFOLLOW | libc::AT_STATX_DONT_SYNC;
    // SAFETY: the name is NUL-ended and `status` is writable for the call.
    let result = unsafe {
        libc::statx(
            dir.as_raw_fd(),
            name.as_ptr(),
            flags,
            libc::STATX_BASIC_STATS,
            &mut status,
        )
    };
    std::hint::black_box(&status);
    check(result as isize).map(drop)
}

/// CPU seconds the calling thread has used.
pub fn thread_cpu() -> f64 {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: `time` is writable for the call; the clock always exists on Linux.
    unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &mut time) };
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

/// Clock ticks a second, the unit of `/proc/PID/stat`.
pub fn ticks_per_second() -> f64 {
    // SAFETY: sysconf takes a number and touches no memory.
    unsafe { libc::sysconf(libc::_SC_CLK_TCK) as f64 }
}

/// Whether this process is root.
pub fn is_root() -> bool {
    // SAFETY: geteuid touches no memory and cannot fail.
    unsafe { libc::geteuid() == 0 }
}

/// Bytes free to this process on the file system of `path`; 0 if it cannot be told.
pub fn room(path: &CStr) -> u64 {
    // SAFETY: statvfs is plain integers, for which all zeroes is a value.
    let mut status: libc::statvfs = unsafe { std::mem::zeroed() };
    // SAFETY: the path is NUL-ended and `status` is writable for the call.
    match unsafe { libc::statvfs(path.as_ptr(), &mut status) } {
        0 => status.f_bavail * status.f_frsize,
        _ => 0,
    }
}

/// Raises the soft limit of open descriptors to the hard one and returns it.
pub fn raise_descriptors() -> u64 {
    let mut limit = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: `limit` is writable for the first call and readable for the second.
    unsafe {
        libc::getrlimit(libc::RLIMIT_NOFILE, &mut limit);
        limit.rlim_cur = limit.rlim_max;
        libc::setrlimit(libc::RLIMIT_NOFILE, &limit);
    }
    limit.rlim_max
}

/// Puts off the choice of a local port from bind to connect, where the kernel
/// may take any port that is free for that one peer (ip(7)).
pub fn bind_address_no_port(socket: &impl AsRawFd) -> io::Result<()> {
    let on: libc::c_int = 1;
    // SAFETY: the option's value is an int, and its address and size are given.
    check(unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            libc::IPPROTO_IP,
            libc::IP_BIND_ADDRESS_NO_PORT,
            (&raw const on).cast(),
            size_of_val(&on) as libc::socklen_t,
        )
    } as isize)
    .map(drop)
}

/// Sends a signal to one process; a process already gone is no error.
pub fn kill(pid: u32, signal: i32) {
    if pid > 1 && pid <= i32::MAX as u32 {
        // SAFETY: kill takes two numbers; a pid above one names one process.
        unsafe { libc::kill(pid as i32, signal) };
    }
}

/// Makes this process the parent of whatever its servers leave behind, so that
/// it can be reaped: some containers have a first process that does not, and
/// 10,000 sessions of two processes each would use up the process numbers.
pub fn adopt_orphans() {
    // SAFETY: this prctl takes one number.
    unsafe { libc::prctl(libc::PR_SET_CHILD_SUBREAPER, 1) };
}

/// Reaps the child of that number if it has ended.
pub fn reap(pid: u32) {
    let mut status = 0;
    // SAFETY: `status` is writable for the call.
    unsafe { libc::waitpid(pid as i32, &mut status, libc::WNOHANG) };
}

fn ending_signals() -> libc::sigset_t {
    // SAFETY: sigemptyset makes the zeroed set valid before sigaddset reads it.
    unsafe {
        let mut set = std::mem::zeroed();
        libc::sigemptyset(&mut set);
        for signal in [libc::SIGINT, libc::SIGTERM, libc::SIGHUP] {
            libc::sigaddset(&mut set, signal);
        }
        set
    }
}

/// Blocks SIGINT, SIGTERM and SIGHUP in this thread and those born of it, so
/// that [`wait_for_ending`] alone receives them.
pub fn block_ending() {
    // SAFETY: the set is initialised and outlives the call; the old one is not asked for.
    unsafe { libc::pthread_sigmask(libc::SIG_BLOCK, &ending_signals(), std::ptr::null_mut()) };
}

/// Waits for one of the signals of [`block_ending`].
pub fn wait_for_ending() -> i32 {
    let mut signal = 0;
    // SAFETY: the set is initialised and `signal` is writable for the call.
    unsafe { libc::sigwait(&ending_signals(), &mut signal) };
    signal
}

/// What a server's process does between fork and exec.
pub struct Birth {
    /// The `cgroup.procs` file of the group it is to join.
    pub group: Option<File>,
    /// A directory to be seen as /etc by this process alone.
    pub etc: Option<CString>,
}

/// Runs the steps of `birth` in the child. The child dies with the calling
/// thread, which therefore must be one that lasts.
pub fn prepare(command: &mut Command, birth: Birth) {
    let steps = move || -> io::Result<()> {
        if let Some(group) = &birth.group {
            // SAFETY: the descriptor is open and the one byte is readable; "0"
            // stands for the writing process (cgroups(7)).
            check(unsafe { libc::write(group.as_raw_fd(), c"0".as_ptr().cast(), 1) })?;
        }
        if let Some(etc) = &birth.etc {
            let none = std::ptr::null();
            let private = libc::MS_REC | libc::MS_PRIVATE;
            // SAFETY: every path is NUL-ended; the new mount namespace is this
            // child's own, so the bind is seen by no other process.
            unsafe {
                check(libc::unshare(libc::CLONE_NEWNS) as isize)?;
                check(libc::mount(none, c"/".as_ptr(), none, private, none.cast()) as isize)?;
                let to = c"/etc".as_ptr();
                check(libc::mount(etc.as_ptr(), to, none, libc::MS_BIND, none.cast()) as isize)?;
            }
        }
        // SAFETY: the set is initialised; prctl with these two arguments takes
        // numbers only.
        unsafe {
            libc::pthread_sigmask(libc::SIG_UNBLOCK, &ending_signals(), std::ptr::null_mut());
            check(libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGTERM) as isize)?;
        }
        Ok(())
    };
    // SAFETY: the steps are bare system calls on values made before the fork:
    // they allocate nothing and take no lock.
    unsafe { command.pre_exec(steps) };
}
