//! MLSD and MLST (RFC 3659 section 7): listings for programs.
//!
//! MLSD keeps no names and no order: each batch of entries is looked at and
//! sent as it comes from the directory.

use super::access::Filters;
use super::owners::Owners;
use super::permission::Viewer;
use super::state::Login;
use super::{Failure, Session};
use crate::data::Interruption;
use crate::fs::{self, Reader};
use crate::protocol::facts::{FactEntry, Facts, Kind, append_facts};
use crate::protocol::ladder::Side;
use crate::protocol::{Code, Perm, Reply, Timestamp};
use crate::sys::file::{Attributes, attributes_at, readlink_at};
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;

type Answer = Result<Reply, Failure>;

/// Output is sent in pieces of about this size.
const PIECE: usize = 16 * 1024;

/// The first piece is smaller, so that the client sees something.
const FIRST_PIECE: usize = 2 * 1024;

/// Facts to be told, by one session.
struct Teller<'session> {
    owners: &'session Owners,
    hide_ids: bool,
    facts: Facts,
    /// None where nobody asks what may be done.
    viewer: Option<Viewer>,
    filters: &'session Filters,
    out: Vec<u8>,
}

impl<'session> Teller<'session> {
    /// One who tells `facts` about `directory` and what is in it.
    fn new(
        owners: &'session Owners,
        login: &'session Login,
        (mut facts, hide_ids): (Facts, bool),
        directory: &OwnedFd,
    ) -> Teller<'session> {
        if hide_ids {
            facts = facts.without(Facts::UNIX_OWNER).without(Facts::UNIX_GROUP);
        }
        let viewer = facts.contains(Facts::PERM).then(|| {
            let attributes = attributes_at(directory.as_fd(), b"").ok();
            Viewer::new(login.rights, directory.as_fd(), attributes.as_ref())
        });
        Teller {
            owners,
            hide_ids,
            facts,
            viewer,
            filters: &login.filters,
            out: Vec::with_capacity(PIECE + 1024),
        }
    }

    /// Name of a user or a group, if it is to be told.
    fn name(&self, fact: Facts, look_up: impl Fn() -> Arc<[u8]>) -> Arc<[u8]> {
        if !self.facts.contains(fact) {
            Arc::default()
        } else if self.hide_ids {
            Arc::from(&b"ftp"[..])
        } else {
            look_up()
        }
    }

    /// Tells about one entry, without an end of line.
    fn tell(&mut self, kind: Kind<'_>, attributes: &Attributes, name: &[u8]) {
        let viewer = self.viewer.as_ref();
        let perm = viewer.map_or(Perm::NONE, |viewer| viewer.perm(kind, attributes));
        self.tell_with(perm, kind, attributes, name);
    }

    fn tell_with(&mut self, perm: Perm, kind: Kind<'_>, attributes: &Attributes, name: &[u8]) {
        let owners = self.owners;
        let moment = |(seconds, nanoseconds)| Timestamp {
            seconds,
            nanoseconds,
        };
        let (major, minor) = attributes.device;
        let owner_name = self.name(Facts::UNIX_OWNERNAME, || owners.user(attributes.uid));
        let group_name = self.name(Facts::UNIX_GROUPNAME, || owners.group(attributes.gid));
        let entry = FactEntry {
            perm,
            kind,
            size: attributes.size,
            modified: moment(attributes.modified),
            created: attributes.created.map(moment),
            unique: (u64::from(major) << 32 | u64::from(minor), attributes.inode),
            mode: attributes.mode & 0o7777,
            owner: attributes.uid,
            group: attributes.gid,
            owner_name: &owner_name,
            group_name: &group_name,
            name,
        };
        append_facts(&mut self.out, &entry, self.facts);
    }

    /// Tells about one entry on a line of its own.
    fn line(&mut self, kind: Kind<'_>, attributes: &Attributes, name: &[u8]) {
        self.tell(kind, attributes, name);
        self.out.extend_from_slice(b"\r\n");
    }

    /// Tells about a directory's entry of this name. One that vanished since
    /// the name was read is none.
    fn entry(&mut self, directory: &OwnedFd, name: &[u8]) {
        let Ok(attributes) = attributes_at(directory.as_fd(), name) else {
            return;
        };
        let target = attributes
            .is_symlink()
            .then(|| readlink_at(directory.as_fd(), name).ok());
        let kind = match &target {
            Some(target) => Kind::Slink(target.as_deref()),
            None => kind_of(&attributes),
        };
        if self.filters.denies(name) {
            self.tell_with(Perm::NONE, kind, &attributes, name);
            self.out.extend_from_slice(b"\r\n");
        } else {
            self.line(kind, &attributes, name);
        }
    }
}

