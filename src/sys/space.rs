//! File systems by a file on them: their room and their type, fstatvfs(3) and
//! fstatfs(2).

use super::Result;
use super::error::{check, retry};
use std::os::fd::{AsRawFd, BorrowedFd};

/// Bytes that a process without privileges can still store on the file system
/// of `file`, which may be O_PATH. Quotas are not looked at.
///
/// # Errors
/// fstatvfs's own.
pub fn available(file: BorrowedFd<'_>) -> Result<u64> {
    // SAFETY: statvfs is a plain struct of integers, for which all zeros is a value.
    let mut raw: libc::statvfs = unsafe { std::mem::zeroed() };
    retry(|| {
        // SAFETY: `raw` is a whole statvfs buffer that outlives the call.
        check("fstatvfs", unsafe {
            libc::fstatvfs(file.as_raw_fd(), &raw mut raw)
        })
    })?;
    Ok(raw.f_bavail.saturating_mul(raw.f_frsize))
}

/// Type of the file system of `file`, which may be O_PATH: one of the numbers
/// of statfs(2).
///
/// # Errors
/// fstatfs's own.
pub fn file_system(file: BorrowedFd<'_>) -> Result<i64> {
    // SAFETY: statfs is a plain struct of integers, for which all zeros is a value.
    let mut raw: libc::statfs = unsafe { std::mem::zeroed() };
    retry(|| {
        // SAFETY: `raw` is a whole statfs buffer that outlives the call.
        check("fstatfs", unsafe {
            libc::fstatfs(file.as_raw_fd(), &raw mut raw)
        })
    })?;
    // The type of the field differs between architectures; the numbers have
    // 32 bits, and some platforms give them a sign.
    #[allow(clippy::cast_possible_wrap, clippy::unnecessary_cast)]
    let number = raw.f_type as i64;
    Ok(number & 0xffff_ffff)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::fd::AsFd;

    #[test]
    fn a_file_system_tells_its_room_and_proc_has_none() {
        let place = std::fs::File::open("/proc").unwrap();
        assert_eq!(available(place.as_fd()).unwrap(), 0);
        let place = std::fs::File::open(std::env::temp_dir()).unwrap();
        assert!(available(place.as_fd()).unwrap() > 0);
    }
}
