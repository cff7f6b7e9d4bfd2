//! COMB: parts of a file, sent one by one, become one file. No document
//! defines it; CuteFTP and others send `COMB "target" "part" "part" ...`.
//!
//! Nothing is lost whatever happens: the parts stay until the target has them
//! all and is on the disk, and a target that does not get them all is cut back
//! to what it was.

use super::retrieve::Readable;
use super::{Failure, Session};
use crate::data::{Interruption, Work};
use crate::fs::{Existing, Plan, Root, Upload};
use crate::protocol::quoted::words;
use crate::protocol::{Code, Escaped, Reply, VirtualPath};
use crate::record::event::Act;
use crate::sys;
use crate::sys::copy::Copying;
use crate::sys::file::Attributes;
use crate::sys::transfer::{read_at, write_all};
use std::os::fd::{AsFd, OwnedFd};

type Answer = Result<Reply, Failure>;

/// A part, looked at before anything is changed. It is opened again when its
/// turn comes: a line can name more files than a process may hold open.
struct Part {
    name: Vec<u8>,
    path: VirtualPath,
    attributes: Attributes,
}

/// Whether both are the same file with the same content, as far as can be
/// told from outside.
fn is_unchanged(one: &Attributes, other: &Attributes) -> bool {
    (one.device, one.inode) == (other.device, other.inode)
        && (one.size, one.modified) == (other.size, other.modified)
}

/// Appends a part to `target`.
fn append(
    work: &mut Work<'_>,
    target: &OwnedFd,
    part: &Readable,
    buffer: &mut [u8],
) -> Result<(), Interruption> {
    let size = part.attributes.size;
    let mut at = 0;
    while at < size {
        let wish = usize::try_from(size - at).unwrap_or(usize::MAX);
        let wish = wish.min(buffer.len());
        let piece = buffer.get_mut(..wish).unwrap_or_default();
        let read = read_at(part.file.as_fd(), piece, at).map_err(Interruption::Storage)?;
        if read == 0 {
            let error = sys::Error::new("pread", libc::ENODATA);
            return Err(Interruption::Storage(error));
        }
        let piece = piece.get(..read).unwrap_or_default();
        write_all(target.as_fd(), piece).map_err(Interruption::Storage)?;
        at += u64::try_from(read).unwrap_or(0);
        work.advance(read)?;
    }
    Ok(())
}

/// Copies what the parts are appended to, where that is not done in place.
pub(super) fn continue_copy(
    work: &mut Work<'_>,
    copying: &mut Copying<'_>,
    buffer: &mut [u8],
) -> Result<(), Interruption> {
    while copying.step(buffer).map_err(Interruption::Storage)? {
        work.advance(0)?;
    }
    Ok(())
}

/// Refuses a file that is named twice: its bytes would come twice, or it would
/// be deleted with the target.
fn refuse_doubles(target: Option<&Attributes>, parts: &[Part]) -> Result<(), Failure> {
    let files = target
        .into_iter()
        .chain(parts.iter().map(|part| &part.attributes));
    let mut files: Vec<_> = files.map(|file| (file.device, file.inode)).collect();
    let named = files.len();
    files.sort_unstable();
    files.dedup();
    if files.len() == named {
        Ok(())
    } else {
        Err(Failure::refused(
            Code::ArgumentError,
            "A file is named twice.",
        ))
    }
}

impl Session {
    /// `COMB <SP> target <SP> part [ <SP> part ... ]`.
    pub(super) fn comb(&mut self, argument: &[u8]) -> Answer {
        let names = words(argument).unwrap_or_default();
        let Some((target, names)) = names.split_first().filter(|(_, names)| !names.is_empty())
        else {
            return Err(Failure::refused(
                Code::ArgumentError,
                "Syntax: COMB \"target\" \"part\" \"part\" ...",
            ));
        };
        let login = self.login()?;
        login.need(
            |rights| rights.upload && rights.change,
            "write_enable, anon_upload_enable, anon_other_write_enable, read-only account",
        )?;
        let root = login.root.clone();
        let plan = Plan {
            // The parts are deleted afterwards.
            sync: true,
            ..self.plan(Existing::Append)?
        };
        let path = self.file_path(target)?;
        login.may_store(&path)?;
        self.undertake(Act::Combine, target);
        let parts = names
            .iter()
            .map(|name| self.part(name))
            .collect::<Result<Vec<Part>, Failure>>()?;
        let before = root.file_attributes(&path).ok();
        refuse_doubles(before.as_ref(), &parts)?;
        let open = |root: &Root| root.open_upload(&path, &plan);
        let mut upload = self.when_unlocked(path.as_bytes(), open)?;
        let result = self.append_parts(&mut upload, &parts);
        if let Err(failure) = result.and_then(|()| Ok(upload.commit(&root)?)) {
            if let Err(error) = upload.take_back(&root) {
                let name = Escaped(path.as_bytes());
                log::warn!(
                    "{}: {name} has parts of a COMB that failed: {error}",
                    self.tag
                );
            }
            return Err(failure);
        }
        let kept = self.delete_parts(&root, &parts);
        let name = Escaped(path.as_bytes());
        log::info!("{}: combined {} parts into {name}", self.tag, parts.len());
        Ok(Reply::new(
            Code::FileActionOk,
            match kept {
                0 => "Parts combined.".to_owned(),
                kept => format!("Parts combined; {kept} of them could not be deleted."),
            },
        ))
    }

    fn part(&self, name: &[u8]) -> Result<Part, Failure> {
        let file = self.readable(name)?;
        Ok(Part {
            name: name.to_vec(),
            path: file.path,
            attributes: file.attributes,
        })
    }

    /// Appends all parts.
    fn append_parts(&mut self, upload: &mut Upload, parts: &[Part]) -> Result<(), Failure> {
        let buffers = self.service.buffers.clone();
        let mut buffer = buffers.take();
        let storage = |error| Failure::Work(Interruption::Storage(error));
        if let Some(mut copying) = upload.continuation() {
            self.attended(|work| continue_copy(work, &mut copying, &mut buffer))?;
        }
        let target = upload.begin().map_err(storage)?;
        for part in parts {
            // One that is still being stored has to be whole first.
            let file = self.readable_whole(&part.name)?;
            if !is_unchanged(&file.attributes, &part.attributes) {
                return Err(Failure::refused(
                    Code::FileBusy,
                    "A part has changed in the meantime.",
                ));
            }
            self.attended(|work| append(work, target, &file, &mut buffer))?;
        }
        Ok(())
    }

    /// Deletes the parts and returns how many had to stay. One that is no
    /// longer what was appended stays: what came since is nowhere else.
    fn delete_parts(&self, root: &Root, parts: &[Part]) -> usize {
        let delete = |part: &Part| {
            let found = root.file_attributes(&part.path)?;
            if is_unchanged(&found, &part.attributes) {
                root.delete(&part.path)
            } else {
                Err(sys::Error::new("unlinkat", libc::EBUSY).into())
            }
        };
        let mut kept = 0;
        for part in parts {
            if let Err(error) = delete(part) {
                let name = Escaped(part.path.as_bytes());
                log::warn!("{}: {name} stays after COMB: {error}", self.tag);
                kept += 1;
            }
        }
        kept
    }
}
