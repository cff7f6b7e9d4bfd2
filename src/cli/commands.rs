//! The commands of the protocol as ironftpd(8) lists them, from the rows of
//! the command tables.
#![forbid(unsafe_code)]

use crate::config::manual::sentences;
use crate::protocol::{COMMANDS, SITE_COMMANDS};

/// The list between the COMMANDS marks of ironftpd(8), in mdoc(7).
#[must_use]
pub fn manual_commands() -> String {
    let mut page = String::from(".Bl -tag -width Ds\n");
    for spec in COMMANDS {
        let also = match spec.names.split_first() {
            Some((_, aliases)) if !aliases.is_empty() => {
                format!(" Also {}.", aliases.join(", "))
            }
            _ => String::new(),
        };
        item(
            &mut page,
            spec.syntax,
            &format!("{}{also}", spec.help),
            Some(spec.rfc),
        );
    }
    for spec in SITE_COMMANDS {
        item(&mut page, spec.syntax, spec.help, None);
    }
    page.push_str(".El\n");
    page
}

fn item(page: &mut String, syntax: &str, help: &str, source: Option<&str>) {
    // A word that mdoc knows as a macro would be called: `\\&` keeps it text.
    let plain = syntax.replace("<SP> ", "");
    let words: Vec<String> = plain.split(' ').map(|word| format!("\\&{word}")).collect();
    page.push_str(&format!(".It {}\n", words.join(" ")));
    let mut text = help.trim_end_matches('.').to_owned();
    if let Some(first) = text.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    match source {
        Some(source) => sentences(page, &format!("{text} ({source}).")),
        None => sentences(page, &format!("{text}.")),
    }
}
