//! STOR and APPE (RFC 959 section 4.1.3), with REST (RFC 3659 section 5).
//!
//! 226 means that every byte is in the file, and with fsync_uploads on the
//! disk. A transfer that ends early leaves what came, so that the client can
//! go on from there, or with atomic_uploads what was there before.

use super::{Failure, Session};
use crate::data::{Coding, Decoder, Interruption};
use crate::fs::{self, Existing, Plan, Root, Upload};
use crate::protocol::ladder::Side;
use crate::protocol::{Code, Escaped, Reply};
use crate::record::event::Act;
use std::sync::Arc;

type Answer = Result<Reply, Failure>;

impl Session {
    /// `STOR <SP> pathname`.
    pub(super) fn stor(&mut self, pathname: &[u8]) -> Answer {
        let restarts = self.restart.is_set();
        let login = self.login()?;
        login.need_upload()?;
        let existing = if !login.rights.change {
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
        let opening = self.upload_opening();
        self.store(pathname, existing, &opening)
    }

    /// `APPE <SP> pathname`; after REST it is STOR (RFC 3659 section 5.3).
    ///
    /// As in vsftpd, who may overwrite may append, and begin a new file so,
    /// whether he may STOR or not.
    pub(super) fn appe(&mut self, pathname: &[u8]) -> Answer {
        self.login()?.need_change()?;
        let existing = if self.restart.is_set() {
            Existing::ContinueAt(self.restart.offset)
        } else {
            Existing::Append
        };
        let opening = self.upload_opening();
        self.store(pathname, existing, &opening)
    }

    /// How the configuration wants a file stored.
    pub(super) fn plan(&self, existing: Existing) -> Result<Plan, Failure> {
        let config = &self.config;
        Ok(Plan {
            existing,
            mode: config.file_open_mode() & 0o777 & !self.login()?.umask,
            atomic: config.atomic_uploads(),
            lock: config.lock_upload_files(),
            sync: config.fsync_uploads(),
            delete_failed: config.delete_failed_uploads(),
        })
    }

    /// Stores what the client sends once it has heard `opening`.
    pub(super) fn store(&mut self, pathname: &[u8], existing: Existing, opening: &Reply) -> Answer {
        if self.range.is_some() {
            return Err(Failure::refused(
                Code::ParameterNotImplemented,
                "RANG is for RETR and HASH: use REST.",
            ));
        }
        let login = self.login()?;
        let path = self.file_path(pathname)?;
        login.may_store(&path)?;
        let root = Arc::clone(&login.root);
        self.need_endpoint()?;
        self.undertake(Act::Upload, pathname);
        let coding = self.upload_coding();
        let (existing, mut decoder) = self.start_of_upload(&path, existing, &coding)?;
        let plan = self.plan(existing)?;
        let open = |root: &Root| root.open_upload(&path, &plan);
        let mut upload = self.when_unlocked(path.as_bytes(), open)?;
        if let Err(failure) = self.give_away(&mut upload) {
            upload.abandon(&root);
            return Err(failure);
        }
        let start = upload.start();
        let transfer = (path.as_bytes(), opening);
        let result = self.receive(transfer, &mut upload, &plan, (&coding, &mut decoder));
        let result = result.and_then(|moved| {
            upload.commit(&root).map_err(not_in_place)?;
            Ok(moved)
        });
        let moved = match result {
            Ok(moved) => moved,
            Err(failure) => {
                upload.abandon(&root);
                return Err(failure);
            }
        };
        let name = Escaped(path.as_bytes());
        if start > 0 {
            log::info!("{}: stored {name}, {moved} bytes from {start} on", self.tag);
        } else {
            log::info!("{}: stored {name}, {moved} bytes", self.tag);
        }
        Ok(stored(&decoder))
    }

    /// Makes an upload somebody else's where that is asked for, so that who
    /// has stored it cannot touch it again (chown_uploads).
    pub(super) fn give_away(&self, upload: &mut Upload) -> Result<(), Failure> {
        if !self.login()?.rights.give_away {
            return Ok(());
        }
        let heir = self.service.heir;
        let heir = heir.ok_or(Failure::Forbidden("chown_username is no user"))?;
        let mode = self.config.chown_upload_mode();
        Ok(upload.give_to(heir, mode).map_err(fs::Error::System)?)
    }

    /// The transfer itself, into `upload`; gives how many bytes came.
    fn receive(
        &mut self,
        (subject, opening): (&[u8], &Reply),
        upload: &mut Upload,
        plan: &Plan,
        (coding, decoder): (&Coding, &mut Decoder),
    ) -> Result<u64, Failure> {
        let start = upload.start();
        let buffers = self.service.buffers.clone();
        self.transfer(Side::Client, subject, opening, |transfer| {
            let mut buffer = buffers.take();
            if let Some(mut copying) = upload.continuation() {
                while copying.step(&mut buffer).map_err(Interruption::Storage)? {
                    transfer.attend()?;
                }
            }
            let file = upload.begin().map_err(Interruption::Storage)?;
            if coding.is_plain() {
                transfer.receive_file(file, &mut buffer)?;
            } else {
                transfer.receive_coded(file, start, decoder, &mut buffer)?;
            }
            if plan.atomic || plan.delete_failed {
                // A client that aborts, or dies, closes both connections, and
                // in stream mode the data connection does not tell why.
                transfer.attend()?;
            }
            Ok(())
        })
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

/// All bytes came and yet there is no file: the client cannot help it, unless
/// a name that was free is taken by now.
pub(super) fn not_in_place(error: fs::Error) -> Failure {
    match error {
        fs::Error::System(error) if error.errno() != libc::EEXIST => {
            Failure::Transfer(Interruption::Storage(error))
        }
        error => error.into(),
    }
}
