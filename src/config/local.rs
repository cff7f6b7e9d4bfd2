//! What the options about users say together: who may log in, whether the
//! users and lists they name are there.
#![forbid(unsafe_code)]

use std::ffi::OsString;
use std::fs;
use std::io::ErrorKind;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use super::check::{Report, readable};
use super::error::{Origin, Problem};
use super::finding::{Finding, Note, Severity};
use super::load::Accounts;
use super::notes::{Away, Paper, Vain};
use super::options::{Config, find};
use super::parse::shown;
use super::spec::Slot;
use crate::sys::passwd::User;
use crate::sys::regular::is_null;

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
    anonymous_root(report, accounts);
}

/// The root of anonymous users, which others can do without.
fn anonymous_root(report: &mut Report<'_>, accounts: Accounts) {
    let config = report.config;
    if !config.anonymous_enable {
        return;
    }
    let others =
        config.local_enable || config.virtual_users_file.is_some() || accounts == Accounts::OneMore;
    let (option, root) = match &config.anon_root {
        Some(root) => ("anon_root", root.clone()),
        // Whom the system does not know is looked for when it is known whether
        // he is needed.
        None => match User::find(&config.ftp_username) {
            Ok(Some(user)) if others => {
                ("ftp_username", PathBuf::from(OsString::from_vec(user.home)))
            }
            _ => return,
        },
    };
    let problem = match fs::metadata(&root) {
        Ok(about) if about.is_dir() => return,
        Ok(_) => Problem::NotADirectory(root),
        Err(error) => Problem::Unreadable(root, error),
    };
    if others {
        report.finding(option, Away::AnonymousOut(problem.to_string()));
    } else {
        report.error(option, problem);
    }
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
    if config.guest_enable
        && !config.allow_root_login
        && matches!(User::find(&config.guest_username), Ok(Some(user)) if user.uid == 0)
    {
        report.finding("guest_username", Away::RootAsGuest);
    }
}

/// Where Red Hat's vsftpd looks for lists unless it is told where they are.
const RED_HAT_LISTS: [(&str, &str); 4] = [
    ("userlist_file", "/etc/vsftpd/user_list"),
    ("chroot_list_file", "/etc/vsftpd/chroot_list"),
    ("banned_email_file", "/etc/vsftpd/banned_emails"),
    ("email_password_file", "/etc/vsftpd/email_passwords"),
];

/// A list of names or of passwords that is looked at when somebody logs in.
#[derive(Clone, Copy, Debug)]
pub struct LoginList<'config> {
    /// The option that names the file.
    pub option: &'static str,
    /// The file; none when the option was set to nothing.
    pub file: Option<&'config Path>,
}

impl Config {
    /// Whether anybody may log in who is no user of the system.
    #[must_use]
    pub fn serves_others_than_local(&self) -> bool {
        self.anonymous_enable || self.virtual_users_file.is_some()
    }

    /// Takes the lists of names from where Red Hat's vsftpd has them, if nobody
    /// says where they are and Debian's place has none.
    pub(super) fn settle_lists(
        &mut self,
        findings: &mut Vec<Finding>,
        is_there: fn(&Path) -> bool,
    ) {
        let there: Vec<_> = self
            .login_lists()
            .filter(|list| *self.origin(list.option) == Origin::Builtin)
            .filter_map(|list| Some((list.option, list.file?)))
            .filter(|(_, usual)| !is_there(usual))
            .filter_map(|(option, _)| {
                let (_, place) = RED_HAT_LISTS.iter().find(|(name, _)| *name == option)?;
                let place = Path::new(place);
                is_there(place).then_some((option, place))
            })
            .collect();
        for (option, place) in there {
            let Some(Slot::Path(_, field)) = find(option.as_bytes()).map(|spec| &spec.slot) else {
                continue;
            };
            *field(self) = Some(place.to_owned());
            findings.push(Finding {
                origin: Origin::Builtin,
                option: Some(option.to_owned()),
                note: Note::Paper(Paper::RedHatsPlace(place.display().to_string())),
            });
        }
    }

