//! Which system calls a thread may make: seccomp(2) filters for one thread
//! each, compiled from `etc/seccomp.list`.
//!
//! A filter holds for the thread that takes it on and for those it gives
//! birth to, never for its siblings, and nothing takes it away again. A
//! refused call gives EPERM to whoever made it and a [`Refusal`] to whoever
//! reads [`Refusals`]; with [`Mode::Kill`] it ends the process.
//!
//! Leaves to others: when a thread takes its filter on, and writing the log.

mod calls;
mod constants;
mod filter;
mod list;
mod refusals;
mod trial;

pub use filter::{Filter, FilterError, Kind, Mode};
pub use list::{ListError, Problem};
pub use refusals::{Refusal, Refusals, refused_here};
pub use trial::{TrialError, trial};
