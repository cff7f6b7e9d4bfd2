//! The accounts file: passwd(5) layout, `name:hash:uid:gid:gecos:home:shell`,
//! with the crypt(3) hash where passwd(5) has its `x`.
//!
//! uid, gid and shell are kept as they stand and used for nothing. The gecos
//! field is a list of words parted by commas: `read-only` makes the account
//! read-only, `cert=DIGITS` names a certificate of the user, other words are remarks. Blank lines and lines beginning with
//! `#` are comments. Leaves to others: the file on disk ([`super::edit`]) and
//! checking passwords ([`super::store`]).
#![forbid(unsafe_code)]

use std::collections::HashMap;
use std::ffi::OsStr;
use std::fmt;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use super::error::Problem;

/// The longest name that can be in the file, or match one in it.
pub const NAME_MAX: usize = 64;
/// The longest line: a home of PATH_MAX, a hash, and room for remarks.
pub const LINE_MAX: usize = 8192;
/// The largest file, in bytes; some hundred thousand accounts.
pub const FILE_MAX: u64 = 16 * 1024 * 1024;
/// What the words of the gecos field begin with that name a certificate of
/// the user (client_cert_user=fingerprint).
const CERTIFICATE: &[u8] = b"cert=";
/// The word of the gecos field that takes writing away.
pub const READ_ONLY: &str = "read-only";

/// One account as the file has it.
#[derive(Clone, PartialEq, Eq)]
pub struct Record {
    /// The user's name.
    pub name: Vec<u8>,
    /// The hash field: a crypt(3) hash, with `!` before it while locked.
    pub hash: Vec<u8>,
    /// The words of the gecos field, as they stand.
    pub gecos: Vec<u8>,
    /// The account's root, absolute.
    pub home: PathBuf,
}

impl Record {
    /// Whether the gecos field has the word `read-only`.
    pub fn read_only(&self) -> bool {
        self.words().any(|word| word == READ_ONLY.as_bytes())
    }

    /// The SHA-256 of certificates that prove who has them to be this user, in
    /// lower case.
    pub fn certificates(&self) -> impl Iterator<Item = String> {
        let words = self.words();
        words.filter_map(|word| {
            let digits = word.strip_prefix(CERTIFICATE)?;
            let digits = std::str::from_utf8(digits).ok()?;
            Some(digits.replace(':', "").to_ascii_lowercase())
        })
    }

    /// A word meant, it seems, as `read-only` and spelt otherwise: as a
    /// remark it would leave the account writable without a sign.
    pub fn misspelt_flag(&self) -> Option<&[u8]> {
        let letters = |word: &[u8]| -> Vec<u8> {
            word.iter()
                .filter(|b| b.is_ascii_alphabetic())
                .map(u8::to_ascii_lowercase)
                .collect()
        };
        self.words()
            .find(|word| *word != READ_ONLY.as_bytes() && letters(word) == b"readonly")
    }

    /// Whether the hash field is one that lets nobody in on purpose.
    pub fn locked(&self) -> bool {
        matches!(self.hash.first(), Some(b'!' | b'*'))
    }

    fn words(&self) -> impl Iterator<Item = &[u8]> {
        self.gecos
            .split(|&byte| byte == b',')
            .map(<[u8]>::trim_ascii)
    }
}

// By hand, because a derived one would print the hash.
impl fmt::Debug for Record {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Record({}, {:?})", self.name.escape_ascii(), self.home)
    }
}

/// The whole file, line by line, so that what is not changed goes back byte
/// for byte.
#[derive(Debug, Default)]
pub struct AccountsFile {
    lines: Vec<Line>,
}

#[derive(Debug)]
struct Line {
    /// With its LF, which the last line may lack.
    text: Vec<u8>,
    /// Nothing for a comment.
    record: Option<Record>,
}

