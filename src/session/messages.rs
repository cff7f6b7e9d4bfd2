//! Reply texts in other languages (RFC 2640 section 4), in the manner of
//! gettext: the English text in the source is the key, and each language is
//! a file in `messages/`.
//!
//! A line of such a file is the English text, a tab and the translation; `{}`
//! stands for a variable part, and the parts keep their order. A text that is
//! not in the file stays English. Codes never change, and [`translated`]
//! leaves alone what programs read.

use crate::protocol::{Code, Language, Reply, Text};
use std::collections::HashMap;
use std::sync::LazyLock;

static CHINESE: LazyLock<Messages> =
    LazyLock::new(|| Messages::read(include_str!("messages/zh.txt")));

/// The texts of one language.
struct Messages {
    whole: HashMap<&'static [u8], &'static str>,
    /// Fixed parts of the English text, and the translation.
    templates: Vec<(Vec<&'static str>, &'static str)>,
}

impl Messages {
    fn read(file: &'static str) -> Messages {
        let mut messages = Messages {
            whole: HashMap::new(),
            templates: Vec::new(),
        };
        let lines = file.lines().filter(|line| !line.starts_with('#'));
        for (english, other) in lines.filter_map(|line| line.split_once('\t')) {
            if english.contains("{}") {
                let parts = english.split("{}").collect();
                messages.templates.push((parts, other));
            } else {
                messages.whole.insert(english.as_bytes(), other);
            }
        }
        messages
    }

    fn find(&self, text: &[u8]) -> Option<Vec<u8>> {
        if let Some(other) = self.whole.get(text) {
            return Some(other.as_bytes().to_vec());
        }
        if let Some(both) = self.find_two(text) {
            return Some(both);
        }
        self.templates.iter().find_map(|(parts, other)| {
            let variable = variable_parts(text, parts)?;
            Some(Text::filled(other, &variable).as_bytes().to_vec())
        })
    }

    /// Two sentences: what failed, and why.
    fn find_two(&self, text: &[u8]) -> Option<Vec<u8>> {
        let at = text.windows(2).position(|part| part == b". ")?;
        let (what, why) = text.split_at_checked(at + 1)?;
        let what = self.whole.get(what)?;
        let why = self.whole.get(why.strip_prefix(b" ")?)?;
        Some([what.as_bytes(), why.as_bytes()].concat())
    }

    /// A line of help: a syntax, a dash and what the command is for.
    fn find_help(&self, text: &[u8]) -> Option<Vec<u8>> {
        const DASH: &[u8] = b" - ";
        let at = text.windows(DASH.len()).rposition(|part| part == DASH)?;
        let (syntax, dash_and_purpose) = text.split_at_checked(at)?;
        let purpose = self.whole.get(dash_and_purpose.strip_prefix(DASH)?)?;
        let syntax = self.find(syntax).unwrap_or_else(|| syntax.to_vec());
        Some([&syntax, DASH, purpose.as_bytes()].concat())
    }
}

/// What stands between the fixed `parts` of a text. The last gap but one ends
/// as late as it can: a pathname may hold what follows it.
fn variable_parts<'text>(text: &'text [u8], parts: &[&str]) -> Option<Vec<&'text [u8]>> {
    let (first, rest) = parts.split_first()?;
    // Such a text begins with a pathname in quotes; else it would be taken
    // for any text that ends like it.
    if first.is_empty() && !text.starts_with(b"\"") {
        return None;
    }
    let (last, between) = rest.split_last()?;
    let mut rest = text
        .strip_prefix(first.as_bytes())?
        .strip_suffix(last.as_bytes())?;
    let mut found = Vec::with_capacity(parts.len());
    for (index, part) in between.iter().enumerate() {
        let mut places = rest.windows(part.len().max(1));
        let at = if index + 1 == between.len() {
            places.rposition(|place| place == part.as_bytes())
        } else {
            places.position(|place| place == part.as_bytes())
        }?;
        let (before, after) = rest.split_at_checked(at)?;
        found.push(before);
        rest = after.get(part.len()..)?;
    }
    found.push(rest);
    Some(found)
}

