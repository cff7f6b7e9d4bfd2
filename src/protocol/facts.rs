//! Facts about files for MLST and MLSD (RFC 3659 section 7), the selection
//! of them by OPTS MLST, and their line in FEAT.
#![forbid(unsafe_code)]

use crate::protocol::digits::{push_decimal, push_power};
use crate::protocol::listing::{append_name, mode};
use crate::protocol::media::media_type;
use crate::protocol::perm::Perm;
use crate::protocol::time::{Timestamp, append_fact};

/// A set of facts.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Facts(u16);

/// Every fact there is, in the order in which lines give them.
const NAMES: [(Facts, &str); 12] = [
    (Facts::TYPE, "type"),
    (Facts::SIZE, "size"),
    (Facts::MODIFY, "modify"),
    (Facts::CREATE, "create"),
    (Facts::PERM, "perm"),
    (Facts::UNIQUE, "unique"),
    (Facts::MEDIA_TYPE, "media-type"),
    (Facts::UNIX_MODE, "UNIX.mode"),
    (Facts::UNIX_OWNER, "UNIX.owner"),
    (Facts::UNIX_GROUP, "UNIX.group"),
    (Facts::UNIX_OWNERNAME, "UNIX.ownername"),
    (Facts::UNIX_GROUPNAME, "UNIX.groupname"),
];

impl Facts {
    /// What kind of thing it is.
    pub const TYPE: Facts = Facts(1);
    /// Octets of a file.
    pub const SIZE: Facts = Facts(1 << 1);
    /// Last modification, in UTC.
    pub const MODIFY: Facts = Facts(1 << 2);
    /// What the user may do with it.
    pub const PERM: Facts = Facts(1 << 3);
    /// The same for two names of one file, and for no two files.
    pub const UNIQUE: Facts = Facts(1 << 4);
    /// Permission bits in octal.
    pub const UNIX_MODE: Facts = Facts(1 << 5);
    /// User id.
    pub const UNIX_OWNER: Facts = Facts(1 << 6);
    /// Group id.
    pub const UNIX_GROUP: Facts = Facts(1 << 7);
    /// When it was made, in UTC, where the file system knows.
    pub const CREATE: Facts = Facts(1 << 8);
    /// What a file holds, by its name.
    pub const MEDIA_TYPE: Facts = Facts(1 << 9);
    /// Name of the user.
    pub const UNIX_OWNERNAME: Facts = Facts(1 << 10);
    /// Name of the group.
    pub const UNIX_GROUPNAME: Facts = Facts(1 << 11);
    /// None of them: lines hold a name only.
    pub const NONE: Facts = Facts(0);
    /// All of them.
    pub const ALL: Facts = Facts(0x0FFF);
    /// What a session begins with: not what few clients want and what makes
    /// lines long or has to be looked up.
    pub const DEFAULT: Facts = Facts(0x00FF);

    /// Whether all of `other` are in this set.
    #[must_use]
    pub const fn contains(self, other: Facts) -> bool {
        self.0 & other.0 == other.0
    }

    /// Both sets together.
    #[must_use]
    pub const fn with(self, other: Facts) -> Facts {
        Facts(self.0 | other.0)
    }

    /// This set without `other`.
    #[must_use]
    pub const fn without(self, other: Facts) -> Facts {
        Facts(self.0 & !other.0)
    }

    fn names(self) -> impl Iterator<Item = &'static str> {
        NAMES
            .iter()
            .filter(move |(fact, _)| self.contains(*fact))
            .map(|(_, name)| *name)
    }
}

/// What kind of thing an entry is: the type fact (RFC 3659 section 7.5.1).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind<'a> {
    /// A plain file.
    File,
    /// A directory.
    Dir,
    /// The directory that is being listed.
    Cdir,
    /// Its parent.
    Pdir,
    /// A symbolic link and, if known, what it holds.
    Slink(Option<&'a [u8]>),
    /// A device, FIFO or socket.
    Special,
}

