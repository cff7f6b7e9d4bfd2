//! Settings that do as they say, and lend themselves to harm: what can happen,
//! and what to do. For `--check` only: who has decided so need not hear it at
//! each start.
#![forbid(unsafe_code)]

use super::finding::{Finding, Note, Severity};
use super::options::Config;
use Severity::{Info, Warning};
use std::fmt;
use std::path::Path;

/// One row.
pub struct Danger {
    option: &'static str,
    /// How much it matters.
    pub severity: Severity,
    when: fn(&Config) -> bool,
    /// What can happen.
    what: &'static str,
    /// What to do about it.
    advice: &'static str,
}

impl fmt::Debug for Danger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.what)
    }
}

impl PartialEq for Danger {
    fn eq(&self, other: &Danger) -> bool {
        (self.option, self.what) == (other.option, other.what)
    }
}

impl Eq for Danger {}

impl fmt::Display for Danger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.what, self.advice)
    }
}

const fn danger(
    option: &'static str,
    severity: Severity,
    when: fn(&Config) -> bool,
    what: &'static str,
    advice: &'static str,
) -> Danger {
    Danger {
        option,
        severity,
        when,
        what,
        advice,
    }
}

static DANGERS: &[Danger] = &[
    // Strangers.
    danger(
        "anon_upload_enable",
        Warning,
        |c| strangers_write(c) && c.anon_upload_enable,
        "anybody who reaches this server may store files, and fill the disk",
        "if that is meant, give the directory a file system or a quota of its own, and max_per_ip \
         and anon_max_rate",
    ),
    danger(
        "anon_mkdir_write_enable",
        Warning,
        |c| strangers_write(c) && c.anon_mkdir_write_enable,
        "anybody who reaches this server may make directories",
        "set it to NO unless strangers must sort what they bring",
    ),
    danger(
        "anon_other_write_enable",
        Warning,
        |c| strangers_write(c) && c.anon_other_write_enable,
        "anybody who reaches this server may delete, rename and overwrite what others have stored, \
         and store files with APPE",
        "set it to NO",
    ),
    danger(
        "anon_world_readable_only",
        Warning,
        |c| strangers_store(c) && !c.anon_world_readable_only,
        "strangers may fetch what other strangers have stored, and use the server to pass on what \
         they like",
        "set it to YES, and leave anon_umask at 077",
    ),
    danger(
        "anon_umask",
        Warning,
        |c| strangers_store(c) && c.anon_umask & 0o004 == 0 && !c.chown_uploads,
        "what strangers store, strangers may fetch, and use the server to pass on what they like",
        "set anon_umask=077",
    ),
    danger(
        "anon_root",
        Warning,
        |c| c.anonymous_enable && c.anon_root.as_deref() == Some(Path::new("/")),
        "anybody who reaches this server may read every file of the machine that is for all to read",
        "name a directory made for them",
    ),
    danger(
        "ftp_username",
        Warning,
        |c| c.anonymous_enable && *c.ftp_username == *b"root",
        "anonymous users cannot act as root, and the server does not start where they would have to",
        "name a user that has no rights",
    ),
    // Rights.
    danger(
        "guest_username",
        Warning,
        |c| c.guest_enable && c.allow_root_login && *c.guest_username == *b"root",
        "guests act with root's rights",
        "name a user that has none",
    ),
    danger(
        "run_as_launching_user",
        Warning,
        |c| c.run_as_launching_user,
        "if root starts the server, every session acts with root's rights in its directory",
        "set it to NO: a server that somebody else starts stays that user in any case",
    ),
    danger(
        "allow_root_login",
        Warning,
        |c| c.local_enable && c.allow_root_login,
        "whoever learns root's password owns the machine, and it crosses the network",
        "log in as another user, and set it to NO",
    ),
    danger(
        "chown_username",
        Info,
        |c| c.chown_uploads && strangers_store(c) && *c.chown_username == *b"root",
        "what strangers store belongs to root",
        "name a user whose files no program trusts",
    ),
    danger(
        "seccomp_sandbox",
        Info,
        |c| !c.seccomp_sandbox,
        "threads may make any system call; vsftpd needs this on many kernels, ironftpd on none",
        "leave this out",
    ),
    danger(
        "local_umask",
        Warning,
        |c| c.local_enable && c.write_enable && c.local_umask & 0o002 == 0,
        "every user of the machine may change what is uploaded",
        "set local_umask=022, or 002 for groups that work together",
    ),
    danger(
        "file_open_mode",
        Info,
        |c| c.write_enable && c.file_open_mode & 0o111 != 0,
        "uploaded files may be run as programs where the umask leaves them that",
        "leave it at 0666 unless they must",
    ),
    // Connections.
    danger(
        "port_promiscuous",
        Warning,
        |c| c.port_enable && c.port_promiscuous,
        "clients may have the server connect to other hosts, to attack or to look around \
         (RFC 2577, section 3)",
        "set it to NO unless files go from server to server here (FXP)",
    ),
    danger(
        "pasv_promiscuous",
        Warning,
        |c| c.pasv_enable && c.pasv_promiscuous,
        "whoever connects first to a passive port gets, or brings, somebody else's file",
        "set it to NO unless data connections come from other addresses than their control \
         connections",
    ),
    danger(
        "pasv_enable",
        Warning,
        // The file of a user may set either.
        |c| !c.pasv_enable && !c.port_enable && c.user_config_dir.is_none(),
        "with port_enable=NO as well there are no data connections: no file goes either way, and \
         no listing",
        "set one of the two to YES",
    ),
    // Passwords.
    danger(
        "ssl_enable",
        Info,
        |c| c.local_enable && !c.ssl_enable,
        "passwords of the system's users cross the network in clear",
        "set ssl_enable=YES, with a certificate in rsa_cert_file",
    ),
    danger(
        "force_local_logins_ssl",
        Info,
        |c| has_accounts(c) && c.ssl_enable && !c.force_local_logins_ssl && !c.implicit_ssl,
        "clients that ask for no TLS send passwords in clear",
        "set it to YES when all clients can do TLS",
    ),
    danger(
        "delay_failed_login",
        Warning,
        |c| has_accounts(c) && c.delay_failed_login == 0,
        "passwords can be guessed as fast as they are checked",
        "leave it at 1 or more",
    ),
    danger(
        "max_login_fails",
        Info,
        |c| has_accounts(c) && c.max_login_fails == 0,
        "one connection may try any number of passwords",
        "leave it at 3 or so",
    ),
    // Lists that mean the contrary of what they seem to.
    danger(
        "chroot_list_file",
        Info,
        |c| c.local_enable && c.chroot_list_enable && c.chroot_local_user,
        "with chroot_local_user=YES the users in it are those who are NOT kept in their home",
        "make sure that this is meant",
    ),
    danger(
        "userlist_file",
        Info,
        |c| c.userlist_enable && c.userlist_deny && !c.origins.contains_key("userlist_deny"),
        "the users in it are those who may NOT log in",
        "set userlist_deny=NO if it lists those who may",
    ),
    danger(
        "userlist_deny",
        Warning,
        |c| has_accounts(c) && !c.userlist_deny && !c.userlist_enable,
        "everybody with an account may log in, since userlist_file is not looked at while \
         userlist_enable is NO",
        "set userlist_enable=YES, or leave this out",
    ),
    danger(
        "chroot_local_user",
        Info,
        |c| c.local_enable && !c.chroot_local_user && !c.chroot_list_enable && !kept_as_guests(c),
        "users of the system see the whole machine, as far as its permissions let them",
        "set it to YES to keep each in his home",
    ),
    // Logs.
    danger(
        "log_ftp_protocol",
        Warning,
        |c| c.log_ftp_protocol && !has_own_log(c),
        "does nothing, since commands go to vsftpd's own log or to syslog, and neither is written: \
         it takes xferlog_enable=YES with xferlog_std_format=NO, dual_log_enable=YES or \
         syslog_enable=YES",
        "set these, or leave this out",
    ),
    // Limits.
    danger(
        "max_clients",
        Info,
        |c| c.max_clients == 0,
        "sessions are limited only by what the machine has",
        "set a number that it can bear",
    ),
    danger(
        "max_per_ip",
        Info,
        |c| c.max_per_ip == 0,
        "one address may take all sessions there are",
        "set a number; 50 is the default",
    ),
    danger(
        "idle_session_timeout",
        Info,
        |c| c.idle_session_timeout == 0,
        "clients that say nothing keep their sessions for ever",
        "set a number of seconds; 300 is the default",
    ),
    danger(
        "data_connection_timeout",
        Info,
        |c| c.data_connection_timeout == 0,
        "transfers that stand still keep their sessions for ever",
        "set a number of seconds; 300 is the default",
    ),
];

