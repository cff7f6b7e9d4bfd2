//! The option table: names, groups and defaults.

use super::*;

#[test]
fn every_default_passes_the_parser() {
    let mut config = Config::empty();
    for spec in OPTIONS {
        assert!(
            config.store(spec, spec.default.as_bytes()).is_ok(),
            "{}",
            spec.name
        );
    }
    assert_eq!(config, Config::default());
}

#[test]
fn names_are_unique_and_lower_case() {
    for (index, spec) in OPTIONS.iter().enumerate() {
        assert!(
            spec.name
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
        );
        assert!(
            OPTIONS
                .iter()
                .skip(index + 1)
                .all(|other| other.name != spec.name),
            "{}",
            spec.name
        );
    }
}

#[test]
fn groups_are_not_scattered() {
    let mut groups: Vec<&str> = OPTIONS.iter().map(|spec| spec.group).collect();
    groups.dedup();
    let together = groups.len();
    groups.sort_unstable();
    groups.dedup();
    assert_eq!(groups.len(), together);
}

#[test]
fn documents_can_carry_every_text() {
    for spec in OPTIONS {
        for text in [spec.doc, spec.note.unwrap_or("None.")] {
            assert!(
                text.is_ascii() && !text.contains(['\\', '"', '\n']),
                "{}",
                spec.name
            );
            assert!(text.ends_with('.'), "{}", spec.name);
        }
    }
}

#[test]
fn defaults_are_those_of_vsftpds_code() {
    let config = Config::default();
    assert!(config.listen() && !config.listen_ipv6());
    assert_eq!(config.listen_port(), 21);
    assert_eq!(config.listen_address(), b"");
    assert_eq!(config.anon_root(), None);
    assert_eq!((config.anon_umask(), config.local_umask()), (0o077, 0o077));
    assert_eq!(config.file_open_mode(), 0o666);
    assert_eq!((config.pasv_min_port(), config.pasv_max_port()), (5001, 0));
    assert_eq!((config.max_clients(), config.max_per_ip()), (2000, 50));
    assert!(config.anonymous_enable() && !config.write_enable());
}

#[test]
fn only_modes_are_octal() {
    let octal: Vec<&str> = OPTIONS
        .iter()
        .filter(|s| s.is_octal())
        .map(|s| s.name)
        .collect();
    let modes = ["anon_umask", "local_umask", "file_open_mode"];
    assert_eq!(octal, [&modes[..], &["chown_upload_mode"]].concat());
}
