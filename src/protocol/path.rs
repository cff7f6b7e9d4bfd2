//! Pathnames as the client sees them: absolute within its root, normalised
//! as text. That they lead where they seem to is not decided here but by the
//! kernel, which resolves every one of them beneath the root (`fs`).
#![forbid(unsafe_code)]

use std::fmt;

use crate::protocol::escape::Escaped;
use crate::protocol::name::to_wire;

/// Longest pathname, in octets with its leading slash: PATH_MAX less its NUL,
/// and one for the slash the kernel does not get to see.
pub const MAX_PATH: usize = 4096;

/// Why a pathname cannot be one.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum PathError {
    /// It holds a NUL, which would end it early for the kernel.
    Nul,
    /// Longer than [`MAX_PATH`] once normalised.
    TooLong,
}

/// An absolute pathname without `.`, `..`, doubled or trailing slashes. Any
/// octets but NUL. The root owns no heap.
#[derive(Clone, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct VirtualPath {
    /// `/a/b`, and nothing for the root.
    bytes: Vec<u8>,
}

impl VirtualPath {
    /// `/`.
    #[must_use]
    pub const fn root() -> VirtualPath {
        VirtualPath { bytes: Vec::new() }
    }

    /// The pathname meant by `pathname` where `self` is the working
    /// directory. `..` takes off one name as text, and above the root stays
    /// there. An empty pathname is the working directory.
    pub fn join(&self, pathname: &[u8]) -> Result<VirtualPath, PathError> {
        if pathname.contains(&0) {
            return Err(PathError::Nul);
        }
        let absolute = pathname.first() == Some(&b'/');
        let mut joined = if absolute {
            VirtualPath::root()
        } else {
            self.clone()
        };
        joined.append(pathname);
        if joined.bytes.len() > MAX_PATH {
            Err(PathError::TooLong)
        } else {
            Ok(joined)
        }
    }

    /// The entry `name` of this directory, with a name the kernel gave. What
    /// only a client could write (slashes, `..`) is resolved, never believed.
    #[must_use]
    pub fn child(&self, name: &[u8]) -> VirtualPath {
        let mut bytes = Vec::with_capacity(self.bytes.len() + name.len() + 1);
        bytes.extend_from_slice(&self.bytes);
        let mut child = VirtualPath { bytes };
        child.append(name);
        child
    }

    /// The directory this is in; the root for the root.
    #[must_use]
    pub fn parent(&self) -> VirtualPath {
        let mut parent = self.clone();
        parent.pop();
        parent
    }

    /// The last name; None for the root.
    #[must_use]
    pub fn file_name(&self) -> Option<&[u8]> {
        if self.is_root() {
            None
        } else {
            self.bytes.rsplit(|byte| *byte == b'/').next()
        }
    }

    /// The pathname, beginning with a slash.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        if self.is_root() { b"/" } else { &self.bytes }
    }

    /// The pathname for the `openat` family beneath the root's descriptor:
    /// without its leading slash, `.` for the root.
    #[must_use]
    pub fn relative(&self) -> &[u8] {
        self.bytes.get(1..).unwrap_or(b".")
    }

    /// Whether this is `/`.
    #[must_use]
    pub fn is_root(&self) -> bool {
        self.bytes.is_empty()
    }

    /// The way from the directory `top` down to this, without `..`: `.` if
    /// both are the same, `None` if this is not in or below `top`.
    #[must_use]
    pub fn below(&self, top: &VirtualPath) -> Option<&[u8]> {
        match self.bytes.strip_prefix(top.bytes.as_slice())? {
            [] => Some(b"."),
            [b'/', rest @ ..] => Some(rest),
            _ => None,
        }
    }

    /// The way from the directory `from` to this, with a `..` for each
    /// directory it leaves and never more of them than `from` is deep.
    #[must_use]
    pub fn seen_from(&self, from: &VirtualPath) -> Vec<u8> {
        let mut top = from.clone();
        let mut way = Vec::new();
        loop {
            if let Some(rest) = self.below(&top) {
                if way.is_empty() || rest != b"." {
                    way.extend_from_slice(rest);
                } else {
                    way.pop(); // The slash behind the last `..`.
                }
                return way;
            }
            way.extend_from_slice(b"../");
            top.pop();
        }
    }

    /// The pathname as a 257 reply shows it: in quotes, quotes within it
    /// doubled (RFC 959 appendix II), ends of lines as in `name`.
    #[must_use]
    pub fn quoted(&self) -> Vec<u8> {
        let wire = to_wire(self.as_bytes());
        let mut quoted = Vec::with_capacity(wire.len() + 2);
        quoted.push(b'"');
        for byte in wire.iter() {
            if *byte == b'"' {
                quoted.push(b'"');
            }
            quoted.push(*byte);
        }
        quoted.push(b'"');
        quoted
    }

    fn append(&mut self, pathname: &[u8]) {
        for name in pathname.split(|byte| *byte == b'/') {
            match name {
                b"" | b"." => {}
                b".." => self.pop(),
                name => {
                    self.bytes.push(b'/');
                    self.bytes.extend_from_slice(name);
                }
            }
        }
    }

    fn pop(&mut self) {
        let end = self
            .bytes
            .iter()
            .rposition(|byte| *byte == b'/')
            .unwrap_or_default();
        self.bytes.truncate(end);
    }
}

