//! What is known about a file and can be set: MDTM (RFC 3659 section 3), MFMT,
//! MFCT and MFF (draft-somers-ftp-mfxx), SITE CHMOD, CHGRP and UTIME.

use super::{Failure, Session};
use crate::protocol::moment::{MffError, NewFacts, parse_mdtm_write, parse_mff, parse_utime};
use crate::protocol::parse::{parse_decimal, split_word};
use crate::protocol::site::{SiteVerb, parse_chgrp, parse_chmod};
use crate::protocol::time::{format_fact, format_mdtm, parse_mdtm};
use crate::protocol::{Code, Reply, Timestamp, Verb, VirtualPath};
use crate::record::event::{Act, Deed};
use crate::sys::clock;
use crate::sys::owner::{self, Identity};

type Answer = Result<Reply, Failure>;

/// As the file system counts.
fn pair(time: Timestamp) -> (i64, u32) {
    (time.seconds, time.nanoseconds)
}

fn malformed(verb: Verb) -> Failure {
    Failure::Refused(Reply::new(
        Code::ArgumentError,
        format!("Syntax: {}", verb.spec().syntax),
    ))
}

fn malformed_site(verb: SiteVerb) -> Failure {
    Failure::Refused(Reply::new(
        Code::ArgumentError,
        format!("Syntax: {}", verb.spec().syntax),
    ))
}

impl Session {
    /// `MDTM [ <SP> time ] <SP> pathname`. Times are in UTC unless
    /// use_localtime says otherwise, as in vsftpd; so is that a file whose
    /// name looks like a time and a pathname is asked about, not changed.
    pub(super) fn mdtm(&self, argument: &[u8]) -> Answer {
        let found = self.file_attributes(argument);
        if found.is_err()
            && self.config.mdtm_write()
            && let Some((time, pathname)) = parse_mdtm_write(argument)
        {
            return self.set_mdtm(time, pathname);
        }
        let (mut seconds, _) = found?.modified;
        if self.config.use_localtime() {
            seconds += clock::local_offset(seconds);
        }
        Ok(Reply::new(
            Code::FileStatus,
            format_mdtm(Timestamp::from_seconds(seconds)),
        ))
    }

    fn set_mdtm(&self, mut time: Timestamp, pathname: &[u8]) -> Answer {
        let login = self.login()?;
        login.need_change()?;
        if self.config.use_localtime() {
            time.seconds = clock::from_local(time.seconds);
        }
        let path = self.file_path(pathname)?;
        let target = login.root.target(&path)?;
        target.file_attributes()?;
        target.set_times(None, Some(pair(time)))?;
        self.changed("set time of", path.as_bytes());
        Ok(Reply::new(Code::FileStatus, "File modification time set."))
    }

    /// `MFMT <SP> time-val <SP> pathname`.
    pub(super) fn mfmt(&self, argument: &[u8]) -> Answer {
        let (time, pathname) = split_word(argument);
        let time = parse_mdtm(time).filter(|_| !pathname.is_empty());
        let time = time.ok_or_else(|| malformed(Verb::Mfmt))?;
        let facts = NewFacts {
            modified: Some(time),
            ..NewFacts::default()
        };
        self.set_facts(&facts, pathname)
    }

    /// `MFCT <SP> time-val <SP> pathname`: nothing here can set the time of
    /// creation.
    pub(super) fn mfct(&self, argument: &[u8]) -> Answer {
        let (time, pathname) = split_word(argument);
        if parse_mdtm(time).is_none() || pathname.is_empty() {
            return Err(malformed(Verb::Mfct));
        }
        Err(Failure::refused(
            Code::ParameterNotImplemented,
            "The time of creation cannot be set on this system.",
        ))
    }

    /// `MFF <SP> fact=value; ... <SP> pathname`.
    pub(super) fn mff(&self, argument: &[u8]) -> Answer {
        let (facts, pathname) = parse_mff(argument).map_err(|error| match error {
            MffError::Syntax => malformed(Verb::Mff),
            MffError::Fact => Failure::refused(
                Code::ParameterNotImplemented,
                "Facts that can be set are modify, UNIX.mode and UNIX.group.",
            ),
        })?;
        self.set_facts(&facts, pathname)
    }

