//! Who may log in: the server's own accounts, without PAM and without users
//! of the system (RFC 959 section 4.1.1, USER and PASS).
//!
//! [`Accounts`] answers name and password with an [`Account`] or a
//! [`Denial`]; [`file`] is the accounts file in passwd(5) layout and
//! [`edit`] changes it on disk. Leaves to others: replies, which must not
//! tell one denial from another, delays after a wrong password, and what an
//! account's home is good for.
#![forbid(unsafe_code)]

pub mod account;
pub mod edit;
pub mod error;
pub mod file;
pub mod gate;
pub mod live;
pub mod method;
pub mod secret;
pub mod store;

pub use account::{Account, Denial, is_anonymous};
pub use edit::Editing;
pub use error::{AccountsError, Action, Problem, Warning};
pub use file::{AccountsFile, Record};
pub use live::LiveAccounts;
pub use method::Method;
pub use secret::Secret;
pub use store::Accounts;
