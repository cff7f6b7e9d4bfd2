//! The verbs as HELP, FEAT and ironftpd(8) tell them: all of them, and what
//! the configuration has taken away in none but the manual.

use std::collections::BTreeSet;

use ironftpd::protocol::{Access, COMMANDS, SITE_COMMANDS, UNIMPLEMENTED};

use super::support::server::{Launch, Server};
use super::support::tls::Files;
use super::table::project;

/// The lines of FEAT without their blank.
fn features(options: &[(&str, &str)]) -> BTreeSet<String> {
    let files = Files::new();
    let server = Launch::new()
        .writable()
        .tls(&files)
        .option("ccc_enable", "YES")
        .options(options)
        .start();
    let reply = server.connect().command("FEAT", 211);
    reply.lines[1..reply.lines.len() - 1]
        .iter()
        .map(|line| String::from_utf8(line[1..].to_vec()).unwrap())
        .collect()
}

/// Their first words.
fn labels(features: &BTreeSet<String>) -> BTreeSet<&str> {
    features
        .iter()
        .map(|line| line.split(' ').next().unwrap())
        .collect()
}

/// Commands that came after RFC 959 and stand in no line of their own: they
/// are told by another line, are not extensions in RFC 2389's sense, or
/// nobody shall be made to use them.
const UNTOLD: &[&str] = &[
    // MLST tells both (RFC 3659 section 7.8).
    "MLSD", //
    // RFC 2389 forbids them.
    "FEAT", "OPTS", //
    // Obsolete since RFC 2428.
    "LPRT", "LPSV", //
    // Clients that see it ask before every transfer.
    "PRET", //
    // Known and always refused: no system call sets that time.
    "MFCT",
];

/// What RFC 959 has, which FEAT is not for.
const RFC_959: &str = "USER PASS ACCT CWD CDUP SMNT REIN QUIT PORT PASV TYPE STRU MODE RETR STOR \
                       STOU APPE ALLO REST RNFR RNTO ABOR DELE RMD MKD PWD LIST NLST SITE SYST \
                       STAT HELP NOOP";

/// Lines that vsftpd's FEAT has beyond them, and those of features that are
/// no verbs.
const BEYOND: &[&str] = &["PASV", "REST", "MODE", "TVFS", "UTF8", "SITE"];

#[test]
fn feat_is_what_the_configuration_leaves_on() {
    let all = features(&[("write_enable", "YES")]);
    let old: BTreeSet<&str> = RFC_959.split_whitespace().collect();
    let names = |wanted: fn(&Access) -> bool| -> BTreeSet<&str> {
        let rows = COMMANDS.iter().filter(|row| wanted(&row.access));
        rows.map(|row| row.name())
            .filter(|name| !old.contains(name) && !UNTOLD.contains(name))
            .collect()
    };
    let mut wanted = names(|_| true);
    wanted.extend(BEYOND);
    assert_eq!(labels(&all), wanted);
    for name in UNIMPLEMENTED {
        assert!(!wanted.contains(name), "{name}");
    }
    // Each switch takes away its own lines and no others.
    let mut writing = names(|access| *access == Access::Write);
    writing.insert("SITE");
    for (option, gone) in [
        ("port_enable", "EPRT"),
        ("pasv_enable", "EPSV PASV"),
        ("deflate_enable", "MODE"),
        (
            "hash_enable",
            "HASH MD5 MMD5 XCRC XMD5 XSHA XSHA1 XSHA256 XSHA512",
        ),
        ("ssl_enable", "AUTH CCC PBSZ PROT"),
        ("ccc_enable", "CCC"),
        ("write_enable", ""),
    ] {
        let options = [("write_enable", "YES"), (option, "NO")];
        let fewer = features(&options[usize::from(option == "write_enable")..]);
        let gone: BTreeSet<&str> = match gone {
            "" => writing.clone(),
            gone => gone.split_whitespace().collect(),
        };
        let left: BTreeSet<&str> = wanted.difference(&gone).copied().collect();
        assert_eq!(labels(&fewer), left, "{option}=NO");
        assert!(fewer.is_subset(&all), "{option}=NO");
    }
}

