//! What must never be reached: a tree beside the root whose every fact is
//! odd enough to be recognised, and whose state can be compared.

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::time::{Duration, SystemTime};

use ironftpd::protocol::{Algorithm, Digest};

use crate::support::temp::TempDir;

/// In every file, and in the names of files that no command names.
pub const MARK: &str = "kEePoUt";

/// Size of `secret`, and of all files in `vault` together.
const SIZES: [usize; 2] = [76_543, 34_567];

/// Modification time of all of it: 2001-02-03 04:05:06 UTC.
const MODIFIED: u64 = 981_173_106;

/// `MODIFIED` as MDTM, MLST and LIST show it.
const MOMENTS: [&str; 3] = ["20010203040506", "Feb 03  2001", "Feb  3  2001"];

/// Such a tree, with the words by which it is known.
pub struct Outside {
    directory: TempDir,
    words: Vec<Vec<u8>>,
    before: Vec<String>,
    /// A directory in it that is somebody's to change.
    apart: Option<&'static str>,
}

/// Makes the tree in `top`: `secret` (a file), `vault` (a directory with a
/// file in it), `empty` (a directory), and a file whose name is a mark.
/// `new` is free.
pub fn plant(top: &Path) {
    fs::create_dir_all(top.join("vault")).unwrap();
    fs::create_dir_all(top.join("empty")).unwrap();
    write(&top.join("secret"), SIZES[0]);
    write(&top.join("vault").join(MARK), SIZES[1]);
    write(&top.join(format!("{MARK}-top")), 0);
    for name in ["vault", "empty"] {
        set_mode(&top.join(name), 0o777);
    }
}

fn content(size: usize) -> Vec<u8> {
    MARK.bytes().cycle().take(size).collect()
}

fn write(path: &Path, size: usize) {
    fs::write(path, content(size)).unwrap();
    set_mode(path, 0o666);
    let time = SystemTime::UNIX_EPOCH + Duration::from_secs(MODIFIED);
    let file = fs::File::options().write(true).open(path).unwrap();
    file.set_modified(time).unwrap();
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
}

/// The words by which a tree made by [`plant`] is known.
fn words() -> Vec<Vec<u8>> {
    let mut words = vec![MARK.as_bytes().to_vec()];
    words.extend(SIZES.map(|size| size.to_string().into_bytes()));
    words.extend(MOMENTS.map(|moment| moment.as_bytes().to_vec()));
    for algorithm in [
        Algorithm::Crc32,
        Algorithm::Md5,
        Algorithm::Sha1,
        Algorithm::Sha256,
        Algorithm::Sha512,
    ] {
        // Of the whole file and of the part that the table asks for.
        for part in [SIZES[0], 10] {
            let mut digest = Digest::new(algorithm);
            digest.update(&content(part));
            let text = digest.finish();
            words.push(text.to_ascii_lowercase().into_bytes());
            words.push(text.to_ascii_uppercase().into_bytes());
        }
    }
    words
}

impl Outside {
    /// A tree of its own.
    pub fn new() -> Outside {
        let directory = TempDir::new();
        plant(directory.path());
        let mut outside = Outside {
            directory,
            words: words(),
            before: Vec::new(),
            apart: None,
        };
        outside.settle();
        outside
    }

    /// From now on the directory `apart` in it is no part of it.
    pub fn settle_around(&mut self, apart: &'static str) {
        self.apart = Some(apart);
        self.settle();
    }

    /// Makes the tree anew.
    pub fn renew(&mut self) {
        for entry in fs::read_dir(self.path()).unwrap() {
            let path = entry.unwrap().path();
            let _ = fs::remove_file(&path).or_else(|_| fs::remove_dir_all(&path));
        }
        plant(self.path());
        self.settle();
    }

