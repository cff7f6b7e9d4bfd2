//! One session in a process of its own, whose connection is descriptor 0, and
//! a listening socket there.

use std::net::SocketAddr;
use std::process::Command;
use std::time::Instant;

use crate::kit::{
    CONTENT, Supervisor, beside, children, connect_soon, descendants, free_address, gone,
    installed, site, status, unpacked, whole_session, word,
};
use crate::support::control::Control;
use crate::support::server::{IRONFTPD, Site};
use crate::support::{PATIENCE, is_root, left_out};

/// A way to be started for each client.
struct Way {
    site: Site,
    address: SocketAddr,
    supervisor: Supervisor,
}

/// How an inetd is told of the service.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wait {
    /// A process for each connection.
    No,
    /// One process that gets the listening socket.
    Yes,
}

impl Wait {
    fn word(self) -> &'static str {
        match self {
            Wait::No => "nowait",
            Wait::Yes => "wait",
        }
    }
}

impl Way {
    fn openbsd(options: &[(&str, &str)], wait: Wait) -> Result<Way, String> {
        let mut inetd = unpacked("openbsd-inetd", "inetd")?;
        let (site, address) = (site(options), free_address());
        let line = format!(
            "{address} stream tcp {} root {IRONFTPD} ironftpd {}\n",
            wait.word(),
            word(&site.config)
        );
        inetd.arg("-i").arg(beside(&site, "inetd.conf", &line));
        Ok(Way::started(site, address, inetd))
    }

    fn inetutils(options: &[(&str, &str)], wait: Wait) -> Result<Way, String> {
        let mut inetd = unpacked("inetutils-inetd", "inetutils-inetd")?;
        let (site, address) = (site(options), free_address());
        let line = format!(
            "127.0.0.1:{} stream tcp4 {} root {IRONFTPD} ironftpd {}\n",
            address.port(),
            wait.word(),
            word(&site.config)
        );
        let pid_file = site.home.path().join("inetd.pid");
        inetd
            .arg("--debug")
            .arg(format!("--pidfile={}", pid_file.display()))
            .arg(beside(&site, "inetd.conf", &line));
        Ok(Way::started(site, address, inetd))
    }

    fn xinetd(options: &[(&str, &str)], wait: Wait) -> Result<Way, String> {
        let mut xinetd = unpacked("xinetd", "xinetd")?;
        let (site, address) = (site(options), free_address());
        let text = format!(
            "service ftp\n{{\n type = UNLISTED\n socket_type = stream\n protocol = tcp\n \
             bind = 127.0.0.1\n port = {}\n wait = {}\n user = root\n server = {IRONFTPD}\n \
             server_args = {}\n}}\n",
            address.port(),
            if wait == Wait::Yes { "yes" } else { "no" },
            word(&site.config)
        );
        xinetd
            .args(["-dontfork", "-pidfile"])
            .arg(site.home.path().join("xinetd.pid"))
            .arg("-f")
            .arg(beside(&site, "xinetd.conf", &text));
        Ok(Way::started(site, address, xinetd))
    }

    fn socat(options: &[(&str, &str)]) -> Result<Way, String> {
        let mut socat = installed("socat")?;
        let (site, address) = (site(options), free_address());
        let listen = format!("TCP4-LISTEN:{},bind=127.0.0.1,fork", address.port());
        let exec = format!("EXEC:{IRONFTPD} --inetd {},nofork", word(&site.config));
        socat.args([listen, exec]);
        Ok(Way::started(site, address, socat))
    }

    fn tcpserver(options: &[(&str, &str)]) -> Result<Way, String> {
        let mut tcpserver = installed("tcpserver")?;
        let (site, address) = (site(options), free_address());
        let port = address.port().to_string();
        tcpserver
            .args(["-HRl0", "127.0.0.1", &port, IRONFTPD])
            .arg(&site.config);
        Ok(Way::started(site, address, tcpserver))
    }

    fn started(site: Site, address: SocketAddr, command: Command) -> Way {
        Way {
            site,
            address,
            supervisor: Supervisor::start(command),
        }
    }

    fn connect(&self) -> Control {
        connect_soon(self.address)
    }
}

/// What each way must give.
#[track_caller]
fn serves(way: Result<Way, String>) {
    let way = match way {
        Ok(way) => way,
        Err(reason) => return left_out(&reason),
    };
    whole_session(&mut way.connect());
    // Another while the first one lasts, and each in a process that ends.
    let (mut first, mut second) = (way.connect(), way.connect());
    first.expect(220);
    let processes = descendants(way.supervisor.pid());
    assert!(!processes.is_empty());
    whole_session(&mut second);
    first.login_anonymous();
    assert_eq!(first.retrieve("file"), CONTENT);
    first.command("QUIT", 221);
    first.expect_closed();
    for process in processes {
        gone(process);
    }
    assert!(way.site.root.has("file"));
}

#[test]
fn openbsd_inetd_starts_sessions() {
    if !is_root() {
        return left_out("inetd is root's");
    }
    serves(Way::openbsd(&[], Wait::No));
}

