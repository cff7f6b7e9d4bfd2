//! A running ironftpd for one test: spawned on a port the kernel chooses,
//! watched through its log, and ended when the value is dropped.
//!
//! With `UNDER_TEST=/path/to/vsftpd` in the environment the same dialogues run
//! against vsftpd, which shows whether a test asks for something reasonable;
//! tests of what vsftpd has not (accounts, MLSD) fail there.

use std::ffi::{OsStr, OsString};
use std::fmt::Write as _;
use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;

use super::PATIENCE;
use super::control::Control;
use super::first_wall;
use super::log::Log;
use super::process::{Finished, hear_hang_ups, run};
use super::temp::TempDir;
use super::vsftpd;

/// Where the daemon under test stands.
pub const IRONFTPD: &str = env!("CARGO_BIN_EXE_ironftpd");

/// The administrator's tool; cargo builds it beside the daemon.
pub fn ironftpctl() -> PathBuf {
    Path::new(IRONFTPD).with_file_name("ironftpctl")
}

/// How to start a server; [`Server::start`] is the short way.
pub struct Launch {
    options: Vec<(String, String)>,
    accounts: Vec<(String, String, PathBuf, bool)>,
    wrapper: Vec<OsString>,
    landlock: bool,
    root: TempDir,
}

impl Launch {
    /// Anonymous, read only, IPv4 loopback, a port of the kernel's choice, and
    /// no pauses meant for attackers.
    pub fn new() -> Launch {
        let mut launch = Launch {
            options: Vec::new(),
            accounts: Vec::new(),
            wrapper: Vec::new(),
            landlock: true,
            root: TempDir::new(),
        };
        for (name, value) in [
            ("listen", "YES"),
            ("listen_ipv6", "NO"),
            ("listen_address", "127.0.0.1"),
            ("listen_port", "0"),
            ("background", "NO"),
            ("anonymous_enable", "YES"),
            // Nobody, whom root's server becomes, sees no test's directory.
            ("run_as_launching_user", "YES"),
            ("connect_from_port_20", "NO"),
            ("delay_failed_login", "0"),
            ("max_clients", "0"),
            ("max_per_ip", "0"),
            // The usual place is for one server.
            ("control_socket", ""),
            // A call that a list lacks shall not go unnoticed.
            ("seccomp_strict", "YES"),
            // A test's end waits for no transfer that it left behind.
            ("shutdown_grace", "0"),
        ] {
            launch.options.push((name.into(), value.into()));
        }
        launch
    }

    /// Sets an option, in place of an earlier value.
    pub fn option(mut self, name: &str, value: &str) -> Launch {
        self.options.retain(|(known, _)| known != name);
        self.options.push((name.into(), value.into()));
        self
    }

    /// Sets several options.
    pub fn options(self, options: &[(&str, &str)]) -> Launch {
        options
            .iter()
            .fold(self, |launch, (name, value)| launch.option(name, value))
    }

    /// Everything an anonymous user can be allowed, so that a test of a write
    /// command needs no account.
    pub fn writable(self) -> Launch {
        self.options(&[
            ("write_enable", "YES"),
            ("anon_upload_enable", "YES"),
            ("anon_mkdir_write_enable", "YES"),
            ("anon_other_write_enable", "YES"),
        ])
        .option("anon_umask", "022")
    }

    /// A virtual account, made with ironftpctl.
    pub fn account(mut self, name: &str, password: &str, home: &Path) -> Launch {
        self.accounts
            .push((name.into(), password.into(), home.into(), false));
        self
    }

    /// A virtual account that may only read.
    pub fn read_only_account(mut self, name: &str, password: &str, home: &Path) -> Launch {
        self.accounts
            .push((name.into(), password.into(), home.into(), true));
        self
    }

    /// Starts the server through another program, such as `prlimit`, that
    /// changes something and then becomes the server by execve: the process id
    /// stays the same.
    pub fn through<S: AsRef<OsStr>>(mut self, program: &[S]) -> Launch {
        self.wrapper = program.iter().map(OsString::from).collect();
        self
    }

    /// On a kernel that seems to have no Landlock.
    pub fn without_landlock(mut self) -> Launch {
        self.landlock = false;
        self
    }

    /// The directory that will be served to anonymous.
    pub fn root(&self) -> &TempDir {
        &self.root
    }

    /// Starts the daemon and waits until it listens.
    #[track_caller]
    pub fn start(mut self) -> Server {
        let mut address = None;
        let other = std::env::var_os("UNDER_TEST");
        if other.is_some() {
            address = Some(vsftpd::adapt(&mut self.options));
            // It serves anonymous users no root they could write to, so its
            // tests of changes fail.
            self.root.close_to_others();
        }
        let program = other.unwrap_or_else(|| IRONFTPD.into());
        let mut words = std::mem::take(&mut self.wrapper);
        let landlock = self.landlock;
        let Site { root, home, config } = self.written();
        words.push(program);
        words.push(config.into());
        let mut command = Command::new(words.remove(0));
        command.args(words);
        if !landlock {
            first_wall::alone(&mut command);
        }
        Server::spawn(command, b"", root, home, address)
    }

