//! The command table: complete, consistent, and found by its names.

use super::*;
use std::collections::HashSet;

#[test]
fn names_are_unique_and_upper_case_across_table_and_unimplemented() {
    let mut seen = HashSet::new();
    let names = COMMANDS
        .iter()
        .flat_map(|row| row.names)
        .chain(UNIMPLEMENTED);
    for name in names {
        assert!(seen.insert(*name), "{name} twice");
        assert!(
            name.bytes()
                .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit()),
            "{name}"
        );
    }
}

#[test]
fn every_name_is_found_in_any_case() {
    for row in COMMANDS {
        assert_eq!(row.verb.spec().verb, row.verb);
        for name in row.names {
            assert!((3..=8).contains(&name.len()), "lookup would pass {name} by");
            assert_eq!(lookup(name.as_bytes()), Some(row.verb));
            assert_eq!(lookup(name.to_ascii_lowercase().as_bytes()), Some(row.verb));
        }
    }
}

#[test]
fn parts_and_neighbours_of_names_are_not_found() {
    for name in [
        &b""[..],
        b"US",
        b"USERS",
        b"US\xC5R",
        b"USE\xD2",
        b"\xFFUSER",
        b"USER ",
        b"R\0TR",
        b"PWD\0",
    ] {
        assert_eq!(lookup(name), None, "{name:?}");
    }
}

#[test]
fn rfc775_forms_are_aliases() {
    for (old, verb) in [
        ("XCWD", Verb::Cwd),
        ("XCUP", Verb::Cdup),
        ("XPWD", Verb::Pwd),
        ("XMKD", Verb::Mkd),
        ("XRMD", Verb::Rmd),
    ] {
        assert_eq!(lookup(old.as_bytes()), Some(verb));
        assert_ne!(verb.name(), old);
    }
}

#[test]
fn syntax_starts_with_the_name_and_help_is_one_line() {
    for row in COMMANDS {
        assert!(row.syntax.starts_with(row.name()), "{}", row.syntax);
        assert!(
            row.help.ends_with('.') && !row.help.contains('\n'),
            "{}",
            row.help
        );
        assert_eq!(
            row.arg == Arg::None,
            row.syntax == row.name(),
            "{}",
            row.syntax
        );
    }
}

#[test]
fn feat_lines_are_those_of_the_issue() {
    let mut lines: Vec<_> = COMMANDS.iter().filter_map(|row| row.feat).collect();
    lines.extend(FEATURES);
    lines.sort_unstable();
    let expected = [
        "AUTH TLS",
        "AVBL",
        "CCC",
        "CLNT",
        "COMB",
        "CSID",
        "DSIZ",
        "EPRT",
        "EPSV",
        "HASH",
        "HOST",
        "LANG",
        "MD5",
        "MDTM",
        MFF_FEATURE,
        "MFMT",
        "MLST",
        "MMD5",
        "MODE Z",
        "PASV",
        "PBSZ",
        "PROT",
        "RANG STREAM",
        "REST STREAM",
        "SIZE",
        "TVFS",
        "UTF8",
        "XCRC",
        "XMD5",
        "XSHA",
        "XSHA1",
        "XSHA256",
        "XSHA512",
    ];
    assert_eq!(lines, expected);
}

#[test]
fn whatever_writes_needs_a_login() {
    for row in COMMANDS {
        assert!(
            row.access == Access::Any || row.needs == Needs::Login,
            "{}",
            row.name()
        );
    }
    assert_eq!(
        COMMANDS
            .iter()
            .filter(|row| row.access == Access::Write)
            .count(),
        12
    );
}

#[test]
fn known_but_unimplemented_verbs_are_recognised() {
    assert!(is_unimplemented(b"smnt") && is_unimplemented(b"SSCN"));
    assert!(!is_unimplemented(b"RETR") && !is_unimplemented(b"GET"));
}