#[test]
fn inetutils_inetd_starts_sessions() {
    if !is_root() {
        return left_out("inetd is root's");
    }
    serves(Way::inetutils(&[], Wait::No));
}

#[test]
fn xinetd_starts_sessions() {
    if !is_root() {
        return left_out("xinetd is root's");
    }
    serves(Way::xinetd(&[], Wait::No));
}

#[test]
fn socat_starts_sessions() {
    serves(Way::socat(&[]));
}

#[test]
fn tcpserver_starts_sessions() {
    serves(Way::tcpserver(&[]));
}

#[test]
fn listen_no_means_a_client_on_descriptor_0() {
    serves(Way::socat(&[("listen", "NO")]));
}

#[test]
fn a_session_alone_has_all_walls() {
    if !is_root() {
        return left_out("only root has something to give up");
    }
    let options = [
        ("run_as_launching_user", "NO"),
        ("nopriv_user", "nobody"),
        ("ftp_username", "daemon"),
    ];
    let way = match Way::tcpserver(&options) {
        Ok(way) => way,
        Err(reason) => return left_out(&reason),
    };
    let mut control = way.connect();
    control.expect(220);
    control.login_anonymous();
    let processes = children(way.supervisor.pid());
    let [process] = processes[..] else {
        panic!("{processes:?}");
    };
    let user = status(process, "Uid").unwrap();
    assert!(!user.split_whitespace().any(|id| id == "0"), "{user}");
    // Each of them, the main thread and those that it has started, soon after
    // its birth.
    let end = Instant::now() + PATIENCE;
    while let Some(thread) = bare_thread(process) {
        assert!(Instant::now() < end, "{thread}");
        std::thread::yield_now();
    }
    control.command("QUIT", 221);
    control.expect_closed();
    gone(process);
}

/// What /proc says of a thread that lacks a wall.
fn bare_thread(process: u32) -> Option<String> {
    let tasks = std::fs::read_dir(format!("/proc/{process}/task")).unwrap();
    tasks.flatten().find_map(|task| {
        let text = std::fs::read_to_string(task.path().join("status")).ok()?;
        let walls = ["Seccomp:\t2", "NoNewPrivs:\t1"];
        (!walls.iter().all(|wall| text.contains(wall))).then_some(text)
    })
}

/// A process that has the listening socket: several clients, then its end
/// when nobody comes, and another at the next client.
#[track_caller]
fn waits(way: Result<Way, String>) {
    let way = match way {
        Ok(way) => way,
        Err(reason) => return left_out(&reason),
    };
    let (mut first, mut second) = (way.connect(), way.connect());
    first.expect(220);
    second.expect(220);
    let processes = children(way.supervisor.pid());
    let [process] = processes[..] else {
        panic!("one for all: {processes:?}");
    };
    for control in [&mut first, &mut second] {
        control.login_anonymous();
        assert_eq!(control.retrieve("file"), CONTENT);
    }
    drop((first, second));
    gone(process);
    whole_session(&mut way.connect());
    let processes = children(way.supervisor.pid());
    assert!(!processes.contains(&process), "{processes:?}");
}

#[test]
fn inetd_waits_for_the_server_of_its_listening_socket() {
    if !is_root() {
        return left_out("inetd is root's");
    }
    waits(Way::openbsd(&[("idle_server_timeout", "1")], Wait::Yes));
    waits(Way::inetutils(&[("idle_server_timeout", "1")], Wait::Yes));
}

#[test]
fn xinetd_waits_for_the_server_of_its_listening_socket() {
    if !is_root() {
        return left_out("xinetd is root's");
    }
    waits(Way::xinetd(&[("idle_server_timeout", "1")], Wait::Yes));
}

#[test]
fn a_client_of_a_configuration_that_is_wrong_is_told_500_and_no_diagnosis() {
    // A port that is none, a root that is not there.
    for (name, value) in [("listen_port", "x"), ("anon_root", "/nonexistent")] {
        let way = match Way::socat(&[(name, value)]) {
            Ok(way) => way,
            Err(reason) => return left_out(&reason),
        };
        let mut control = way.connect();
        let reply = control.expect(500);
        let words = "500 OOPS: the configuration of this server is out of order.";
        assert_eq!(reply.text(), words);
        control.expect_closed();
    }
}

#[test]
fn descriptor_0_must_be_a_tcp_socket_for_inetd() {
    use crate::support::process::run;
    let site = site(&[("listen", "NO")]);
    for words in [&[][..], &["--inetd", "-o", "listen=YES"]] {
        let mut command = Command::new(IRONFTPD);
        command.args(words).arg(&site.config);
        let finished = run(&mut command, b"", PATIENCE);
        assert_eq!(finished.status.code(), Some(64), "{}", finished.words());
        let said = String::from_utf8_lossy(&finished.stderr).into_owned();
        assert!(said.contains("descriptor 0 is no TCP socket"), "{said}");
    }
}
