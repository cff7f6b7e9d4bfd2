//! Files and directories by descriptor: openat2(2), statx(2), getdents64(2)
//! and the calls that change a (parent directory, name) pair.
//!
//! Names are byte strings; a NUL inside one is answered with EINVAL before
//! the kernel is asked. O_CLOEXEC and O_NOCTTY are added here, never by
//! callers.

use super::Result;
use super::error::{Error, check, check_length, retry};
use std::ffi::CString;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

/// How openat2 is asked; see openat2(2) for each flag.
#[derive(Clone, Copy)]
pub struct OpenHow {
    /// `libc::O_*`.
    pub flags: i32,
    /// Permission bits of a file that gets created; 0 unless O_CREAT is set.
    pub mode: u32,
    /// `libc::RESOLVE_*`.
    pub resolve: u64,
}

/// File attributes as statx(2) gives them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attributes {
    /// Type and permission bits (`S_IFMT` and below).
    pub mode: u32,
    /// Number of hard links.
    pub links: u64,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Bytes.
    pub size: u64,
    /// Inode number.
    pub inode: u64,
    /// Device the file is on: major, minor.
    pub device: (u32, u32),
    /// Device the file is, for device files: major, minor.
    pub special: (u32, u32),
    /// Last modification: seconds since 1970, nanoseconds.
    pub modified: (i64, u32),
    /// Last access, likewise.
    pub accessed: (i64, u32),
    /// When it was made, likewise, if the file system keeps that.
    pub created: Option<(i64, u32)>,
}

impl Attributes {
    fn kind(&self) -> u32 {
        self.mode & libc::S_IFMT
    }

    /// Whether this is a regular file.
    #[must_use]
    pub fn is_file(&self) -> bool {
        self.kind() == libc::S_IFREG
    }

    /// Whether this is a directory.
    #[must_use]
    pub fn is_directory(&self) -> bool {
        self.kind() == libc::S_IFDIR
    }

    /// Whether this is a symbolic link.
    #[must_use]
    pub fn is_symlink(&self) -> bool {
        self.kind() == libc::S_IFLNK
    }

    /// Whether this is a socket.
    #[must_use]
    pub fn is_socket(&self) -> bool {
        self.kind() == libc::S_IFSOCK
    }

    /// Whether this is a block or character device.
    #[must_use]
    pub fn is_device(&self) -> bool {
        matches!(self.kind(), libc::S_IFBLK | libc::S_IFCHR)
    }
}

pub(super) fn c_name(call: &'static str, name: &[u8]) -> Result<CString> {
    CString::new(name).map_err(|_| Error::new(call, libc::EINVAL).on(name))
}

/// openat2(2): opens `path` beneath `directory` as `how` says.
///
/// # Errors
/// openat2's own; ENOSYS on kernels before 5.6.
pub fn openat2(directory: BorrowedFd<'_>, path: &[u8], how: OpenHow) -> Result<OwnedFd> {
    let name = c_name("openat2", path)?;
    // SAFETY: open_how is a plain struct of integers, for which all zeros is a value.
    let mut request: libc::open_how = unsafe { std::mem::zeroed() };
    let mut flags = how.flags | libc::O_CLOEXEC;
    // openat2 refuses flags that mean nothing, as O_NOCTTY does with O_PATH.
    if flags & libc::O_PATH == 0 {
        flags |= libc::O_NOCTTY;
    }
    request.flags = u64::from(flags.cast_unsigned());
    request.mode = u64::from(how.mode);
    request.resolve = how.resolve;
    retry(|| {
        // SAFETY: `name` ends in NUL and outlives the call; `request` is a whole
        // open_how and its size is passed with it.
        let fd = unsafe {
            libc::syscall(
                libc::SYS_openat2,
                directory.as_raw_fd(),
                name.as_ptr(),
                &raw const request,
                size_of::<libc::open_how>(),
            )
        };
        let Ok(fd) = i32::try_from(fd) else {
            return Err(Error::new("openat2", libc::EBADF));
        };
        check("openat2", fd).map_err(|error| error.on(path))?;
        // SAFETY: the kernel just returned this descriptor; nobody else has it.
        Ok(unsafe { OwnedFd::from_raw_fd(fd) })
    })
}

