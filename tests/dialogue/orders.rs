//! The administrator's orders to the server as a whole: ironftpctl reload and
//! drain.

use std::io::ErrorKind;

use crate::abort::under_way;
use crate::administrator::{Governed, id, until};
use crate::support::control::Control;

#[test]
fn a_drained_server_serves_those_who_are_there_and_ends() {
    let mut governed = Governed::start(&[]);
    let mut control = governed.ann();
    let words = governed.ctl(&["drain"]).succeed().words();
    assert!(words.contains("1 session to go"), "{words}");
    let refused = std::net::TcpStream::connect(governed.server.address());
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::ConnectionRefused);
    let status = governed.ctl(&["status"]).succeed().words();
    assert!(status.contains("nowhere any more"), "{status}");
    assert_eq!(control.retrieve("file"), b"content");
    governed.ctl(&["drain"]).succeed();
    // Logs are still put aside, and so there is still something to reload.
    governed.ctl(&["reload"]).succeed();
    control.goes_on();
    control.command("QUIT", 221);
    assert!(governed.server.wait_for_end().unwrap().success());
    assert!(!governed.socket().exists());
    let nobody = governed.ctl(&["who"]);
    assert_eq!(nobody.status.code(), Some(69), "{}", nobody.words());
}

#[test]
fn a_drained_server_stops_at_a_signal_as_any_other() {
    let mut governed = Governed::start(&[("shutdown_grace", "60")]);
    let (mut idle, mut busy) = (governed.ann(), governed.ann());
    let _data = under_way(&mut busy);
    governed.ctl(&["drain"]).succeed();
    governed.server.signal(libc::SIGTERM);
    idle.expect(421);
    governed.server.wait_for_log("a second signal");
    governed.server.signal(libc::SIGTERM);
    busy.expect(421);
    assert!(governed.server.wait_for_end().unwrap().success());
}

#[test]
fn a_server_without_sessions_is_drained_at_once_and_says_so_first() {
    let mut governed = Governed::start(&[]);
    let words = governed.ctl(&["drain"]).succeed().words();
    assert!(words.contains("No sessions"), "{words}");
    assert!(governed.server.wait_for_end().unwrap().success());
}

#[test]
fn reload_says_what_came_of_it() {
    let governed = Governed::start(&[]);
    let file = governed.server.config_file();
    let before = std::fs::read_to_string(&file).unwrap();
    let mut control = governed.ann();
    std::fs::write(&file, format!("{before}ftpd_banner=Anew.\n")).unwrap();
    governed.ctl(&["reload"]).succeed();
    let mut second = Control::connect_ungreeted(governed.server.address());
    assert!(second.expect(220).text().contains("Anew."));
    // Both are known to the one list, and it goes on to work.
    until(|| (governed.who().len() == 2).then_some(()));

    std::fs::write(&file, format!("{before}no_such_option=YES\n")).unwrap();
    let refused = governed.ctl(&["reload"]);
    assert_eq!(refused.status.code(), Some(75), "{}", refused.words());
    let words = refused.words();
    assert!(words.contains("no_such_option"), "{words}");
    let mut third = Control::connect_ungreeted(governed.server.address());
    assert!(third.expect(220).text().contains("Anew."));
    // What does not count yet is named.
    std::fs::write(&file, format!("{before}listen_port=2\nftpd_banner=New.\n")).unwrap();
    let finished = governed.ctl(&["reload"]).succeed();
    let said = String::from_utf8_lossy(&finished.stdout).into_owned();
    assert!(
        said.ends_with("after a restart only: listen_port\n"),
        "{said}"
    );
    // Many at once, each of them answered.
    std::fs::write(&file, before).unwrap();
    std::thread::scope(|scope| {
        for _ in 0..5 {
            scope.spawn(|| governed.ctl(&["reload"]).succeed());
        }
        governed.server.signal(libc::SIGHUP);
    });
    control.goes_on();
}

#[test]
fn there_is_nothing_to_reload_for_a_server_that_stops() {
    let mut governed = Governed::start(&[("shutdown_grace", "60")]);
    let mut control = governed.ann();
    let _data = under_way(&mut control);
    governed.server.signal(libc::SIGTERM);
    governed.server.wait_for_log("a second signal");
    let refused = governed.ctl(&["reload"]);
    assert_eq!(refused.status.code(), Some(75), "{}", refused.words());
    assert!(refused.words().contains("stopping"), "{}", refused.words());
    // The administrator is heard to the last, and may be quicker than the grace.
    governed.ctl(&["kick", &id(&governed.only())]).succeed();
    control.expect(421);
    assert!(governed.server.wait_for_end().unwrap().success());
}
