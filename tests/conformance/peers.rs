//! Debian's vsftpd and ProFTPD, serving the same tree as ironftpd to
//! anonymous users. `peers.sh` gets them without installing anything.

use std::fs::{self, File, Permissions};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::{Duration, Instant, SystemTime};

use super::support::is_root;
use super::support::peers::{self, speaking};
use super::support::temp::TempDir;
use super::support::{PATIENCE, server::Launch, server::Server};

/// Fills a server's root with what the dialogues speak of.
pub fn furnish(root: &TempDir) {
    root.file("file", "one\ntwo\n");
    root.file("empty", "");
    root.file("dir/inside", "inside\n");
    root.file(".hidden", "");
    root.link("link", "file");
    let secret = root.file("secret", "x");
    let large = root.file("large", "");
    root.dir("w");
    let write = |path: &Path| File::options().write(true).open(path).unwrap();
    write(&large).set_len(50_000_000).unwrap();
    for name in ["file", "empty", "dir/inside", ".hidden", "large", "secret"] {
        let path = root.path().join(name);
        let time = SystemTime::UNIX_EPOCH + Duration::from_secs(1_234_567_890);
        write(&path).set_modified(time).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
    }
    fs::set_permissions(secret, Permissions::from_mode(0o600)).unwrap();
    fs::set_permissions(root.path().join("dir"), Permissions::from_mode(0o755)).unwrap();
    root.close_to_others();
}

/// ironftpd with that tree.
pub fn ironftpd() -> Server {
    ironftpd_of(Launch::new())
}

/// The same of a launch with more options.
pub fn ironftpd_of(launch: Launch) -> Server {
    let launch = launch.writable().options(&[
        ("ascii_upload_enable", "YES"),
        ("ascii_download_enable", "YES"),
    ]);
    furnish(launch.root());
    launch.start()
}

/// A server that is not ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Peer {
    /// Chris Evans's, with the same settings.
    Vsftpd,
    /// With the nearest it has to them.
    Proftpd,
}

/// One of them, running. Dropping it ends the process.
pub struct Running {
    child: Child,
    /// Where it listens.
    pub address: SocketAddr,
    _root: TempDir,
    _home: TempDir,
}

impl Peer {
    /// Where it is.
    fn program(self) -> Result<PathBuf, String> {
        match self {
            Peer::Vsftpd => peers::vsftpd(),
            // Whose answers are written down, as its `-v` shows it.
            Peer::Proftpd => peers::program("proftpd", "proftpd-core", "Version 1.3.8"),
        }
    }

    /// Starts it; the error says why that cannot be done here.
    pub fn start(self) -> Result<Running, String> {
        self.start_with("")
    }

    /// The same with more lines of vsftpd.conf.
    pub fn start_with(self, settings: &str) -> Result<Running, String> {
        let program = self.program()?;
        if !is_root() {
            return Err("only root can let it serve anonymous users".to_owned());
        }
        let root = TempDir::new();
        let home = TempDir::new();
        furnish(&root);
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = free.local_addr().unwrap();
        drop(free);
        let mut command = Command::new(program);
        match self {
            Peer::Vsftpd => vsftpd(&mut command, &root, &home, (address, settings)),
            Peer::Proftpd => proftpd(&mut command, &root, &home, address),
        }
        let child = speaking(&mut command, &home, "output").map_err(|error| error.to_string())?;
        let mut running = Running {
            child,
            address,
            _root: root,
            _home: home,
        };
        running.wait()?;
        Ok(running)
    }
}

impl Running {
    /// What vsftpd has written to a log of this name.
    pub fn log(&self, name: &str) -> String {
        fs::read_to_string(self._home.path().join(name)).unwrap()
    }

    fn wait(&mut self) -> Result<(), String> {
        let end = Instant::now() + PATIENCE;
        while TcpStream::connect(self.address).is_err() {
            let ended = self.child.try_wait().unwrap().is_some();
            if ended || Instant::now() > end {
                let output = fs::read_to_string(self._home.path().join("output"));
                return Err(format!("did not start: {}", output.unwrap_or_default()));
            }
            std::thread::yield_now();
        }
        Ok(())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn vsftpd(
    command: &mut Command,
    root: &TempDir,
    home: &TempDir,
    (address, more): (SocketAddr, &str),
) {
    let empty = home.dir("empty");
    fs::set_permissions(&empty, Permissions::from_mode(0o755)).unwrap();
    let settings = format!(
        "listen=YES\nlisten_ipv6=NO\nlisten_address=127.0.0.1\nlisten_port={0}\nbackground=NO\n\
         anonymous_enable=YES\nanon_root={1}\nftp_username=daemon\nsecure_chroot_dir={3}\n\
         write_enable=YES\nanon_upload_enable=YES\nanon_mkdir_write_enable=YES\n\
         anon_other_write_enable=YES\nanon_umask=022\nascii_upload_enable=YES\n\
         ascii_download_enable=YES\nconnect_from_port_20=NO\ndelay_failed_login=0\n\
         seccomp_sandbox=NO\nisolate=NO\nisolate_network=NO\ndual_log_enable=YES\n\
         vsftpd_log_file={2}/vsftpd.log\nxferlog_file={2}/xferlog\nlog_ftp_protocol=YES\n{more}",
        address.port(),
        root.path().display(),
        home.path().display(),
        empty.display()
    );
    let file = home.file("vsftpd.conf", settings);
    // It reads none that others may write.
    fs::set_permissions(&file, Permissions::from_mode(0o600)).unwrap();
    command.arg(file);
}

fn proftpd(command: &mut Command, root: &TempDir, home: &TempDir, address: SocketAddr) {
    let here = home.path().display();
    let settings = format!(
        "ServerType standalone\nDefaultAddress 127.0.0.1\nPort {}\nUseIPv6 off\n\
         UseReverseDNS off\nRequireValidShell off\nUser nobody\nGroup nogroup\n\
         PidFile {here}/pid\nScoreboardFile {here}/scoreboard\nSystemLog {here}/log\n\
         TransferLog none\nWtmpLog off\nDelayEngine off\nControlsEngine off\n\
         DelayTable none\n<Anonymous {}>\nUser nobody\nGroup nogroup\n\
         UserAlias anonymous nobody\nUserAlias ftp nobody\nRequireValidShell off\n\
         AllowOverwrite on\nAllowStoreRestart on\nUmask 022\n</Anonymous>\n",
        address.port(),
        root.path().display()
    );
    let file = home.file("proftpd.conf", settings);
    fs::set_permissions(&file, Permissions::from_mode(0o600)).unwrap();
    fs::set_permissions(home.path(), Permissions::from_mode(0o755)).unwrap();
    command.arg("-n").arg("-q").arg("-c").arg(file);
}
