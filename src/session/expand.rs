//! Wildcards in a pathname, in any of its parts: which directories to look
//! into, and which of their names are meant.
//!
//! `..` is taken off as text before anything is looked at, alternatives in
//! braces are matched and not multiplied out, the directories are bounded in
//! number, and all matching is paid for from one budget; so what a pattern
//! can cost does not depend on how it is twisted.

use super::state::Login;
use crate::fs::{Names, Reader};
use crate::protocol::VirtualPath;
use crate::protocol::pattern::{Budget, Pattern, has_wildcard};
use std::os::fd::OwnedFd;

/// Steps of matching that one command may take: about a second.
const STEPS: u64 = 1 << 28;

/// Directories that one command may look into.
const DIRECTORIES: u32 = 1000;

/// One part of a pathname between slashes.
#[derive(Debug, Clone)]
enum Part {
    /// A name as it is; it was never a client's to interpret.
    Fixed(Vec<u8>),
    /// A name, or if there is none such a pattern.
    Wild(Vec<u8>, Pattern),
}

impl Part {
    /// A part that a client has written; `None` if it is too long.
    fn written(name: &[u8], dots: bool) -> Option<Part> {
        Some(if has_wildcard(name) {
            let pattern = Pattern::new(name)?;
            let pattern = if dots { pattern.with_dots() } else { pattern };
            Part::Wild(name.to_vec(), pattern)
        } else {
            Part::Fixed(name.to_vec())
        })
    }
}

/// Why a pathname with wildcards cannot be followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TooLong;

/// A pathname with wildcards.
#[derive(Debug)]
pub(super) struct Wildcard {
    /// Where names are shown from.
    cwd: VirtualPath,
    /// The client said it from the root.
    absolute: bool,
    /// What the client wrote before the last slash, if nothing in there is
    /// wild.
    written: Option<Vec<u8>>,
    /// All parts but the last.
    way: Vec<Part>,
    last: Option<Part>,
    /// Directories still to be looked into, the next one last, and how many
    /// parts of the way lead to each.
    open: Vec<(VirtualPath, usize)>,
    left: u32,
    budget: Budget,
}

/// A directory and the names in it that are meant.
pub(super) struct Place {
    pub(super) directory: OwnedFd,
    /// What goes before each name.
    pub(super) prefix: Vec<u8>,
    /// The one name meant, if it is no pattern.
    pub(super) name: Option<Vec<u8>>,
}

impl Wildcard {
    /// Reads `pathname` as it is meant in the directory `cwd`. With `dots`
    /// wildcards take names that begin with a dot as well.
    pub(super) fn new(cwd: &VirtualPath, pathname: &[u8], dots: bool) -> Result<Wildcard, TooLong> {
        let absolute = pathname.first() == Some(&b'/');
        let mut way: Vec<Part> = Vec::new();
        if !absolute && !cwd.is_root() {
            let parts = cwd.relative().split(|byte| *byte == b'/');
            way.extend(parts.map(|name| Part::Fixed(name.to_vec())));
        }
        for name in pathname.split(|byte| *byte == b'/') {
            match name {
                b"" | b"." => {}
                b".." => drop(way.pop()),
                name => way.push(Part::written(name, dots).ok_or(TooLong)?),
            }
        }
        let last = way.pop();
        let length = pathname.iter().rposition(|&byte| byte == b'/');
        let written = pathname.get(..length.map_or(0, |at| at + 1));
        Ok(Wildcard {
            cwd: cwd.clone(),
            absolute,
            written: written
                .filter(|written| !has_wildcard(written))
                .map(<[u8]>::to_vec),
            way,
            last,
            open: vec![(VirtualPath::root(), 0)],
            left: DIRECTORIES,
            budget: Budget::new(STEPS),
        })
    }

    /// Whether the cost has become too high, so that some names are missing.
    pub(super) fn is_cut_short(&self) -> bool {
        self.budget.is_spent() || self.left == 0
    }

    /// Whether several directories are looked into, so that a name alone
    /// does not tell where it is.
    pub(super) fn is_spread(&self) -> bool {
        self.written.is_none()
    }

    /// The directory that is looked into, if it is the only one.
    pub(super) fn only_directory(&self) -> Option<VirtualPath> {
        let mut fixed = self.way.iter().map(|part| match part {
            Part::Fixed(name) => Some(name),
            Part::Wild(..) => None,
        });
        fixed.try_fold(VirtualPath::root(), |path, name| Some(path.child(name?)))
    }

    /// Whether a name of a [`Place`] is meant.
    pub(super) fn is_meant(&mut self, name: &[u8]) -> bool {
        match &self.last {
            Some(Part::Wild(_, pattern)) => pattern.matches(name, &mut self.budget),
            Some(Part::Fixed(fixed)) => fixed == name,
            None => false,
        }
    }

