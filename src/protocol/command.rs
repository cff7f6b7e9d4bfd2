//! The command table: one row per verb (RFC 959 section 5.3.1 and later).
//!
//! The parser, the dispatcher, HELP, FEAT, the lists of allowed and denied
//! commands and the manual read these rows and nothing else, so that they
//! cannot tell different stories. What a command does is the session's.
#![forbid(unsafe_code)]

use crate::protocol::moment::MFF_FEATURE;

/// A command this server knows by a row of [`COMMANDS`]. RFC 775's X forms
/// are aliases and share the verb of their modern name.
#[repr(u8)]
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[expect(missing_docs, reason = "each verb is explained by its row of COMMANDS")]
pub enum Verb {
    User,
    Pass,
    Acct,
    Rein,
    Auth,
    Pbsz,
    Prot,
    Ccc,
    Host,
    Lang,
    Clnt,
    Csid,
    Quit,
    Noop,
    Syst,
    Feat,
    Help,
    Stat,
    Pwd,
    Cwd,
    Cdup,
    Mkd,
    Rmd,
    Dele,
    Rnfr,
    Rnto,
    Type,
    Stru,
    Mode,
    Port,
    Pasv,
    Eprt,
    Epsv,
    Lprt,
    Lpsv,
    Pret,
    Rest,
    Retr,
    Stor,
    Stou,
    Appe,
    List,
    Nlst,
    Mlsd,
    Mlst,
    Size,
    Mdtm,
    Mfmt,
    Mfct,
    Mff,
    Rang,
    Hash,
    Xcrc,
    Xmd5,
    Xsha,
    Xsha1,
    Xsha256,
    Xsha512,
    Md5,
    Mmd5,
    Avbl,
    Dsiz,
    Comb,
    Abor,
    Allo,
    Opts,
    Site,
}

/// Whether a command takes an argument.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Arg {
    /// None; blanks after the verb are forgiven.
    None,
    /// May be left out.
    Optional,
    /// Must not be empty.
    Required,
}

/// What must have happened before a command is obeyed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Needs {
    /// Nothing: answered before login too.
    Nothing,
    /// A completed login; 530 without it.
    Login,
}

/// What a command does to the files, for read-only sessions and the like.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Access {
    /// Touches no file.
    Any,
    /// Shows the content of a file or a directory, or facts about one.
    Read,
    /// Changes the file system; refused where writing is off.
    Write,
}

/// One row of [`COMMANDS`].
#[derive(Debug)]
pub struct CommandSpec {
    /// The verb this row describes.
    pub verb: Verb,
    /// Upper-case spellings: the canonical one first, then aliases.
    pub names: &'static [&'static str],
    /// Argument shape, checked by [`super::parse::parse`].
    pub arg: Arg,
    /// Login state, checked by the dispatcher.
    pub needs: Needs,
    /// Access class, checked by the dispatcher.
    pub access: Access,
    /// The FEAT line (RFC 2389) that advertises the command. For MLST and HASH
    /// it is the bare word; the lines proper are [`super::facts::feat_line`]
    /// and [`super::digest::feat_line`].
    pub feat: Option<&'static str>,
    /// Syntax in the notation of RFC 959 section 5.3.1, for HELP and manual.
    pub syntax: &'static str,
    /// One line that says what it is for.
    pub help: &'static str,
    /// Where the command is defined.
    pub rfc: &'static str,
}

impl CommandSpec {
    /// The canonical spelling, upper case.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.names.first().copied().unwrap_or_default()
    }
}

/// FEAT lines that belong to no single verb.
pub static FEATURES: &[&str] = &["TVFS", "UTF8"];

/// Verbs that RFCs, drafts or other servers define and this one does not
/// obey: they get 502, not 500, so that a client learns the spelling was right.
pub static UNIMPLEMENTED: &[&str] = &[
    // RFC 959; RFC 765's mail commands were withdrawn and stay unknown.
    // SMNT: nothing is mounted, and 202 (superfluous) would let the client
    // believe that it now sees another file system.
    "SMNT", //
    // RFC 2228
    "ADAT", "CONF", "ENC", "MIC", // Drafts and customs of other servers
    "CPSV", "RMDA", "SSCN", "THMB",
];

