//! What deny_file takes away from a session, wherever it leads.
//!
//! A pathname is judged by what it says and by where it really goes: links on
//! its way are read, and what they come to is judged again and then opened as
//! it stands, with no link followed any more (RESOLVE_NO_SYMLINKS). So nobody
//! gains by exchanging a link between the question and the answer. Hard links
//! are names of their own.
#![forbid(unsafe_code)]

use super::root::LINKS;
use super::walk::Links;
use super::{Error, Root};
use crate::protocol::{NameFilter, VirtualPath};
use crate::sys;
use crate::sys::file::readlink_at;
use std::os::fd::{AsFd, OwnedFd};

/// Attempts at a pathname whose links change meanwhile.
const ATTEMPTS: usize = 8;

/// What one session may not touch.
#[derive(Debug, Clone)]
pub(super) struct Denied {
    filter: NameFilter,
    /// Where the session began: what leads there is the administrator's doing
    /// and is not judged.
    home: VirtualPath,
}

impl Denied {
    /// Errs if `path` is denied.
    pub(super) fn check(&self, path: &VirtualPath) -> Result<(), sys::Error> {
        let judged = path.below(&self.home).unwrap_or(path.as_bytes());
        let names = if judged == b"." { b"" } else { judged };
        if self.filter.picks_part_of(names) || self.filter.picks_place(path, &self.home) {
            return Err(sys::Error::new("deny_file", libc::EACCES).on(path.as_bytes()));
        }
        Ok(())
    }
}

impl Root {
    /// The same root for a session that began in `home` and may touch nothing
    /// that `filter` picks.
    ///
    /// # Errors
    /// The system's own, when `home` leads nowhere.
    pub fn denying(&self, filter: NameFilter, home: &VirtualPath) -> Result<Root, Error> {
        let home = self.real(home)?;
        Ok(self.without(Some(Denied { filter, home })))
    }

    /// The same root for the server's own purposes, to which nothing is denied.
    #[must_use]
    pub fn undenied(&self) -> Root {
        self.without(None)
    }

    /// Where `path` leads, as a pathname without links; its last name need
    /// not be there.
    ///
    /// # Errors
    /// The system's own, ELOOP among them.
    pub fn real(&self, path: &VirtualPath) -> Result<VirtualPath, Error> {
        Ok(self.follow(path, true)?)
    }

    /// The same, and with `last` false what the pathname itself names, be it
    /// a link.
    fn follow(&self, path: &VirtualPath, last: bool) -> Result<VirtualPath, sys::Error> {
        let mut real = VirtualPath::root();
        let mut left = Vec::new();
        push(&mut left, path.relative());
        let mut links = 0;
        while let Some(name) = left.pop() {
            match name.as_slice() {
                b"" | b"." => continue,
                // No link is on the way to here, so this is the text's `..`
                // and the kernel's too.
                b".." => {
                    real = real.parent();
                    continue;
                }
                _ => {}
            }
            if left.is_empty() && !last {
                return Ok(real.child(&name));
            }
            let flags = libc::O_PATH | libc::O_DIRECTORY;
            let directory = self.walk(Links::Refuse, real.relative(), flags, 0)?;
            let target = match readlink_at(directory.as_fd(), &name) {
                Ok(target) => target,
                Err(error) if matches!(error.errno(), libc::EINVAL | libc::ENOENT) => {
                    real = real.child(&name);
                    continue;
                }
                Err(error) => return Err(error),
            };
            links += 1;
            if links > LINKS {
                return Err(sys::Error::new("readlinkat", libc::ELOOP).on(path.as_bytes()));
            }
            if target.first() == Some(&b'/') {
                real = VirtualPath::root();
            }
            push(&mut left, &target);
        }
        Ok(real)
    }

