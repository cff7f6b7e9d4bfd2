//! What one line of the configuration file says: vsftpd's rules.
//!
//! Leading blanks are skipped; an empty line and one that starts with `#` say
//! nothing; anything else is `name=value`. Names are exact. Flags know YES,
//! TRUE, 1, NO, FALSE and 0 in any case. Numbers may have blanks before them,
//! are octal when a 0 comes first of all, and what follows the digits is
//! dropped (said, here); a minus wraps round 32 bits. Only text may be empty;
//! it loses the blanks round it, and is empty without its `=` too.
//!
//! Beyond vsftpd 3.0.3: blanks before the `=` and round flags do not count, as
//! in 3.0.5; a comment may be indented; a byte order mark is no part of the
//! first line; a line may end with CR LF. Stricter: a number without any digit
//! is an error, where vsftpd reads it as 0.
#![forbid(unsafe_code)]

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

use super::error::{ConfigError, Origin, Problem};
use super::finding::{Finding, Note};
use super::moot::{self, Moot};
use super::notes::{Slip, Vain};
use super::options::{self, Config};
use super::spec::{Kind, OptionSpec, Slot};
use super::suggest;

/// A value of one of the four kinds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// A flag.
    Bool(bool),
    /// A number.
    Uint(u32),
    /// Bytes; empty when unset.
    Text(Box<[u8]>),
    /// A name of a file; none when unset.
    Path(Option<PathBuf>),
}

/// A name and the text after its `=`.
pub(super) type Setting<'a> = (&'a [u8], &'a [u8]);

/// Splits a line into name and value; `None` for a line that says nothing.
///
/// `line` has no LF and may have one CR at its end.
pub(super) fn setting(line: &[u8]) -> Result<Option<Setting<'_>>, (Option<String>, Problem)> {
    let line = line.strip_suffix(b"\r").unwrap_or(line).trim_ascii_start();
    if line.is_empty() || line.starts_with(b"#") {
        return Ok(None);
    }
    let Some(equals) = line.iter().position(|&byte| byte == b'=') else {
        if is_text(line) {
            return Ok(Some((line, b"")));
        }
        return Err((Some(shown(line)), Problem::NoEquals));
    };
    let (name, rest) = line.split_at(equals);
    let value = rest.get(1..).unwrap_or_default();
    Ok(Some((name.trim_ascii_end(), value)))
}

/// What is odd about the form of a line that says something.
pub(super) fn oddity(line: &[u8]) -> Option<Note> {
    match line.iter().position(|&byte| byte == b'=') {
        None => Some(Note::Slip(Slip::NoEquals)),
        Some(equals) => {
            let name = line.get(..equals)?;
            name.last()?
                .is_ascii_whitespace()
                .then_some(Note::Slip(Slip::Blanks))
        }
    }
}

/// What a line of a file says about the option `name`: the blanks round a text
/// are no part of it.
pub(super) fn trimmed<'a>(name: &[u8], text: &'a [u8]) -> &'a [u8] {
    if is_text(name) {
        text.trim_ascii()
    } else {
        text
    }
}

/// Whether the option holds text, which may be empty.
pub(super) fn is_text(name: &[u8]) -> bool {
    let served = options::find(name).map(|spec| spec.kind);
    let kind = served.or_else(|| moot::find(name).map(|row| row.kind));
    matches!(kind, Some(Kind::Text | Kind::Path))
}

