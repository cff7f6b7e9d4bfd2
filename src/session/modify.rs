//! Commands that change names: MKD, RMD, DELE, RNFR, RNTO (RFC 959 section
//! 4.1.3), SITE MKDIR, RMDIR and SYMLINK.

use super::state::{Login, Rights};
use super::{Failure, Session};
use crate::fs;
use crate::protocol::site::parse_symlink;
use crate::protocol::{Code, Escaped, Reply, Text, VirtualPath};

use crate::record::event::{Act, Deed};

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

    pub(super) fn need_upload(&self) -> Result<(), Failure> {
        self.need(
            |rights| rights.upload,
            "write_enable, anon_upload_enable, read-only account",
        )
    }

    fn need_make_directories(&self) -> Result<(), Failure> {
        self.need(
            |rights| rights.make_directories,
            "write_enable, anon_mkdir_write_enable, read-only account",
        )
    }

    pub(super) fn need_change(&self) -> Result<(), Failure> {
        self.need(
            |rights| rights.change,
            "write_enable, anon_other_write_enable, read-only account",
        )
    }
}

impl Session {
    pub(super) fn changed(&self, what: &str, name: &[u8]) {
        log::info!("{}: {what} {}", self.tag, Escaped(name));
    }

    /// `MKD <SP> pathname`.
    pub(super) fn mkd(&mut self, pathname: &[u8]) -> Answer {
        let login = self.login()?;
        login.need_make_directories()?;
        self.undertake(Act::MakeDirectory, pathname);
        let path = self.path(pathname)?;
        login.root.make_directory(&path, 0o777 & !login.umask)?;
        self.changed("made directory", path.as_bytes());
        let text = Text::filled("{} created", &[&path.quoted()]);
        Ok(Reply::new(Code::PathnameCreated, text))
    }

    /// `SITE MKDIR <SP> pathname`: with the directories before it, as ProFTPD's
    /// does and clients that find it in FEAT expect (lftp's `mkdir -p`).
    pub(super) fn make_path(&self, pathname: &[u8]) -> Answer {
        let login = self.login()?;
        login.need_make_directories()?;
        self.undertake(Act::MakeDirectory, pathname);
        let path = self.path(pathname)?;
        let mut made = VirtualPath::root();
        for name in path.relative().split(|&byte| byte == b'/') {
            made = made.child(name);
            let result = login.root.make_directory(&made, 0o777 & !login.umask);
            if let Err(error) = result {
                // What is there need only be a directory.
                login.root.look_at(&made).map_err(|_| error)?;
            }
        }
        self.changed("made directory", path.as_bytes());
        Ok(Reply::new(Code::CommandOk, "SITE MKDIR command ok."))
    }

    /// `SITE RMDIR <SP> pathname`: with all that is in it, as ProFTPD's does.
    /// The client can ABOR, and keeps what has not been deleted by then.
    pub(super) fn remove_tree(&mut self, pathname: &[u8]) -> Answer {
        let login = self.login()?;
        login.need_change()?;
        self.undertake(Act::RemoveDirectory, pathname);
        let path = self.path(pathname)?;
        let mut removal = login.root.remove_tree(&path)?;
        let result = self.attended(|work| {
            loop {
                match removal.step() {
                    Ok(true) => work.advance(1)?,
                    result => return Ok(result),
                }
            }
        })?;
        result.map_err(fs::Error::System)?;
        self.changed("removed directory tree", path.as_bytes());
        Ok(Reply::new(Code::CommandOk, "SITE RMDIR command ok."))
    }

    /// `RMD <SP> pathname`.
    pub(super) fn rmd(&mut self, pathname: &[u8]) -> Answer {
        let login = self.login()?;
        login.need_change()?;
        self.undertake(Act::RemoveDirectory, pathname);
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
        self.undertake(Act::Delete, pathname);
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
        self.undertake(Act::Rename, pathname);
        let path = self.path(pathname)?;
        login.root.own_attributes(&path)?;
        self.put_off();
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
        self.undertake_deed(|| Deed::new(Act::Rename, from.as_bytes()).with(to.as_bytes()));
        login.root.rename(&from, &to)?;
        log::info!(
            "{}: renamed {} to {}",
            self.tag,
            Escaped(from.as_bytes()),
            Escaped(to.as_bytes())
        );
        Ok(Reply::new(Code::FileActionOk, "Rename successful."))
    }

    /// `SITE SYMLINK <SP> target <SP> link`.
    ///
    /// Within the server no link leads out of the root. But other programs may
    /// serve the same files and follow links in their own way, so the text of
    /// the link has no slash at its beginning and never climbs above the root.
    /// Unless symlink_climb_enable says otherwise it does not climb at all,
    /// for it could be renamed to where the same text climbs out.
    pub(super) fn symlink(&self, argument: &[u8]) -> Answer {
        let (target, link) = parse_symlink(argument).ok_or_else(|| {
            Failure::refused(
                Code::ArgumentError,
                "Syntax: SITE SYMLINK target link; names with blanks in quotes",
            )
        })?;
        let login = self.login()?;
        login.need_change()?;
        let link = self.path(&link)?;
        let directory = link.parent();
        let target = directory.join(&target)?;
        let text = target.seen_from(&directory);
        if (text == b".." || text.starts_with(b"../")) && !self.config.symlink_climb_enable() {
            return Err(Failure::refused(
                Code::NameNotAllowed,
                "A link may lead to what is in or below its own directory only.",
            )
            .because("symlink_climb_enable"));
        }
        self.undertake_deed(|| Deed::new(Act::Link, link.as_bytes()).with(&text));
        login.root.make_link(&link, &text)?;
        log::info!(
            "{}: made the link {} to {}",
            self.tag,
            Escaped(link.as_bytes()),
            Escaped(&text)
        );
        Ok(Reply::new(Code::CommandOk, "SITE SYMLINK command ok."))
    }
}
