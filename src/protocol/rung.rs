//! The shapes of a ladder drawing: an arrow with its text and what stands at
//! its ends, and a note beside a side. What they tell is `ladder`'s; here is
//! what fits into a line.
#![forbid(unsafe_code)]

/// Lines that one text may take; what is left is cut off.
const FOLDS: usize = 4;

/// An end of the connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The user's end.
    Client,
    /// The server's end.
    Server,
}

/// What an arrow ends in.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Head {
    Arrives,
    /// An X at the other side: turned down there.
    TurnedDown,
    /// An X on the way: nobody knows where it went.
    Lost,
}

/// A rung with an arrow.
pub(super) struct Arrow<'a> {
    pub from: Side,
    /// What stands at the two ends.
    pub labels: (&'a str, &'a str),
    pub shaft: char,
    pub head: Head,
}

impl Side {
    pub(super) fn name(self) -> &'static str {
        match self {
            Side::Client => "client",
            Side::Server => "server",
        }
    }
}

impl Arrow<'static> {
    pub(super) fn control(from: Side) -> Arrow<'static> {
        Arrow {
            from,
            labels: ("", ""),
            shaft: '-',
            head: Head::Arrives,
        }
    }

    pub(super) fn data(from: Side) -> Arrow<'static> {
        Arrow {
            shaft: '=',
            ..Arrow::control(from)
        }
    }

    pub(super) fn broken(self, head: Head) -> Arrow<'static> {
        Arrow { head, ..self }
    }
}

impl Arrow<'_> {
    /// The arrow with text in its shaft; what does not fit goes below.
    pub(super) fn lines(&self, text: &str, width: usize) -> Vec<String> {
        let (left, right) = self.labels;
        let shaft = |length: usize| self.shaft.to_string().repeat(length);
        let gap = |label: &str| if label.is_empty() { "" } else { " " };
        let head = |arrives| match self.head {
            Head::Arrives => arrives,
            Head::TurnedDown | Head::Lost => 'X',
        };
        let way = match self.head {
            Head::Lost => " ".repeat(6),
            Head::Arrives | Head::TurnedDown => String::new(),
        };
        let (begin, end) = match self.from {
            Side::Client => (shaft(4), format!("{}{way}", head('>'))),
            Side::Server => (format!("{way}{}{}", head('<'), shaft(3)), String::new()),
        };
        let begin = format!("{left}{}{begin} ", gap(left));
        let end = format!("{end}{}{right}", gap(right));
        let indent = begin.chars().count();
        // A blank and one piece of shaft after the text.
        let room = width.saturating_sub(indent + end.chars().count() + 2);
        let mut lines = Vec::new();
        for (index, text) in folded(text, room).iter().enumerate() {
            if index == 0 {
                let rest = shaft(room.saturating_sub(text.chars().count()) + 1);
                lines.push(format!("|{begin}{text} {rest}{end}|"));
            } else {
                let room = width.saturating_sub(indent);
                lines.push(format!("|{}{text:<room$}|", " ".repeat(indent)));
            }
        }
        lines
    }
}

/// Text without an arrow, near its side.
pub(super) fn note(side: Side, text: &str, width: usize) -> Vec<String> {
    let room = width.saturating_sub(2);
    let fold = folded(text, room);
    let line = |text: &String| match side {
        Side::Client => format!("| {text:<room$} |"),
        Side::Server => format!("| {text:>room$} |"),
    };
    fold.iter().map(line).collect()
}

/// `text` in lines of at most `room` characters, broken at blanks where
/// there are some. At least one line, and not many.
fn folded(text: &str, room: usize) -> Vec<String> {
    let room = room.max(12);
    let mut lines: Vec<String> = Vec::new();
    let mut rest: Vec<char> = text.chars().collect();
    while rest.len() > room && lines.len() + 1 < FOLDS {
        // The blank may be the first character that does not fit.
        let blank = rest.iter().take(room + 1).rposition(|&c| c == ' ');
        let at = blank.filter(|&at| at > room / 2).unwrap_or(room);
        let tail = rest.split_off(at.min(rest.len()));
        lines.push(rest.into_iter().collect());
        rest = match tail.split_first() {
            Some((' ', after)) if blank == Some(at) => after.to_vec(),
            _ => tail,
        };
    }
    if rest.len() > room {
        rest.truncate(room - 3);
        rest.extend("...".chars());
    }
    lines.push(rest.into_iter().collect());
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_folded_at_blanks_and_then_cut() {
        assert_eq!(folded("", 12), [""]);
        assert_eq!(folded("twelve signs", 12), ["twelve signs"]);
        assert_eq!(
            folded("twelve signs and more", 12),
            ["twelve signs", "and more"]
        );
        assert_eq!(
            folded("a verylongwordindeed", 12),
            ["a verylongwo", "rdindeed"]
        );
        let lines = folded(&"x".repeat(100), 20);
        assert_eq!(lines.len(), FOLDS);
        assert_eq!(lines[FOLDS - 1], format!("{}...", "x".repeat(17)));
    }

    #[test]
    fn every_line_of_a_rung_is_as_wide_as_the_ladder() {
        let text = "words that do not find room in one line";
        for from in [Side::Client, Side::Server] {
            for head in [Head::Arrives, Head::TurnedDown, Head::Lost] {
                let arrow = Arrow {
                    labels: ("50000", "20"),
                    ..Arrow::data(from).broken(head)
                };
                let lines = arrow.lines(text, 40);
                assert!(lines.len() > 1);
                assert!(lines.iter().all(|line| line.len() == 42), "{lines:?}");
            }
            assert!(note(from, text, 30).iter().all(|line| line.len() == 32));
        }
    }
}