    /// Opens what `path` leads to unless it is denied, and says where that is.
    pub(super) fn resolve_permitted(
        &self,
        denied: &Denied,
        path: &VirtualPath,
        flags: i32,
        mode: u32,
    ) -> Result<(OwnedFd, VirtualPath), sys::Error> {
        denied.check(path)?;
        // Most pathnames are what they seem.
        let mut real = path.clone();
        for _ in 0..ATTEMPTS {
            match self.walk(Links::Refuse, real.relative(), flags, mode) {
                Err(error) if error.errno() == libc::ELOOP => {}
                result => return Ok((result?, real)),
            }
            // With O_EXCL the kernel follows no link at the end either.
            let last = flags & (libc::O_NOFOLLOW | libc::O_EXCL) == 0;
            real = self.follow(path, last)?;
            denied.check(&real)?;
        }
        Err(sys::Error::new("openat2", libc::ELOOP).on(path.as_bytes()))
    }

    /// [`Root::place`] where something is denied.
    pub(super) fn place_permitted(
        &self,
        denied: &Denied,
        path: &VirtualPath,
    ) -> Result<(OwnedFd, Vec<u8>), Error> {
        denied.check(path)?;
        let real = self.follow(path, true)?;
        denied.check(&real)?;
        let name = real.file_name().ok_or(Error::IsADirectory)?;
        let flags = libc::O_PATH | libc::O_DIRECTORY;
        let directory = self.walk(Links::Refuse, real.parent().relative(), flags, 0)?;
        Ok((directory, name.to_vec()))
    }
}

