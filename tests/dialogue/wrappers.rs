//! tcp_wrappers: hosts.allow and hosts.deny say who may connect, and a rule may
//! name a configuration for its clients. What rules mean is tested in
//! `protocol::wrappers`, against libwrap's verdicts.

use std::net::{IpAddr, SocketAddr};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use crate::support::accounts::{
    PASSWORD, PASSWORD_FILE, Service, User, launch, may_mount, with_files_over,
};
use crate::support::control::Control;
use crate::support::server::{Launch, Server};
use crate::support::temp::TempDir;
use crate::support::{is_root, is_vsftpd, left_out};

/// The two files, which the server has in place of the machine's.
struct Rules {
    place: TempDir,
    allow: PathBuf,
    deny: PathBuf,
}

impl Rules {
    /// `None` where files cannot be laid over others.
    fn new(allow: &str, deny: &str) -> Option<Rules> {
        if !is_root() || !may_mount() {
            left_out("needs root who may mount, to lay rules over /etc/hosts.allow");
            return None;
        }
        if !["/etc/hosts.allow", "/etc/hosts.deny"]
            .iter()
            .all(|path| std::path::Path::new(path).exists())
        {
            left_out("/etc/hosts.allow and hosts.deny are not there to be laid over");
            return None;
        }
        let place = TempDir::new();
        Some(Rules {
            allow: place.file("hosts.allow", allow),
            deny: place.file("hosts.deny", deny),
            place,
        })
    }

    /// Writes a file anew, in place: it is mounted elsewhere.
    fn change(path: &PathBuf, text: &str) {
        std::fs::write(path, text).unwrap();
    }

    fn start(&self, launch: Launch) -> Server {
        let words = with_files_over(&[
            (&self.allow, "/etc/hosts.allow"),
            (&self.deny, "/etc/hosts.deny"),
        ]);
        // Data connections come from the machine's usual address.
        let options = [("tcp_wrappers", "YES"), ("pasv_promiscuous", "YES")];
        launch.options(&options).through(&words).start()
    }

    /// Writes the configuration for some clients, and gives its name.
    fn configuration(&self, text: &str) -> String {
        let path = self.place.file("some.conf", text);
        path.to_str().unwrap().to_owned()
    }
}

/// A client at this address of this machine.
fn from(address: &str, server: &Server) -> Control {
    let address: IpAddr = address.parse().unwrap();
    Control::connect_from(SocketAddr::new(address, 0), server.address())
}

#[track_caller]
fn turned_away(address: &str, server: &Server) {
    let mut control = from(address, server);
    let reply = control.expect(421);
    assert_eq!(reply.words(), "Service not available.");
    control.expect_closed();
}

#[track_caller]
fn welcome(address: &str, server: &Server) -> Control {
    let mut control = from(address, server);
    control.expect(220);
    control.login_anonymous();
    control
}

#[test]
fn who_may_not_connect_gets_421() {
    let Some(rules) = Rules::new("vsftpd: 127.0.0.1\n", "ALL: ALL EXCEPT 127.0.0.3\n") else {
        return;
    };
    let launch = Launch::new();
    launch.root().file("file", "12345");
    let server = rules.start(launch);
    assert_eq!(welcome("127.0.0.1", &server).retrieve("file"), b"12345");
    turned_away("127.0.0.2", &server);
    welcome("127.0.0.3", &server);
}

#[test]
fn rules_count_as_soon_as_they_are_written() {
    let Some(rules) = Rules::new("", "") else {
        return;
    };
    let server = rules.start(Launch::new());
    let mut before = welcome("127.0.0.1", &server);
    Rules::change(&rules.deny, "vsftpd: 127.\n");
    turned_away("127.0.0.1", &server);
    Rules::change(&rules.allow, "vsftpd: 127.0.0.2\n");
    turned_away("127.0.0.1", &server);
    welcome("127.0.0.2", &server);
    before.goes_on();
}

#[test]
fn without_tcp_wrappers_nobody_asks() {
    let Some(rules) = Rules::new("", "ALL: ALL\n") else {
        return;
    };
    let words = with_files_over(&[(&rules.deny, "/etc/hosts.deny")]);
    let server = Launch::new().through(&words).start();
    server.anonymous().goes_on();
}

#[test]
fn a_rule_may_name_a_configuration_for_its_clients() {
    let Some(rules) = Rules::new("", "") else {
        return;
    };
    let launch = Launch::new().option("cmds_denied", "SIZE");
    launch.root().file("file", "12345");
    let path = rules.configuration("ftpd_banner=For some\ncmds_denied=PWD\nmax_per_ip=1\n");
    let rule = format!("vsftpd: 127.0.0.2: setenv VSFTPD_LOAD_CONF {path}\n");
    Rules::change(&rules.allow, &rule);
    let server = rules.start(launch);
    let mut usual = welcome("127.0.0.1", &server);
    usual.command("SIZE file", 550);
    usual.command("PWD", 257);
    welcome("127.0.0.1", &server);
    let mut some = from("127.0.0.2", &server);
    assert_eq!(some.expect(220).words(), "For some");
    some.login_anonymous();
    some.command("SIZE file", 213);
    some.command("PWD", 550);
    assert_eq!(some.retrieve("file"), b"12345");
    // Its limit is for its own.
    from("127.0.0.2", &server).expect(421);
    welcome("127.0.0.1", &server);
}

