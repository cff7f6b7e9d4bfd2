//! How a log file is opened, also once the server is root no more.
//!
//! A file that is rotated is made anew by whoever rotates it, in most setups
//! as root and for root: `create 640 root adm`, and no word to vsftpd, which
//! opens it for each session while it still is root. So that such setups go
//! on working there is a keeper: a process that stays root, without any
//! capability, and does nothing but open the log files that the server was
//! started with. Their directories are held open from the start, no link is
//! followed, and a file must be a regular one of one name: whoever has taken
//! over the server can ask for the logs, and for nothing else.
#![forbid(unsafe_code)]

use crate::sys;
use crate::sys::capability::Capabilities;
use crate::sys::channel::{self, Received};
use crate::sys::file::{OpenHow, may_access, openat2};
use crate::sys::keeper::{self, Post};
use crate::sys::landlock::{Access, Network, confine};
use crate::sys::poll::{Interest, READABLE, poll};
use std::ffi::CStr;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

/// The process's own name, as ps(1) shows it.
const NAME: &CStr = c"ironftpd-logs";

/// How long opening a file may take.
const PATIENCE: Duration = Duration::from_secs(5);

static KEEPER: OnceLock<Keeper> = OnceLock::new();

/// The server's end of it.
#[derive(Debug)]
struct Keeper {
    calls: Mutex<OwnedFd>,
    paths: Vec<PathBuf>,
}

/// Forks the keeper of these files. As root, before the first thread is born,
/// and once the files are there. A second call changes nothing.
///
/// # Errors
/// Those of fork and of the channel to it.
pub(super) fn start(paths: Vec<PathBuf>) -> Result<(), sys::Error> {
    if paths.is_empty() || KEEPER.get().is_some() {
        return Ok(());
    }
    let (calls, served) = channel::pair()?;
    let post = Post {
        name: NAME,
        rights: Capabilities::NONE,
    };
    keeper::spawn(
        post,
        served,
        || settle(&paths),
        |places, number, calls| {
            let place = places.get(usize::from(number)).and_then(Option::as_ref);
            match place.and_then(Place::open) {
                Some(file) => channel::send_descriptor(calls.as_fd(), file.as_fd()),
                None => channel::send(calls.as_fd(), &[0]),
            }
        },
    )?;
    let _ = KEEPER.set(Keeper {
        calls: Mutex::new(calls),
        paths,
    });
    Ok(())
}

/// Opens the log file at `path` for appending, and makes it where there is
/// none: for its owner alone, as in vsftpd. What the server may not do itself
/// it asks the keeper for, if there is one.
///
/// # Errors
/// Those of opening.
pub(super) fn open(path: &Path) -> io::Result<File> {
    let opened = append_to(path);
    match (&opened, KEEPER.get()) {
        (Err(error), Some(keeper)) if error.kind() == io::ErrorKind::PermissionDenied => {
            keeper.open(path).unwrap_or(opened)
        }
        _ => opened,
    }
}

/// Whether [`open`] would open the file, which is not made for that.
///
/// # Errors
/// Those of opening.
pub(super) fn try_open(path: &Path) -> io::Result<()> {
    match appending().open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let directory = directory_of(path)?;
            if may_access(directory.as_fd(), libc::W_OK | libc::X_OK) {
                Ok(())
            } else {
                Err(io::Error::from_raw_os_error(libc::EACCES))
            }
        }
        result => result.map(drop),
    }
}

fn append_to(path: &Path) -> io::Result<File> {
    appending().create(true).mode(0o600).open(path)
}

fn appending() -> OpenOptions {
    let mut options = File::options();
    // A pipe without a reader is told, not waited for.
    let flags = libc::O_NOCTTY | libc::O_NONBLOCK;
    options.append(true).custom_flags(flags);
    options
}

fn directory_of(path: &Path) -> io::Result<File> {
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    File::options()
        .read(true)
        .custom_flags(libc::O_PATH | libc::O_DIRECTORY)
        .open(directory)
}

impl Keeper {
    /// None for a path that is not kept.
    fn open(&self, path: &Path) -> Option<io::Result<File>> {
        let number = self.paths.iter().position(|kept| kept == path)?;
        let number = u8::try_from(number).ok()?;
        let calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        Some(ask(calls.as_fd(), number))
    }
}

fn ask(calls: BorrowedFd<'_>, number: u8) -> io::Result<File> {
    let system = |error: sys::Error| io::Error::from_raw_os_error(error.errno());
    channel::send(calls, &[number]).map_err(system)?;
    let mut answer = [Interest::new(calls, READABLE)];
    if !poll(&mut answer, Some(PATIENCE)).map_err(system)? {
        return Err(io::ErrorKind::TimedOut.into());
    }
    match channel::receive_descriptor(calls).map_err(system)? {
        Received::Descriptor(file) => Ok(File::from(file)),
        // It is root, and so the file is not one to be opened.
        Received::Nothing => Err(io::Error::from_raw_os_error(libc::EACCES)),
        Received::End => Err(io::Error::from_raw_os_error(libc::EPIPE)),
    }
}

/// What the keeper has: the places of the files. All else is shut off, as far
/// as the kernel can.
fn settle(paths: &[PathBuf]) -> Result<Vec<Option<Place>>, sys::Error> {
    let places: Vec<_> = paths.iter().map(|path| Place::of(path)).collect();
    let directories = places.iter().flatten().map(|place| &place.directory);
    let roots: Vec<_> = directories
        .map(|directory| (directory.as_fd(), Access::ReadWrite))
        .collect();
    confine(&roots, Network::CLOSED)?;
    Ok(places)
}

/// A name in a directory.
struct Place {
    directory: File,
    name: Vec<u8>,
}

impl Place {
    fn of(path: &Path) -> Option<Place> {
        Some(Place {
            directory: directory_of(path).ok()?,
            name: path.file_name()?.as_bytes().to_vec(),
        })
    }

    fn open(&self) -> Option<File> {
        let how = OpenHow {
            flags: libc::O_WRONLY | libc::O_APPEND | libc::O_CREAT | libc::O_NONBLOCK,
            mode: 0o600,
            resolve: libc::RESOLVE_NO_SYMLINKS | libc::RESOLVE_BENEATH,
        };
        let file = openat2(self.directory.as_fd(), &self.name, how).ok()?;
        let file = File::from(file);
        let about = file.metadata().ok()?;
        (about.is_file() && about.nlink() == 1).then_some(file)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::symlink;

    #[test]
    fn a_place_gives_a_file_of_one_name_and_follows_no_link() {
        let directory = std::env::temp_dir().join(format!("ironftpd-keep-{}", std::process::id()));
        fs::create_dir_all(&directory).unwrap();
        let log = directory.join("log");
        let place = Place::of(&log).unwrap();
        assert!(place.open().is_some(), "made");
        fs::hard_link(&log, directory.join("second")).unwrap();
        assert!(place.open().is_none(), "two names");
        fs::rename(&log, directory.join("other")).unwrap();
        symlink("other", &log).unwrap();
        assert!(place.open().is_none(), "a link");
        fs::remove_file(&log).unwrap();
        fs::create_dir(&log).unwrap();
        assert!(place.open().is_none(), "a directory");
        fs::remove_dir_all(&directory).unwrap();
        assert!(place.open().is_none(), "a directory that is gone");
    }
}
