//! A listing in the making, for LIST, NLST and STAT of a pathname.
//!
//! Names are read and sorted, then each entry is looked at, formatted and
//! sent as it goes: sorted, and yet early. NLST looks at no entry at all.
//! Above `list_sort_limit` names nothing is sorted: what was read is sent,
//! and the rest as it is read, so that memory has a bound.

use super::expand::Wildcard;
use super::service::Service;
use super::state::Login;
use crate::config::Config;
use crate::data::Interruption;
use crate::fs::{Names, Reader};
use crate::protocol::listing::{
    ListClock, ListEntry, ListOptions, Owner, append_classified_list_line, append_list_line,
    append_name, classify,
};
use crate::protocol::{Timestamp, VirtualPath};
use crate::sys::clock;
use crate::sys::file::{Attributes, attributes_at, readlink_at};
use std::borrow::Cow;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;

/// Output is sent in pieces of about this size.
const PIECE: usize = 32 * 1024;

/// The first piece is smaller, so that the client sees something.
const FIRST_PIECE: usize = 4 * 1024;

/// Directories LIST -R goes into, and how deep: a bound on what one command
/// may cost.
const MAX_DEPTH: usize = 64;

/// Where finished output goes.
pub(super) type Sink<'sink> = &'sink mut dyn FnMut(&mut Vec<u8>) -> Result<(), Interruption>;

/// What a pathname leads to.
pub(super) enum Target {
    Directory(VirtualPath, OwnedFd),
    One(Attributes),
    /// Something that hide_file hides.
    Nothing,
    Matches(Box<Wildcard>),
}

/// What makes names in the directory `pathname` good for the client's next
/// command (RFC 1123 section 4.1.2.7): the pathname as it was written.
fn prefix_of(pathname: &[u8]) -> Vec<u8> {
    let mut prefix = match pathname {
        b"" | b"." | b"./" => return Vec::new(),
        pathname => pathname.to_vec(),
    };
    if !prefix.ends_with(b"/") {
        prefix.push(b'/');
    }
    prefix
}

/// What -R calls the directory `pathname`, and begins the names of those below
/// it with.
fn heading_of(pathname: &[u8]) -> Vec<u8> {
    match pathname {
        b"" | b"./" => b".".to_vec(),
        [name @ .., b'/'] if !name.is_empty() => name.to_vec(),
        pathname => pathname.to_vec(),
    }
}

/// One listing to be made.
pub(super) struct Listing {
    service: Arc<Service>,
    config: Arc<Config>,
    pub(super) options: ListOptions,
    long: bool,
    now: Timestamp,
    /// Goes before each name.
    prefix: Vec<u8>,
    /// What `..` shows: the parent by the session's view, which at the root
    /// is the root itself and never what lies outside.
    parent: Option<Attributes>,
    out: Vec<u8>,
    piece: usize,
}

impl Listing {
    pub(super) fn new(
        service: Arc<Service>,
        config: Arc<Config>,
        options: ListOptions,
        long: bool,
    ) -> Listing {
        let (seconds, nanoseconds) = clock::now();
        Listing {
            service,
            config,
            long: long || options.long,
            options,
            now: Timestamp {
                seconds,
                nanoseconds,
            },
            prefix: Vec::new(),
            parent: None,
            out: Vec::with_capacity(PIECE + 1024),
            piece: FIRST_PIECE,
        }
    }

    fn flush_if_full(&mut self, sink: Sink<'_>) -> Result<(), Interruption> {
        if self.out.len() < self.piece {
            return Ok(());
        }
        self.piece = PIECE;
        sink(&mut self.out)
    }

    /// Appends an entry, and tells whether it is a directory if the listing
    /// goes on there.
    fn append(&mut self, directory: &OwnedFd, name: &[u8]) -> bool {
        let dots = name == b"." || name == b"..";
        if self.long && name == b".." {
            // Without a parent in the session's view there is nothing to say:
            // the kernel's `..` may lie outside the root by now.
            if let Some(parent) = self.parent {
                self.append_long(&parent, name, None);
            }
            return false;
        }
        let marked = self.options.classify && name != b"..";
        let found = if self.long || marked || (self.options.recursive && !dots) {
            // An entry that vanished in between is no entry any more.
            match attributes_at(directory.as_fd(), name) {
                Ok(found) => Some(found),
                Err(_) => return false,
            }
        } else {
            None
        };
        match found.filter(|_| self.long) {
            Some(found) => {
                let target = found
                    .is_symlink()
                    .then(|| readlink_at(directory.as_fd(), name).ok())
                    .flatten();
                self.append_long(&found, name, target.as_deref());
            }
            None => self.append_short(name, found.as_ref()),
        }
        // Links are not followed, so there is no way round in circles.
        self.options.recursive && !dots && found.is_some_and(|found| found.is_directory())
    }

