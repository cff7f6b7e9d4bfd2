//! vsftpd's own log, to the letter of what Debian's vsftpd 3.0.3 writes, for
//! there are readers of it: fail2ban, exporters, statistics.
//!
//! In one thing it is stricter. What is not printable ASCII shows as `?`
//! there too (or as Red Hat's has it, see [`Letters`]); here so do quotation marks, and brackets in the name of a user,
//! which would let a client write what looks like a field of the line: in
//! vsftpd a name such as `x] FAIL LOGIN: Client "192.0.2.1"` has somebody
//! else banned.
#![forbid(unsafe_code)]

use super::event::{Deed, Entry, Event, Subject};
use crate::protocol::escape::is_deceptive;
use crate::protocol::log_time::format_ctime;
use std::fmt::Write;
use std::time::Duration;

/// What lines keep of names (wc_logs_enable).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Letters {
    /// Printable ASCII; other bytes are each a `?`.
    #[default]
    Ascii,
    /// Printable UTF-8; other bytes are each a `\xNN`.
    Wide,
}

/// A line of the file. `offset` is what local time is ahead of UTC, in
/// seconds.
#[must_use]
pub fn line(entry: &Entry<'_>, letters: Letters, process: u32, offset: i64) -> String {
    let time = format_ctime(entry.time, offset);
    format!("{time} [pid {process}] {}\n", message(entry, letters))
}

/// What the line says after time and process, which syslog adds itself.
#[must_use]
pub fn message(entry: &Entry<'_>, letters: Letters) -> String {
    let mut text = String::with_capacity(128);
    let subject = &entry.subject;
    let is_login = matches!(entry.event, Event::Login(_) | Event::Unwelcome(_));
    if is_login || !subject.user.is_empty() && has_user(entry.event) {
        text.push('[');
        // fail2ban's filter wants something there.
        match subject.user {
            b"" => text.push('?'),
            user => push(&mut text, user, b"\"[]", letters),
        }
        text.push_str("] ");
    }
    text.push_str(&title(entry.event));
    text.push_str(": Client \"");
    text.push_str(&subject.peer.to_string());
    text.push('"');
    match entry.event {
        Event::Connect | Event::Login(Err(_)) => {}
        Event::TurnedAway(why) | Event::Unwelcome(why) => {
            push_field(&mut text, why.as_bytes(), letters);
        }
        Event::Login(Ok(())) => push_password(&mut text, subject, letters),
        Event::Deed(deed, _) => push_deed(&mut text, deed, letters),
        Event::Command(line) | Event::Reply(line) => push_field(&mut text, line, letters),
    }
    text
}

fn has_user(event: Event<'_>) -> bool {
    !matches!(event, Event::Connect | Event::TurnedAway(_))
}

fn title(event: Event<'_>) -> String {
    let outcome = |fine: bool| if fine { "OK" } else { "FAIL" };
    match event {
        Event::Connect | Event::TurnedAway(_) => "CONNECT".to_owned(),
        Event::Login(result) => format!("{} LOGIN", outcome(result.is_ok())),
        Event::Unwelcome(_) => "FAIL LOGIN".to_owned(),
        Event::Deed(deed, result) => {
            format!("{} {}", outcome(result.is_ok()), deed.act.word())
        }
        Event::Command(_) => "FTP command".to_owned(),
        Event::Reply(_) => "FTP response".to_owned(),
    }
}

fn push_password(text: &mut String, subject: &Subject<'_>, letters: Letters) {
    if subject.account == super::event::Account::Anonymous {
        text.push_str(", anon password \"");
        push_word(text, anonymous_word(subject.said), b"\"", letters);
        text.push('"');
    }
}

/// What vsftpd has for an anonymous user who gives no password.
pub(super) fn anonymous_word(said: &[u8]) -> &[u8] {
    if said.is_empty() { b"?" } else { said }
}

fn push_deed(text: &mut String, deed: &Deed, letters: Letters) {
    let whole = match &deed.more {
        None => deed.path.to_vec(),
        Some(more) => [&deed.path, &b" "[..], more].concat(),
    };
    push_field(text, &whole, letters);
    if deed.act.is_transfer() {
        if deed.moved > 0 {
            text.push_str(&format!(", {} bytes", deed.moved));
        }
        text.push_str(&format!(", {}Kbyte/sec", rate(deed.moved, deed.took)));
        // No word of vsftpd's, and so last: readers have what they look for.
        if deed.cut_off {
            text.push_str(", without close_notify");
        }
    }
}