    /// The next directory to look into.
    pub(super) fn next_place(&mut self, login: &Login, buffer: &mut [u8]) -> Option<Place> {
        while let Some((path, depth)) = self.open.pop() {
            let Some(part) = self.way.get(depth).cloned() else {
                if let Some(place) = self.place(login, &path) {
                    return Some(place);
                }
                continue;
            };
            match part {
                Part::Fixed(name) => self.open.push((path.child(&name), depth + 1)),
                // A directory of this very name comes before the pattern.
                Part::Wild(name, _) if has_entry(login, &path, &name) => {
                    self.open.push((path.child(&name), depth + 1));
                }
                Part::Wild(_, pattern) => {
                    let below = self.open.len();
                    for name in self.matching(login, &path, &pattern, buffer)?.iter() {
                        self.open.push((path.child(name), depth + 1));
                    }
                    if let Some(new) = self.open.get_mut(below..) {
                        new.reverse();
                    }
                }
            }
        }
        None
    }

    /// Opens the directory `path` at the end of the way.
    fn place(&mut self, login: &Login, path: &VirtualPath) -> Option<Place> {
        let name = match self.last.as_ref()? {
            Part::Fixed(name) => Some(name),
            Part::Wild(name, _) => Some(name).filter(|name| has_entry(login, path, name)),
        };
        let name = name.cloned();
        let directory = self.open_directory(login, path)?;
        let prefix = match &self.written {
            Some(written) => written.clone(),
            None => self.prefix_of(path),
        };
        Some(Place {
            directory,
            prefix,
            name,
        })
    }

    /// The names in the directory `path` that match, sorted; none if it is no
    /// directory or cannot be read. `None` at the end of patience.
    fn matching(
        &mut self,
        login: &Login,
        path: &VirtualPath,
        pattern: &Pattern,
        buffer: &mut [u8],
    ) -> Option<Names> {
        let mut names = Names::default();
        if self.is_cut_short() {
            return None;
        }
        let Some(directory) = self.open_directory(login, path) else {
            return Some(names);
        };
        let mut reader = Reader::new(&directory, buffer);
        while let Ok(Some(batch)) = reader.batch() {
            for name in batch {
                // What will not be looked into need not be kept.
                let kept = u32::try_from(names.len()).unwrap_or(u32::MAX);
                if kept <= self.left
                    && pattern.matches(name, &mut self.budget)
                    && !login.filters.hides_in(&directory, name)
                {
                    names.push(name);
                }
            }
            if self.budget.is_spent() {
                return None;
            }
        }
        names.sort();
        Some(names)
    }

    fn open_directory(&mut self, login: &Login, path: &VirtualPath) -> Option<OwnedFd> {
        self.left = self.left.checked_sub(1)?;
        login.open_directory(path).ok()
    }

    /// How names in the directory `path` begin as this client sees them.
    fn prefix_of(&self, path: &VirtualPath) -> Vec<u8> {
        let relative = path.below(&self.cwd).filter(|_| !self.absolute);
        let mut prefix = match relative {
            Some(b".") => return Vec::new(),
            Some(relative) => relative.to_vec(),
            None if path.is_root() => return b"/".to_vec(),
            None => path.as_bytes().to_vec(),
        };
        prefix.push(b'/');
        prefix
    }
}

fn has_entry(login: &Login, directory: &VirtualPath, name: &[u8]) -> bool {
    login.root.own_attributes(&directory.child(name)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(cwd: &str, pathname: &str) -> Wildcard {
        let cwd = VirtualPath::root().join(cwd.as_bytes()).unwrap();
        Wildcard::new(&cwd, pathname.as_bytes(), false).unwrap()
    }

    #[test]
    fn what_climbs_is_taken_off_before_anything_is_looked_at() {
        let twisted = at("/", &"*/../".repeat(1000));
        assert!(twisted.way.is_empty() && twisted.last.is_none());
        let twisted = at("/a", "x/*/../*.c");
        assert_eq!(twisted.way.len(), 2);
        let only = twisted.only_directory().unwrap();
        assert_eq!(only.as_bytes(), b"/a/x");
        assert_eq!(twisted.prefix_of(&only), b"x/");
    }

    #[test]
    fn the_working_directory_is_no_pattern() {
        let here = at("/[a]/b*", "*.c");
        assert!(here.way.iter().all(|part| matches!(part, Part::Fixed(_))));
        assert!(!here.is_spread());
        assert_eq!(here.written, Some(Vec::new()));
    }

    #[test]
    fn names_are_shown_the_way_they_were_asked_for() {
        let path = |text: &str| VirtualPath::root().join(text.as_bytes()).unwrap();
        assert_eq!(at("/a", "./x/*.c").written, Some(b"./x/".to_vec()));
        assert_eq!(at("/a", "*/*.c").prefix_of(&path("/a/d")), b"d/");
        assert_eq!(at("/a", "/*/*.c").prefix_of(&path("/a")), b"/a/");
        assert_eq!(at("/a/b", "../*/*.c").prefix_of(&path("/a/c")), b"/a/c/");
        assert_eq!(at("/a", "*/*.c").prefix_of(&path("/a")), b"");
        assert_eq!(at("/", "/*").prefix_of(&VirtualPath::root()), b"/");
    }

    #[test]
    fn too_long_a_part_is_refused() {
        let long = vec![b'*'; 600];
        assert_eq!(
            Wildcard::new(&VirtualPath::root(), &long, false).err(),
            Some(TooLong)
        );
    }
}