/// Bytes as text for a message: what is not UTF-8 is replaced.
pub(super) fn shown(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Reads a value of the given kind.
///
/// The second part is what was odd about it.
///
/// # Errors
/// The problem, when the text is no value of that kind.
pub fn value(kind: Kind, text: &[u8]) -> Result<(Value, Option<Note>), Problem> {
    if text.contains(&0) {
        return Err(Problem::Nul);
    }
    match kind {
        Kind::Text => Ok((Value::Text(text.into()), None)),
        Kind::Path if text.is_empty() => Ok((Value::Path(None), None)),
        Kind::Path => {
            let path = OsString::from_vec(text.to_vec()).into();
            Ok((Value::Path(Some(path)), None))
        }
        _ if text.is_empty() => Err(Problem::MissingValue),
        Kind::Bool => {
            let bare = text.trim_ascii();
            let note = (bare != text).then_some(Note::Slip(Slip::Blanks));
            Ok((Value::Bool(flag(bare)?), note))
        }
        Kind::Uint => number(text).map(|(number, note)| (Value::Uint(number), note)),
    }
}

fn flag(text: &[u8]) -> Result<bool, Problem> {
    let is = |words: [&str; 3]| {
        words
            .iter()
            .any(|word| text.eq_ignore_ascii_case(word.as_bytes()))
    };
    if is(["YES", "TRUE", "1"]) {
        Ok(true)
    } else if is(["NO", "FALSE", "0"]) {
        Ok(false)
    } else {
        Err(Problem::BadBool(shown(text)))
    }
}

/// Digits up to the first byte that is none; a leading 0 makes them octal,
/// so that 8 and 9 end an octal number as a letter would. Blanks may come
/// before them, and then no 0 is a leading one.
fn number(text: &[u8]) -> Result<(u32, Option<Note>), Problem> {
    let (radix, largest_digit) = if text.starts_with(b"0") {
        (8, b'7')
    } else {
        (10, b'9')
    };
    let from = text.trim_ascii_start();
    let (negative, from) = match from.strip_prefix(b"-") {
        Some(rest) => (true, rest),
        None => (false, from),
    };
    let end = from
        .iter()
        .position(|byte| !(b'0'..=largest_digit).contains(byte))
        .unwrap_or(from.len());
    let (digits, junk) = from.split_at(end);
    if digits.is_empty() {
        return Err(Problem::BadNumber(shown(text)));
    }
    let taken = shown(digits);
    let Ok(number) = u32::from_str_radix(&taken, radix) else {
        return Err(Problem::NumberTooLarge(taken));
    };
    let written = shown(text);
    if negative {
        let number = number.wrapping_neg();
        return Ok((number, Some(Note::Slip(Slip::Negative { written, number }))));
    }
    let note = (!junk.is_empty()).then_some(Note::Slip(Slip::TrailingJunk { written, taken }));
    Ok((number, note))
}

impl Config {
    /// Sets the option `name` to what `text` says, as a line of the file does.
    ///
    /// The findings are what was odd about it, if anything. Options of
    /// vsftpd without effect are judged by their row in
    /// [`MOOT`](super::MOOT).
    ///
    /// # Errors
    /// The reason why the setting cannot be used; nothing is changed then.
    pub fn set(
        &mut self,
        name: &[u8],
        text: &[u8],
        origin: &Origin,
    ) -> Result<Vec<Finding>, ConfigError> {
        let noted = match (options::find(name), moot::find(name)) {
            (Some(spec), _) => self.store(spec, text).inspect(|_| {
                self.origins.insert(spec.name, origin.clone());
            }),
            (None, Some(row)) => judge(row, text),
            (None, None) => Err(Problem::UnknownOption {
                suggestion: suggest::nearest(name),
            }),
        };
        match noted {
            Ok(notes) => Ok(notes
                .into_iter()
                .map(|note| Finding {
                    origin: origin.clone(),
                    option: Some(shown(name)),
                    note,
                })
                .collect()),
            Err(problem) => Err(ConfigError {
                origin: origin.clone(),
                option: Some(shown(name)),
                problem,
            }),
        }
    }

    /// Puts a value into the field of its row.
    pub(super) fn store(&mut self, spec: &OptionSpec, text: &[u8]) -> Result<Vec<Note>, Problem> {
        let (parsed, note) = value(spec.kind, text)?;
        let mut notes = Vec::from_iter(note);
        match (&spec.slot, parsed) {
            (Slot::Bool(_, field), Value::Bool(flag)) => *field(self) = flag,
            (Slot::Uint(_, field), Value::Uint(number)) => {
                if spec.is_octal() && number != 0 && !text.starts_with(b"0") {
                    notes.push(Note::Slip(Slip::DecimalMode { value: number }));
                }
                *field(self) = number;
            }
            (Slot::Text(_, field), Value::Text(bytes)) => *field(self) = bytes,
            (Slot::Path(_, field), Value::Path(path)) => *field(self) = path,
            _ => unreachable!("the table's macro makes kind and slot of one word"),
        }
        Ok(notes)
    }

    /// Where the value of an option came from.
    #[must_use]
    pub fn origin(&self, name: &str) -> &Origin {
        self.origins.get(name).unwrap_or(&Origin::Builtin)
    }

    /// The option whose value is this path, or the directory that it is in.
    #[must_use]
    pub fn option_naming(&self, path: &Path) -> Option<&'static str> {
        let named = |wanted: &Path| {
            options::OPTIONS.iter().find(|spec| match &spec.slot {
                Slot::Path(value, _) => value(self).as_deref() == Some(wanted),
                _ => false,
            })
        };
        let spec = named(path).or_else(|| named(path.parent()?));
        spec.map(|spec| spec.name)
    }
}

