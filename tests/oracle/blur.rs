//! Texts without what is only so in this run: names and numbers of accounts,
//! the stage's directory, moments, ports, process ids, rates.

use super::support::accounts::Account;

const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

const DAYS: [&str; 7] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];

/// What is undone for one stage.
pub struct Blur {
    root: String,
    /// As 227 has it, and as 229 has it.
    port: [String; 2],
    names: Vec<(String, &'static str)>,
    numbers: Vec<(String, &'static str)>,
}

impl Blur {
    pub fn new(
        root: &str,
        cast: &[(&'static str, Account)],
        numbers: &[(&'static str, [u32; 2])],
        port: u16,
    ) -> Blur {
        let [high, low] = port.to_be_bytes();
        let names = cast
            .iter()
            .map(|(word, account)| (account.name.clone(), *word));
        let numbers = numbers
            .iter()
            .flat_map(|(word, both)| both.map(|number| (number.to_string(), *word)))
            .collect();
        Blur {
            root: root.to_owned(),
            port: [format!(",{high},{low})"), format!("|||{port}|)")],
            names: names.collect(),
            numbers,
        }
    }

    /// The name of the cast that has this number.
    pub fn number(&self, number: u32) -> String {
        let number = number.to_string();
        let known = self.numbers.iter().find(|(known, _)| *known == number);
        known.map_or(number, |(_, word)| (*word).to_owned())
    }

    /// The text as a table can hold it.
    pub fn text(&self, text: &str) -> String {
        let mut text = text.replace(&self.root, "");
        for (name, word) in &self.names {
            text = renamed(&text, name, word);
        }
        for port in &self.port {
            text = text.replace(port, " PORT_ONE)");
        }
        let mut words = pairs(&text);
        for at in 0..words.len() {
            self.word(&mut words, at);
        }
        words
            .into_iter()
            .map(|(word, blanks)| word + &blanks)
            .collect()
    }

    fn word(&self, words: &mut [(String, String)], at: usize) {
        let word = words[at].0.clone();
        let next = |more: usize| words.get(at + more).map_or("", |(word, _)| word);
        let moment = |text: &str| text.len() >= 5 && text.as_bytes()[2] == b':';
        if let Some((_, label)) = self.numbers.iter().find(|(known, _)| *known == word) {
            // Columns stay as wide as they are.
            // A number is not what a name is.
            let label = format!("#{label}");
            let wide = word.len() + words[at].1.len();
            let blanks = wide.saturating_sub(label.len()).max(1);
            words[at] = (label, " ".repeat(blanks));
        } else if DAYS.contains(&&*word) && MONTHS.contains(&next(1)) && moment(next(3)) {
            empty(words, at, 5, "NOW");
        } else if MONTHS.contains(&&*word) && moment(next(2)) {
            empty(words, at, 3, "NOW");
        } else if word == "[pid" && next(1).ends_with(']') {
            empty(words, at, 2, "[pid N]");
        } else if word.ends_with("Kbyte/sec") {
            words[at].0 = "RATE".to_owned();
        } else if let Some((_, rest)) = word.split_once("(|||")
            && let Some((_, rest)) = rest.split_once('|')
        {
            words[at].0 = format!("(|||PORT|{rest}");
        } else {
            words[at].0 = without_unique(word);
        }
    }
}

/// The text with `word` for `name`. In a column of a listing, where more than
/// one blank follows or the name fills it, the blanks follow those of a name of
/// `word`'s length.
fn renamed(text: &str, name: &str, word: &str) -> String {
    const COLUMN: usize = 8;
    let mut out = String::new();
    let mut parts = text.split(name);
    out.push_str(parts.next().unwrap_or_default());
    for part in parts {
        out.push_str(word);
        let listed = out.rsplit('\n').next().is_some_and(is_listed);
        if listed && part.starts_with(' ') {
            let wide = |name: &str| name.len().max(COLUMN) - name.len();
            let rest = part.strip_prefix(&" ".repeat(wide(name))).unwrap_or(part);
            out.push_str(&" ".repeat(wide(word)));
            out.push_str(rest);
        } else {
            out.push_str(part);
        }
    }
    out
}

/// Whether this begins a line of LIST.
fn is_listed(line: &str) -> bool {
    let kind = line.as_bytes().first();
    kind.is_some_and(|kind| b"-dl".contains(kind)) && line.as_bytes().get(10) == Some(&b' ')
}

/// The word without what STOU puts behind a name: fourteen digits and eight
/// letters.
fn without_unique(word: String) -> String {
    let digits = |part: &str| part.len() == 14 && part.bytes().all(|byte| byte.is_ascii_digit());
    let parts: Vec<&str> = word.split('.').collect();
    match parts.iter().position(|part| digits(part)) {
        Some(at) if at > 0 && parts.len() == at + 2 && parts[at + 1].len() == 8 => {
            format!("{}.UNIQUE", parts[..at].join("."))
        }
        _ => word,
    }
}

/// `count` words become one.
fn empty(words: &mut [(String, String)], at: usize, count: usize, instead: &str) {
    let end = (at + count - 1).min(words.len() - 1);
    let blanks = words[end].1.clone();
    for (word, between) in &mut words[at..=end] {
        word.clear();
        between.clear();
    }
    words[at] = (instead.to_owned(), blanks);
}

/// Words, each with the blanks and line ends behind it.
fn pairs(text: &str) -> Vec<(String, String)> {
    let mut pairs = vec![(String::new(), String::new())];
    for sign in text.chars() {
        let (word, blanks) = pairs.last_mut().unwrap();
        if sign.is_whitespace() {
            blanks.push(sign);
        } else if blanks.is_empty() {
            word.push(sign);
        } else {
            pairs.push((sign.to_string(), String::new()));
        }
    }
    pairs
}

#[test]
fn what_is_only_so_now_is_gone_and_columns_stay() {
    let blur = Blur {
        root: "/tmp/x".to_owned(),
        port: [",80,1)", "|||20481|)"].map(str::to_owned),
        names: vec![("ift1alice".to_owned(), "alice")],
        numbers: vec![("1004".to_owned(), "alice")],
    };
    for (text, wanted) in [
        (
            "-rw-r--r--    1 1004     1004            4 Nov 21 09:02 x",
            "-rw-r--r--    1 #alice   #alice          4 NOW x",
        ),
        (
            "-rw-r--r--    1 ift1alice ift1alice        4 Nov 21 09:02 x",
            "-rw-r--r--    1 alice    alice           4 NOW x",
        ),
        (
            "-rw-r--r--    1 0        0               4 Feb 13  2009 x",
            "-rw-r--r--    1 0        0               4 Feb 13  2009 x",
        ),
        (
            "Sat Nov 21 09:02:11 2026 [pid 12] [ift1alice] OK",
            "NOW [pid N] [alice] OK",
        ),
        ("257 \"/tmp/x/home/ift1alice\"", "257 \"/home/alice\""),
    ] {
        assert_eq!(blur.text(text), wanted);
    }
}