/// statx(2) on `name` in `directory`, the link itself if it is one.
/// An empty `name` means the descriptor's own file.
///
/// # Errors
/// statx's own.
pub fn attributes_at(directory: BorrowedFd<'_>, name: &[u8]) -> Result<Attributes> {
    // Directory entries are statted by the hundred thousand: the name goes
    // through a buffer on the stack, not through an allocation.
    let mut buffer = [0u8; 256];
    match buffer.get_mut(..name.len()) {
        Some(space) if name.len() < 256 && !name.contains(&0) => {
            space.copy_from_slice(name);
            statx(directory, buffer.as_ptr().cast()).map_err(|error| error.on(name))
        }
        _ => {
            let name = c_name("statx", name)?;
            statx(directory, name.as_ptr()).map_err(|error| error.on(name.as_bytes()))
        }
    }
}

/// statx(2) on the descriptor itself.
///
/// # Errors
/// statx's own.
pub fn attributes(file: BorrowedFd<'_>) -> Result<Attributes> {
    statx(file, c"".as_ptr())
}

fn statx(directory: BorrowedFd<'_>, name: *const libc::c_char) -> Result<Attributes> {
    // SAFETY: statx is a plain struct of integers, for which all zeros is a value.
    let mut raw: libc::statx = unsafe { std::mem::zeroed() };
    let flags = libc::AT_SYMLINK_NOFOLLOW | libc::AT_EMPTY_PATH | libc::AT_NO_AUTOMOUNT;
    // SAFETY: both callers pass a NUL-terminated name that outlives the call;
    // `raw` is a whole statx buffer.
    check("statx", unsafe {
        libc::statx(
            directory.as_raw_fd(),
            name,
            flags,
            libc::STATX_BASIC_STATS | libc::STATX_BTIME,
            &raw mut raw,
        )
    })?;
    let moment = |time: libc::statx_timestamp| (time.tv_sec, time.tv_nsec);
    Ok(Attributes {
        mode: u32::from(raw.stx_mode),
        links: u64::from(raw.stx_nlink),
        uid: raw.stx_uid,
        gid: raw.stx_gid,
        size: raw.stx_size,
        inode: raw.stx_ino,
        device: (raw.stx_dev_major, raw.stx_dev_minor),
        special: (raw.stx_rdev_major, raw.stx_rdev_minor),
        modified: moment(raw.stx_mtime),
        accessed: moment(raw.stx_atime),
        created: (raw.stx_mask & libc::STATX_BTIME != 0).then(|| moment(raw.stx_btime)),
    })
}

/// getdents64(2): fills `buffer` with raw directory records and returns how
/// many bytes they take; 0 at the end. [`entries`] reads the records.
///
/// # Errors
/// getdents64's own.
pub fn getdents(directory: BorrowedFd<'_>, buffer: &mut [u8]) -> Result<usize> {
    // SAFETY: the kernel writes at most `buffer.len()` bytes to the buffer.
    let length = unsafe {
        libc::syscall(
            libc::SYS_getdents64,
            directory.as_raw_fd(),
            buffer.as_mut_ptr(),
            buffer.len(),
        )
    };
    usize::try_from(length).map_err(|_| Error::last("getdents64"))
}

/// Walks the records [`getdents`] left in `records`, giving each name but
/// `.` and `..`. No unsafe here: the layout (getdents64(2)) is read as bytes,
/// and a record that does not fit ends the walk.
pub fn entries(records: &[u8]) -> impl Iterator<Item = &[u8]> {
    // inode u64, offset u64, record length u16, type u8, then the name.
    const LENGTH_AT: usize = 16;
    const NAME_AT: usize = 19;
    let mut rest = records;
    std::iter::from_fn(move || {
        loop {
            let length = rest.get(LENGTH_AT..LENGTH_AT + 2)?;
            let length = usize::from(u16::from_ne_bytes(length.try_into().ok()?));
            let record = rest.get(..length).filter(|record| record.len() > NAME_AT)?;
            rest = rest.get(length..)?;
            let name = record.get(NAME_AT..)?;
            let name = name.split(|&byte| byte == 0).next()?;
            if name != b"." && name != b".." {
                return Some(name);
            }
        }
    })
}

