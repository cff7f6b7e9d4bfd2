//! Digests of files: HASH (draft-bryan-ftpext-hash), MD5 and MMD5
//! (draft-twine-ftpmd5), and XCRC and its like, which no document defines.
//!
//! A digest tells what is in a file, so who may not fetch the file may not
//! have it. Hashing takes as long as the file is large: ABOR and a client that
//! has gone end it.

use super::retrieve::Readable;
use super::{Failure, Session};
use crate::data::{Interruption, Work};
use crate::fs;
use crate::protocol::command::Verb;
use crate::protocol::name::to_wire;
use crate::protocol::quoted::{file_parts, listed, unquoted};
use crate::protocol::{Algorithm, Code, Digest, Escaped, Reply};
use crate::sys;
use crate::sys::transfer::read_at;
use std::ops::Range;
use std::os::fd::AsFd;

type Answer = Result<Reply, Failure>;

/// Bytes hashed at once: they are still in the processor's cache when the
/// digest reads them.
const PIECE: usize = 256 << 10;

/// Whether the command is there only with hash_enable.
pub(super) fn is_digest(verb: Verb) -> bool {
    matches!(
        verb,
        Verb::Hash
            | Verb::Xcrc
            | Verb::Xmd5
            | Verb::Xsha
            | Verb::Xsha1
            | Verb::Xsha256
            | Verb::Xsha512
            | Verb::Md5
            | Verb::Mmd5
    )
}

/// Hashes `octets` of `file`, or all of it.
fn hash_file(
    work: &mut Work<'_>,
    file: &Readable,
    octets: Option<Range<u64>>,
    algorithm: Algorithm,
    buffer: &mut [u8],
) -> Result<String, Interruption> {
    let size = file.attributes.size;
    // A file that says it is empty may be one of the kernel's own, that knows
    // its size only when read: RETR sends what is in it.
    let unknown = size == 0 && octets.is_none();
    let Range { start: mut at, end } = octets.unwrap_or(0..size);
    let space = buffer.len().min(PIECE);
    let mut digest = Digest::new(algorithm);
    while at < end || unknown {
        let wish = usize::try_from(end.saturating_sub(at)).unwrap_or(space);
        let wish = if unknown { space } else { wish.min(space) };
        let piece = buffer.get_mut(..wish).unwrap_or_default();
        let read = read_at(file.file.as_fd(), piece, at).map_err(Interruption::Storage)?;
        match read {
            0 if unknown => break,
            // Shorter than it was a moment ago.
            0 => {
                let error = sys::Error::new("pread", libc::ENODATA);
                return Err(Interruption::Storage(error));
            }
            _ => {}
        }
        digest.update(piece.get(..read).unwrap_or_default());
        at += u64::try_from(read).unwrap_or(0);
        work.advance(read)?;
    }
    Ok(digest.finish())
}

/// The reply that a draft wants for the digest of a directory.
fn or_if_directory(failure: Failure, code: Code) -> Failure {
    match failure {
        Failure::Fs(fs::Error::IsADirectory) => Failure::refused(code, "Is a directory."),
        other => other,
    }
}

impl Session {
    /// Hashes one file while attending to the control connection.
    fn digest(
        &mut self,
        file: &Readable,
        octets: Option<Range<u64>>,
        algorithm: Algorithm,
    ) -> Result<String, Failure> {
        let buffers = self.service.buffers.clone();
        let digest = self.attended(|work| {
            let mut buffer = buffers.take();
            hash_file(work, file, octets, algorithm, &mut buffer)
        })?;
        let name = Escaped(file.path.as_bytes());
        log::info!("{}: {} of {name}", self.tag, algorithm.name());
        Ok(digest)
    }

