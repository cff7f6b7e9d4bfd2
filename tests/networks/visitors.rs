//! The server of these tests and who visits it: real clients that fetch its
//! file in either mode, and the scripted control connection.

use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::time::{Duration, Instant};

use crate::lab::Host;
use crate::support::client::{Client, url};
use crate::support::control::Control;
use crate::support::data::{accept, read_all};
use crate::support::process::Finished;
use crate::support::server::Launch;
use crate::support::temp::TempDir;
use crate::support::tree::noise;

/// The file every server of these tests has.
pub const FILE: &str = "dir/file";

/// What is in [`FILE`].
pub fn content() -> Vec<u8> {
    noise(300_000)
}

/// A server as an administrator would have it: all addresses, port 21, data
/// from port 20. Each host has its own ports.
pub fn ftpd() -> Launch {
    let launch = Launch::new().options(&[
        ("listen_address", ""),
        ("listen_port", "21"),
        ("connect_from_port_20", "YES"),
    ]);
    launch.root().file(FILE, content());
    launch
}

/// The same for both families on one socket.
pub fn ftpd_for_both() -> Launch {
    ftpd().options(&[("listen", "NO"), ("listen_ipv6", "YES")])
}

/// A numeric address.
pub fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

/// Who opens the data connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mode {
    /// The server: PORT, EPRT.
    Active,
    /// The client: PASV, EPSV.
    Passive,
}
use Mode::Active;

/// Client programs that [`fetch`] knows.
pub const PROGRAMS: [&str; 5] = ["curl", "lftp", "ncftpget", "tnftp", "wget"];

/// What a client program did.
pub struct Fetched {
    /// Its exit status and words.
    pub finished: Finished,
    client: Client,
}

impl Fetched {
    /// Fails the test unless [`FILE`] arrived unchanged.
    #[track_caller]
    pub fn arrived(self) -> Finished {
        let words = self.finished.words();
        assert!(self.client.home().has("file"), "{words}");
        assert!(self.client.home().read("file") == content(), "{words}");
        self.finished
    }

    /// Fails the test if any of [`FILE`] arrived.
    #[track_caller]
    pub fn failed(self) -> Finished {
        let home = self.client.home();
        let got = if home.has("file") {
            home.read("file").len()
        } else {
            0
        };
        assert_eq!(got, 0, "{}", self.finished.words());
        self.finished
    }
}

/// Fetches [`FILE`] from the server at `address` with a client program on
/// `host`, in one mode only.
#[track_caller]
pub fn fetch(host: &Host, program: &str, mode: Mode, address: IpAddr) -> Fetched {
    let address_of_file = url(SocketAddr::new(address, 21), FILE);
    let active = mode == Active;
    let mut script = String::new();
    let words: Vec<&str> = match program {
        "curl" => {
            let mode: &[&str] = if active { &["--ftp-port", "-"] } else { &[] };
            let words = ["-sS", "--fail", "-m", "20", "-o", "file", &address_of_file];
            [mode, &words].concat()
        }
        "wget" => {
            let mode: &[&str] = if active { &["--no-passive-ftp"] } else { &[] };
            [mode, &["-nv", "--tries=1", "--timeout=5", &address_of_file]].concat()
        }
        "lftp" => {
            script = format!(
                "set cmd:fail-exit yes; set net:max-retries 1; set net:timeout 20; \
                 set ftp:ssl-allow no; set cmd:save-cwd-history no; set cmd:verify-path no; \
                 set cmd:save-rl-history no; set ftp:passive-mode {}; set ftp:auto-passive-mode no; \
                 get {address_of_file}",
                !active
            );
            vec!["-c", &script]
        }
        "tnftp" => {
            script = format!("open {address}\nuser anonymous me@\nbinary\nget {FILE} file\nbye\n");
            vec!["-n", "-i", "-v", if active { "-A" } else { "-p" }]
        }
        "ncftpget" => {
            script = address.to_string();
            let mode = if active { "-E" } else { "-F" };
            vec![mode, "-V", "-t", "5", "-r", "1", &script, ".", FILE]
        }
        _ => panic!("{program}?"),
    };
    let package = if program == "ncftpget" {
        "ncftp"
    } else {
        program
    };
    let client = Client::new(program, package);
    let finished = host.inside(|| client.run_script(&words, &script));
    Fetched { finished, client }
}

/// Fetches [`FILE`] with Python's ftplib, which here goes to whatever address
/// the 227 names, as plain clients do; curl, lftp and others mend it.
#[track_caller]
pub fn fetch_believing(host: &Host, address: IpAddr) -> Fetched {
    const SCRIPT: &str = r#"
import ftplib, sys
ftp = ftplib.FTP(timeout=5)
ftp.trust_server_pasv_ipv4_address = True
ftp.connect(sys.argv[1])
ftp.login()
with open("file", "wb") as out:
    ftp.retrbinary("RETR dir/file", out.write)
print(ftp.quit())
"#;
    let client = Client::new("python3", "python3");
    let address = address.to_string();
    let finished = host.inside(|| client.run(&["-I", "-c", SCRIPT, &address]));
    Fetched { finished, client }
}

/// A control connection from `host`, logged in as anonymous.
#[track_caller]
pub fn log_in(host: &Host, address: IpAddr) -> Control {
    host.inside(|| {
        let mut control = Control::connect(SocketAddr::new(address, 21));
        control.login_anonymous();
        control
    })
}

/// [`FILE`] over a connection of the client's making, and on goes the session.
#[track_caller]
pub fn passive_works(host: &Host, control: &mut Control) {
    assert!(host.inside(|| control.retrieve(FILE)) == content());
    control.goes_on();
}

/// [`FILE`] over a connection of the server's making, and on goes the session.
/// Gives where it came from.
#[track_caller]
pub fn active_works(host: &Host, control: &mut Control) -> SocketAddr {
    let listener = host.inside(|| control.active());
    control.command(format!("RETR {FILE}"), 150);
    let (data, peer) = accept(&listener);
    assert!(read_all(data) == content());
    control.expect(226);
    control.goes_on();
    peer
}

/// A transfer for which nothing connects: 425 after about a second, which the
/// server is told to wait, and the session goes on.
#[track_caller]
pub fn fails_in_bounded_time(control: &mut Control) {
    let begin = Instant::now();
    control.command(format!("RETR {FILE}"), 425);
    let took = begin.elapsed();
    assert!(took >= Duration::from_millis(900), "{took:?}: at once");
    assert!(took < Duration::from_secs(10), "{took:?}");
    control.goes_on();
}

/// A hosts file of its own for the server: a program that puts it in place of
/// /etc/hosts, in a mount namespace, and becomes the server. Name servers,
/// which none can be reached, are soon given up.
pub fn with_hosts(hosts: &Path) -> [&str; 6] {
    let put = r#"mount --bind "$0" /etc/hosts && RES_OPTIONS="timeout:1 attempts:1" exec "$@""#;
    [
        "unshare",
        "--mount",
        "sh",
        "-c",
        put,
        hosts.to_str().unwrap(),
    ]
}

/// A file of hosts(5) in a directory of its own.
pub fn hosts_file(lines: &str) -> TempDir {
    let home = TempDir::new();
    home.file("hosts", format!("127.0.0.1 localhost\n{lines}\n"));
    home
}