/// Every command, in the order of [`Verb`].
#[rustfmt::skip]
pub static COMMANDS: &[CommandSpec] = &[
    CommandSpec { verb: Verb::User, names: &["USER"], arg: Arg::Required, needs: Needs::Nothing, access: Access::Any, feat: None,
        syntax: "USER <SP> username", help: "Name the user who logs in.", rfc: "RFC 959 section 4.1.1" },
    // An empty password is a password: anonymous clients send one.
    CommandSpec { verb: Verb::Pass, names: &["PASS"], arg: Arg::Optional, needs: Needs::Nothing, access: Access::Any, feat: None,
        syntax: "PASS <SP> password", help: "Give the password of the user just named.", rfc: "RFC 959 section 4.1.1" },
    CommandSpec { verb: Verb::Acct, names: &["ACCT"], arg: Arg::Required, needs: Needs::Nothing, access: Access::Any, feat: None,
        syntax: "ACCT <SP> account", help: "Give an account; none is ever needed here.", rfc: "RFC 959 section 4.1.1" },
    CommandSpec { verb: Verb::Rein, names: &["REIN"], arg: Arg::None, needs: Needs::Nothing, access: Access::Any, feat: None,
        syntax: "REIN", help: "Log out and begin anew on the same connection.", rfc: "RFC 959 section 4.1.1" },
    CommandSpec { verb: Verb::Auth, names: &["AUTH"], arg: Arg::Required, needs: Needs::Nothing, access: Access::Any, feat: Some("AUTH TLS"),
        syntax: "AUTH <SP> ( TLS | TLS-C | TLS-P | SSL )", help: "Protect the control connection by TLS, before USER.", rfc: "RFC 4217 section 4" },
    CommandSpec { verb: Verb::Pbsz, names: &["PBSZ"], arg: Arg::Required, needs: Needs::Nothing, access: Access::Any, feat: Some("PBSZ"),
        syntax: "PBSZ <SP> 0", help: "Set the size of protected buffers, which TLS does not need; before PROT.", rfc: "RFC 4217 section 8" },
    CommandSpec { verb: Verb::Prot, names: &["PROT"], arg: Arg::Required, needs: Needs::Nothing, access: Access::Any, feat: Some("PROT"),
        syntax: "PROT <SP> ( C | P )", help: "Leave data connections in clear, or protect them by TLS.", rfc: "RFC 4217 section 9" },
    CommandSpec { verb: Verb::Ccc, names: &["CCC"], arg: Arg::None, needs: Needs::Login, access: Access::Any, feat: Some("CCC"),
        syntax: "CCC", help: "Go on in clear on the control connection.", rfc: "RFC 4217 section 6" },
    CommandSpec { verb: Verb::Host, names: &["HOST"], arg: Arg::Required, needs: Needs::Nothing, access: Access::Any, feat: Some("HOST"),
        syntax: "HOST <SP> hostname", help: "Name the host that is meant, before USER.", rfc: "RFC 7151 section 3" },
    // The line proper is Language::feat_line.
    CommandSpec { verb: Verb::Lang, names: &["LANG"], arg: Arg::Optional, needs: Needs::Nothing, access: Access::Any, feat: Some("LANG"),
        syntax: "LANG [<SP> language-tag]", help: "Choose the language of replies.", rfc: "RFC 2640 section 4" },
    CommandSpec { verb: Verb::Clnt, names: &["CLNT"], arg: Arg::Required, needs: Needs::Nothing, access: Access::Any, feat: Some("CLNT"),
        syntax: "CLNT <SP> client", help: "Name the client's program, for the log.", rfc: "custom of clients" },
    CommandSpec { verb: Verb::Csid, names: &["CSID"], arg: Arg::Required, needs: Needs::Nothing, access: Access::Any, feat: Some("CSID"),
        syntax: "CSID <SP> Name=client; [Version=version;]", help: "Name the client's program and learn the server's.", rfc: "draft-peterson-streamlined-ftp-command-extensions section 4" },
    CommandSpec { verb: Verb::Quit, names: &["QUIT"], arg: Arg::None, needs: Needs::Nothing, access: Access::Any, feat: None,
        syntax: "QUIT", help: "End the session, after a transfer in progress.", rfc: "RFC 959 section 4.1.1" },
    CommandSpec { verb: Verb::Noop, names: &["NOOP"], arg: Arg::None, needs: Needs::Nothing, access: Access::Any, feat: None,
        syntax: "NOOP", help: "Do nothing but answer.", rfc: "RFC 959 section 4.1.3" },
    CommandSpec { verb: Verb::Syst, names: &["SYST"], arg: Arg::None, needs: Needs::Nothing, access: Access::Any, feat: None,
        syntax: "SYST", help: "Name the kind of system, which tells the form of LIST.", rfc: "RFC 959 section 4.1.3" },
    CommandSpec { verb: Verb::Feat, names: &["FEAT"], arg: Arg::None, needs: Needs::Nothing, access: Access::Any, feat: None,
        syntax: "FEAT", help: "List the extensions on offer.", rfc: "RFC 2389 section 3" },
    CommandSpec { verb: Verb::Help, names: &["HELP"], arg: Arg::Optional, needs: Needs::Nothing, access: Access::Any, feat: None,
        syntax: "HELP [<SP> command]", help: "List the commands, or explain one.", rfc: "RFC 959 section 4.1.3" },
    CommandSpec { verb: Verb::Stat, names: &["STAT"], arg: Arg::Optional, needs: Needs::Login, access: Access::Any, feat: None,
        syntax: "STAT [<SP> pathname]", help: "Report the session's state, or list a pathname over the control connection.", rfc: "RFC 959 section 4.1.3" },
    CommandSpec { verb: Verb::Pwd, names: &["PWD", "XPWD"], arg: Arg::None, needs: Needs::Login, access: Access::Any, feat: None,
        syntax: "PWD", help: "Print the working directory.", rfc: "RFC 959 section 4.1.3" },
    CommandSpec { verb: Verb::Cwd, names: &["CWD", "XCWD"], arg: Arg::Required, needs: Needs::Login, access: Access::Any, feat: None,
        syntax: "CWD <SP> pathname", help: "Change the working directory.", rfc: "RFC 959 section 4.1.1" },
    CommandSpec { verb: Verb::Cdup, names: &["CDUP", "XCUP"], arg: Arg::None, needs: Needs::Login, access: Access::Any, feat: None,
        syntax: "CDUP", help: "Change to the parent directory.", rfc: "RFC 959 section 4.1.1" },
    CommandSpec { verb: Verb::Mkd, names: &["MKD", "XMKD"], arg: Arg::Required, needs: Needs::Login, access: Access::Write, feat: None,
        syntax: "MKD <SP> pathname", help: "Make a directory.", rfc: "RFC 959 section 4.1.3" },
    CommandSpec { verb: Verb::Rmd, names: &["RMD", "XRMD"], arg: Arg::Required, needs: Needs::Login, access: Access::Write, feat: None,
        syntax: "RMD <SP> pathname", help: "Remove an empty directory.", rfc: "RFC 959 section 4.1.3" },
    CommandSpec { verb: Verb::Dele, names: &["DELE"], arg: Arg::Required, needs: Needs::Login, access: Access::Write, feat: None,
        syntax: "DELE <SP> pathname", help: "Delete a file.", rfc: "RFC 959 section 4.1.3" },
    CommandSpec { verb: Verb::Rnfr, names: &["RNFR"], arg: Arg::Required, needs: Needs::Login, access: Access::Write, feat: None,
        syntax: "RNFR <SP> pathname", help: "Name the file to be renamed by RNTO.", rfc: "RFC 959 section 4.1.3" },
    CommandSpec { verb: Verb::Rnto, names: &["RNTO"], arg: Arg::Required, needs: Needs::Login, access: Access::Write, feat: None,
        syntax: "RNTO <SP> pathname", help: "Rename the file named by RNFR.", rfc: "RFC 959 section 4.1.3" },
    CommandSpec { verb: Verb::Type, names: &["TYPE"], arg: Arg::Required, needs: Needs::Login, access: Access::Any, feat: None,
        syntax: "TYPE <SP> ( ( A | E ) [<SP> ( N | T | C )] | I | L <SP> 8 )", help: "Set the representation type: ASCII, EBCDIC or image.", rfc: "RFC 959 section 4.1.2" },
    CommandSpec { verb: Verb::Stru, names: &["STRU"], arg: Arg::Required, needs: Needs::Login, access: Access::Any, feat: None,
        syntax: "STRU <SP> ( F | R )", help: "Set the file structure: none, or lines as records.", rfc: "RFC 959 section 4.1.2" },
    CommandSpec { verb: Verb::Mode, names: &["MODE"], arg: Arg::Required, needs: Needs::Login, access: Access::Any, feat: Some("MODE Z"),
        syntax: "MODE <SP> ( S | B | C | Z )", help: "Set the transfer mode: stream, block, compressed or deflate.", rfc: "RFC 959 section 4.1.2" },
    CommandSpec { verb: Verb::Port, names: &["PORT"], arg: Arg::Required, needs: Needs::Login, access: Access::Any, feat: None,
        syntax: "PORT <SP> h1,h2,h3,h4,p1,p2", help: "Name the address the server connects to.", rfc: "RFC 959 section 4.1.2" },
    CommandSpec { verb: Verb::Pasv, names: &["PASV"], arg: Arg::None, needs: Needs::Login, access: Access::Any, feat: Some("PASV"),
        syntax: "PASV", help: "Ask the server to listen for the data connection.", rfc: "RFC 959 section 4.1.2" },
    CommandSpec { verb: Verb::Eprt, names: &["EPRT"], arg: Arg::Required, needs: Needs::Login, access: Access::Any, feat: Some("EPRT"),
        syntax: "EPRT <SP> |protocol|address|port|", help: "PORT for IPv4 and IPv6.", rfc: "RFC 2428 section 2" },
    CommandSpec { verb: Verb::Epsv, names: &["EPSV"], arg: Arg::Optional, needs: Needs::Login, access: Access::Any, feat: Some("EPSV"),
        syntax: "EPSV [<SP> ( 1 | 2 | ALL )]", help: "PASV for IPv4 and IPv6.", rfc: "RFC 2428 section 3" },
    CommandSpec { verb: Verb::Lprt, names: &["LPRT"], arg: Arg::Required, needs: Needs::Login, access: Access::Any, feat: None,
        syntax: "LPRT <SP> af,hal,h1,h2...,pal,p1,p2", help: "PORT with long addresses; EPRT has replaced it.", rfc: "RFC 1639" },
    CommandSpec { verb: Verb::Lpsv, names: &["LPSV"], arg: Arg::None, needs: Needs::Login, access: Access::Any, feat: None,
        syntax: "LPSV", help: "PASV with long addresses; EPSV has replaced it.", rfc: "RFC 1639" },
    // Not in FEAT: clients that see it there send it before every transfer,
    // and here it does nothing.
    CommandSpec { verb: Verb::Pret, names: &["PRET"], arg: Arg::Required, needs: Needs::Login, access: Access::Any, feat: None,
        syntax: "PRET <SP> command [<SP> pathname]", help: "Announce the transfer command that will follow PASV.", rfc: "custom of distributed servers" },
    CommandSpec { verb: Verb::Rest, names: &["REST"], arg: Arg::Required, needs: Needs::Login, access: Access::Any, feat: Some("REST STREAM"),
        syntax: "REST <SP> marker", help: "Start the next transfer at this octet, or in MODE B and C at this restart marker.", rfc: "RFC 3659 section 5" },
    CommandSpec { verb: Verb::Retr, names: &["RETR"], arg: Arg::Required, needs: Needs::Login, access: Access::Read, feat: None,
        syntax: "RETR <SP> pathname", help: "Send a file to the client.", rfc: "RFC 959 section 4.1.3" },
    CommandSpec { verb: Verb::Stor, names: &["STOR"], arg: Arg::Required, needs: Needs::Login, access: Access::Write, feat: None,
        syntax: "STOR <SP> pathname", help: "Store a file sent by the client.", rfc: "RFC 959 section 4.1.3" },
    CommandSpec { verb: Verb::Stou, names: &["STOU"], arg: Arg::Optional, needs: Needs::Login, access: Access::Write, feat: None,
        syntax: "STOU [<SP> pathname]", help: "Store a file under the name given if nothing has it yet, else under one made of it.", rfc: "RFC 959 section 4.1.3, RFC 1123 section 4.1.2.9" },
    CommandSpec { verb: Verb::Appe, names: &["APPE"], arg: Arg::Required, needs: Needs::Login, access: Access::Write, feat: None,
        syntax: "APPE <SP> pathname", help: "Append what the client sends to a file.", rfc: "RFC 959 section 4.1.3" },
    CommandSpec { verb: Verb::List, names: &["LIST"], arg: Arg::Optional, needs: Needs::Login, access: Access::Read, feat: None,
        syntax: "LIST [<SP> -aAdFlrRt1] [<SP> pathname]", help: "List a directory for people to read.", rfc: "RFC 959 section 4.1.3" },
    CommandSpec { verb: Verb::Nlst, names: &["NLST"], arg: Arg::Optional, needs: Needs::Login, access: Access::Read, feat: None,
        syntax: "NLST [<SP> -aAdFlrRt1] [<SP> pathname]", help: "List the names in a directory.", rfc: "RFC 959 section 4.1.3" },
    CommandSpec { verb: Verb::Mlsd, names: &["MLSD"], arg: Arg::Optional, needs: Needs::Login, access: Access::Read, feat: None,
        syntax: "MLSD [<SP> pathname]", help: "List a directory for programs to read.", rfc: "RFC 3659 section 7" },
    CommandSpec { verb: Verb::Mlst, names: &["MLST"], arg: Arg::Optional, needs: Needs::Login, access: Access::Read, feat: Some("MLST"),
        syntax: "MLST [<SP> pathname]", help: "Show the facts of one pathname over the control connection.", rfc: "RFC 3659 section 7" },
    CommandSpec { verb: Verb::Size, names: &["SIZE"], arg: Arg::Required, needs: Needs::Login, access: Access::Read, feat: Some("SIZE"),
        syntax: "SIZE <SP> pathname", help: "Show how many bytes a transfer of the file would take.", rfc: "RFC 3659 section 4" },
    CommandSpec { verb: Verb::Mdtm, names: &["MDTM"], arg: Arg::Required, needs: Needs::Login, access: Access::Read, feat: Some("MDTM"),
        syntax: "MDTM [<SP> YYYYMMDDHHMMSS] <SP> pathname", help: "Show when the file was last modified, in UTC, or set it (mdtm_write).", rfc: "RFC 3659 section 3" },
    CommandSpec { verb: Verb::Mfmt, names: &["MFMT"], arg: Arg::Required, needs: Needs::Login, access: Access::Write, feat: Some("MFMT"),
        syntax: "MFMT <SP> YYYYMMDDHHMMSS <SP> pathname", help: "Set when the file was last modified, in UTC.", rfc: "draft-somers-ftp-mfxx section 3" },
    // No system call sets the time of creation, so FEAT does not offer it.
    CommandSpec { verb: Verb::Mfct, names: &["MFCT"], arg: Arg::Required, needs: Needs::Login, access: Access::Write, feat: None,
        syntax: "MFCT <SP> YYYYMMDDHHMMSS <SP> pathname", help: "Set when the file was made, which no Linux can: always refused.", rfc: "draft-somers-ftp-mfxx section 4" },
    CommandSpec { verb: Verb::Mff, names: &["MFF"], arg: Arg::Required, needs: Needs::Login, access: Access::Write, feat: Some(MFF_FEATURE),
        syntax: "MFF <SP> fact=value; ... <SP> pathname", help: "Set the facts modify (UTC), UNIX.mode and UNIX.group of a file.", rfc: "draft-somers-ftp-mfxx section 5" },
    CommandSpec { verb: Verb::Rang, names: &["RANG"], arg: Arg::Required, needs: Needs::Login, access: Access::Any, feat: Some("RANG STREAM"),
        syntax: "RANG <SP> first <SP> last", help: "Take only these bytes of the file, in the next RETR or HASH; 1 0 takes it back.", rfc: "draft-bryan-ftp-range section 3" },
    CommandSpec { verb: Verb::Hash, names: &["HASH"], arg: Arg::Required, needs: Needs::Login, access: Access::Read, feat: Some("HASH"),
        syntax: "HASH <SP> pathname", help: "Hash a file by the algorithm that OPTS HASH names.", rfc: "draft-bryan-ftpext-hash section 3" },
    CommandSpec { verb: Verb::Xcrc, names: &["XCRC"], arg: Arg::Required, needs: Needs::Login, access: Access::Read, feat: Some("XCRC"),
        syntax: "XCRC <SP> pathname [<SP> start <SP> end]", help: "Give the CRC32 of a file or of its bytes from start up to end.", rfc: "custom of other servers" },
    CommandSpec { verb: Verb::Xmd5, names: &["XMD5"], arg: Arg::Required, needs: Needs::Login, access: Access::Read, feat: Some("XMD5"),
        syntax: "XMD5 <SP> pathname [<SP> start <SP> end]", help: "Give the MD5 digest of a file or of its bytes from start up to end.", rfc: "custom of other servers" },
    CommandSpec { verb: Verb::Xsha, names: &["XSHA"], arg: Arg::Required, needs: Needs::Login, access: Access::Read, feat: Some("XSHA"),
        syntax: "XSHA <SP> pathname [<SP> start <SP> end]", help: "Give the SHA-1 digest of a file or of its bytes from start up to end.", rfc: "custom of other servers" },
    CommandSpec { verb: Verb::Xsha1, names: &["XSHA1"], arg: Arg::Required, needs: Needs::Login, access: Access::Read, feat: Some("XSHA1"),
        syntax: "XSHA1 <SP> pathname [<SP> start <SP> end]", help: "Give the SHA-1 digest of a file or of its bytes from start up to end.", rfc: "custom of other servers" },
    CommandSpec { verb: Verb::Xsha256, names: &["XSHA256"], arg: Arg::Required, needs: Needs::Login, access: Access::Read, feat: Some("XSHA256"),
        syntax: "XSHA256 <SP> pathname [<SP> start <SP> end]", help: "Give the SHA-256 digest of a file or of its bytes from start up to end.", rfc: "custom of other servers" },
    CommandSpec { verb: Verb::Xsha512, names: &["XSHA512"], arg: Arg::Required, needs: Needs::Login, access: Access::Read, feat: Some("XSHA512"),
        syntax: "XSHA512 <SP> pathname [<SP> start <SP> end]", help: "Give the SHA-512 digest of a file or of its bytes from start up to end.", rfc: "custom of other servers" },
    CommandSpec { verb: Verb::Md5, names: &["MD5"], arg: Arg::Required, needs: Needs::Login, access: Access::Read, feat: Some("MD5"),
        syntax: "MD5 <SP> pathname", help: "Give the MD5 digest of a file.", rfc: "draft-twine-ftpmd5 section 3.1" },
    CommandSpec { verb: Verb::Mmd5, names: &["MMD5"], arg: Arg::Required, needs: Needs::Login, access: Access::Read, feat: Some("MMD5"),
        syntax: "MMD5 <SP> pathname [, pathname ...]", help: "Give the MD5 digests of several files.", rfc: "draft-twine-ftpmd5 section 3.2" },
    CommandSpec { verb: Verb::Avbl, names: &["AVBL"], arg: Arg::Optional, needs: Needs::Login, access: Access::Read, feat: Some("AVBL"),
        syntax: "AVBL [<SP> pathname]", help: "Show how many bytes can still be stored in a directory.", rfc: "draft-peterson-streamlined-ftp-command-extensions" },
    CommandSpec { verb: Verb::Dsiz, names: &["DSIZ"], arg: Arg::Optional, needs: Needs::Login, access: Access::Read, feat: Some("DSIZ"),
        syntax: "DSIZ [<SP> pathname]", help: "Show how many bytes the files in and below a directory have together.", rfc: "draft-peterson-streamlined-ftp-command-extensions" },
    CommandSpec { verb: Verb::Comb, names: &["COMB"], arg: Arg::Required, needs: Needs::Login, access: Access::Write, feat: Some("COMB"),
        syntax: "COMB <SP> target <SP> part [<SP> part ...]", help: "Append parts to a target and delete them.", rfc: "custom of other servers" },
    CommandSpec { verb: Verb::Abor, names: &["ABOR"], arg: Arg::None, needs: Needs::Nothing, access: Access::Any, feat: None,
        syntax: "ABOR", help: "Break off the transfer in progress.", rfc: "RFC 959 section 4.1.3" },
    CommandSpec { verb: Verb::Allo, names: &["ALLO"], arg: Arg::Required, needs: Needs::Login, access: Access::Any, feat: None,
        syntax: "ALLO <SP> bytes [<SP> R <SP> bytes]", help: "Ask whether a file of this size has room; nothing is reserved.", rfc: "RFC 959 section 4.1.3" },
    CommandSpec { verb: Verb::Opts, names: &["OPTS"], arg: Arg::Required, needs: Needs::Nothing, access: Access::Any, feat: None,
        syntax: "OPTS <SP> command [<SP> options]", help: "Set the options of another command.", rfc: "RFC 2389 section 4" },
    CommandSpec { verb: Verb::Site, names: &["SITE"], arg: Arg::Required, needs: Needs::Login, access: Access::Any, feat: None,
        syntax: "SITE <SP> command [<SP> arguments]", help: "Commands of this server's own.", rfc: "RFC 959 section 4.1.3" },
];

