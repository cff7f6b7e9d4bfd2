//! The attacker: says the lines of a trial with a pathname of his choice, and
//! keeps all that the server says to it.

use std::io::Write;
use std::net::Shutdown;

use crate::confinement::commands::{Effect, Trial};
use crate::confinement::world::Outside;
use crate::support::control::Control;
use crate::support::data::read_all;

/// What the attacker stores.
const STORED: &[u8] = b"bytes of the attacker";

/// Commands that need a data connection; those of the second list send on it.
const DOWN: &[&[u8]] = &[b"RETR", b"LIST", b"NLST", b"MLSD"];
const UP: &[&[u8]] = &[b"STOR", b"STOU", b"APPE"];

/// Says one line, and gives everything that came back and the last code.
pub fn say(control: &mut Control, line: &[u8]) -> (Vec<u8>, u16) {
    let verb = line.split(|&byte| byte == b' ').next().unwrap_or(line);
    let (down, up) = (DOWN.contains(&verb), UP.contains(&verb));
    let data = (down || up).then(|| control.passive());
    control.line(line);
    let mut reply = control.reply();
    let mut all = reply.lines.join(&b'\n');
    if reply.code == 150
        && let Some(mut data) = data
    {
        if up {
            let _ = data.write_all(STORED);
            let _ = data.shutdown(Shutdown::Write);
        }
        all.extend(read_all(data));
        reply = control.reply();
        all.extend(reply.lines.join(&b'\n'));
    }
    (all, reply.code)
}

/// What the words of a trial stand for.
const WORDS: [&[u8]; 5] = [b"{file}", b"{dir}", b"{empty}", b"{new}", b"{top}"];

/// The names that `world::plant` makes in `top`.
fn names_in(top: &[u8]) -> [Vec<u8>; 5] {
    let below = |name: &[u8]| [top, b"/", name].concat();
    let [file, dir] = [below(b"secret"), below(b"vault")];
    [file, dir, below(b"empty"), below(b"new"), top.to_vec()]
}

fn replace(text: &[u8], word: &[u8], with: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.windows(word.len()).position(|part| part == word) {
        out.extend_from_slice(&rest[..at]);
        out.extend_from_slice(with);
        rest = &rest[at + word.len()..];
    }
    out.extend_from_slice(rest);
    out
}

/// What came of a trial.
pub struct Outcome {
    pub said: Vec<u8>,
    pub last: u16,
}

/// Plays a trial with `top` as the directory that is not to be reached; `gid`
/// is a group to give files to.
pub fn play(control: &mut Control, trial: Trial, top: &[u8], gid: u32) -> Outcome {
    play_at(control, trial, &names_in(top), gid)
}

/// Plays a trial with these names in the order of [`WORDS`].
pub fn play_at(
    control: &mut Control,
    (_, lines): Trial,
    names: &[impl AsRef<[u8]>; 5],
    gid: u32,
) -> Outcome {
    let mut said = Vec::new();
    let mut last = 0;
    for line in lines {
        let mut filled = replace(line.as_bytes(), b"{gid}", gid.to_string().as_bytes());
        for (word, name) in WORDS.iter().zip(names) {
            filled = replace(&filled, word, name.as_ref());
        }
        let (words, code) = say(control, &filled);
        said.extend(words);
        said.push(b'\n');
        last = code;
    }
    Outcome { said, last }
}

/// Plays a trial that must reach nothing outside.
#[track_caller]
pub fn fails(control: &mut Control, trial: Trial, top: &[u8], outside: &Outside) {
    let outcome = play(control, trial, top, outside.group());
    let shown = || format!("{:?} at {}", trial.1, top.escape_ascii());
    if let Some(word) = outside.told_by(&outcome.said) {
        let said = outcome.said.escape_ascii();
        panic!("{}: told {}: {said}", shown(), word.escape_ascii());
    }
    let changes = outside.changes();
    assert!(changes.is_empty(), "{}: {changes:#?}", shown());
    assert!(
        trial.0 != Effect::Succeeds || outcome.last >= 400,
        "{}: {}",
        shown(),
        outcome.last
    );
}