    /// Sets all of `facts`, or leaves the file as it was.
    fn set_facts(&self, facts: &NewFacts<'_>, pathname: &[u8]) -> Answer {
        let login = self.login()?;
        if facts.modified.is_some() {
            login.need_change()?;
        }
        if facts.mode.is_some() || facts.group.is_some() {
            self.need_chmod()?;
        }
        let path = self.path(pathname)?;
        let target = login.root.target(&path)?;
        let before = target.attributes()?;
        let gid = facts
            .group
            .map(|group| own_group(group, before.gid))
            .transpose()?;
        let set = |gid: Option<u32>, mode: Option<u32>, modified: Option<(i64, u32)>| {
            // In this order: a change of the group takes bits of the mode away.
            if let Some(gid) = gid {
                target.set_group(gid)?;
            }
            if let Some(mode) = mode {
                target.set_mode(mode)?;
            }
            match modified {
                Some(time) => target.set_times(None, Some(time)),
                None => Ok(()),
            }
        };
        if let Err(error) = set(gid, facts.mode, facts.modified.map(pair)) {
            let _ = set(
                gid.map(|_| before.gid),
                (gid.is_some() || facts.mode.is_some()).then_some(before.mode & 0o7777),
                None,
            );
            return Err(error.into());
        }
        // What there is now: a file system has limits of its own.
        let after = target.attributes()?;
        self.changed("set facts of", path.as_bytes());
        let mut text = String::new();
        if facts.modified.is_some() {
            let (seconds, nanoseconds) = after.modified;
            let time = Timestamp {
                seconds,
                nanoseconds,
            };
            text.push_str(&format!("Modify={};", format_fact(time)));
        }
        if let Some(gid) = gid {
            text.push_str(&format!("UNIX.group={gid};"));
        }
        if facts.mode.is_some() {
            let mode = after.mode & 0o7777;
            text.push_str(&format!("UNIX.mode={mode:04o};"));
        }
        text.push(' ');
        let mut text = text.into_bytes();
        text.extend_from_slice(pathname);
        Ok(Reply::new(Code::FileStatus, text))
    }

    fn need_chmod(&self) -> Result<(), Failure> {
        self.login()?.need(
            |rights| rights.chmod,
            "write_enable, chmod_enable, anonymous or read-only account",
        )
    }

    /// `SITE CHMOD <SP> octal-mode <SP> pathname`.
    pub(super) fn chmod(&self, argument: &[u8]) -> Answer {
        let (mode, pathname) =
            parse_chmod(argument).ok_or_else(|| malformed_site(SiteVerb::Chmod))?;
        self.need_chmod()?;
        let path = self.path(pathname)?;
        self.undertake_deed(|| {
            Deed::new(Act::ChangeMode, path.as_bytes()).with(format!("{mode:o}").as_bytes())
        });
        self.login()?.root.target(&path)?.set_mode(mode)?;
        self.changed("set mode of", path.as_bytes());
        Ok(Reply::new(Code::CommandOk, "SITE CHMOD command ok."))
    }

    /// `SITE CHGRP <SP> group <SP> pathname`.
    pub(super) fn chgrp(&self, argument: &[u8]) -> Answer {
        let (group, pathname) =
            parse_chgrp(argument).ok_or_else(|| malformed_site(SiteVerb::Chgrp))?;
        self.need_chmod()?;
        let login = self.login()?;
        let path = self.path(pathname)?;
        let target = login.root.target(&path)?;
        target.set_group(own_group(group, target.attributes()?.gid)?)?;
        self.changed("set group of", path.as_bytes());
        Ok(Reply::new(Code::CommandOk, "SITE CHGRP command ok."))
    }

    /// `SITE UTIME`, in both its forms.
    pub(super) fn utime(&self, argument: &[u8]) -> Answer {
        let wanted = parse_utime(argument).ok_or_else(|| malformed_site(SiteVerb::Utime))?;
        let login = self.login()?;
        login.need_change()?;
        let path: VirtualPath = self.path(wanted.pathname)?;
        let accessed = wanted.accessed.unwrap_or(wanted.modified);
        let target = login.root.target(&path)?;
        target.set_times(Some(pair(accessed)), Some(pair(wanted.modified)))?;
        self.changed("set times of", path.as_bytes());
        Ok(Reply::new(Code::CommandOk, "SITE UTIME command ok."))
    }
}

/// The group of this number or name, which must be the file's already or one
/// that this process belongs to. A process without privileges could not give
/// files to others anyway; one that runs as root shall not do it for a client.
fn own_group(group: &[u8], now: u32) -> Result<u32, Failure> {
    let number = parse_decimal(group).and_then(|number| u32::try_from(number).ok());
    let gid = number
        .or_else(|| owner::group_id(group))
        .ok_or_else(|| Failure::refused(Code::FileUnavailable, "No such group."))?;
    if gid == now || Identity::current().gids.contains(&gid) {
        Ok(gid)
    } else {
        Err(Failure::Forbidden("not a group of the server's"))
    }
}
