//! Logs as lines of JSON (RFC 8259), an object for each event
//! (log_format=json): nothing is replaced, so names are whole.
//!
//! A name that is no UTF-8 shows with U+FFFD for what is none, and in a
//! second field, with `_hex` behind its name, byte by byte.
#![forbid(unsafe_code)]

use super::event::{Account, Deed, Entry, Event};
use crate::protocol::Timestamp;
use crate::protocol::escape::is_deceptive;
use crate::protocol::time::format_log;
use std::fmt::Write;

/// An object that is being written.
struct Object(String);

impl Object {
    fn new(time: Timestamp) -> Object {
        Object(format!("{{\"time\":\"{}\"", format_log(time)))
    }

    fn end(mut self) -> String {
        self.0.push_str("}\n");
        self.0
    }

    fn name(&mut self, name: &str) {
        self.0.push_str(",\"");
        self.0.push_str(name);
        self.0.push_str("\":");
    }

    /// A number, true or false: what is JSON as it prints.
    fn plain(&mut self, name: &str, value: impl std::fmt::Display) {
        self.name(name);
        let _ = write!(self.0, "{value}");
    }

    fn text(&mut self, name: &str, text: &str) {
        self.name(name);
        self.0.push('"');
        for character in text.chars() {
            match character {
                '"' | '\\' => {
                    self.0.push('\\');
                    self.0.push(character);
                }
                // Beside those that must be: what a terminal would obey.
                _ if is_deceptive(character) => {
                    for unit in character.encode_utf16(&mut [0; 2]) {
                        let _ = write!(self.0, "\\u{unit:04x}");
                    }
                }
                _ => self.0.push(character),
            }
        }
        self.0.push('"');
    }

    fn bytes(&mut self, name: &str, bytes: &[u8]) {
        self.text(name, &String::from_utf8_lossy(bytes));
        if std::str::from_utf8(bytes).is_err() {
            let hex = bytes.iter().fold(String::new(), |mut hex, byte| {
                let _ = write!(hex, "{byte:02x}");
                hex
            });
            self.text(&format!("{name}_hex"), &hex);
        }
    }
}

/// A line about an event.
#[must_use]
pub fn line(entry: &Entry<'_>, process: u32) -> String {
    let subject = &entry.subject;
    let mut object = Object::new(entry.time);
    object.plain("pid", process);
    if subject.session > 0 {
        object.plain("session", subject.session);
    }
    object.text("client", &subject.peer.to_string());
    if !subject.user.is_empty() {
        object.bytes("user", subject.user);
    }
    let outcome = |object: &mut Object, name: &str, result: Result<(), &str>| {
        object.text("event", name);
        object.plain("ok", result.is_ok());
        if let Err(why) = result {
            object.text("cause", why);
        }
    };
    match entry.event {
        Event::Connect => outcome(&mut object, "connect", Ok(())),
        Event::TurnedAway(why) => outcome(&mut object, "connect", Err(why)),
        Event::Unwelcome(why) => outcome(&mut object, "login", Err(why)),
        Event::Login(result) => {
            outcome(&mut object, "login", result);
            if subject.account == Account::Anonymous {
                object.bytes("password", subject.said);
            }
        }
        Event::Deed(deed, result) => {
            outcome(&mut object, &deed.act.word().to_ascii_lowercase(), result);
            put_deed(&mut object, deed);
        }
        Event::Command(line) => {
            object.text("event", "command");
            object.bytes("line", line);
        }
        Event::Reply(line) => {
            object.text("event", "reply");
            object.bytes("line", line);
        }
    }
    object.end()
}

fn put_deed(object: &mut Object, deed: &Deed) {
    object.bytes("path", &deed.path);
    if let Some(more) = &deed.more {
        object.bytes("to", more);
    }
    if deed.act.is_transfer() {
        object.plain("bytes", deed.moved);
        if let Some(wire) = deed.wire {
            object.plain("wire_bytes", wire);
        }
        object.plain("seconds", format_args!("{:.6}", deed.took.as_secs_f64()));
        object.text("type", if deed.ascii { "ascii" } else { "binary" });
        if deed.cut_off {
            object.plain("close_notify", false);
        }
    }
}

/// A line of the event log.
#[must_use]
pub fn message(time: Timestamp, level: log::Level, text: &str) -> String {
    let mut object = Object::new(time);
    object.text("level", &level.as_str().to_ascii_lowercase());
    object.text("message", text);
    object.end()
}

#[cfg(test)]
mod tests {
    use super::super::event::{Act, entry};
    use super::*;
    use serde_json::Value;
    use std::time::Duration;

    fn parsed(line: &str) -> Value {
        assert!(line.ends_with("}\n") && line.lines().count() == 1, "{line}");
        serde_json::from_str(line).unwrap()
    }

    #[test]
    fn a_transfer_tells_all_of_it() {
        let deed = Deed {
            moved: 5,
            took: Duration::from_micros(1500),
            ..Deed::new(Act::Upload, "/文\"\\\n\u{202E}🦀".as_bytes())
        };
        let event = Event::Deed(&deed, Err("no room"));
        let line = line(&entry(b"ann", Account::Real, event), 31);
        assert!(!line.contains('\u{202E}'));
        assert_eq!(
            parsed(&line),
            serde_json::json!({
                "time": "2026-11-07T09:25:03.123Z", "pid": 31, "session": 7,
                "client": "127.0.0.1", "user": "ann", "event": "upload", "ok": false,
                "cause": "no room", "path": "/文\"\\\n\u{202E}🦀", "bytes": 5,
                "seconds": 0.0015, "type": "binary"
            })
        );
    }

    #[test]
    fn a_transfer_without_the_end_of_its_tls_session_is_marked() {
        for cut_off in [false, true] {
            let deed = Deed {
                cut_off,
                ..Deed::new(Act::Upload, b"/a")
            };
            let event = Event::Deed(&deed, Ok(()));
            let value = parsed(&line(&entry(b"ann", Account::Real, event), 1));
            let expected = cut_off.then_some(Value::Bool(false));
            assert_eq!(value.get("close_notify"), expected.as_ref());
        }
    }

    #[test]
    fn a_name_that_is_no_utf8_is_whole_all_the_same() {
        let deed = Deed::new(Act::Rename, b"/a\xFF").with(b"/b");
        let value = parsed(&line(
            &entry(b"\xE9", Account::Real, Event::Deed(&deed, Ok(()))),
            1,
        ));
        assert_eq!(value["path"], "/a\u{FFFD}");
        assert_eq!(value["path_hex"], "2f61ff");
        assert_eq!(value["to"], "/b");
        assert_eq!(value["user_hex"], "e9");
    }

    #[test]
    fn every_character_comes_back() {
        let rare = (0x3000..=0x10_FFFF).step_by(997);
        for character in (0..0x3000).chain(rare).filter_map(char::from_u32) {
            let text = format!("a{character}b");
            let time = Timestamp::default();
            let value = parsed(&message(time, log::Level::Warn, &text));
            assert_eq!(value["message"], text);
        }
    }
}
