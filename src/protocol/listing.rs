//! Lines of LIST and NLST, in the layout of vsftpd and `ls -l` that clients
//! have learnt to read (RFC 959 section 4.1.3 leaves it open), and LIST's
//! options. Reading directories, sorting and sending are others'.
#![forbid(unsafe_code)]

use crate::protocol::digits::{push_decimal, push_right};
use crate::protocol::name::to_wire;
use crate::protocol::time::{Timestamp, format_list};

/// Bits of `st_mode` (inode(7)); `protocol` does without libc.
pub(super) mod mode {
    pub const TYPE: u32 = 0o170_000;
    pub const FIFO: u32 = 0o010_000;
    pub const CHARACTER: u32 = 0o020_000;
    pub const DIRECTORY: u32 = 0o040_000;
    pub const BLOCK: u32 = 0o060_000;
    pub const REGULAR: u32 = 0o100_000;
    pub const LINK: u32 = 0o120_000;
    pub const SOCKET: u32 = 0o140_000;
    pub const SET_USER: u32 = 0o4000;
    pub const SET_GROUP: u32 = 0o2000;
    pub const STICKY: u32 = 0o1000;
}

/// A user or a group as LIST shows it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Owner<'a> {
    /// By number.
    Id(u32),
    /// By name, which with `hide_ids` need not be a real one.
    Name(&'a [u8]),
}

/// One entry of a directory, as LIST shows it.
#[derive(Clone, Copy, Debug)]
pub struct ListEntry<'a> {
    /// `st_mode`: type and permissions.
    pub mode: u32,
    /// Number of hard links.
    pub links: u64,
    /// The user it belongs to.
    pub owner: Owner<'a>,
    /// The group it belongs to.
    pub group: Owner<'a>,
    /// Octets.
    pub size: u64,
    /// Major and minor number, shown in place of the size.
    pub device: Option<(u32, u32)>,
    /// Last modification.
    pub modified: Timestamp,
    /// Name or pathname to show, as stored.
    pub name: &'a [u8],
    /// What a symbolic link holds.
    pub target: Option<&'a [u8]>,
}

/// What all dates of one listing are seen from.
#[derive(Clone, Copy, Debug, Default)]
pub struct ListClock {
    /// The present.
    pub now: Timestamp,
    /// Seconds from UTC to the time shown, east positive; 0 for UTC.
    pub utc_offset: i32,
}

/// Appends one line of LIST, end of line included.
pub fn append_list_line(out: &mut Vec<u8>, entry: &ListEntry<'_>, clock: &ListClock) {
    append_columns(out, entry, clock);
    out.extend_from_slice(b"\r\n");
}

/// [`append_list_line`] with the mark of [`classify`] after the name (`-F`).
/// A link shows its target and bears no mark, as in `ls -lF`.
pub fn append_classified_list_line(out: &mut Vec<u8>, entry: &ListEntry<'_>, clock: &ListClock) {
    append_columns(out, entry, clock);
    if entry.target.is_none() {
        out.extend(classify(entry.mode));
    }
    out.extend_from_slice(b"\r\n");
}

fn append_columns(out: &mut Vec<u8>, entry: &ListEntry<'_>, clock: &ListClock) {
    out.extend_from_slice(&permissions(entry.mode));
    out.push(b' ');
    push_right(out, entry.links, 4);
    out.push(b' ');
    append_owner(out, entry.owner);
    out.push(b' ');
    append_owner(out, entry.group);
    out.push(b' ');
    match entry.device {
        None => push_right(out, entry.size, 8),
        Some((major, minor)) => append_device(out, major, minor),
    }
    out.push(b' ');
    out.extend_from_slice(&format_list(entry.modified, clock.now, clock.utc_offset));
    out.push(b' ');
    append_name(out, entry.name);
    if let Some(target) = entry.target {
        out.extend_from_slice(b" -> ");
        append_name(out, target);
    }
}

/// Appends a name as a line may hold it: see [`to_wire`].
pub fn append_name(out: &mut Vec<u8>, name: &[u8]) {
    // Clean names, nearly all of them, are looked at once and copied whole.
    // Without an early end the compiler looks at many octets at once.
    let plain = |byte: u8| !matches!(byte, b'\r' | b'\n' | b'%');
    if name.iter().fold(true, |found, byte| found & plain(*byte)) {
        out.extend_from_slice(name);
    } else {
        out.extend_from_slice(&to_wire(name));
    }
}

/// The mark `-F` puts behind a name; None for a plain file that is not
/// executable, and for what has no mark.
#[must_use]
pub fn classify(mode: u32) -> Option<u8> {
    match mode & mode::TYPE {
        mode::DIRECTORY => Some(b'/'),
        mode::LINK => Some(b'@'),
        mode::FIFO => Some(b'|'),
        mode::SOCKET => Some(b'='),
        mode::REGULAR if mode & 0o111 != 0 => Some(b'*'),
        _ => None,
    }
}