/// Puts the names of a pathname on the pile, the first one on top.
fn push(left: &mut Vec<Vec<u8>>, path: &[u8]) {
    left.extend(path.rsplit(|&byte| byte == b'/').map(<[u8]>::to_vec));
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::symlink;
    use std::path::PathBuf;

    struct Place(PathBuf);

    impl Place {
        fn new(name: &str) -> Place {
            let name = format!("ironftpd-denied-{name}-{}", std::process::id());
            let path = std::env::temp_dir().join(name);
            let _ = fs::remove_dir_all(&path);
            fs::create_dir_all(path.join("sub/.private/deep")).unwrap();
            fs::write(path.join("sub/.private/z"), b"z").unwrap();
            fs::write(path.join("a.key"), b"k").unwrap();
            fs::write(path.join("file"), b"f").unwrap();
            Place(path)
        }

        fn root(&self, filter: &str, home: &str) -> Root {
            let filter = NameFilter::parse(filter.as_bytes()).unwrap().unwrap();
            let root = Root::open(&self.0).unwrap();
            root.denying(filter, &path(home)).unwrap()
        }

        fn link(&self, target: &str, name: &str) {
            symlink(target, self.0.join(name)).unwrap();
        }
    }

    impl Drop for Place {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    fn path(text: &str) -> VirtualPath {
        VirtualPath::root().join(text.as_bytes()).unwrap()
    }

    fn errno<T>(result: Result<T, Error>) -> Option<i32> {
        match result {
            Ok(_) => None,
            Err(Error::System(error)) => Some(error.errno()),
            Err(_) => Some(0),
        }
    }

    #[test]
    fn no_way_leads_to_what_is_denied() {
        let place = Place::new("ways");
        place.link("a.key", "link");
        place.link("/sub/.private", "slink");
        place.link("sub/../sub/./.private//", "twisted");
        place.link("slink/deep", "through");
        place.link("sub", "fair");
        place.link("none.key", "dangling");
        let root = place.root("{*.key,.private}", "/");
        let denied = [
            "a.key",
            "link",
            "slink/z",
            "sub/.private/z",
            "sub/.private",
            "slink",
            "twisted/z",
            "through",
            "fair/.private/z",
            "twisted/deep",
            "none.key",
            "dangling",
            "x.key/y",
        ];
        for name in denied {
            let path = path(name);
            assert_eq!(errno(root.attributes(&path)), Some(libc::EACCES), "{name}");
            assert!(root.open_file(&path).is_err(), "{name}");
            assert!(root.enter(&path).is_err(), "{name}");
            assert!(root.place(&path).is_err(), "{name}");
        }
        for name in ["file", "sub", "fair", "/"] {
            assert_eq!(errno(root.attributes(&path(name))), None, "{name}");
        }
        // A link may be looked at and deleted by its own name.
        assert_eq!(errno(root.own_attributes(&path("link"))), None);
        assert_eq!(errno(root.delete(&path("link"))), None);
        for name in ["a.key", "fair/.private", "slink/z", "sub/.private/deep"] {
            let path = path(name);
            assert_eq!(errno(root.delete(&path)), Some(libc::EACCES), "{name}");
            assert_eq!(
                errno(root.remove_directory(&path)),
                Some(libc::EACCES),
                "{name}"
            );
            let to = tests::path("new");
            assert_eq!(errno(root.rename(&path, &to)), Some(libc::EACCES), "{name}");
            let from = tests::path("file");
            assert_eq!(
                errno(root.rename(&from, &path)),
                Some(libc::EACCES),
                "{name}"
            );
        }
        assert_eq!(errno(root.undenied().attributes(&path("slink/z"))), None);
    }

    #[test]
    fn a_text_with_a_slash_is_about_a_place() {
        let place = Place::new("place");
        place.link("sub", "fair");
        let root = place.root("sub/.private", "/");
        for name in ["sub/.private/z", "fair/.private/z", "fair/.private"] {
            let path = path(name);
            assert_eq!(errno(root.attributes(&path)), Some(libc::EACCES), "{name}");
            assert_eq!(errno(root.delete(&path)), Some(libc::EACCES), "{name}");
        }
        assert_eq!(errno(root.attributes(&path("fair"))), None);
    }

    #[test]
    fn a_pattern_with_a_slash_is_about_a_place_however_it_is_reached() {
        let place = Place::new("whole");
        place.link("sub", "fair");
        place.link("/sub/.private/z", "link");
        let denied = ["sub/.private/z", "fair/.private/z", "link"];
        for (pattern, home) in [
            ("/sub/*", "/"),
            ("/sub/.private", "/"),
            ("/sub/.private/z", "/sub"),
            ("{/sub/.private/?,none}", "/sub/.private"),
        ] {
            let root = place.root(pattern, home);
            for name in denied {
                let error = errno(root.attributes(&path(name)));
                assert_eq!(error, Some(libc::EACCES), "{pattern} {name}");
            }
            for name in [home, "/sub", "/file"] {
                assert_eq!(
                    errno(root.attributes(&path(name))),
                    None,
                    "{pattern} {name}"
                );
            }
        }
    }

    #[test]
    fn the_way_to_where_the_session_began_is_not_judged() {
        let place = Place::new("home");
        let root = place.root("{.private,z}", "/sub/.private");
        assert_eq!(errno(root.enter(&path("/sub/.private"))), None);
        assert_eq!(errno(root.enter(&path("/sub/.private/deep"))), None);
        assert_eq!(
            errno(root.attributes(&path("/sub/.private/z"))),
            Some(libc::EACCES)
        );
        assert_eq!(errno(root.enter(&path("/sub"))), None);
    }

    #[test]
    fn where_a_pathname_leads_is_told_without_links() {
        let place = Place::new("real");
        place.link("sub", "one");
        place.link("one/.private/../..", "two");
        place.link("loop", "loop");
        let root = Root::open(&place.0).unwrap();
        let real = |name: &str| root.real(&path(name)).map(|path| path.as_bytes().to_vec());
        assert_eq!(real("one/.private").unwrap(), b"/sub/.private");
        assert_eq!(real("two/one/none").unwrap(), b"/sub/none");
        assert_eq!(real("two").unwrap(), b"/");
        assert_eq!(errno(root.real(&path("loop"))), Some(libc::ELOOP));
        assert_eq!(errno(root.real(&path("none/none"))), Some(libc::ENOENT));
    }
}
