//! Erasing memory that held a secret.
//!
//! Leaves to others: knowing what is a secret, and copies made elsewhere
//! (a buffer that grew, a page that was swapped out).

/// Overwrites `bytes` with zeros in a way the compiler may not leave out,
/// though nobody reads them again (explicit_bzero(3)).
pub fn wipe(bytes: &mut [u8]) {
    // SAFETY: the pointer and length are those of one live, exclusively
    // borrowed slice of plain bytes, for which zero is a valid value.
    unsafe { libc::explicit_bzero(bytes.as_mut_ptr().cast(), bytes.len()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_becomes_zero_and_no_other() {
        let mut bytes = *b"keep secret keep";
        wipe(&mut bytes[5..11]);
        assert_eq!(&bytes, b"keep \0\0\0\0\0\0 keep");
        wipe(&mut []);
    }
}
