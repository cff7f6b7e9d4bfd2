//! Life as process 1, and what containers bring along.

use std::fs;
use std::process::Command;

use crate::kit::{
    Supervisor, children, connect_soon, gone, installed, signal, site, status, whole_session,
};
use crate::support::process::run;
use crate::support::server::{IRONFTPD, Site};
use crate::support::{PATIENCE, is_root, left_out};

/// A server that is process 1 of a namespace of its own.
struct Container {
    _site: Site,
    supervisor: Supervisor,
    /// The server's number outside.
    server: u32,
}

impl Container {
    fn new() -> Result<Container, String> {
        if !is_root() {
            return Err("only root makes namespaces".to_owned());
        }
        let mut unshare = installed("unshare")?;
        let site = site(&[]);
        unshare.args(["--pid", "--fork", "--kill-child", IRONFTPD]);
        unshare.arg(&site.config);
        let supervisor = Supervisor::start(unshare);
        supervisor.wait_for_log("listening on");
        let servers = children(supervisor.pid());
        let [server] = servers[..] else {
            panic!("{servers:?}");
        };
        let inside = status(server, "NSpid").unwrap();
        assert_eq!(inside.split_whitespace().last(), Some("1"), "{inside}");
        Ok(Container {
            _site: site,
            supervisor,
            server,
        })
    }
}

#[test]
fn process_1_hears_signals_and_ends() {
    for number in [libc::SIGTERM, libc::SIGINT] {
        let mut container = match Container::new() {
            Ok(container) => container,
            Err(reason) => return left_out(&reason),
        };
        let line = container.supervisor.wait_for_log("listening on");
        let address = line.rsplit(' ').next().unwrap().parse().unwrap();
        whole_session(&mut connect_soon(address));
        signal(container.server, libc::SIGHUP);
        container
            .supervisor
            .wait_for_log("configuration read again");
        signal(container.server, number);
        assert_eq!(container.supervisor.ended(), Some(0));
    }
}

#[test]
fn process_1_waits_for_orphans() {
    let container = match Container::new() {
        Ok(container) => container,
        Err(reason) => return left_out(&reason),
    };
    // A process whose parent ends before it does, as `docker exec` may leave
    // behind; it ends when its standard input does.
    let mut nsenter = Command::new("nsenter");
    nsenter
        .args(["--pid", "--target", &container.server.to_string()])
        .args(["sh", "-c", "exec 3<&0; (cat <&3 >&3 2>&3 &) ; exit 0"]);
    let (ours, theirs) = std::os::unix::net::UnixStream::pair().unwrap();
    nsenter.stdin(std::os::fd::OwnedFd::from(theirs));
    let mut nsenter_child = nsenter.spawn().unwrap();
    // The pair's other end is the command's too.
    drop(nsenter);
    assert!(nsenter_child.wait().unwrap().success());
    let orphan = loop {
        if let [orphan] = children(container.server)[..] {
            break orphan;
        }
        std::thread::yield_now();
    };
    drop(ours);
    // Gone altogether, not a zombie that its parent has not waited for.
    gone(orphan);
    let end = std::time::Instant::now() + PATIENCE;
    while status(orphan, "State").is_some() {
        assert!(std::time::Instant::now() < end, "{orphan} is a zombie");
        std::thread::yield_now();
    }
}

#[test]
fn a_huge_limit_of_descriptors_does_no_harm() {
    if !is_root() {
        return left_out("only root raises the limit of descriptors");
    }
    let most = fs::read_to_string("/proc/sys/fs/nr_open").unwrap();
    let limit = format!("--nofile={0}:{0}", most.trim());
    let site = site(&[("listen", "NO"), ("background", "NO")]);
    // To the point where it asks for a socket: what is closed one by one, or
    // has a table with a place for each, would take for ever.
    let mut prlimit = Command::new("prlimit");
    prlimit.args([&limit, IRONFTPD]).arg(&site.config);
    let finished = run(&mut prlimit, b"", PATIENCE);
    if String::from_utf8_lossy(&finished.stderr).contains("failed to set") {
        return left_out("this container's root may not raise the limit of descriptors");
    }
    assert_eq!(finished.status.code(), Some(64), "{}", finished.words());
    let mut prlimit = Command::new("prlimit");
    prlimit.args([&limit, IRONFTPD]).arg(&site.config);
    prlimit.args(["-o", "listen=YES"]);
    let supervisor = Supervisor::start(prlimit);
    let line = supervisor.wait_for_log("listening on");
    let address = line.rsplit(' ').next().unwrap().parse().unwrap();
    whole_session(&mut connect_soon(address));
    let size = status(supervisor.pid(), "FDSize").unwrap();
    assert!(size.parse::<u32>().unwrap() <= 1024, "{size}");
}

#[test]
fn what_was_left_open_is_closed_and_the_environment_cleared() {
    let site = site(&[]);
    let mut shell = Command::new("sh");
    shell
        .args([
            "-c",
            "exec 7</dev/zero 9</etc/passwd; exec \"$0\" \"$1\"",
            IRONFTPD,
        ])
        .arg(&site.config)
        .env("TZ", "UTC")
        .env("SECRET_OF_THE_SHELL", "x");
    let supervisor = Supervisor::start(shell);
    supervisor.wait_for_log("listening on");
    let process = supervisor.pid();
    for entry in fs::read_dir(format!("/proc/{process}/fd")).unwrap() {
        let to = fs::read_link(entry.unwrap().path()).unwrap_or_default();
        let to = to.display().to_string();
        assert!(to != "/dev/zero" && to != "/etc/passwd", "{to}");
    }
    // What execve(2) was given stays to be seen in /proc; what a child would
    // get is tested with the function itself (tests/walls).
    let limits = fs::read_to_string(format!("/proc/{process}/limits")).unwrap();
    let core = limits.lines().find(|line| line.contains("core file"));
    let core: Vec<&str> = core.unwrap().split_whitespace().collect();
    assert_eq!(core[4..6], ["0", "0"], "{limits}");
}
