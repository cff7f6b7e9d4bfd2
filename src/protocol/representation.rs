//! How data looks on the data connection: TYPE, STRU and MODE (RFC 959
//! section 3, RFC 1123 section 4.1.2, draft-preston-ftpext-deflate).
//!
//! The arguments of the commands become values here, and values get their
//! names for replies. What they do to bytes is `data`'s.
#![forbid(unsafe_code)]

use crate::protocol::parse::{parse_decimal, split_word};
use std::fmt;

/// What control characters at line ends mean (RFC 959 section 3.1.1.5). All
/// three are the same to a server that stores text and prints none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// N: nothing; the default.
    #[default]
    NonPrint,
    /// T: CR, LF, NL, VT and FF move the paper.
    Telnet,
    /// C: the first character of each line does (ASA).
    CarriageControl,
}

/// The representation type (RFC 959 section 3.1.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// A: NVT-ASCII, lines end in CRLF.
    Ascii(Format),
    /// E: EBCDIC, lines end in NL.
    Ebcdic(Format),
    /// I, and L 8, which is the same on machines with bytes of eight bits.
    Image,
}

/// The file structure (RFC 959 section 3.1.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Structure {
    /// F: a sequence of bytes.
    #[default]
    File,
    /// R: a sequence of records, which are the lines of a file here.
    Record,
}

/// The transmission mode (RFC 959 section 3.4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// S: bytes until the connection is closed.
    #[default]
    Stream,
    /// B: blocks with a header.
    Block,
    /// C: runs of bytes and repetitions.
    Compressed,
    /// Z: stream mode within a zlib stream.
    Deflate,
}

/// All three, as a session has them set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Representation {
    /// TYPE.
    pub kind: Type,
    /// STRU.
    pub structure: Structure,
    /// MODE.
    pub mode: Mode,
}

impl Default for Type {
    /// A N (RFC 959 section 5.1).
    fn default() -> Type {
        Type::Ascii(Format::NonPrint)
    }
}

/// Why an argument was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It means something, but not here (504).
    NotImplemented,
    /// It means nothing (501).
    Malformed,
}

/// Parses `type-code` of TYPE (RFC 959 section 5.3.2), in any case. `L8` and
/// blanks around are forgiven.
///
/// # Errors
/// [`Refusal::NotImplemented`] for byte sizes other than 8 and for unknown
/// letters after a known one.
pub fn parse_type(argument: &[u8]) -> Result<Type, Refusal> {
    let upper = argument.trim_ascii().to_ascii_uppercase();
    let (letter, parameter) = split_word(&upper);
    let format = || match parameter.trim_ascii() {
        b"" | b"N" => Ok(Format::NonPrint),
        b"T" => Ok(Format::Telnet),
        b"C" => Ok(Format::CarriageControl),
        [_] => Err(Refusal::NotImplemented),
        _ => Err(Refusal::Malformed),
    };
    match (letter, parameter.trim_ascii()) {
        (b"A", _) => Ok(Type::Ascii(format()?)),
        (b"E", _) => Ok(Type::Ebcdic(format()?)),
        (b"I", b"") | (b"L8", b"") => Ok(Type::Image),
        (b"L", size) => match parse_decimal(size) {
            Some(8) => Ok(Type::Image),
            Some(_) => Err(Refusal::NotImplemented),
            None => Err(Refusal::Malformed),
        },
        _ => Err(Refusal::Malformed),
    }
}

/// Parses `structure-code` of STRU.
///
/// # Errors
/// [`Refusal::NotImplemented`] for P (RFC 1123 section 4.1.2.3).
pub fn parse_structure(argument: &[u8]) -> Result<Structure, Refusal> {
    match argument.trim_ascii().to_ascii_uppercase().as_slice() {
        b"F" => Ok(Structure::File),
        b"R" => Ok(Structure::Record),
        b"P" => Err(Refusal::NotImplemented),
        _ => Err(Refusal::Malformed),
    }
}

/// Parses `mode-code` of MODE.
///
/// # Errors
/// [`Refusal::Malformed`] for a letter that is none of them.
pub fn parse_mode(argument: &[u8]) -> Result<Mode, Refusal> {
    match argument.trim_ascii().to_ascii_uppercase().as_slice() {
        b"S" => Ok(Mode::Stream),
        b"B" => Ok(Mode::Block),
        b"C" => Ok(Mode::Compressed),
        b"Z" => Ok(Mode::Deflate),
        _ => Err(Refusal::Malformed),
    }
}

/// How hard MODE Z tries to make data small: 0 not at all, 9 hardest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Level(u8);

impl Default for Level {
    /// 6, as zlib.
    fn default() -> Level {
        Level(6)
    }
}

impl Level {
    /// The number.
    #[must_use]
    pub fn get(self) -> u8 {
        self.0
    }

    /// The level after `OPTS MODE Z` with these settings: pairs of a name and
    /// a value, none of which means the defaults. ZLIB is the only ENGINE; a
    /// zlib stream has no blocks of its own, so BLOCKSIZE is taken and forgotten.
    ///
    /// # Errors
    /// When a name or a value is not known; nothing is changed then.
    pub fn after_options(self, settings: &[u8]) -> Result<Level, Refusal> {
        let upper = settings.to_ascii_uppercase();
        let mut words = upper.split(|&b| b == b' ').filter(|word| !word.is_empty());
        let mut level = None;
        while let Some(name) = words.next() {
            let value = words.next().ok_or(Refusal::Malformed)?;
            match (name, parse_decimal(value)) {
                (b"ENGINE", _) if value == b"ZLIB" => {}
                (b"ENGINE", _) => return Err(Refusal::NotImplemented),
                (b"BLOCKSIZE", Some(_)) => {}
                (b"LEVEL", Some(number)) => match u8::try_from(number) {
                    Ok(number @ 0..=9) => level = Some(Level(number)),
                    _ => return Err(Refusal::NotImplemented),
                },
                _ => return Err(Refusal::Malformed),
            }
        }
        Ok(match level {
            Some(level) => level,
            None if settings.trim_ascii().is_empty() => Level::default(),
            None => self,
        })
    }
}

