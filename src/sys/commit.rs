//! What makes a file of bytes that were written: a name for a file that has
//! none, and the disk's word that it is there.
//!
//! linkat(2), renameat2(2), fsync(2), syncfs(2), close(2).

use super::Result;
use super::error::{Error, check, retry};
use super::file::c_name;
use std::ffi::CStr;
use std::os::fd::{AsRawFd, BorrowedFd, IntoRawFd};
use std::sync::OnceLock;

/// Whether this process can give a name to a file that was opened with
/// O_TMPFILE: without /proc no way is sure to be open to it.
pub fn can_name_unnamed() -> bool {
    static KNOWN: OnceLock<bool> = OnceLock::new();
    *KNOWN.get_or_init(|| std::fs::exists("/proc/self/fd").unwrap_or(false))
}

/// Gives `file`, opened with O_TMPFILE, the name `name` in `directory`.
/// Never replaces anything.
///
/// # Errors
/// linkat's own, EEXIST among them.
pub fn name_unnamed(file: BorrowedFd<'_>, directory: BorrowedFd<'_>, name: &[u8]) -> Result<()> {
    let to = (directory, name);
    match link((file, c""), to, libc::AT_EMPTY_PATH) {
        // How the kernel says that this needs CAP_DAC_READ_SEARCH or, from
        // 6.10 on, the credentials with which the file was opened.
        Err(error) if error.errno() == libc::ENOENT => {}
        result => return result,
    }
    let path = format!("/proc/self/fd/{}", file.as_raw_fd());
    let path = c_name("linkat", path.as_bytes())?;
    // The directory is not looked at where the path is absolute.
    link((file, &path), to, libc::AT_SYMLINK_FOLLOW)
}

/// linkat(2) of `from` in `directory` to `to` in the same.
///
/// # Errors
/// linkat's own; EPERM where the file system has no hard links.
pub fn link_at(directory: BorrowedFd<'_>, from: &[u8], to: &[u8]) -> Result<()> {
    let from = c_name("linkat", from)?;
    link((directory, &from), (directory, to), 0)
}

fn link(
    (from, old): (BorrowedFd<'_>, &CStr),
    (to, name): (BorrowedFd<'_>, &[u8]),
    flags: i32,
) -> Result<()> {
    let new = c_name("linkat", name)?;
    // SAFETY: both names end in NUL and outlive the call.
    check("linkat", unsafe {
        libc::linkat(
            from.as_raw_fd(),
            old.as_ptr(),
            to.as_raw_fd(),
            new.as_ptr(),
            flags,
        )
    })
    .map(drop)
    .map_err(|error| error.on(name))
}

/// Renames `from` to `to` within `directory` unless `to` exists.
///
/// # Errors
/// renameat2's own: EEXIST, and EINVAL or ENOSYS where the file system or the
/// kernel has no such promise to make.
pub fn rename_new_at(directory: BorrowedFd<'_>, from: &[u8], to: &[u8]) -> Result<()> {
    let old = c_name("renameat2", from)?;
    let new = c_name("renameat2", to)?;
    // SAFETY: both names end in NUL and outlive the call; called directly
    // because musl has no wrapper.
    let result = unsafe {
        libc::syscall(
            libc::SYS_renameat2,
            directory.as_raw_fd(),
            old.as_ptr(),
            directory.as_raw_fd(),
            new.as_ptr(),
            libc::RENAME_NOREPLACE,
        )
    };
    if result < 0 {
        return Err(Error::last("renameat2").on(to));
    }
    Ok(())
}

/// fsync(2): waits until the disk has the file, or the directory.
///
/// # Errors
/// fsync's own: EIO, ENOSPC, EDQUOT; EBADF for O_PATH.
pub fn sync(file: BorrowedFd<'_>) -> Result<()> {
    retry(|| {
        // SAFETY: only an integer is passed.
        check("fsync", unsafe { libc::fsync(file.as_raw_fd()) })
    })
    .map(drop)
}

/// syncfs(2): the same for all of the file system that `file` is on.
///
/// # Errors
/// syncfs's own.
pub fn sync_file_system(file: BorrowedFd<'_>) -> Result<()> {
    // SAFETY: only an integer is passed.
    check("syncfs", unsafe { libc::syncfs(file.as_raw_fd()) }).map(drop)
}

/// What close(2) has to say about `file`, which stays open: file systems of
/// the network tell there of a full disk or a quota.
///
/// # Errors
/// Of writes that seemed to succeed.
pub fn flush(file: BorrowedFd<'_>) -> Result<()> {
    let twin = file.try_clone_to_owned();
    let twin = twin.map_err(Error::of("fcntl F_DUPFD_CLOEXEC"))?;
    // SAFETY: the descriptor was just made, is owned and given away here, so
    // nobody closes it again; whatever close says, it is gone (close(2), on
    // EINTR too).
    match check("close", unsafe { libc::close(twin.into_raw_fd()) }) {
        Err(error) if error.errno() != libc::EINTR => Err(error),
        _ => Ok(()),
    }
}
