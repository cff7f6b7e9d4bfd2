//! What the options that take commands and names away from users say: whether
//! the lists can be what was meant.
#![forbid(unsafe_code)]

use super::check::Report;
use super::error::Problem;
use super::finding::Note;
use super::notes::Away;
use super::parse::shown;
use crate::protocol::NameFilter;
use crate::protocol::pattern::MAX_PATTERN;
use crate::protocol::permitted::strangers;

pub(super) fn check(report: &mut Report<'_>) {
    let config = report.config;
    if !config.ftp_enable {
        report.finding("ftp_enable", Away::NobodyServed);
    }
    for (option, list) in [
        ("cmds_allowed", &config.cmds_allowed),
        ("cmds_denied", &config.cmds_denied),
    ] {
        for name in strangers(list) {
            report.finding(option, Note::NoCommand(shown(name)));
        }
    }
    for (option, text) in [
        ("deny_file", &config.deny_file),
        ("hide_file", &config.hide_file),
        ("download_file", &config.download_file),
        ("upload_file", &config.upload_file),
    ] {
        if NameFilter::parse(text).is_err() {
            let largest = MAX_PATTERN;
            report.error(option, Problem::PatternTooLong { largest });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::check::tests::{errors, judged};
    use super::super::load::Accounts;

    fn told(text: &str) -> Vec<String> {
        judged(text, Accounts::Configured).unwrap()
    }

    #[test]
    fn names_of_no_command_are_told() {
        assert_eq!(
            told("cmds_allowed=RETR,list\ncmds_denied=SITE CHMOD,FROB"),
            [
                "f:1: cmds_allowed: \"list\" is no command, and says nothing: write names \
                 in upper case, with commas and no blanks between them",
                "f:2: cmds_denied: \"FROB\" is no command, and says nothing: write names \
                 in upper case, with commas and no blanks between them",
            ]
        );
    }

    #[test]
    fn endless_patterns_are_refused() {
        let text = format!("deny_file={}", "*x".repeat(400));
        assert_eq!(
            errors(&text),
            ["f:1: deny_file: a pattern of more than 512 bytes"]
        );
    }

    #[test]
    fn a_server_for_nobody_is_told() {
        assert_eq!(
            told("ftp_enable=NO"),
            [
                "f:1: ftp_enable: every client will be turned away with 500 OOPS: set ftp_enable=YES to serve any"
            ]
        );
        assert_eq!(
            told("message_file=.welcome"),
            [
                "f:1: message_file: has no effect while dirmessage_enable is NO: \
              set dirmessage_enable=YES, or leave this out"
            ]
        );
    }
}
