//! LIST, NLST and STAT of a pathname (RFC 959 section 4.1.3), with the flags
//! of ls that clients send.
//!
//! Names are read and sorted, then each entry is looked at, formatted and
//! sent as it goes: sorted, and yet early. NLST looks at no entry at all.

use super::state::Login;
use super::{Failure, Session};
use crate::data::Interruption;
use crate::fs::Names;
use crate::protocol::ladder::Side;
use crate::protocol::listing::{
    ListClock, ListEntry, ListOptions, Owner, append_classified_list_line, append_list_line,
    append_name, parse_list_argument,
};
use crate::protocol::pattern::{has_wildcard, matches};
use crate::protocol::{Code, Reply, Timestamp, VirtualPath};
use crate::sys::clock;
use crate::sys::file::{Attributes, attributes_at, readlink_at};
use std::os::fd::{AsFd, OwnedFd};

type Answer = Result<Reply, Failure>;

/// Output is sent in pieces of about this size.
const PIECE: usize = 32 * 1024;

/// The first piece is smaller, so that the client sees something.
const FIRST_PIECE: usize = 4 * 1024;

/// Directories LIST -R goes into, and how deep: a bound on what one command
/// may cost.
const MAX_DEPTH: usize = 64;

/// Longest pathname with wildcards: matching costs its length for each name.
const MAX_PATTERN: usize = 512;

/// Bytes that STAT may put on the control connection.
const STAT_LIMIT: usize = 1 << 20;

/// Where finished output goes.
type Sink<'sink> = &'sink mut dyn FnMut(&mut Vec<u8>) -> Result<(), Interruption>;

/// One listing to be made.
struct Listing {
    options: ListOptions,
    long: bool,
    hide_ids: bool,
    clock: ListClock,
    /// What names must match, if the pathname had wildcards.
    pattern: Option<Vec<u8>>,
    /// Goes before each name: the directory part of a pattern.
    prefix: Vec<u8>,
    /// What `..` shows: the parent by the session's view, which at the root
    /// is the root itself and never what lies outside.
    parent: Option<Attributes>,
    out: Vec<u8>,
    piece: usize,
}

/// What a pathname leads to.
enum Target {
    Directory(VirtualPath, OwnedFd),
    One(Attributes),
}

impl Listing {
    fn flush_if_full(&mut self, sink: Sink<'_>) -> Result<(), Interruption> {
        if self.out.len() < self.piece {
            return Ok(());
        }
        self.piece = PIECE;
        sink(&mut self.out)
    }

    fn wanted(&self, name: &[u8]) -> bool {
        let dots = self.options.all || self.options.almost_all;
        match &self.pattern {
            Some(pattern) => matches(pattern, name),
            None => dots || name.first() != Some(&b'.'),
        }
    }

    fn append(&mut self, directory: &OwnedFd, name: &[u8]) {
        if !self.long {
            append_name(&mut self.out, &self.prefix);
            append_name(&mut self.out, name);
            self.out.extend_from_slice(b"\r\n");
        } else if let Some(parent) = self.parent.filter(|_| name == b"..") {
            self.append_long(&parent, name, None);
        } else if let Ok(attributes) = attributes_at(directory.as_fd(), name) {
            let target = attributes
                .is_symlink()
                .then(|| readlink_at(directory.as_fd(), name).ok())
                .flatten();
            self.append_long(&attributes, name, target.as_deref());
        }
        // Else the entry vanished in between, and is no entry any more.
    }

    fn append_long(&mut self, attributes: &Attributes, name: &[u8], target: Option<&[u8]>) {
        let owner = |id| {
            if self.hide_ids {
                Owner::Name(b"ftp")
            } else {
                Owner::Id(id)
            }
        };
        let entry = ListEntry {
            mode: attributes.mode,
            links: attributes.links,
            owner: owner(attributes.uid),
            group: owner(attributes.gid),
            size: attributes.size,
            device: attributes.is_device().then_some(attributes.special),
            modified: Timestamp {
                seconds: attributes.modified.0,
                nanoseconds: attributes.modified.1,
            },
            name,
            target,
        };
        let append = if self.options.classify {
            append_classified_list_line
        } else {
            append_list_line
        };
        append(&mut self.out, &entry, &self.clock);
    }

