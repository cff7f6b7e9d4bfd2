//! The content of one file into another without passing through the client:
//! by reflink (ioctl_ficlone(2)) where the file system shares blocks, else by
//! copy_file_range(2), else by reading and writing.
//!
//! Leaves to others: attributes, names, and what else waits meanwhile; a long
//! copy is made step by step so that its caller can look about.

use super::Result;
use super::error::{Error, check, check_length, retry};
use super::transfer::read_at;
use std::os::fd::{AsRawFd, BorrowedFd};

/// Bytes asked of one copy_file_range: some milliseconds of a disk's time,
/// and a multiple of every block size.
const PIECE: u64 = 8 << 20;

/// ioctl FICLONE: `to` becomes a copy of all of `from` that shares its
/// blocks until one of them is written. Both on the same file system; `to`
/// open for writing, and what it held is replaced.
///
/// # Errors
/// The ioctl's own; [`cannot_here`] tells that another way may do it.
pub fn clone_file(from: BorrowedFd<'_>, to: BorrowedFd<'_>) -> Result<()> {
    check("ioctl FICLONE", unsafe {
        // SAFETY: FICLONE takes a descriptor as its argument, no pointer.
        libc::ioctl(to.as_raw_fd(), libc::FICLONE, from.as_raw_fd())
    })
    .map(drop)
}

/// copy_file_range(2) of at most `count` bytes from offset `at` of `from` to
/// the same offset of `to`; the descriptors' own positions stay. 0 at the end
/// of `from`.
///
/// # Errors
/// The call's own; [`cannot_here`] tells that another way may do it.
pub fn copy_range(from: BorrowedFd<'_>, to: BorrowedFd<'_>, at: u64, count: u64) -> Result<usize> {
    let offset = libc::loff_t::try_from(at);
    let offset = offset.map_err(|_| Error::new("copy_file_range", libc::EFBIG))?;
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    retry(|| {
        let (mut read_at, mut write_at) = (offset, offset);
        // SAFETY: both offsets are live for the call, which reads and writes
        // them and no other memory.
        check_length("copy_file_range", unsafe {
            libc::copy_file_range(
                from.as_raw_fd(),
                &raw mut read_at,
                to.as_raw_fd(),
                &raw mut write_at,
                count,
                0,
            )
        })
    })
}

/// pwrite(2) of all of `bytes` at `offset`.
///
/// # Errors
/// pwrite's own (ENOSPC, EDQUOT, EFBIG, EIO); what was written before stays.
pub fn write_all_at(file: BorrowedFd<'_>, mut bytes: &[u8], mut offset: u64) -> Result<()> {
    while !bytes.is_empty() {
        let at = libc::off_t::try_from(offset).map_err(|_| Error::new("pwrite", libc::EFBIG))?;
        let written = retry(|| {
            // SAFETY: the kernel reads at most `bytes.len()` bytes of the slice.
            check_length("pwrite", unsafe {
                libc::pwrite(file.as_raw_fd(), bytes.as_ptr().cast(), bytes.len(), at)
            })
        })?;
        bytes = bytes.get(written..).unwrap_or_default();
        offset += u64::try_from(written).unwrap_or_default();
    }
    Ok(())
}

/// Whether `error` of [`clone_file`] or [`copy_range`] says no more than that
/// these two files cannot be copied in this way: another file system, another
/// kind of file, a kernel without the call or a filter that forbids it.
#[must_use]
pub fn cannot_here(error: &Error) -> bool {
    matches!(
        error.errno(),
        libc::EOPNOTSUPP
            | libc::ENOTTY
            | libc::ENOSYS
            | libc::EXDEV
            | libc::EINVAL
            | libc::EPERM
            | libc::ETXTBSY
    )
}

/// In which way bytes go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Clone,
    Range,
    ReadAndWrite,
}

/// A copy under way: of the first `end` bytes of one file, to the same place
/// in another.
#[derive(Debug)]
pub struct Copying<'files> {
    from: BorrowedFd<'files>,
    to: BorrowedFd<'files>,
    at: u64,
    end: u64,
    way: Way,
}

