//! Defaults about which vsftpd's manual and its code say different things:
//! who relies on the manual gets something else, from vsftpd as well.
#![forbid(unsafe_code)]

use super::error::Origin;
use super::finding::{Finding, Note, Severity};
use super::options::Config;
use Severity::{Info, Warning};

/// An option, the default of the manual, that of the code, and where it
/// matters that nobody has set it.
pub struct Disputed {
    /// Its name.
    pub option: &'static str,
    /// What vsftpd's manual says.
    pub manual: &'static str,
    /// What its code does.
    pub code: &'static str,
    matters: fn(&Config) -> Option<Severity>,
}

/// All of them.
pub static DISPUTED: &[Disputed] = &[
    Disputed {
        option: "anonymous_enable",
        manual: "NO",
        code: "YES",
        matters: |c| Some(if c.local_enable { Warning } else { Info }),
    },
    Disputed {
        option: "listen",
        manual: "NO",
        code: "YES",
        matters: |c| c.listen_ipv6.then_some(Info),
    },
    Disputed {
        option: "max_clients",
        manual: "0",
        code: "2000",
        matters: |_| Some(Info),
    },
    Disputed {
        option: "max_per_ip",
        manual: "0",
        code: "50",
        matters: |_| Some(Info),
    },
    Disputed {
        option: "pasv_min_port",
        manual: "0",
        code: "5001",
        matters: |c| (c.pasv_enable && c.pasv_ports.is_empty()).then_some(Info),
    },
    Disputed {
        option: "strict_ssl_read_eof",
        manual: "NO",
        code: "YES",
        matters: |c| c.ssl_enable.then_some(Info),
    },
];

/// Those that nobody has set in `config`, where it matters.
#[must_use]
pub fn findings(config: &Config) -> Vec<Finding> {
    let unset = DISPUTED
        .iter()
        .filter(|row| *config.origin(row.option) == Origin::Builtin);
    unset
        .filter_map(|row| Some((row, (row.matters)(config)?)))
        .map(|(row, severity)| {
            let Disputed { manual, code, .. } = row;
            let note = Note::Disputed {
                manual,
                code,
                ours: super::options::find(row.option.as_bytes()).map_or("", |spec| spec.default),
                severity,
            };
            Finding::of(config, row.option, note)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::options::find;
    use super::*;

    fn found(text: &str) -> Vec<String> {
        let config = Config::of_text(text);
        let findings = findings(&config);
        let named = |it: &Finding| format!("{:?} {}", it.severity(), it.option.as_ref().unwrap());
        findings.iter().map(named).collect()
    }

    #[test]
    fn the_table_of_options_has_one_of_the_two_and_says_so() {
        for row in DISPUTED {
            let spec = find(row.option.as_bytes()).unwrap();
            assert!(
                spec.default == row.manual || spec.default == row.code,
                "{}",
                row.option
            );
            let note = spec.note.unwrap();
            assert!(note.contains("manual"), "{}: {note}", row.option);
            assert!(
                note.contains(row.manual) && note.contains(row.code),
                "{note}"
            );
        }
    }

    #[test]
    fn only_what_is_left_out_and_matters_is_told() {
        assert_eq!(
            found(""),
            [
                "Info anonymous_enable",
                "Info max_clients",
                "Info max_per_ip",
                "Info pasv_min_port"
            ]
        );
        assert_eq!(
            found("local_enable=YES\nlisten_ipv6=YES\nmax_clients=9\nmax_per_ip=9\npasv_enable=NO"),
            ["Warning anonymous_enable", "Info listen"]
        );
    }

    #[test]
    fn both_defaults_are_told() {
        let config = Config::default();
        assert_eq!(
            findings(&config)[0].to_string(),
            "default: anonymous_enable: not set: vsftpd's manual gives NO as the default, its code \
             YES, and here it is YES: set it to what is meant"
        );
    }
}
