//! Going to the background (background=YES) and the pid file.
//!
//! The process that was started waits until the one in the background
//! answers, so that whoever starts the server learns how that went: by its
//! exit code, and by the errors that the other still writes to the same
//! standard error.

use crate::record::syslog;
use crate::sys;
use crate::sys::file::may_access;
use crate::sys::fork::Ended;
use crate::sys::inherited::silence;
use crate::sys::process::fork_into_background;
use crate::sys::signal::hear_of_children;
use std::fs::File;
use std::io::{self, IsTerminal, PipeReader, PipeWriter, Read, Seek, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// Which of the two processes this is.
pub(super) enum Role {
    /// The one that was started, at its end: with this exit code, or none if
    /// a signal has ended the other.
    Started(Option<u8>),
    /// The one in the background.
    Server(Birth),
}

/// The parent's wait, which ends when this is dropped.
pub(super) struct Birth(PipeWriter);

/// Forks, leaves the terminal, and lets the parent wait. Before any thread.
///
/// # Errors
/// The system's own.
pub(super) fn enter() -> Result<Role, sys::Error> {
    // How the child ends is to be known.
    hear_of_children();
    let (hears, says) = io::pipe().map_err(sys::Error::of("pipe2"))?;
    let Some(child) = fork_into_background()? else {
        drop(hears);
        return Ok(Role::Server(Birth(says)));
    };
    drop(says);
    if is_told(hears) {
        return Ok(Role::Started(Some(0)));
    }
    Ok(Role::Started(match child.wait() {
        Some(Ended::Exited(code)) => u8::try_from(code).ok(),
        Some(Ended::Killed(_)) | None => None,
    }))
}

fn is_told(mut hears: PipeReader) -> bool {
    matches!(hears.read(&mut [0]), Ok(1))
}

impl Birth {
    /// Whether standard output and standard error will stay.
    pub(super) fn keeps(&self) -> (bool, bool) {
        (may_stay(&io::stdout()), may_stay(&io::stderr()))
    }

    /// The server answers: lets the parent end, and leaves the standard
    /// streams, whose readers shall not wait for the server's end. Files stay.
    ///
    /// # Errors
    /// Those of opening /dev/null.
    pub(super) fn leave(mut self) -> Result<(), sys::Error> {
        let mut streams = vec![0];
        let (output, error) = self.keeps();
        if !output {
            streams.push(1);
        }
        if !error {
            syslog::use_syslog();
            streams.push(2);
        }
        silence(&streams)?;
        // A parent that was killed does not read.
        let _ = self.0.write_all(b"1");
        Ok(())
    }
}

/// Whether a stream goes where nobody waits for its end: to a file, or to the
/// journal's socket.
fn may_stay(stream: &(impl AsFd + IsTerminal)) -> bool {
    let about = stream.as_fd().try_clone_to_owned().map(File::from);
    let about = about.and_then(|file| file.metadata());
    about.is_ok_and(|about| {
        let kind = about.file_type();
        !stream.is_terminal() && !kind.is_fifo()
    })
}

/// The file that holds the process's number (pid_file), until it is dropped.
pub(super) struct PidFile(File);

impl PidFile {
    /// Writes it.
    ///
    /// # Errors
    /// Those of the file.
    pub(super) fn write(path: &Path) -> Result<PidFile, (PathBuf, io::Error)> {
        let write = || {
            let mut file = File::options()
                .read(true)
                .write(true)
                .create(true)
                .truncate(true)
                .mode(0o644)
                // Nobody shall make root write elsewhere.
                .custom_flags(libc::O_NOFOLLOW)
                .open(path)?;
            writeln!(file, "{}", std::process::id())?;
            Ok(file)
        };
        write()
            .map(PidFile)
            .map_err(|error| (path.to_owned(), error))
    }
}

impl PidFile {
    /// Whether it could be written, without doing so.
    ///
    /// # Errors
    /// Those of the file.
    pub(super) fn rehearse(path: &Path) -> Result<(), (PathBuf, io::Error)> {
        let mut options = File::options();
        let options = options.read(true).write(true);
        let opened = match options.custom_flags(libc::O_NOFOLLOW).open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => may_make(path),
            opened => opened.map(drop),
        };
        opened.map_err(|error| (path.to_owned(), error))
    }

    /// Whether it still holds this process's number: a server started while
    /// this one let its transfers finish has written its own.
    fn is_own(&mut self) -> io::Result<bool> {
        let mut text = String::new();
        self.0.rewind()?;
        self.0.read_to_string(&mut text)?;
        Ok(text.trim_end() == std::process::id().to_string())
    }
}

impl Drop for PidFile {
    fn drop(&mut self) {
        // Removing it takes rights on its directory that are given up by now.
        if self.is_own().unwrap_or(false) {
            let _ = self.0.set_len(0);
        }
    }
}

/// Whether a file of this name, which is not there, could be made.
///
/// # Errors
/// Those of its directory.
pub(super) fn may_make(path: &Path) -> io::Result<()> {
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let flags = libc::O_PATH | libc::O_DIRECTORY;
    let mut options = File::options();
    let directory = options.read(true).custom_flags(flags).open(directory)?;
    if may_access(directory.as_fd(), libc::W_OK | libc::X_OK) {
        Ok(())
    } else {
        Err(io::Error::from_raw_os_error(libc::EACCES))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn a_pid_file_holds_the_number_and_is_empty_afterwards() {
        let path = std::env::temp_dir().join(format!("ironftpd-pid-{}", std::process::id()));
        std::fs::write(&path, "12345678901234567890\n").unwrap();
        let file = PidFile::write(&path).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(text, format!("{}\n", std::process::id()));
        drop(file);
        assert_eq!(std::fs::read(&path).unwrap(), b"");
        let link = path.with_extension("link");
        symlink(&path, &link).unwrap();
        assert!(PidFile::write(&link).is_err(), "through a link");
        assert!(PidFile::rehearse(&link).is_err(), "through a link");
        assert!(PidFile::rehearse(&path.join("below")).is_err());
        assert!(PidFile::rehearse(&std::env::temp_dir()).is_err());
        assert!(PidFile::rehearse(&path).is_ok());
        std::fs::remove_file(&path).unwrap();
        std::fs::remove_file(&link).unwrap();
        assert!(PidFile::rehearse(&path).is_ok());
        assert!(!path.exists());
    }

    #[test]
    fn the_number_of_a_successor_stays() {
        let path = std::env::temp_dir().join(format!("ironftpd-heir-{}", std::process::id()));
        let file = PidFile::write(&path).unwrap();
        // The successor writes over it: it is the same file.
        std::fs::write(&path, "12345\n").unwrap();
        drop(file);
        let left = std::fs::read_to_string(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        assert_eq!(left, "12345\n");
    }

    #[test]
    fn a_parent_hears_the_word_and_the_silence() {
        let (hears, mut says) = io::pipe().unwrap();
        says.write_all(b"1").unwrap();
        assert!(is_told(hears));
        let (hears, says) = io::pipe().unwrap();
        drop(says);
        assert!(!is_told(hears));
    }
}