/// readlinkat(2): the target of the link `name` in `directory`.
///
/// # Errors
/// readlinkat's own; ENAMETOOLONG past 4,096 bytes.
pub fn readlink_at(directory: BorrowedFd<'_>, name: &[u8]) -> Result<Vec<u8>> {
    let name = c_name("readlinkat", name)?;
    let mut target = vec![0u8; 4096];
    // SAFETY: `name` ends in NUL; at most `target.len()` bytes are written.
    let length = check_length("readlinkat", unsafe {
        libc::readlinkat(
            directory.as_raw_fd(),
            name.as_ptr(),
            target.as_mut_ptr().cast(),
            target.len(),
        )
    })?;
    if length == target.len() {
        return Err(Error::new("readlinkat", libc::ENAMETOOLONG));
    }
    target.truncate(length);
    Ok(target)
}

/// mkdirat(2).
///
/// # Errors
/// mkdirat's own.
pub fn mkdir_at(directory: BorrowedFd<'_>, name: &[u8], mode: u32) -> Result<()> {
    let c = c_name("mkdirat", name)?;
    // SAFETY: `c` ends in NUL and outlives the call.
    check("mkdirat", unsafe {
        libc::mkdirat(directory.as_raw_fd(), c.as_ptr(), mode)
    })
    .map(drop)
    .map_err(|error| error.on(name))
}

/// unlinkat(2) of a file that is not a directory.
///
/// # Errors
/// unlinkat's own.
pub fn unlink_at(directory: BorrowedFd<'_>, name: &[u8]) -> Result<()> {
    remove(directory, name, 0)
}

/// unlinkat(2) of an empty directory.
///
/// # Errors
/// unlinkat's own.
pub fn rmdir_at(directory: BorrowedFd<'_>, name: &[u8]) -> Result<()> {
    remove(directory, name, libc::AT_REMOVEDIR)
}

fn remove(directory: BorrowedFd<'_>, name: &[u8], flags: i32) -> Result<()> {
    let c = c_name("unlinkat", name)?;
    // SAFETY: `c` ends in NUL and outlives the call.
    check("unlinkat", unsafe {
        libc::unlinkat(directory.as_raw_fd(), c.as_ptr(), flags)
    })
    .map(drop)
    .map_err(|error| error.on(name))
}

/// renameat(2); an existing target is replaced, as rename(2) says.
///
/// # Errors
/// renameat's own.
pub fn rename_at(from: (BorrowedFd<'_>, &[u8]), to: (BorrowedFd<'_>, &[u8])) -> Result<()> {
    let old = c_name("renameat", from.1)?;
    let new = c_name("renameat", to.1)?;
    // SAFETY: both names end in NUL and outlive the call.
    check("renameat", unsafe {
        libc::renameat(
            from.0.as_raw_fd(),
            old.as_ptr(),
            to.0.as_raw_fd(),
            new.as_ptr(),
        )
    })
    .map(drop)
    .map_err(|error| error.on(from.1))
}

/// Sets the times of access and modification (seconds since 1970,
/// nanoseconds) of the file behind `file`, for which O_PATH will do; `None`
/// leaves one as it is.
///
/// # Errors
/// utimensat's own.
pub fn set_times(
    file: BorrowedFd<'_>,
    accessed: Option<(i64, u32)>,
    modified: Option<(i64, u32)>,
) -> Result<()> {
    let times = [accessed, modified].map(|time| match time {
        Some((seconds, nanoseconds)) => libc::timespec {
            tv_sec: seconds,
            tv_nsec: i64::from(nanoseconds),
        },
        None => libc::timespec {
            tv_sec: 0,
            tv_nsec: libc::UTIME_OMIT,
        },
    });
    // SAFETY: `times` holds the two timespecs the call reads; the name is a
    // NUL-terminated literal.
    check("utimensat", unsafe {
        libc::utimensat(
            file.as_raw_fd(),
            c"".as_ptr(),
            times.as_ptr(),
            libc::AT_EMPTY_PATH,
        )
    })
    .map(drop)
}

/// symlinkat(2): makes the link `name` in `directory`, which holds `text`.
///
/// # Errors
/// symlinkat's own.
pub fn symlink_at(text: &[u8], directory: BorrowedFd<'_>, name: &[u8]) -> Result<()> {
    let held = c_name("symlinkat", text)?;
    let c = c_name("symlinkat", name)?;
    // SAFETY: both strings end in NUL and outlive the call.
    check("symlinkat", unsafe {
        libc::symlinkat(held.as_ptr(), directory.as_raw_fd(), c.as_ptr())
    })
    .map(drop)
    .map_err(|error| error.on(name))
}

