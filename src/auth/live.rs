//! The accounts file as it is now: read again when it has changed, so that
//! what ironftpctl does counts at the next log-in.
//!
//! A file that has become unreadable or wrong changes nothing: the accounts
//! of before stay, and the log says so once per change.
#![forbid(unsafe_code)]

use super::error::AccountsError;
use super::store::Accounts;
use crate::sys::stamp::Stamp;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The accounts of a server, from a file or made up at its start.
pub struct LiveAccounts {
    path: Option<PathBuf>,
    state: Mutex<(Option<Stamp>, Arc<Accounts>)>,
}

impl LiveAccounts {
    /// Accounts that never change.
    #[must_use]
    pub fn fixed(accounts: Accounts) -> LiveAccounts {
        LiveAccounts {
            path: None,
            state: Mutex::new((None, Arc::new(accounts))),
        }
    }

    /// The accounts in the file at `path`; none as long as there is no file.
    ///
    /// # Errors
    /// When the file is there and cannot be used.
    pub fn load(path: &Path) -> Result<LiveAccounts, AccountsError> {
        // Taken before reading: a change in between is seen next time.
        let stamp = Stamp::of(path).ok();
        let accounts = match stamp {
            Some(_) => Accounts::load(path)?,
            None => Accounts::none(),
        };
        Ok(LiveAccounts {
            path: Some(path.to_owned()),
            state: Mutex::new((stamp, Arc::new(accounts))),
        })
    }

    /// Those in `file`; without one there are none.
    ///
    /// # Errors
    /// Those of [`LiveAccounts::load`].
    pub fn of(file: Option<&Path>) -> Result<LiveAccounts, AccountsError> {
        match file {
            Some(path) => LiveAccounts::load(path),
            None => Ok(LiveAccounts::fixed(Accounts::none())),
        }
    }

    fn state(&self) -> MutexGuard<'_, (Option<Stamp>, Arc<Accounts>)> {
        // The pair is replaced as one.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether there are none and never will be.
    #[must_use]
    pub fn is_none(&self) -> bool {
        self.path.is_none() && self.current().is_empty()
    }

    /// The accounts as of now.
    pub fn current(&self) -> Arc<Accounts> {
        let Some(path) = &self.path else {
            return Arc::clone(&self.state().1);
        };
        let now = Stamp::of(path).ok();
        let mut state = self.state();
        if now != state.0 {
            // One log-in reads; those of the same moment wait for it.
            state.0 = now;
            match Accounts::load(path) {
                Ok(accounts) => {
                    for warning in accounts.warnings() {
                        log::warn!("{warning}");
                    }
                    log::info!("{} accounts read from {path:?}", accounts.len());
                    state.1 = Arc::new(accounts);
                }
                Err(error) => log::error!("{error}; the accounts of before stay"),
            }
        }
        Arc::clone(&state.1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn a_change_counts_and_a_broken_file_does_not() {
        let path = std::env::temp_dir().join(format!("ironftpd-live-{}", std::process::id()));
        let _ = fs::remove_file(&path);
        let live = LiveAccounts::load(&path).unwrap();
        assert!(live.current().is_empty());
        fs::write(&path, "a:!:0:0::/:\n").unwrap();
        assert_eq!(live.current().len(), 1);
        fs::write(&path, "no account\n").unwrap();
        assert_eq!(live.current().len(), 1);
        fs::write(&path, "a:!:0:0::/:\nb:!:0:0::/:\n").unwrap();
        assert_eq!(live.current().len(), 2);
        fs::remove_file(&path).unwrap();
    }
}