impl AccountsFile {
    /// Reads a file's text. The error names the line, counted from 1.
    pub fn parse(text: &[u8]) -> Result<AccountsFile, (usize, Problem)> {
        let mut lines = Vec::new();
        let mut seen: HashMap<Vec<u8>, usize> = HashMap::new();
        for (index, text) in text.split_inclusive(|&byte| byte == b'\n').enumerate() {
            let number = index + 1;
            let record = parse_line(text).map_err(|problem| (number, problem))?;
            if let Some(record) = &record
                && let Some(first) = seen.insert(record.name.clone(), number)
            {
                return Err((
                    number,
                    Problem::Duplicate {
                        name: record.name.clone(),
                        first,
                    },
                ));
            }
            lines.push(Line {
                text: text.to_vec(),
                record,
            });
        }
        Ok(AccountsFile { lines })
    }

    /// The file's text, as it is to be written.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.lines
            .iter()
            .flat_map(|line| line.text.iter().copied())
            .collect()
    }

    /// Every account with the number of its line, in the file's order.
    pub fn records(&self) -> impl Iterator<Item = (usize, &Record)> {
        let numbered = self.lines.iter().enumerate();
        numbered.filter_map(|(index, line)| Some((index + 1, line.record.as_ref()?)))
    }

    /// The account of that name.
    pub fn find(&self, name: &[u8]) -> Option<&Record> {
        self.records()
            .map(|(_, record)| record)
            .find(|record| record.name == name)
    }

    /// Adds an account at the end. Refuses what would not read back.
    pub fn add(&mut self, record: Record) -> Result<(), Problem> {
        if let Some((first, _)) = self.records().find(|(_, other)| other.name == record.name) {
            return Err(Problem::Duplicate {
                name: record.name,
                first,
            });
        }
        let home = record.home.as_os_str().as_bytes();
        let fields = [
            &record.name[..],
            &record.hash,
            b"",
            b"",
            &record.gecos,
            home,
            b"",
        ];
        let mut text = fields.join(&b':');
        text.push(b'\n');
        // A colon or LF within a field makes another record or none of it.
        let read = parse_line(&text)?;
        if read.as_ref() != Some(&record) || text.iter().filter(|&&b| b == b'\n').count() != 1 {
            return Err(Problem::Unwritable);
        }
        if let Some(last) = self.lines.last_mut()
            && !last.text.ends_with(b"\n")
        {
            last.text.push(b'\n');
        }
        self.lines.push(Line {
            text,
            record: Some(record),
        });
        Ok(())
    }

    /// Puts another hash into the account's line and leaves the rest of it as
    /// it was. `false`: no such account.
    pub fn set_hash(&mut self, name: &[u8], hash: &[u8]) -> Result<bool, Problem> {
        let Some(line) = self.line_of(name) else {
            return Ok(false);
        };
        let mut fields = line.text.splitn(3, |&byte| byte == b':');
        let (Some(name), Some(_), Some(rest)) = (fields.next(), fields.next(), fields.next())
        else {
            unreachable!("a line with a record has seven fields");
        };
        let text = [name, hash, rest].join(&b':');
        let record = parse_line(&text)?;
        if record.as_ref().is_none_or(|record| record.hash != hash) {
            return Err(Problem::Unwritable);
        }
        *line = Line { text, record };
        Ok(true)
    }

    /// Takes the account's line out. `false`: no such account.
    pub fn remove(&mut self, name: &[u8]) -> bool {
        let before = self.lines.len();
        self.lines.retain(|line| {
            line.record
                .as_ref()
                .is_none_or(|record| record.name != name)
        });
        self.lines.len() < before
    }

    fn line_of(&mut self, name: &[u8]) -> Option<&mut Line> {
        let of = |line: &&mut Line| line.record.as_ref().is_some_and(|r| r.name == name);
        self.lines.iter_mut().find(of)
    }
}

/// Reads one line, its LF included or not; `None` is a comment.
fn parse_line(text: &[u8]) -> Result<Option<Record>, Problem> {
    let line = text.strip_suffix(b"\n").unwrap_or(text);
    if line.len() > LINE_MAX {
        return Err(Problem::LineTooLong(line.len()));
    }
    let bare = line.trim_ascii();
    if bare.is_empty() || bare.starts_with(b"#") {
        return Ok(None);
    }
    if line.contains(&0) {
        return Err(Problem::Nul);
    }
    let fields: Vec<&[u8]> = line.split(|&byte| byte == b':').collect();
    let [name, hash, _uid, _gid, gecos, home, _shell] = fields[..] else {
        return Err(Problem::FieldCount(fields.len()));
    };
    check_name(name)?;
    if home.is_empty() {
        return Err(Problem::NoHome);
    }
    if !home.starts_with(b"/") {
        return Err(Problem::RelativeHome(home.to_vec()));
    }
    Ok(Some(Record {
        name: name.to_vec(),
        hash: hash.to_vec(),
        gecos: gecos.to_vec(),
        home: PathBuf::from(OsStr::from_bytes(home)),
    }))
}