// A row out of place, or a verb without a row, does not compile; so
// `Verb::spec` cannot miss.
#[expect(
    clippy::indexing_slicing,
    reason = "evaluated by the compiler, which rejects a miss"
)]
const _: () = {
    let mut row = 0;
    while row < COMMANDS.len() {
        assert!(COMMANDS[row].verb as usize == row);
        assert!(!COMMANDS[row].names.is_empty());
        row += 1;
    }
    assert!(COMMANDS.len() == Verb::Site as usize + 1);
};

impl Verb {
    /// The row of this verb.
    #[must_use]
    #[expect(
        clippy::indexing_slicing,
        reason = "the table is checked against Verb at compile time"
    )]
    pub fn spec(self) -> &'static CommandSpec {
        &COMMANDS[self as usize]
    }

    /// The canonical spelling, upper case.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.spec().name()
    }
}

/// Finds a verb by any of its names, in any ASCII case. Bytes above 0x7F
/// equal nothing, so no folding of another script can reach a command.
#[must_use]
pub fn lookup(name: &[u8]) -> Option<Verb> {
    let key = key(name)?;
    KEYS.iter()
        .find(|(known, _)| *known == key)
        .map(|(_, verb)| *verb)
}

/// How many names the rows of [`COMMANDS`] have together.
#[expect(
    clippy::indexing_slicing,
    reason = "evaluated by the compiler, which rejects a miss"
)]
const NAMES: usize = {
    let mut names = 0;
    let mut row = 0;
    while row < COMMANDS.len() {
        names += COMMANDS[row].names.len();
        row += 1;
    }
    names
};