    /// Names of `directory` in the order asked for.
    fn names(&self, directory: &OwnedFd, buffer: &mut [u8]) -> Result<Names, Interruption> {
        let mut names = Names::read(directory, buffer, |name| self.wanted(name))
            .map_err(Interruption::Storage)?;
        if self.options.all && self.pattern.is_none() {
            names.push(b".");
            names.push(b"..");
        }
        names.sort();
        if self.options.by_time {
            let mut timed: Vec<((i64, u32), &[u8])> = names
                .iter()
                .map(|name| {
                    let found = attributes_at(directory.as_fd(), name);
                    (found.map_or((i64::MIN, 0), |found| found.modified), name)
                })
                .collect();
            // Newest first; the sort is stable, so names stay in order.
            timed.sort_by_key(|&(time, _)| std::cmp::Reverse(time));
            let mut ordered = Names::default();
            timed.iter().for_each(|(_, name)| ordered.push(name));
            names = ordered;
        }
        if self.options.reverse {
            names.reverse();
        }
        Ok(names)
    }

    /// Lists one directory; gives the names of its subdirectories for -R.
    fn directory(
        &mut self,
        directory: &OwnedFd,
        buffer: &mut [u8],
        sink: Sink<'_>,
    ) -> Result<Names, Interruption> {
        let names = self.names(directory, buffer)?;
        for name in names.iter() {
            self.append(directory, name);
            self.flush_if_full(sink)?;
        }
        Ok(names)
    }

    /// Lists a directory and, with -R, all below it, without recursion.
    fn tree(
        &mut self,
        login: &Login,
        top: (VirtualPath, OwnedFd),
        buffer: &mut [u8],
        sink: Sink<'_>,
    ) -> Result<(), Interruption> {
        let mut open = vec![(top.0, Some(top.1), 0, Vec::from(b"."))];
        while let Some((path, opened, depth, label)) = open.pop() {
            let Some(directory) = opened.or_else(|| login.root.open_directory(&path).ok()) else {
                continue;
            };
            if self.options.recursive {
                if depth > 0 {
                    self.out.extend_from_slice(b"\r\n");
                }
                append_name(&mut self.out, &label);
                self.out.extend_from_slice(b":\r\n");
            }
            if self.options.all {
                self.parent = login.root.attributes(&path.parent()).ok();
            }
            let names = self.directory(&directory, buffer, sink)?;
            if !self.options.recursive || depth >= MAX_DEPTH {
                continue;
            }
            let below = open.len();
            for name in names.iter().filter(|&name| name != b"." && name != b"..") {
                // Links are not followed, so there is no way round in circles.
                let found = attributes_at(directory.as_fd(), name);
                if found.is_ok_and(|found| found.is_directory()) {
                    let mut label = label.clone();
                    label.push(b'/');
                    label.extend_from_slice(name);
                    open.push((path.child(name), None, depth + 1, label));
                }
            }
            if let Some(new) = open.get_mut(below..) {
                new.reverse();
            }
        }
        Ok(())
    }

    fn run(
        &mut self,
        login: &Login,
        target: Target,
        pathname: &[u8],
        buffer: &mut [u8],
        sink: Sink<'_>,
    ) -> Result<(), Interruption> {
        match target {
            Target::Directory(path, directory) => {
                self.tree(login, (path, directory), buffer, sink)?;
            }
            Target::One(attributes) if self.long => {
                self.append_long(&attributes, pathname, None);
            }
            Target::One(_) => {
                append_name(&mut self.out, pathname);
                self.out.extend_from_slice(b"\r\n");
            }
        }
        sink(&mut self.out)
    }
}

impl Session {
    /// `LIST [ <SP> pathname ]`.
    pub(super) fn list(&mut self, argument: &[u8]) -> Answer {
        self.send_listing(argument, true)
    }

    /// `NLST [ <SP> pathname ]`; with -l it is a LIST, as with ls.
    pub(super) fn nlst(&mut self, argument: &[u8]) -> Answer {
        self.send_listing(argument, false)
    }

    fn send_listing(&mut self, argument: &[u8], long: bool) -> Answer {
        let (mut listing, target, pathname) = self.prepare_listing(argument, long)?;
        let login = self.share_login()?;
        let voice = self.voice;
        let buffers = self.service.buffers.clone();
        let coding = self.coding(true);
        let opening = self.listing_opening();
        self.transfer(Side::Server, &pathname, &opening, |transfer| {
            let mut lines = transfer.lines(&coding);
            let mut send = |out: &mut Vec<u8>| {
                let result = lines.send(&voice.lines(out));
                out.clear();
                result
            };
            listing.run(&login, target, &pathname, &mut buffers.take(), &mut send)?;
            lines.end()
        })?;
        Ok(Reply::new(Code::ClosingData, "Directory send OK."))
    }

