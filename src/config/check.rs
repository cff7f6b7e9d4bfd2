//! What the options say together, and whether what they name is there.
#![forbid(unsafe_code)]

use crate::sys::regular::{is_null, open_regular};
use std::io;
use std::path::Path;

use super::access;
use super::error::{ConfigError, Problem};
use super::exposed;
use super::finding::{Finding, Note};
use super::load::Accounts;
use super::local;
use super::needs;
use super::network;
use super::notes::Paper;
use super::options::Config;
use super::parse::shown;
use super::secure;
use crate::protocol::host::HostNames;
use crate::protocol::{Charset, CodePage, Language};

/// The findings and errors of a check, with the configuration they are about.
pub(super) struct Report<'a> {
    pub(super) config: &'a Config,
    findings: &'a mut Vec<Finding>,
    errors: &'a mut Vec<ConfigError>,
}

impl Report<'_> {
    pub(super) fn error(&mut self, option: &str, problem: Problem) {
        let origin = self.config.origin(option).clone();
        self.errors.push(ConfigError {
            origin,
            option: Some(option.to_owned()),
            problem,
        });
    }

    pub(super) fn finding(&mut self, option: &str, note: impl Into<Note>) {
        self.findings.push(Finding::of(self.config, option, note));
    }

    pub(super) fn at_most(&mut self, option: &str, value: u32, largest: u32, octal: bool) {
        if value > largest {
            self.error(
                option,
                Problem::OutOfRange {
                    value,
                    largest,
                    octal,
                },
            );
        }
    }
}

/// Adds to `findings` and `errors` what is odd or wrong about `config`.
pub(super) fn check(
    config: &Config,
    accounts: Accounts,
    findings: &mut Vec<Finding>,
    errors: &mut Vec<ConfigError>,
) {
    let mut report = Report {
        config,
        findings,
        errors,
    };
    network::check(&mut report);
    ranges(&mut report);
    names(&mut report);
    representation(&mut report);
    local::check(&mut report, accounts);
    access::check(&mut report);
    logs(&mut report);
    secure::check(&mut report);
    if config.trace_connections && config.background {
        report.finding("trace_connections", Note::FromBackground);
    }
    named_files(&mut report);
    exposed::check(&mut report);
    needs::check(&mut report);
}

fn ranges(report: &mut Report<'_>) {
    let config = report.config;
    for (option, port) in [
        ("listen_port", config.listen_port),
        ("ftp_data_port", config.ftp_data_port),
    ] {
        report.at_most(option, port, u32::from(u16::MAX), false);
    }
    // TCP_KEEPIDLE takes no more (tcp(7), MAX_TCP_KEEPIDLE).
    let interval = config.keepalive_interval;
    report.at_most("keepalive_interval", interval, 32767, false);
    for (option, mode) in [
        ("anon_umask", config.anon_umask),
        ("local_umask", config.local_umask),
        ("file_open_mode", config.file_open_mode),
    ] {
        report.at_most(option, mode, 0o777, true);
    }
}

fn names(report: &mut Report<'_>) {
    let config = report.config;
    if HostNames::parse(&config.host_names).is_none() {
        let text = shown(&config.host_names);
        report.error("host_names", Problem::BadHostNames(text));
    }
    if Language::parse(&config.default_language).is_none() {
        let text = shown(&config.default_language);
        report.error("default_language", Problem::BadLanguage(text));
    }
    if !config.client_charset.is_empty() && Charset::parse(&config.client_charset).is_none() {
        let text = shown(&config.client_charset);
        report.error("client_charset", Problem::BadCharset(text));
    }
}

fn representation(report: &mut Report<'_>) {
    let name = &report.config.ebcdic_code_page;
    if CodePage::find(name).is_none() {
        report.error("ebcdic_code_page", Problem::BadCodePage(shown(name)));
    }
}

fn logs(report: &mut Report<'_>) {
    let config = report.config;
    let format = &config.log_format;
    if !matches!(&**format, b"vsftpd" | b"json") {
        report.error("log_format", Problem::BadLogFormat(shown(format)));
    }
}

fn named_files(report: &mut Report<'_>) {
    let config = report.config;
    if let Some(path) = &config.banner_file
        && let Err(error) = readable(path)
    {
        if is_null(path) {
            report.finding("banner_file", Paper::ReadAsEmpty);
        } else {
            report.error("banner_file", Problem::Unreadable(path.clone(), error));
        }
    }
    // The file of accounts may be made after the start.
    if let Some(path) = &config.virtual_users_file
        && let Err(error) = readable(path)
    {
        if error.kind() == io::ErrorKind::NotFound {
            report.finding(
                "virtual_users_file",
                Paper::Missing(path.display().to_string()),
            );
        } else {
            report.error(
                "virtual_users_file",
                Problem::Unreadable(path.clone(), error),
            );
        }
    }
}

