//! Either server, started on a configuration file.

use std::fs::{self, File, Permissions};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::time::Instant;

use super::stage::{Stage, free_port};
use super::support::PATIENCE;
use super::support::control::Control;
use super::support::peers::{libraries, speaking};
use super::support::server::IRONFTPD;
use super::support::temp::TempDir;
use super::table::name;

/// Which of the two.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Which {
    Ironftpd,
    /// And where it is.
    Vsftpd(PathBuf),
}

/// Time zone of both, so that use_localtime is seen.
const ZONE: &str = "Asia/Tokyo";

/// A server that listens, or that an inetd would start.
pub struct Running {
    which: Which,
    home: TempDir,
    config: PathBuf,
    address: SocketAddr,
    daemon: Option<Child>,
    started: Mutex<Vec<Child>>,
}

/// How the words on its way out are.
type Refusal = String;

/// The last value of an option among lines of a configuration file.
pub fn value<'a>(lines: &'a [String], option: &str) -> Option<&'a str> {
    let mut lines = lines.iter().rev();
    lines.find_map(|line| (name(line) == Some(option)).then(|| &line[option.len() + 1..]))
}

fn is_on(lines: &[String], option: &str) -> Option<bool> {
    let value = value(lines, option)?.to_ascii_uppercase();
    Some(["YES", "TRUE", "1"].contains(&&*value))
}

/// Starts a server with these lines, and where it has to listen.
pub fn start(which: &Which, stage: &Stage, lines: &[String]) -> Result<Running, Refusal> {
    for _ in 0..3 {
        match started(which, stage, lines) {
            // Somebody else has taken the port meanwhile.
            Err(words) if words.contains("bind") || words.contains("in use") => {}
            other => return other,
        }
    }
    started(which, stage, lines)
}

fn started(which: &Which, stage: &Stage, lines: &[String]) -> Result<Running, Refusal> {
    let home = TempDir::new();
    let six = is_on(lines, "listen_ipv6").unwrap_or(false);
    let host = if six { "::1" } else { "127.0.0.1" };
    let host = host.parse::<IpAddr>().unwrap();
    let address = SocketAddr::new(host, free_port());
    let mut text: String = lines
        .iter()
        .map(|line| stage.setting(line) + "\n")
        .collect();
    if value(lines, "listen_address").is_none() && !six {
        text.push_str("listen_address=127.0.0.1\n");
    }
    text.push_str(&format!("listen_port={}\n", address.port()));
    if *which != Which::Ironftpd {
        text.push_str("seccomp_sandbox=NO\n");
    }
    let config = home.file("vsftpd.conf", text);
    fs::set_permissions(&config, Permissions::from_mode(0o600)).unwrap();
    let mut running = Running {
        which: which.clone(),
        home,
        config,
        address,
        daemon: None,
        started: Mutex::default(),
    };
    if is_on(lines, "listen").unwrap_or(true) || six {
        let mut command = running.command();
        let child = speaking(&mut command, &running.home, "output").unwrap();
        running.daemon = Some(child);
        running.until_it_listens()?;
    }
    Ok(running)
}

impl Running {
    fn command(&self) -> Command {
        let program = match &self.which {
            Which::Ironftpd => Path::new(IRONFTPD),
            Which::Vsftpd(program) => program,
        };
        let mut command = Command::new(program);
        command
            .arg(&self.config)
            .env("TZ", ZONE)
            .env_remove("RUST_LOG");
        command
    }

    /// Whether its file has this line.
    pub fn has(&self, line: &str) -> bool {
        let text = fs::read_to_string(&self.config).unwrap();
        text.lines().any(|other| other == line)
    }

    /// All it has said.
    fn words(&self) -> String {
        let words = fs::read(self.home.path().join("output")).unwrap_or_default();
        let home = self.home.path().display().to_string();
        String::from_utf8_lossy(&words).replace(&home, "")
    }

    /// The same without lines of the event log, which have a time.
    fn refusal(&self) -> Refusal {
        let words = self.words();
        // Where both have vsftpd's own line, what more is said does not count.
        let oops = words.lines().find(|line| line.starts_with("500 OOPS: "));
        oops.unwrap_or(&words).to_owned()
    }