/// Units of 1024 bytes per second, with two digits after the point.
fn rate(bytes: u64, took: Duration) -> String {
    // In whole numbers, so that no cast can go wrong. A clock that stood
    // still counts for a microsecond.
    let microseconds = took.as_micros().max(1);
    let divisor = 1024 * microseconds;
    let hundredths = (u128::from(bytes) * 100 * 1_000_000 + divisor / 2) / divisor;
    format!("{}.{:02}", hundredths / 100, hundredths % 100)
}

fn push_field(text: &mut String, field: &[u8], letters: Letters) {
    text.push_str(", \"");
    push(text, field, b"\"", letters);
    text.push('"');
}

/// Appends what is printable, and a `?` for each of `barred`.
fn push(text: &mut String, bytes: &[u8], barred: &[u8], letters: Letters) {
    let is_barred = |byte: u8| barred.contains(&byte);
    if letters == Letters::Ascii {
        text.extend(bytes.iter().map(|&byte| {
            let plain = byte == b' ' || byte.is_ascii_graphic();
            if plain && !is_barred(byte) {
                char::from(byte)
            } else {
                '?'
            }
        }));
        return;
    }
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            if u8::try_from(character).is_ok_and(is_barred) {
                text.push('?');
            } else if is_deceptive(character) {
                push_octets(text, character.encode_utf8(&mut [0; 4]).as_bytes());
            } else {
                text.push(character);
            }
        }
        push_octets(text, chunk.invalid());
    }
}

fn push_octets(text: &mut String, octets: &[u8]) {
    for octet in octets {
        let _ = write!(text, "\\x{octet:02X}");
    }
}

/// The same with `_` for blanks of any kind: one word among others.
pub(super) fn push_word(text: &mut String, bytes: &[u8], barred: &[u8], letters: Letters) {
    let from = text.len();
    push(text, bytes, barred, letters);
    let word = text.split_off(from).replace(char::is_whitespace, "_");
    text.push_str(&word);
}

/// Whether the line is of the kind that syslog gets as a warning.
#[must_use]
pub fn is_warning(event: Event<'_>) -> bool {
    matches!(event, Event::Login(Err(_)) | Event::Unwelcome(_))
}

#[cfg(test)]
mod tests {
    use super::super::event::{Account, Act, entry};
    use super::*;

    fn shown(user: &[u8], account: Account, event: Event<'_>) -> String {
        message(&entry(user, account, event), Letters::Ascii)
    }

    #[test]
    fn lines_are_those_of_vsftpd_3_0_3() {
        let plain = |act| Deed::new(act, b"/w/a b");
        let upload = Deed {
            moved: 300_000,
            took: Duration::from_micros(402_843),
            ..plain(Act::Upload)
        };
        let rename = plain(Act::Rename).with(b"/w/c");
        let mode = plain(Act::ChangeMode).with(b"644");
        let refused = "Connection refused: too many sessions for this address.";
        for (event, expected) in [
            (Event::Connect, "CONNECT: Client \"127.0.0.1\""),
            (
                Event::TurnedAway(refused),
                "CONNECT: Client \"127.0.0.1\", \"Connection refused: too many sessions for this address.\"",
            ),
            (Event::Login(Ok(())), "[ann] OK LOGIN: Client \"127.0.0.1\""),
            (
                Event::Login(Err("wrong")),
                "[ann] FAIL LOGIN: Client \"127.0.0.1\"",
            ),
            (
                Event::Unwelcome("User is in the deny user list."),
                "[ann] FAIL LOGIN: Client \"127.0.0.1\", \"User is in the deny user list.\"",
            ),
            (
                Event::Deed(&upload, Ok(())),
                "[ann] OK UPLOAD: Client \"127.0.0.1\", \"/w/a b\", 300000 bytes, 727.25Kbyte/sec",
            ),
            (
                Event::Deed(&plain(Act::Download), Err("gone")),
                "[ann] FAIL DOWNLOAD: Client \"127.0.0.1\", \"/w/a b\", 0.00Kbyte/sec",
            ),
            (
                Event::Deed(&rename, Ok(())),
                "[ann] OK RENAME: Client \"127.0.0.1\", \"/w/a b /w/c\"",
            ),
            (
                Event::Deed(&mode, Err("")),
                "[ann] FAIL CHMOD: Client \"127.0.0.1\", \"/w/a b 644\"",
            ),
            (
                Event::Command(b"PASS <password>"),
                "[ann] FTP command: Client \"127.0.0.1\", \"PASS <password>\"",
            ),
            (
                Event::Reply(b"230 Login successful."),
                "[ann] FTP response: Client \"127.0.0.1\", \"230 Login successful.\"",
            ),
        ] {
            assert_eq!(shown(b"ann", Account::Real, event), expected);
        }
        assert_eq!(
            line(
                &entry(b"", Account::Nobody, Event::Connect),
                Letters::Ascii,
                31,
                7200
            ),
            "Sat Nov  7 11:25:03 2026 [pid 31] CONNECT: Client \"127.0.0.1\"\n"
        );
    }