fn kind_of(attributes: &Attributes) -> Kind<'static> {
    if attributes.is_directory() {
        Kind::Dir
    } else if attributes.is_file() {
        Kind::File
    } else if attributes.is_symlink() {
        Kind::Slink(None)
    } else {
        Kind::Special
    }
}

impl Session {
    /// `MLSD [ <SP> pathname ]`.
    pub(super) fn mlsd(&mut self, pathname: &[u8]) -> Answer {
        let path = self.path(pathname)?;
        let directory = self
            .login()?
            .open_directory(&path)
            .map_err(|error| match error {
                fs::Error::System(error) if error.errno() == libc::ENOTDIR => Failure::refused(
                    Code::ArgumentError,
                    "Not a directory: MLST tells about files.",
                ),
                error => error.into(),
            })?;
        let facts = (self.facts, self.config.hide_ids());
        let voice = self.voice;
        let service = Arc::clone(&self.service);
        let login = self.share_login()?;
        let parent = (!path.is_root())
            .then(|| login.root.attributes(&path.parent()).ok())
            .flatten();
        let coding = self.coding(true);
        let opening = self.listing_opening();
        self.transfer(Side::Server, path.as_bytes(), &opening, |transfer| {
            let mut lines = transfer.lines(&coding);
            let mut send = |out: &[u8]| lines.send(&voice.lines(out));
            let mut teller = Teller::new(&service.owners, &login, facts, &directory);
            // Without the type they could not be told from entries of the
            // directory (RFC 3659 section 7.5.1.2).
            if facts.0.contains(Facts::TYPE) {
                if let Ok(attributes) = attributes_at(directory.as_fd(), b"") {
                    teller.line(Kind::Cdir, &attributes, b".");
                }
                if let Some(attributes) = parent {
                    teller.line(Kind::Pdir, &attributes, b"..");
                }
            }
            let mut buffer = service.buffers.take();
            send_entries(&mut send, teller, (&login, &directory), &mut buffer)?;
            lines.end()
        })?;
        Ok(Reply::new(Code::ClosingData, "Directory send OK."))
    }

    /// `MLST [ <SP> pathname ]`. A link that leads nowhere is told about
    /// itself.
    pub(super) fn mlst(&mut self, pathname: &[u8]) -> Answer {
        let login = self.login()?;
        let path = self.path(pathname)?;
        let attributes = login.attributes(&path)?;
        let directory = login.root.look_at(&path.parent())?;
        let facts = (self.facts, self.config.hide_ids());
        let mut teller = Teller::new(&self.service.owners, login, facts, &directory);
        if path.is_root() {
            teller.viewer = teller.viewer.map(Viewer::without_removal);
        }
        teller.tell(kind_of(&attributes), &attributes, path.as_bytes());
        Ok(Reply::new(Code::FileActionOk, "End")
            .line("Listing follows:")
            .indented(teller.out))
    }
}

/// Sends what `teller` has to tell and the entries of `directory`, in the
/// order in which they are found.
fn send_entries(
    send: &mut dyn FnMut(&[u8]) -> Result<(), Interruption>,
    mut teller: Teller<'_>,
    (login, directory): (&Login, &OwnedFd),
    buffer: &mut [u8],
) -> Result<(), Interruption> {
    let mut piece = FIRST_PIECE;
    // A directory is read in pieces small enough for the first to be early.
    let space = buffer.len().min(32 * 1024);
    let mut reader = Reader::new(directory, buffer.get_mut(..space).unwrap_or_default());
    while let Some(batch) = reader.batch().map_err(Interruption::Storage)? {
        for name in batch.filter(|name| !login.filters.hides_in(directory, name)) {
            teller.entry(directory, name);
            if teller.out.len() >= piece {
                send(&teller.out)?;
                teller.out.clear();
                piece = PIECE;
            }
        }
    }
    send(&teller.out)
}
