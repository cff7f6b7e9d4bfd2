//! Who may log in (RFC 959 section 4.1.1, USER and PASS), and where users of
//! the system land.
//!
//! [`Accounts`] answers name and password with an [`Account`] or a
//! [`Denial`]; [`file`] is the accounts file in passwd(5) layout and
//! [`edit`] changes it on disk. [`list`] has the lists of who is welcome,
//! [`local`] the rules for users of the system. Leaves to others: replies, which must not
//! tell one denial from another, delays after a wrong password, and what an
//! account's home is good for.
#![forbid(unsafe_code)]

pub mod account;
pub mod authenticator;
pub mod edit;
pub mod error;
pub mod file;
pub mod gate;
pub mod list;
pub mod live;
pub mod local;
pub mod method;
pub mod secret;
pub mod shells;
pub mod store;
pub mod unprivileged;

pub use account::{Account, Denial, is_anonymous};
pub use authenticator::Authenticator;
pub use edit::Editing;
pub use error::{AccountsError, Action, Problem, Warning};
pub use file::{AccountsFile, Record};
pub use list::{ListError, Lists, NameList, Unwelcome};
pub use live::LiveAccounts;
pub use local::{LocalDenial, LocalLogin, Privileges};
pub use method::Method;
pub use secret::Secret;
pub use store::Accounts;
pub use unprivileged::Becomes;
