//! The configuration: vsftpd.conf, read by vsftpd's rules through one table.
//!
//! `options` holds the table; everything else reads it. A file goes through
//! `load` (which file, whose), `parse` (what a line says) and `check` (what
//! the options say together). `print` and `manual` write the table out
//! again: effective configuration, sample file, pages of the manual.
//! What an option does is not known here but on the floors that ask for it.
#![forbid(unsafe_code)]

pub mod access;
pub mod check;
pub mod danger;
pub mod difference;
pub mod disputed;
pub mod error;
pub mod exposed;
pub mod finding;
pub mod listen;
pub mod load;
pub mod local;
pub mod manual;
pub mod migrate;
pub mod moot;
pub mod needs;
pub mod network;
pub mod notes;
pub mod options;
pub mod parse;
pub mod personal;
pub mod print;
pub mod secure;
pub mod spec;
pub mod suggest;
pub mod symptom;

pub(crate) use error::printable;
pub use error::{ConfigError, ConfigErrors, Origin, Problem};
pub use finding::{Finding, Note, Severity};
pub use listen::Listener;
pub use load::{Accounts, Reading};
pub use moot::{MOOT, Moot};
pub use notes::{Away, Paper, Slip, Vain};
pub use options::{Config, OPTIONS};
pub use personal::{Personal, PersonalError};
pub use secure::{NamedBy, Reuse};
pub use spec::{Kind, OptionSpec};
pub use symptom::{Shut, Symptom};