impl fmt::Debug for VirtualPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", Escaped(self.as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &[u8]) -> VirtualPath {
        VirtualPath::root().join(text).unwrap()
    }

    #[test]
    fn dots_and_slashes_are_resolved_as_text() {
        for (from, pathname, to) in [
            (&b"/"[..], &b"a"[..], &b"/a"[..]),
            (b"/a", b"b/c", b"/a/b/c"),
            (b"/a", b"/b", b"/b"),
            (b"/a/b", b"..", b"/a"),
            (b"/a/b", b"../../c", b"/c"),
            (b"/a", b".//./b/.//", b"/a/b"),
            (b"/a", b"", b"/a"),
            (b"/a", b"//", b"/"),
            (b"/a", b"...", b"/a/..."),
            (b"/a", b"..b/.c", b"/a/..b/.c"),
            (b"/", b" a b ", b"/ a b "),
            (b"/", b"\xFF\r\n", b"/\xFF\r\n"),
            (b"/", b"a\\..\\b", b"/a\\..\\b"),
        ] {
            assert_eq!(path(from).join(pathname).unwrap().as_bytes(), to);
        }
    }

    #[test]
    fn dotdot_above_root_stays_at_root() {
        assert!(path(b"/a/../../../..").is_root());
        assert_eq!(path(b"/../../etc/passwd").as_bytes(), b"/etc/passwd");
        assert!(VirtualPath::root().parent().is_root());
    }

    #[test]
    fn nul_and_length_are_refused() {
        assert_eq!(VirtualPath::root().join(b"a\0b"), Err(PathError::Nul));
        let long = vec![b'x'; MAX_PATH - 1];
        assert_eq!(path(&long).as_bytes().len(), MAX_PATH);
        assert_eq!(path(&long).join(b"y"), Err(PathError::TooLong));
        assert_eq!(path(&long).join(b"../y").unwrap().as_bytes(), b"/y");
        assert_eq!(
            VirtualPath::root().join(&[b'x'; MAX_PATH]),
            Err(PathError::TooLong)
        );
    }

    #[test]
    fn parts_are_found() {
        let path = path(b"/a/b c");
        assert_eq!(path.file_name(), Some(&b"b c"[..]));
        assert_eq!(path.parent().as_bytes(), b"/a");
        assert_eq!(path.parent().parent(), VirtualPath::root());
        assert_eq!(path.relative(), b"a/b c");
        assert_eq!(VirtualPath::root().relative(), b".");
        assert_eq!(VirtualPath::root().file_name(), None);
        assert_eq!(VirtualPath::root().as_bytes(), b"/");
    }

    #[test]
    fn the_way_down_never_goes_up() {
        assert_eq!(path(b"/a/b/c").below(&path(b"/a")), Some(&b"b/c"[..]));
        assert_eq!(path(b"/a").below(&VirtualPath::root()), Some(&b"a"[..]));
        assert_eq!(path(b"/a").below(&path(b"/a")), Some(&b"."[..]));
        assert_eq!(VirtualPath::root().below(&path(b"/a")), None);
        assert_eq!(path(b"/ab").below(&path(b"/a")), None);
        assert_eq!(path(b"/b/a").below(&path(b"/a")), None);
    }

    #[test]
    fn the_way_to_elsewhere_goes_up_as_far_as_it_must() {
        for (to, from, way) in [
            (&b"/a/b"[..], &b"/a"[..], &b"b"[..]),
            (b"/a", b"/a", b"."),
            (b"/a", b"/a/b", b".."),
            (b"/", b"/a/b", b"../.."),
            (b"/c", b"/a/b", b"../../c"),
            (b"/a/c/d", b"/a/b", b"../c/d"),
            (b"/ab", b"/a", b"../ab"),
            (b"/", b"/", b"."),
        ] {
            let found = path(to).seen_from(&path(from));
            assert_eq!(found, way, "{to:?} from {from:?}");
            assert_eq!(path(from).join(&found).unwrap(), path(to));
        }
    }

    #[test]
    fn a_child_never_leaves_its_directory_by_a_plain_name() {
        assert_eq!(path(b"/a").child(b"b").as_bytes(), b"/a/b");
        assert_eq!(VirtualPath::root().child(b"b").as_bytes(), b"/b");
        assert_eq!(path(b"/a").child(b"").as_bytes(), b"/a");
        assert!(VirtualPath::root().child(b"../..").is_root());
    }

    #[test]
    fn quotes_are_doubled_within_quotes() {
        assert_eq!(VirtualPath::root().quoted(), b"\"/\"");
        assert_eq!(path(b"a\"b\"").quoted(), b"\"/a\"\"b\"\"\"");
    }

    #[test]
    fn whatever_is_joined_is_normal() {
        let alphabet = [&b"."[..], b"/", b"a", b".."];
        for seed in 0..4_usize.pow(6) {
            let text: Vec<u8> = (0..6)
                .flat_map(|i| alphabet[seed / 4_usize.pow(i) % 4])
                .copied()
                .collect();
            let path = path(&text);
            assert_eq!(
                path,
                self::path(path.as_bytes()),
                "joining again changes nothing"
            );
            assert!(
                path.relative() == b"."
                    || path
                        .relative()
                        .split(|b| *b == b'/')
                        .all(|name| !matches!(name, b"" | b"." | b".."))
            );
        }
    }
}
