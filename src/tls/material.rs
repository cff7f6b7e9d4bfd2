//! The files of TLS as bytes: read while the process may read them, or by
//! one that still may, and only then understood (`credentials`, `clients`).
//!
//! They can be put into one message and taken out again, so that a process
//! that has kept the right to read them can hand them to one that has not.

use super::settings::Settings;
use crate::sys::regular::{self, open_regular};
use crate::sys::stamp::Stamp;
use crate::sys::wipe::wipe;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// The largest file that is read: revocation lists can be long.
const LARGEST: u64 = 16 << 20;

/// The most files of ssl_certs_dir.
const MOST: usize = 10_000;

/// What a file held, and who could read it.
#[derive(Clone, PartialEq, Eq)]
pub struct Content {
    /// Its octets; wiped when they are let go, for they may be a key.
    pub bytes: Vec<u8>,
    /// Its permission bits.
    pub mode: u32,
}

impl Drop for Content {
    fn drop(&mut self) {
        wipe(&mut self.bytes);
    }
}

impl std::fmt::Debug for Content {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} bytes, mode {:o}", self.bytes.len(), self.mode)
    }
}

/// The files by their names; an error by its errno.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Material(pub(super) BTreeMap<PathBuf, Result<Content, i32>>);

/// The states of all files of [`Material`], to see when one has changed.
pub type Stamps = Vec<(PathBuf, Option<Stamp>)>;

/// Looks at every file without reading it.
#[must_use]
pub fn stamps(settings: &Settings) -> Stamps {
    let mut paths = settings.files();
    paths.extend(listed(settings).unwrap_or_default());
    // The directory itself shows what was added or taken away.
    paths.extend(settings.directory.clone());
    paths
        .into_iter()
        .map(|path| {
            let stamp = Stamp::of(&path).ok();
            (path, stamp)
        })
        .collect()
}

/// The files of ssl_certs_dir that may be of use.
fn listed(settings: &Settings) -> io::Result<Vec<PathBuf>> {
    let Some(directory) = &settings.directory else {
        return Ok(Vec::new());
    };
    let mut found = Vec::new();
    for entry in fs::read_dir(directory)?.take(MOST) {
        let path = entry?.path();
        if is_wanted(&path) {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

fn is_wanted(path: &Path) -> bool {
    let hidden = path
        .file_name()
        .is_none_or(|name| name.as_bytes().starts_with(b"."));
    let extension = path.extension().map(OsStrExt::as_bytes);
    !hidden && matches!(extension, Some(b"pem" | b"crt" | b"key"))
}

impl Material {
    /// Reads every file that `settings` name.
    #[must_use]
    pub fn read(settings: &Settings) -> Material {
        let mut files = BTreeMap::new();
        let mut take = |path: PathBuf, content: io::Result<Content>| {
            let content = content.map_err(|error| match error.kind() {
                io::ErrorKind::InvalidInput => libc::EINVAL,
                _ => error.raw_os_error().unwrap_or(libc::EIO),
            });
            files.insert(path, content);
        };
        for path in settings.files() {
            let content = content(&path);
            take(path, content);
        }
        match (listed(settings), &settings.directory) {
            (Ok(paths), _) => {
                for path in paths {
                    let content = content(&path);
                    take(path, content);
                }
            }
            (Err(error), Some(directory)) => take(directory.clone(), Err(error)),
            (Err(_), None) => {}
        }
        Material(files)
    }

    /// The content of a file; an error says why there is none.
    ///
    /// # Errors
    /// The errno of what failed.
    pub(super) fn get(&self, path: &Path) -> Result<&Content, i32> {
        match self.0.get(path) {
            Some(Ok(content)) => Ok(content),
            Some(Err(errno)) => Err(*errno),
            None => Err(libc::ENOENT),
        }
    }

    /// The files as one message.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut message = Vec::new();
        for (path, content) in &self.0 {
            put(&mut message, path.as_os_str().as_bytes());
            match content {
                Ok(content) => {
                    message.extend_from_slice(&content.mode.to_be_bytes());
                    put(&mut message, &content.bytes);
                }
                Err(errno) => {
                    message.extend_from_slice(&u32::MAX.to_be_bytes());
                    put(&mut message, &errno.to_be_bytes());
                }
            }
        }
        message
    }

    /// The files out of [`Material::encode`]; `None` for anything else.
    #[must_use]
    pub fn decode(mut message: &[u8]) -> Option<Material> {
        let mut files = BTreeMap::new();
        while !message.is_empty() {
            let path = PathBuf::from(OsString::from_vec(cut(&mut message)?.to_vec()));
            let (mode, rest) = message.split_first_chunk::<4>()?;
            message = rest;
            let bytes = cut(&mut message)?;
            let content = match u32::from_be_bytes(*mode) {
                u32::MAX => Err(i32::from_be_bytes(bytes.try_into().ok()?)),
                mode => Ok(Content {
                    bytes: bytes.to_vec(),
                    mode,
                }),
            };
            files.insert(path, content);
        }
        Some(Material(files))
    }
}

fn content(path: &Path) -> io::Result<Content> {
    let file = open_regular(path)?;
    Ok(Content {
        mode: file.metadata()?.mode() & 0o7777,
        bytes: regular::content(&file, LARGEST)?,
    })
}

fn put(message: &mut Vec<u8>, octets: &[u8]) {
    let length = u32::try_from(octets.len()).unwrap_or(0);
    message.extend_from_slice(&length.to_be_bytes());
    message.extend_from_slice(octets);
}

fn cut<'message>(message: &mut &'message [u8]) -> Option<&'message [u8]> {
    let (length, rest) = message.split_first_chunk::<4>()?;
    let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
    let (octets, rest) = rest.split_at_checked(length)?;
    *message = rest;
    Some(octets)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn material() -> Material {
        let content = Content {
            bytes: b"secret".to_vec(),
            mode: 0o600,
        };
        Material(BTreeMap::from([
            (PathBuf::from("/a"), Ok(content)),
            (PathBuf::from("/b"), Err(libc::EACCES)),
        ]))
    }

    #[test]
    fn files_come_out_of_a_message_as_they_went_in() {
        let material = material();
        assert_eq!(Material::decode(&material.encode()), Some(material));
        assert_eq!(Material::decode(b""), Some(Material::default()));
    }

    #[test]
    fn a_message_cut_anywhere_is_none_or_less() {
        let message = material().encode();
        for at in 1..message.len() {
            let read = Material::decode(&message[..at]);
            assert!(read.is_none_or(|read| read.0.len() < 2), "{at}");
        }
    }

    #[test]
    fn what_is_no_plain_file_is_not_waited_for() {
        assert_eq!(
            content(Path::new("/dev/null")).unwrap_err().kind(),
            io::ErrorKind::InvalidInput
        );
    }

    #[test]
    fn only_files_that_look_like_certificates_are_taken_from_a_directory() {
        for name in ["/d/a.pem", "/d/a.b.crt", "/d/a.key"] {
            assert!(is_wanted(Path::new(name)), "{name}");
        }
        for name in ["/d/a.pem~", "/d/.a.pem", "/d/README", "/d/a.pem.bak"] {
            assert!(!is_wanted(Path::new(name)), "{name}");
        }
    }
}
