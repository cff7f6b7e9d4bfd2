//! The commands that ask a running server: who, status, kick, reload, drain.
//! Leaves to others: the question and its answer (`asking`).
#![forbid(unsafe_code)]

use std::io::Write;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;

use super::arguments::Errand;
use super::asking::{Line, ask, number_of, text_of};
use super::failure::Failure;
use serde_json::Value;

/// Puts `command` to the server at `socket` and shows what came of it.
///
/// # Errors
/// When the server does not answer or refuses, or the answer cannot be shown.
pub fn run(socket: &Path, command: &Errand, out: &mut dyn Write) -> Result<(), Failure> {
    match command {
        Errand::Who { json } => {
            let (sessions, _) = ask(socket, "who")?;
            let shown = if *json {
                array(&sessions)
            } else {
                table(&sessions)
            };
            show(out, &shown)
        }
        Errand::Status { json } => {
            let (_, mut status) = ask(socket, "status")?;
            status.remove("done");
            let shown = if *json {
                format!("{}\n", Value::Object(status))
            } else {
                plain(&status)
            };
            show(out, &shown)
        }
        Errand::Kick { sessions } => {
            // One that has gone by now does not save the others.
            let mut missing = Vec::new();
            let mut refusal = String::new();
            for session in sessions {
                match ask(socket, &format!("kick {session}")) {
                    Err(Failure::Refused { error, text }) => {
                        refusal = error;
                        missing.push(text);
                    }
                    result => drop(result?),
                }
            }
            if missing.is_empty() {
                return Ok(());
            }
            Err(Failure::Refused {
                error: refusal,
                text: missing.join("; "),
            })
        }
        Errand::Reload => {
            let (_, last) = ask(socket, "reload")?;
            match kept(&last) {
                kept if kept.is_empty() => Ok(()),
                kept => {
                    let kept = kept.join(", ");
                    let text = format!("Changes of these count after a restart only: {kept}\n");
                    show(out, &text)
                }
            }
        }
        Errand::Drain => {
            let (_, last) = ask(socket, "drain")?;
            let shown = match number_of(&last, "sessions") {
                0 => "No sessions: the server ends.\n".to_owned(),
                1 => "1 session to go, then the server ends.\n".to_owned(),
                count => format!("{count} sessions to go, then the server ends.\n"),
            };
            show(out, &shown)
        }
    }
}