    /// Gives all of it to another user.
    pub fn give_to(&mut self, uid: u32, gid: u32) {
        let mut left = vec![self.path().to_owned()];
        while let Some(path) = left.pop() {
            std::os::unix::fs::chown(&path, Some(uid), Some(gid)).unwrap();
            if path.is_dir() {
                let entries = fs::read_dir(&path).unwrap();
                left.extend(entries.map(|entry| entry.unwrap().path()));
            }
        }
        self.settle();
    }

    /// A group that who owns the tree may give it to.
    pub fn group(&self) -> u32 {
        fs::metadata(self.path()).unwrap().gid()
    }

    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    /// The tree is meant to be as it is now.
    pub fn settle(&mut self) {
        self.before = self.now();
    }

    /// What has changed since.
    pub fn changes(&self) -> Vec<String> {
        let now = self.now();
        let differ = |one: &[String], other: &[String], sign| {
            let gone = one.iter().filter(|line| !other.contains(line));
            gone.map(|line| format!("{sign}{line}")).collect::<Vec<_>>()
        };
        [
            differ(&self.before, &now, '-'),
            differ(&now, &self.before, '+'),
        ]
        .concat()
    }

    fn now(&self) -> Vec<String> {
        let mut now = state(self.path());
        if let Some(apart) = self.apart {
            now.retain(|line| !line.starts_with(apart));
        }
        now
    }

    /// The first of the words that stands in `said`.
    pub fn told_by<'said>(&self, said: &'said [u8]) -> Option<&'said [u8]> {
        self.words.iter().find_map(|word| found(said, word))
    }
}

/// Where `word` stands in `text`, by itself if it is a number.
fn found<'text>(text: &'text [u8], word: &[u8]) -> Option<&'text [u8]> {
    let is_number = word.iter().all(u8::is_ascii_digit);
    let digit = |at: Option<usize>| {
        at.and_then(|at| text.get(at))
            .is_some_and(u8::is_ascii_digit)
    };
    let at = text.windows(word.len()).enumerate().find(|(at, window)| {
        let alone = !digit(at.checked_sub(1)) && !digit(Some(at + word.len()));
        *window == word && (!is_number || alone)
    })?;
    Some(at.1)
}

/// Gives the directory `path` the time by which the tree is known.
pub fn date(path: &Path) {
    let time = SystemTime::UNIX_EPOCH + Duration::from_secs(MODIFIED);
    fs::File::open(path).unwrap().set_modified(time).unwrap();
}

/// All that can be seen of a tree but the times of reading: a line for each
/// entry. The time of the last change of anything is among it.
pub fn state(top: &Path) -> Vec<String> {
    let mut lines = Vec::new();
    let mut left = vec![top.to_owned()];
    while let Some(path) = left.pop() {
        let about = fs::symlink_metadata(&path).unwrap();
        let link = fs::read_link(&path).ok();
        lines.push(format!(
            "{} {} {:o} {}:{} {} links, {} bytes, {}.{} {}.{} {link:?}",
            path.strip_prefix(top).unwrap().display(),
            about.ino(),
            about.mode(),
            about.uid(),
            about.gid(),
            about.nlink(),
            about.size(),
            about.mtime(),
            about.mtime_nsec(),
            about.ctime(),
            about.ctime_nsec(),
        ));
        if about.is_dir() {
            let entries = fs::read_dir(&path).unwrap();
            left.extend(entries.map(|entry| entry.unwrap().path()));
        }
    }
    lines.sort();
    lines
}

/// Files below `top` that hold the mark.
pub fn marked(top: &Path) -> Vec<String> {
    let mut found_in = Vec::new();
    let mut left = vec![top.to_owned()];
    while let Some(path) = left.pop() {
        let about = fs::symlink_metadata(&path).unwrap();
        if about.is_dir() {
            let entries = fs::read_dir(&path).unwrap();
            left.extend(entries.map(|entry| entry.unwrap().path()));
        } else if path.as_os_str().as_bytes().ends_with(MARK.as_bytes())
            || (about.is_file() && found(&fs::read(&path).unwrap(), MARK.as_bytes()).is_some())
        {
            found_in.push(path.display().to_string());
        }
    }
    found_in
}
