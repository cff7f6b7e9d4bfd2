//! Finding a place in a coded file: which byte of the file belongs to which
//! octet of the wire (REST and SIZE, RFC 3659 sections 4 and 5.3).
//!
//! Nothing is guessed: the file is coded from its beginning, and the octets
//! are counted. That takes time, so the control connection is looked at.

use super::coding::Coding;
use super::decoder::{Decoder, Stop};
use super::send::{Reading, Start};
use super::{Encoder, Interruption, Work};
use std::os::fd::OwnedFd;

/// How many octets `file` takes on the wire, before MODE Z makes them fewer.
///
/// # Errors
/// When the file cannot be read or the control connection says so.
pub fn size(
    file: &OwnedFd,
    coding: &Coding,
    buffer: &mut [u8],
    work: &mut Work<'_>,
) -> Result<u64, Interruption> {
    let mut total = 0;
    walk(file, coding, buffer, work, |_, octets, _| {
        total += count(octets);
        true
    })?;
    Ok(total)
}

/// Where to begin so that the client gets everything but the first `octets`
/// of the wire, counted as [`size`] does; None if there are not so many.
///
/// # Errors
/// When the file cannot be read or the control connection says so.
pub fn of_octet(
    file: &OwnedFd,
    coding: &Coding,
    octets: u64,
    buffer: &mut [u8],
    work: &mut Work<'_>,
) -> Result<Option<Start>, Interruption> {
    let mut left = octets;
    let mut found = None;
    walk(file, coding, buffer, work, |offset, made, _| {
        if left <= count(made) {
            found = Some(Start { offset, skip: left });
            return false;
        }
        left -= count(made);
        true
    })?;
    Ok(found)
}

/// How a decoder stands that has got the first `octets` of what `file`
/// makes, and how many bytes of the file it has made of them; None if there
/// are not so many. What ends the file is not among them: who goes on has
/// not ended.
///
/// # Errors
/// When the file cannot be read or the control connection says so.
pub fn resume(
    file: &OwnedFd,
    coding: &Coding,
    octets: u64,
    buffer: &mut [u8],
    work: &mut Work<'_>,
) -> Result<Option<(u64, Decoder)>, Interruption> {
    let mut left = octets;
    let mut decoder = Decoder::new(&coding.undeflated());
    let (mut offset, mut made) = (0, Vec::new());
    walk(file, coding, buffer, work, |_, wire, ended| {
        if ended {
            return false;
        }
        let length = usize::try_from(left).map_or(wire.len(), |left| left.min(wire.len()));
        let mut wire = wire.get(..length).unwrap_or_default();
        left -= count(wire);
        // What an encoder made is well-formed.
        while let Ok((used, stop)) = decoder.decode(wire, &mut made) {
            offset += count(&made);
            made.clear();
            wire = wire.get(used..).unwrap_or_default();
            if stop != Stop::Full {
                break;
            }
        }
        left > 0
    })?;
    Ok((left == 0).then_some((offset, decoder)))
}

/// Codes the file piece by piece; `each` gets the offset of the piece, its
/// octets and whether they are what ends the file, and says whether to go on.
fn walk(
    file: &OwnedFd,
    coding: &Coding,
    buffer: &mut [u8],
    work: &mut Work<'_>,
    mut each: impl FnMut(u64, &[u8], bool) -> bool,
) -> Result<(), Interruption> {
    let mut encoder = Encoder::new(&coding.undeflated());
    let mut reading = Reading::new(file, 0);
    let mut wire = Vec::new();
    loop {
        let offset = reading.offset();
        let wish = buffer.len();
        let bytes = reading.next(buffer, wish).map_err(Interruption::Storage)?;
        let ended = bytes.is_empty();
        wire.clear();
        reading.encode(bytes, &mut encoder, &mut wire);
        if !each(offset, &wire, ended) || ended {
            return Ok(());
        }
        work.advance(wire.len())?;
    }
}

fn count(octets: &[u8]) -> u64 {
    u64::try_from(octets.len()).unwrap_or(u64::MAX)
}
