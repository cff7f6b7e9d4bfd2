//! Who reads certificates and keys while the server runs.
//!
//! A server that root has started gives root up, and could then not read a
//! renewed key. So it leaves a process behind that stays root and does one
//! thing: asked, it reads the files that were named at the start, and sends
//! what they hold if they have changed. It takes one octet at a time from the
//! server and understands nothing of what it reads. A server that stays who
//! it was reads for itself.
//!
//! ```text
//! server              keeper (root, CAP_DAC_READ_SEARCH alone)
//! look  ----------->  stat of every file
//!       <-----------  length 0: as before, or the files as one message
//! ```

use super::error::TlsError;
use super::material::{Material, Stamps, stamps};
use super::settings::Settings;
use crate::sys;
use crate::sys::capability::{Capabilities, Capability};
use crate::sys::fork::{Ended, Process};
use crate::sys::keeper::{self, Post};
use crate::sys::landlock::{Access, Network, confine};
use crate::sys::process::effective_user;
use crate::sys::wipe::wipe;
use std::ffi::CStr;
use std::fs::File;
use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// The process's own name, as ps(1) shows it.
const NAME: &CStr = c"ironftpd-keys";

/// Asks for what the files hold if they have changed since it was sent last.
const LOOK: u8 = b'l';
/// Asks for what they hold in any case.
const ALL: u8 = b'a';

/// How long an answer may take: files on a network may.
const PATIENCE: Duration = Duration::from_secs(30);

/// The largest message that is taken.
const LARGEST: u64 = 1 << 30;

/// Where key material comes from.
#[derive(Debug)]
pub struct Source(Reader);

#[derive(Debug)]
enum Reader {
    /// A process that has kept the right to read.
    Keeper(Mutex<UnixStream>, Process),
    /// The server itself; what it has seen last.
    Own(Mutex<Option<Stamps>>),
}

impl Source {
    /// What is needed to read the files of `settings` as long as the server
    /// runs. As root it forks: before the first thread is born, after going
    /// into the background, and while privileges are whole.
    ///
    /// # Errors
    /// Those of the system.
    pub fn start(settings: &Settings) -> Result<Source, sys::Error> {
        if effective_user() != 0 {
            return Ok(Source(Reader::Own(Mutex::default())));
        }
        let pair = UnixStream::pair().and_then(|(own, other)| {
            own.set_read_timeout(Some(PATIENCE))?;
            Ok((own, other))
        });
        let (own, other) = pair.map_err(sys::Error::of("socketpair"))?;
        let post = Post {
            name: NAME,
            rights: Capabilities::NONE.with(Capability::DacReadSearch),
        };
        let process = keeper::spawn(
            post,
            other,
            || see_only().map(|()| None),
            |seen, asked, stream| reply(asked, settings, seen, stream),
        )?;
        Ok(Source(Reader::Keeper(Mutex::new(own), process)))
    }

    /// What the files hold.
    ///
    /// # Errors
    /// When nobody can read them any more.
    pub fn all(&self, settings: &Settings) -> Result<Material, TlsError> {
        Ok(self.ask(ALL, settings)?.unwrap_or_default())
    }

    /// What the files hold, if they have changed since they were asked for.
    ///
    /// # Errors
    /// When nobody can read them any more.
    pub fn changed(&self, settings: &Settings) -> Result<Option<Material>, TlsError> {
        self.ask(LOOK, settings)
    }

    /// How the process that reads has ended, if it has, told once. It should
    /// last as long as the server does.
    #[must_use]
    pub fn ended(&self) -> Option<Ended> {
        match &self.0 {
            Reader::Keeper(_, process) => process.ended(),
            Reader::Own(_) => None,
        }
    }

    fn ask(&self, question: u8, settings: &Settings) -> Result<Option<Material>, TlsError> {
        match &self.0 {
            Reader::Own(seen) => {
                let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
                Ok(answer(question, settings, &mut seen))
            }
            Reader::Keeper(stream, _) => {
                let mut stream = stream.lock().unwrap_or_else(PoisonError::into_inner);
                exchange(&mut stream, question).map_err(|error| {
                    // What comes late must not pass for the next answer.
                    let _ = stream.shutdown(Shutdown::Both);
                    TlsError::Refused(format!(
                        "the process that reads certificates and keys does not answer, \
                         until the server is started again: {error}"
                    ))
                })
            }
        }
    }
}

