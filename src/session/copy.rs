//! SITE CPFR and CPTO: a copy made by the server, as ProFTPD's mod_copy has
//! it. The bytes do not pass through the client, and where the file system
//! shares blocks they are not even read.
//!
//! The copy comes into its place whole and in one step, whatever
//! atomic_uploads says: what fails, is aborted or dies leaves nothing under
//! the name. Who copies needs what RETR and STOR would need.

use super::combine::continue_copy;
use super::retrieve::Readable;
use super::store::not_in_place;
use super::{Failure, Session};
use crate::data::Interruption;
use crate::fs::{Existing, Plan, Root, Upload};
use crate::protocol::{Code, Escaped, Reply};
use crate::record::event::{Act, Deed};
use crate::sys;
use crate::sys::copy::Copying;
use std::os::fd::AsFd;

type Answer = Result<Reply, Failure>;

impl Session {
    /// `SITE CPFR <SP> pathname`.
    pub(super) fn cpfr(&mut self, pathname: &[u8]) -> Answer {
        self.copy_from = None;
        self.need_upload()?;
        self.copy_from = Some(self.readable(pathname)?.path);
        Ok(Reply::new(Code::NeedInformation, "Ready for SITE CPTO."))
    }

    /// `SITE CPTO <SP> pathname`.
    pub(super) fn cpto(&mut self, pathname: &[u8]) -> Answer {
        let from = self
            .copy_from
            .take()
            .ok_or_else(|| Failure::refused(Code::BadSequence, "SITE CPFR required first."))?;
        self.need_upload()?;
        let login = self.login()?;
        let root = login.root.clone();
        let umask = login.umask;
        // Who may only add files shall not touch those of others.
        let existing = if login.rights.change {
            Existing::Replace
        } else {
            Existing::Refuse
        };
        let path = self.file_path(pathname)?;
        login.may_store(&path)?;
        self.undertake_deed(|| Deed::new(Act::Copy, from.as_bytes()).with(path.as_bytes()));
        let source = self.readable_whole(from.as_bytes())?;
        let found = &source.attributes;
        if let Ok(target) = root.file_attributes(&path)
            && (target.device, target.inode) == (found.device, found.inode)
        {
            return Err(Failure::refused(
                Code::NameNotAllowed,
                "A file cannot be copied onto itself.",
            ));
        }
        let plan = Plan {
            atomic: true,
            mode: found.mode & 0o777 & !umask,
            ..self.plan(existing)?
        };
        let open = |root: &Root| root.open_upload(&path, &plan);
        let mut upload = self.when_unlocked(path.as_bytes(), open)?;
        let copied = self.copy(&source, &mut upload);
        if let Err(failure) = copied.and_then(|()| upload.commit(&root).map_err(not_in_place)) {
            upload.abandon(&root);
            return Err(failure);
        }
        log::info!(
            "{}: copied {} to {}",
            self.tag,
            Escaped(from.as_bytes()),
            Escaped(path.as_bytes())
        );
        Ok(Reply::new(Code::FileActionOk, "Copy successful."))
    }

    fn need_upload(&self) -> Result<(), Failure> {
        self.login()?.need(
            |rights| rights.upload,
            "write_enable, anon_upload_enable, read-only account",
        )
    }

    /// The copying itself, during which the client can ABOR.
    fn copy(&mut self, source: &Readable, upload: &mut Upload) -> Result<(), Failure> {
        self.give_away(upload)?;
        let size = source.attributes.size;
        let buffers = self.service.buffers.clone();
        let storage = |error| Failure::Work(Interruption::Storage(error));
        let target = upload.begin().map_err(storage)?;
        let mut copying = Copying::new(source.file.as_fd(), target.as_fd(), size);
        self.attended(|work| continue_copy(work, &mut copying, &mut buffers.take()))?;
        if copying.copied() < size {
            // Somebody cuts the file off while it is copied.
            return Err(storage(sys::Error::new("pread", libc::ENODATA)));
        }
        Ok(())
    }
}
