//! background=YES and pid_file.

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;

use crate::kit::{
    connect_soon, free_address, gone, installed, signal, site, status, whole_session,
};
use crate::support::process::{Finished, run};
use crate::support::server::{IRONFTPD, Site};
use crate::support::{PATIENCE, left_out};

/// A server in the background, ended when dropped.
struct InBackground {
    site: Site,
    number: u32,
}

impl InBackground {
    fn pid_file(site: &Site) -> std::path::PathBuf {
        site.home.path().join("pid")
    }

    /// Takes over the server that `start` has started, which must have ended
    /// well: and with it, all that kept its standard streams open.
    #[track_caller]
    fn started(site: Site, start: impl FnOnce(&Path) -> Finished) -> InBackground {
        let finished = start(&site.config).succeed();
        let text = fs::read_to_string(InBackground::pid_file(&site)).unwrap();
        let number = text.trim_end().parse();
        let number = number.unwrap_or_else(|_| panic!("{text:?}: {}", finished.words()));
        InBackground { site, number }
    }
}

impl Drop for InBackground {
    fn drop(&mut self) {
        signal(self.number, libc::SIGKILL);
    }
}

fn options(port: &str, pid_file: &str) -> Vec<(String, String)> {
    [
        ("background", "YES"),
        ("listen_port", port),
        ("pid_file", pid_file),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .to_vec()
}

/// A site for the background on a port of its own.
fn background_site(port: u16) -> Site {
    let site = site(&[]);
    let pid_file = InBackground::pid_file(&site);
    let mut text = fs::read_to_string(&site.config).unwrap();
    for (name, value) in options(&port.to_string(), pid_file.to_str().unwrap()) {
        text.push_str(&format!("{name}={value}\n"));
    }
    fs::write(&site.config, text).unwrap();
    site
}

fn descriptors(number: u32) -> Vec<(String, String)> {
    let folder = fs::read_dir(format!("/proc/{number}/fd")).unwrap();
    folder
        .flatten()
        .filter_map(|entry| {
            let to = fs::read_link(entry.path()).ok()?;
            let number = entry.file_name().into_string().ok()?;
            Some((number, to.display().to_string()))
        })
        .collect()
}

#[test]
fn the_command_ends_when_the_server_answers_and_lets_go_of_its_streams() {
    let address = free_address();
    let server = InBackground::started(background_site(address.port()), |config| {
        run(Command::new(IRONFTPD).arg(config), b"", PATIENCE)
    });
    // At once, without a second try.
    let stream = std::net::TcpStream::connect(address).unwrap();
    let mut control = crate::support::control::Control::over(stream, address);
    whole_session(&mut control);
    assert_eq!(status(server.number, "PPid").as_deref(), Some("1"));
    for standard in ["0", "1", "2"] {
        let open = descriptors(server.number);
        let to = open.iter().find(|(number, _)| number == standard);
        assert_eq!(to.unwrap().1, "/dev/null", "{open:?}");
    }
    signal(server.number, libc::SIGTERM);
    gone(server.number);
    let left = fs::read(InBackground::pid_file(&server.site)).unwrap();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn the_terminal_is_left() {
    let mut script = match installed("script") {
        Ok(script) => script,
        Err(reason) => return left_out(&reason),
    };
    let address = free_address();
    let server = InBackground::started(background_site(address.port()), |config| {
        let command = format!("{IRONFTPD} {}", config.display());
        script.args(["-qec", &command, "/dev/null"]);
        // script(1) ends the terminal, with whatever is still on it.
        run(&mut script, b"", PATIENCE)
    });
    whole_session(&mut connect_soon(address));
    let stat = fs::read_to_string(format!("/proc/{}/stat", server.number)).unwrap();
    let fields: Vec<&str> = stat
        .rsplit(')')
        .next()
        .unwrap()
        .split_whitespace()
        .collect();
    // State, parent, group, session, terminal.
    assert_eq!(fields[3], server.number.to_string(), "{stat}");
    assert_eq!(fields[4], "0", "{stat}");
    let open = descriptors(server.number);
    assert!(
        !open.iter().any(|(_, to)| to.starts_with("/dev/pts")),
        "{open:?}"
    );
}

#[test]
fn a_file_that_standard_error_is_stays_the_log() {
    let address = free_address();
    let site = background_site(address.port());
    let log = site.home.path().join("log");
    let server = InBackground::started(site, |config| {
        let mut shell = Command::new("sh");
        shell.args(["-c", "exec \"$0\" \"$1\" 2>\"$2\"", IRONFTPD]);
        run(shell.arg(config).arg(&log), b"", PATIENCE)
    });
    whole_session(&mut connect_soon(address));
    signal(server.number, libc::SIGTERM);
    gone(server.number);
    let text = fs::read_to_string(&log).unwrap();
    for words in ["listening on", "logged in", "stopping on"] {
        assert!(text.contains(words), "{words}: {text}");
    }
}

#[test]
fn an_error_is_the_command_s_own() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let site = background_site(port);
    let finished = run(Command::new(IRONFTPD).arg(&site.config), b"", PATIENCE);
    assert_eq!(finished.status.code(), Some(69), "{}", finished.words());
    let said = String::from_utf8_lossy(&finished.stderr).into_owned();
    assert!(said.contains(&port.to_string()), "{said}");
    // Nothing was left behind that says a server runs.
    assert!(!InBackground::pid_file(&site).exists());

    drop(taken);
    let finished = run(
        Command::new(IRONFTPD)
            .arg(&site.config)
            .args(["-o", "pid_file=/nonexistent/pid"]),
        b"",
        PATIENCE,
    );
    assert_eq!(finished.status.code(), Some(77), "{}", finished.words());
    let said = String::from_utf8_lossy(&finished.stderr).into_owned();
    assert!(said.contains("pid_file"), "{said}");
}

#[test]
fn an_error_is_known_to_a_command_that_was_started_with_children_ignored() {
    use std::os::unix::process::CommandExt;
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let site = background_site(taken.local_addr().unwrap().port());
    let mut command = Command::new(IRONFTPD);
    // SAFETY: signal(2) is async-signal-safe, and SIG_IGN runs no code.
    unsafe {
        command.pre_exec(|| {
            libc::signal(libc::SIGCHLD, libc::SIG_IGN);
            Ok(())
        });
    }
    let finished = run(command.arg(&site.config), b"", PATIENCE);
    assert_eq!(finished.status.code(), Some(69), "{}", finished.words());
}
