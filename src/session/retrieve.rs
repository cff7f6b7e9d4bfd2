//! RETR (RFC 959 section 4.1.3, RFC 3659 section 5), and what is asked about
//! a file before it: SIZE (RFC 3659 section 4).

use super::{Failure, Session};
use crate::data::{Start, position};
use crate::fs;
use crate::protocol::ladder::Side;
use crate::protocol::{Code, Escaped, Reply, VirtualPath};
use crate::record::event::Act;
use crate::sys::file::Attributes;
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
        self.login()?.may_fetch(&path)?;
        let opened = self.login()?.root.open_file(&path)?;
        self.may_be_given(path, opened)
    }

    /// The same once nobody writes the file.
    pub(super) fn readable_whole(&mut self, pathname: &[u8]) -> Result<Readable, Failure> {
        if !self.config.lock_upload_files() {
            return self.readable(pathname);
        }
        let path = self.file_path(pathname)?;
        self.login()?.may_fetch(&path)?;
        let opened = self.when_unlocked(path.as_bytes(), |root| root.open_locked(&path))?;
        self.may_be_given(path, opened)
    }

    fn may_be_given(
        &self,
        path: VirtualPath,
        (file, attributes): (OwnedFd, Attributes),
    ) -> Result<Readable, Failure> {
        let rights = self.login()?.rights;
        if rights.world_readable_only && attributes.mode & 0o004 == 0 {
            return Err(fs::Error::NotWorldReadable.into());
        }
        Ok(Readable {
            path,
            file,
            attributes,
        })
    }

    /// `RETR <SP> pathname`.
    pub(super) fn retr(&mut self, pathname: &[u8]) -> Answer {
        self.undertake(Act::Download, pathname);
        let Readable {
            path,
            file,
            attributes,
        } = self.readable_whole(pathname)?;
        let size = attributes.size;
        let coding = self.download_coding();
        let (start, end, length) = match self.range {
            None => (self.start_of_download(&file, size, &coding)?, size, size),
            Some(range) => {
                self.need_image_stream()?;
                // Nothing is what lies beyond the end of a file.
                let octets = range.within(size);
                let (offset, end) = (octets.start, octets.end);
                (Start { offset, skip: 0 }, end, end - offset)
            }
        };
        let ranged = self.range.is_some();
        let by_hand = !self.config.use_sendfile();
        let opening = self.download_opening(pathname, length);
        let buffers = self.service.buffers.clone();
        let moved = self.transfer(Side::Server, path.as_bytes(), &opening, |transfer| {
            if !coding.is_plain() {
                transfer.send_coded(&file, start, &coding, &mut buffers.take())
            } else if ranged && length == 0 {
                Ok(())
            } else if by_hand {
                transfer.send_copied(&file, start.offset, end, &mut buffers.take())
            } else {
                transfer.send_file(&file, start.offset, end)
            }
        })?;
        let name = Escaped(path.as_bytes());
        log::info!("{}: sent {name}, {moved} bytes", self.tag);
        Ok(Reply::new(Code::ClosingData, "Transfer complete."))
    }

    pub(super) fn file_attributes(&self, pathname: &[u8]) -> Result<Attributes, Failure> {
        let path = self.file_path(pathname)?;
        Ok(self.login()?.root.file_attributes(&path)?)
    }

    /// `SIZE <SP> pathname`: the octets that RETR would send, in MODE Z before
    /// they are deflated, which is how REST counts them. Where they are not
    /// the bytes of the file they are counted one by one, up to ascii_size_limit.
    pub(super) fn size(&mut self, pathname: &[u8]) -> Answer {
        let attributes = self.file_attributes(pathname)?;
        let coding = self.download_coding();
        let mut size = attributes.size;
        if !coding.keeps_size() {
            if size > self.config.ascii_size_limit().into() {
                return Err(Failure::refused(Code::FileUnavailable, "File too large for SIZE to be counted as it would be sent: use TYPE I, STRU F, MODE S.").because("ascii_size_limit"));
            }
            let Readable { file, .. } = self.readable(pathname)?;
            let mut buffer = self.service.buffers.take();
            size = self.attended(|work| position::size(&file, &coding, &mut buffer, work))?;
        }
        Ok(Reply::new(Code::FileStatus, size.to_string()))
    }
}
