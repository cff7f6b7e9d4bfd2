//! Reading directories: all names at once to be sorted ([`Names`]), or
//! buffer by buffer for listings without order ([`Reader`]).
//!
//! A name costs its bytes and eight more; nothing is allocated per entry.
//! Hidden names are left out, and what dead uploads left is deleted.

use super::hidden;
use crate::sys;
use crate::sys::file;
use std::os::fd::{AsFd, OwnedFd};

/// Reads raw directory records through a caller's buffer.
#[derive(Debug)]
pub struct Reader<'buffer> {
    directory: &'buffer OwnedFd,
    buffer: &'buffer mut [u8],
}

impl<'buffer> Reader<'buffer> {
    /// Reads `directory` through `buffer`; 64 KiB and more are worth while.
    pub fn new(directory: &'buffer OwnedFd, buffer: &'buffer mut [u8]) -> Reader<'buffer> {
        Reader { directory, buffer }
    }

    /// The next batch of names, without `.` and `..`; `None` at the end.
    ///
    /// # Errors
    /// getdents64's own.
    pub fn batch(&mut self) -> Result<Option<impl Iterator<Item = &[u8]>>, sys::Error> {
        let length = file::getdents(self.directory.as_fd(), self.buffer)?;
        let records = self.buffer.get(..length).unwrap_or_default();
        let directory = self.directory.as_fd();
        Ok((length > 0).then(|| {
            file::entries(records).filter(move |name| !hidden::is_hidden_or_swept(directory, name))
        }))
    }
}

/// Many names in one allocation.
#[derive(Debug, Default)]
pub struct Names {
    bytes: Vec<u8>,
    /// Where each name lies: offset and length.
    places: Vec<(u32, u16)>,
}

impl Names {
    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// Adds a name. Beyond 4 GiB of names the rest is left out.
    pub fn push(&mut self, name: &[u8]) {
        let (Ok(offset), Ok(length)) = (u32::try_from(self.bytes.len()), u16::try_from(name.len()))
        else {
            return;
        };
        self.bytes.extend_from_slice(name);
        self.places.push((offset, length));
    }

    fn at(bytes: &[u8], (offset, length): (u32, u16)) -> &[u8] {
        let (Ok(offset), length) = (usize::try_from(offset), usize::from(length)) else {
            return &[];
        };
        bytes.get(offset..offset + length).unwrap_or_default()
    }

    /// Takes off the name that was added last.
    pub fn pop(&mut self) -> Option<Vec<u8>> {
        let place = self.places.pop()?;
        let name = Names::at(&self.bytes, place).to_vec();
        // Unless they were sorted, the name is the end of the bytes.
        if usize::try_from(place.0).is_ok_and(|offset| offset + name.len() == self.bytes.len()) {
            self.bytes.truncate(self.bytes.len() - name.len());
        }
        Some(name)
    }

    /// Sorts by byte value, as vsftpd and `LC_ALL=C ls` do.
    pub fn sort(&mut self) {
        let bytes = &self.bytes;
        self.places
            .sort_unstable_by(|&one, &other| Names::at(bytes, one).cmp(Names::at(bytes, other)));
    }

    /// Turns the order round.
    pub fn reverse(&mut self) {
        self.places.reverse();
    }

    /// The names in their order.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        self.places
            .iter()
            .map(|&place| Names::at(&self.bytes, place))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_sort_by_bytes_and_turn_round() {
        let mut names = Names::default();
        for name in [&b"b"[..], b"\xff", b"a b", b"A", b""] {
            names.push(name);
        }
        names.sort();
        let sorted: Vec<&[u8]> = names.iter().collect();
        assert_eq!(sorted, [&b""[..], b"A", b"a b", b"b", b"\xff"]);
        names.reverse();
        assert_eq!(names.iter().next(), Some(&b"\xff"[..]));
    }

    #[test]
    fn the_last_name_is_taken_off() {
        let mut names = Names::default();
        names.push(b"one");
        names.push(b"two");
        assert_eq!(names.pop(), Some(b"two".to_vec()));
        names.push(b"three");
        assert_eq!(names.pop(), Some(b"three".to_vec()));
        assert_eq!(names.pop(), Some(b"one".to_vec()));
        assert_eq!(names.pop(), None);
    }
}