/// Sets the permission bits of the file behind `file`, which may be O_PATH.
///
/// # Errors
/// fchmodat2's own; ENOSYS on kernels before 6.6.
pub fn chmod_path(file: BorrowedFd<'_>, mode: u32) -> Result<()> {
    /// fchmodat2 has the same number on every architecture.
    const SYS_FCHMODAT2: libc::c_long = 452;
    // SAFETY: the name is a NUL-terminated literal; the rest are integers.
    let result = unsafe {
        libc::syscall(
            SYS_FCHMODAT2,
            file.as_raw_fd(),
            c"".as_ptr(),
            mode,
            libc::AT_EMPTY_PATH,
        )
    };
    if result < 0 {
        return Err(Error::last("fchmodat2"));
    }
    Ok(())
}

/// fchmod(2), for files opened in earnest.
///
/// # Errors
/// fchmod's own.
pub fn chmod(file: BorrowedFd<'_>, mode: u32) -> Result<()> {
    // SAFETY: only integers are passed.
    check("fchmod", unsafe { libc::fchmod(file.as_raw_fd(), mode) }).map(drop)
}

/// ftruncate(2) to `length` bytes.
///
/// # Errors
/// ftruncate's own; EFBIG when `length` does not fit a file offset.
pub fn truncate(file: BorrowedFd<'_>, length: u64) -> Result<()> {
    let length = libc::off_t::try_from(length).map_err(|_| Error::new("ftruncate", libc::EFBIG))?;
    // SAFETY: only integers are passed.
    check("ftruncate", unsafe {
        libc::ftruncate(file.as_raw_fd(), length)
    })
    .map(drop)
}

/// Whether the calling thread may use the file behind `file` (O_PATH will
/// do) in the ways `mode` names: `R_OK`, `W_OK`, `X_OK`, by its effective
/// ids. True where the kernel, before 5.8, cannot tell: the next call that
/// needs the right will.
#[must_use]
pub fn may_access(file: BorrowedFd<'_>, mode: i32) -> bool {
    // glibc's faccessat refuses AT_EMPTY_PATH before 2.33, so the call is
    // made directly.
    // SAFETY: the name is a NUL-terminated literal; the rest are integers.
    let result = unsafe {
        libc::syscall(
            libc::SYS_faccessat2,
            file.as_raw_fd(),
            c"".as_ptr(),
            mode,
            libc::AT_EACCESS | libc::AT_EMPTY_PATH,
        )
    };
    result == 0 || Error::last("faccessat2").errno() == libc::ENOSYS
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::fd::AsFd;

    #[test]
    fn a_directory_gives_its_names_without_the_dots() {
        let place = std::env::temp_dir().join(format!("ironftpd-getdents-{}", std::process::id()));
        std::fs::create_dir_all(place.join("sub")).unwrap();
        std::fs::write(place.join("a b"), b"x").unwrap();
        let directory = std::fs::File::open(&place).unwrap();
        let mut buffer = vec![0; 4096];
        let length = getdents(directory.as_fd(), &mut buffer).unwrap();
        let mut names: Vec<_> = entries(&buffer[..length]).map(<[u8]>::to_vec).collect();
        names.sort();
        assert_eq!(names, [b"a b".to_vec(), b"sub".to_vec()]);
        assert_eq!(getdents(directory.as_fd(), &mut buffer).unwrap(), 0);
        let found = attributes_at(directory.as_fd(), b"a b").unwrap();
        assert!(found.is_file() && found.size == 1);
        std::fs::remove_dir_all(&place).unwrap();
    }

    #[test]
    fn records_cut_short_end_the_walk() {
        assert_eq!(entries(&[0; 10]).count(), 0);
        assert_eq!(entries(&[0xFF; 64]).count(), 0);
        assert_eq!(entries(&[0; 64]).count(), 0);
    }

    #[test]
    fn a_name_with_nul_is_refused_before_the_kernel_sees_it() {
        let directory = std::fs::File::open("/").unwrap();
        let error = attributes_at(directory.as_fd(), b"etc\0x").unwrap_err();
        assert_eq!(error.errno(), libc::EINVAL);
    }
}
