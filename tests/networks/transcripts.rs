//! What wget and tnftp say to the server, in their order, over a network.

use crate::flat::{SERVER, network};
use crate::lab::possible;
use crate::support::client::Client;
use crate::support::server::Server;
use crate::support::tree::noise;
use crate::visitors::Mode::{self, Active, Passive};
use crate::visitors::{content, fetch, ftpd, ip};

/// The commands of the only session, from the log of log_ftp_protocol.
fn commands(server: &Server) -> Vec<String> {
    let log = server.log();
    let lines = log.lines().filter_map(|line| line.split_once(": -> "));
    lines
        .map(|(_, command)| command.trim_end().to_owned())
        .collect()
}

fn wget_speaks(mode: Mode) {
    if !possible() {
        return;
    }
    let (here, there) = network();
    let server = here.start(ftpd().option("log_ftp_protocol", "YES"));
    fetch(&there, "wget", mode, ip(SERVER)).arrived();
    server.wait_for_log("<- 226");
    let said = commands(&server);
    let opening = if mode == Active { "PORT" } else { "PASV" };
    let wanted = [
        "SYST",
        "PWD",
        "TYPE I",
        "CWD",
        "SIZE file",
        opening,
        "RETR file",
    ];
    // The pathname in CWD and the port in PORT are the client's own choice.
    let short = said[2..]
        .iter()
        .map(|command| match command.split_once(' ') {
            Some((verb @ ("CWD" | "PORT"), _)) => verb,
            _ => command,
        });
    assert_eq!(short.collect::<Vec<_>>(), wanted, "{}", server.log());
    assert_eq!(said[0], "USER anonymous");
    assert!(said[1].starts_with("PASS"), "{}", said[1]);
}

#[test]
fn wget_asks_syst_pwd_type_cwd_size_pasv_and_retr() {
    wget_speaks(Passive);
}

#[test]
fn wget_asks_syst_pwd_type_cwd_size_port_and_retr() {
    wget_speaks(Active);
}

#[test]
fn an_ftp_user_who_is_refused_active_mode_is_told_to_go_passive_and_does() {
    if !possible() {
        return;
    }
    let (here, there) = network();
    let launch = ftpd().writable().option("port_enable", "NO");
    launch.root().file("readme", "read me\n");
    let server = here.start(launch);
    let client = Client::new("tnftp", "tnftp");
    let upload = noise(100_000);
    client.home().file("mine", &upload);
    let script = format!(
        "open {SERVER}\nuser anonymous me@\nls\npassive\nls\nhash\nbin\n\
         put mine theirs\nget dir/file got\nbye\n"
    );
    let finished = there.inside(|| client.run_script(&["-n", "-i", "-v", "-A"], &script));
    let words = finished.words();
    let said = String::from_utf8(finished.stdout).unwrap();
    let (before, after) = said.split_once("Passive mode: on").expect(&words);
    let refusal = before.lines().find(|line| line.starts_with("550 "));
    let refusal = refusal.expect(&words);
    assert!(
        refusal.contains("PASV") && refusal.contains("EPSV"),
        "{refusal}"
    );
    assert!(!before.contains("readme"), "{words}");
    assert!(after.contains("readme"), "{words}");
    assert!(after.contains("Hash mark printing on"), "{words}");
    assert!(after.contains("####"), "{words}");
    assert!(server.root().read("theirs") == upload, "{words}");
    assert!(client.home().read("got") == content(), "{words}");
    assert!(after.contains("221 "), "{words}");
}