impl Drop for Source {
    fn drop(&mut self) {
        if let Reader::Keeper(stream, _) = &self.0 {
            let stream = stream.lock().unwrap_or_else(PoisonError::into_inner);
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

/// What a question is answered with; `seen` is what was seen last.
fn answer(question: u8, settings: &Settings, seen: &mut Option<Stamps>) -> Option<Material> {
    // Taken before reading: a change in between is seen next time.
    let now = stamps(settings);
    if question == LOOK && seen.as_ref() == Some(&now) {
        return None;
    }
    *seen = Some(now);
    Some(Material::read(settings))
}

/// A question to the keeper and its answer.
fn exchange(stream: &mut UnixStream, question: u8) -> io::Result<Option<Material>> {
    stream.write_all(&[question])?;
    let mut length = [0; 8];
    stream.read_exact(&mut length)?;
    let length = u64::from_be_bytes(length);
    if length == 0 {
        return Ok(None);
    }
    let length = usize::try_from(length.min(LARGEST)).unwrap_or(0);
    let mut message = vec![0; length];
    let read = stream.read_exact(&mut message);
    let material = Material::decode(&message);
    wipe(&mut message);
    read?;
    material
        .map(Some)
        .ok_or_else(|| io::ErrorKind::InvalidData.into())
}

/// Leaves the keeper nothing but reading. Not even that could be left for the
/// files' directories alone: certificates are often links, that lead
/// elsewhere once they are renewed.
fn see_only() -> sys::Result<()> {
    let all = File::open("/").map_err(sys::Error::of("open"))?;
    confine(&[(all.as_fd(), Access::ReadOnly)], Network::CLOSED).map(drop)
}

/// The keeper's answer, to where the question came from.
fn reply(
    asked: u8,
    settings: &Settings,
    seen: &mut Option<Stamps>,
    stream: &mut UnixStream,
) -> sys::Result<()> {
    let mut message = match answer(asked, settings, seen) {
        Some(material) => material.encode(),
        None => Vec::new(),
    };
    let length = u64::try_from(message.len()).unwrap_or(0);
    let sent = stream.write_all(&length.to_be_bytes());
    let sent = sent.and_then(|()| stream.write_all(&message));
    wipe(&mut message);
    sent.map_err(sys::Error::of("send"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tls::settings::PairPaths;

    #[test]
    fn what_has_not_changed_is_not_read_again() {
        let name = format!("ironftpd-keeper-{}.pem", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::write(&path, "one").unwrap();
        let settings = Settings {
            pairs: vec![PairPaths {
                certificates: path.clone(),
                key: None,
            }],
            ..Settings::default()
        };
        let source = Source(Reader::Own(Mutex::default()));
        let first = source.all(&settings).unwrap();
        assert_eq!(first.get(&path).unwrap().bytes, b"one");
        assert_eq!(source.changed(&settings).unwrap(), None);
        std::fs::write(&path, "another").unwrap();
        let second = source.changed(&settings).unwrap().unwrap();
        assert_eq!(second.get(&path).unwrap().bytes, b"another");
        assert_eq!(source.changed(&settings).unwrap(), None);
        assert!(!source.all(&settings).unwrap().encode().is_empty());
        std::fs::remove_file(&path).unwrap();
    }

    #[test]
    fn an_answer_comes_whole_or_not_at_all() {
        let (mut own, mut other) = UnixStream::pair().unwrap();
        other.write_all(&0_u64.to_be_bytes()).unwrap();
        assert_eq!(exchange(&mut own, LOOK).unwrap(), None);
        other.write_all(&9_u64.to_be_bytes()).unwrap();
        other.write_all(b"half").unwrap();
        drop(other);
        assert!(exchange(&mut own, LOOK).is_err());
    }
}