/// The first column: type, and permissions of user, group and others.
#[must_use]
pub fn permissions(mode: u32) -> [u8; 10] {
    let kind = match mode & mode::TYPE {
        mode::DIRECTORY => b'd',
        mode::LINK => b'l',
        mode::FIFO => b'p',
        mode::SOCKET => b's',
        mode::CHARACTER => b'c',
        mode::BLOCK => b'b',
        _ => b'-',
    };
    let bit = |bit: u32, letter: u8| if mode & bit == 0 { b'-' } else { letter };
    // setuid, setgid and sticky show in the place of x, in capitals without.
    let execute = |bit: u32, special: u32, letter: u8| match (mode & bit != 0, mode & special != 0)
    {
        (false, false) => b'-',
        (true, false) => b'x',
        (true, true) => letter,
        (false, true) => letter.to_ascii_uppercase(),
    };
    [
        kind,
        bit(0o400, b'r'),
        bit(0o200, b'w'),
        execute(0o100, mode::SET_USER, b's'),
        bit(0o040, b'r'),
        bit(0o020, b'w'),
        execute(0o010, mode::SET_GROUP, b's'),
        bit(0o004, b'r'),
        bit(0o002, b'w'),
        execute(0o001, mode::STICKY, b't'),
    ]
}

fn append_owner(out: &mut Vec<u8>, owner: Owner<'_>) {
    let end = out.len() + 8;
    match owner {
        Owner::Id(id) => push_decimal(out, id.into()),
        Owner::Name(name) => append_name(out, name),
    }
    if out.len() < end {
        out.resize(end, b' ');
    }
}

/// `major, minor` in the size's column.
fn append_device(out: &mut Vec<u8>, major: u32, minor: u32) {
    let mut text = Vec::with_capacity(24);
    push_decimal(&mut text, major.into());
    text.extend_from_slice(b", ");
    push_decimal(&mut text, minor.into());
    out.resize(out.len() + 8_usize.saturating_sub(text.len()), b' ');
    out.extend_from_slice(&text);
}

/// Options of LIST, NLST and STAT in the manner of ls(1).
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is one letter of a command line"
)]
pub struct ListOptions {
    /// `-a`: names that begin with a dot too, `.` and `..` among them.
    pub all: bool,
    /// `-A`: names that begin with a dot too, without `.` and `..`.
    pub almost_all: bool,
    /// `-l`: NLST answers with LIST's lines.
    pub long: bool,
    /// `-R`: directories below too.
    pub recursive: bool,
    /// `-t`: newest first.
    pub by_time: bool,
    /// `-r`: in reverse order.
    pub reverse: bool,
    /// `-1`: names only, one a line.
    pub one_per_line: bool,
    /// `-d`: a directory itself, not what is in it.
    pub directory_itself: bool,
    /// `-F`: a mark behind each name for its kind; see [`classify`].
    pub classify: bool,
}

/// Splits the argument of LIST, NLST or STAT into options and a pathname.
///
/// Words at the beginning that start with `-` are options; letters that mean
/// nothing here are ignored, as clients send what their ls(1) has. `--` ends
/// the options. The pathname is all that follows one blank, verbatim; if that
/// is only blanks, there is none.
#[must_use]
pub fn parse_list_argument(argument: &[u8]) -> (ListOptions, &[u8]) {
    let mut options = ListOptions::default();
    let mut rest = argument;
    while let Some(words @ [b'-', _, ..]) = rest.get(blanks(rest)..) {
        let (word, after) = super::parse::split_word(words);
        if word == b"-" {
            break;
        }
        rest = after;
        if word == b"--" {
            break;
        }
        word.iter().for_each(|letter| options.set(*letter));
    }
    (
        options,
        if blanks(rest) == rest.len() {
            b""
        } else {
            rest
        },
    )
}

fn blanks(text: &[u8]) -> usize {
    text.iter().take_while(|byte| **byte == b' ').count()
}

