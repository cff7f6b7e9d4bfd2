//! wu-ftpd's log of transfers, xferlog(5) of many servers, as vsftpd writes
//! it: blanks part the fields, so a name has none.
#![forbid(unsafe_code)]

use super::event::{Account, Act, Deed, Entry};
use super::vsftpd::{Letters, anonymous_word, push_word};
use crate::protocol::log_time::format_ctime;

/// A line about a transfer that ended well or not. `offset` is what local
/// time is ahead of UTC, in seconds. The form has no place for an upload that
/// is taken as complete without the end of its TLS session.
#[must_use]
pub fn line(
    entry: &Entry<'_>,
    letters: Letters,
    deed: &Deed,
    is_complete: bool,
    offset: i64,
) -> String {
    let subject = &entry.subject;
    let seconds = deed.took.as_secs().max(1);
    let mut text = format!(
        "{} {seconds} {} {} ",
        format_ctime(entry.time, offset),
        subject.peer,
        deed.moved
    );
    push_word(&mut text, &deed.path, b"", letters);
    text.push_str(if deed.ascii { " a _ " } else { " b _ " });
    text.push_str(match deed.act {
        Act::Upload => "i ",
        _ => "o ",
    });
    let (access, name) = match subject.account {
        Account::Anonymous => ("a ", anonymous_word(subject.said)),
        Account::Guest => ("g ", subject.user),
        Account::Real | Account::Nobody => ("r ", subject.user),
    };
    text.push_str(access);
    push_word(&mut text, name, b"", letters);
    text.push_str(" ftp 0 * ");
    text.push_str(if is_complete { "c\n" } else { "i\n" });
    text
}

#[cfg(test)]
mod tests {
    use super::super::event::{Event, entry};
    use super::*;
    use std::time::Duration;

    #[test]
    fn lines_are_those_of_vsftpd() {
        let mut deed = Deed {
            moved: 300,
            took: Duration::from_millis(2_900),
            ..Deed::new(Act::Upload, b"/w/up name \"q\"\n\xC3\xA9")
        };
        let shown = |deed: &Deed, account, complete| {
            let mut entry = entry(b"ann lee", account, Event::Connect);
            entry.subject.said = b"me@ex x";
            line(&entry, Letters::Ascii, deed, complete, 0)
        };
        assert_eq!(
            shown(&deed, Account::Anonymous, true),
            "Sat Nov  7 09:25:03 2026 2 127.0.0.1 300 /w/up_name_\"q\"??? b _ i a me@ex_x ftp 0 * c\n"
        );
        deed.act = Act::Download;
        deed.ascii = true;
        deed.took = Duration::ZERO;
        assert_eq!(
            shown(&deed, Account::Guest, false),
            "Sat Nov  7 09:25:03 2026 1 127.0.0.1 300 /w/up_name_\"q\"??? a _ o g ann_lee ftp 0 * i\n"
        );
        assert!(shown(&deed, Account::Real, true).contains(" o r ann_lee ftp 0 * c\n"));
    }
}
