//! MLSD and MLST (RFC 3659 section 7): listings for programs.
//!
//! MLSD keeps no names and no order: each batch of entries is looked at and
//! sent as it comes from the directory.

use super::state::Login;
use super::{Failure, Session};
use crate::data::Interruption;
use crate::fs::{self, Reader};
use crate::protocol::facts::{FactEntry, Facts, Kind, Perm, append_facts, append_facts_line};
use crate::protocol::ladder::Side;
use crate::protocol::{Code, Reply, Timestamp};
use crate::sys::file::{Attributes, attributes_at, readlink_at};
use std::os::fd::{AsFd, OwnedFd};

type Answer = Result<Reply, Failure>;

/// Output is sent in pieces of about this size.
const PIECE: usize = 16 * 1024;

/// The first piece is smaller, so that the client sees something.
const FIRST_PIECE: usize = 2 * 1024;

fn append_entry(
    out: &mut Vec<u8>,
    login: &Login,
    facts: Facts,
    kind: Kind<'_>,
    attributes: &Attributes,
    name: &[u8],
    append: fn(&mut Vec<u8>, &FactEntry<'_>, Facts),
) {
    let readable = !login.rights.world_readable_only || attributes.mode & 0o004 != 0;
    let (major, minor) = attributes.device;
    let entry = FactEntry {
        perm: Perm::compute(kind, readable, login.rights.change),
        kind,
        size: attributes.size,
        modified: Timestamp {
            seconds: attributes.modified.0,
            nanoseconds: attributes.modified.1,
        },
        unique: (u64::from(major) << 32 | u64::from(minor), attributes.inode),
        mode: attributes.mode & 0o7777,
        owner: attributes.uid,
        group: attributes.gid,
        name,
    };
    append(out, &entry, facts);
}

fn kind_of(attributes: &Attributes) -> Kind<'static> {
    if attributes.is_directory() {
        Kind::Dir
    } else if attributes.is_file() {
        Kind::File
    } else {
        Kind::Special
    }
}

/// Appends the line of one directory entry. An entry that vanished between
/// reading the name and looking at it leaves none.
fn append_named(out: &mut Vec<u8>, login: &Login, facts: Facts, directory: &OwnedFd, name: &[u8]) {
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
    append_entry(
        out,
        login,
        facts,
        kind,
        &attributes,
        name,
        append_facts_line,
    );
}

impl Session {
    /// `MLSD [ <SP> pathname ]`.
    pub(super) fn mlsd(&mut self, pathname: &[u8]) -> Answer {
        let path = self.path(pathname)?;
        let directory = self
            .login()?
            .root
            .open_directory(&path)
            .map_err(|error| match error {
                fs::Error::System(error) if error.errno() == libc::ENOTDIR => Failure::refused(
                    Code::ArgumentError,
                    "Not a directory: MLST tells about files.",
                ),
                error => error.into(),
            })?;
        let facts = self.facts;
        let voice = self.voice;
        let login = self.share_login()?;
        let buffers = self.service.buffers.clone();
        let coding = self.coding(true);
        let opening = self.listing_opening();
        self.transfer(Side::Server, path.as_bytes(), &opening, |transfer| {
            let mut lines = transfer.lines(&coding);
            let mut send = |out: &[u8]| lines.send(&voice.lines(out));
            send_facts(&mut send, &login, facts, &directory, &mut buffers.take())?;
            lines.end()
        })?;
        Ok(Reply::new(Code::ClosingData, "Directory send OK."))
    }

    /// `MLST [ <SP> pathname ]`.
    pub(super) fn mlst(&mut self, pathname: &[u8]) -> Answer {
        let login = self.login()?;
        let path = self.path(pathname)?;
        let attributes = login.root.attributes(&path)?;
        let mut line = Vec::new();
        append_entry(
            &mut line,
            login,
            self.facts,
            kind_of(&attributes),
            &attributes,
            path.as_bytes(),
            append_facts,
        );
        Ok(Reply::new(Code::FileActionOk, "End")
            .line("Listing follows:")
            .indented(line))
    }
}

fn send_facts(
    send: &mut dyn FnMut(&[u8]) -> Result<(), Interruption>,
    login: &Login,
    facts: Facts,
    directory: &OwnedFd,
    buffer: &mut [u8],
) -> Result<(), Interruption> {
    let mut out = Vec::with_capacity(PIECE + 1024);
    let mut piece = FIRST_PIECE;
    if let Ok(attributes) = attributes_at(directory.as_fd(), b"") {
        append_entry(
            &mut out,
            login,
            facts,
            Kind::Cdir,
            &attributes,
            b".",
            append_facts_line,
        );
    }
    // A directory is read in pieces small enough for the first to be early.
    let space = buffer.len().min(32 * 1024);
    let mut reader = Reader::new(directory, buffer.get_mut(..space).unwrap_or_default());
    while let Some(batch) = reader.batch().map_err(Interruption::Storage)? {
        for name in batch {
            append_named(&mut out, login, facts, directory, name);
            if out.len() >= piece {
                send(&out)?;
                out.clear();
                piece = PIECE;
            }
        }
    }
    send(&out)
}
