//! A FIFO over which processes that a test has caused speak up and wait, so
//! that the test need not guess when.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::time::Instant;

use ironftpd::sys::poll::{Interest, READABLE, poll};

use super::PATIENCE;
use super::accounts::run;
use super::temp::TempDir;

/// A FIFO, held open at both ends so that opening and writing never wait.
pub struct Fifo {
    path: PathBuf,
    file: File,
}

impl Fifo {
    pub fn new(directory: &TempDir, name: &str) -> Fifo {
        let path = directory.path().join(name);
        run("mkfifo", &[path.to_str().unwrap()]);
        let file = File::options().read(true).write(true).open(&path).unwrap();
        Fifo { path, file }
    }

    /// Its name, for who shall write to it or read from it.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The next line somebody writes.
    #[track_caller]
    pub fn line(&self) -> String {
        let deadline = Instant::now() + PATIENCE;
        let mut line = Vec::new();
        while line.last() != Some(&b'\n') {
            assert!(self.has_more(deadline), "nobody came");
            let mut byte = [0];
            (&self.file).read_exact(&mut byte).unwrap();
            line.push(byte[0]);
        }
        String::from_utf8(line).unwrap().trim_end().to_owned()
    }

    /// The next line somebody writes, as a number.
    #[track_caller]
    pub fn number(&self) -> i32 {
        self.line().parse().unwrap()
    }

    /// Nobody has written anything that was not read yet.
    #[track_caller]
    pub fn is_silent(&self) -> bool {
        !self.has_more(Instant::now())
    }

    fn has_more(&self, deadline: Instant) -> bool {
        let left = deadline.saturating_duration_since(Instant::now());
        let mut interest = [Interest::new(self.file.as_fd(), READABLE)];
        poll(&mut interest, Some(left)).unwrap()
    }

    /// Lets `count` readers of a byte go on.
    pub fn release(&self, count: usize) {
        (&self.file).write_all(&vec![b'.'; count]).unwrap();
    }
}
