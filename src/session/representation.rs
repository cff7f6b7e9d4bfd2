//! What TYPE, STRU and MODE mean for a transfer: its coding, where it begins,
//! and what the 150 says of it.

use super::{Failure, Session};
use crate::data::{Characters, Coding, Decoder, Start, position};
use crate::fs::Existing;
use crate::protocol::name::to_wire;
use crate::protocol::{Code, CodePage, Marker, Mode, Reply, Structure, Text, Type, VirtualPath};
use std::os::fd::OwnedFd;

/// The filler byte of MODE C by type (RFC 959 section 3.4.3): a space in
/// text, which EBCDIC has elsewhere.
const ASCII_SPACE: u8 = 0x20;
const EBCDIC_SPACE: u8 = 0x40;

/// RFC 1123 section 4.1.3.4.
pub(super) fn bad_restart() -> Failure {
    Failure::refused(
        Code::InvalidRestart,
        "Restart position is beyond the end of the file.",
    )
}

impl Session {
    /// How the bytes of a transfer are coded. In TYPE A line ends are
    /// converted only if `line_ends` says so (ascii_download_enable,
    /// ascii_upload_enable): many clients are in TYPE A by mistake. Nobody
    /// asks for TYPE E, STRU R or another mode by mistake.
    pub(super) fn coding(&self, line_ends: bool) -> Coding {
        let set = self.representation;
        let (characters, filler) = match set.kind {
            Type::Ascii(_) if line_ends => (Characters::Nvt, ASCII_SPACE),
            Type::Ascii(_) => (Characters::AsTheyAre, ASCII_SPACE),
            Type::Ebcdic(_) => (Characters::Ebcdic(self.code_page()), EBCDIC_SPACE),
            Type::Image => (Characters::AsTheyAre, 0),
        };
        Coding {
            characters,
            records: set.structure == Structure::Record,
            mode: set.mode,
            level: self.deflate_level,
            filler,
        }
    }

    fn code_page(&self) -> &'static CodePage {
        let name = self.config.ebcdic_code_page();
        let Some(page) = CodePage::find(name) else {
            unreachable!("the check of the configuration refuses other names");
        };
        page
    }

    /// The first reply to RETR, which sends `length` bytes of the file.
    pub(super) fn download_opening(&self, pathname: &[u8], length: u64) -> Reply {
        let set = self.representation;
        // What goes as it is is called BINARY, as in vsftpd.
        let as_it_is = matches!(set.kind, Type::Ascii(_)) && !self.config.ascii_download_enable();
        let kind = if as_it_is { Type::Image } else { set.kind };
        let (word, unusual) = (kind.word().as_bytes(), set.unusual());
        let (name, length) = (to_wire(pathname), length.to_string());
        let (name, length) = (&*name, length.as_bytes());
        let text = if unusual.is_empty() {
            Text::filled(
                "Opening {} mode data connection for {} ({} bytes).",
                &[word, name, length],
            )
        } else {
            Text::filled(
                "Opening {} mode data connection for {} ({} bytes), {}.",
                &[word, name, length, unusual.as_bytes()],
            )
        };
        Reply::new(Code::FileStatusOk, text)
    }

    /// The first reply to STOR and the like.
    pub(super) fn upload_opening(&self) -> Reply {
        let unusual = self.representation.unusual_with_type();
        if unusual.is_empty() {
            return Reply::new(Code::FileStatusOk, "Ok to send data.");
        }
        Reply::new(Code::FileStatusOk, format!("Ok to send data ({unusual})."))
    }

    /// The first reply to a listing.
    pub(super) fn listing_opening(&self) -> Reply {
        let unusual = self.representation.unusual_with_type();
        if unusual.is_empty() {
            return Reply::new(Code::FileStatusOk, "Here comes the directory listing.");
        }
        let text = format!("Here comes the directory listing ({unusual}).");
        Reply::new(Code::FileStatusOk, text)
    }

    /// The coding of a file that is sent.
    pub(super) fn download_coding(&self) -> Coding {
        self.coding(self.config.ascii_download_enable())
    }

    /// The coding of a file that is stored.
    pub(super) fn upload_coding(&self) -> Coding {
        self.coding(self.config.ascii_upload_enable())
    }

    /// Where in `file`, of `size` bytes, RETR is to begin.
    pub(super) fn start_of_download(
        &mut self,
        file: &OwnedFd,
        size: u64,
        coding: &Coding,
    ) -> Result<Start, Failure> {
        let Marker { offset, half } = self.restart;
        if !self.restart.is_set() {
            return Ok(Start::default());
        }
        let by_file = matches!(coding.mode, Mode::Block | Mode::Compressed) || coding.keeps_size();
        if by_file {
            // Files of the kernel's own say that they are empty.
            if half || (offset > size && size > 0) {
                return Err(bad_restart());
            }
            return Ok(Start { offset, skip: 0 });
        }
        // What comes now may take long, and nothing would come of it.
        self.need_endpoint()?;
        let mut buffer = self.service.buffers.take();
        let found =
            self.attended(|work| position::of_octet(file, coding, offset, &mut buffer, work))?;
        found.filter(|_| !half).ok_or_else(bad_restart)
    }

    /// Where in the file STOR is to go on, if it is, and a decoder as it
    /// stands there.
    pub(super) fn start_of_upload(
        &mut self,
        path: &VirtualPath,
        existing: Existing,
        coding: &Coding,
    ) -> Result<(Existing, Decoder), Failure> {
        let Marker { offset, half } = self.restart;
        let mut decoder = Decoder::new(coding);
        let Existing::ContinueAt(at) = existing else {
            return Ok((existing, decoder));
        };
        if coding.is_plain() {
            return Ok((existing, decoder));
        }
        if matches!(coding.mode, Mode::Block | Mode::Compressed) {
            if half {
                decoder.hold_half();
            }
            return Ok((Existing::RestartAt(at), decoder));
        }
        if half {
            return Err(bad_restart());
        }
        if coding.keeps_size() {
            return Ok((existing, decoder));
        }
        let (file, _) = self.login()?.root.open_file(path)?;
        let mut buffer = self.service.buffers.take();
        let found =
            self.attended(|work| position::resume(&file, coding, offset, &mut buffer, work))?;
        let (offset, decoder) = found.ok_or_else(bad_restart)?;
        let decoder = match coding.mode {
            Mode::Deflate => decoder.inflating(),
            _ => decoder,
        };
        Ok((Existing::ContinueAt(offset), decoder))
    }
}