/// Options that a reload has left as they were.
fn kept(answer: &Line) -> Vec<&str> {
    match answer.get("kept") {
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

fn show(out: &mut dyn Write, text: &str) -> Result<(), Failure> {
    out.write_all(text.as_bytes()).map_err(Failure::Output)
}

/// The lines as one JSON array, each still on a line of its own.
fn array(lines: &[Line]) -> String {
    let shown: Vec<String> = lines
        .iter()
        .map(|line| Value::Object(line.clone()).to_string())
        .collect();
    format!("[{}]\n", shown.join(",\n"))
}

const HEADS: [&str; 8] = [
    "SESSION", "USER", "CLIENT", "SINCE", "STATE", "FOR", "COMMAND", "BYTES",
];

/// The sessions as a table for people: what has blanks in it, the file, at
/// the end.
fn table(sessions: &[Line]) -> String {
    let rows: Vec<[String; 8]> = sessions.iter().map(row).collect();
    let mut widths = HEADS.map(str::len);
    for row in &rows {
        for (width, field) in widths.iter_mut().zip(row) {
            *width = (*width).max(field.chars().count());
        }
    }
    let mut shown = String::new();
    let heads = HEADS.map(str::to_owned);
    let files = sessions.iter().map(|it| text_of(it, "file").unwrap_or(""));
    let lines = std::iter::once((&heads, "FILE")).chain(rows.iter().zip(files));
    for (fields, file) in lines {
        let mut line = String::new();
        for ((field, width), head) in fields.iter().zip(widths).zip(HEADS) {
            // Numbers stand at the right.
            line.push_str(&match head {
                "SESSION" | "SINCE" | "FOR" | "BYTES" => format!("{field:>width$}  "),
                _ => format!("{field:width$}  "),
            });
        }
        line.push_str(file);
        shown.push_str(line.trim_end());
        shown.push('\n');
    }
    shown
}

fn row(session: &Line) -> [String; 8] {
    let word = |key| text_of(session, key).unwrap_or("-").to_owned();
    let number = |key| number_of(session, key);
    let address = word("address").parse::<IpAddr>().ok();
    let port = u16::try_from(number("port")).unwrap_or(0);
    let client = address.map(|address| SocketAddr::new(address, port));
    let moving = matches!(text_of(session, "state"), Some("sending" | "receiving"));
    [
        number("session").to_string(),
        word("user"),
        client.map_or_else(|| word("address"), |client| client.to_string()),
        span(number("connected_seconds")),
        word("state"),
        span(number("state_seconds")),
        word("command"),
        if moving {
            number("bytes").to_string()
        } else {
            String::new()
        },
    ]
}

/// A span of time: `0:07`, `1:02:03`, `3d04h`.
fn span(seconds: u64) -> String {
    let (minutes, hours) = (seconds / 60, seconds / 3600);
    if hours >= 24 {
        format!("{}d{:02}h", hours / 24, hours % 24)
    } else if hours > 0 {
        format!("{hours}:{:02}:{:02}", minutes % 60, seconds % 60)
    } else {
        format!("{minutes}:{:02}", seconds % 60)
    }
}

/// How the server is, for people.
fn plain(status: &Line) -> String {
    let number = |key| number_of(status, key);
    let listening: Vec<&str> = match status.get("listening") {
        Some(Value::Array(all)) => all.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    let listening = if listening.is_empty() {
        "nowhere any more: it ends with the last session".to_owned()
    } else {
        listening.join(" ")
    };
    let version = text_of(status, "version").unwrap_or("?");
    [
        (
            "server",
            format!("ironftpd {version}, process {}", number("pid")),
        ),
        ("running for", span(number("uptime_seconds"))),
        ("listening on", listening),
        (
            "sessions",
            format!(
                "{}, {} of them logged in; {} since the start",
                number("sessions"),
                number("logged_in"),
                number("sessions_ever")
            ),
        ),
        ("transfers", number("transfers").to_string()),
        ("workers", number("workers").to_string()),
    ]
    .map(|(name, value)| format!("{name:13} {value}\n"))
    .concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn line(value: Value) -> Line {
        match value {
            Value::Object(line) => line,
            other => panic!("{other}"),
        }
    }

    fn sessions() -> Vec<Line> {
        vec![
            line(
                json!({ "session": 7, "user": "alice", "address": "192.0.2.1", "port": 50123,
                "connected_seconds": 3725, "state": "sending", "state_seconds": 61,
                "command": "RETR", "file": "/a file", "bytes": 1_234_567 }),
            ),
            line(
                json!({ "session": 12, "user": null, "address": "2001:db8::1", "port": 9,
                "connected_seconds": 200_000, "state": "login", "state_seconds": 3,
                "command": null, "file": null, "bytes": 0 }),
            ),
        ]
    }

    #[test]
    fn the_table_shows_who_does_what() {
        let shown = table(&sessions());
        let wanted = "\
SESSION  USER   CLIENT             SINCE  STATE     FOR  COMMAND    BYTES  FILE
      7  alice  192.0.2.1:50123  1:02:05  sending  1:01  RETR     1234567  /a file
     12  -      [2001:db8::1]:9    2d07h  login    0:03  -
";
        assert_eq!(shown, wanted);
        assert_eq!(table(&[]).lines().count(), 1);
    }

    #[test]
    fn json_is_one_array() {
        let read: Value = serde_json::from_str(&array(&sessions())).unwrap();
        assert_eq!(read.as_array().unwrap().len(), 2);
        assert_eq!(read[0]["file"], "/a file");
        assert_eq!(array(&[]), "[]\n");
    }

    #[test]
    fn a_status_says_where_the_server_listens() {
        let status = line(json!({ "version": "1.2.3", "pid": 5, "uptime_seconds": 59,
            "listening": ["127.0.0.1:21", "[::]:21"], "sessions": 3, "logged_in": 2,
            "sessions_ever": 10, "transfers": 1, "workers": 4 }));
        let shown = plain(&status);
        assert!(
            shown.contains("listening on  127.0.0.1:21 [::]:21\n"),
            "{shown}"
        );
        assert!(shown.contains("sessions      3, 2 of them logged in; 10 since the start\n"));
        let drained = line(json!({ "listening": [] }));
        assert!(plain(&drained).contains("nowhere any more"));
    }
}
