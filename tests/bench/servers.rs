//! Starts and stops the servers under measurement.
//!
//! ironftpd and vsftpd get the very same configuration file; what only one of
//! them needs is on its command line. Each server has an address of its own in
//! 127.0.0.0/8 and the same port, so that their connections never meet.
//! Each is ended by its process id: when dropped, when the benchmark panics,
//! and on SIGINT, SIGTERM or SIGHUP.

use std::fs::{self, File};
use std::io::Read;
use std::net::{Ipv4Addr, SocketAddrV4, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use crate::accounts;
use crate::cases::Place;
use crate::sys::{self, Birth};
use crate::tls;
use crate::usage::{self, Group, Meter};

/// The control port of every server.
const PORT: u16 = 2121;

/// The passive range: below the usual ip_local_port_range, as a range inside
/// it clashes with connections in TIME_WAIT.
const PASSIVE: (u16, u16) = (20_000, 29_999);

/// More sessions than any case opens.
const SESSIONS: u32 = 25_000;

/// The servers, in the order of the report's columns.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Kind {
    /// Ours.
    Ironftpd,
    /// Debian's vsftpd, with our configuration file.
    Vsftpd,
    /// Debian's Pure-FTPd.
    PureFtpd,
    /// pyftpdlib from PyPI.
    Pyftpdlib,
    /// Debian's ProFTPD, measured under TLS alone.
    Proftpd,
}

/// All of them.
pub const ALL: [Kind; 5] = [
    Kind::Ironftpd,
    Kind::Vsftpd,
    Kind::PureFtpd,
    Kind::Pyftpdlib,
    Kind::Proftpd,
];

impl Kind {
    /// Whether it is measured at a place: users of the system are those of a
    /// PAM file, and of a configuration file, that only these two read alike.
    pub fn serves(self, place: Place) -> bool {
        match place {
            Place::Memory | Place::Disk => self != Kind::Proftpd,
            Place::Tls => self != Kind::Pyftpdlib,
            Place::Users(_) => matches!(self, Kind::Ironftpd | Kind::Vsftpd) && sys::is_root(),
        }
    }

    /// The name on the command line and in the report.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Ironftpd => "ironftpd",
            Kind::Vsftpd => "vsftpd",
            Kind::PureFtpd => "pure-ftpd",
            Kind::Pyftpdlib => "pyftpdlib",
            Kind::Proftpd => "proftpd",
        }
    }

    fn address(self) -> SocketAddrV4 {
        SocketAddrV4::new(Ipv4Addr::new(127, 0, 0, 11 + self as u8), PORT)
    }
}

/// Where things are.
pub struct Places {
    /// The ironftpd to measure.
    pub ironftpd: PathBuf,
    /// What `peers.sh` filled.
    pub peers: PathBuf,
    /// Configuration files and the servers' own output.
    pub scratch: PathBuf,
}

/// A server that accepts logins.
pub struct Server {
    /// Which one.
    pub kind: Kind,
    /// Its control port.
    pub address: SocketAddrV4,
    /// Its CPU and memory.
    pub meter: Meter,
    child: Child,
    log: PathBuf,
}

/// What is to be ended on a signal: pid, and the group's members if it has one.
static RUNNING: Mutex<Vec<u32>> = Mutex::new(Vec::new());

/// Ends every server still running; for the signal thread.
pub fn end_all() {
    for pid in RUNNING
        .lock()
        .unwrap_or_else(|poison| poison.into_inner())
        .drain(..)
    {
        sys::kill(pid, libc::SIGTERM);
    }
}

/// What a server is to serve, and to whom.
#[derive(Clone, Copy)]
pub struct Site<'a> {
    /// The directory.
    pub root: &'a Path,
    /// Whether users of the system log in, and how they are checked.
    pub place: Place,
}

impl Site<'_> {
    fn label(&self) -> String {
        let name = self.root.file_name().unwrap_or_default().to_string_lossy();
        match self.place {
            Place::Memory | Place::Disk => name.into_owned(),
            Place::Tls => format!("{name}-tls"),
            Place::Users(check) => format!("{name}-{}", accounts::service(check)),
        }
    }
}

/// The configuration both ironftpd and vsftpd read. An option is here only if
/// both know it.
fn configuration(site: Site<'_>, places: &Places) -> String {
    let users = match site.place {
        Place::Memory | Place::Disk => String::new(),
        Place::Tls => format!(
            "ssl_enable=YES\nallow_anon_ssl=YES\nrsa_cert_file={}\nrequire_ssl_reuse=NO\nssl_ciphers=HIGH\n",
            tls::pair(&places.scratch).display()
        ),
        Place::Users(check) => accounts::options(check),
    };
    let port_20 = if sys::is_root() { "YES" } else { "NO" };
    let (min, max) = PASSIVE;
    format!(
        "# Written by the benchmark; read by ironftpd and by vsftpd.\n\
         listen=YES\nlisten_ipv6=NO\nlisten_port={PORT}\nbackground=NO\n\
         anonymous_enable=YES\nanon_root={}\nanon_umask=022\n\
         write_enable=YES\nanon_upload_enable=YES\nanon_mkdir_write_enable=YES\n\
         connect_from_port_20={port_20}\npasv_min_port={min}\npasv_max_port={max}\n\
         max_clients={SESSIONS}\nmax_per_ip={SESSIONS}\n\
         idle_session_timeout=900\ndata_connection_timeout=60\n{users}",
        site.root.display()
    )
}

