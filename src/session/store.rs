//! STOR and APPE (RFC 959 section 4.1.3), with REST (RFC 3659 section 5).
//!
//! 226 means that every byte is in the file. A transfer that ends early
//! leaves what came, so that the client can go on from there.

use super::{Failure, Session};
use crate::auth::Privileges;
use crate::data::{Decoder, Interruption};
use crate::fs::{self, Existing, Upload};
use crate::protocol::ladder::Side;
use crate::protocol::{Code, Escaped, Reply};

type Answer = Result<Reply, Failure>;

impl Session {
    /// `STOR <SP> pathname`.
    pub(super) fn stor(&mut self, pathname: &[u8]) -> Answer {
        let restarts = self.restart.is_set();
        let existing = if !self.login()?.rights.change {
            if restarts {
                return Err(Failure::Forbidden("anon_other_write_enable"));
            }
            // Who may only add files shall not touch those of others.
            Existing::Refuse
        } else if restarts {
            Existing::ContinueAt(self.restart.offset)
        } else {
            Existing::Replace
        };
        self.store(pathname, existing)
    }

    /// `APPE <SP> pathname`.
    pub(super) fn appe(&mut self, pathname: &[u8]) -> Answer {
        self.login()?.need(
            |rights| rights.change,
            "write_enable, anon_other_write_enable, read-only account",
        )?;
        self.store(pathname, Existing::Append)
    }

    fn store(&mut self, pathname: &[u8], existing: Existing) -> Answer {
        if self.range.is_some() {
            return Err(Failure::refused(
                Code::ParameterNotImplemented,
                "RANG is for RETR and HASH: use REST.",
            ));
        }
        let login = self.login()?;
        login.need(
            |rights| rights.upload,
            "write_enable, anon_upload_enable, read-only account",
        )?;
        let path = self.file_path(pathname)?;
        let mode = self.config.file_open_mode() & 0o777 & !login.umask;
        self.need_endpoint()?;
        let coding = self.upload_coding();
        let (existing, mut decoder) = self.start_of_upload(&path, existing, &coding)?;
        let login = self.login()?;
        let upload = login.root.open_upload(&path, existing, mode)?;
        if let Err(error) = self.give_away(&upload) {
            login.root.take_back(&path, &upload);
            return Err(error);
        }
        let buffers = self.service.buffers.clone();
        let opening = self.upload_opening();
        let result = self.transfer(Side::Client, path.as_bytes(), &opening, |transfer| {
            let mut buffer = buffers.take();
            let file = upload.begin().map_err(Interruption::Storage)?;
            if coding.is_plain() {
                transfer.receive_file(file, &mut buffer)
            } else {
                transfer.receive_coded(file, upload.start(), &mut decoder, &mut buffer)
            }
        });
        if let (Err(Failure::NoData(_)), Existing::Refuse) = (&result, existing) {
            // Nothing came of it; left there, the empty file would be in the
            // way of the second attempt.
            self.login()?.root.take_back(&path, &upload);
        }
        let moved = result?;
        let name = Escaped(path.as_bytes());
        let start = upload.start();
        if start > 0 {
            log::info!("{}: stored {name}, {moved} bytes from {start} on", self.tag);
        } else {
            log::info!("{}: stored {name}, {moved} bytes", self.tag);
        }
        Ok(stored(&decoder))
    }

    /// Makes an upload somebody else's where that is asked for, so that who
    /// has stored it cannot touch it again (chown_uploads).
    fn give_away(&self, upload: &Upload) -> Result<(), Failure> {
        if !self.config.chown_uploads() || self.login()?.privileges != Privileges::Anonymous {
            return Ok(());
        }
        let heir = self.service.heir;
        let heir = heir.ok_or(Failure::Forbidden("chown_username is no user"))?;
        let mode = self.config.chown_upload_mode();
        Ok(upload.give_to(heir, mode).map_err(fs::Error::System)?)
    }
}

fn stored(decoder: &Decoder) -> Reply {
    Reply::new(
        Code::ClosingData,
        if decoder.suspect() {
            "Transfer complete; the sender suspects errors in it."
        } else {
            "Transfer complete."
        },
    )
}