    /// `HASH <SP> pathname`, of the part of it that RANG named.
    pub(super) fn hash(&mut self, pathname: &[u8]) -> Answer {
        let file = self
            .readable(pathname)
            .map_err(|failure| or_if_directory(failure, Code::NameNotAllowed))?;
        let size = file.attributes.size;
        let octets = self.range.map(|range| range.within(size));
        if octets.as_ref().is_some_and(Range::is_empty) {
            return Err(Failure::refused(
                Code::PageTypeUnknown,
                "The range is beyond the end of the file.",
            ));
        }
        let algorithm = self.algorithm;
        let shown = octets.clone().unwrap_or(0..size);
        let digest = self.digest(&file, octets, algorithm)?;
        // The end is included, so that an empty file cannot be told from one
        // of one byte but by its digest.
        let (start, last) = (shown.start, shown.end.saturating_sub(1));
        let mut text = format!("{} {start}-{last} {digest} ", algorithm.name()).into_bytes();
        text.extend_from_slice(&to_wire(pathname));
        Ok(Reply::new(Code::FileStatus, text))
    }

    /// `OPTS <SP> HASH [ <SP> algorithm ]`.
    pub(super) fn opts_hash(&mut self, options: &[u8]) -> Answer {
        let name = options.trim_ascii();
        if !name.is_empty() {
            self.algorithm = Algorithm::by_name(name).ok_or_else(|| {
                Failure::refused(
                    Code::ArgumentError,
                    "Unknown algorithm, current selection not changed.",
                )
            })?;
        }
        Ok(Reply::new(Code::CommandOk, self.algorithm.name()))
    }

    /// `XCRC <SP> pathname [ <SP> start <SP> end ]` and its like, the end
    /// excluded and the digest in upper case, as ProFTPD has it.
    pub(super) fn part_digest(&mut self, algorithm: Algorithm, argument: &[u8]) -> Answer {
        let mut refusal = Failure::refused(
            Code::ArgumentError,
            "Syntax: a pathname, in quotes if numbers follow, and start and end or neither.",
        );
        for part in file_parts(argument) {
            let file = match self.readable(&part.name) {
                Ok(file) => file,
                Err(failure) => {
                    refusal = failure;
                    continue;
                }
            };
            let octets = match part.octets {
                Some((start, end)) if start <= end && end <= file.attributes.size => {
                    Some(start..end)
                }
                Some(_) => {
                    return Err(Failure::refused(
                        Code::FileUnavailable,
                        "Start and end do not lie in the file in this order.",
                    ));
                }
                None => None,
            };
            let digest = self.digest(&file, octets, algorithm)?;
            return Ok(Reply::new(Code::FileActionOk, digest.to_ascii_uppercase()));
        }
        Err(refusal)
    }

    /// `MD5 <SP> pathname`.
    pub(super) fn md5(&mut self, pathname: &[u8]) -> Answer {
        let file = self
            .readable(&unquoted(pathname))
            .map_err(|failure| or_if_directory(failure, Code::ParameterNotImplemented))?;
        let mut text = to_wire(pathname).into_owned();
        self.append_md5(&mut text, &file)?;
        Ok(Reply::new(Code::FileDigest, text))
    }

    /// `MMD5 <SP> pathname [ , pathname ... ]`: all or none.
    pub(super) fn mmd5(&mut self, argument: &[u8]) -> Answer {
        let names = listed(argument).ok_or_else(|| {
            Failure::refused(Code::ArgumentError, "Syntax: MMD5 pathname, pathname ...")
        })?;
        let mut text = Vec::new();
        for one in &names {
            let file = self.readable(&one.name).map_err(|failure| match failure {
                // The draft has one reply for whatever is wrong with a name.
                Failure::Path(_) | Failure::Fs(_) => Failure::refused(
                    Code::ParameterNotImplemented,
                    "There is a pathname of no file, or of none that may be read.",
                ),
                other => other,
            })?;
            if !text.is_empty() {
                text.extend_from_slice(b", ");
            }
            text.extend_from_slice(&to_wire(one.written));
            self.append_md5(&mut text, &file)?;
        }
        let code = match names.len() {
            1 => Code::FileDigest,
            _ => Code::FileDigests,
        };
        Ok(Reply::new(code, text))
    }

    fn append_md5(&mut self, text: &mut Vec<u8>, file: &Readable) -> Result<(), Failure> {
        let digest = self.digest(file, None, Algorithm::Md5)?;
        text.push(b' ');
        text.extend_from_slice(digest.to_ascii_uppercase().as_bytes());
        Ok(())
    }
}
