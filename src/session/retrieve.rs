//! RETR (RFC 959 section 4.1.3, RFC 3659 section 5), and what is asked about
//! a file before it: SIZE and MDTM (RFC 3659 sections 3 and 4).

use super::{Failure, Session};
use crate::fs;
use crate::protocol::ladder::Side;
use crate::protocol::name::to_wire;
use crate::protocol::time::format_mdtm;
use crate::protocol::{Code, Escaped, Reply, Text, Timestamp, VirtualPath};
use crate::sys::clock;
use crate::sys::file::Attributes;
use std::ops::Range;
use std::os::fd::OwnedFd;

type Answer = Result<Reply, Failure>;

/// A file that may be given to the client.
pub(super) struct Readable {
    pub path: VirtualPath,
    pub file: OwnedFd,
    pub attributes: Attributes,
}

impl Session {
    /// Opens a file for giving it, or what can be told of its content, to the
    /// client.
    pub(super) fn readable(&self, pathname: &[u8]) -> Result<Readable, Failure> {
        let path = self.file_path(pathname)?;
        let login = self.login()?;
        let (file, attributes) = login.root.open_file(&path)?;
        if login.rights.world_readable_only && attributes.mode & 0o004 == 0 {
            return Err(fs::Error::NotWorldReadable.into());
        }
        Ok(Readable {
            path,
            file,
            attributes,
        })
    }

    /// What of a file of `size` bytes RETR is to send, the end excluded.
    fn octets_to_send(&self, size: u64) -> Result<Range<u64>, Failure> {
        if let Some(range) = self.range {
            // Nothing is what lies beyond the end of a file.
            self.need_image_stream()?;
            return Ok(range.within(size));
        }
        if self.restart > size && size > 0 {
            return Err(Failure::refused(
                Code::PageTypeUnknown,
                "Restart position is beyond the end of the file.",
            ));
        }
        Ok(self.restart..size)
    }

    /// `RETR <SP> pathname`.
    pub(super) fn retr(&mut self, pathname: &[u8]) -> Answer {
        let Readable {
            path,
            file,
            attributes,
        } = self.readable(pathname)?;
        let as_text = self.ascii && self.service.config.ascii_download_enable();
        let octets = self.octets_to_send(attributes.size)?;
        let ranged = self.range.is_some();
        let length = if ranged {
            octets.end - octets.start
        } else {
            attributes.size
        };
        let opening = Text::filled(
            "Opening {} mode data connection for {} ({} bytes).",
            &[
                self.type_word().as_bytes(),
                &to_wire(pathname),
                length.to_string().as_bytes(),
            ],
        );
        let opening = Reply::new(Code::FileStatusOk, opening);
        let buffers = self.service.buffers.clone();
        let moved = self.transfer(Side::Server, path.as_bytes(), &opening, |transfer| {
            if as_text {
                transfer.send_file_as_text(&file, octets.start, &mut buffers.take())
            } else if ranged && octets.is_empty() {
                Ok(())
            } else {
                transfer.send_file(&file, octets.start, octets.end)
            }
        })?;
        let name = Escaped(path.as_bytes());
        log::info!("{}: sent {name}, {moved} bytes", self.tag);
        Ok(Reply::new(Code::ClosingData, "Transfer complete."))
    }

    fn file_attributes(&self, pathname: &[u8]) -> Result<Attributes, Failure> {
        let path = self.file_path(pathname)?;
        Ok(self.login()?.root.file_attributes(&path)?)
    }

    /// `SIZE <SP> pathname`: the bytes RETR would send. Where TYPE A
    /// converts, that number would have to be counted, so it is refused.
    pub(super) fn size(&self, pathname: &[u8]) -> Answer {
        let attributes = self.file_attributes(pathname)?;
        if self.ascii && self.service.config.ascii_download_enable() {
            return Err(Failure::refused(
                Code::FileUnavailable,
                "SIZE is not known in ASCII type: use TYPE I.",
            ));
        }
        Ok(Reply::new(Code::FileStatus, attributes.size.to_string()))
    }

    /// `MDTM <SP> pathname`: time of last modification, in UTC unless
    /// use_localtime says otherwise, as in vsftpd.
    pub(super) fn mdtm(&self, pathname: &[u8]) -> Answer {
        let attributes = self.file_attributes(pathname)?;
        let (mut seconds, _) = attributes.modified;
        if self.service.config.use_localtime() {
            seconds += clock::local_offset(seconds);
        }
        Ok(Reply::new(
            Code::FileStatus,
            format_mdtm(Timestamp::from_seconds(seconds)),
        ))
    }
}