    fn append_short(&mut self, name: &[u8], attributes: Option<&Attributes>) {
        append_name(&mut self.out, &self.prefix);
        append_name(&mut self.out, name);
        let classified = attributes.filter(|_| self.options.classify);
        self.out
            .extend(classified.and_then(|attributes| classify(attributes.mode)));
        self.out.extend_from_slice(b"\r\n");
    }

    fn append_long(&mut self, attributes: &Attributes, name: &[u8], target: Option<&[u8]>) {
        let config = &self.config;
        let names = (config.text_userdb_names() && !config.hide_ids()).then(|| {
            let owners = &self.service.owners;
            (owners.user(attributes.uid), owners.group(attributes.gid))
        });
        let (owner, group) = match &names {
            Some((user, group)) => (Owner::Name(user), Owner::Name(group)),
            None if config.hide_ids() => (Owner::Name(b"ftp"), Owner::Name(b"ftp")),
            None => (Owner::Id(attributes.uid), Owner::Id(attributes.gid)),
        };
        let shown = if self.prefix.is_empty() {
            Cow::Borrowed(name)
        } else {
            Cow::Owned([self.prefix.as_slice(), name].concat())
        };
        let entry = ListEntry {
            mode: attributes.mode,
            links: attributes.links,
            owner,
            group,
            size: attributes.size,
            device: attributes.is_device().then_some(attributes.special),
            modified: Timestamp {
                seconds: attributes.modified.0,
                nanoseconds: attributes.modified.1,
            },
            name: &shown,
            target,
        };
        // Each at the time of its own, summer or winter.
        let offset = if config.use_localtime() {
            clock::local_offset(attributes.modified.0)
        } else {
            0
        };
        let clock = ListClock {
            now: self.now,
            utc_offset: i32::try_from(offset).unwrap_or(0),
        };
        let append = if self.options.classify {
            append_classified_list_line
        } else {
            append_list_line
        };
        append(&mut self.out, &entry, &clock);
    }