/// One file, as MLSx shows it.
#[derive(Clone, Copy, Debug)]
pub struct FactEntry<'a> {
    /// The type fact.
    pub kind: Kind<'a>,
    /// Octets; shown for files only.
    pub size: u64,
    /// Last modification.
    pub modified: Timestamp,
    /// When it was made, if the file system knows.
    pub created: Option<Timestamp>,
    /// The perm fact.
    pub perm: Perm,
    /// Device and inode number.
    pub unique: (u64, u64),
    /// `st_mode`: tells special files apart, and its permission bits show.
    pub mode: u32,
    /// User id to show.
    pub owner: u32,
    /// Group id to show.
    pub group: u32,
    /// The user's name to show.
    pub owner_name: &'a [u8],
    /// The group's name to show.
    pub group_name: &'a [u8],
    /// Name (MLSD) or pathname (MLST) to show, as stored.
    pub name: &'a [u8],
}

/// Reads the argument of OPTS MLST: `type;size;`. Case is nothing; facts not
/// known are left out, so an empty or foreign list selects none.
#[must_use]
pub fn parse_selection(list: &[u8]) -> Facts {
    list.split(|byte| *byte == b';')
        .fold(Facts::NONE, |set, word| {
            let known = NAMES
                .iter()
                .find(|(_, name)| word.eq_ignore_ascii_case(name.as_bytes()));
            known.map_or(set, |(fact, _)| set.with(*fact))
        })
}

/// MLST's line in FEAT: every fact, with a star behind those selected.
#[must_use]
pub fn feat_line(selected: Facts) -> String {
    let mut line = String::from("MLST ");
    for (fact, name) in NAMES {
        line.push_str(name);
        line.push_str(if selected.contains(fact) { "*;" } else { ";" });
    }
    line
}

/// The text of the 200 reply to OPTS MLST (RFC 3659 section 7.9).
#[must_use]
pub fn selection_line(selected: Facts) -> String {
    let mut line = String::from("MLST OPTS");
    for (index, name) in selected.names().enumerate() {
        line.push_str(if index == 0 { " " } else { "" });
        line.push_str(name);
        line.push(';');
    }
    line
}

/// Appends facts, a blank and the name, without an end of line: MLSD ends it,
/// and MLST puts it into a reply.
pub fn append_facts(out: &mut Vec<u8>, entry: &FactEntry<'_>, facts: Facts) {
    if facts.contains(Facts::TYPE) {
        out.extend_from_slice(b"type=");
        append_kind(out, entry);
        out.push(b';');
    }
    if facts.contains(Facts::SIZE) && entry.kind == Kind::File {
        out.extend_from_slice(b"size=");
        push_decimal(out, entry.size);
        out.push(b';');
    }
    if facts.contains(Facts::MODIFY) {
        out.extend_from_slice(b"modify=");
        append_fact(out, entry.modified);
        out.push(b';');
    }
    if let Some(created) = entry.created.filter(|_| facts.contains(Facts::CREATE)) {
        out.extend_from_slice(b"create=");
        append_fact(out, created);
        out.push(b';');
    }
    if facts.contains(Facts::PERM) {
        out.extend_from_slice(b"perm=");
        entry.perm.append(out);
        out.push(b';');
    }
    if facts.contains(Facts::UNIQUE) {
        let (device, inode) = entry.unique;
        out.extend_from_slice(b"unique=");
        push_power(out, device, 4, 1);
        out.push(b'.');
        push_power(out, inode, 4, 1);
        out.push(b';');
    }
    if facts.contains(Facts::MEDIA_TYPE)
        && entry.kind == Kind::File
        && let Some(media) = media_type(last_name(entry.name))
    {
        out.extend_from_slice(b"media-type=");
        out.extend_from_slice(media.as_bytes());
        out.push(b';');
    }
    append_unix(out, entry, facts);
    out.push(b' ');
    append_name(out, entry.name);
}

/// Appends one line of MLSD, end of line included.
pub fn append_facts_line(out: &mut Vec<u8>, entry: &FactEntry<'_>, facts: Facts) {
    append_facts(out, entry, facts);
    out.extend_from_slice(b"\r\n");
}

