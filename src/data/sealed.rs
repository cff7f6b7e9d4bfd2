//! A transfer under protection (RFC 4217 section 9): octets are sealed into
//! one large buffer that is sent as a whole, and opened out of one straight
//! into the buffer that is written. None is copied on the way.

#[cfg(test)]
mod tests;

use super::buffers::{Buffer, Buffers};
use super::transfer::{Direction, Transfer, Waiting, wait_for};
use super::{Interruption, Watch};
use crate::protocol::protection::{Negotiation, Protection, Turn};
use crate::sys;
use crate::sys::poll::{READABLE, WRITABLE};
use crate::sys::transfer::{read_at, receive_now, send};
use socket2::SockRef;
use std::fmt;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

/// Bytes of a file that are read, sealed and sent at once: the processor's
/// own memory holds them meanwhile, twice.
const CHUNK: usize = 256 << 10;

/// How much may come in that nobody reads before the end.
const DRAINED: usize = 16 << 10;

/// Protection of one data connection, with its buffer.
pub(super) struct Seal<'run> {
    protection: &'run mut dyn Protection,
    buffers: Buffers,
    wire: Buffer,
    /// What has come and is not opened yet, within `wire`.
    from: usize,
    until: usize,
    /// The client has said that it is done.
    ended: bool,
    strict: bool,
}

impl fmt::Debug for Seal<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Seal")
            .field("protection", &self.protection)
            .field("ended", &self.ended)
            .finish_non_exhaustive()
    }
}

/// Agrees on protection for a data connection, whose first octets these
/// are, while attending to the control connection. False when it came to
/// nothing; the client was told then.
///
/// # Errors
/// When `limit` is over, the connection breaks or the control connection
/// says so.
pub fn negotiate(
    socket: BorrowedFd<'_>,
    watch: &mut dyn Watch,
    limit: Option<Duration>,
    negotiation: &mut dyn Negotiation,
) -> Result<bool, Interruption> {
    // One limit for all of it: a client that sends an octet now and then
    // has not begun.
    let waiting = Waiting::new(limit);
    let mut chunk = [0; 4096];
    loop {
        match negotiation.turn() {
            Turn::Done => {
                hasten(socket);
                return Ok(true);
            }
            Turn::Failed => {
                // The connection is over: an alert that does not fit is lost.
                let _ = send(socket, negotiation.outgoing(), false);
                return Ok(false);
            }
            Turn::Send => match send(socket, negotiation.outgoing(), false) {
                Ok(count) => negotiation.sent(count),
                Err(error) if error.would_block() => {
                    wait_for(socket, WRITABLE, None, watch, 0, waiting)?;
                }
                Err(error) => return Err(Interruption::Network(error)),
            },
            Turn::Receive => match receive_now(socket, &mut chunk) {
                Ok(0) => {
                    let error = sys::Error::new("recv", libc::ECONNRESET);
                    return Err(Interruption::Network(error));
                }
                Ok(count) => negotiation.feed(chunk.get(..count).unwrap_or_default()),
                Err(error) if error.would_block() => {
                    wait_for(socket, READABLE, None, watch, 0, waiting)?;
                }
                Err(error) => return Err(Interruption::Network(error)),
            },
        }
        waiting.check()?;
    }
}

/// Answers what comes at once. The end of a small upload is a record of its
/// own, which the client's system holds back until what went before is
/// acknowledged, and after a handshake ours takes 40 ms for that.
fn hasten(socket: BorrowedFd<'_>) {
    // Without it all is only slower.
    let _ = SockRef::from(&socket).set_tcp_quickack(true);
}

impl Seal<'_> {
    /// Moves what is not opened yet to the front, so that more can come.
    fn compact(&mut self) {
        self.wire.copy_within(self.from..self.until, 0);
        self.until -= self.from;
        self.from = 0;
    }
}

