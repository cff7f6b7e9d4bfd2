//! Passwords in memory.
//!
//! Leaves to others: the buffers a password passed through on its way here.
#![forbid(unsafe_code)]

use std::io;

use crate::sys::random;
use crate::sys::wipe::wipe;

/// A password: bytes as the client sent them, in no particular encoding.
///
/// Neither `Debug` nor `Display` nor `Clone`, so that it gets into no log
/// and lives in one place; wiped when it goes.
pub struct Secret(Vec<u8>);

/// 32 signs, so that five random bits choose one without bias; without 0, 1,
/// l and o, which people misread.
const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
const GENERATED_LENGTH: usize = 16;

impl Secret {
    /// Takes the password over. The buffer is wiped with it, whole; copies
    /// that were left behind when the buffer grew are the caller's.
    pub fn new(bytes: Vec<u8>) -> Secret {
        Secret(bytes)
    }

    /// Makes a password of 16 letters and digits, 80 bits from the kernel.
    pub fn generate() -> io::Result<Secret> {
        let mut bytes = vec![0; GENERATED_LENGTH];
        random::fill(&mut bytes)?;
        for byte in &mut bytes {
            let index = usize::from(*byte % 32);
            *byte = ALPHABET.get(index).copied().unwrap_or(b'x');
        }
        Ok(Secret(bytes))
    }

    /// The password itself: for hashing, or for showing a generated one once.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Whether it has no bytes at all.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Drop for Secret {
    fn drop(&mut self) {
        // What lies between length and capacity may be a longer password
        // that was cut short. Growing to the capacity moves nothing.
        self.0.resize(self.0.capacity(), 0);
        wipe(&mut self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bytes_come_back_as_they_were_given() {
        let secret = Secret::new(b"p\xe4ss".to_vec());
        assert_eq!(secret.as_bytes(), b"p\xe4ss");
        assert!(!secret.is_empty() && Secret::new(Vec::new()).is_empty());
    }

    #[test]
    fn generated_passwords_are_readable_and_never_the_same() {
        let (one, two) = (Secret::generate().unwrap(), Secret::generate().unwrap());
        assert!(one.as_bytes() != two.as_bytes());
        assert_eq!(one.as_bytes().len(), 16);
        assert!(one.as_bytes().iter().all(|byte| ALPHABET.contains(byte)));
    }

    #[test]
    fn letters_are_distinct_and_none_is_mistaken_for_another() {
        let mut letters = ALPHABET.to_vec();
        letters.sort_unstable();
        letters.dedup();
        assert_eq!(letters.len(), 32);
        assert!(!letters.iter().any(|letter| b"01lo".contains(letter)));
    }
}