    /// `STAT <SP> pathname`: a listing over the control connection.
    pub(super) fn stat_listing(&mut self, argument: &[u8]) -> Answer {
        let (mut listing, target, pathname) = self.prepare_listing(argument, true)?;
        let is_directory = matches!(target, Target::Directory(..));
        let mut text = Vec::new();
        let mut keep = |out: &mut Vec<u8>| {
            text.append(out);
            if text.len() > STAT_LIMIT {
                return Err(Interruption::Aborted);
            }
            Ok(())
        };
        let buffers = self.service.buffers.clone();
        let result = listing.run(
            self.login()?,
            target,
            &pathname,
            &mut buffers.take(),
            &mut keep,
        );
        let code = if is_directory {
            Code::DirectoryStatus
        } else {
            Code::FileStatus
        };
        let last = match result {
            Ok(()) => "End of status",
            Err(Interruption::Aborted) => "End of status: too long to be shown whole, use LIST",
            Err(why) => return Err(Failure::Transfer(why)),
        };
        let reply = Reply::new(code, last).line("Status follows:");
        Ok(text
            .split(|&byte| byte == b'\n')
            .map(|line| line.strip_suffix(b"\r").unwrap_or(line))
            .filter(|line| !line.is_empty())
            .fold(reply, |reply, line| reply.indented(line.to_vec())))
    }

    /// Works out what is to be listed; refuses what is not there before a
    /// data connection is opened.
    fn prepare_listing(
        &self,
        argument: &[u8],
        long: bool,
    ) -> Result<(Listing, Target, Vec<u8>), Failure> {
        let (mut options, pathname) = parse_list_argument(argument);
        let config = &self.config;
        options.recursive &= config.ls_recurse_enable();
        let (seconds, nanoseconds) = clock::now();
        let utc_offset = if config.use_localtime() {
            i32::try_from(clock::local_offset(seconds)).unwrap_or(0)
        } else {
            0
        };
        let mut listing = Listing {
            long: long || options.long,
            options,
            hide_ids: config.hide_ids(),
            clock: ListClock {
                now: Timestamp {
                    seconds,
                    nanoseconds,
                },
                utc_offset,
            },
            pattern: None,
            prefix: Vec::new(),
            parent: None,
            out: Vec::with_capacity(PIECE + 1024),
            piece: FIRST_PIECE,
        };
        let target = self.find_target(&mut listing, pathname)?;
        // `LIST -d` shows the working directory under the name ls gives it.
        let name = if pathname.is_empty() { b"." } else { pathname };
        Ok((listing, target, name.to_vec()))
    }

    fn find_target(&self, listing: &mut Listing, pathname: &[u8]) -> Result<Target, Failure> {
        let login = self.login()?;
        let path = self.path(pathname)?;
        let found = login.root.attributes(&path);
        let missing = || Failure::refused(Code::FileUnavailable, "No such file or directory.");
        if found.is_err() && has_wildcard(pathname) {
            if pathname.len() > MAX_PATTERN {
                return Err(Failure::refused(
                    Code::FileUnavailable,
                    "Wildcard pathname too long.",
                ));
            }
            let name = path.file_name().ok_or_else(missing)?;
            let parent = path.parent();
            if has_wildcard(parent.relative()) && login.root.attributes(&parent).is_err() {
                return Err(Failure::refused(
                    Code::FileUnavailable,
                    "Wildcards are for the last part of a pathname.",
                ));
            }
            listing.pattern = Some(name.to_vec());
            listing.options.recursive = false;
            let directory_part = pathname.iter().rposition(|&byte| byte == b'/');
            let length = directory_part.map_or(0, |at| at + 1);
            listing.prefix = pathname.get(..length).unwrap_or_default().to_vec();
            let directory = login.root.open_directory(&parent)?;
            return Ok(Target::Directory(parent, directory));
        }
        let attributes = match found {
            Ok(attributes) => attributes,
            // A link that leads nowhere is still an entry.
            Err(error) => login.root.own_attributes(&path).map_err(|_| error)?,
        };
        if attributes.is_directory() && !listing.options.directory_itself {
            let directory = login.root.open_directory(&path)?;
            return Ok(Target::Directory(path, directory));
        }
        Ok(Target::One(attributes))
    }
}
