//! The options of vsftpd that have no meaning in this server.
//!
//! An option is never swallowed: these are accepted, and the log says why they
//! have no effect. With the option table they cover the vsftpd of its source,
//! of Debian (3.0.3), and what Red Hat and other distributions add to it.
#![forbid(unsafe_code)]

use super::spec::Kind::{self, Bool, Path, Uint};

/// One option without effect.
#[derive(Clone, Copy, Debug)]
pub struct Moot {
    /// Name as in vsftpd.conf.
    pub name: &'static str,
    /// Kind of the value, which is checked all the same.
    pub kind: Kind,
    /// Why there is nothing for it to do.
    pub reason: &'static str,
}

/// The row of `name`.
#[must_use]
pub fn find(name: &[u8]) -> Option<&'static Moot> {
    MOOT.iter().find(|row| row.name.as_bytes() == name)
}

const fn moot(name: &'static str, kind: Kind, reason: &'static str) -> Moot {
    Moot { name, kind, reason }
}

/// Every option of vsftpd that is not in the option table.
pub static MOOT: &[Moot] = &[
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
    // Of the vsftpd of Red Hat and its kin.
    moot(
        "bind_retries",
        Uint,
        "has no meaning here: a passive port is bound before it is given out, and a range that is \
         full is shared",
    ),
    moot(
        "dh_param_file",
        Path,
        "has no meaning here: keys are exchanged over elliptic curves, with ML-KEM where the client \
         can, and never by DHE",
    ),
    moot(
        "ecdh_param_file",
        Path,
        "has no meaning here: the client chooses among the curves that are safe",
    ),
    moot(
        "log_die",
        Bool,
        "has no meaning here: why a session or the server ends is in the log in any case",
    ),
];

#[cfg(test)]
mod tests {
    use super::super::options::{self, OPTIONS};
    use super::super::spec::OptionSpec;
    use super::*;

    #[test]
    fn no_option_is_in_both_tables_or_twice_in_one() {
        for (index, row) in MOOT.iter().enumerate() {
            assert!(options::find(row.name.as_bytes()).is_none(), "{}", row.name);
            assert!(
                MOOT.iter()
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
        // distributions and releases, eight more of Red Hat's. What is our own
        // says so in its note.
        let is_own = |spec: &&OptionSpec| {
            let note = spec.note.unwrap_or_default();
            note.starts_with("Not an option of vsftpd")
        };
        let own = OPTIONS.iter().filter(is_own).count();
        assert_eq!(OPTIONS.len() - own + MOOT.len(), 132 + 3 + 7 + 8);
    }
}