fn append_unix(out: &mut Vec<u8>, entry: &FactEntry<'_>, facts: Facts) {
    if facts.contains(Facts::UNIX_MODE) {
        out.extend_from_slice(b"UNIX.mode=");
        push_power(out, (entry.mode & 0o7777).into(), 3, 4);
        out.push(b';');
    }
    if facts.contains(Facts::UNIX_OWNER) {
        out.extend_from_slice(b"UNIX.owner=");
        push_decimal(out, entry.owner.into());
        out.push(b';');
    }
    if facts.contains(Facts::UNIX_GROUP) {
        out.extend_from_slice(b"UNIX.group=");
        push_decimal(out, entry.group.into());
        out.push(b';');
    }
    if facts.contains(Facts::UNIX_OWNERNAME) {
        append_value(out, b"UNIX.ownername=", entry.owner_name);
    }
    if facts.contains(Facts::UNIX_GROUPNAME) {
        append_value(out, b"UNIX.groupname=", entry.group_name);
    }
}

/// Appends a fact unless its value would end it, or all facts.
fn append_value(out: &mut Vec<u8>, name: &[u8], value: &[u8]) {
    if !value.is_empty() && fits_fact(value) {
        out.extend_from_slice(name);
        out.extend_from_slice(value);
        out.push(b';');
    }
}

fn append_kind(out: &mut Vec<u8>, entry: &FactEntry<'_>) {
    let text: &[u8] = match entry.kind {
        Kind::File => b"file",
        Kind::Dir => b"dir",
        Kind::Cdir => b"cdir",
        Kind::Pdir => b"pdir",
        Kind::Slink(_) => b"OS.unix=slink",
        Kind::Special => match entry.mode & mode::TYPE {
            mode::FIFO => b"OS.unix=fifo",
            mode::CHARACTER => b"OS.unix=chr",
            mode::BLOCK => b"OS.unix=blk",
            mode::SOCKET => b"OS.unix=socket",
            _ => b"OS.unix=special",
        },
    };
    out.extend_from_slice(text);
    if let Kind::Slink(target) = entry.kind {
        out.push(b':');
        // A target that would end the fact, or all facts, is left out.
        out.extend_from_slice(
            target
                .filter(|target| fits_fact(target))
                .unwrap_or_default(),
        );
    }
}

/// The name without the directories before it.
fn last_name(pathname: &[u8]) -> &[u8] {
    pathname
        .rsplit(|byte| *byte == b'/')
        .next()
        .unwrap_or(pathname)
}