    /// Without connecting, which logs would show.
    fn until_it_listens(&mut self) -> Result<(), Refusal> {
        let end = Instant::now() + PATIENCE;
        loop {
            let listens = match self.which {
                Which::Ironftpd => self.words().contains("listening on "),
                Which::Vsftpd(_) => self.is_idle() && listens(self.address.port()),
            };
            if listens {
                return Ok(());
            }
            let child = self.daemon.as_mut().unwrap();
            let ended = child.try_wait().unwrap();
            if ended.is_some() || Instant::now() > end {
                return Err(self.refusal());
            }
            std::thread::yield_now();
        }
    }

    /// Whether it waits for something: the table of sockets is long.
    fn is_idle(&self) -> bool {
        let child = self.daemon.as_ref().map_or(0, Child::id);
        let state = fs::read_to_string(format!("/proc/{child}/stat")).unwrap_or_default();
        let state = state
            .rsplit_once(") ")
            .map(|(_, rest)| rest.starts_with('S'));
        state.unwrap_or(false)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// A connection to it, or to another address with its port; its greeting
    /// is not read.
    pub fn connect(&self, at: Option<&str>) -> Option<Control> {
        if self.daemon.is_some() {
            let mut address = self.address;
            if let Some(at) = at {
                address.set_ip(at.parse().unwrap());
            }
            let stream = TcpStream::connect_timeout(&address, PATIENCE).ok()?;
            return Some(Control::over(stream, address));
        }
        let listener = TcpListener::bind((self.address.ip(), 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let client = TcpStream::connect(address).unwrap();
        let (server, _) = listener.accept().unwrap();
        let socket = || Stdio::from(OwnedFd::from(server.try_clone().unwrap()));
        let mut command = self.command();
        command
            .env("LD_LIBRARY_PATH", libraries())
            .current_dir(self.home.path())
            .stdin(socket())
            .stdout(socket())
            .stderr(File::create(self.home.path().join("output")).unwrap());
        let child = command.spawn().unwrap();
        self.started.lock().unwrap().push(child);
        Some(Control::over(client, address))
    }

    /// Ends it; what it logged is then on the disk.
    pub fn end(mut self) {
        if let Some(daemon) = &mut self.daemon {
            let id = libc::pid_t::try_from(daemon.id()).unwrap();
            // SAFETY: kill touches no memory, and the child has not been
            // waited for, so that its number is still its own.
            unsafe { libc::kill(id, libc::SIGTERM) };
            if !ends(id) {
                let _ = daemon.kill();
            }
            let status = daemon.wait().unwrap();
            assert_ne!(status.signal(), Some(libc::SIGKILL), "does not end");
        }
        for child in self.started.lock().unwrap().iter_mut() {
            child.wait().unwrap();
        }
        let words = self.words();
        assert!(!words.contains("refused by seccomp"), "{words}");
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let started = self.started.get_mut().unwrap();
        for child in started.iter_mut().chain(&mut self.daemon) {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Whether somebody listens on this port of the machine.
fn listens(port: u16) -> bool {
    let port = format!(":{port:04X}");
    ["/proc/net/tcp", "/proc/net/tcp6"].iter().any(|table| {
        let table = fs::read_to_string(table).unwrap_or_default();
        table.lines().any(|line| {
            let columns: Vec<&str> = line.split_whitespace().take(4).collect();
            columns.len() == 4 && columns[1].ends_with(&port) && columns[3] == "0A"
        })
    })
}

/// Waits for the end of a child, for as long as anyone should wait.
fn ends(child: libc::pid_t) -> bool {
    // SAFETY: a call with numbers; the child has not been waited for.
    let fd = unsafe { libc::syscall(libc::SYS_pidfd_open, child, 0) };
    assert!(fd >= 0, "{}", std::io::Error::last_os_error());
    // SAFETY: it was opened here, and nobody else has it.
    let fd = unsafe { OwnedFd::from_raw_fd(fd as i32) };
    let mut wanted = libc::pollfd {
        fd: fd.as_raw_fd(),
        events: libc::POLLIN,
        revents: 0,
    };
    let patience = PATIENCE.as_millis() as i32;
    // SAFETY: one pollfd, which lives through the call.
    unsafe { libc::poll(&raw mut wanted, 1, patience) == 1 }
}