impl ListOptions {
    fn set(&mut self, letter: u8) {
        match letter {
            b'a' => self.all = true,
            b'A' => self.almost_all = true,
            b'l' => self.long = true,
            b'R' => self.recursive = true,
            b't' => self.by_time = true,
            b'r' => self.reverse = true,
            b'1' => self.one_per_line = true,
            b'd' => self.directory_itself = true,
            b'F' => self.classify = true,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::time::parse_mdtm;

    fn entry(name: &[u8]) -> ListEntry<'_> {
        ListEntry {
            mode: 0o100_644,
            links: 1,
            owner: Owner::Id(0),
            group: Owner::Id(0),
            size: 1024,
            device: None,
            modified: parse_mdtm(b"20261121130500").unwrap(),
            name,
            target: None,
        }
    }

    fn line(entry: &ListEntry<'_>) -> String {
        let clock = ListClock {
            now: parse_mdtm(b"20261121235959").unwrap(),
            utc_offset: 0,
        };
        let mut out = Vec::new();
        append_list_line(&mut out, entry, &clock);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn layout_is_that_of_vsftpd() {
        assert_eq!(
            line(&entry(b"name")),
            "-rw-r--r--    1 0        0            1024 Nov 21 13:05 name\r\n"
        );
    }

    #[test]
    fn columns_give_way_to_large_values() {
        let wide = ListEntry {
            mode: 0o040_755,
            links: 123_456,
            owner: Owner::Name(b"a-very-long-name"),
            group: Owner::Name(b"staff"),
            size: u64::MAX,
            ..entry(b" a b ")
        };
        assert_eq!(
            line(&wide),
            "drwxr-xr-x 123456 a-very-long-name staff    18446744073709551615 Nov 21 13:05  a b \r\n"
        );
    }

    #[test]
    fn links_show_their_target_and_devices_their_numbers() {
        let link = ListEntry {
            mode: 0o120_777,
            target: Some(b"../x"),
            ..entry(b"l")
        };
        assert!(line(&link).starts_with("lrwxrwxrwx "));
        assert!(line(&link).ends_with(" l -> ../x\r\n"));
        let disk = ListEntry {
            mode: 0o060_660,
            device: Some((8, 17)),
            ..entry(b"sda")
        };
        assert_eq!(
            line(&disk),
            "brw-rw----    1 0        0           8, 17 Nov 21 13:05 sda\r\n"
        );
    }

    #[test]
    fn a_name_with_line_ends_forges_no_line() {
        let forged = ListEntry {
            target: Some(b"c\nd"),
            ..entry(b"a\r\n-rw b")
        };
        assert!(line(&forged).ends_with(" a%0D%0A-rw b -> c%0Ad\r\n"));
        let mut out = b"x\r\n".to_vec();
        append_name(&mut out, b"\xFF\t\n");
        assert_eq!(out, b"x\r\n\xFF\t%0A", "what stood before is left alone");
    }

    #[test]
    fn special_permissions_show_in_the_place_of_x() {
        for (mode, text) in [
            (0o104_755, "-rwsr-xr-x"),
            (0o104_644, "-rwSr--r--"),
            (0o102_755, "-rwxr-sr-x"),
            (0o102_644, "-rw-r-Sr--"),
            (0o041_777, "drwxrwxrwt"),
            (0o041_776, "drwxrwxrwT"),
            (0o010_000, "p---------"),
            (0o140_111, "s--x--x--x"),
            (0o020_222, "c-w--w--w-"),
            (0, "----------"),
            (u32::MAX, "-rwsrwsrwt"),
        ] {
            assert_eq!(permissions(mode), text.as_bytes());
        }
    }

    #[test]
    fn marks_follow_the_kind() {
        let marks = [
            0o040_755, 0o120_777, 0o010_644, 0o140_644, 0o100_700, 0o100_644, 0o020_644,
        ]
        .map(classify);
        assert_eq!(
            marks,
            [
                Some(b'/'),
                Some(b'@'),
                Some(b'|'),
                Some(b'='),
                Some(b'*'),
                None,
                None
            ]
        );
        let mut out = Vec::new();
        append_classified_list_line(
            &mut out,
            &ListEntry {
                mode: 0o040_755,
                ..entry(b"d")
            },
            &ListClock::default(),
        );
        append_classified_list_line(
            &mut out,
            &ListEntry {
                mode: 0o120_777,
                target: Some(b"t"),
                ..entry(b"l")
            },
            &ListClock::default(),
        );
        let text = String::from_utf8(out).unwrap();
        assert!(text.contains(" d/\r\n") && text.ends_with(" l -> t\r\n"));
    }

    #[test]
    fn options_are_leading_words_and_the_rest_is_the_pathname() {
        let none = ListOptions::default();
        let all = ListOptions { all: true, ..none };
        for (argument, options, pathname) in [
            (&b""[..], none, &b""[..]),
            (b"-a", all, b""),
            (b"-a ", all, b""),
            (b"-a name with blanks", all, b"name with blanks"),
            (b"-a  two", all, b" two"),
            (
                b"-1 -a x",
                ListOptions {
                    one_per_line: true,
                    ..all
                },
                b"x",
            ),
            (b"  -a x ", all, b"x "),
            (
                b"-lRtrdF",
                ListOptions {
                    long: true,
                    recursive: true,
                    by_time: true,
                    reverse: true,
                    directory_itself: true,
                    classify: true,
                    ..none
                },
                b"",
            ),
            (
                b"-A",
                ListOptions {
                    almost_all: true,
                    ..none
                },
                b"",
            ),
            (b"-zZ\xFFa", all, b""),
            (b"-a -- -l", all, b"-l"),
            (b"--", none, b""),
            (b"-", none, b"-"),
            (b"- -a", none, b"- -a"),
            (b"x -a", none, b"x -a"),
            (b"/-a", none, b"/-a"),
            (b"   ", none, b""),
        ] {
            assert_eq!(
                parse_list_argument(argument),
                (options, pathname),
                "{argument:?}"
            );
        }
    }
}