    /// Writes the configuration, for somebody else to start the daemon with.
    #[track_caller]
    pub fn written(self) -> Site {
        let home = TempDir::new();
        let mut options = self.options;
        if !options.iter().any(|(name, _)| name == "anon_root") {
            options.push(("anon_root".into(), self.root.path().display().to_string()));
        }
        if !self.accounts.is_empty() {
            let file = home.path().join("users");
            for (name, password, directory, read_only) in &self.accounts {
                add_account(&file, name, password, directory, *read_only).succeed();
            }
            options.push(("virtual_users_file".into(), file.display().to_string()));
        }
        let mut text = String::new();
        for (name, value) in &options {
            writeln!(text, "{name}={value}").unwrap();
        }
        let config = home.file("ironftpd.conf", text);
        Site {
            root: self.root,
            home,
            config,
        }
    }
}

/// What a server would be started with.
pub struct Site {
    /// What anonymous users would see.
    pub root: TempDir,
    /// A directory for what else there is.
    pub home: TempDir,
    /// The configuration.
    pub config: PathBuf,
}

/// Runs `ironftpctl user add`.
pub fn add_account(
    file: &Path,
    name: &str,
    password: &str,
    home: &Path,
    read_only: bool,
) -> Finished {
    let mut command = Command::new(ironftpctl());
    command.args(["user", "add", name, "--home"]).arg(home);
    if read_only {
        command.arg("--read-only");
    }
    command.arg("--file").arg(file);
    run(&mut command, format!("{password}\n").as_bytes(), PATIENCE)
}

/// Runs another `ironftpctl user` action on an account.
pub fn change_account(file: &Path, action: &str, name: &str, input: &str) -> Finished {
    let mut command = Command::new(ironftpctl());
    command.args(["user", action]);
    if !name.is_empty() {
        command.arg(name);
    }
    command.arg("--file").arg(file);
    run(&mut command, input.as_bytes(), PATIENCE)
}

/// A running daemon. Dropping it ends the process.
pub struct Server {
    child: Child,
    address: SocketAddr,
    log: Arc<Log>,
    output: Arc<Log>,
    root: TempDir,
    home: TempDir,
    ended: Option<ExitStatus>,
    refusals: bool,
}

impl Server {
    /// A server with these options over the usual ones of [`Launch::new`].
    #[track_caller]
    pub fn start(options: &[(&str, &str)]) -> Server {
        Launch::new().options(options).start()
    }

    /// A server whose anonymous users may change everything.
    #[track_caller]
    pub fn writable() -> Server {
        Launch::new().writable().start()
    }

    /// `ironftpd --serve DIR --port 0` with more words, `input` on its
    /// standard input; DIR is the server's root.
    #[track_caller]
    pub fn serve(root: TempDir, words: &[&str], input: &str) -> Server {
        let mut command = Command::new(IRONFTPD);
        command
            .arg("--serve")
            .arg(root.path())
            .args(["--port", "0"])
            .args(words);
        Server::spawn(command, input.as_bytes(), root, TempDir::new(), None)
    }