#[test]
fn what_feat_does_not_tell_is_refused_and_what_it_tells_is_not() {
    for (option, lines) in [
        (
            "port_enable",
            &["EPRT |1|127.0.0.1|51201|", "PORT 127,0,0,1,200,1"][..],
        ),
        ("pasv_enable", &["EPSV", "PASV", "LPSV"]),
        ("deflate_enable", &["MODE Z", "OPTS MODE Z LEVEL 1"]),
        (
            "hash_enable",
            &["HASH file", "MD5 file", "XCRC file", "OPTS HASH MD5"],
        ),
    ] {
        for (switch, refused) in [("YES", false), ("NO", true)] {
            let server = Server::start(&[(option, switch)]);
            server.root().file("file", "content");
            let mut control = server.anonymous();
            control.command("TYPE I", 200);
            for line in lines {
                control.line(line);
                let code = control.reply().code;
                assert_eq!(code >= 500, refused, "{option}={switch}, {line}: {code}");
            }
        }
    }
}

#[test]
fn help_lists_every_verb_that_is_on_and_explains_it() {
    for (hash, there) in [("YES", true), ("NO", false)] {
        let files = Files::new();
        let server = Launch::new()
            .writable()
            .tls(&files)
            .option("ccc_enable", "YES")
            .option("hash_enable", hash)
            .start();
        let mut control = server.connect();
        let text = control.command("HELP", 214).text();
        let listed: BTreeSet<&str> = text
            .lines()
            .filter(|line| line.starts_with(' '))
            .flat_map(str::split_whitespace)
            .collect();
        for row in COMMANDS {
            let digest = row.name() == "HASH"
                || row.name() == "MD5"
                || row.name() == "MMD5"
                || row.name().starts_with('X');
            for name in row.names {
                let on = there || !digest;
                assert_eq!(listed.contains(name), on, "{name} with hash_enable={hash}");
                let code = if on { 214 } else { 501 };
                let text = control.command(format!("HELP {name}"), code).text();
                // HELP SITE lists the commands under it.
                let shown = if *name == "SITE" {
                    "SITE HELP"
                } else {
                    row.syntax
                };
                assert_eq!(text.contains(shown), on, "{text}");
            }
        }
        let names = COMMANDS.iter().flat_map(|row| row.names).count();
        assert!(listed.len() <= names, "{text}");
        for name in UNIMPLEMENTED {
            assert!(!listed.contains(name), "{name}");
        }
    }
}

#[test]
fn help_site_lists_every_command_under_site() {
    let server = Server::writable();
    let mut control = server.anonymous();
    let text = control.command("HELP SITE", 214).text();
    for row in SITE_COMMANDS {
        for name in row.names {
            assert!(text.contains(&format!(" SITE {name}")), "{name}: {text}");
            let words = control.command(format!("SITE HELP {name}"), 214).words();
            assert!(words.contains(row.syntax), "{words}");
        }
    }
}

#[test]
fn every_verb_is_in_the_manual() {
    let page = std::fs::read_to_string(project().join("man/ironftpd.8")).unwrap();
    let (_, rest) = page.split_once(".\\\" BEGIN COMMANDS\n").unwrap();
    let (commands, _) = rest.split_once(".\\\" END COMMANDS\n").unwrap();
    // What keeps mdoc from taking a verb for a macro.
    let commands = commands.replace("\\&", "");
    for row in COMMANDS {
        for name in row.names {
            let mut words = commands.split([' ', '\n', ',', '.']);
            let found = words.any(|word| word == *name);
            assert!(found, "{name} is not in ironftpd(8)");
        }
    }
    for row in SITE_COMMANDS {
        for name in row.names {
            let found = commands.contains(&format!("SITE {name}"));
            assert!(found, "SITE {name} is not in ironftpd(8)");
        }
    }
}
