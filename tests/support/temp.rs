//! A temporary directory that removes itself, from the standard library alone.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

/// A directory of its own under the system's temporary directory, removed with
/// all that is in it when the value is dropped.
pub struct TempDir {
    path: PathBuf,
}

impl TempDir {
    /// Makes an empty directory. Everyone may write to it, since the server
    /// may give up root for another user.
    pub fn new() -> TempDir {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("ironftpd-test-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        // Left behind by a killed run whose process id has come round again.
        let _ = fs::remove_dir_all(&path);
        fs::create_dir(&path).unwrap();
        set_mode(&path, 0o777);
        let path = fs::canonicalize(path).unwrap();
        TempDir { path }
    }

    /// The directory's absolute name, without symbolic links.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Lets nobody but the owner write here any longer.
    pub fn close_to_others(&self) {
        set_mode(&self.path, 0o755);
    }

    /// Writes a file readable and writable by all; missing parents are made.
    pub fn file(&self, name: impl AsRef<Path>, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path.join(name);
        if let Some(parent) = path.parent()
            && parent != self.path
        {
            self.dir(parent);
        }
        fs::write(&path, content).unwrap();
        set_mode(&path, 0o666);
        path
    }

    /// Makes a directory open to all, with its parents.
    pub fn dir(&self, name: impl AsRef<Path>) -> PathBuf {
        let path = self.path.join(name);
        let mut made = self.path.clone();
        for part in path.strip_prefix(&self.path).unwrap() {
            made.push(part);
            if !made.exists() {
                fs::create_dir(&made).unwrap();
                set_mode(&made, 0o777);
            }
        }
        path
    }

    /// Makes a symbolic link `name` that points to `target`.
    pub fn link(&self, name: impl AsRef<Path>, target: impl AsRef<Path>) -> PathBuf {
        let path = self.path.join(name);
        std::os::unix::fs::symlink(target, &path).unwrap();
        path
    }

    /// The bytes of a file in this directory.
    pub fn read(&self, name: impl AsRef<Path>) -> Vec<u8> {
        let path = self.path.join(name);
        fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// Whether a name stands in this directory; a symbolic link counts.
    pub fn has(&self, name: impl AsRef<Path>) -> bool {
        fs::symlink_metadata(self.path.join(name)).is_ok()
    }
}

impl Drop for TempDir {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.path);
    }
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}