impl Type {
    /// The word for it in replies, vsftpd's where vsftpd has one.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Type::Ascii(_) => "ASCII",
            Type::Ebcdic(_) => "EBCDIC",
            Type::Image => "BINARY",
        }
    }

    fn format(self) -> &'static str {
        match self {
            Type::Ascii(format) | Type::Ebcdic(format) => match format {
                Format::NonPrint => "",
                Format::Telnet => " T",
                Format::CarriageControl => " C",
            },
            Type::Image => "",
        }
    }
}

impl Structure {
    fn letter(self) -> char {
        match self {
            Structure::File => 'F',
            Structure::Record => 'R',
        }
    }
}

impl Mode {
    fn letter(self) -> char {
        match self {
            Mode::Stream => 'S',
            Mode::Block => 'B',
            Mode::Compressed => 'C',
            Mode::Deflate => 'Z',
        }
    }
}

impl Representation {
    /// What is not the usual in structure and mode, for instance `STRU R,
    /// MODE B`; empty if nothing is.
    #[must_use]
    pub fn unusual(self) -> String {
        let mut words = Vec::new();
        if self.structure != Structure::File {
            words.push(format!("STRU {}", self.structure.letter()));
        }
        if self.mode != Mode::Stream {
            words.push(format!("MODE {}", self.mode.letter()));
        }
        words.join(", ")
    }

    /// The same, with the type where it is one that is seldom met.
    #[must_use]
    pub fn unusual_with_type(self) -> String {
        let framing = self.unusual();
        match self.kind {
            Type::Ascii(_) | Type::Image => framing,
            Type::Ebcdic(_) if framing.is_empty() => "TYPE E".to_owned(),
            Type::Ebcdic(_) => format!("TYPE E, {framing}"),
        }
    }
}

/// As STAT shows it: `TYPE: ASCII, STRU: F, MODE: S`.
impl fmt::Display for Representation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "TYPE: {}{}, STRU: {}, MODE: {}",
            self.kind.word(),
            self.kind.format(),
            self.structure.letter(),
            self.mode.letter()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_of_the_rfc_has_a_value_or_a_504() {
        use Format::{CarriageControl, NonPrint, Telnet};
        for (text, kind) in [
            (&b"A"[..], Type::Ascii(NonPrint)),
            (b"a n", Type::Ascii(NonPrint)),
            (b"A T", Type::Ascii(Telnet)),
            (b"A C", Type::Ascii(CarriageControl)),
            (b"E", Type::Ebcdic(NonPrint)),
            (b"e t ", Type::Ebcdic(Telnet)),
            (b"I", Type::Image),
            (b"L 8", Type::Image),
            (b"l8", Type::Image),
        ] {
            assert_eq!(parse_type(text), Ok(kind), "{text:?}");
        }
        for text in [&b"A X"[..], b"E 8", b"L 7", b"L 36"] {
            assert_eq!(parse_type(text), Err(Refusal::NotImplemented), "{text:?}");
        }
        for text in [
            &b""[..],
            b"X",
            b"AA",
            b"I I",
            b"L",
            b"L eight",
            b"A NT",
            b"L -8",
            b"\xC1",
        ] {
            assert_eq!(parse_type(text), Err(Refusal::Malformed), "{text:?}");
        }
    }

    #[test]
    fn structures_and_modes_are_single_letters() {
        assert_eq!(parse_structure(b"r"), Ok(Structure::Record));
        assert_eq!(parse_structure(b"P"), Err(Refusal::NotImplemented));
        assert_eq!(parse_structure(b"FF"), Err(Refusal::Malformed));
        assert_eq!(parse_mode(b"z "), Ok(Mode::Deflate));
        assert_eq!(parse_mode(b"X"), Err(Refusal::Malformed));
    }

    #[test]
    fn options_of_mode_z_come_in_pairs() {
        let level = Level::default();
        let after = |text: &[u8]| level.after_options(text);
        assert_eq!(after(b"LEVEL 9").unwrap().get(), 9);
        assert_eq!(
            after(b"level 1 engine zlib  blocksize 4096").unwrap().get(),
            1
        );
        assert_eq!(Level(9).after_options(b"").unwrap(), level);
        assert_eq!(Level(9).after_options(b"ENGINE ZLIB").unwrap(), Level(9));
        for text in [&b"LEVEL 10"[..], b"ENGINE BZIP2", b"LEVEL 300"] {
            assert_eq!(after(text), Err(Refusal::NotImplemented), "{text:?}");
        }
        for text in [&b"LEVEL"[..], b"LEVEL x", b"SPEED 3", b"BLOCKSIZE big"] {
            assert_eq!(after(text), Err(Refusal::Malformed), "{text:?}");
        }
    }

    #[test]
    fn stat_shows_what_is_set() {
        let mut set = Representation::default();
        assert_eq!(set.to_string(), "TYPE: ASCII, STRU: F, MODE: S");
        assert_eq!(set.unusual(), "");
        set.kind = Type::Ebcdic(Format::Telnet);
        set.structure = Structure::Record;
        set.mode = Mode::Block;
        assert_eq!(set.to_string(), "TYPE: EBCDIC T, STRU: R, MODE: B");
        assert_eq!(set.unusual(), "STRU R, MODE B");
        assert_eq!(set.unusual_with_type(), "TYPE E, STRU R, MODE B");
    }
}
