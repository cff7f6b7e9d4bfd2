//! Where ladder drawings go (`trace_connections`): standard output, whole
//! lines at a time.
//!
//! A drawing is no reason for a session to wait: who stops reading, in a
//! pager or with Ctrl-S, loses drawings and is told how many.
#![forbid(unsafe_code)]

use crate::sys::poll::{Interest, WRITABLE, poll};
use std::io::Write;
use std::os::fd::AsFd;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// How long a slow reader is waited for, before drawings are lost.
const PATIENCE: Duration = Duration::from_secs(1);

/// Drawings lost since the reader took one last.
static LOST: Mutex<u64> = Mutex::new(0);

/// Writes finished lines, in one piece. That nobody listens there any more
/// is no trouble of the session that is drawn.
pub fn write(lines: &str) {
    let mut lost = LOST.lock().unwrap_or_else(PoisonError::into_inner);
    put(&mut std::io::stdout().lock(), lines, &mut lost, PATIENCE);
}

/// Writes to `out` what a pipe that is writable takes without waiting: less
/// than a page.
fn put(out: &mut (impl Write + AsFd), lines: &str, lost: &mut u64, patience: Duration) {
    let patience = if *lost == 0 { patience } else { Duration::ZERO };
    let mut interests = [Interest::new(out.as_fd(), WRITABLE)];
    if !matches!(poll(&mut interests, Some(patience)), Ok(true)) {
        *lost += 1;
        return;
    }
    let mut text = String::new();
    if *lost > 0 {
        text.push_str(&format!("# {lost} drawings lost, nobody took them\n"));
        *lost = 0;
    }
    text.push_str(lines);
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{BufRead, BufReader, pipe};

    #[test]
    fn a_reader_who_stops_loses_drawings_and_is_told_how_many() {
        let (reader, mut writer) = pipe().unwrap();
        let line = format!("{}\n", "x".repeat(1000));
        let mut lost = 0;
        let mut drawn = 0;
        while lost < 3 {
            put(&mut writer, &line, &mut lost, Duration::from_millis(1));
            drawn += 1;
        }
        let mut reader = BufReader::new(reader);
        let mut have = String::new();
        for _ in 0..drawn - 3 {
            have.clear();
            reader.read_line(&mut have).unwrap();
            assert_eq!(have, line);
        }
        put(&mut writer, "next\n", &mut lost, Duration::from_millis(1));
        let mut rest = reader.lines();
        assert_eq!(
            rest.next().unwrap().unwrap(),
            "# 3 drawings lost, nobody took them"
        );
        assert_eq!(rest.next().unwrap().unwrap(), "next");
    }

    #[test]
    fn a_reader_who_is_gone_is_not_waited_for() {
        let (reader, mut writer) = pipe().unwrap();
        drop(reader);
        let mut lost = 0;
        put(&mut writer, "line\n", &mut lost, PATIENCE);
        assert_eq!(lost, 0);
    }
}