    /// The lists that are in use: as in vsftpd, one that is about users whom
    /// the server does not let in is not looked at. But userlist_deny=NO lets
    /// nobody in who is not on the list, whoever he is.
    pub fn login_lists(&self) -> impl Iterator<Item = LoginList<'_>> {
        let accounts = self.local_enable() || self.virtual_users_file.is_some();
        [
            (
                self.userlist_enable() && (accounts || !self.userlist_deny()),
                "userlist_file",
                self.userlist_file(),
            ),
            (
                self.chroot_list_enable() && self.local_enable(),
                "chroot_list_file",
                self.chroot_list_file(),
            ),
            (
                self.deny_email_enable() && self.anonymous_enable(),
                "banned_email_file",
                self.banned_email_file(),
            ),
            (
                self.secure_email_list_enable() && self.anonymous_enable(),
                "email_password_file",
                self.email_password_file(),
            ),
        ]
        .into_iter()
        .filter(|&(used, ..)| used)
        .map(|(_, option, file)| LoginList { option, file })
    }
}

/// Lists that must be there: without them it is not known who is meant.
fn lists(report: &mut Report<'_>) {
    let config = report.config;
    let mut used = config.login_lists();
    if config.userlist_enable && used.all(|list| list.option != "userlist_file") {
        let needs = &["local_enable", "virtual_users_file"];
        report.finding("userlist_enable", Vain::Needs(needs, Severity::Warning));
    }
    for LoginList { option, file } in config.login_lists() {
        let problem = match file {
            None => Problem::MissingValue,
            Some(path) => match readable(path) {
                Ok(()) => continue,
                Err(_) if is_null(path) => {
                    report.finding(option, Paper::ReadAsEmpty);
                    continue;
                }
                Err(error) => Problem::Unreadable(path.to_owned(), error),
            },
        };
        if option == "chroot_list_file" && config.serves_others_than_local() {
            report.finding(option, Away::LocalUsersOut(problem.to_string()));
        } else {
            report.error(option, problem);
        }
    }
    directories(report);
}

/// Directories that users of the system need when they log in.
fn directories(report: &mut Report<'_>) {
    let config = report.config;
    if let Some(directory) = &config.user_config_dir
        && let Some(note) = no_directory(directory, "nobody can log in")
    {
        report.finding("user_config_dir", note);
    }
    // One that differs from user to user, or lies below each home, is not one.
    let token = &config.user_sub_token;
    if let Some(directory) = &config.local_root
        && config.local_enable
        && config.user_config_dir.is_none()
        && directory.is_absolute()
        && (token.is_empty() || !contains(directory.as_os_str().as_bytes(), token))
        && let Some(note) = no_directory(directory, "users begin in their homes instead")
    {
        report.finding("local_root", note);
    }
}

