//! The perm fact of MLST and MLSD (RFC 3659 section 7.5.5): what the user may
//! do with an entry, as a set of letters. Finding out what that is, from the
//! rights of the session and of the file system, is the session's business.
#![forbid(unsafe_code)]

/// The letters of the fact, in the order in which they are shown.
const LETTERS: [u8; 10] = *b"acdeflmprw";

/// A set of the fact's letters.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Perm(u16);

impl Perm {
    /// `a`: APPE works on the file.
    pub const APPEND: Perm = Perm::of(0);
    /// `c`: files may be made in the directory.
    pub const CREATE: Perm = Perm::of(1);
    /// `d`: the entry may be deleted.
    pub const DELETE: Perm = Perm::of(2);
    /// `e`: CWD into the directory works.
    pub const ENTER: Perm = Perm::of(3);
    /// `f`: the entry may be renamed.
    pub const RENAME: Perm = Perm::of(4);
    /// `l`: the directory may be listed.
    pub const LIST: Perm = Perm::of(5);
    /// `m`: directories may be made in the directory.
    pub const MAKE: Perm = Perm::of(6);
    /// `p`: what is in the directory may be deleted.
    pub const PURGE: Perm = Perm::of(7);
    /// `r`: RETR works on the file.
    pub const READ: Perm = Perm::of(8);
    /// `w`: STOR works on the file.
    pub const WRITE: Perm = Perm::of(9);
    /// No letter.
    pub const NONE: Perm = Perm(0);

    const fn of(place: u16) -> Perm {
        Perm(1 << place)
    }

    /// The letters of both.
    #[must_use]
    pub const fn with(self, other: Perm) -> Perm {
        Perm(self.0 | other.0)
    }

    /// These letters if `condition` holds, else none.
    #[must_use]
    pub const fn when(self, condition: bool) -> Perm {
        if condition { self } else { Perm::NONE }
    }

    /// Whether all letters of `other` are here.
    #[must_use]
    pub const fn contains(self, other: Perm) -> bool {
        self.0 & other.0 == other.0
    }

    /// Appends the letters in alphabetical order.
    pub fn append(self, out: &mut Vec<u8>) {
        for (place, letter) in LETTERS.iter().enumerate() {
            if self.0 >> place & 1 == 1 {
                out.push(*letter);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(perm: Perm) -> String {
        let mut out = Vec::new();
        perm.append(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn every_letter_has_its_name_and_its_place() {
        let all = [
            Perm::WRITE,
            Perm::READ,
            Perm::PURGE,
            Perm::MAKE,
            Perm::LIST,
            Perm::RENAME,
            Perm::ENTER,
            Perm::DELETE,
            Perm::CREATE,
            Perm::APPEND,
        ];
        let shown: Vec<String> = all.iter().map(|one| text(*one)).collect();
        assert_eq!(
            shown,
            ["w", "r", "p", "m", "l", "f", "e", "d", "c", "a"],
            "in the order in which the names are written above"
        );
        let together = all.into_iter().fold(Perm::NONE, Perm::with);
        assert_eq!(text(together), "acdeflmprw");
        assert!(together.contains(Perm::MAKE) && !Perm::MAKE.contains(together));
    }

    #[test]
    fn a_condition_decides() {
        assert_eq!(text(Perm::READ.when(true)), "r");
        assert_eq!(text(Perm::READ.when(false)), "");
        assert!(Perm::READ.contains(Perm::NONE));
    }
}
