//! Every command that takes a pathname, and how it is tried: drawn from the
//! command tables, so that a new command does not compile here, or does not
//! pass, before somebody has said how.

use ironftpd::protocol::command::{COMMANDS, Verb};
use ironftpd::protocol::site::{SITE_COMMANDS, SiteVerb};

/// What a trial does where the pathname leads to a tree of `world::plant`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Shows something that is known by its words.
    Tells,
    /// Changes the tree.
    Changes,
    /// Is answered with 2xx, and what it says could be said of any directory.
    Succeeds,
    /// Does nothing anywhere.
    Nothing,
}

use Effect::{Changes, Nothing, Succeeds, Tells};

/// Lines said one after the other. In each `{file}` is a file, `{dir}` a
/// directory with something in it, `{empty}` one with nothing, `{new}` a name
/// that is free, and `{top}` the directory they are in; `/own` and `/part` are
/// files of the session's, and `{gid}` a group that it may give files to.
pub type Trial = (Effect, &'static [&'static str]);

/// The trials of a verb; none if it takes no pathname.
fn of_verb(verb: Verb) -> &'static [Trial] {
    match verb {
        Verb::Stat => &[
            (Tells, &["STAT {file}"]),
            (Tells, &["STAT {dir}"]),
            (Tells, &["STAT -aR {top}/"]),
            (Tells, &["STAT {dir}/*"]),
        ],
        Verb::Cwd => &[(Tells, &["CWD {dir}", "NLST", "PWD", "MLSD", "CWD /"])],
        Verb::Cdup => &[(Tells, &["CWD {dir}", "CDUP", "LIST -a", "CWD /"])],
        Verb::Mkd => &[(Changes, &["MKD {new}"]), (Changes, &["MKD {dir}/new"])],
        Verb::Rmd => &[
            (Changes, &["RMD {empty}"]),
            (Changes, &["RMD {top}/empty/"]),
        ],
        Verb::Dele => &[(Changes, &["DELE {file}"])],
        Verb::Rnfr => &[
            (Changes, &["RNFR {file}", "RNTO /taken"]),
            (Changes, &["RNFR {dir}", "RNTO /taken-too"]),
        ],
        Verb::Rnto => &[
            (Changes, &["RNFR /own", "RNTO {new}"]),
            (Changes, &["RNFR /own", "RNTO {file}"]),
            (Changes, &["RNFR /own", "RNTO {dir}/new"]),
        ],
        Verb::Pret => &[(Nothing, &["PRET RETR {file}"])],
        Verb::Retr => &[
            (Tells, &["RETR {file}"]),
            (Tells, &["REST 7", "RETR {file}"]),
            (Tells, &["RANG 14 34", "RETR {file}"]),
            (Tells, &["TYPE A", "RETR {file}", "TYPE I"]),
        ],
        Verb::Stor => &[
            (Changes, &["STOR {file}"]),
            (Changes, &["STOR {new}"]),
            (Changes, &["STOR {dir}/new"]),
            (Changes, &["REST 7", "STOR {file}"]),
        ],
        Verb::Stou => &[(Changes, &["STOU {new}"]), (Changes, &["STOU {dir}/new"])],
        Verb::Appe => &[
            (Changes, &["APPE {file}"]),
            (Changes, &["APPE {new}"]),
            (Changes, &["REST 7", "APPE {file}"]),
        ],
        Verb::List => &[
            (Tells, &["LIST {file}"]),
            (Tells, &["LIST {dir}"]),
            (Tells, &["LIST -la {top}/"]),
            (Tells, &["LIST -d {file}"]),
            (Tells, &["LIST -aR {top}"]),
            (Tells, &["LIST {dir}/*"]),
            (Tells, &["LIST {top}/*/*"]),
            (Tells, &["LIST {top}/[s]ecret"]),
        ],
        Verb::Nlst => &[
            (Tells, &["NLST {dir}"]),
            (Tells, &["NLST -l {file}"]),
            (Tells, &["NLST -t {top}/"]),
            (Tells, &["NLST {dir}/*"]),
            (Tells, &["NLST {top}/{v,w}*/?*"]),
        ],
        Verb::Mlsd => &[(Tells, &["MLSD {dir}"]), (Tells, &["MLSD {top}/"])],
        Verb::Mlst => &[(Tells, &["MLST {file}"])],
        Verb::Size => &[
            (Tells, &["SIZE {file}"]),
            (Tells, &["TYPE A", "SIZE {file}", "TYPE I"]),
        ],
        Verb::Mdtm => &[
            (Tells, &["MDTM {file}"]),
            (Changes, &["MDTM 20020202020202 {file}"]),
        ],
        Verb::Mfmt => &[
            (Changes, &["MFMT 20020202020202 {file}"]),
            (Changes, &["MFMT 20020202020202 {dir}"]),
        ],
        // No system can.
        Verb::Mfct => &[(Nothing, &["MFCT 20020202020202 {file}"])],
        Verb::Mff => &[
            (Changes, &["MFF modify=20020202020202; {file}"]),
            (Changes, &["MFF UNIX.mode=0700; {dir}"]),
            (Changes, &["MFF UNIX.group={gid}; {file}"]),
        ],
        Verb::Hash => &[
            (Tells, &["HASH {file}"]),
            (Tells, &["OPTS HASH CRC32", "HASH {file}"]),
        ],
        Verb::Xcrc => &[
            (Tells, &["XCRC {file}"]),
            (Tells, &["XCRC \"{file}\" 0 10"]),
        ],
        Verb::Xmd5 => &[(Tells, &["XMD5 {file}"]), (Tells, &["XMD5 {file} 0 10"])],
        Verb::Xsha => &[(Tells, &["XSHA {file}"]), (Tells, &["XSHA \"{file}\""])],
        Verb::Xsha1 => &[(Tells, &["XSHA1 {file}"])],
        Verb::Xsha256 => &[(Tells, &["XSHA256 {file}"])],
        Verb::Xsha512 => &[(Tells, &["XSHA512 {file}"])],
        Verb::Md5 => &[(Tells, &["MD5 {file}"]), (Tells, &["MD5 \"{file}\""])],
        Verb::Mmd5 => &[
            (Tells, &["MMD5 /own, {file}"]),
            (Tells, &["MMD5 \"{file}\", /own"]),
        ],
        Verb::Avbl => &[(Succeeds, &["AVBL {dir}"])],
        Verb::Dsiz => &[(Tells, &["DSIZ {dir}"])],
        Verb::Comb => &[
            (Changes, &["COMB /own {file}"]),
            (Changes, &["COMB {file} /part"]),
            (Changes, &["COMB \"{new}\" \"/part\""]),
        ],
        Verb::Site => &[],
        Verb::User
        | Verb::Pass
        | Verb::Acct
        | Verb::Rein
        | Verb::Auth
        | Verb::Pbsz
        | Verb::Prot
        | Verb::Ccc
        | Verb::Host
        | Verb::Lang
        | Verb::Clnt
        | Verb::Csid
        | Verb::Quit
        | Verb::Noop
        | Verb::Syst
        | Verb::Feat
        | Verb::Help
        | Verb::Pwd
        | Verb::Type
        | Verb::Stru
        | Verb::Mode
        | Verb::Port
        | Verb::Pasv
        | Verb::Eprt
        | Verb::Epsv
        | Verb::Lprt
        | Verb::Lpsv
        | Verb::Rest
        | Verb::Rang
        | Verb::Abor
        | Verb::Allo
        | Verb::Opts => &[],
    }
}