impl<'run> Transfer<'run> {
    /// The same transfer under `protection`; `rest` came behind the
    /// agreement. `strict` is strict_ssl_read_eof: a client that closes
    /// without a word has not sent everything.
    #[must_use]
    pub fn sealed(
        mut self,
        protection: &'run mut dyn Protection,
        buffers: &Buffers,
        rest: &[u8],
        strict: bool,
    ) -> Transfer<'run> {
        let mut wire = buffers.take();
        let until = rest.len().min(wire.len());
        if let (Some(room), Some(rest)) = (wire.get_mut(..until), rest.get(..until)) {
            room.copy_from_slice(rest);
        }
        self.seal = Some(Box::new(Seal {
            protection,
            buffers: buffers.clone(),
            wire,
            from: 0,
            until,
            ended: false,
            strict,
        }));
        self
    }

    /// Whether the client closed a protected connection without saying that
    /// it was done: what came may be all, or not.
    #[must_use]
    pub fn is_cut_off(&self) -> bool {
        self.cut_off
    }

    /// Sends all of `bytes` under protection.
    pub(super) fn send_sealed(&mut self, mut bytes: &[u8]) -> Result<(), Interruption> {
        while !bytes.is_empty() {
            let piece = bytes.get(..self.share(bytes.len())).unwrap_or(bytes);
            let Some(seal) = &mut self.seal else {
                return Ok(());
            };
            // Behind what came with the handshake, if anything did: it is
            // opened when the client's end is waited for.
            let start = seal.until;
            let room = seal.wire.get_mut(start..).unwrap_or_default();
            let sealed = seal.protection.seal(piece, room);
            if sealed.taken == 0 {
                // Only a protection that is over takes nothing.
                let error = sys::Error::new("send", libc::EPIPE);
                return Err(Interruption::Network(error));
            }
            self.push(start, start + sealed.made)?;
            bytes = bytes.get(sealed.taken..).unwrap_or_default();
            self.account(sealed.taken)?;
        }
        Ok(())
    }

    /// Sends these octets of the buffer.
    fn push(&mut self, mut from: usize, until: usize) -> Result<(), Interruption> {
        while let Some(seal) = &self.seal
            && let Some(rest) = seal.wire.get(from..until)
            && !rest.is_empty()
        {
            match send(self.socket, rest, false) {
                Ok(count) => from += count,
                Err(error) if error.would_block() => self.wait(Direction::Send)?,
                Err(error) => return Err(Interruption::Network(error)),
            }
        }
        Ok(())
    }

    /// Sends `file` from `offset` to `end` under protection, as it is; all
    /// there is of it where both are 0.
    pub(super) fn send_file_sealed(
        &mut self,
        file: &OwnedFd,
        offset: u64,
        end: u64,
    ) -> Result<(), Interruption> {
        let Some(seal) = &self.seal else {
            return Ok(());
        };
        let mut buffer = seal.buffers.take();
        let endless = offset == 0 && end == 0;
        let mut at = offset;
        while at < end || endless {
            let left = usize::try_from(end.saturating_sub(at)).unwrap_or(CHUNK);
            let wish = if endless { CHUNK } else { left.min(CHUNK) };
            let space = buffer.get_mut(..wish).unwrap_or_default();
            let read = read_at(file.as_fd(), space, at).map_err(Interruption::Storage)?;
            if read == 0 && endless {
                break;
            }
            if read == 0 {
                // Shorter than it was when the client was told its size.
                let error = sys::Error::new("pread", libc::ENODATA);
                return Err(Interruption::Storage(error));
            }
            self.send_sealed(buffer.get(..read).unwrap_or_default())?;
            at += u64::try_from(read).unwrap_or(0);
        }
        Ok(())
    }

    /// Fills what it can of `buffer`, which has room for a record at least;
    /// 0 once the client is done.
    pub(super) fn receive_sealed(&mut self, buffer: &mut [u8]) -> Result<usize, Interruption> {
        loop {
            let share = self.share(buffer.len());
            let Some(seal) = &mut self.seal else {
                return Ok(0);
            };
            let piece = seal.wire.get(seal.from..seal.until).unwrap_or_default();
            let opened = seal.protection.open(piece, buffer);
            let opened = match opened {
                Ok(opened) => opened,
                Err(breach) => {
                    let alert = seal.protection.owed();
                    let _ = send(self.socket, &alert, false);
                    return Err(Interruption::Breach(breach));
                }
            };
            seal.from += opened.used;
            seal.ended |= opened.ended;
            if opened.made > 0 {
                self.account(opened.made)?;
                return Ok(opened.made);
            }
            if seal.ended {
                return Ok(0);
            }
            seal.compact();
            let until = seal.until;
            let most = (until + share).min(seal.wire.len());
            let room = seal.wire.get_mut(until..most).unwrap_or_default();
            match receive_now(self.socket, room) {
                Ok(0) if seal.strict => return Err(Interruption::CutOff),
                Ok(0) => {
                    self.cut_off = true;
                    return Ok(0);
                }
                Ok(received) => seal.until += received,
                Err(error) if error.would_block() => self.wait(Direction::Receive)?,
                Err(error) => return Err(Interruption::Network(error)),
            }
        }
    }

    /// Ends the protection in good form, if there is any: says that no more
    /// will come, and with `wait` hears the same of the client
    /// (strict_ssl_write_shutdown).
    ///
    /// # Errors
    /// When the transfer is interrupted.
    pub fn end_protection(&mut self, wait: bool) -> Result<(), Interruption> {
        let Some(seal) = &mut self.seal else {
            return Ok(());
        };
        let heard = seal.ended || self.cut_off;
        // Nothing that came is looked at any more, unless the client's own
        // end is waited for; then it has not come yet.
        let last = seal.protection.close();
        seal.compact();
        let start = seal.until;
        let room = seal.wire.get_mut(start..start + last.len());
        if let Some(room) = room {
            room.copy_from_slice(&last);
            self.push(start, start + last.len())?;
        }
        if wait && !heard {
            return self.hear_the_end();
        }
        self.drain();
        Ok(())
    }

    /// Reads on until the client has said that it is done.
    fn hear_the_end(&mut self) -> Result<(), Interruption> {
        let Some(seal) = &mut self.seal else {
            return Ok(());
        };
        seal.strict = true;
        let mut clear = seal.buffers.take();
        while self.receive_sealed(&mut clear)? > 0 {}
        Ok(())
    }

    /// Reads away what lies there: closing with octets unread would reset
    /// the connection, and what was sent last could be lost.
    fn drain(&mut self) {
        let mut chunk = [0; 4096];
        let mut drained = 0;
        while drained < DRAINED
            && let Ok(count @ 1..) = receive_now(self.socket, &mut chunk)
        {
            drained += count;
        }
    }
}
