//! What tells one state of a file from another without reading it.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// The state of a file: rewriting it by rename changes the inode, editing in
/// place the time and mostly the size. Mode and owner count as well, for a
/// file that could not be read may have become readable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    inode: (u64, u64),
    modified: (i64, i64),
    size: u64,
    permission: (u32, u32, u32),
}

impl Stamp {
    /// The state of the file at `path` now, links followed.
    ///
    /// # Errors
    /// stat's own.
    pub fn of(path: &Path) -> std::io::Result<Stamp> {
        let found = fs::metadata(path)?;
        Ok(Stamp {
            inode: (found.dev(), found.ino()),
            modified: (found.mtime(), found.mtime_nsec()),
            size: found.size(),
            permission: (found.mode(), found.uid(), found.gid()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_of_content_or_of_file_shows() {
        let path = std::env::temp_dir().join(format!("ironftpd-stamp-{}", std::process::id()));
        let other = path.with_extension("new");
        fs::write(&path, "a").unwrap();
        let first = Stamp::of(&path).unwrap();
        assert_eq!(Stamp::of(&path).unwrap(), first);
        fs::write(&path, "ab").unwrap();
        let second = Stamp::of(&path).unwrap();
        assert_ne!(second, first);
        fs::write(&other, "ab").unwrap();
        fs::rename(&other, &path).unwrap();
        assert_ne!(Stamp::of(&path).unwrap(), second);
        fs::remove_file(&path).unwrap();
        assert!(Stamp::of(&path).is_err());
    }
}
