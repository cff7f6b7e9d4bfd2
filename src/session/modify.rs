//! Commands that change names: MKD, RMD, DELE, RNFR, RNTO (RFC 959 section
//! 4.1.3), MFMT (draft-somers-ftp-mfxx) and SITE CHMOD.

use super::state::{Login, Rights};
use super::{Failure, Session};
use crate::protocol::name::to_wire;
use crate::protocol::parse::split_word;
use crate::protocol::time::{format_mdtm, parse_mdtm};
use crate::protocol::{Code, Escaped, Reply, Text};

type Answer = Result<Reply, Failure>;

impl Login {
    /// Errs unless the right that `wanted` picks is given.
    pub(super) fn need(
        &self,
        wanted: fn(Rights) -> bool,
        name: &'static str,
    ) -> Result<(), Failure> {
        if wanted(self.rights) {
            Ok(())
        } else {
            Err(Failure::Forbidden(name))
        }
    }

    fn need_change(&self) -> Result<(), Failure> {
        self.need(
            |rights| rights.change,
            "write_enable, anon_other_write_enable, read-only account",
        )
    }
}

impl Session {
    fn changed(&self, what: &str, name: &[u8]) {
        log::info!("{}: {what} {}", self.tag, Escaped(name));
    }

    /// `MKD <SP> pathname`.
    pub(super) fn mkd(&mut self, pathname: &[u8]) -> Answer {
        let login = self.login()?;
        login.need(
            |rights| rights.make_directories,
            "write_enable, anon_mkdir_write_enable, read-only account",
        )?;
        let path = self.path(pathname)?;
        login.root.make_directory(&path, 0o777 & !login.umask)?;
        self.changed("made directory", path.as_bytes());
        let text = Text::filled("{} created", &[&path.quoted()]);
        Ok(Reply::new(Code::PathnameCreated, text))
    }

    /// `RMD <SP> pathname`.
    pub(super) fn rmd(&mut self, pathname: &[u8]) -> Answer {
        let login = self.login()?;
        login.need_change()?;
        let path = self.path(pathname)?;
        login.root.remove_directory(&path)?;
        self.changed("removed directory", path.as_bytes());
        Ok(Reply::new(
            Code::FileActionOk,
            "Remove directory operation successful.",
        ))
    }

    /// `DELE <SP> pathname`.
    pub(super) fn dele(&mut self, pathname: &[u8]) -> Answer {
        let login = self.login()?;
        login.need_change()?;
        let path = self.path(pathname)?;
        login.root.delete(&path)?;
        self.changed("deleted", path.as_bytes());
        Ok(Reply::new(
            Code::FileActionOk,
            "Delete operation successful.",
        ))
    }

    /// `RNFR <SP> pathname`.
    pub(super) fn rnfr(&mut self, pathname: &[u8]) -> Answer {
        self.rename_from = None;
        let login = self.login()?;
        login.need_change()?;
        let path = self.path(pathname)?;
        login.root.own_attributes(&path)?;
        self.rename_from = Some(path);
        Ok(Reply::new(Code::NeedInformation, "Ready for RNTO."))
    }

    /// `RNTO <SP> pathname`.
    pub(super) fn rnto(&mut self, pathname: &[u8]) -> Answer {
        let from = self
            .rename_from
            .take()
            .ok_or_else(|| Failure::refused(Code::BadSequence, "RNFR required first."))?;
        let login = self.login()?;
        login.need_change()?;
        let to = self.path(pathname)?;
        login.root.rename(&from, &to)?;
        log::info!(
            "{}: renamed {} to {}",
            self.tag,
            Escaped(from.as_bytes()),
            Escaped(to.as_bytes())
        );
        Ok(Reply::new(Code::FileActionOk, "Rename successful."))
    }

    /// `MFMT <SP> time-val <SP> pathname`.
    pub(super) fn mfmt(&mut self, argument: &[u8]) -> Answer {
        let (time, pathname) = split_word(argument);
        let stamp = parse_mdtm(time).filter(|_| !pathname.is_empty());
        let stamp = stamp.ok_or_else(|| {
            Failure::refused(Code::ArgumentError, "Syntax: MFMT YYYYMMDDHHMMSS pathname")
        })?;
        let login = self.login()?;
        login.need_change()?;
        let path = self.path(pathname)?;
        login
            .root
            .set_modified(&path, stamp.seconds, stamp.nanoseconds)?;
        self.changed("set time of", path.as_bytes());
        let mut text = format!("Modify={}; ", format_mdtm(stamp)).into_bytes();
        text.extend_from_slice(&to_wire(pathname));
        Ok(Reply::new(Code::FileStatus, text))
    }

    /// `SITE CHMOD <SP> octal-mode <SP> pathname`, arguments parsed.
    pub(super) fn chmod(&mut self, mode: u32, pathname: &[u8]) -> Answer {
        let login = self.login()?;
        login.need(
            |rights| rights.chmod,
            "write_enable, chmod_enable, anonymous or read-only account",
        )?;
        let path = self.path(pathname)?;
        login.root.set_mode(&path, mode)?;
        self.changed("set mode of", path.as_bytes());
        Ok(Reply::new(Code::CommandOk, "SITE CHMOD command ok."))
    }
}
