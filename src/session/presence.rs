//! What a session shows of itself, to the administrator in the roster and to
//! ps(1) and top(1) in the name of its thread, and how it leaves when it is
//! told to.

use super::Session;
use crate::protocol::command::Verb;
use crate::protocol::ladder::Fact;
use crate::protocol::{Code, Reply};
use crate::sys::process::name_thread;

/// The name of a worker that shows nothing.
pub const WORKER: &str = "worker";

/// The most bytes of a thread's name (prctl(2), PR_SET_NAME).
const LONGEST: usize = 15;

impl Session {
    /// A command begins.
    pub(super) fn begins(&self, verb: Verb) {
        self.tag.listed.begins(verb, self.asked);
        self.entitle(Some(verb));
    }

    /// Nothing is asked of the session at this moment.
    pub(super) fn rests(&self) {
        let logged_in = self.login().is_ok();
        self.tag.listed.rests(logged_in, self.last_command);
    }

    /// Names the worker after what it does, or takes that back
    /// (setproctitle_enable).
    pub(super) fn entitle(&self, verb: Option<Verb>) {
        if self.service.config.setproctitle_enable() {
            match verb {
                Some(verb) => name_thread(&title(self.tag.user(), verb.name())),
                None => name_thread(WORKER),
            }
        }
    }

    /// Whether somebody wants the session to end.
    pub fn is_dismissed(&self) -> bool {
        self.tag.listed.is_dismissed()
    }

    /// Leaves because it is told to, by the administrator if it is not the
    /// end of the server. Never waits.
    pub(super) fn depart(&mut self) {
        if self.service.course.is_ending() {
            return self.farewell();
        }
        log::info!("{}: ended by the administrator (ironftpctl kick)", self.tag);
        self.explained = true;
        self.trace(&Fact::Reason("ended by the administrator"));
        let text = "Session ended by the administrator.";
        let reply = Reply::new(Code::ServiceNotAvailable, text);
        self.say_last(&reply);
    }
}

/// `ftp:user VERB`, the user cut off where both do not fit; `-` is nobody.
fn title(user: &[u8], verb: &str) -> String {
    let user = if user.is_empty() { b"-" } else { user };
    let room = LONGEST.saturating_sub("ftp: ".len() + verb.len());
    let mut shown = String::with_capacity(LONGEST);
    shown.push_str("ftp:");
    let mut left = room;
    for letter in String::from_utf8_lossy(user).chars() {
        let letter = if letter.is_control() { '?' } else { letter };
        let Some(rest) = left.checked_sub(letter.len_utf8()) else {
            break;
        };
        left = rest;
        shown.push(letter);
    }
    shown.push(' ');
    shown.push_str(verb);
    shown
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::command::COMMANDS;

    #[test]
    fn a_title_tells_user_and_command_in_fifteen_bytes() {
        assert_eq!(title(b"alice", "RETR"), "ftp:alice RETR");
        assert_eq!(title(b"administrator", "RETR"), "ftp:admini RETR");
        assert_eq!(title(b"", "USER"), "ftp:- USER");
        assert_eq!(
            title("\u{674e}\u{660e}\u{5149}".as_bytes(), "STOR"),
            "ftp:\u{674e}\u{660e} STOR"
        );
        assert_eq!(title(b"a\n\xff", "CWD"), "ftp:a?\u{fffd} CWD");
        for row in COMMANDS {
            assert!(title(b"administrator", row.verb.name()).len() <= LONGEST);
        }
    }
}
