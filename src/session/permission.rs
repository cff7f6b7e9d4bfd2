//! What a user may do with an entry, as the perm fact tells it: by the rights
//! of the session and the permissions of the file, as far as these can be
//! known without trying (access control lists and read-only mounts of single
//! files are not looked at).

use super::state::Rights;
use crate::protocol::{Kind, Perm};
use crate::sys::file::{Attributes, may_access};
use crate::sys::owner::Identity;
use std::os::fd::BorrowedFd;

const READ: u32 = 4;
const WRITE: u32 = 2;
const SEARCH: u32 = 1;

/// The sticky bit of a directory: entries are their owners' to remove.
const STICKY: u32 = 0o1000;

/// The one who looks at a directory.
#[derive(Debug)]
pub(super) struct Viewer {
    rights: Rights,
    identity: Identity,
    /// Entries of the directory may be removed and renamed,
    removal: bool,
    /// but, by the owner of the directory, those of others may not.
    sticky: Option<u32>,
}

impl Viewer {
    /// One with these rights before `directory`, which may be O_PATH.
    pub(super) fn new(
        rights: Rights,
        directory: BorrowedFd<'_>,
        attributes: Option<&Attributes>,
    ) -> Viewer {
        let removal = rights.change && may_access(directory, libc::W_OK | libc::X_OK);
        Viewer {
            rights,
            identity: Identity::current(),
            removal,
            sticky: attributes
                .filter(|directory| directory.mode & STICKY != 0)
                .map(|directory| directory.uid),
        }
    }

    /// The same for what can be neither removed nor renamed.
    pub(super) fn without_removal(self) -> Viewer {
        Viewer {
            removal: false,
            ..self
        }
    }

    fn may_remove(&self, entry: &Attributes) -> bool {
        self.removal
            && self.sticky.is_none_or(|owner| {
                let own = self.identity.uid;
                self.identity.is_root() || own == entry.uid || own == owner
            })
    }

    /// The letters for an entry.
    pub(super) fn perm(&self, kind: Kind<'_>, entry: &Attributes) -> Perm {
        let bits = self.identity.bits(entry.uid, entry.gid, entry.mode);
        let removal = Perm::DELETE.with(Perm::RENAME).when(self.may_remove(entry));
        match kind {
            Kind::File => self.file(bits, entry).with(removal),
            Kind::Dir => self.directory(bits).with(removal),
            // Neither can be renamed or removed by the name it is shown as.
            Kind::Cdir | Kind::Pdir => self.directory(bits),
            Kind::Slink(_) | Kind::Special => removal,
        }
    }

    fn file(&self, bits: u32, entry: &Attributes) -> Perm {
        let public = !self.rights.world_readable_only || entry.mode & 0o004 != 0;
        let change = bits & WRITE != 0 && self.rights.change;
        Perm::READ
            .when(public && bits & READ != 0)
            .with(Perm::APPEND.when(change))
            .with(Perm::WRITE.when(change && self.rights.upload))
    }

    fn directory(&self, bits: u32) -> Perm {
        let has = |wanted: u32| bits & wanted == wanted;
        let write = has(WRITE | SEARCH);
        Perm::ENTER
            .when(has(SEARCH))
            .with(Perm::LIST.when(has(READ | SEARCH)))
            .with(Perm::CREATE.when(write && self.rights.upload))
            .with(Perm::MAKE.when(write && self.rights.make_directories))
            .with(Perm::PURGE.when(write && self.rights.change))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(mode: u32, uid: u32) -> Attributes {
        let place = std::fs::File::open("/").unwrap();
        let found = crate::sys::file::attributes(std::os::fd::AsFd::as_fd(&place)).unwrap();
        Attributes {
            mode,
            uid,
            gid: 4_000_000_000,
            ..found
        }
    }

    fn viewer(rights: Rights) -> Viewer {
        Viewer {
            rights,
            identity: Identity {
                uid: 10,
                gids: vec![10],
            },
            removal: rights.change,
            sticky: None,
        }
    }

    fn rights(write: bool) -> Rights {
        Rights {
            upload: write,
            make_directories: write,
            change: write,
            chmod: write,
            give_away: false,
            world_readable_only: false,
        }
    }

    fn text(perm: Perm) -> String {
        let mut out = Vec::new();
        perm.append(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn both_the_session_and_the_file_must_permit() {
        let writer = viewer(rights(true));
        let reader = viewer(rights(false));
        for (kind, mode, uid, all, some) in [
            (Kind::File, 0o644, 10, "adfrw", "r"),
            (Kind::File, 0o644, 11, "dfr", "r"),
            (Kind::File, 0o600, 11, "df", ""),
            (Kind::Dir, 0o755, 10, "cdeflmp", "el"),
            (Kind::Dir, 0o755, 11, "defl", "el"),
            (Kind::Dir, 0o711, 11, "def", "e"),
            (Kind::Dir, 0o744, 11, "df", ""),
            (Kind::Cdir, 0o755, 10, "celmp", "el"),
            (Kind::Pdir, 0o755, 11, "el", "el"),
            (Kind::Slink(None), 0o777, 11, "df", ""),
            (Kind::Special, 0o777, 11, "df", ""),
        ] {
            let entry = entry(mode, uid);
            assert_eq!(text(writer.perm(kind, &entry)), all, "{kind:?} {mode:o}");
            assert_eq!(text(reader.perm(kind, &entry)), some, "{kind:?} {mode:o}");
        }
    }

    #[test]
    fn who_may_only_add_files_is_promised_no_more() {
        let adder = viewer(Rights {
            change: false,
            make_directories: false,
            ..rights(true)
        });
        assert_eq!(text(adder.perm(Kind::File, &entry(0o666, 11))), "r");
        assert_eq!(text(adder.perm(Kind::Dir, &entry(0o777, 11))), "cel");
    }

    #[test]
    fn what_is_not_for_everybody_is_not_promised_to_anonymous_users() {
        let guest = viewer(Rights {
            give_away: false,
            world_readable_only: true,
            ..rights(false)
        });
        assert_eq!(text(guest.perm(Kind::File, &entry(0o640, 10))), "");
        assert_eq!(text(guest.perm(Kind::File, &entry(0o644, 10))), "r");
    }

    #[test]
    fn in_a_sticky_directory_only_owners_remove() {
        let mut writer = viewer(rights(true));
        writer.sticky = Some(0);
        let other = entry(0o644, 11);
        let own = entry(0o644, 10);
        assert_eq!(text(writer.perm(Kind::File, &other)), "r");
        assert_eq!(text(writer.perm(Kind::File, &own)), "adfrw");
        writer.sticky = Some(10);
        assert_eq!(text(writer.perm(Kind::File, &other)), "dfr");
    }
}
