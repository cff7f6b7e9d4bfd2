//! session_support: a PAM session is open as long as the log-in lasts.

use std::path::Path;

use crate::Case;
use crate::answers::{attempt, attempt_from, denied, granted};
use crate::processes::{children, gone, until};
use crate::world::{Authenticators, PASSWORD, World};

pub const CASES: &[Case] = &[
    (
        "a_session_is_open_until_its_handle_goes",
        a_session_is_open_until_its_handle_goes,
    ),
    (
        "modules_are_told_the_name_of_the_client_if_that_is_wanted",
        modules_are_told_the_name_of_the_client_if_that_is_wanted,
    ),
    (
        "a_hundred_sessions_take_no_place_from_attempts",
        a_hundred_sessions_take_no_place_from_attempts,
    ),
    (
        "without_session_support_none_is_opened",
        without_session_support_none_is_opened,
    ),
];

/// The lines written since `log` had `before` of them.
fn lines(log: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

fn a_session_is_open_until_its_handle_goes(world: &World, by: &Authenticators) {
    let log = world.directory.path().join("sessions");
    let name = &world.ann.name;
    denied(attempt(&by.sessions, name, "wrong"));
    // What the other tests opened has closed.
    until(|| children(by.sessions.process_id()).is_empty());
    let before = lines(&log).len();
    let found = granted(attempt(&by.sessions, name, PASSWORD));
    let session = found.session.expect("a session");
    let opened = format!("open_session {name} 192.0.2.7 ftp {name}");
    assert_eq!(lines(&log)[before..], [opened.as_str()]);
    let holders = children(by.sessions.process_id());
    assert_eq!(holders.len(), 1, "{holders:?}");
    drop(session);
    gone(holders[0]);
    let closed = format!("close_session {name} 192.0.2.7 ftp {name}");
    assert_eq!(lines(&log)[before..], [opened, closed]);
}

fn modules_are_told_the_name_of_the_client_if_that_is_wanted(world: &World, by: &Authenticators) {
    let log = world.directory.path().join("sessions");
    let name = &world.ann.name;
    // 192.0.2.0/24 is for documents, and has no names.
    for (peer, shown) in [("127.0.0.1", "localhost"), ("192.0.2.7", "192.0.2.7")] {
        let before = lines(&log).len();
        let found = granted(attempt_from(
            peer.parse().unwrap(),
            &by.naming,
            name,
            PASSWORD,
        ));
        let opened = format!("open_session {name} {shown} ftp {name}");
        assert_eq!(lines(&log)[before..], [opened]);
        drop(found);
        until(|| children(by.naming.process_id()).is_empty());
    }
}

fn a_hundred_sessions_take_no_place_from_attempts(world: &World, by: &Authenticators) {
    let sessions: Vec<_> = (0..100)
        .map(|_| granted(attempt(&by.sessions, &world.ann.name, PASSWORD)))
        .collect();
    assert_eq!(children(by.sessions.process_id()).len(), 100);
    drop(sessions);
    until(|| children(by.sessions.process_id()).is_empty());
}

fn without_session_support_none_is_opened(world: &World, by: &Authenticators) {
    for authenticator in [&by.unix, &by.shadow] {
        assert!(
            granted(attempt(authenticator, &world.ann.name, PASSWORD))
                .session
                .is_none()
        );
    }
}