impl<'files> Copying<'files> {
    /// Begins to copy at most `end` bytes of `from` (open for reading) to
    /// `to` (open for writing, empty). Nothing is moved yet.
    #[must_use]
    pub fn new(from: BorrowedFd<'files>, to: BorrowedFd<'files>, end: u64) -> Copying<'files> {
        Copying {
            from,
            to,
            at: 0,
            end,
            way: Way::Clone,
        }
    }

    /// Bytes copied so far.
    #[must_use]
    pub fn copied(&self) -> u64 {
        self.at
    }

    /// Copies a piece, through `buffer` where it must; false once nothing is
    /// left to do. A source that proves shorter than `end` ends it early,
    /// which [`Copying::copied`] then shows.
    ///
    /// # Errors
    /// Of the reading or the writing; what was copied before stays.
    pub fn step(&mut self, buffer: &mut [u8]) -> Result<bool> {
        if self.at >= self.end {
            return Ok(false);
        }
        let copied = match self.way {
            Way::Clone => return self.clone_all().map(|()| true),
            Way::Range => {
                let wish = PIECE.min(self.end - self.at);
                match copy_range(self.from, self.to, self.at, wish) {
                    // Some file systems have nothing to say here about files
                    // that can be read all the same.
                    Ok(0) if self.at == 0 => 0,
                    Ok(copied) if copied > 0 => copied,
                    Ok(_) => return Ok(false),
                    Err(error) if cannot_here(&error) => 0,
                    Err(error) => return Err(error),
                }
            }
            Way::ReadAndWrite => {
                let left = usize::try_from(self.end - self.at).unwrap_or(usize::MAX);
                let space = buffer.len().min(left);
                let space = buffer.get_mut(..space).unwrap_or_default();
                let read = read_at(self.from, space, self.at)?;
                if read == 0 {
                    return Ok(false);
                }
                write_all_at(self.to, space.get(..read).unwrap_or_default(), self.at)?;
                read
            }
        };
        if copied == 0 {
            self.way = Way::ReadAndWrite;
        }
        self.at += u64::try_from(copied).unwrap_or_default();
        Ok(true)
    }

    /// Shares the blocks of all of `from` and cuts off what is behind `end`.
    fn clone_all(&mut self) -> Result<()> {
        match clone_file(self.from, self.to) {
            Ok(()) => {
                let size = super::file::attributes(self.to)?.size;
                if size > self.end {
                    super::file::truncate(self.to, self.end)?;
                }
                self.at = size.min(self.end);
                self.end = self.at;
            }
            Err(error) if cannot_here(&error) => self.way = Way::Range,
            Err(error) => return Err(error),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;
    use std::io::Write;
    use std::os::fd::AsFd;
    use std::path::PathBuf;

    struct Place(PathBuf);

    impl Drop for Place {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    /// A source of `size` bytes and an empty target.
    fn pair(name: &str, size: usize) -> (Place, Vec<u8>, File, File) {
        let place =
            std::env::temp_dir().join(format!("ironftpd-copy-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&place).unwrap();
        let bytes: Vec<u8> = (0..size).map(|at| (at % 251) as u8).collect();
        File::create(place.join("from"))
            .unwrap()
            .write_all(&bytes)
            .unwrap();
        let from = File::open(place.join("from")).unwrap();
        let to = File::create(place.join("to")).unwrap();
        (Place(place), bytes, from, to)
    }

    #[test]
    fn a_copy_is_the_first_bytes_whatever_the_way() {
        for way in [Way::Clone, Way::Range, Way::ReadAndWrite] {
            let (place, bytes, from, to) = pair(&format!("{way:?}"), 300_000);
            let mut copying = Copying::new(from.as_fd(), to.as_fd(), 200_001);
            copying.way = way;
            let mut buffer = [0; 4096];
            while copying.step(&mut buffer).unwrap() {}
            assert_eq!(copying.copied(), 200_001);
            let copy = std::fs::read(place.0.join("to")).unwrap();
            assert!(copy == bytes[..200_001], "{way:?}: {} bytes", copy.len());
        }
    }

    #[test]
    fn a_source_that_is_too_short_ends_the_copy() {
        for way in [Way::Clone, Way::Range, Way::ReadAndWrite] {
            let (place, bytes, from, to) = pair(&format!("short-{way:?}"), 1000);
            let mut copying = Copying::new(from.as_fd(), to.as_fd(), u64::MAX);
            copying.way = way;
            while copying.step(&mut [0; 64]).unwrap() {}
            assert_eq!(copying.copied(), 1000);
            assert_eq!(std::fs::read(place.0.join("to")).unwrap(), bytes);
        }
    }

    #[test]
    fn a_file_of_the_kernel_s_own_is_copied_by_reading() {
        let (place, _, _, to) = pair("proc", 0);
        let from = File::open("/proc/self/status").unwrap();
        let mut copying = Copying::new(from.as_fd(), to.as_fd(), 1 << 20);
        while copying.step(&mut [0; 64 << 10]).unwrap() {}
        let copy = std::fs::read(place.0.join("to")).unwrap();
        assert!(copy.starts_with(b"Name:"));
        assert_eq!(copying.copied(), copy.len() as u64);
    }

    #[test]
    fn a_full_device_is_no_other_way_s_business() {
        let full = File::options().write(true).open("/dev/full").unwrap();
        let error = write_all_at(full.as_fd(), b"x", 0).unwrap_err();
        assert_eq!(error.errno(), libc::ENOSPC);
        assert!(!cannot_here(&error));
    }
}
