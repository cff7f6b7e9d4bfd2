//! Random bytes from the kernel, getrandom(2).
//!
//! Leaves to others: what the bytes are for.

use std::io;

/// Fills `buffer` with bytes fit for keys and salts. Waits, early after
/// boot, until the kernel's generator is seeded.
pub fn fill(mut buffer: &mut [u8]) -> io::Result<()> {
    while !buffer.is_empty() {
        // SAFETY: the pointer and length describe the rest of one live,
        // exclusively borrowed slice, and the kernel writes only there.
        let got = unsafe { libc::getrandom(buffer.as_mut_ptr().cast(), buffer.len(), 0) };
        match usize::try_from(got) {
            Ok(got) => buffer = buffer.get_mut(got..).unwrap_or_default(),
            Err(_) => {
                let error = io::Error::last_os_error();
                if error.kind() != io::ErrorKind::Interrupted {
                    return Err(error);
                }
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_whole_buffer_is_filled_afresh_each_time() {
        // 1 KiB is past the 256 bytes that one call is sure to yield at once.
        let (mut one, mut two) = (vec![0; 1024], vec![0; 1024]);
        fill(&mut one).unwrap();
        fill(&mut two).unwrap();
        assert_ne!(one, two);
        assert!(one[1000..].iter().any(|&byte| byte != 0));
    }
}
