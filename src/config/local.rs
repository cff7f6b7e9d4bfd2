//! What the options about users say together: who may log in, whether the
//! users and lists they name are there.
#![forbid(unsafe_code)]

use std::path::Path;

use super::check::{Report, readable};
use super::error::Problem;
use super::finding::Note;
use super::load::Accounts;
use super::options::Config;
use super::parse::shown;
use crate::sys::passwd::User;

pub(super) fn check(report: &mut Report<'_>, accounts: Accounts) {
    let config = report.config;
    if !config.anonymous_enable
        && !config.local_enable
        && config.virtual_users_file.is_none()
        && accounts == Accounts::Configured
    {
        report.error("anonymous_enable", Problem::NobodyMayLogIn);
    }
    report.at_most("chown_upload_mode", config.chown_upload_mode, 0o777, true);
    users(report);
    lists(report);
}

/// Users of the system that must be there. ftp_username and nopriv_user are
/// looked for when it is known whether they are needed.
fn users(report: &mut Report<'_>) {
    let config = report.config;
    for (option, name, needed) in [
        (
            "guest_username",
            &config.guest_username,
            config.guest_enable,
        ),
        (
            "chown_username",
            &config.chown_username,
            config.chown_uploads,
        ),
    ] {
        // A database that does not answer now may do so later.
        if needed && matches!(User::find(name), Ok(None)) {
            report.error(option, Problem::NoSuchUser(shown(name)));
        }
    }
}

/// A list of names or of passwords that is looked at when somebody logs in.
#[derive(Clone, Copy, Debug)]
pub struct LoginList<'config> {
    /// The option that names the file.
    pub option: &'static str,
    /// The file; none when the option was set to nothing.
    pub file: Option<&'config Path>,
}

impl Config {
    /// The lists that are in use.
    pub fn login_lists(&self) -> impl Iterator<Item = LoginList<'_>> {
        [
            (self.userlist_enable, "userlist_file", &self.userlist_file),
            (
                self.chroot_list_enable,
                "chroot_list_file",
                &self.chroot_list_file,
            ),
            (
                self.deny_email_enable,
                "banned_email_file",
                &self.banned_email_file,
            ),
            (
                self.secure_email_list_enable,
                "email_password_file",
                &self.email_password_file,
            ),
        ]
        .into_iter()
        .filter(|&(used, ..)| used)
        .map(|(_, option, file)| LoginList {
            option,
            file: file.as_deref(),
        })
    }
}

/// Lists that must be there: without them it is not known who is meant.
fn lists(report: &mut Report<'_>) {
    let config = report.config;
    for LoginList { option, file } in config.login_lists() {
        match file {
            None => report.error(option, Problem::MissingValue),
            Some(path) => {
                if let Err(error) = readable(path) {
                    report.error(option, Problem::Unreadable(path.to_owned(), error));
                }
            }
        }
    }
    if let Some(directory) = &config.user_config_dir
        && !Path::is_dir(directory)
    {
        let note = Note::Missing(directory.display().to_string());
        report.finding("user_config_dir", note);
    }
}

#[cfg(test)]
mod tests {
    use super::super::check::tests::{errors, judged};
    use super::*;

    #[test]
    fn somebody_must_be_able_to_log_in() {
        assert!(errors("anonymous_enable=NO")[0].contains("nobody may log in"));
        assert!(judged("anonymous_enable=NO", Accounts::OneMore).is_ok());
        let virtual_only = "anonymous_enable=NO\nvirtual_users_file=/etc/passwd";
        assert!(judged(virtual_only, Accounts::Configured).is_ok());
    }

    #[test]
    fn a_list_that_decides_who_may_log_in_must_be_there() {
        for (switch, file) in [
            ("userlist_enable", "userlist_file"),
            ("chroot_list_enable", "chroot_list_file"),
            ("deny_email_enable", "banned_email_file"),
            ("secure_email_list_enable", "email_password_file"),
        ] {
            let missing = format!("{switch}=YES\n{file}=/nonexistent");
            let told = errors(&missing);
            assert!(
                told[0].starts_with(&format!("f:2: {file}: cannot read")),
                "{told:?}"
            );
            assert_eq!(
                errors(&format!("{switch}=YES\n{file}=")),
                [format!("f:2: {file}: no value after \"=\"")]
            );
            assert!(judged(&format!("{file}=/nonexistent"), Accounts::Configured).is_ok());
            let there = format!("{switch}=YES\n{file}=/etc/passwd");
            assert!(judged(&there, Accounts::Configured).is_ok());
        }
    }

    #[test]
    fn users_that_the_system_does_not_have_are_told() {
        assert_eq!(
            errors("chown_uploads=YES\nchown_username=no such user"),
            ["f:2: chown_username: the system has no user \"no such user\""]
        );
        assert_eq!(
            errors("guest_enable=YES\nguest_username=no such user").len(),
            1
        );
        assert!(judged("guest_username=no such user", Accounts::Configured).is_ok());
    }

    #[test]
    fn modes_of_given_files_are_permission_bits_only() {
        assert_eq!(
            errors("chown_upload_mode=04755"),
            ["f:1: chown_upload_mode: 04755 is too large: at most 0777"]
        );
    }

    #[test]
    fn a_missing_directory_of_personal_options_may_come_later() {
        assert_eq!(
            judged("user_config_dir=/nonexistent", Accounts::Configured).unwrap(),
            [
                "f:1: user_config_dir: \"/nonexistent\" does not exist: make it before somebody needs it"
            ]
        );
    }
}
