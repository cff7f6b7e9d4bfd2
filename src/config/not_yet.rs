//! The options of vsftpd that are not served, and what becomes of each.
//!
//! An option is never swallowed. Either its value asks for what ironftpd
//! does anyway, or it does nothing because a switch it depends on is
//! refused, or it has no meaning in this server and the log says why, or the
//! server does not start. The rows cover the vsftpd of its source, of Debian
//! (3.0.3) and of the distributions that add TLS switches.
#![forbid(unsafe_code)]

use super::options::Kind::{self, Bool, Path};

/// What becomes of an option that is not served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// Refused, unless it has this value, which is what ironftpd does.
    Only(&'static str),
    /// Accepted with a finding: it does nothing without that other option,
    /// which is itself refused.
    InertWithout(&'static str),
    /// Accepted with a finding, for the reason given.
    Moot(&'static str),
}

/// One option of vsftpd that is not served.
#[derive(Clone, Copy, Debug)]
pub struct NotYet {
    /// Name as in vsftpd.conf.
    pub name: &'static str,
    /// Kind of the value, which is checked even where it does nothing.
    pub kind: Kind,
    /// What becomes of it.
    pub rule: Rule,
}

/// The row of `name`.
#[must_use]
pub fn find(name: &[u8]) -> Option<&'static NotYet> {
    NOT_YET.iter().find(|row| row.name.as_bytes() == name)
}

const fn moot(name: &'static str, kind: Kind, reason: &'static str) -> NotYet {
    NotYet {
        name,
        kind,
        rule: Rule::Moot(reason),
    }
}

/// Every option of vsftpd that is not in the option table.
pub static NOT_YET: &[NotYet] = &[
    // Processes and privileges.
    moot(
        "allow_writeable_chroot",
        Bool,
        "has no meaning here: a root that its user may write is safe, for no part of ironftpd reads \
         files out of it to act on them (vsftpd's process is inside, where its libraries would), and \
         it is never refused",
    ),
    moot(
        "one_process_model",
        Bool,
        "has no meaning here: sessions are threads of one process, each with no more rights than it \
         needs, so that there is nothing to choose",
    ),
    moot(
        "isolate",
        Bool,
        "has no meaning here: what vsftpd keeps from its processes by name spaces (other processes, \
         shared memory), ironftpd keeps from its threads by seccomp lists and Landlock",
    ),
    moot(
        "isolate_network",
        Bool,
        "has no meaning here: sessions make their data connections themselves, and Landlock and \
         seccomp lists keep them from all other sockets; nothing of PAM is in their way",
    ),
    moot(
        "ptrace_sandbox",
        Bool,
        "has no meaning here: lists of system calls are the kernel's affair (seccomp_sandbox); \
         vsftpd's sandbox of this name was never finished",
    ),
    moot(
        "http_enable",
        Bool,
        "has no meaning here: ironftpd speaks no HTTP and serves FTP whatever it says; what \
         vsftpd has of it needs one_process_model",
    ),
    moot(
        "secure_chroot_dir",
        Path,
        "has no meaning here: no part of ironftpd needs an empty directory",
    ),
    moot(
        "async_abor_enable",
        Bool,
        "has no meaning here: ABOR is seen during a transfer in any case, whether or not it comes as \
         urgent data",
    ),
    moot(
        "utf8_filesystem",
        Bool,
        "has no meaning here: names are passed on unchanged and FEAT always offers UTF8, which in \
         vsftpd is all that it does; client_charset is for clients that do not use UTF-8",
    ),
];

#[cfg(test)]
mod tests {
    use super::super::options::{self, OPTIONS, OptionSpec};
    use super::*;

    #[test]
    fn no_option_is_in_both_tables_or_twice_in_one() {
        for (index, row) in NOT_YET.iter().enumerate() {
            assert!(options::find(row.name.as_bytes()).is_none(), "{}", row.name);
            assert!(
                NOT_YET
                    .iter()
                    .skip(index + 1)
                    .all(|other| other.name != row.name),
                "{}",
                row.name
            );
        }
    }

    #[test]
    fn both_tables_together_hold_every_option_of_vsftpd() {
        // 132 of the source, three of Debian, seven TLS switches of other
        // distributions and releases. What is our own says so in its note.
        let is_own = |spec: &&OptionSpec| {
            let note = spec.note.unwrap_or_default();
            note.starts_with("Not an option of vsftpd")
        };
        let own = OPTIONS.iter().filter(is_own).count();
        assert_eq!(OPTIONS.len() - own + NOT_YET.len(), 132 + 3 + 7);
    }

    #[test]
    fn an_inert_option_depends_on_a_switch_that_is_refused() {
        for row in NOT_YET {
            if let Rule::InertWithout(switch) = row.rule {
                assert_eq!(
                    find(switch.as_bytes()).unwrap().rule,
                    Rule::Only("NO"),
                    "{}",
                    row.name
                );
            }
        }
    }

    #[test]
    fn every_accepted_value_is_of_its_kind() {
        for row in NOT_YET {
            if let Rule::Only(value) = row.rule {
                assert!(
                    super::super::parse::value(row.kind, value.as_bytes()).is_ok(),
                    "{}",
                    row.name
                );
            }
        }
    }
}
