//! The administrator's files: lists, options, accounts.

use super::file::{OpenHow, openat2};
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::BorrowedFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;

/// Opens the regular file at `path` for reading, in one step: openat2(2) with
/// `RESOLVE_NO_MAGICLINKS`, so that no name leads to what a process has open.
/// Never waits for a FIFO's writer.
///
/// # Errors
/// The system's own; `InvalidInput` for what is no regular file.
pub fn open_regular(path: &Path) -> io::Result<File> {
    // SAFETY: AT_FDCWD is no descriptor that could be closed; it stands for
    // the working directory.
    let here = unsafe { BorrowedFd::borrow_raw(libc::AT_FDCWD) };
    let how = OpenHow {
        flags: libc::O_RDONLY | libc::O_NONBLOCK,
        mode: 0,
        resolve: libc::RESOLVE_NO_MAGICLINKS,
    };
    let file = openat2(here, path.as_os_str().as_bytes(), how);
    let file = File::from(file.map_err(|error| io::Error::from_raw_os_error(error.errno()))?);
    if !file.metadata()?.is_file() {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "not a regular file",
        ));
    }
    Ok(file)
}

/// Whether this is /dev/null, by which people name a file with nothing in it
/// (makedev(3): memory devices, the third of them).
#[must_use]
pub fn is_null(path: &Path) -> bool {
    path.metadata().is_ok_and(|about| {
        about.file_type().is_char_device() && about.rdev() == libc::makedev(1, 3)
    })
}

/// The content of an open file of no more than `largest` bytes.
///
/// # Errors
/// The system's own; EFBIG for a larger one.
pub fn content(file: &File, largest: u64) -> io::Result<Vec<u8>> {
    let expected = file.metadata()?.len().min(largest);
    // With room for all: a vector that grows leaves copies of secrets behind.
    let mut text = Vec::with_capacity(usize::try_from(expected).unwrap_or(0) + 1);
    let size = file
        .take(largest.saturating_add(1))
        .read_to_end(&mut text)?;
    if u64::try_from(size).is_ok_and(|size| size > largest) {
        return Err(io::Error::from_raw_os_error(libc::EFBIG));
    }
    Ok(text)
}

/// The content of the regular file at `path`, if it has no more than
/// `largest` bytes.
///
/// # Errors
/// Those of [`open_regular`] and [`content`].
pub fn read_regular(path: &Path, largest: u64) -> io::Result<Vec<u8>> {
    content(&open_regular(path)?, largest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_regular_files_are_opened_and_none_by_way_of_proc() {
        assert!(open_regular(Path::new("Cargo.toml")).is_ok());
        let kind = |path: &str| open_regular(Path::new(path)).unwrap_err().kind();
        assert_eq!(kind("/dev/null"), io::ErrorKind::InvalidInput);
        assert!(is_null(Path::new("/dev/null")));
        assert!(!is_null(Path::new("/dev/zero")) && !is_null(Path::new("/")));
        assert_eq!(kind("/"), io::ErrorKind::InvalidInput);
        assert_eq!(kind("/nonexistent"), io::ErrorKind::NotFound);
        let open = File::open("Cargo.toml").unwrap();
        let number = std::os::fd::AsRawFd::as_raw_fd(&open);
        let error = open_regular(Path::new(&format!("/proc/self/fd/{number}"))).unwrap_err();
        assert_eq!(error.raw_os_error(), Some(libc::ELOOP));
    }

    #[test]
    fn a_file_over_the_bound_is_not_cut_but_refused() {
        let path = Path::new("Cargo.toml");
        let size = std::fs::metadata(path).unwrap().len();
        assert_eq!(read_regular(path, size).unwrap().len() as u64, size);
        let error = read_regular(path, size - 1).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::FileTooLarge);
    }
}