#[test]
fn a_configuration_out_of_order_keeps_its_clients_out() {
    let Some(rules) = Rules::new("", "") else {
        return;
    };
    let path = rules.configuration("frobnicate=YES\n");
    let rule = format!(
        "vsftpd: 127.0.0.2: setenv VSFTPD_LOAD_CONF {path}\n\
         vsftpd: 127.0.0.3: setenv VSFTPD_LOAD_CONF /nonexistent\n"
    );
    Rules::change(&rules.allow, &rule);
    let server = rules.start(Launch::new());
    if is_vsftpd() {
        // Which has no end of line.
        return;
    }
    for address in ["127.0.0.2", "127.0.0.3"] {
        let mut control = from(address, &server);
        assert!(control.expect(500).words().starts_with("OOPS: "));
        control.expect_closed();
    }
    server.wait_for_log("unknown option \"frobnicate\"");
    // Once it is in order it counts.
    rules.configuration("ftpd_banner=In order\n");
    assert_eq!(from("127.0.0.2", &server).expect(220).words(), "In order");
    welcome("127.0.0.1", &server);
}

/// Sessions go to workers of their own: another root, other rights.
#[test]
fn clients_of_a_configuration_have_a_root_and_rights_of_their_own() {
    let Some(rules) = Rules::new("", "") else {
        return;
    };
    if is_vsftpd() {
        return;
    }
    let other = TempDir::new();
    other.file("other", "abc");
    let launch = Launch::new();
    launch.root().file("file", "12345");
    let path = rules.configuration(&format!(
        "anon_root={}\nwrite_enable=YES\nanon_upload_enable=YES\nanon_umask=022\n",
        other.path().display()
    ));
    let rule = format!("ironftpd: 127.0.0.2: setenv VSFTPD_LOAD_CONF {path}\n");
    Rules::change(&rules.allow, &rule);
    let server = rules.start(launch);
    let mut usual = welcome("127.0.0.1", &server);
    let mut some = welcome("127.0.0.2", &server);
    assert_eq!(usual.listing("NLST"), ["file"]);
    assert_eq!(some.listing("NLST"), ["other"]);
    some.store("new", b"abcdef");
    assert_eq!(other.read("new"), b"abcdef");
    usual.denied("STOR new");
    assert_eq!(usual.retrieve("file"), b"12345");
    // After REIN it is still the same client.
    some.command("REIN", 220);
    some.login_anonymous();
    assert_eq!(some.listing("NLST"), ["new", "other"]);
}

#[test]
fn rules_that_cannot_be_read_let_nobody_in() {
    let Some(rules) = Rules::new("", "") else {
        return;
    };
    if is_vsftpd() {
        return;
    }
    let file = rules.place.file("none", "");
    let words = with_files_over(&[(&file, "/etc/hosts.allow")]);
    let launch = Launch::new().option("tcp_wrappers", "YES");
    // Larger than any file of rules.
    Rules::change(&file, &"#\n".repeat(700_000));
    let server = launch.through(&words).start();
    turned_away("127.0.0.1", &server);
    Rules::change(&file, "");
    welcome("127.0.0.1", &server);
}

#[test]
fn names_of_clients_are_looked_up_and_must_lead_back() {
    let Some(rules) = Rules::new("vsftpd: localhost\n", "ALL: ALL\n") else {
        return;
    };
    let server = rules.start(Launch::new());
    welcome("127.0.0.1", &server);
    // It has no name, or one that leads elsewhere.
    turned_away("127.0.0.77", &server);
}

#[test]
fn many_clients_at_once_are_asked_about() {
    let Some(rules) = Rules::new("vsftpd: LOCAL\n", "ALL: ALL\n") else {
        return;
    };
    let server = rules.start(Launch::new());
    let controls: Vec<Control> = (0..50)
        .map(|_| Control::connect_ungreeted(server.address()))
        .collect();
    for mut control in controls {
        control.expect(220);
        control.login_anonymous();
    }
}

/// Users of the system are let in from some addresses alone, by a server that
/// is nobody and has been told at its start that it will have to become them.
#[test]
fn users_may_be_let_in_from_some_addresses_alone() {
    let Some(rules) = Rules::new("", "") else {
        return;
    };
    if is_vsftpd() {
        return;
    }
    let service = Service::new("wrapped", PASSWORD_FILE);
    let user = User::new("wrap");
    user.home.file("mine", "12345");
    let path = rules.configuration("local_enable=YES\nanonymous_enable=NO\n");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    let rule = format!("vsftpd: 127.0.0.2: setenv VSFTPD_LOAD_CONF {path}\n");
    Rules::change(&rules.allow, &rule);
    let server = rules.start(launch(&service).option("local_enable", "NO"));
    let mut control = from("127.0.0.2", &server);
    control.expect(220);
    control.login(&user.account.name, PASSWORD);
    assert_eq!(control.retrieve("mine"), b"12345");
    let mut control = from("127.0.0.2", &server);
    control.expect(220);
    control.command("USER anonymous", 331);
    control.command("PASS x", 530);
    let mut control = from("127.0.0.1", &server);
    control.expect(220);
    control.command(format!("USER {}", user.account.name), 530);
    control.command(format!("PASS {PASSWORD}"), 503);
    welcome("127.0.0.1", &server);
}
