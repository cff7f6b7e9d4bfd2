//! How a line of the event log looks: for people, for the journal, for syslog,
//! or as JSON (log_format).
#![forbid(unsafe_code)]

use super::{json, outlet, syslog};
use crate::protocol::Timestamp;
use crate::protocol::time::format_log;
use log::Level;
use std::borrow::Cow;
use std::os::unix::fs::MetadataExt;
use std::sync::atomic::{AtomicBool, Ordering};

/// Standard error leads to the journal of systemd.
static JOURNAL: AtomicBool = AtomicBool::new(false);

/// log_format=json.
static JSON: AtomicBool = AtomicBool::new(false);

/// The form of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    /// Time, level, text.
    Plain { json: bool },
    /// With the priority in front, and without the time, which the journal
    /// has itself (sd-daemon(3)).
    Journal { json: bool },
    /// As syslog takes it.
    Syslog { json: bool },
}

impl Style {
    /// That of the moment.
    pub(super) fn now() -> Style {
        let json = JSON.load(Ordering::Relaxed);
        if syslog::is_used() {
            Style::Syslog { json }
        } else if JOURNAL.load(Ordering::Relaxed) {
            Style::Journal { json }
        } else {
            Style::Plain { json }
        }
    }

    /// A line, with its end.
    pub(super) fn line(self, level: Level, time: Timestamp, text: &str) -> String {
        let text = whole(text);
        match self {
            Style::Plain { json: true } => json::message(time, level, &text),
            Style::Plain { json: false } => format!("{} {level:5} {text}\n", format_log(time)),
            Style::Journal { json } => {
                let number = syslog::severity(level);
                if json {
                    format!("<{number}>{}", json::message(time, level, &text))
                } else {
                    format!("<{number}>{text}\n")
                }
            }
            Style::Syslog { json } => {
                let number = syslog::severity(level);
                if json {
                    let text = json::message(time, level, &text);
                    syslog::line(number, time, text.trim_end())
                } else {
                    syslog::line(number, time, &text)
                }
            }
        }
    }
}

/// A line stays one: whoever forgot to escape what a client said has written
/// nothing that obeys it.
fn whole(text: &str) -> Cow<'_, str> {
    if text.chars().any(char::is_control) {
        Cow::Owned(text.replace(char::is_control, "?"))
    } else {
        Cow::Borrowed(text)
    }
}

/// Chooses JSON, or not.
pub(super) fn use_json(json: bool) {
    JSON.store(json, Ordering::Relaxed);
}

/// Looks whether standard error is the journal's: it says in JOURNAL_STREAM
/// which file that would be (systemd.exec(5)).
pub(super) fn look_for_journal() {
    let stream = std::env::var("JOURNAL_STREAM").unwrap_or_default();
    let about = outlet::standard_error()
        .ok()
        .and_then(|error| error.metadata().ok());
    let found = about.is_some_and(|about| is_journal(&stream, (about.dev(), about.ino())));
    JOURNAL.store(found, Ordering::Relaxed);
}

fn is_journal(stream: &str, (device, inode): (u64, u64)) -> bool {
    let number = |text: &str| text.parse::<u64>().ok();
    let parts = stream.split_once(':');
    parts.is_some_and(|(first, second)| {
        number(first) == Some(device) && number(second) == Some(inode)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_style_has_one_line() {
        let time = Timestamp::from_seconds(1_794_043_503);
        let line = |style: Style| style.line(Level::Warn, time, "a\nb\x1B[1m");
        assert_eq!(
            line(Style::Plain { json: false }),
            "2026-11-07T09:25:03.000Z WARN  a?b?[1m\n"
        );
        assert_eq!(line(Style::Journal { json: false }), "<4>a?b?[1m\n");
        let json =
            "{\"time\":\"2026-11-07T09:25:03.000Z\",\"level\":\"warn\",\"message\":\"a?b?[1m\"}\n";
        assert_eq!(line(Style::Plain { json: true }), json);
        assert_eq!(line(Style::Journal { json: true }), format!("<4>{json}"));
        let syslog = line(Style::Syslog { json: true });
        assert!(syslog.starts_with("<92>Nov  ") && syslog.ends_with(&format!("]: {json}")));
    }

    #[test]
    fn the_journal_is_known_by_device_and_inode() {
        assert!(is_journal("8:1234", (8, 1234)));
        for other in ["", "8", "8:", "8:1235", "9:1234", "8:1234:1", "x:y"] {
            assert!(!is_journal(other, (8, 1234)), "{other}");
        }
    }
}