/// Whether a name can stand in the file: 1 to [`NAME_MAX`] bytes, no colon,
/// no control character, no `#` or blank where a line begins or ends.
pub fn check_name(name: &[u8]) -> Result<(), Problem> {
    if name.is_empty() {
        return Err(Problem::NoName);
    }
    if name.len() > NAME_MAX {
        return Err(Problem::NameTooLong(name.len()));
    }
    let unfit = |byte: &u8| *byte == b':' || byte.is_ascii_control();
    if name.iter().any(unfit) || name.starts_with(b"#") || name.trim_ascii() != name {
        return Err(Problem::BadName(name.to_vec()));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAMPLE: &[u8] = b"# accounts\n\n\
        ann:$6$a$b:1000:1000:Ann, read-only:/srv/ann:/bin/false\n\
        \t# a remark: with: colons\n\
        b\xe4r:!$6$c$d::::/srv/b r:";

    fn record(name: &[u8], gecos: &[u8], home: &str) -> Record {
        let (hash, home) = (b"$6$s$h".to_vec(), PathBuf::from(home));
        Record {
            name: name.to_vec(),
            hash,
            gecos: gecos.to_vec(),
            home,
        }
    }

    fn problem(text: &[u8]) -> (usize, Problem) {
        AccountsFile::parse(text).unwrap_err()
    }

    #[test]
    fn accounts_are_read_and_comments_passed_over() {
        let file = AccountsFile::parse(SAMPLE).unwrap();
        let numbers: Vec<usize> = file.records().map(|(number, _)| number).collect();
        assert_eq!(numbers, [3, 5]);
        let ann = file.find(b"ann").unwrap();
        assert_eq!(
            (&ann.hash[..], ann.home.to_str()),
            (&b"$6$a$b"[..], Some("/srv/ann"))
        );
        assert!(ann.read_only() && !ann.locked());
        let bar = file.find(b"b\xe4r").unwrap();
        assert!(!bar.read_only() && bar.locked());
        assert_eq!(bar.home.to_str(), Some("/srv/b r"));
        assert_eq!(file.find(b"AN"), None);
        assert_eq!(file.to_bytes(), SAMPLE);
    }

    #[test]
    fn only_the_word_itself_makes_an_account_read_only() {
        for (gecos, read_only, misspelt) in [
            (&b"read-only"[..], true, false),
            (b"Ann, read-only ,2nd floor", true, false),
            (b"not-read-only", false, false),
            (b"read-only please", false, false),
            (b"", false, false),
            (b"Read_Only", false, true),
            (b"x,readonly", false, true),
        ] {
            let record = record(b"ann", gecos, "/a");
            assert_eq!(record.read_only(), read_only, "{}", gecos.escape_ascii());
            assert_eq!(
                record.misspelt_flag().is_some(),
                misspelt,
                "{}",
                gecos.escape_ascii()
            );
        }
    }

    #[test]
    fn a_bad_line_is_named_with_what_is_wrong() {
        let long = [b"# ".as_slice(), &[b'a'; LINE_MAX]].concat();
        let name = [[b'n'; 65].as_slice(), b":h::::/:"].concat();
        for (text, expected) in [
            (&b"ann:h:::/a"[..], Problem::FieldCount(5)),
            (b"ann:h::::/a::", Problem::FieldCount(8)),
            (b"ann", Problem::FieldCount(1)),
            (b":h::::/a:", Problem::NoName),
            (b"an\tn:h::::/a:", Problem::BadName(b"an\tn".to_vec())),
            (b" ann:h::::/a:", Problem::BadName(b" ann".to_vec())),
            (b"ann:h:::::", Problem::NoHome),
            (b"ann:h::::srv/a:", Problem::RelativeHome(b"srv/a".to_vec())),
            (b"ann:h\0::::/a:", Problem::Nul),
            (&long, Problem::LineTooLong(LINE_MAX + 2)),
            (&name, Problem::NameTooLong(65)),
        ] {
            let text = [b"# first\n", text, b"\nlast:h::::/:\n"].concat();
            assert_eq!(problem(&text), (2, expected));
        }
        let twice = problem(b"a:x::::/:\nb:x::::/:\na:y::::/:\n");
        assert_eq!(
            twice,
            (
                3,
                Problem::Duplicate {
                    name: b"a".to_vec(),
                    first: 1
                }
            )
        );
    }

    #[test]
    fn no_input_makes_the_parser_panic() {
        // Every string of up to five of the bytes the parser looks at.
        let mut texts: Vec<Vec<u8>> = vec![Vec::new()];
        for _ in 0..5 {
            let longer = texts.iter().flat_map(|text| {
                b":\n#/\0a!\xff"
                    .iter()
                    .map(move |&byte| [text.as_slice(), &[byte]].concat())
            });
            texts = longer.collect();
            for text in &texts {
                let wrapped = [b"n:h:::", text.as_slice(), b":/:"].concat();
                for text in [text, &wrapped] {
                    if let Ok(file) = AccountsFile::parse(text) {
                        assert_eq!(file.to_bytes(), *text);
                    }
                }
            }
        }
    }

    #[test]
    fn a_new_account_is_a_line_at_the_end() {
        let mut file = AccountsFile::parse(SAMPLE).unwrap();
        file.add(record(b"new", b"read-only", "/srv/new")).unwrap();
        let expected = [SAMPLE, b"\nnew:$6$s$h:::read-only:/srv/new:\n"].concat();
        assert_eq!(file.to_bytes(), expected);
        let again = file.add(record(b"ann", b"", "/x"));
        assert_eq!(
            again,
            Err(Problem::Duplicate {
                name: b"ann".to_vec(),
                first: 3
            })
        );
        assert_eq!(file.to_bytes(), expected);
    }

    #[test]
    fn nothing_is_added_that_would_read_back_as_something_else() {
        let mut file = AccountsFile::default();
        for (name, gecos, home) in [
            (&b"a:b"[..], &b""[..], "/a"),
            (b"#a", b"", "/a"),
            (b"a", b"x:y", "/a"),
            (b"a", b"", "/a:b"),
            (b"a", b"", "/a\nroot:x::::/:"),
            (b"a", b"x\ny", "/a"),
            (b"a", b"", "a"),
        ] {
            assert!(file.add(record(name, gecos, home)).is_err());
        }
        assert_eq!(file.to_bytes(), b"");
    }

    #[test]
    fn a_changed_hash_leaves_the_rest_of_its_line_and_every_other_alone() {
        let mut file = AccountsFile::parse(SAMPLE).unwrap();
        assert_eq!(file.set_hash(b"ann", b"!$6$a$b"), Ok(true));
        assert_eq!(file.set_hash(b"nobody", b"x"), Ok(false));
        assert_eq!(file.set_hash(b"ann", b"x:y"), Err(Problem::FieldCount(8)));
        let text = String::from_utf8_lossy(SAMPLE).replace("ann:$6", "ann:!$6");
        assert_eq!(String::from_utf8_lossy(&file.to_bytes()), text);
        assert!(file.find(b"ann").unwrap().locked());
    }

    #[test]
    fn a_removed_account_takes_its_line_with_it() {
        let mut file = AccountsFile::parse(SAMPLE).unwrap();
        assert!(file.remove(b"b\xe4r") && !file.remove(b"b\xe4r"));
        assert!(
            file.to_bytes()
                .ends_with(b"/bin/false\n\t# a remark: with: colons\n")
        );
    }

    #[test]
    fn a_record_is_shown_without_its_hash() {
        assert!(!format!("{:?}", record(b"ann", b"", "/a")).contains("$6$"));
    }
}