impl Server {
    /// Starts `kind` at a site and waits for its greeting; the
    /// error is the reason for the report. Call it from the main thread: the
    /// server ends with the thread that started it.
    pub fn start(kind: Kind, site: Site<'_>, places: &Places) -> Result<Server, String> {
        let label = site.label();
        let stem = places.scratch.join(format!("{}-{label}", kind.name()));
        let log = stem.with_extension("log");
        let mut command = command(kind, site, places, &stem)?;
        let open = || File::create(&log).map_err(|error| format!("{}: {error}", log.display()));
        let output = open()?;
        let again = || output.try_clone().map_err(|error| error.to_string());
        // vsftpd reports a start that failed on descriptor 0.
        if kind == Kind::Vsftpd {
            command.stdin(again()?);
        } else {
            command.stdin(Stdio::null());
        }
        command
            .stdout(again()?)
            .stderr(again()?)
            .env_remove("RUST_LOG");
        let group = Group::create(&format!("{}-{label}", kind.name()));
        let etc = match sys::is_root() {
            true => Some(accounts::etc(site, &stem)?),
            false => None,
        };
        sys::prepare(
            &mut command,
            Birth {
                group: group.as_ref().and_then(Group::members),
                etc,
            },
        );
        let child = command
            .spawn()
            .map_err(|error| format!("{:?}: {error}", command.get_program()))?;
        RUNNING
            .lock()
            .unwrap_or_else(|poison| poison.into_inner())
            .push(child.id());
        let meter = Meter {
            pid: child.id(),
            group,
        };
        let mut server = Server {
            kind,
            address: kind.address(),
            meter,
            child,
            log,
        };
        server.wait()?;
        Ok(server)
    }

