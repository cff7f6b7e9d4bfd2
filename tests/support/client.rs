//! A client program of the system in clean surroundings.

use std::ffi::OsStr;
use std::io::Read;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::process::{Finished, run, run_with};
use super::temp::TempDir;
use super::tree;

/// How long one client may take; generous, since a debug build may serve two
/// GiB to several at once.
const LIMIT: Duration = Duration::from_secs(180);

/// A client program in a home directory of its own.
pub struct Client {
    program: PathBuf,
    home: TempDir,
}

impl Client {
    /// Finds the program; fails the test when it is not installed.
    #[track_caller]
    pub fn new(program: &str, package: &str) -> Client {
        let path = std::env::var_os("PATH").unwrap_or_default();
        // The system's own first: a shim of a language's version manager needs
        // the home directory that we replace.
        let mut places = vec![PathBuf::from("/usr/bin"), PathBuf::from("/bin")];
        places.extend(std::env::split_paths(&path));
        let found = places
            .into_iter()
            .map(|place| place.join(program))
            .find(|file| file.is_file());
        let program = found.unwrap_or_else(|| {
            panic!(
                "{program} is not installed; it is in the Debian package {package}: \
                 apt-get install {package}"
            )
        });
        Client {
            program,
            home: TempDir::new(),
        }
    }

    /// Where the client runs and puts what it fetches.
    pub fn home(&self) -> &TempDir {
        &self.home
    }

    /// A name in the client's directory.
    pub fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.home.path().join(name)
    }

    fn command<S: AsRef<OsStr>>(&self, words: &[S]) -> Command {
        let mut command = Command::new(&self.program);
        command
            .args(words)
            .current_dir(self.home.path())
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("HOME", self.home.path())
            .env("TERM", "dumb")
            .env("LC_ALL", "C.UTF-8");
        command
    }

    /// Runs it to its end.
    #[track_caller]
    pub fn run<S: AsRef<OsStr>>(&self, words: &[S]) -> Finished {
        self.run_script(words, "")
    }

    /// Runs it with a script on its standard input.
    #[track_caller]
    pub fn run_script<S: AsRef<OsStr>>(&self, words: &[S], script: &str) -> Finished {
        run(&mut self.command(words), script.as_bytes(), LIMIT)
    }

    /// Runs it with the sparse file expected on its standard output.
    #[track_caller]
    pub fn run_for_sparse<S: AsRef<OsStr>>(&self, words: &[S]) {
        let check = |output: &mut dyn Read| {
            let checked = tree::check_sparse(output);
            // What is left unread would hold the client up.
            let _ = std::io::copy(output, &mut std::io::sink());
            checked
        };
        let (finished, checked) = run_with(&mut self.command(words), b"", LIMIT, check);
        assert_eq!(checked, Ok(()), "{}", finished.words());
        finished.succeed();
    }
}

/// `ftp://address/path`, with every byte that is not plain as %XX.
pub fn url(address: SocketAddr, path: &str) -> String {
    let mut url = format!("ftp://{address}/");
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"/-._".contains(&byte) {
            url.push(byte.into());
        } else {
            url.push_str(&format!("%{byte:02X}"));
        }
    }
    url
}
