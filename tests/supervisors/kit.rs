//! A supervisor for one test: started on a free port, and ended with all that
//! it has started.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::Instant;

use crate::support::PATIENCE;
use crate::support::control::Control;
use crate::support::log::Log;
use crate::support::server::{Launch, Site};

/// What is served, and what a client must find.
pub const CONTENT: &[u8] = b"what the file holds\r\n";

/// A site whose anonymous users may store, with one file.
pub fn site(options: &[(&str, &str)]) -> Site {
    let launch = Launch::new().writable().options(options);
    launch.root().file("file", CONTENT);
    launch.written()
}

/// A session like any other, to its end. Not a byte too many may come.
#[track_caller]
pub fn whole_session(control: &mut Control) {
    control.expect(220);
    control.login_anonymous();
    assert_eq!(control.retrieve("file"), CONTENT);
    let name = format!("stored{}", control.local().port());
    control.store(&name, b"what was sent");
    assert_eq!(control.retrieve(&name), b"what was sent");
    assert!(control.listing("NLST").contains(&name));
    control.command("QUIT", 221);
    control.expect_closed();
}

/// An address nobody listens on.
pub fn free_address() -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    listener.local_addr().unwrap()
}

/// Connects to somebody who is about to listen; nothing has been read.
#[track_caller]
pub fn connect_soon(address: SocketAddr) -> Control {
    let end = Instant::now() + PATIENCE;
    loop {
        match TcpStream::connect(address) {
            Ok(stream) => return Control::over(stream, address),
            Err(error) => {
                assert!(Instant::now() < end, "nobody listens on {address}: {error}");
                thread::yield_now();
            }
        }
    }
}

/// A program of Debian's that `tests/conformance/peers.sh` has unpacked, or
/// why it could not.
pub fn unpacked(package: &str, name: &str) -> Result<Command, String> {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
    let peers = target.join("peers");
    let installed = Path::new("/usr/sbin").join(name);
    let own = peers.join(package).join("usr/sbin").join(name);
    let found = [installed, own].into_iter().find(|path| path.is_file());
    let Some(program) = found else {
        let reason = fs::read_to_string(peers.join(format!("{name}.missing")));
        return Err(reason.unwrap_or_else(|_| "run tests/conformance/peers.sh".to_owned()));
    };
    let folders = ["lib/usr/lib", "lib/lib"].map(|folder| peers.join(folder));
    let libraries: Vec<String> = folders
        .iter()
        .flat_map(|folder| fs::read_dir(folder).into_iter().flatten().flatten())
        .map(|entry| entry.path().display().to_string())
        .collect();
    let mut command = Command::new(program);
    command.env("LD_LIBRARY_PATH", libraries.join(":"));
    Ok(command)
}

/// A program that is installed, or why it is left out.
pub fn installed(name: &str) -> Result<Command, String> {
    let path = std::env::var("PATH").unwrap_or_default() + ":/usr/sbin:/sbin";
    let found = path
        .split(':')
        .map(|folder| Path::new(folder).join(name))
        .find(|program| program.is_file());
    found
        .map(Command::new)
        .ok_or_else(|| format!("no {name} here"))
}

/// A supervisor that runs. Dropping it ends it and its descendants.
pub struct Supervisor {
    child: Child,
    /// Its standard error, and that of those it starts unless it gives them
    /// another.
    pub log: Arc<Log>,
}

impl Supervisor {
    /// Starts it.
    #[track_caller]
    pub fn start(mut command: Command) -> Supervisor {
        command.env_remove("RUST_LOG");
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let log = Log::of(child.stderr.take().unwrap());
        Supervisor { child, log }
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Waits until a line of the log holds `words`, and gives that line.
    #[track_caller]
    pub fn wait_for_log(&self, words: &str) -> String {
        let found = self.log.wait(PATIENCE, |lines, _| {
            lines.iter().find(|line| line.contains(words)).cloned()
        });
        found.unwrap_or_else(|| panic!("no line holds {words:?}:\n{}", self.log.text()))
    }

    /// Waits until it has ended, and gives its exit code.
    #[track_caller]
    pub fn ended(&mut self) -> Option<i32> {
        gone(self.child.id());
        self.child.wait().unwrap().code()
    }
}

impl Drop for Supervisor {
    fn drop(&mut self) {
        let descendants = descendants(self.child.id());
        let _ = self.child.kill();
        let _ = self.child.wait();
        for process in descendants {
            signal(process, libc::SIGKILL);
        }
        if thread::panicking() {
            eprintln!("--- the supervisor's log\n{}", self.log.text());
        }
    }
}

/// The numbers of the processes that `process` has started, and theirs.
pub fn descendants(process: u32) -> Vec<u32> {
    let mut found = Vec::new();
    for child in children(process) {
        found.push(child);
        found.extend(descendants(child));
    }
    found
}

/// The numbers of the processes that `process` has started.
pub fn children(process: u32) -> Vec<u32> {
    let all = fs::read_dir("/proc").unwrap().flatten();
    all.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(|&other| {
            let parent = status(other, "PPid");
            parent.is_some_and(|parent| parent == process.to_string())
        })
        .collect()
}

/// A line of /proc/PID/status, if the process is there.
pub fn status(process: u32, name: &str) -> Option<String> {
    let text = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    line.map(|value| value.trim().to_owned())
}

/// Sends a signal.
pub fn signal(process: u32, number: i32) {
    // SAFETY: only integers are passed; the process is one that a test has
    // started.
    unsafe { libc::kill(process.cast_signed(), number) };
}

/// Waits until a process has ended.
#[track_caller]
pub fn gone(process: u32) {
    // SAFETY: only integers are passed.
    let fd = unsafe { libc::syscall(libc::SYS_pidfd_open, process, 0) };
    if fd < 0 {
        return;
    }
    // SAFETY: the kernel just returned this descriptor; nobody else has it.
    let watch = unsafe { OwnedFd::from_raw_fd(fd as i32) };
    let mut end = libc::pollfd {
        fd: watch.as_raw_fd(),
        events: libc::POLLIN,
        revents: 0,
    };
    // SAFETY: one live pollfd.
    let ready = unsafe { libc::poll(&raw mut end, 1, PATIENCE.as_millis() as i32) };
    assert_eq!(ready, 1, "process {process} goes on");
}

/// The configuration file as a word of a command line.
pub fn word(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}

/// Writes a supervisor's own file beside a site's.
pub fn beside(site: &Site, name: &str, text: &str) -> PathBuf {
    let path = site.home.file(name, text);
    // Some do not trust what others may write.
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o644);
    fs::set_permissions(&path, mode).unwrap();
    path
}