    /// Waits, for a while, until no more processes are left than `count`: a
    /// session's processes end some time after the session.
    pub fn shrink_to(&self, count: usize) {
        let end = Instant::now() + Duration::from_secs(30);
        while self.meter.processes().len() > count && Instant::now() < end {
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Whether its first process still runs.
    pub fn alive(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    fn wait(&mut self) -> Result<(), String> {
        let end = Instant::now() + Duration::from_secs(10);
        while Instant::now() < end {
            if let Ok(Some(status)) = self.child.try_wait() {
                return Err(format!("ended at once ({status}): {}", self.last_words()));
            }
            if let Ok(mut stream) = TcpStream::connect(self.address) {
                let _ = stream.set_read_timeout(Some(Duration::from_secs(5)));
                let mut greeting = [0; 3];
                if stream.read_exact(&mut greeting).is_ok() && &greeting == b"220" {
                    return Ok(());
                }
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Err(format!("no greeting within 10 s: {}", self.last_words()))
    }

    /// The last line it wrote, for the report.
    pub fn last_words(&self) -> String {
        let text = fs::read_to_string(&self.log).unwrap_or_default();
        let line = text.lines().rev().find(|line| !line.trim().is_empty());
        line.map_or("it said nothing".into(), |line| {
            line.chars().take(200).collect()
        })
    }
}

impl Server {
    /// What the first process left behind, finished children it never waited
    /// for included, is this process's to reap.
    fn reap_orphans(&self) {
        let end = Instant::now() + Duration::from_secs(10);
        loop {
            let running = RUNNING
                .lock()
                .unwrap_or_else(|poison| poison.into_inner())
                .clone();
            let mut orphans = usage::children(std::process::id());
            orphans.retain(|orphan| !running.contains(orphan));
            orphans.iter().for_each(|orphan| sys::reap(*orphan));
            let group = self.meter.group.as_ref();
            let done = orphans.is_empty() && group.is_none_or(|group| group.processes().is_empty());
            if done || Instant::now() > end {
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let pid = self.child.id();
        let members: Vec<_> = self
            .meter
            .processes()
            .into_iter()
            .filter(|member| *member != pid)
            .collect();
        // Asked first, so that a server that counts or cleans up may.
        sys::kill(pid, libc::SIGTERM);
        let end = Instant::now() + Duration::from_secs(2);
        while self.alive() && Instant::now() < end {
            std::thread::sleep(Duration::from_millis(10));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
        let left = match &self.meter.group {
            Some(group) => group.processes(),
            // Without a group only what was seen a moment ago is known; a
            // process that has gone since has not had its number reused yet.
            None => members,
        };
        for member in &left {
            sys::kill(*member, libc::SIGKILL);
        }
        self.reap_orphans();
        RUNNING
            .lock()
            .unwrap_or_else(|poison| poison.into_inner())
            .retain(|running| *running != pid);
    }
}

fn command(kind: Kind, site: Site<'_>, places: &Places, stem: &Path) -> Result<Command, String> {
    let program = match kind {
        Kind::Ironftpd => places.ironftpd.clone(),
        Kind::Vsftpd => places.peers.join("vsftpd/usr/sbin/vsftpd"),
        Kind::PureFtpd => places.peers.join("pure-ftpd/usr/sbin/pure-ftpd"),
        Kind::Pyftpdlib => places.peers.join("pyftpdlib/bin/python"),
        Kind::Proftpd => places.peers.join("proftpd/usr/sbin/proftpd"),
    };
    if !program.exists() {
        let reason = fs::read_to_string(places.peers.join(format!("{}.missing", kind.name())));
        let said = reason.map(|text| text.trim().to_owned());
        return Err(said.unwrap_or_else(|_| {
            format!("no {} (tests/bench/peers.sh gets it)", program.display())
        }));
    }
    if matches!(kind, Kind::Vsftpd | Kind::PureFtpd | Kind::Proftpd) && !sys::is_root() {
        return Err("needs root".into());
    }
    let conf = places.scratch.join(stem.with_extension("conf"));
    let (ip, (min, max)) = (kind.address().ip().to_string(), PASSIVE);
    let write_conf = || {
        fs::write(&conf, configuration(site, places))
            .map_err(|error| format!("{}: {error}", conf.display()))
    };
    let mut command = Command::new(program);
    match kind {
        Kind::Ironftpd => {
            write_conf()?;
            command
                .arg("-o")
                .arg(format!("listen_address={ip}"))
                .args(["-o", "control_socket="])
                .arg(&conf);
        }
        Kind::Vsftpd => {
            write_conf()?;
            let empty = places.scratch.join("empty");
            let _ = fs::create_dir(&empty);
            // Its system call filter dates from before calls today's libc makes.
            command
                .arg(&conf)
                .arg("-oseccomp_sandbox=NO")
                .arg(format!("-olisten_address={ip}"));
            command.arg(format!("-osecure_chroot_dir={}", empty.display()));
        }
        Kind::PureFtpd => {
            // -e anonymous only, -H no DNS, -f none no syslog, -L entries of a
            // listing (10,000 by default), -I minutes.
            command.args([
                "-e", "-H", "-f", "none", "-I", "15", "-U", "022:022", "-L", "300000:3",
            ]);
            command
                .arg("-S")
                .arg(format!("{ip},{PORT}"))
                .arg("-p")
                .arg(format!("{min}:{max}"));
            command.arg("-c").arg(SESSIONS.to_string());
            if site.place == Place::Tls {
                command
                    .args(["-Y", "1", "-2"])
                    .arg(tls::pair(&places.scratch));
            }
        }
        Kind::Proftpd => {
            fs::write(&conf, proftpd(site, places))
                .map_err(|error| format!("{}: {error}", conf.display()))?;
            command.arg("-n").arg("-c").arg(&conf);
            let libraries = places.peers.join("proftpd/usr/lib");
            let machine = format!("{}-linux-gnu", std::env::consts::ARCH);
            command.env("LD_LIBRARY_PATH", libraries.join(machine));
        }
        Kind::Pyftpdlib => {
            command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bench/pyftpd.py"));
            command
                .args([&ip, &PORT.to_string(), &min.to_string(), &max.to_string()])
                .arg(site.root);
        }
    }
    Ok(command)
}

/// ProFTPD's own configuration.
fn proftpd(site: Site<'_>, places: &Places) -> String {
    let address = Kind::Proftpd.address();
    let (min, max) = PASSIVE;
    let home = places.peers.join("proftpd");
    let (root, scratch) = (site.root.display(), places.scratch.display());
    let pair = tls::pair(&places.scratch);
    let pair = pair.display();
    format!(
        "ServerType standalone\nDefaultAddress {}\nPort {}\nSocketBindTight on\nUseIPv6 off\n\
         ModulePath {}/usr/lib/proftpd\nLoadModule mod_tls.c\nUser nobody\nGroup nogroup\n\
         PassivePorts {min} {max}\nMaxInstances none\nTransferLog none\nWtmpLog off\nUseReverseDNS off\n\
         DelayEngine off\nPidFile {scratch}/proftpd.pid\nScoreboardFile {scratch}/proftpd.scores\nSystemLog none\n\
         RequireValidShell off\nAuthPAM off\nTLSEngine on\nTLSProtocol TLSv1.2 TLSv1.3\n\
         TLSECCertificateFile {pair}\nTLSECCertificateKeyFile {pair}\nTLSOptions NoSessionReuseRequired\n\
         TLSLog none\nTLSRenegotiate none\nTLSVerifyClient off\nAllowOverwrite on\n\
         <Anonymous {root}>\nUser nobody\nGroup nogroup\nUserAlias anonymous nobody\n\
         RequireValidShell off\nMaxClients none\nUmask 022\n</Anonymous>\n",
        address.ip(),
        address.port(),
        home.display(),
    )
}