/// Whether a regular file is there and may be opened.
pub(super) fn readable(path: &Path) -> io::Result<()> {
    open_regular(path).map(drop)
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::load::Reading;
    use super::*;

    pub(in crate::config) fn judged(
        text: &str,
        accounts: Accounts,
    ) -> Result<Vec<String>, Vec<String>> {
        let mut reading = Reading::new();
        reading.text(Path::new("f"), text.as_bytes());
        match reading.finish(accounts) {
            Ok((_, findings)) => Ok(findings.iter().map(ToString::to_string).collect()),
            Err(errors) => Err(errors.iter().map(ToString::to_string).collect()),
        }
    }

    pub(in crate::config) fn errors(text: &str) -> Vec<String> {
        judged(text, Accounts::Configured).expect_err("refused")
    }

    #[test]
    fn the_defaults_are_in_order() {
        assert_eq!(judged("", Accounts::Configured).unwrap(), [""; 0]);
    }

    #[test]
    fn ports_over_65535_are_refused() {
        assert_eq!(
            errors("listen_port=65536"),
            ["f:1: listen_port: 65536 is too large: at most 65535"]
        );
    }

    #[test]
    fn keepalive_intervals_the_kernel_does_not_take_are_refused() {
        assert_eq!(
            errors("keepalive_interval=32768"),
            ["f:1: keepalive_interval: 32768 is too large: at most 32767"]
        );
        for fine in ["keepalive_interval=32767", "keepalive_interval=0"] {
            assert!(judged(fine, Accounts::Configured).is_ok(), "{fine}");
        }
    }

    #[test]
    fn logs_have_one_of_two_forms() {
        assert_eq!(
            errors("log_format=xml"),
            ["f:1: log_format: \"xml\" is neither vsftpd nor json"]
        );
        assert!(judged("log_format=json", Accounts::Configured).is_ok());
    }

    #[test]
    fn a_code_page_is_one_that_exists() {
        assert_eq!(
            errors("ebcdic_code_page=819"),
            ["f:1: ebcdic_code_page: \"819\" is no code page of TYPE E; \
                 there are 1047, 037, 500, 273, 1140, 1148, 1141"]
        );
        for name in ["037", "37", "1148"] {
            let text = format!("ebcdic_code_page={name}");
            assert!(judged(&text, Accounts::Configured).is_ok(), "{name}");
        }
    }

    #[test]
    fn umasks_over_0777_are_refused() {
        assert_eq!(
            errors("anon_umask=01000"),
            ["f:1: anon_umask: 01000 (512 in decimal) is too large: at most 0777"]
        );
        assert_eq!(errors("anon_umask=777").len(), 1);
    }

    #[test]
    fn hosts_languages_and_charsets_must_be_known() {
        assert_eq!(
            errors("client_charset=klingon"),
            [
                "f:1: client_charset: \"klingon\" is not a charset for file names such as GBK or windows-1251"
            ]
        );
        assert_eq!(
            errors("client_charset=utf-16\ndefault_language=de").len(),
            2
        );
        assert_eq!(errors("host_names=ftp.example.org:21").len(), 1);
        let fine = "client_charset=gbk\ndefault_language=zh-CN\nhost_names=a.example,[::1]";
        assert!(judged(fine, Accounts::Configured).is_ok());
    }

    #[test]
    fn tracing_from_the_background_is_told() {
        let text = "trace_connections=YES\nbackground=YES";
        let told = judged(text, Accounts::Configured).unwrap();
        assert!(told.len() == 1 && told[0].starts_with("f:1: trace_connections: "));
        assert!(
            judged("trace_connections=YES", Accounts::Configured)
                .unwrap()
                .is_empty()
        );
    }

    #[test]
    fn anonymous_root_must_be_a_directory() {
        assert_eq!(
            errors("anon_root=/etc/passwd"),
            ["f:1: anon_root: \"/etc/passwd\" is not a directory"]
        );
        assert!(errors("anon_root=/nonexistent")[0].contains("cannot read \"/nonexistent\""));
        assert!(judged("anon_root=/", Accounts::Configured).is_ok());
        assert!(
            judged(
                "anonymous_enable=NO\nanon_root=/nonexistent",
                Accounts::OneMore
            )
            .is_ok()
        );
    }

    #[test]
    fn banner_file_must_be_readable_and_account_file_may_come_later() {
        assert!(errors("banner_file=/nonexistent")[0].contains("banner_file: cannot read"));
        let empty = judged("banner_file=/dev/null", Accounts::Configured).unwrap();
        assert!(empty[0].contains("is read as an empty file"));
        assert_eq!(
            judged("virtual_users_file=/nonexistent", Accounts::Configured).unwrap(),
            [
                "f:1: virtual_users_file: \"/nonexistent\" does not exist: make it before somebody \
              needs it"
            ]
        );
    }

    #[test]
    fn a_missing_file_named_by_an_option_is_not_a_missing_configuration() {
        let mut reading = Reading::new();
        reading.text(Path::new("f"), b"banner_file=/nonexistent");
        let errors = reading.finish(Accounts::Configured).unwrap_err();
        assert!(!errors[0].is_missing_file());
    }
}
