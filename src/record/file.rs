//! A log in a file that is always appended to (O_APPEND), so that it may be
//! cut off under it (logrotate's copytruncate), and that is opened again when
//! its name leads to another file, so that it may be renamed. Who rotates
//! need not send SIGHUP for that.
//!
//! Lines that wait for each other go out in one write(2), under a lock that
//! other writers and readers may take too (no_log_lock). A disk that is full
//! costs lines, told once, and when it takes the next; a line of which the
//! beginning went out is then finished first.
//!
//! Only the thread that keeps the file is here; nobody waits for it.
#![forbid(unsafe_code)]

use super::keeper;
use super::outlet::{Sink, write_some};
use crate::sys::lock;
use std::fs::{self, File, Metadata};
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// So much is written at once at most; more does not make it faster.
const ENOUGH: usize = 64 * 1024;

/// A rotation leaves the name without a file for a moment, and brings one of
/// its own. After this time it has not.
const ROTATION: Duration = Duration::from_secs(2);

/// Which file it is: device and inode.
type Identity = (u64, u64);

fn identity(about: &Metadata) -> Identity {
    (about.dev(), about.ino())
}

/// The file of an option.
#[derive(Debug)]
pub(super) struct LogFile {
    option: &'static str,
    path: PathBuf,
    file: File,
    identity: Identity,
    /// Take the file's lock to write.
    lock: bool,
    /// What is to be written.
    waiting: Vec<u8>,
    /// The first line that waits has its beginning in the file already, which
    /// was this long then.
    torn: Option<u64>,
    /// Lines that the disk did not take.
    lost: u64,
    /// That the disk takes nothing has been told.
    told: bool,
    /// A file under the name that could not be opened.
    refused: Option<Identity>,
    /// Since when the name leads nowhere.
    missing: Option<Instant>,
}

impl LogFile {
    /// Opens the file, and makes it where there is none.
    ///
    /// # Errors
    /// Those of opening.
    pub(super) fn open(option: &'static str, path: &Path, lock: bool) -> io::Result<LogFile> {
        let file = keeper::open(path)?;
        let identity = identity(&file.metadata()?);
        Ok(LogFile {
            option,
            path: path.to_owned(),
            file,
            identity,
            lock,
            waiting: Vec::new(),
            torn: None,
            lost: 0,
            told: false,
            refused: None,
            missing: None,
        })
    }

    /// Looks whether the name still leads to this file.
    fn follow(&mut self) {
        match fs::metadata(&self.path) {
            Ok(about) if identity(&about) == self.identity => self.missing = None,
            Ok(about) if self.refused == Some(identity(&about)) => {}
            Ok(_) => self.take_turn(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let since = *self.missing.get_or_insert_with(Instant::now);
                if since.elapsed() >= ROTATION {
                    self.missing = None;
                    self.take_turn();
                }
            }
            // A directory that only root sees into: SIGHUP tells.
            Err(_) => {}
        }
    }

    /// Goes on in the file that has the name now.
    fn take_turn(&mut self) {
        let opened = keeper::open(&self.path);
        match opened.and_then(|file| Ok((identity(&file.metadata()?), file))) {
            Ok((found, _)) if found == self.identity => {}
            Ok((found, file)) => {
                self.forget_torn();
                (self.identity, self.file) = (found, file);
                self.refused = None;
                log::info!("{} {:?}: goes on in a new file", self.option, self.path);
            }
            Err(error) => {
                self.refused = fs::metadata(&self.path).ok().as_ref().map(identity);
                log::error!(
                    "{} {:?} cannot be opened again, the log goes on in the file of before: {error}; \
                     who rotates it must leave a file that the server may write \
                     (logrotate: create 0640 nobody adm, with nopriv_user's name) or use copytruncate",
                    self.option,
                    self.path
                );
            }
        }
    }

    /// The rest of a line belongs to no other file.
    fn forget_torn(&mut self) {
        if self.torn.take().is_some() {
            let rest = first_line(&self.waiting);
            self.waiting.drain(..rest);
            self.lost += 1;
        }
    }

    fn write_out(&mut self) -> io::Result<()> {
        if let Some(length) = self.torn
            && self.file.metadata().is_ok_and(|about| about.len() < length)
        {
            self.forget_torn();
        }
        while !self.waiting.is_empty() {
            let count = match write_some(&mut self.file, &self.waiting)? {
                0 => return Err(io::ErrorKind::WriteZero.into()),
                count => count,
            };
            let ends_line = self.waiting.get(count - 1) == Some(&b'\n');
            self.waiting.drain(..count);
            self.torn = if ends_line {
                None
            } else {
                Some(self.file.metadata().map_or(0, |about| about.len()))
            };
        }
        Ok(())
    }

    /// Keeps what ends a line that was begun, and counts the rest as lost.
    fn fail(&mut self, error: &io::Error) {
        let rest = match self.torn {
            Some(_) => first_line(&self.waiting),
            None => 0,
        };
        let lost = self.waiting.drain(rest..).filter(|&byte| byte == b'\n');
        let lost = u64::try_from(lost.count()).unwrap_or(u64::MAX);
        self.lost = self.lost.saturating_add(lost);
        if !self.told {
            self.told = true;
            log::error!(
                "{} {:?} takes no more lines, and until it does they are lost: {error}",
                self.option,
                self.path
            );
        }
    }

    fn recover(&mut self) {
        if self.told || self.lost > 0 {
            let (option, path, lost) = (self.option, &self.path, self.lost);
            log::warn!("{option} {path:?} takes lines again; lines lost: {lost}");
            (self.told, self.lost) = (false, 0);
        }
    }
}

/// Where the first line ends.
fn first_line(text: &[u8]) -> usize {
    let end = text.iter().position(|&byte| byte == b'\n');
    end.map_or(text.len(), |end| end + 1)
}

impl Sink for LogFile {
    fn take(&mut self, lines: &str) {
        self.waiting.extend_from_slice(lines.as_bytes());
        if self.waiting.len() >= ENOUGH {
            self.flush();
        }
    }

    fn flush(&mut self) {
        if self.waiting.is_empty() {
            return;
        }
        self.follow();
        // A file system without locks has none to respect.
        let locked = self.lock && lock::wait_for_write_lock(self.file.as_fd()).is_ok();
        let written = self.write_out();
        if locked {
            lock::release(self.file.as_fd());
        }
        match written {
            Ok(()) => self.recover(),
            Err(error) => self.fail(&error),
        }
    }

    fn reopen(&mut self) {
        self.take_turn();
    }
}

#[cfg(test)]
mod tests;
