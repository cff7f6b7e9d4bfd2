//! The one door to the operating system: every `unsafe` block of the program
//! and every raw system call stand here. It knows no FTP.
//!
//! Wrappers take borrowed descriptors and slices and return [`Error`], which
//! prints as the call that failed. What `std` or socket2 already offer safely
//! is used directly by the floors above and not wrapped again.

pub mod birth;
pub mod capability;
pub mod channel;
pub mod clock;
pub mod commit;
pub mod copy;
pub mod crypt;
pub mod error;
pub mod file;
pub mod fork;
pub mod groups;
pub mod hosts;
pub mod identity;
pub mod inherited;
pub mod interfaces;
pub mod keeper;
pub mod landlock;
pub mod lock;
pub mod names;
pub mod owner;
pub mod pam;
pub mod passwd;
pub mod poll;
pub mod process;
pub mod random;
pub mod regular;
pub mod seccomp;
pub mod signal;
pub mod socket;
pub mod space;
pub mod stamp;
pub mod transfer;
pub mod wipe;

pub use error::Error;

/// What a wrapper returns.
pub type Result<T> = std::result::Result<T, Error>;