    #[track_caller]
    fn spawn(
        mut command: Command,
        input: &[u8],
        root: TempDir,
        home: TempDir,
        address: Option<SocketAddr>,
    ) -> Server {
        command
            .env_remove("RUST_LOG")
            .env("HOME", home.path())
            .current_dir(home.path());
        hear_hang_ups(&mut command);
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let _ = child.stdin.take().unwrap().write_all(input);
        let log = Log::of(child.stderr.take().unwrap());
        let output = Log::of(child.stdout.take().unwrap());
        let unknown = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0));
        let mut server = Server {
            child,
            address: unknown,
            log,
            output,
            root,
            home,
            ended: None,
            refusals: false,
        };
        server.address = match address {
            Some(address) => vsftpd::until_it_answers(address),
            None => server.listening_address(1),
        };
        server
    }

    /// The address in the `count`th line of the log that says `listening on`.
    #[track_caller]
    pub fn listening_address(&self, count: usize) -> SocketAddr {
        let found = self.log.wait(PATIENCE, |lines, _| {
            lines
                .iter()
                .filter_map(|line| line.split_once("listening on "))
                .filter_map(|(_, rest)| rest.split([' ', '"']).next()?.parse().ok())
                .nth(count - 1)
        });
        found.unwrap_or_else(|| panic!("no line says `listening on`:\n{}", self.log()))
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The directory that anonymous users see.
    pub fn root(&self) -> &TempDir {
        &self.root
    }

    /// The configuration file.
    pub fn config_file(&self) -> PathBuf {
        self.home.path().join("ironftpd.conf")
    }

    /// The accounts file, where the server has accounts.
    pub fn accounts_file(&self) -> PathBuf {
        self.home.path().join("users")
    }

    /// A control connection that has been greeted with 220.
    #[track_caller]
    pub fn connect(&self) -> Control {
        Control::connect(self.address)
    }

    /// A control connection logged in as anonymous.
    #[track_caller]
    pub fn anonymous(&self) -> Control {
        let mut control = self.connect();
        control.login_anonymous();
        control
    }

    /// A control connection logged in with a name and a password.
    #[track_caller]
    pub fn login(&self, name: &str, password: &str) -> Control {
        let mut control = self.connect();
        control.login(name, password);
        control
    }

    /// Everything the server has logged so far.
    pub fn log(&self) -> String {
        self.log.text()
    }

    /// Everything the server has written to standard output so far.
    pub fn output(&self) -> String {
        self.output.text()
    }

    /// Waits until a line of standard output holds `words`, and gives all
    /// lines up to that one.
    #[track_caller]
    pub fn wait_for_output(&self, words: &str) -> Vec<String> {
        let found = self.output.wait(PATIENCE, |lines, _| {
            let at = lines.iter().position(|line| line.contains(words))?;
            lines.get(..=at).map(<[String]>::to_vec)
        });
        found.unwrap_or_else(|| panic!("no line holds {words:?}:\n{}", self.output()))
    }

    /// All that the server has ever written to standard output; it must have
    /// ended.
    #[track_caller]
    pub fn whole_output(&self) -> String {
        let closed = self.output.wait(PATIENCE, |_, closed| closed.then_some(()));
        assert!(closed.is_some(), "standard output is still open");
        self.output()
    }

    /// Closes the reading end of standard output, once `act` has made the
    /// server write to it.
    #[track_caller]
    pub fn hear_no_more(&self, act: impl FnOnce()) {
        self.output.enough.store(true, Ordering::Relaxed);
        act();
        let closed = self.output.wait(PATIENCE, |_, closed| closed.then_some(()));
        assert!(closed.is_some(), "the server wrote nothing");
    }

    /// Ends the daemon and gives everything it has logged: what is not there
    /// now was never said.
    pub fn whole_log(&mut self) -> String {
        self.signal(libc::SIGTERM);
        self.wait_for_end().expect("it goes on");
        self.log()
    }

    /// Waits until a line of the log holds `words`, and gives that line.
    #[track_caller]
    pub fn wait_for_log(&self, words: &str) -> String {
        self.wait_for_nth(words, 0)
    }

    /// The same for the line that comes after `before` others that hold them.
    #[track_caller]
    pub fn wait_for_nth(&self, words: &str, before: usize) -> String {
        let found = self.log.wait(PATIENCE, |lines, _| {
            let mut found = lines.iter().filter(|line| line.contains(words));
            found.nth(before).cloned()
        });
        found.unwrap_or_else(|| panic!("no line holds {words:?}:\n{}", self.log()))
    }

    /// System calls may be refused in this test.
    pub fn expect_refusals(&mut self) {
        self.refusals = true;
    }

    /// Waits until so many lines of the log hold `words`.
    #[track_caller]
    pub fn wait_for_lines(&self, words: &str, count: usize) {
        let found = self.log.wait(PATIENCE, |lines, _| {
            let found = lines.iter().filter(|line| line.contains(words)).count();
            (found >= count).then_some(())
        });
        assert!(
            found.is_some(),
            "not {count} lines hold {words:?}:\n{}",
            self.log()
        );
    }

    /// The daemon's process id.
    pub fn pid(&self) -> libc::pid_t {
        self.child.id().try_into().unwrap()
    }

    /// Sends a signal to the daemon, and to no one else.
    pub fn signal(&self, signal: libc::c_int) {
        assert!(self.ended.is_none());
        // SAFETY: kill touches no memory; the child has not been waited for,
        // so its process id cannot have been given to another process.
        let result = unsafe { libc::kill(self.pid(), signal) };
        assert_eq!(result, 0);
    }

    /// Waits for the daemon's end; `None` when it goes on for longer than
    /// anyone should wait.
    pub fn wait_for_end(&mut self) -> Option<ExitStatus> {
        if self.ended.is_none() {
            // Its standard error is closed by its end and by nothing else.
            self.log.wait(PATIENCE, |_, closed| closed.then_some(()))?;
            self.ended = Some(self.child.wait().unwrap());
        }
        self.ended
    }

    /// Whether the daemon is still there.
    pub fn is_running(&mut self) -> bool {
        self.ended.is_none() && self.child.try_wait().unwrap().is_none()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if self.is_running() {
            self.signal(libc::SIGTERM);
            if self.wait_for_end().is_none() {
                let _ = self.child.kill();
                let _ = self.child.wait();
            }
        }
        let how = self.ended.and_then(|status| status.signal());
        if thread::panicking() {
            eprintln!("--- the server ended by {how:?}; its log\n{}", self.log());
            return;
        }
        assert_ne!(how, Some(libc::SIGSYS), "a call that its list lacks");
        let refused = self.log().contains("refused by seccomp");
        assert!(
            self.refusals || !refused,
            "a call was refused:\n{}",
            self.log()
        );
    }
}
