//! Options that do nothing because of another one: what each needs, and what
//! goes before it.
#![forbid(unsafe_code)]

use super::check::Report;
use super::finding::{Finding, Note, Severity};
use super::notes::Vain;
use super::options::{self, Config};
use super::personal;
use super::spec::Slot;

use Severity::{Info, Warning};
use std::fs;

/// An option, those of which one must be on for it to do anything, and how
/// much it matters. Who switches on what is then not there is warned; that a
/// limit limits nothing is for those who ask.
type Row = (&'static str, &'static [&'static str], Severity);

/// With several rows for an option, each must be met.
static NEEDS: &[Row] = &[
    // A missing switch would quietly listen on every address of the other
    // family, or on none.
    ("listen_address", &["listen"], Warning),
    ("listen_address6", &["listen_ipv6"], Warning),
    // Who may log in.
    ("anon_root", &["anonymous_enable"], Info),
    ("ftp_username", &["anonymous_enable"], Info),
    ("no_anon_password", &["anonymous_enable"], Info),
    ("deny_email_enable", &["anonymous_enable"], Warning),
    ("banned_email_file", &["deny_email_enable"], Info),
    ("secure_email_list_enable", &["anonymous_enable"], Warning),
    ("email_password_file", &["secure_email_list_enable"], Info),
    ("userlist_deny", &["userlist_enable"], Info),
    ("userlist_file", &["userlist_enable"], Info),
    ("userlist_log", &["userlist_enable"], Info),
    // Users of the system.
    ("pam_service_name", &["local_enable"], Info),
    ("session_support", &["local_enable"], Warning),
    ("reverse_lookup_enable", &["local_enable"], Warning),
    ("allow_root_login", &["local_enable"], Warning),
    ("local_root", &["local_enable"], Info),
    ("user_sub_token", &["local_enable"], Info),
    ("chroot_local_user", &["local_enable"], Info),
    ("chroot_list_enable", &["local_enable"], Warning),
    ("chroot_list_file", &["chroot_list_enable"], Info),
    (
        "passwd_chroot_enable",
        &["chroot_local_user", "chroot_list_enable"],
        Info,
    ),
    ("guest_enable", &["local_enable"], Warning),
    ("guest_username", &["guest_enable"], Info),
    ("virtual_use_local_privs", &["guest_enable"], Warning),
    // Writing.
    ("anon_upload_enable", &["write_enable"], Warning),
    ("anon_mkdir_write_enable", &["write_enable"], Warning),
    ("anon_other_write_enable", &["write_enable"], Warning),
    ("anon_upload_enable", ANONYMOUS_RIGHTS, Info),
    ("anon_mkdir_write_enable", ANONYMOUS_RIGHTS, Info),
    ("anon_other_write_enable", ANONYMOUS_RIGHTS, Info),
    ("anon_umask", ANONYMOUS_RIGHTS, Info),
    ("anon_umask", &["write_enable"], Info),
    ("local_umask", ACCOUNTS, Info),
    ("local_umask", &["write_enable"], Info),
    ("file_open_mode", &["write_enable"], Info),
    ("chown_uploads", &["write_enable"], Warning),
    ("chown_uploads", ANONYMOUS_RIGHTS, Info),
    ("chown_username", &["chown_uploads"], Info),
    ("chown_upload_mode", &["chown_uploads"], Info),
    ("chmod_enable", &["write_enable"], Info),
    ("mdtm_write", &["write_enable"], Info),
    ("atomic_uploads", &["write_enable"], Info),
    ("fsync_uploads", &["write_enable"], Info),
    ("delete_failed_uploads", &["write_enable"], Info),
    ("upload_file", &["write_enable"], Warning),
    // Reading.
    ("anon_world_readable_only", ANONYMOUS_RIGHTS, Info),
    ("download_file", &["download_enable"], Info),
    ("ls_recurse_enable", &["dirlist_enable"], Info),
    ("force_dot_files", &["dirlist_enable"], Info),
    ("hide_file", &["dirlist_enable"], Info),
    ("hide_ids", &["dirlist_enable"], Info),
    ("text_userdb_names", &["dirlist_enable"], Info),
    ("message_file", &["dirmessage_enable"], Warning),
    // Limits.
    ("anon_max_rate", ANONYMOUS_RIGHTS, Info),
    ("local_max_rate", ACCOUNTS, Info),
    // Data connections.
    ("pasv_min_port", &["pasv_enable"], Info),
    ("pasv_max_port", &["pasv_enable"], Info),
    ("pasv_ports", &["pasv_enable"], Info),
    ("pasv_address", &["pasv_enable"], Info),
    ("pasv_address_map", &["pasv_enable"], Info),
    ("pasv_promiscuous", &["pasv_enable"], Info),
    ("pasv_addr_resolve", &["pasv_address"], Info),
    ("pasv_addr_refresh", &["pasv_addr_resolve"], Warning),
    ("accept_timeout", &["pasv_enable"], Info),
    ("connect_from_port_20", &["port_enable"], Info),
    ("ftp_data_port", &["connect_from_port_20"], Info),
    ("port_promiscuous", &["port_enable"], Info),
    ("connect_timeout", &["port_enable"], Info),
    // TLS. Who demands it in vain believes that it is there.
    ("implicit_ssl", &["ssl_enable"], Warning),
    ("force_local_logins_ssl", &["ssl_enable"], Warning),
    ("force_local_data_ssl", &["ssl_enable"], Warning),
    ("force_anon_logins_ssl", &["ssl_enable"], Warning),
    ("force_anon_data_ssl", &["ssl_enable"], Warning),
    ("allow_anon_ssl", &["ssl_enable"], Info),
    ("require_ssl_reuse", &["ssl_enable"], Info),
    ("ssl_ciphers", &["ssl_enable"], Info),
    ("require_cert", &["ssl_enable"], Warning),
    ("validate_cert", &["ssl_enable"], Warning),
    (
        "validate_cert",
        &["ssl_request_cert", "require_cert"],
        Warning,
    ),
    ("client_cert_user", &["ssl_enable"], Warning),
    ("ccc_enable", &["ssl_enable"], Info),
    // Logs.
    (
        "xferlog_std_format",
        &["xferlog_enable", "dual_log_enable"],
        Warning,
    ),
    (
        "xferlog_file",
        &["xferlog_std_format", "dual_log_enable"],
        Info,
    ),
    ("xferlog_file", &["xferlog_enable", "dual_log_enable"], Info),
    (
        "vsftpd_log_file",
        &["xferlog_enable", "dual_log_enable"],
        Info,
    ),
];

/// Those who have the rights that anonymous users have.
const ANONYMOUS_RIGHTS: &[&str] = &["anonymous_enable", "guest_enable"];

/// Those who have an account.
const ACCOUNTS: &[&str] = &["local_enable", "virtual_users_file"];

/// An option, what goes before it, and what makes it count all the same.
static OVERRULED: &[(&str, &str, Option<&str>)] = &[
    ("ftpd_banner", "banner_file", None),
    ("pasv_min_port", "pasv_ports", None),
    ("pasv_max_port", "pasv_ports", None),
    ("vsftpd_log_file", "syslog_enable", None),
    (
        "vsftpd_log_file",
        "xferlog_std_format",
        Some("dual_log_enable"),
    ),
];

/// Adds what is probably a mistake.
pub(super) fn check(report: &mut Report<'_>) {
    for (option, needs, severity) in unmet(report.config) {
        if severity == Warning {
            report.finding(option, Vain::Needs(needs, severity));
        }
    }
}

/// The other options that were set and do nothing.
#[must_use]
pub fn idle(config: &Config) -> Vec<Finding> {
    let unmet = unmet(config)
        .filter(|&(.., severity)| severity == Info)
        .map(|(option, needs, severity)| (option, Note::Vain(Vain::Needs(needs, severity))));
    let overruled = OVERRULED
        .iter()
        .filter(|&&(option, by, unless)| {
            is_asked_for(config, option)
                && is_on(config, by)
                && !is_empty_file(config, by)
                && !unless.is_some_and(|other| is_on(config, other))
        })
        .map(|&(option, by, _)| (option, Note::Vain(Vain::Overruled(by))));
    let mut found: Vec<Finding> = Vec::new();
    for (option, note) in unmet.chain(overruled) {
        // One reason is enough.
        if !found.iter().any(|it| it.option.as_deref() == Some(option)) {
            found.push(Finding::of(config, option, note));
        }
    }
    found
}

/// Rows of options that were set and do nothing.
fn unmet(config: &Config) -> impl Iterator<Item = Row> {
    NEEDS.iter().copied().filter(|&(option, needs, _)| {
        is_asked_for(config, option)
            && !needs.iter().any(|need| is_on(config, need))
            // The file of a user may set what is missing.
            && (config.user_config_dir.is_none()
                || !needs.iter().any(|need| personal::is_personal(need)))
    })
}

/// Whether somebody has set the option, and not to NO or to nothing.
fn is_asked_for(config: &Config, option: &str) -> bool {
    let is_number =
        options::find(option.as_bytes()).is_some_and(|spec| matches!(spec.slot, Slot::Uint(..)));
    config.origins.contains_key(option) && (is_number || is_on(config, option))
}

/// Whether the option names a file without content, which goes before nothing.
fn is_empty_file(config: &Config, option: &str) -> bool {
    options::find(option.as_bytes()).is_some_and(|spec| match &spec.slot {
        Slot::Path(value, _) => value(config)
            .as_deref()
            .is_some_and(|path| fs::metadata(path).is_ok_and(|about| about.len() == 0)),
        _ => false,
    })
}

/// Whether a flag is YES, a number is not 0, a text or path is set.
fn is_on(config: &Config, option: &str) -> bool {
    options::find(option.as_bytes()).is_some_and(|spec| match &spec.slot {
        Slot::Bool(value, _) => *value(config),
        Slot::Uint(value, _) => *value(config) != 0,
        Slot::Text(value, _) => !value(config).is_empty(),
        Slot::Path(value, _) => value(config).is_some(),
    })
}

#[cfg(test)]
mod tests {
    use super::super::check::tests::{errors, judged};
    use super::super::load::Accounts;
    use super::*;

    fn found(text: &str) -> Vec<String> {
        let config = Config::of_text(text);
        idle(&config).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn every_row_names_options() {
        let overruled = OVERRULED.iter().flat_map(|row| [row.0, row.1]);
        let needs = NEEDS.iter().flat_map(|row| row.1.iter().copied());
        for name in NEEDS.iter().map(|row| row.0).chain(needs).chain(overruled) {
            assert!(options::find(name.as_bytes()).is_some(), "{name}");
        }
    }

    #[test]
    fn every_row_is_told_and_goes_when_it_is_met() {
        let value = |name: &str| match options::find(name.as_bytes()).unwrap().slot {
            Slot::Bool(..) => "YES".to_owned(),
            Slot::Uint(..) => "5000".to_owned(),
            Slot::Text(..) if name.starts_with("listen_address") => "::1".to_owned(),
            _ => "/".to_owned(),
        };
        for &(option, needs, _) in NEEDS {
            let mut config = Config::default();
            let origin = super::super::error::Origin::CommandLine;
            let set = |config: &mut Config, name: &str, value: &str| {
                let spec = options::find(name.as_bytes()).unwrap();
                config.store(spec, value.as_bytes()).unwrap();
                config.origins.insert(spec.name, origin.clone());
            };
            set(&mut config, option, &value(option));
            for need in needs {
                let off = if value(need) == "YES" { "NO" } else { "" };
                set(&mut config, need, off);
            }
            let told = |config: &Config| {
                let rows = unmet(config);
                rows.filter(|row| row.0 == option && row.1 == needs).count()
            };
            assert_eq!(told(&config), 1, "{option} {needs:?}");
            for need in needs {
                let mut config = config.clone();
                set(&mut config, need, &value(need));
                assert_eq!(told(&config), 0, "{option} {need}");
            }
        }
    }

    #[test]
    fn a_finding_says_what_is_missing_and_what_to_do() {
        assert_eq!(
            judged("anon_upload_enable=YES", Accounts::Configured).unwrap(),
            [
                "f:1: anon_upload_enable: has no effect while write_enable is NO: \
                 set write_enable=YES, or leave this out"
            ]
        );
        assert_eq!(
            found("local_umask=022\nwrite_enable=YES"),
            [
                "f:1: local_umask: has no effect while local_enable is NO and virtual_users_file \
                 is not set: set one of them, or leave this out"
            ]
        );
        assert_eq!(
            found("pasv_ports=5000\npasv_max_port=6000"),
            [
                "f:2: pasv_max_port: has no effect, because pasv_ports goes before it: \
                 leave one of the two out"
            ]
        );
    }

    #[test]
    fn one_reason_is_enough_and_what_a_user_may_set_is_not_missing() {
        assert_eq!(found("xferlog_file=/x\nxferlog_enable=NO").len(), 1);
        assert_eq!(found("file_open_mode=0600\nuser_config_dir=/"), [""; 0]);
        assert_eq!(found("ssl_ciphers=HIGH\nuser_config_dir=/").len(), 1);
        assert_eq!(found("accept_timeout=5"), [""; 0]);
        assert_eq!(found("ftpd_banner=a\nbanner_file=/etc/passwd").len(), 1);
        assert_eq!(found("ftpd_banner=a\nbanner_file=/dev/null"), [""; 0]);
        assert_eq!(errors("listen_port=65536").len(), 1);
    }
}
