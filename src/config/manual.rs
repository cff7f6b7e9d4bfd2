//! The option tables as mdoc(7), for ironftpd.conf(5).
#![forbid(unsafe_code)]

use super::moot::MOOT;
use super::options::OPTIONS;
use super::print::wrapped;
use super::spec::OptionSpec;

/// The sections of ironftpd.conf(5) that explain each option served.
#[must_use]
pub fn options() -> String {
    let mut out = String::new();
    let mut group = "";
    for spec in OPTIONS {
        if spec.group != group {
            if !group.is_empty() {
                out.push_str(".El\n");
            }
            out.push_str(&format!(".Ss {}\n.Bl -tag -width Ds\n", spec.group));
            group = spec.group;
        }
        out.push_str(&option(spec));
    }
    out.push_str(".El\n");
    out
}

fn option(spec: &OptionSpec) -> String {
    let default = if spec.default.is_empty() {
        "none"
    } else {
        spec.default
    };
    let mut out = format!(
        ".It Cm {} Pq {} , default {default}\n",
        spec.name, spec.kind
    );
    sentences(&mut out, spec.doc);
    if let Some(note) = spec.note {
        out.push_str(".Pp\n");
        sentences(&mut out, &format!("Difference: {note}"));
    }
    out
}

/// The list of ironftpd(8) of the options that count at the start only.
#[must_use]
pub fn at_the_start() -> String {
    let names = super::difference::AT_THE_START;
    format!(".Cm {} .\n", names.join(" ,\n.Cm "))
}

/// The section of ironftpd.conf(5) on the options of vsftpd that have no
/// meaning here.
#[must_use]
pub fn moot() -> String {
    let mut out =
        String::from("These are accepted and have no meaning here.\n.Bl -tag -width Ds\n");
    for row in MOOT {
        out.push_str(&format!(".It Cm {} Pq {}\n", row.name, row.kind));
        let reason = row
            .reason
            .strip_prefix("has no meaning here: ")
            .unwrap_or(row.reason);
        let (first, rest) = reason.split_at_checked(1).unwrap_or((reason, ""));
        sentences(&mut out, &format!("{}{rest}.", first.to_ascii_uppercase()));
    }
    out.push_str(".El\n");
    out
}

/// Adds text, each sentence on lines of its own as mdoc wants them.
pub(crate) fn sentences(out: &mut String, text: &str) {
    for sentence in text.split_inclusive(". ") {
        for line in wrapped(sentence, 76) {
            // A line that starts with a dot or quote would be a request.
            if line.starts_with(['.', '\'']) {
                out.push_str("\\&");
            }
            out.push_str(&line);
            out.push('\n');
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_option_has_an_entry() {
        let page = options() + &moot();
        for spec in OPTIONS {
            assert!(
                page.contains(&format!("\n.It Cm {} Pq", spec.name)),
                "{}",
                spec.name
            );
        }
        for row in MOOT {
            let listed = page.contains(&format!(".It Cm {}", row.name))
                || page
                    .split([' ', ',', '.', '\n'])
                    .any(|word| word == row.name);
            assert!(listed, "{}", row.name);
        }
    }

    #[test]
    fn sentences_start_on_new_lines() {
        let mut out = String::new();
        sentences(&mut out, "One. Two.");
        assert_eq!(out, "One.\nTwo.\n");
    }

    #[test]
    fn no_text_becomes_a_request() {
        let mut out = String::new();
        sentences(&mut out, ".so /etc/passwd");
        assert_eq!(out, "\\&.so /etc/passwd\n");
    }
}
