//! A question to a running server and its answer, over the control socket:
//! one line there, lines of JSON back (src/README.md).
#![forbid(unsafe_code)]

use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use super::failure::Failure;
use serde_json::{Map, Value};

/// How long the server may stay silent. It has ten seconds to reload.
const PATIENCE: Duration = Duration::from_secs(20);

/// The longest line of an answer, in bytes.
const LONGEST: u64 = 64 * 1024;

/// One line of an answer.
pub type Line = Map<String, Value>;

/// Asks the server at `socket`, and gives the lines of its answer, the last of
/// them apart.
///
/// # Errors
/// When there is no server, it refuses, or what comes is no whole answer.
pub fn ask(socket: &Path, question: &str) -> Result<(Vec<Line>, Line), Failure> {
    let stream = connect(socket).map_err(|error| Failure::NoServer(socket.to_owned(), error))?;
    let unanswered = |error| Failure::NoAnswer(socket.to_owned(), error);
    let wrong = || Failure::BadAnswer(socket.to_owned());
    // Where the server refuses before it has heard the question, its answer
    // is there all the same.
    match (&stream).write_all(format!("{question}\n").as_bytes()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => return Err(unanswered(error)),
        _ => {}
    }
    let mut reader = BufReader::new(stream);
    let mut lines = Vec::new();
    loop {
        let mut line = Vec::new();
        let read = reader.by_ref().take(LONGEST).read_until(b'\n', &mut line);
        match read {
            Ok(0) => return Err(unanswered(ErrorKind::UnexpectedEof.into())),
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                return Err(unanswered(ErrorKind::TimedOut.into()));
            }
            Err(error) => return Err(unanswered(error)),
        }
        let Ok(Value::Object(line)) = serde_json::from_slice(&line) else {
            return Err(wrong());
        };
        if let Some(error) = text_of(&line, "error") {
            return Err(Failure::Refused {
                error: error.to_owned(),
                text: text_of(&line, "text").unwrap_or(error).to_owned(),
            });
        }
        if line.contains_key("done") {
            return Ok((lines, line));
        }
        lines.push(line);
    }
}

fn connect(socket: &Path) -> io::Result<UnixStream> {
    let stream = UnixStream::connect(socket)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    Ok(stream)
}

/// A text of a line.
pub fn text_of<'line>(line: &'line Line, key: &str) -> Option<&'line str> {
    line.get(key)?.as_str()
}

/// A number of a line; 0 if there is none.
pub fn number_of(line: &Line, key: &str) -> u64 {
    line.get(key).and_then(Value::as_u64).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::net::UnixListener;
    use std::path::PathBuf;
    use std::sync::atomic::{AtomicU32, Ordering};

    /// The path of a server that gives `answer` to whatever it is asked.
    fn server(answer: &'static [u8]) -> PathBuf {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("ironftpctl-{}-{count}", std::process::id());
        let path = std::env::temp_dir().join(name);
        let listener = UnixListener::bind(&path).unwrap();
        let own = path.clone();
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            std::fs::remove_file(own).unwrap();
            let mut question = String::new();
            BufReader::new(&stream).read_line(&mut question).unwrap();
            assert_eq!(question, "who\n");
            let _ = stream.write_all(answer);
        });
        path
    }

    #[test]
    fn lines_come_up_to_the_one_that_is_the_last() {
        let path =
            server(b"{\"session\":1}\n{\"session\":2}\n{\"done\":\"who\",\"sessions\":2}\nx");
        let (lines, last) = ask(&path, "who").unwrap();
        assert_eq!(lines.len(), 2);
        assert_eq!(number_of(&lines[1], "session"), 2);
        assert_eq!(
            (text_of(&last, "done"), number_of(&last, "none")),
            (Some("who"), 0)
        );
    }

    #[test]
    fn what_is_no_whole_answer_is_none() {
        for half in [&b""[..], b"{\"session\":1}\n"] {
            assert!(matches!(
                ask(&server(half), "who"),
                Err(Failure::NoAnswer(..))
            ));
        }
        for garbage in [&b"220 hello\r\n"[..], b"[1]\n", b"{\"a\"\n", b"\xff\n"] {
            assert!(matches!(
                ask(&server(garbage), "who"),
                Err(Failure::BadAnswer(_))
            ));
        }
        let endless = server(Box::leak(vec![b' '; 1 << 20].into_boxed_slice()));
        assert!(matches!(ask(&endless, "who"), Err(Failure::BadAnswer(_))));
        let refused = ask(&server(b"{\"error\":\"denied\",\"text\":\"no\"}\n"), "who");
        assert!(matches!(refused, Err(Failure::Refused { error, text })
            if error == "denied" && text == "no"));
        let nobody = ask(Path::new("/nowhere/at/all"), "who");
        assert!(matches!(nobody, Err(Failure::NoServer(..))));
    }
}