/// What is wrong with a directory that is none, and what comes of it.
fn no_directory(path: &Path, effect: &str) -> Option<Note> {
    match fs::metadata(path) {
        Ok(about) if about.is_dir() => None,
        Ok(_) => Some(Note::Told(format!(
            "{path:?} is not a directory, and {effect}: name one"
        ))),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            Some(Note::Paper(Paper::Missing(path.display().to_string())))
        }
        // Who may look at it is not known before the server is who it becomes.
        Err(_) => None,
    }
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|it| it == part)
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
        let local = "local_enable=YES anonymous_enable=NO";
        let anonymous = "local_enable=NO anonymous_enable=YES";
        for (who, switch, file) in [
            (local, "userlist_enable", "userlist_file"),
            (local, "chroot_list_enable", "chroot_list_file"),
            (anonymous, "deny_email_enable", "banned_email_file"),
            (anonymous, "secure_email_list_enable", "email_password_file"),
        ] {
            let who = who.replace(' ', "\n") + "\n";
            let errors = |text: &str| errors(&format!("{text}\n{who}"));
            let judged = |text: &str, accounts| judged(&format!("{text}\n{who}"), accounts);
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
    fn what_users_of_one_class_meet_keeps_nobody_else_out() {
        let told = |text: &str| judged(text, Accounts::Configured).unwrap();
        let both = "local_enable=YES\n";
        let jail = "chroot_list_enable=YES\nchroot_list_file=/nonexistent\n";
        assert_eq!(
            told(&format!("{both}{jail}")),
            [
                "f:3: chroot_list_file: cannot read \"/nonexistent\": No such file or directory \
              (os error 2): users of the system will be told 500 OOPS, and others are served: \
              make the file, which may be empty, or set chroot_list_enable=NO"
            ]
        );
        for (root, why) in [
            ("/nonexistent", "cannot read"),
            ("/etc/passwd", "is not a directory"),
        ] {
            let text = format!("anon_root={root}\n");
            assert!(errors(&text)[0].contains(why));
            let told = told(&format!("{text}{both}"));
            assert!(told[0].contains(why), "{told:?}");
            assert!(told[0].contains("anonymous users will be told 500 OOPS"));
        }
        let nobody = User::find(b"nobody").unwrap().unwrap();
        let home = PathBuf::from(OsString::from_vec(nobody.home));
        let told = told(&format!("{both}ftp_username=nobody"));
        let about = told
            .iter()
            .any(|line| line.starts_with("f:2: ftp_username: "));
        assert_eq!(about, !home.is_dir(), "{home:?}: {told:?}");
    }

    #[test]
    fn lists_are_where_red_hat_has_them_if_nowhere_else() {
        let settled = |settings: &[&str], is_there| {
            let mut config = Config::default();
            for setting in settings {
                let (name, value) = setting.split_once('=').unwrap();
                let (name, value) = (name.as_bytes(), value.as_bytes());
                config.set(name, value, &Origin::CommandLine).unwrap();
            }
            let mut findings = Vec::new();
            config.settle_lists(&mut findings, is_there);
            let file = config.userlist_file().unwrap().to_str().unwrap().to_owned();
            (file, findings.len())
        };
        let red_hat = |path: &Path| path.starts_with("/etc/vsftpd");
        let both = |_: &Path| true;
        let used = ["userlist_enable=YES", "local_enable=YES"];
        let named = [used[0], used[1], "userlist_file=/etc/vsftpd.user_list"];
        let (debians, theirs) = ("/etc/vsftpd.user_list", "/etc/vsftpd/user_list");
        assert_eq!(settled(&used, red_hat), (theirs.to_owned(), 1));
        assert_eq!(settled(&used, both), (debians.to_owned(), 0));
        assert_eq!(settled(&[], red_hat), (debians.to_owned(), 0));
        assert_eq!(settled(&named, red_hat), (debians.to_owned(), 0));
    }

    #[test]
    fn lists_about_users_who_are_not_let_in_need_not_be_there() {
        let list = "userlist_enable=YES\nuserlist_file=/nonexistent\n";
        assert_eq!(
            judged(list, Accounts::Configured).unwrap(),
            [
                "f:1: userlist_enable: has no effect while local_enable is NO and virtual_users_file \
              is not set: set one of them, or leave this out"
            ]
        );
        // Then nobody would be let in.
        assert_eq!(errors(&format!("{list}userlist_deny=NO")).len(), 1);
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
            ["f:1: chown_upload_mode: 04755 (2541 in decimal) is too large: at most 0777"]
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

    #[test]
    fn directories_that_are_none_are_told() {
        let told = |text: &str| {
            let text = format!("local_enable=YES\n{text}");
            let lines = judged(&text, Accounts::Configured).unwrap();
            lines.join("\n")
        };
        let file = told("user_config_dir=/etc/passwd");
        assert!(
            file.starts_with("f:2: user_config_dir: \"/etc/passwd\" is not a directory"),
            "{file}"
        );
        let missing = told("user_config_dir=/nonexistent/x");
        assert!(missing.contains("does not exist"), "{missing}");
        let root = told("local_root=/etc/passwd");
        assert!(root.contains("users begin in their homes"), "{root}");
        assert!(told("local_root=/nonexistent/x").contains("f:2: local_root: "));
        for fine in [
            "local_root=/",
            "local_root=ftp",
            "local_root=/nonexistent/$U\nuser_sub_token=$U",
            "user_config_dir=/etc",
        ] {
            assert_eq!(told(fine), "", "{fine}");
        }
    }
}
