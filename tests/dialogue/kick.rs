//! ironftpctl kick: 421 and the end, whatever the session is doing.

use std::io::Write;

use crate::abort::under_way;
use crate::administrator::{Governed, id, until};
use crate::support::control::Control;

#[test]
fn a_kick_ends_a_silent_session_with_421() {
    let governed = Governed::start(&[]);
    let mut control = governed.ann();
    let session = governed.until(|session| session["state"] == "idle");
    governed.ctl(&["kick", &id(&session)]).succeed();
    control.expect(421);
    control.expect_closed();
    until(|| governed.who().is_empty().then_some(()));
    let words = "ann: ended by the administrator (ironftpctl kick)";
    let line = governed.server.wait_for_log(words);
    assert!(
        line.contains(&format!("session {}", id(&session))),
        "{line}"
    );
    let gone = governed.ctl(&["kick", &id(&session)]);
    assert_eq!(gone.status.code(), Some(67), "{}", gone.words());
}

#[test]
fn each_session_that_is_not_there_is_named() {
    let governed = Governed::start(&[]);
    let mut control = governed.ann();
    let session = governed.until(|session| session["state"] == "idle");
    let finished = governed.ctl(&["kick", "77777", &id(&session), "88888"]);
    assert_eq!(finished.status.code(), Some(67), "{}", finished.words());
    let words = finished.words();
    assert!(
        words.contains("no session 77777; no session 88888"),
        "{words}"
    );
    control.expect(421);
}

#[test]
fn a_kick_ends_a_session_in_the_middle_of_a_download() {
    let governed = Governed::start(&[]);
    let mut control = governed.ann();
    let _data = under_way(&mut control);
    let session = governed.until(|session| session["state"] == "sending");
    governed.ctl(&["kick", &id(&session)]).succeed();
    // The client reads no byte more, and the answer comes all the same.
    control.expect(421);
    control.expect_closed();
    until(|| governed.who().is_empty().then_some(()));
}

#[test]
fn a_kick_in_the_middle_of_an_upload_is_no_end_of_file() {
    for atomic in ["NO", "YES"] {
        let governed =
            Governed::start(&[("atomic_uploads", atomic), ("delete_failed_uploads", "YES")]);
        let mut control = governed.ann();
        let mut data = control.passive();
        control.command("STOR new", 150);
        data.write_all(b"half").unwrap();
        let session = governed.until(|session| session["bytes"] == 4);
        governed.ctl(&["kick", &id(&session)]).succeed();
        control.expect(421);
        control.expect_closed();
        let mut another = governed.ann();
        another.command("SIZE new", 550);
    }
}

#[test]
fn a_kick_reaches_a_session_whose_client_has_closed_its_side() {
    let governed = Governed::start(&[]);
    let mut control = governed.ann();
    let data = under_way(&mut control);
    // Commands wait, and so the transfer goes on without being heard.
    control.line("NOOP");
    control.line("PWD");
    control
        .writer()
        .shutdown(std::net::Shutdown::Write)
        .unwrap();
    let session = governed.until(|session| session["state"] == "sending");
    governed.ctl(&["kick", &id(&session)]).succeed();
    until(|| governed.who().is_empty().then_some(()));
    drop(data);
}

#[test]
fn a_kick_ends_waiting_for_a_client_a_delay_and_the_greeted() {
    let governed = Governed::start(&[("delay_failed_login", "1000")]);
    let mut control = governed.ann();
    control.epsv();
    control.line("RETR file");
    let session = governed.until(|session| session["state"] == "connecting");
    governed.ctl(&["kick", &id(&session)]).succeed();
    control.expect(421);
    until(|| governed.who().is_empty().then_some(()));
    let mut guesser = governed.server.connect();
    guesser.command("USER ann", 331);
    guesser.line("PASS wrong");
    governed.server.wait_for_log("login of \"ann\" refused");
    let session = governed.until(|session| session["state"] == "login");
    governed.ctl(&["kick", &id(&session)]).succeed();
    guesser.expect(421);
    guesser.expect_closed();
    let mut greeted = governed.server.connect();
    let session = until(|| governed.who().pop());
    governed.ctl(&["kick", &id(&session)]).succeed();
    greeted.expect(421);
}

#[test]
fn a_kick_reaches_its_session_and_no_other() {
    let governed = Governed::start(&[]);
    let mut controls: Vec<Control> = (0..5).map(|_| governed.ann()).collect();
    let port = controls[2].local().port();
    let session = governed.who().into_iter().find(|it| it["port"] == port);
    let session = id(&session.unwrap());
    // What is not there does not save the others.
    let mixed = governed.ctl(&["kick", "999999", &session]);
    assert_eq!(mixed.status.code(), Some(67), "{}", mixed.words());
    controls.remove(2).expect(421);
    for mut control in controls {
        control.goes_on();
        assert_eq!(control.retrieve("file"), b"content");
    }
}