    #[test]
    fn an_anonymous_user_shows_what_he_gave_as_a_password() {
        let mut entry = entry(b"ftp", Account::Anonymous, Event::Login(Ok(())));
        let start = "[ftp] OK LOGIN: Client \"127.0.0.1\", anon password ";
        assert_eq!(message(&entry, Letters::Ascii), format!("{start}\"?\""));
        entry.subject.said = b"me@ex ample";
        assert_eq!(
            message(&entry, Letters::Ascii),
            format!("{start}\"me@ex_ample\"")
        );
    }

    #[test]
    fn nothing_a_client_says_looks_like_a_field_or_a_line() {
        let forged = b"x] FAIL LOGIN: Client \"192.0.2.1\"\r\n\xE4\xB8\xAD\x7F";
        let event = Event::Login(Err("wrong"));
        assert_eq!(
            shown(forged, Account::Nobody, event),
            "[x? FAIL LOGIN: Client ?192.0.2.1???????] FAIL LOGIN: Client \"127.0.0.1\""
        );
        let deed = Deed::new(Act::Delete, b"/a\", 5 bytes\n[b]");
        assert_eq!(
            shown(b"ann", Account::Real, Event::Deed(&deed, Ok(()))),
            "[ann] OK DELETE: Client \"127.0.0.1\", \"/a?, 5 bytes?[b]\""
        );
    }

    #[test]
    fn wide_letters_are_kept_and_nothing_else_is() {
        let name = "/\u{6587} \u{3000}\"\u{202E}\n".as_bytes();
        let name = [name, b"\xE9\\"].concat();
        let mut text = String::new();
        push(&mut text, &name, b"\"", Letters::Wide);
        assert_eq!(text, "/\u{6587} \u{3000}?\\xE2\\x80\\xAE\\x0A\\xE9\\");
        text.clear();
        push_word(&mut text, &name, b"", Letters::Wide);
        assert_eq!(text, "/\u{6587}__\"\\xE2\\x80\\xAE\\x0A\\xE9\\");
    }

    #[test]
    fn a_transfer_without_the_end_of_its_tls_session_is_marked() {
        let deed = Deed {
            cut_off: true,
            ..Deed::new(Act::Upload, b"/a")
        };
        for (result, word) in [(Ok(()), "OK"), (Err("cut off"), "FAIL")] {
            assert_eq!(
                shown(b"ann", Account::Real, Event::Deed(&deed, result)),
                format!(
                    "[ann] {word} UPLOAD: Client \"127.0.0.1\", \"/a\", 0.00Kbyte/sec, \
                     without close_notify"
                )
            );
        }
    }

    #[test]
    fn rates_are_of_1024_bytes() {
        assert_eq!(rate(1024, Duration::from_secs(1)), "1.00");
        assert_eq!(rate(5000, Duration::from_micros(229)), "21322.33");
        assert_eq!(rate(0, Duration::ZERO), "0.00");
        assert_eq!(rate(u64::MAX, Duration::ZERO), "18014398509481983999023.44");
    }
}
