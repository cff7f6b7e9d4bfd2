//! RETR (RFC 959 section 4.1.3, RFC 3659 section 5), and what is asked about
//! a file before it: SIZE and MDTM (RFC 3659 sections 3 and 4).

use super::{Failure, Session};
use crate::fs;
use crate::protocol::ladder::Side;
use crate::protocol::time::format_mdtm;
use crate::protocol::{Code, Escaped, Reply, Timestamp};
use crate::sys::clock;
use crate::sys::file::Attributes;

type Answer = Result<Reply, Failure>;

impl Session {
    /// `RETR <SP> pathname`.
    pub(super) fn retr(&mut self, pathname: &[u8]) -> Answer {
        let path = self.file_path(pathname)?;
        let login = self.login()?;
        let (file, attributes) = login.root.open_file(&path)?;
        if login.rights.world_readable_only && attributes.mode & 0o004 == 0 {
            return Err(fs::Error::NotWorldReadable.into());
        }
        let as_text = self.ascii && self.service.config.ascii_download_enable();
        let offset = self.restart;
        if offset > attributes.size && attributes.size > 0 {
            return Err(Failure::refused(
                Code::PageTypeUnknown,
                "Restart position is beyond the end of the file.",
            ));
        }
        let mut opening =
            format!("Opening {} mode data connection for ", self.type_word()).into_bytes();
        opening.extend_from_slice(pathname);
        opening.extend_from_slice(format!(" ({} bytes).", attributes.size).as_bytes());
        let opening = Reply::new(Code::FileStatusOk, opening);
        let buffers = self.service.buffers.clone();
        let moved = self.transfer(Side::Server, path.as_bytes(), &opening, |transfer| {
            if as_text {
                transfer.send_file_as_text(&file, offset, &mut buffers.take())
            } else {
                transfer.send_file(&file, offset, attributes.size)
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
