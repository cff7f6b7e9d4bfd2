//! The way to a session's root: the one pathname that the server goes itself,
//! from the machine's root and without confinement.
//!
//! Some directories on it may be a user's to change, as where an account has
//! `/home/ann/public_html`, or `local_root` is below the home. A link put in the
//! place of one of them would make a root of whatever it leads to, and let who
//! is kept in choose where. So only such links count as belong to root, or to
//! the user who has started the server.
#![forbid(unsafe_code)]

use super::Root;
use crate::sys;
use crate::sys::file::{self, OpenHow};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// The call that is not made, as the log has it.
const OTHERS: &str = "readlinkat of another user's link";

/// Links followed on the way, as many as the kernel does.
const LINKS: usize = 40;

impl Root {
    /// Opens the server-side directory `path` as a root, following no links
    /// but root's and those of the user `starter`.
    ///
    /// # Errors
    /// When it cannot be opened or is no directory; EPERM for a link of
    /// somebody else's; ENOSYS where the kernel has no openat2.
    pub fn open_home(path: &Path, starter: u32) -> Result<Root, sys::Error> {
        let top = std::fs::File::open("/").map_err(|error| sys::Error::from_io("open", &error))?;
        let absolute =
            std::path::absolute(path).map_err(|error| sys::Error::from_io("getcwd", &error))?;
        let path = absolute.as_os_str().as_bytes();
        let no_links = libc::RESOLVE_NO_SYMLINKS;
        let directory = match look_at(top.as_fd(), path, libc::O_DIRECTORY, no_links) {
            Err(error) if error.errno() == libc::ELOOP => go(top.into(), path, starter)?,
            result => result?,
        };
        Root::of(directory)
    }
}

fn look_at(
    directory: BorrowedFd<'_>,
    path: &[u8],
    flags: i32,
    resolve: u64,
) -> Result<OwnedFd, sys::Error> {
    let how = OpenHow {
        flags: libc::O_PATH | flags,
        mode: 0,
        resolve,
    };
    file::openat2(directory, path, how)
}

/// Goes `path` name by name from `top`, the machine's root. Each name is
/// opened before it is looked at, so that nobody can put a link there in
/// between.
fn go(top: OwnedFd, path: &[u8], starter: u32) -> Result<OwnedFd, sys::Error> {
    let names = |text: &[u8]| -> Vec<Vec<u8>> {
        let names = text.split(|&byte| byte == b'/');
        let names = names.filter(|name| !matches!(*name, b"" | b"."));
        names.rev().map(<[u8]>::to_vec).collect()
    };
    // The next one last.
    let mut left = names(path);
    let mut links = 0;
    let mut here = look_at(top.as_fd(), b"/", libc::O_DIRECTORY, 0)?;
    while let Some(name) = left.pop() {
        let found = look_at(here.as_fd(), &name, libc::O_NOFOLLOW, 0)?;
        let about = file::attributes(found.as_fd())?;
        if !about.is_symlink() {
            here = found;
            continue;
        }
        links += 1;
        if links > LINKS {
            return Err(sys::Error::new("readlinkat", libc::ELOOP).on(path));
        }
        if about.uid != 0 && about.uid != starter {
            return Err(sys::Error::new(OTHERS, libc::EPERM).on(&name));
        }
        let text = file::readlink_at(found.as_fd(), b"")?;
        if text.starts_with(b"/") {
            here = look_at(top.as_fd(), b"/", libc::O_DIRECTORY, 0)?;
        }
        left.extend(names(&text));
    }
    if file::attributes(here.as_fd())?.is_directory() {
        Ok(here)
    } else {
        Err(sys::Error::new("openat2", libc::ENOTDIR).on(path))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::process::effective_user;
    use std::os::unix::fs::{lchown, symlink};
    use std::path::PathBuf;

    struct Place(PathBuf);

    impl Place {
        fn new(name: &str) -> Place {
            let name = format!("ironftpd-home-{}-{name}", std::process::id());
            let path = std::env::temp_dir().join(name);
            let _ = std::fs::remove_dir_all(&path);
            std::fs::create_dir_all(path.join("real/deep")).unwrap();
            std::fs::write(path.join("file"), "").unwrap();
            Place(path)
        }

        fn link(&self, name: &str, target: &str) {
            symlink(target, self.0.join(name)).unwrap();
        }

        /// Where `name` leads, or the error.
        fn open(&self, name: &str) -> Result<PathBuf, i32> {
            let root = Root::open_home(&self.0.join(name), effective_user());
            let root = root.map_err(|error| error.errno())?;
            let number = std::os::fd::AsRawFd::as_raw_fd(&root.as_fd());
            Ok(std::fs::read_link(format!("/proc/self/fd/{number}")).unwrap())
        }
    }

    impl Drop for Place {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn links_of_who_has_started_the_server_are_followed() {
        let place = Place::new("own");
        let real = std::fs::canonicalize(place.0.join("real")).unwrap();
        place.link("near", "real");
        place.link("far", real.to_str().unwrap());
        place.link("real/up", ".././real/deep/..//.");
        place.link("again", "near/up/up");
        for name in [
            "real",
            "near",
            "far",
            "real/up",
            "again",
            "near/../far/",
            ".",
        ] {
            let expected = if name == "." {
                real.parent()
            } else {
                Some(real.as_path())
            };
            assert_eq!(place.open(name).as_deref(), Ok(expected.unwrap()), "{name}");
        }
        assert_eq!(place.open("again/deep"), Ok(real.join("deep")));
    }

    #[test]
    fn what_leads_to_no_directory_is_refused() {
        let place = Place::new("none");
        place.link("loop", "pool");
        place.link("pool", "loop");
        place.link("to-file", "file");
        place.link("dangling", "none");
        for (name, errno) in [
            ("loop", libc::ELOOP),
            ("to-file", libc::ENOTDIR),
            ("to-file/x", libc::ENOTDIR),
            ("file", libc::ENOTDIR),
            ("dangling", libc::ENOENT),
            ("none", libc::ENOENT),
        ] {
            assert_eq!(place.open(name), Err(errno), "{name}");
        }
    }

    #[test]
    fn a_link_of_somebody_else_s_is_not_followed_wherever_it_lies() {
        let place = Place::new("other");
        place.link("theirs", "real");
        place.link("through", "theirs/deep");
        if lchown(place.0.join("theirs"), Some(4321), None).is_err() {
            return; // only root may give files away
        }
        for name in ["theirs", "theirs/deep", "through", "real/../theirs"] {
            assert_eq!(place.open(name), Err(libc::EPERM), "{name}");
        }
    }
}
