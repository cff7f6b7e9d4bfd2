//! The third wall of ironftpd-security(7): the list of system calls of each
//! kind of thread, taken on by the thread itself.

use crate::config::Config;
use crate::sys;
use crate::sys::seccomp::{Filter, FilterError, Kind, Mode, TrialError, trial};

/// The lists, ready to be taken on; none where they are not wanted or the
/// kernel has no such thing.
#[derive(Debug, Default)]
pub(super) struct Filters(Vec<Filter>);

impl Filters {
    /// Those that `config` wants, once a scratch thread has shown that they
    /// hold. To be made after the last fork, by the only thread. What is
    /// missing is logged.
    ///
    /// # Errors
    /// When there is no thread to try them in.
    pub(super) fn of(config: &Config) -> Result<Filters, sys::Error> {
        if !config.seccomp_sandbox() {
            log::warn!("seccomp_sandbox=NO: threads may make any system call");
            return Ok(Filters::default());
        }
        match trial() {
            Ok(()) => {}
            Err(TrialError::Birth(error)) => return Err(error),
            Err(TrialError::Filter(error)) => return Ok(Filters::missing(&error)),
            Err(TrialError::TooStrict(errno)) => {
                let error = FilterError::Install(errno);
                return Ok(Filters::missing(&error));
            }
            Err(error @ (TrialError::NotRefused(..) | TrialError::NotTold(_))) => {
                log::error!("the lists of system calls do not hold: {error}");
            }
        }
        let mode = if config.seccomp_strict() {
            Mode::Kill
        } else {
            Mode::Refuse
        };
        let kinds = Kind::ALL.into_iter().filter(|&kind| kind != Kind::Trial);
        let filters = kinds.map(|kind| Filter::new(kind, mode));
        match filters.collect() {
            Ok(filters) => Ok(Filters(filters)),
            Err(error) => Ok(Filters::missing(&error)),
        }
    }

    fn missing(error: &FilterError) -> Filters {
        log::warn!("without lists of system calls (seccomp): {error}");
        Filters::default()
    }

    /// Confines the calling thread to the list of `kind`, for good.
    ///
    /// # Errors
    /// When the kernel does not take it; the thread must end then.
    pub(super) fn confine(&self, kind: Kind) -> Result<(), sys::Error> {
        let Some(filter) = self.0.iter().find(|filter| filter.kind() == kind) else {
            return Ok(());
        };
        filter.confine().map_err(|error| match error {
            FilterError::Install(errno) => sys::Error::new("seccomp", errno),
            // They are of the making of a filter, and this one is made.
            _ => sys::Error::new("seccomp", libc::EINVAL).on(error.to_string().as_bytes()),
        })
    }
}