/// Whether `value` can stand in a fact (RFC 3659 section 7.2: no blank, no
/// semicolon, nothing but printable ASCII).
fn fits_fact(value: &[u8]) -> bool {
    value
        .iter()
        .all(|byte| byte.is_ascii_graphic() && *byte != b';')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::time::parse_mdtm;

    fn entry(kind: Kind<'static>, mode: u32) -> FactEntry<'static> {
        FactEntry {
            kind,
            size: 4096,
            modified: parse_mdtm(b"20261121010203.5").unwrap(),
            created: parse_mdtm(b"20200229000000"),
            perm: Perm::READ.with(Perm::DELETE),
            unique: (0xFD01, 0x2A),
            mode,
            owner: 1000,
            group: 0,
            owner_name: b"someone",
            group_name: b"root",
            name: b"a b.pdf",
        }
    }

    fn line(entry: &FactEntry<'_>, facts: Facts) -> String {
        let mut out = Vec::new();
        append_facts_line(&mut out, entry, facts);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_file_shows_all_facts_in_order() {
        assert_eq!(
            line(&entry(Kind::File, 0o100_644), Facts::ALL),
            "type=file;size=4096;modify=20261121010203.500;create=20200229000000;perm=dr;\
             unique=fd01.2a;media-type=application/pdf;UNIX.mode=0644;UNIX.owner=1000;\
             UNIX.group=0;UNIX.ownername=someone;UNIX.groupname=root; a b.pdf\r\n"
        );
    }

    #[test]
    fn only_selected_facts_show_and_none_leaves_a_blank_and_the_name() {
        let file = entry(Kind::File, 0o100_644);
        assert_eq!(
            line(&file, Facts::TYPE.with(Facts::SIZE)),
            "type=file;size=4096; a b.pdf\r\n"
        );
        assert_eq!(line(&file, Facts::NONE), " a b.pdf\r\n");
        assert_eq!(
            line(&entry(Kind::Dir, 0o040_755), Facts::SIZE),
            " a b.pdf\r\n"
        );
    }

    #[test]
    fn kinds_are_named() {
        let kind = |kind, mode| line(&entry(kind, mode), Facts::TYPE);
        assert_eq!(kind(Kind::Dir, 0o040_755), "type=dir; a b.pdf\r\n");
        assert_eq!(kind(Kind::Cdir, 0o040_755), "type=cdir; a b.pdf\r\n");
        assert_eq!(kind(Kind::Pdir, 0o040_755), "type=pdir; a b.pdf\r\n");
        assert_eq!(
            kind(Kind::Slink(Some(b"../x")), 0o120_777),
            "type=OS.unix=slink:../x; a b.pdf\r\n"
        );
        assert_eq!(
            kind(Kind::Slink(None), 0o120_777),
            "type=OS.unix=slink:; a b.pdf\r\n"
        );
        assert_eq!(
            kind(Kind::Special, 0o010_644),
            "type=OS.unix=fifo; a b.pdf\r\n"
        );
        assert_eq!(
            kind(Kind::Special, 0o140_644),
            "type=OS.unix=socket; a b.pdf\r\n"
        );
    }

    #[test]
    fn names_and_targets_forge_nothing() {
        for target in [&b"a b"[..], b"a;size=0", b"a\r\n", b"\xFF"] {
            assert_eq!(
                line(
                    &FactEntry {
                        kind: Kind::Slink(Some(target)),
                        ..entry(Kind::File, 0)
                    },
                    Facts::TYPE
                ),
                "type=OS.unix=slink:; a b.pdf\r\n"
            );
        }
        let forged = FactEntry {
            name: b"x\r\ntype=dir; y",
            ..entry(Kind::File, 0)
        };
        assert_eq!(line(&forged, Facts::NONE), " x%0D%0Atype=dir; y\r\n");
    }

    #[test]
    fn selection_ignores_case_and_what_is_unknown() {
        assert_eq!(
            parse_selection(b"Type;SIZE;unix.MODE;charset;"),
            Facts::TYPE.with(Facts::SIZE).with(Facts::UNIX_MODE)
        );
        assert_eq!(parse_selection(b"type"), Facts::TYPE);
        assert_eq!(parse_selection(b""), Facts::NONE);
        assert_eq!(parse_selection(b";;ty pe;\xFF"), Facts::NONE);
    }

    #[test]
    fn feat_stars_what_is_selected_and_opts_repeats_it() {
        let some = Facts::TYPE.with(Facts::MODIFY);
        assert_eq!(
            feat_line(some),
            "MLST type*;size;modify*;create;perm;unique;media-type;UNIX.mode;UNIX.owner;\
             UNIX.group;UNIX.ownername;UNIX.groupname;"
        );
        assert_eq!(selection_line(some), "MLST OPTS type;modify;");
        assert_eq!(selection_line(Facts::NONE), "MLST OPTS");
        assert_eq!(
            NAMES
                .iter()
                .fold(Facts::NONE, |set, (fact, _)| set.with(*fact)),
            Facts::ALL
        );
        assert!(!Facts::ALL.without(Facts::UNIQUE).contains(Facts::UNIQUE));
    }

    #[test]
    fn what_is_not_known_or_does_not_fit_has_no_fact() {
        let odd = FactEntry {
            created: None,
            owner_name: b"DOMAIN\\a user",
            group_name: b"",
            name: b"plain",
            ..entry(Kind::File, 0o100_644)
        };
        let rest = Facts::CREATE
            .with(Facts::UNIX_OWNERNAME)
            .with(Facts::UNIX_GROUPNAME)
            .with(Facts::MEDIA_TYPE);
        assert_eq!(line(&odd, rest), " plain\r\n");
        let folder = FactEntry {
            name: b"folder.txt",
            ..entry(Kind::Dir, 0o040_755)
        };
        assert_eq!(line(&folder, Facts::MEDIA_TYPE), " folder.txt\r\n");
    }
}
