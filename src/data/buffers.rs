//! Large buffers, held only while data flows.
//!
//! A buffer of a megabyte comes fresh from the kernel as zero pages, each
//! with a fault; those given back are kept for the next transfer, a few of
//! them, so that idle workers hold none.

use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, PoisonError};

/// Bytes in a buffer: large enough that the cost of a system call vanishes
/// beside that of the copy.
pub const SIZE: usize = 1 << 20;

/// Buffers kept for the next transfer.
const KEPT: usize = 8;

/// The store of buffers, shared by all sessions.
#[derive(Debug, Default, Clone)]
pub struct Buffers(Arc<Mutex<Vec<Vec<u8>>>>);

impl Buffers {
    /// Takes a buffer of [`SIZE`] bytes with any content.
    #[must_use]
    pub fn take(&self) -> Buffer {
        let kept = self.lock(Vec::pop);
        Buffer {
            bytes: kept.unwrap_or_else(|| vec![0; SIZE]),
            home: self.clone(),
        }
    }

    fn lock<T>(&self, act: impl FnOnce(&mut Vec<Vec<u8>>) -> T) -> T {
        // A panic elsewhere cannot leave a list of buffers half changed.
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// A buffer on loan; dropping it gives it back.
#[derive(Debug)]
pub struct Buffer {
    bytes: Vec<u8>,
    home: Buffers,
}

impl Deref for Buffer {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        &self.bytes
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut [u8] {
        &mut self.bytes
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        let bytes = std::mem::take(&mut self.bytes);
        self.home.lock(|kept| {
            if kept.len() < KEPT {
                kept.push(bytes);
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_few_buffers_are_kept() {
        let buffers = Buffers::default();
        let out: Vec<Buffer> = (0..KEPT + 3).map(|_| buffers.take()).collect();
        assert!(out.iter().all(|buffer| buffer.len() == SIZE));
        drop(out);
        assert_eq!(buffers.lock(|kept| kept.len()), KEPT);
    }
}
