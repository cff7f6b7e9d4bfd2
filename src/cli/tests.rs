//! The command line from arguments to configuration.
#![forbid(unsafe_code)]

use super::*;
use crate::config::{Origin, Severity};
use std::path::Path;

fn asked(args: &[&str]) -> Result<Action, UsageError> {
    parse(args.iter().map(OsString::from))
}

fn start(args: &[&str]) -> Start {
    match asked(args) {
        Ok(Action::Run(start)) => start,
        other => panic!("{other:?}"),
    }
}

fn complaint(args: &[&str]) -> String {
    asked(args).expect_err("refused").to_string()
}

fn value(config: &Config, name: &str) -> String {
    let spec = crate::config::options::find(name.as_bytes()).unwrap();
    String::from_utf8(config.text_of(spec)).unwrap()
}

fn values(config: &Config, names: &[&str]) -> Vec<String> {
    names.iter().map(|name| value(config, name)).collect()
}

/// A directory that holds one file named `conf`, removed at the end.
struct Place(PathBuf);

impl Place {
    fn new(name: &str, text: &str) -> Place {
        let path = std::env::temp_dir().join(format!("ironftpd-cli-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        std::fs::write(path.join("conf"), text).unwrap();
        Place(path)
    }

    fn conf(&self) -> String {
        self.0.join("conf").to_str().unwrap().to_owned()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[test]
fn files_and_settings_keep_their_order() {
    let start = start(&[
        "a.conf",
        "-o",
        "x=1",
        "b.conf",
        "-oy=2",
        "--option",
        "z=3",
        "--option=w=4",
    ]);
    let file = |name: &str| Source::File(name.into());
    let setting = |text: &str| Source::Setting(text.into());
    assert_eq!(
        start.sources,
        [
            file("a.conf"),
            setting("x=1"),
            file("b.conf"),
            setting("y=2"),
            setting("z=3"),
            setting("w=4")
        ]
    );
    assert_eq!(start.serve, None);
}

#[test]
fn trace_is_a_setting_that_counts_last() {
    let start = start(&["--trace", "-o", "trace_connections=NO"]);
    let setting = |text: &str| Source::Setting(text.into());
    assert_eq!(
        start.sources,
        [
            setting("trace_connections=NO"),
            setting("trace_connections=YES")
        ]
    );
}

#[test]
fn version_and_help_go_before_anything_else() {
    assert_eq!(asked(&["-v", "--port", "x"]), Ok(Action::Version));
    assert_eq!(asked(&["a.conf", "-h", "--write"]), Ok(Action::Help));
    assert_eq!(asked(&["--version", "--help"]), Ok(Action::Version));
}

#[test]
fn unknown_flag_is_an_error_that_names_it() {
    assert_eq!(complaint(&["--daemon"]), "Unrecognized option: 'daemon'");
    assert_eq!(complaint(&["-o"]), "Argument to option 'o' missing");
    assert_eq!(
        complaint(&["--d\u{e9}mon"]),
        "Unrecognized option: 'd\u{e9}mon'"
    );
}

#[test]
fn check_and_print_config_are_actions_that_exclude_each_other() {
    assert!(matches!(asked(&["--check", "a"]), Ok(Action::Check(_))));
    assert!(matches!(
        asked(&["--print-config"]),
        Ok(Action::PrintConfig(..))
    ));
    assert_eq!(
        complaint(&["--check", "--print-config"]),
        "--check and --print-config exclude each other"
    );
}

#[test]
fn flags_of_serve_need_it() {
    for (args, flag) in [
        (&["--port", "1"][..], "--port"),
        (&["--address", "::1"], "--address"),
        (&["--write"], "--write"),
        (&["--user", "bob"], "--user"),
    ] {
        assert_eq!(asked(args), Err(UsageError::Needs(flag, "--serve")));
    }
}

#[test]
fn serve_reads_no_file() {
    assert!(
        complaint(&["--serve", ".", "x.conf"]).starts_with("--serve reads no configuration file")
    );
}

#[test]
fn serve_has_its_defaults() {
    let serve = start(&["--serve", "."]).serve.unwrap();
    assert_eq!(
        (serve.port, serve.address.to_string().as_str()),
        (2121, "127.0.0.1")
    );
    assert!(!serve.write && serve.user.is_none());
}

#[test]
fn the_last_line_of_a_check_counts_what_was_found() {
    let warning = || Finding {
        origin: Origin::Builtin,
        option: None,
        note: crate::config::Note::FromBackground,
    };
    let note = || Finding {
        note: crate::config::Note::Machine(crate::config::Symptom::RulesUnseen(String::new())),
        ..warning()
    };
    assert_eq!(warning().severity(), Severity::Warning);
    for (found, line) in [
        (vec![], "The configuration is in order.\n"),
        (vec![warning()], "The server would start; 1 warning.\n"),
        (vec![note(), note()], "The server would start; 2 notes.\n"),
        (
            vec![warning(), note(), warning()],
            "The server would start; 2 warnings, 1 note.\n",
        ),
    ] {
        let mut diagnosis = check::Diagnosis::default();
        diagnosis.findings(found.iter());
        assert_eq!(diagnosis.verdict(), line);
    }
    let mut diagnosis = check::Diagnosis::default();
    diagnosis.findings([warning()].iter());
    diagnosis.error(&"broken", Exit::Config);
    assert_eq!(
        diagnosis.verdict(),
        "The server would not start; 1 error, 1 warning.\n"
    );
}

#[test]
fn ports_addresses_and_names_are_checked() {
    assert_eq!(
        complaint(&["--serve", ".", "--port", "65536"]),
        "--port \"65536\" is not a number from 0 to 65535"
    );
    assert_eq!(
        complaint(&["--serve", ".", "--address", "localhost"]),
        "--address \"localhost\" is not a numeric address"
    );
    assert!(
        complaint(&["--serve", ".", "--user", "ftp"])
            .starts_with("--user \"ftp\": a name is not empty")
    );
}

#[test]
fn names_of_files_may_hold_any_byte() {
    let name = OsString::from_vec(b"/tmp/\xc8\xb1\xff".to_vec());
    let action = parse([OsString::from("--serve"), name.clone()].into_iter()).unwrap();
    let Action::Run(start) = action else {
        panic!("{action:?}")
    };
    assert_eq!(start.serve.unwrap().directory, PathBuf::from(name));
}

#[test]
fn files_and_settings_count_in_their_order() {
    let place = Place::new("order", "listen_port=1\nmax_clients=7\n");
    let conf = place.conf();
    for (words, expected) in [
        (
            &["-omax_clients=8", &conf, "-olisten_port=3"][..],
            ["3", "7"],
        ),
        (
            &["-o", "listen_port=3", "--option=max_clients=8", &conf],
            ["1", "7"],
        ),
        (
            &[&conf, "-o", "listen_port=3", "-olisten_port=4"],
            ["4", "7"],
        ),
        (&["--trace", "-olisten_port=3", "--", &conf], ["1", "7"]),
    ] {
        let launch = start(words).load().unwrap();
        let found = values(&launch.config, &["listen_port", "max_clients"]);
        assert_eq!(found, expected, "{words:?}");
        assert!(launch.share.is_none() && launch.findings.is_empty());
    }
    // The usual file comes first, wherever no other is named.
    let usual = [Path::new(&conf)];
    let launch = start(&["-olisten_port=5"]).load_among(&usual).unwrap();
    assert_eq!(value(&launch.config, "listen_port"), "5");
}

#[test]
fn what_differs_is_printed_alone_when_asked_for() {
    let asked = |words: &[&str]| parse(words.iter().map(OsString::from));
    let extent = |action| match action {
        Ok(Action::PrintConfig(_, extent)) => extent,
        other => panic!("{other:?}"),
    };
    assert_eq!(extent(asked(&["--print-config"])), Extent::Whole);
    let both = asked(&["--print-config", "--diff-default"]);
    assert_eq!(extent(both), Extent::Changes);
    let alone = asked(&["--diff-default"]).unwrap_err();
    assert_eq!(
        alone.to_string(),
        "--diff-default goes with --print-config only"
    );
    let both = asked(&["--migrate", "--check"]).unwrap_err();
    assert_eq!(both, UsageError::Both("--check", "--migrate"));
}

#[test]
fn a_file_of_vsftpd_is_migrated_without_being_started() {
    let place = Place::new("migrate", "anon_root=/nonexistent\nisolate=NO\n");
    let text = start(&[&place.conf()]).migrate().unwrap();
    let text = String::from_utf8(text).unwrap();
    assert!(text.contains("\nanon_root=/nonexistent\n"), "{text}");
    let place = Place::new("unknown", "anon_rot=/\n");
    assert_eq!(start(&[&place.conf()]).migrate().unwrap_err().len(), 1);
}

#[test]
fn without_arguments_the_first_usual_file_is_read() {
    let place = Place::new("usual", "listen_port=5\n");
    let conf = place.conf();
    let usual = [Path::new("/nonexistent/ironftpd.conf"), Path::new(&conf)];
    assert_eq!(
        value(
            &start(&[]).load_among(&usual).unwrap().config,
            "listen_port"
        ),
        "5"
    );
}

#[test]
fn a_usual_file_that_is_a_link_to_nowhere_is_not_passed_over() {
    let place = Place::new("dangling", "listen_port=5\n");
    let link = place.0.join("first.conf");
    std::os::unix::fs::symlink("/nonexistent/file", &link).unwrap();
    let conf = place.conf();
    let usual = [link.as_path(), Path::new(&conf)];
    let errors = start(&[]).load_among(&usual).unwrap_err();
    assert!(errors[0].is_missing_file(), "{errors}");
}

#[test]
fn without_any_file_the_error_explains_serve() {
    let errors = start(&[])
        .load_among(&[Path::new("/nonexistent")])
        .unwrap_err();
    assert!(errors[0].to_string().contains("ironftpd --serve DIR"));
    assert_eq!(refuse(&errors), Exit::NoInput);
}

#[test]
fn serve_shares_a_directory_read_only_with_anonymous_users() {
    let place = Place::new("share", "");
    let launch = start(&["--serve", place.0.to_str().unwrap()])
        .load()
        .unwrap();
    let config = &launch.config;
    assert_eq!(
        values(
            config,
            &["listen", "listen_ipv6", "listen_address", "listen_port"]
        ),
        ["YES", "NO", "127.0.0.1", "2121"]
    );
    assert_eq!(
        values(
            config,
            &[
                "anonymous_enable",
                "no_anon_password",
                "write_enable",
                "anon_upload_enable"
            ]
        ),
        ["YES", "YES", "NO", "NO"]
    );
    assert_eq!(
        values(
            config,
            &["anon_world_readable_only", "anon_umask", "max_per_ip"]
        ),
        ["NO", "022", "0"]
    );
    let share = launch.share.unwrap();
    assert_eq!(
        value(config, "anon_root"),
        share.directory.to_str().unwrap()
    );
    assert!(share.directory.is_absolute() && share.user.is_none() && share.password.is_none());
    assert!(launch.findings.is_empty());
}

#[test]
fn serve_with_write_lets_anonymous_users_change_files() {
    let launch = start(&["--serve", ".", "--write"]).load().unwrap();
    let switches = [
        "write_enable",
        "anon_upload_enable",
        "anon_mkdir_write_enable",
        "anon_other_write_enable",
    ];
    assert_eq!(values(&launch.config, &switches), ["YES"; 4]);
}

#[test]
fn serve_with_user_keeps_anonymous_users_out() {
    let launch = start(&["--serve", ".", "--user", "bob"]).load().unwrap();
    assert_eq!(value(&launch.config, "anonymous_enable"), "NO");
    assert_eq!(launch.share.unwrap().user.as_deref(), Some("bob"));
}

#[test]
fn serve_on_an_ipv6_address_listens_there() {
    let launch = start(&["--serve", ".", "--address", "::1", "--port", "0"])
        .load()
        .unwrap();
    let [listener] = launch.config.listeners().try_into().expect("one");
    assert_eq!(listener.address.to_string(), "[::1]:0");
}

#[test]
fn settings_count_after_those_of_serve() {
    let launch = start(&["--serve", ".", "-omax_per_ip=3", "-olisten_port=0"])
        .load()
        .unwrap();
    assert_eq!(
        values(&launch.config, &["max_per_ip", "listen_port"]),
        ["3", "0"]
    );
}

#[test]
fn serve_of_a_missing_directory_says_so() {
    let errors = start(&["--serve", "/nonexistent"]).load().unwrap_err();
    assert_eq!(errors.len(), 1);
    assert!(
        errors[0]
            .to_string()
            .starts_with("--serve: cannot read \"/nonexistent\": No such file")
    );
    assert_eq!(refuse(&errors), Exit::NoInput);
}

#[test]
fn serve_of_a_file_says_so() {
    let place = Place::new("file", "");
    let errors = start(&["--serve", &place.conf()]).load().unwrap_err();
    assert!(errors[0].to_string().ends_with("is not a directory"));
    assert_eq!(refuse(&errors), Exit::Config);
}

#[test]
fn a_wrong_setting_of_the_command_line_is_named() {
    let errors = start(&["--serve", ".", "-o", "listen_prt=1", "-o", "write_enable"])
        .load()
        .unwrap_err();
    let texts: Vec<String> = errors.iter().map(ToString::to_string).collect();
    assert_eq!(
        texts,
        [
            "command line: unknown option \"listen_prt\": did you mean \"listen_port\"?",
            "command line: write_enable: no \"=\": a setting is written name=value",
        ]
    );
    assert_eq!(refuse(&errors), Exit::Config);
}

#[test]
fn exit_codes_are_those_of_sysexits() {
    let codes: Vec<u8> = EXITS.iter().map(|(exit, _, _)| exit.code()).collect();
    assert_eq!(codes, [0, 64, 66, 69, 70, 71, 77, 78]);
}
