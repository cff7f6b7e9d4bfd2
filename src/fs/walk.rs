//! The walk from a root to what a pathname leads to: openat2(2) beneath the
//! root, and never into the kernel's own file systems.
//!
//! A session whose root has /proc or /sys in it (a user's who sees the whole
//! machine, or a home with a mount too many) could read its own server there:
//! open files, memory, other users' processes. So what comes to lie on such a
//! file system is not given out, unless the root itself is on one. Nothing is
//! checked before it is used: the question is put to the opened file.
#![forbid(unsafe_code)]

use crate::sys;
use crate::sys::file::{self, OpenHow};
use crate::sys::space::file_system;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// openat2 gives EAGAIN when a rename anywhere on the system may have
/// disturbed the walk along `..`; more than a few in a row is an attack or a
/// very busy disk, and an error either way.
const ATTEMPTS: usize = 32;

/// Types of the file systems in which the kernel tells of itself and takes
/// orders (statfs(2), linux/magic.h).
const KERNELS: &[i64] = &[
    0x9fa0,      // proc
    0x6265_6572, // sysfs
    0x6462_6720, // debugfs
    0x7472_6163, // tracefs
    0x7363_6673, // securityfs
    0x6265_6570, // configfs
    0x0027_e0eb, // cgroup
    0x6367_7270, // cgroup2
    0xcafe_4a11, // bpf
    0xf97c_ff8c, // selinux
    0xde5e_81e4, // efivarfs
    0x6165_676c, // pstore
    0x4249_4e4d, // binfmt_misc
    0x6e73_6673, // nsfs
    0x6573_5543, // fusectl, whose files end other users' mounts
    0x5a3c_69f0, // apparmorfs
    0x4341_5d53, // smackfs
    0x0765_5821, // resctrl
    0x6e66_7364, // nfsd
    0x6759_6969, // rpc_pipefs
    0xabba_1974, // xenfs
    0x0000_9fa1, // openpromfs
    0x0000_9fa2, // usbdevfs
];

/// Whether `opened` lies on one of the kernel's own file systems.
///
/// # Errors
/// fstatfs's own.
pub(super) fn is_kernels(opened: BorrowedFd<'_>) -> Result<bool, sys::Error> {
    Ok(KERNELS.contains(&file_system(opened)?))
}

/// What a walk does with links on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Links {
    /// Follows them, within the root.
    Follow,
    /// Fails with ELOOP.
    Refuse,
}

/// Opens `path` beneath `root`. With `guarded` what lies on one of the
/// kernel's own file systems is refused with EACCES.
///
/// # Errors
/// openat2's own.
pub(super) fn open(
    root: BorrowedFd<'_>,
    (guarded, links): (bool, Links),
    path: &[u8],
    flags: i32,
    mode: u32,
) -> Result<OwnedFd, sys::Error> {
    let mut resolve = libc::RESOLVE_IN_ROOT | libc::RESOLVE_NO_MAGICLINKS;
    if links == Links::Refuse {
        resolve |= libc::RESOLVE_NO_SYMLINKS;
    }
    if !guarded {
        return attempt(root, path, flags, mode, resolve);
    }
    // Nearly all walks stay on the root's own mount, and that is known not to
    // be the kernel's: they cost no further call.
    match attempt(root, path, flags, mode, resolve | libc::RESOLVE_NO_XDEV) {
        Err(error) if error.errno() == libc::EXDEV => {}
        result => return result,
    }
    let opened = attempt(root, path, flags, mode, resolve)?;
    if is_kernels(opened.as_fd())? {
        return Err(sys::Error::new("openat2", libc::EACCES).on(path));
    }
    Ok(opened)
}

fn attempt(
    root: BorrowedFd<'_>,
    path: &[u8],
    flags: i32,
    mode: u32,
    resolve: u64,
) -> Result<OwnedFd, sys::Error> {
    let how = OpenHow {
        flags,
        mode,
        resolve,
    };
    let mut attempts = 1;
    loop {
        match file::openat2(root, path, how) {
            Err(error) if error.would_block() && attempts < ATTEMPTS => attempts += 1,
            result => return result,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;

    fn opened(root: &str, guarded: bool, path: &str) -> Result<OwnedFd, i32> {
        let root = File::open(root).unwrap();
        let path = path.as_bytes();
        open(
            root.as_fd(),
            (guarded, Links::Follow),
            path,
            libc::O_RDONLY,
            0,
        )
        .map_err(|error| error.errno())
    }

    #[test]
    fn the_kernel_s_own_files_are_refused_from_outside() {
        for path in [
            "proc",
            "proc/self/status",
            "proc/sys/kernel/hostname",
            "sys",
            "sys/kernel",
        ] {
            assert_eq!(opened("/", true, path).err(), Some(libc::EACCES), "{path}");
            assert!(opened("/", false, path).is_ok(), "{path}");
        }
        assert_eq!(opened("/", true, "proc/none").err(), Some(libc::ENOENT));
    }

    #[test]
    fn other_mounts_are_served() {
        // Whatever is mounted where on this machine, /dev is no part of /.
        assert!(opened("/", true, "dev").is_ok());
        assert!(opened("/", true, "dev/null").is_ok());
        assert!(opened("/", true, "etc/passwd").is_ok());
    }

    #[test]
    fn the_kernel_s_file_systems_are_known() {
        assert_eq!(is_kernels(File::open("/proc").unwrap().as_fd()), Ok(true));
        assert_eq!(is_kernels(File::open("/sys").unwrap().as_fd()), Ok(true));
        assert_eq!(is_kernels(File::open("/").unwrap().as_fd()), Ok(false));
    }
}