/// Every name of [`COMMANDS`], so that a lookup runs over one small array. A
/// name that [`key`] cannot hold does not compile.
#[expect(
    clippy::indexing_slicing,
    reason = "evaluated by the compiler, which rejects a miss"
)]
static KEYS: [(u64, Verb); NAMES] = {
    let mut keys = [(0, Verb::User); NAMES];
    let (mut row, mut name, mut at) = (0, 0, 0);
    while row < COMMANDS.len() {
        if name == COMMANDS[row].names.len() {
            (row, name) = (row + 1, 0);
            continue;
        }
        keys[at] = match key(COMMANDS[row].names[name].as_bytes()) {
            Some(key) => (key, COMMANDS[row].verb),
            None => panic!("a name of COMMANDS is not of three to eight letters"),
        };
        (name, at) = (name + 1, at + 1);
    }
    keys
};

/// A verb of three to eight octets as one number, ASCII letters in upper
/// case: compared with all the others for each command, and in one step each.
const fn key(name: &[u8]) -> Option<u64> {
    if name.len() < 3 || name.len() > 8 {
        return None;
    }
    let mut key = 0;
    let mut rest = name;
    while let [octet, after @ ..] = rest {
        // A NUL would make two names of different length one number.
        if *octet == 0 {
            return None;
        }
        let low = u64::from_be_bytes([0, 0, 0, 0, 0, 0, 0, octet.to_ascii_uppercase()]);
        key = key << 8 | low;
        rest = after;
    }
    Some(key)
}

/// Whether `name`, in any ASCII case, is in [`UNIMPLEMENTED`].
#[must_use]
pub fn is_unimplemented(name: &[u8]) -> bool {
    UNIMPLEMENTED
        .iter()
        .any(|known| name.eq_ignore_ascii_case(known.as_bytes()))
}

#[cfg(test)]
mod tests;
