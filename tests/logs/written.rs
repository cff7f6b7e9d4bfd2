//! A server with logs in a directory of their own, and what is in them.

use std::fs;
use std::path::PathBuf;

use super::support::server::{Launch, Server};
use super::support::temp::TempDir;

/// A directory for logs, and a server that writes there.
pub struct Logs {
    /// Dropped before the directory.
    pub server: Server,
    pub directory: TempDir,
}

/// What may change everything, and asks everybody for a password, as it knows
/// somebody.
pub fn asking() -> Launch {
    let launch = Launch::new().writable();
    let home = launch.root().path().to_owned();
    launch.account("someone", "word", &home)
}

impl Logs {
    /// Starts a server that may change everything, with both logs in files.
    #[track_caller]
    pub fn start(options: &[(&str, &str)]) -> Logs {
        Logs::launch(Launch::new().writable(), options)
    }

    /// Starts `launch` with both logs in files, and more options over these.
    #[track_caller]
    pub fn launch(launch: Launch, options: &[(&str, &str)]) -> Logs {
        Logs::launch_in(TempDir::new(), launch, options)
    }

    /// The same in a directory that is there.
    #[track_caller]
    pub fn launch_in(directory: TempDir, launch: Launch, options: &[(&str, &str)]) -> Logs {
        let path = |name| directory.path().join(name).display().to_string();
        let (own, standard) = (path("vsftpd.log"), path("xferlog"));
        let launch = launch.options(&[
            ("dual_log_enable", "YES"),
            ("vsftpd_log_file", &own),
            ("xferlog_file", &standard),
        ]);
        Logs {
            server: launch.options(options).start(),
            directory,
        }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Ends the server and gives the lines of a log.
    #[track_caller]
    pub fn lines(&mut self, name: &str) -> Vec<String> {
        if self.server.is_running() {
            self.server.whole_log();
        }
        lines(&fs::read_to_string(self.path(name)).unwrap())
    }

    /// Ends the server and gives what the lines of vsftpd_log_file say after
    /// time and process.
    #[track_caller]
    pub fn messages(&mut self) -> Vec<String> {
        let pid = self.server.pid();
        let lines = self.lines("vsftpd.log");
        lines.iter().map(|line| message(line, pid)).collect()
    }
}

/// Whole lines, each with its end.
#[track_caller]
pub fn lines(text: &str) -> Vec<String> {
    assert!(text.is_empty() || text.ends_with('\n'), "cut off: {text:?}");
    text.lines().map(str::to_owned).collect()
}

/// What a line says after its time and its process, which must be `pid`.
#[track_caller]
pub fn message(line: &str, pid: i32) -> String {
    // Sat Nov 21 07:43:34 2026 [pid 26272] CONNECT: ...
    let (time, rest) = line.split_at(24);
    let shape: String = time
        .chars()
        .map(|character| match character {
            '0'..='9' => '9',
            'A'..='Z' | 'a'..='z' => 'a',
            other => other,
        })
        .collect();
    let known = ["aaa aaa 99 99:99:99 9999", "aaa aaa  9 99:99:99 9999"];
    assert!(known.contains(&&*shape), "{line}");
    let process = format!(" [pid {pid}] ");
    let message = rest.strip_prefix(&process);
    message.unwrap_or_else(|| panic!("{line}")).to_owned()
}