/// The reply in `language`; None where it stays as it is.
///
/// Never translated are addresses of data connections, the kind of the system
/// and indented lines, which hold names and facts; but for those of STAT and
/// HELP, which are for people.
pub(super) fn translated(reply: &Reply, language: Language) -> Option<Reply> {
    let messages = match language {
        Language::English => return None,
        Language::Chinese => &*CHINESE,
    };
    let code = reply.code();
    let for_programs = matches!(
        code,
        Code::PassiveMode | Code::LongPassiveMode | Code::ExtendedPassiveMode | Code::SystemType
    );
    if for_programs {
        return None;
    }
    let for_people = matches!(code, Code::SystemStatus | Code::HelpMessage);
    Some(reply.with_texts(|text, indented| {
        if indented && !for_people {
            return None;
        }
        let start = text.iter().position(|octet| *octet != b' ')?;
        let (blanks, text) = text.split_at_checked(start)?;
        let help = (code == Code::HelpMessage).then(|| messages.find_help(text));
        let found = help.flatten().or_else(|| messages.find(text))?;
        Some([blanks, &found].concat())
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::{COMMANDS, SITE_COMMANDS};
    use std::collections::BTreeSet;
    use std::path::Path;

    /// What encloses a text that no client reads: logs, drawings, causes.
    const NOT_SAID: &[&str] = &[
        "debug!",
        "info!",
        "warn!",
        "error!",
        "write!",
        "write_str",
        "unreachable!",
        "assert!",
        "assert_ne!",
        "because",
        "debug_assert!",
        "expect",
        "concat!",
        "env!",
        "Forbidden",
        "need",
        "changed",
        "Reason",
        "Stranger",
        "Command",
        "deny",
        "new_system_error",
    ];

    /// Files whose texts no client reads.
    const SILENT: &[&str] = &["messages.rs", "trace.rs", "announce.rs", "scribe.rs"];

    /// Texts of and for programs, which are the same in every language.
    const FOR_PROGRAMS: &[&str] = &[
        "ironftpd {}",
        "MARK {} = {}",
        "{} {}-{} {} ",
        "UNIX Type: L8",
        "Entering Passive Mode ({}).",
        "Entering Long Passive Mode ({}).",
        "Entering Extended Passive Mode {}",
        "Name=ironftpd;{} CaseSensitive=1; DirSep=/;",
        "Modify={};",
        "FILE: {}",
        "UNIX.group={};",
        "UNIX.mode={};",
        "{} {} {} {}",
    ];

    /// The string literals of a source, each with the functions and macros
    /// that enclose it.
    fn literals(source: &str) -> Vec<(String, Vec<String>)> {
        let code = source.split("#[cfg(test)]\nmod tests").next().unwrap();
        let signs: Vec<char> = code.chars().collect();
        let (mut found, mut open, mut at) = (Vec::new(), Vec::new(), 0);
        while at < signs.len() {
            match signs[at] {
                '/' if signs.get(at + 1) == Some(&'/') => {
                    while at < signs.len() && signs[at] != '\n' {
                        at += 1;
                    }
                }
                '\'' if signs.get(at + 1) == Some(&'\\') => {
                    at += 2;
                    while signs[at] != '\'' || signs[at - 1] == '\\' && signs[at - 2] != '\\' {
                        at += 1;
                    }
                }
                '\'' if signs.get(at + 2) == Some(&'\'') => at += 2,
                '"' => {
                    let mut text = String::new();
                    at += 1;
                    while signs[at] != '"' {
                        if signs[at] == '\\' && signs[at + 1] == '\n' {
                            at += 2;
                            while signs[at].is_whitespace() {
                                at += 1;
                            }
                            continue;
                        }
                        if signs[at] == '\\' {
                            at += 1;
                        }
                        text.push(signs[at]);
                        at += 1;
                    }
                    found.push((text, open.clone()));
                }
                '(' | '[' | '{' => {
                    let is_name = |sign: &&char| sign.is_alphanumeric() || "_!".contains(**sign);
                    let name: Vec<char> = signs[..at]
                        .iter()
                        .rev()
                        .take_while(is_name)
                        .copied()
                        .collect();
                    open.push(name.iter().rev().collect());
                }
                ')' | ']' | '}' => {
                    open.pop();
                }
                _ => {}
            }
            at += 1;
        }
        found
    }

    /// A literal as a key: what is between braces is any variable part.
    fn key(literal: &str) -> String {
        let mut key = String::new();
        let mut inside = false;
        for sign in literal.chars() {
            match sign {
                '{' => key.push_str("{}"),
                '}' => {}
                sign if !inside => key.push(sign),
                _ => {}
            }
            inside = sign == '{' || inside && sign != '}';
        }
        key
    }

    /// Every text that reads like one said to a client: of `src/session`, and
    /// of the places where clients are turned away.
    fn said() -> BTreeSet<String> {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let entries = std::fs::read_dir(source.join("session")).unwrap();
        let paths = entries.map(|entry| entry.unwrap().path());
        let mut said = BTreeSet::new();
        let others = ["server/accept.rs", "server/limits.rs", "server/wrappers.rs"];
        for path in paths.chain(others.map(|name| source.join(name))) {
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            if !name.ends_with(".rs") || SILENT.contains(&name.as_str()) {
                continue;
            }
            let source = std::fs::read_to_string(&path).unwrap();
            for (text, enclosing) in literals(&source) {
                let silent = enclosing
                    .iter()
                    .any(|call| NOT_SAID.contains(&call.as_str()));
                let words = text.trim().contains(' ') || text.ends_with('.');
                if words && !silent && text.contains(char::is_alphabetic) {
                    said.insert(key(&text).trim_start().to_owned());
                }
            }
        }
        said
    }

    fn chinese(text: &str) -> Option<String> {
        let found = CHINESE.find(text.as_bytes())?;
        Some(String::from_utf8(found).unwrap())
    }

    #[test]
    fn every_text_said_to_a_client_has_a_chinese_line() {
        let known: BTreeSet<&str> = lines().map(|(english, _)| english).collect();
        let said = said();
        assert!(
            said.len() > 60,
            "the search has found {} texts only",
            said.len()
        );
        let help = COMMANDS.iter().map(|row| row.help);
        let help = help.chain(SITE_COMMANDS.iter().map(|row| row.help));
        let missing: Vec<&str> = said
            .iter()
            .map(String::as_str)
            .chain(help)
            .filter(|text| !known.contains(text) && !FOR_PROGRAMS.contains(text))
            .collect();
        assert!(
            missing.is_empty(),
            "src/session/messages/zh.txt lacks:\n{}",
            missing.join("\n")
        );
    }

    #[test]
    fn every_line_is_for_a_text_that_is_said() {
        let said = said();
        let help: Vec<&str> = COMMANDS
            .iter()
            .map(|row| row.help)
            .chain(SITE_COMMANDS.iter().map(|row| row.help))
            .collect();
        let stale: Vec<&str> = lines()
            .map(|(english, _)| english)
            .filter(|text| !said.contains(*text) && !help.contains(text))
            .collect();
        assert!(stale.is_empty(), "nobody says:\n{}", stale.join("\n"));
    }

    fn lines() -> impl Iterator<Item = (&'static str, &'static str)> {
        include_str!("messages/zh.txt")
            .lines()
            .filter(|line| !line.starts_with('#'))
            .map(|line| line.split_once('\t').expect("a tab"))
    }

    #[test]
    fn translations_have_the_parts_of_their_texts_and_break_no_line() {
        let mut seen = BTreeSet::new();
        for (english, other) in lines() {
            assert!(seen.insert(english), "{english} twice");
            let count = |text: &str| text.matches("{}").count();
            assert_eq!(count(english), count(other), "{english}");
            assert!(
                !other.is_empty() && !other.contains(['\t', '\r', '\n']),
                "{english}"
            );
            // A name shall stand apart from what surrounds it.
            for (at, _) in other.match_indices("{}") {
                let before = other[..at].chars().next_back();
                let after = other[at + 2..].chars().next();
                let apart = |sign: Option<char>| sign.is_none_or(|sign| sign.is_ascii());
                assert!(apart(before) && apart(after), "{other}");
            }
        }
    }

    #[test]
    fn whole_texts_and_those_with_variable_parts_are_translated() {
        assert_eq!(chinese("Goodbye.").unwrap(), "再见。");
        assert_eq!(chinese("\"/a b\" created").unwrap(), "\"/a b\" 已创建");
        assert_eq!(chinese("anything else"), None);
        let opening = chinese("Opening BINARY mode data connection for a (1 bytes). (7 bytes).");
        assert!(opening.unwrap().contains(" a (1 bytes). (7 bytes)"));
    }

    #[test]
    fn what_programs_read_is_left_alone() {
        let same = |reply: Reply| {
            let translated = translated(&reply, Language::Chinese);
            assert!(translated.is_none_or(|translated| translated == reply));
        };
        same(Reply::new(
            Code::PassiveMode,
            "Entering Passive Mode (1,2,3,4,5,6).",
        ));
        same(Reply::new(
            Code::ExtendedPassiveMode,
            "Entering Extended Passive Mode (|||7|)",
        ));
        same(Reply::new(Code::SystemType, "UNIX Type: L8"));
        same(Reply::new(Code::FileStatus, "1234"));
        let reply = Reply::new(Code::FileStatus, "End of status")
            .indented("a")
            .indented("Goodbye.");
        let translated = translated(&reply, Language::Chinese).unwrap();
        let mut out = Vec::new();
        translated.encode(&mut out);
        assert_eq!(out, "213-a\r\n Goodbye.\r\n213 状态结束\r\n".as_bytes());
    }
}