/// The trials of a SITE command.
fn of_site(verb: SiteVerb) -> &'static [Trial] {
    match verb {
        SiteVerb::Chmod => &[
            (Changes, &["SITE CHMOD 600 {file}"]),
            (Changes, &["SITE CHMOD 7777 {dir}"]),
        ],
        SiteVerb::Chgrp => &[(Changes, &["SITE CHGRP {gid} {file}"])],
        SiteVerb::Utime => &[
            (Changes, &["SITE UTIME 200202020202 {file}"]),
            (
                Changes,
                &["SITE UTIME {dir} 20020202020202 20020202020202 20020202020202 UTC"],
            ),
        ],
        SiteVerb::Mkdir => &[(Changes, &["SITE MKDIR {new}/deep/deeper"])],
        SiteVerb::Rmdir => &[(Changes, &["SITE RMDIR {dir}"])],
        SiteVerb::Symlink => &[
            (Changes, &["SITE SYMLINK {file} {new}"]),
            (Changes, &["SITE SYMLINK \"{file}\" \"{top}/new\""]),
            (Tells, &["SITE SYMLINK {file} /lead", "RETR /lead"]),
        ],
        SiteVerb::Cpfr => &[(
            Tells,
            &["SITE CPFR {file}", "SITE CPTO /loot", "RETR /loot"],
        )],
        SiteVerb::Cpto => &[
            (Changes, &["SITE CPFR /own", "SITE CPTO {new}"]),
            (Changes, &["SITE CPFR /own", "SITE CPTO {file}"]),
            (Changes, &["SITE CPFR /own", "SITE CPTO {dir}/new"]),
        ],
        SiteVerb::Help
        | SiteVerb::Umask
        | SiteVerb::Idle
        | SiteVerb::Who
        | SiteVerb::Quota
        | SiteVerb::Time => &[],
    }
}

/// All trials of all commands.
pub fn trials() -> Vec<Trial> {
    let commands = COMMANDS.iter().flat_map(|row| of_verb(row.verb));
    let site = SITE_COMMANDS.iter().flat_map(|row| of_site(row.verb));
    commands.chain(site).copied().collect()
}

#[test]
fn every_command_whose_syntax_has_a_pathname_is_tried() {
    let names_a_file = |syntax: &str| {
        syntax
            .split(|sign: char| !sign.is_ascii_lowercase())
            .any(|word| matches!(word, "pathname" | "target" | "part" | "link" | "file"))
    };
    let commands = COMMANDS
        .iter()
        .map(|row| (row.name(), row.syntax, of_verb(row.verb)));
    let site = SITE_COMMANDS
        .iter()
        .map(|row| (row.verb.name(), row.syntax, of_site(row.verb)));
    let mut tried = 0;
    for (name, syntax, trials) in commands.chain(site) {
        // The way up needs no pathname to be one.
        assert_eq!(
            names_a_file(syntax) || name == "CDUP",
            !trials.is_empty(),
            "{syntax}"
        );
        for (_, lines) in trials {
            assert!(lines.iter().any(|line| line.contains(name)), "{name}");
            tried += 1;
        }
    }
    assert!(tried > 80, "{tried}");
}