    /// Puts `names` in the order asked for.
    fn sorted(&self, mut names: Names, directory: &OwnedFd) -> Names {
        names.sort();
        if self.options.by_time {
            let mut timed: Vec<((i64, u32), &[u8])> = names
                .iter()
                .map(|name| {
                    // Even its place in the order would tell of what lies outside.
                    let found = match name {
                        b".." => self.parent,
                        name => attributes_at(directory.as_fd(), name).ok(),
                    };
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
        names
    }

    /// Lists those names in a directory that are wanted; gives the names of
    /// the directories in it if the listing goes on there.
    fn directory(
        &mut self,
        directory: &OwnedFd,
        mut wanted: impl FnMut(&[u8]) -> bool,
        dots: bool,
        buffer: &mut [u8],
        sink: Sink<'_>,
    ) -> Result<Names, Interruption> {
        let limit = usize::try_from(self.config.list_sort_limit()).unwrap_or(usize::MAX);
        let mut names = Names::default();
        let own = [&b"."[..], b".."]
            .into_iter()
            .filter(|name| dots && wanted(name));
        own.for_each(|name| names.push(name));
        let mut reader = Reader::new(directory, buffer);
        let mut whole = false;
        while limit == 0 || names.len() <= limit {
            let Some(batch) = reader.batch().map_err(Interruption::Storage)? else {
                whole = true;
                break;
            };
            batch
                .filter(|name| wanted(name))
                .for_each(|name| names.push(name));
        }
        if whole {
            names = self.sorted(names, directory);
        }
        let mut below = Names::default();
        let mut list = |listing: &mut Listing, name: &[u8]| {
            if listing.append(directory, name) {
                below.push(name);
            }
            listing.flush_if_full(&mut *sink)
        };
        names.iter().try_for_each(|name| list(self, name))?;
        drop(names);
        while !whole && let Some(batch) = reader.batch().map_err(Interruption::Storage)? {
            for name in batch {
                if wanted(name) {
                    list(self, name)?;
                }
            }
        }
        Ok(below)
    }

    /// Lists a directory, shown as `pathname`, and with -R all below it,
    /// without recursion.
    fn tree(
        &mut self,
        login: &Login,
        (path, directory, pathname): (VirtualPath, OwnedFd, &[u8]),
        buffer: &mut [u8],
        sink: Sink<'_>,
    ) -> Result<(), Interruption> {
        let mut open = vec![(path, Some(directory), 0, heading_of(pathname))];
        while let Some((path, opened, depth, label)) = open.pop() {
            let Some(directory) = opened.or_else(|| login.open_directory(&path).ok()) else {
                continue;
            };
            if !self.long {
                // Under its heading too a name is one to give to RETR.
                let shown = if depth > 0 { &label } else { pathname };
                self.prefix = prefix_of(shown);
            }
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
            let hidden = self.options.all || self.options.almost_all;
            let filters = &login.filters;
            let wanted = |name: &[u8]| {
                let shown = hidden || name.first() != Some(&b'.');
                shown && !filters.hides_in(&directory, name)
            };
            let names = self.directory(&directory, wanted, self.options.all, buffer, sink)?;
            if depth >= MAX_DEPTH {
                continue;
            }
            let below = open.len();
            for name in names.iter() {
                let mut label = label.clone();
                if !label.ends_with(b"/") {
                    label.push(b'/');
                }
                label.extend_from_slice(name);
                open.push((path.child(name), None, depth + 1, label));
            }
            if let Some(new) = open.get_mut(below..) {
                new.reverse();
            }
        }
        Ok(())
    }

    /// Lists what a pattern matches: the entries themselves, as `ls -d` does.
    fn matches(
        &mut self,
        login: &Login,
        wildcard: &mut Wildcard,
        buffer: &mut [u8],
        sink: Sink<'_>,
    ) -> Result<(), Interruption> {
        self.options.recursive = false;
        while let Some(place) = wildcard.next_place(login, buffer) {
            // Long lines have always shown the name alone.
            let shown = !self.long || wildcard.is_spread();
            self.prefix = if shown { place.prefix } else { Vec::new() };
            match place.name {
                Some(name) if login.filters.hides_in(&place.directory, &name) => {}
                Some(name) if attributes_at(place.directory.as_fd(), &name).is_ok() => {
                    self.append(&place.directory, &name);
                }
                Some(_) => {}
                None => {
                    let hides = |name: &[u8]| login.filters.hides_in(&place.directory, name);
                    let wanted = |name: &[u8]| wildcard.is_meant(name) && !hides(name);
                    self.directory(&place.directory, wanted, false, buffer, sink)?;
                }
            }
            self.flush_if_full(sink)?;
        }
        Ok(())
    }

    /// Makes the listing; `pathname` is what a single entry is shown as.
    /// False if it would have cost too much and is not whole.
    pub(super) fn run(
        &mut self,
        login: &Login,
        target: Target,
        pathname: &[u8],
        buffer: &mut [u8],
        sink: Sink<'_>,
    ) -> Result<bool, Interruption> {
        let mut whole = true;
        match target {
            Target::Directory(path, directory) => {
                self.tree(login, (path, directory, pathname), buffer, sink)?;
            }
            Target::Nothing => {}
            Target::One(attributes) if self.long => {
                // As vsftpd has it: who reads LIST takes it for a name.
                let name = match pathname.rsplit(|&byte| byte == b'/').next() {
                    Some(name) if !attributes.is_directory() => name,
                    _ => pathname,
                };
                self.append_long(&attributes, name, None);
            }
            Target::One(attributes) => self.append_short(pathname, Some(&attributes)),
            Target::Matches(mut wildcard) => {
                self.matches(login, &mut wildcard, buffer, sink)?;
                whole = !wildcard.is_cut_short();
            }
        }
        sink(&mut self.out)?;
        Ok(whole)
    }
}
