//! AVBL and DSIZ (draft-peterson-streamlined-ftp-command-extensions): the room
//! that is left in a directory, and the room that its content takes.

use super::{Failure, Session};
use crate::data::{Interruption, Work};
use crate::fs::{Names, Root};
use crate::protocol::{Code, Reply, VirtualPath};
use crate::sys::file::attributes_at;
use std::os::fd::AsFd;

type Answer = Result<Reply, Failure>;

/// What is in and below a directory.
#[derive(Default)]
struct Content {
    bytes: u64,
    entries: u32,
}

/// A directory whose subdirectories are still to be looked into.
struct Level {
    path: VirtualPath,
    subdirectories: Names,
}

impl Content {
    /// Counts the entries of one directory. `None` once there are more than
    /// `limit`, where 0 is no limit.
    fn count(
        &mut self,
        root: &Root,
        path: VirtualPath,
        limit: u32,
        buffer: &mut [u8],
        work: &mut Work<'_>,
    ) -> Result<Option<Level>, Interruption> {
        let mut level = Level {
            path,
            subdirectories: Names::default(),
        };
        // What may not be read is not seen, as in LIST -R.
        let Ok(directory) = root.open_directory(&level.path) else {
            return Ok(Some(level));
        };
        let mut reader = crate::fs::Reader::new(&directory, buffer);
        while let Some(batch) = reader.batch().map_err(Interruption::Storage)? {
            for name in batch {
                self.entries = self.entries.saturating_add(1);
                if limit > 0 && self.entries > limit {
                    return Ok(None);
                }
                work.advance(1)?;
                // Links are not followed, so that nothing counts twice and
                // the walk ends.
                match attributes_at(directory.as_fd(), name) {
                    Ok(found) if found.is_directory() => level.subdirectories.push(name),
                    Ok(found) if found.is_file() => {
                        self.bytes = self.bytes.saturating_add(found.size);
                    }
                    _ => {}
                }
            }
        }
        Ok(Some(level))
    }

    /// Counts what is in and below `top`, without recursion: what is held is
    /// the names of the directories along one path and beside it.
    fn below(
        root: &Root,
        top: VirtualPath,
        limit: u32,
        buffer: &mut [u8],
        work: &mut Work<'_>,
    ) -> Result<Option<Content>, Interruption> {
        let mut content = Content::default();
        let Some(level) = content.count(root, top, limit, buffer, work)? else {
            return Ok(None);
        };
        let mut levels = vec![level];
        while let Some(level) = levels.last_mut() {
            let Some(name) = level.subdirectories.pop() else {
                levels.pop();
                continue;
            };
            let path = level.path.child(&name);
            match content.count(root, path, limit, buffer, work)? {
                Some(level) => levels.push(level),
                None => return Ok(None),
            }
        }
        Ok(Some(content))
    }
}

impl Session {
    /// `AVBL [ <SP> pathname ]`. Who may store nothing has no use for the
    /// answer, which says something about others.
    pub(super) fn avbl(&self, pathname: &[u8]) -> Answer {
        let login = self.login()?;
        login.need(
            |rights| rights.upload,
            "AVBL is for those who may upload: write_enable, anon_upload_enable, read-only account",
        )?;
        let available = login.root.available(&self.path(pathname)?)?;
        Ok(Reply::new(Code::FileStatus, available.to_string()))
    }

    /// `DSIZ [ <SP> pathname ]`: the sizes of the files, as SIZE gives them.
    pub(super) fn dsiz(&mut self, pathname: &[u8]) -> Answer {
        let path = self.path(pathname)?;
        let root = self.login()?.root.clone();
        // Below this one what cannot be opened is passed over.
        root.open_directory(&path)?;
        let limit = self.config.dsiz_max_entries();
        let buffers = self.service.buffers.clone();
        let content =
            self.attended(|work| Content::below(&root, path, limit, &mut buffers.take(), work))?;
        match content {
            Some(content) => Ok(Reply::new(Code::FileStatus, content.bytes.to_string())),
            None => Err(Failure::refused(
                Code::FileUnavailable,
                "The directory holds more than may be counted.",
            )
            .because("dsiz_max_entries")),
        }
    }
}