/// What an option without effect amounts to, if its value is one.
fn judge(row: &Moot, text: &[u8]) -> Result<Vec<Note>, Problem> {
    let (_, note) = value(row.kind, text)?;
    let mut notes = Vec::from_iter(note);
    notes.push(Note::Vain(Vain::Moot(row.reason)));
    Ok(notes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(name: &str, text: &str) -> Result<(Config, Vec<Note>), String> {
        let mut config = Config::default();
        let findings = config
            .set(name.as_bytes(), text.as_bytes(), &Origin::CommandLine)
            .map_err(|error| error.to_string())?;
        Ok((
            config,
            findings.into_iter().map(|finding| finding.note).collect(),
        ))
    }

    fn refusal(name: &str, text: &str) -> String {
        set(name, text).expect_err("refused")
    }

    #[test]
    fn comments_and_empty_lines_say_nothing() {
        for line in [
            "",
            "   ",
            "\t",
            "# x",
            "#write_enable=YES",
            "  # x",
            "\r",
            " \r",
        ] {
            assert!(matches!(setting(line.as_bytes()), Ok(None)), "{line:?}");
        }
    }

    #[test]
    fn leading_blanks_are_skipped() {
        assert_eq!(
            setting(b" \twrite_enable=YES").unwrap(),
            Some((&b"write_enable"[..], &b"YES"[..]))
        );
    }

    #[test]
    fn carriage_return_at_line_end_is_dropped() {
        assert_eq!(
            setting(b"ftpd_banner=a\r").unwrap(),
            Some((&b"ftpd_banner"[..], &b"a"[..]))
        );
    }

    #[test]
    fn value_keeps_later_equals_signs_and_blanks() {
        assert_eq!(
            setting(b"ftpd_banner= a=b ").unwrap(),
            Some((&b"ftpd_banner"[..], &b" a=b "[..]))
        );
    }

    #[test]
    fn line_without_equals_is_an_error() {
        let (name, problem) = setting(b"write_enable").unwrap_err();
        assert_eq!(name.as_deref(), Some("write_enable"));
        assert!(matches!(problem, Problem::NoEquals));
        assert!(setting(b"ftpd_banner ").is_err());
        assert_eq!(
            setting(b"ftpd_banner").unwrap(),
            Some((&b"ftpd_banner"[..], &b""[..]))
        );
    }

    #[test]
    fn blanks_round_name_and_flag_do_not_count() {
        let line = b"write_enable = YES\t";
        assert_eq!(
            setting(line).unwrap(),
            Some((&b"write_enable"[..], &b" YES\t"[..]))
        );
        assert_eq!(oddity(line), Some(Note::Slip(Slip::Blanks)));
        assert_eq!(oddity(b"write_enable=YES ="), None);
        assert_eq!(oddity(b"ftpd_banner"), Some(Note::Slip(Slip::NoEquals)));
        let (config, notes) = set("write_enable", " YES\t").unwrap();
        assert!(config.write_enable());
        assert_eq!(notes, [Note::Slip(Slip::Blanks)]);
        assert!(refusal("write_enable", " ").ends_with("\"\" is neither YES nor NO"));
    }

    #[test]
    fn flags_are_known_in_any_case() {
        for yes in ["YES", "yes", "Yes", "TRUE", "true", "1"] {
            assert!(set("write_enable", yes).unwrap().0.write_enable(), "{yes}");
        }
        for no in ["NO", "no", "FALSE", "False", "0"] {
            assert!(
                !set("anonymous_enable", no).unwrap().0.anonymous_enable(),
                "{no}"
            );
        }
        assert_eq!(
            refusal("write_enable", "on"),
            "command line: write_enable: \"on\" is neither YES nor NO"
        );
    }

    #[test]
    fn leading_zero_means_octal() {
        assert_eq!(set("anon_umask", "022").unwrap().0.anon_umask(), 0o22);
        assert_eq!(set("listen_port", "2121").unwrap().0.listen_port(), 2121);
        assert_eq!(set("listen_port", "0").unwrap().0.listen_port(), 0);
    }

    #[test]
    fn junk_after_digits_is_dropped_with_a_finding() {
        let (config, notes) = set("anon_umask", "022x").unwrap();
        assert_eq!(config.anon_umask(), 0o22);
        let taken = Note::Slip(Slip::TrailingJunk {
            written: "022x".to_owned(),
            taken: "022".to_owned(),
        });
        assert_eq!(notes, [taken]);
        assert_eq!(set("anon_umask", "089").unwrap().0.anon_umask(), 0);
    }

    #[test]
    fn decimal_umask_is_taken_with_a_finding() {
        let (config, notes) = set("anon_umask", "22").unwrap();
        assert_eq!(config.anon_umask(), 22);
        assert_eq!(notes, [Note::Slip(Slip::DecimalMode { value: 22 })]);
    }

    #[test]
    fn number_without_digits_is_an_error() {
        assert_eq!(
            refusal("max_clients", "many"),
            "command line: max_clients: \"many\" is not a number"
        );
        assert!(refusal("max_clients", "-").contains("is not a number"));
        assert!(refusal("max_clients", " ").contains("is not a number"));
    }

    #[test]
    fn blanks_before_a_number_are_skipped_and_make_it_decimal() {
        let (config, notes) = set("listen_port", " 2121").unwrap();
        assert_eq!((config.listen_port(), notes), (2121, vec![]));
        let (config, notes) = set("anon_umask", " 022").unwrap();
        assert_eq!(config.anon_umask(), 22);
        assert_eq!(notes, [Note::Slip(Slip::DecimalMode { value: 22 })]);
    }

    #[test]
    fn a_negative_number_wraps_round_with_a_finding() {
        let (config, notes) = set("max_clients", "-1").unwrap();
        assert_eq!(config.max_clients(), u32::MAX);
        assert_eq!(
            notes[0].to_string(),
            "\"-1\" is read as 4294967295, as in vsftpd: write 0 if no limit is meant"
        );
    }

    #[test]
    fn number_over_32_bits_is_an_error() {
        assert_eq!(
            set("max_clients", "4294967295").unwrap().0.max_clients(),
            u32::MAX
        );
        assert!(refusal("max_clients", "4294967296").contains("too large"));
        assert!(refusal("max_clients", "0777777777777777").contains("too large"));
    }

    #[test]
    fn only_text_and_paths_may_be_empty() {
        assert_eq!(set("ftpd_banner", "").unwrap().0.ftpd_banner(), b"");
        assert_eq!(set("anon_root", "").unwrap().0.anon_root(), None);
        assert_eq!(
            refusal("write_enable", ""),
            "command line: write_enable: no value after \"=\""
        );
        assert!(refusal("listen_port", "").contains("no value"));
    }

    #[test]
    fn text_and_paths_are_kept_byte_by_byte() {
        let mut config = Config::default();
        config
            .set(b"ftpd_banner", b"\xc8\xb1 x", &Origin::CommandLine)
            .unwrap();
        assert_eq!(config.ftpd_banner(), b"\xc8\xb1 x");
        // As of --serve: a line of a file comes here trimmed.
        let (config, _) = set("anon_root", " /srv").unwrap();
        assert_eq!(config.anon_root(), Some(Path::new(" /srv")));
    }

    #[test]
    fn nul_in_a_value_is_an_error() {
        assert!(refusal("ftpd_banner", "a\0b").contains("NUL"));
    }

    #[test]
    fn unknown_names_are_errors_with_a_suggestion() {
        assert_eq!(
            refusal("anonymous_enabel", "YES"),
            "command line: unknown option \"anonymous_enabel\": did you mean \"anonymous_enable\"?"
        );
        assert!(refusal("Write_Enable", "YES").contains("did you mean \"write_enable\"?"));
        assert_eq!(refusal("", "YES"), "command line: unknown option \"\"");
    }

    #[test]
    fn options_without_a_meaning_are_accepted_with_a_finding_if_well_formed() {
        assert!(refusal("one_process_model", "perhaps").contains("neither YES nor NO"));
        assert!(matches!(
            set("one_process_model", "YES").unwrap().1.as_slice(),
            [Note::Vain(Vain::Moot(_))]
        ));
    }

    #[test]
    fn a_refused_setting_changes_nothing() {
        let mut config = Config::default();
        assert!(
            config
                .set(b"listen_port", b"x", &Origin::CommandLine)
                .is_err()
        );
        assert_eq!(config, Config::default());
    }

    #[test]
    fn the_origin_of_a_value_is_kept() {
        let (config, _) = set("listen_port", "2121").unwrap();
        assert_eq!(config.origin("listen_port"), &Origin::CommandLine);
        assert_eq!(config.origin("listen"), &Origin::Builtin);
    }
}
