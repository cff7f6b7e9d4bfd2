//! Stub.
pub mod crypt;
pub mod lock;
pub mod random;
pub mod wipe;