/// Whether vsftpd's own log or syslog is written, which alone take commands.
fn has_own_log(config: &Config) -> bool {
    let own = config.xferlog_enable && !config.xferlog_std_format;
    own || config.dual_log_enable || config.syslog_enable
}

fn strangers_write(config: &Config) -> bool {
    config.anonymous_enable && config.write_enable
}

/// By STOR, or by APPE.
fn strangers_store(config: &Config) -> bool {
    strangers_write(config) && (config.anon_upload_enable || config.anon_other_write_enable)
}

fn has_accounts(config: &Config) -> bool {
    config.local_enable || config.virtual_users_file.is_some()
}

/// Guests with the rights of anonymous users cannot leave their root.
fn kept_as_guests(config: &Config) -> bool {
    config.guest_enable && !config.virtual_use_local_privs
}

/// What lends itself to harm in `config`.
#[must_use]
pub fn findings(config: &Config) -> Vec<Finding> {
    DANGERS
        .iter()
        .filter(|danger| (danger.when)(config))
        .map(|danger| Finding::of(config, danger.option, Note::Danger(danger)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn found(text: &str) -> Vec<(String, Severity)> {
        let config = Config::of_text(text);
        let findings = findings(&config);
        let named = |finding: &Finding| (finding.option.clone().unwrap(), finding.severity());
        findings.iter().map(named).collect()
    }

    #[test]
    fn the_defaults_are_no_danger() {
        assert_eq!(found(""), []);
        let careful = "anonymous_enable=NO\nlocal_enable=YES\nwrite_enable=YES\nlocal_umask=022\n\
                       chroot_local_user=YES\nssl_enable=YES";
        assert_eq!(found(careful), []);
    }

    #[test]
    fn each_danger_is_told_where_it_is_one() {
        const ROWS: &[(&str, &[&str])] = &[
            (
                "write_enable=YES\nanon_upload_enable=YES\nanon_mkdir_write_enable=YES\n\
                 anon_other_write_enable=YES\nanon_umask=022\nanon_world_readable_only=NO",
                &[
                    "anon_upload_enable",
                    "anon_mkdir_write_enable",
                    "anon_other_write_enable",
                    "anon_world_readable_only",
                    "anon_umask",
                ],
            ),
            (
                "write_enable=YES\nanon_other_write_enable=YES\nanon_umask=022",
                &["anon_other_write_enable", "anon_umask"],
            ),
            ("anon_root=/", &["anon_root"]),
            ("ftp_username=root", &["ftp_username"]),
            (
                "local_enable=YES\nguest_enable=YES\nguest_username=root\nssl_enable=YES\n\
                 allow_root_login=YES",
                &["guest_username", "allow_root_login"],
            ),
            ("run_as_launching_user=YES", &["run_as_launching_user"]),
            (
                "local_enable=YES\nallow_root_login=YES",
                &["allow_root_login", "ssl_enable", "chroot_local_user"],
            ),
            (
                "write_enable=YES\nanon_upload_enable=YES\nchown_uploads=YES",
                &["anon_upload_enable", "chown_username"],
            ),
            ("seccomp_sandbox=NO", &["seccomp_sandbox"]),
            (
                "local_enable=YES\nwrite_enable=YES\nlocal_umask=0\nfile_open_mode=0777",
                &[
                    "local_umask",
                    "file_open_mode",
                    "ssl_enable",
                    "chroot_local_user",
                ],
            ),
            (
                "port_promiscuous=YES\npasv_promiscuous=YES",
                &["port_promiscuous", "pasv_promiscuous"],
            ),
            ("pasv_enable=NO\nport_enable=NO", &["pasv_enable"]),
            (
                "virtual_users_file=/nonexistent\nuserlist_deny=NO",
                &["userlist_deny"],
            ),
            (
                "log_ftp_protocol=YES\nxferlog_enable=YES\nxferlog_std_format=YES",
                &["log_ftp_protocol"],
            ),
            (
                "virtual_users_file=/nonexistent\nssl_enable=YES\nforce_local_logins_ssl=NO\n\
                 delay_failed_login=0\nmax_login_fails=0",
                &[
                    "force_local_logins_ssl",
                    "delay_failed_login",
                    "max_login_fails",
                ],
            ),
            (
                "local_enable=YES\nchroot_local_user=YES\nchroot_list_enable=YES\n\
                 chroot_list_file=/etc/passwd\nuserlist_enable=YES\nuserlist_file=/etc/passwd",
                &["ssl_enable", "chroot_list_file", "userlist_file"],
            ),
            (
                "max_clients=0\nmax_per_ip=0\nidle_session_timeout=0\ndata_connection_timeout=0",
                &[
                    "max_clients",
                    "max_per_ip",
                    "idle_session_timeout",
                    "data_connection_timeout",
                ],
            ),
        ];
        let mut seen = BTreeSet::new();
        for (text, expected) in ROWS {
            let found: Vec<String> = found(text).into_iter().map(|(option, _)| option).collect();
            assert_eq!(found, *expected, "{text}");
            seen.extend(found);
        }
        let all: BTreeSet<String> = DANGERS.iter().map(|it| it.option.to_owned()).collect();
        assert_eq!(seen, all);
    }

    #[test]
    fn a_danger_is_none_where_nobody_can_use_it() {
        for text in [
            "write_enable=YES\nanon_upload_enable=YES\nanonymous_enable=NO",
            "anon_umask=022\nwrite_enable=YES",
            "port_promiscuous=YES\nport_enable=NO",
            "pasv_promiscuous=YES\npasv_enable=NO",
            "delay_failed_login=0",
            "log_ftp_protocol=YES\nxferlog_enable=YES",
            "log_ftp_protocol=YES\ndual_log_enable=YES\nxferlog_std_format=YES",
            "log_ftp_protocol=YES\nsyslog_enable=YES",
            "userlist_deny=NO\nuserlist_enable=YES\nuserlist_file=/etc/passwd",
            "pasv_enable=NO",
            "userlist_enable=YES\nuserlist_file=/etc/passwd\nuserlist_deny=YES",
        ] {
            let found = found(text);
            assert!(found.iter().all(|(_, it)| *it == Info), "{text}: {found:?}");
        }
    }

    #[test]
    fn a_danger_says_what_can_happen_and_what_to_do() {
        let config = Config::of_text("seccomp_sandbox=NO");
        assert_eq!(
            findings(&config)[0].to_string(),
            "f:1: seccomp_sandbox: threads may make any system call; vsftpd needs this on many \
             kernels, ironftpd on none: leave this out"
        );
    }
}
