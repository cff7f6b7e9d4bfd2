//! SITE (RFC 959 section 4.1.3): the way to its commands, and those that
//! touch no file.

use super::{Failure, Session};
use crate::protocol::command::Access;
use crate::protocol::parse::parse_decimal;
use crate::protocol::site::{SITE_COMMANDS, SiteError, SiteVerb, lookup, parse, parse_octal};
use crate::protocol::{Code, Escaped, Reply, Timestamp};
use crate::sys::clock;

type Answer = Result<Reply, Failure>;

/// Sessions that SITE WHO lists.
const MOST_LISTED: usize = 500;

impl Session {
    /// `SITE <SP> command [ <SP> argument ]`.
    pub(super) fn site(&mut self, argument: &[u8]) -> Answer {
        let request = parse(argument).map_err(|error| match error {
            SiteError::Unknown(_) => unknown(),
            SiteError::MissingArgument(verb) | SiteError::UnexpectedArgument(verb) => {
                match self.switched_off(verb) {
                    Some(option) if !self.is_anonymous() => unknown().because(option),
                    _ => Failure::Refused(Reply::new(
                        Code::ArgumentError,
                        format!("Syntax: {}", verb.spec().syntax),
                    )),
                }
            }
        })?;
        if !self.permits_site(request.verb) {
            return Err(Failure::Forbidden("cmds_allowed/cmds_denied"));
        }
        // Anonymous users may never use them, and are told so.
        if let Some(option) = self.switched_off(request.verb)
            && !self.is_anonymous()
        {
            return Err(unknown().because(option));
        }
        let login = self.login()?;
        if request.verb.spec().access == Access::Write && !login.rights.any_write() {
            return Err(Failure::Forbidden("write_enable, read-only account"));
        }
        let argument = request.argument;
        match request.verb {
            SiteVerb::Help => self.site_help(argument),
            SiteVerb::Chmod => self.chmod(argument),
            SiteVerb::Chgrp => self.chgrp(argument),
            SiteVerb::Umask => self.umask(argument),
            SiteVerb::Utime => self.utime(argument),
            SiteVerb::Mkdir => self.make_path(argument),
            SiteVerb::Rmdir => self.remove_tree(argument),
            SiteVerb::Symlink => self.symlink(argument),
            SiteVerb::Cpfr => self.cpfr(argument),
            SiteVerb::Cpto => self.cpto(argument),
            SiteVerb::Idle => self.idle(argument),
            SiteVerb::Who => self.who(),
            // Until there are quotas, nobody has one.
            SiteVerb::Quota => Ok(Reply::new(Code::Superfluous, "No quota is in effect.")),
            SiteVerb::Time => Ok(time()),
        }
    }

    /// The option by which this command of SITE is none, as vsftpd has it for
    /// SITE CHMOD.
    fn switched_off(&self, verb: SiteVerb) -> Option<&'static str> {
        if !matches!(verb, SiteVerb::Chmod | SiteVerb::Chgrp) {
            None
        } else if !self.config.write_enable() {
            Some("write_enable")
        } else {
            (!self.config.chmod_enable()).then_some("chmod_enable")
        }
    }

    /// `SITE UMASK [ <SP> octal-mask ]`. Not for anonymous users: anon_umask is
    /// what keeps them from reading what others of them have stored.
    fn umask(&mut self, argument: &[u8]) -> Answer {
        if self.is_anonymous() {
            return Err(Failure::Forbidden("anonymous, or virtual_use_local_privs"));
        }
        let login = self.login_mut()?;
        if argument.trim_ascii().is_empty() {
            return Ok(Reply::new(
                Code::CommandOk,
                format!("Your current UMASK is {:03o}", login.umask),
            ));
        }
        let mask = parse_octal(argument.trim_ascii())
            .filter(|&mask| mask <= 0o777)
            .ok_or_else(|| {
                Failure::refused(Code::ArgumentError, "Syntax: SITE UMASK octal-mask")
            })?;
        login.umask = mask;
        Ok(Reply::new(
            Code::CommandOk,
            format!("UMASK set to {mask:03o}"),
        ))
    }

    /// `SITE IDLE [ <SP> seconds ]`: for this login, and never longer than
    /// idle_session_timeout.
    fn idle(&mut self, argument: &[u8]) -> Answer {
        let most = self.config.idle_session_timeout();
        if argument.trim_ascii().is_empty() {
            let now = self.idle_limit();
            return Ok(Reply::new(
                Code::CommandOk,
                format!("The idle limit is {now} seconds, the most is {most}; 0 is none."),
            ));
        }
        let seconds = parse_decimal(argument.trim_ascii())
            .and_then(|seconds| u32::try_from(seconds).ok())
            .filter(|&seconds| most == 0 || (1..=most).contains(&seconds))
            .ok_or_else(|| {
                let text = format!("The idle limit is a number of seconds, at most {most}.");
                Failure::Refused(Reply::new(Code::ArgumentError, text))
            })?;
        self.login_mut()?.idle_limit = Some(seconds);
        Ok(Reply::new(
            Code::CommandOk,
            format!("The idle limit is {seconds} seconds now."),
        ))
    }

    /// `SITE WHO`: who else is here is for those whom site_who_users names.
    fn who(&self) -> Answer {
        let allowed = self.config.site_who_users();
        let user = self.tag.user();
        let mut names = allowed.split(|byte| *byte == b',');
        if !names.any(|name| name.trim_ascii() == user) {
            return Err(Failure::Forbidden("site_who_users"));
        }
        let (sessions, count) = self.service.roster.first(MOST_LISTED);
        let reply = Reply::new(Code::SystemStatus, format!("Sessions: {count}."));
        let mut reply = reply.line("Session, client, seconds, user (the first 500):");
        for session in &sessions {
            let user: &[u8] = match &*session.user {
                [] => b"-",
                user => user,
            };
            let seconds = session.connected.as_secs();
            reply = reply.indented(format!(
                "{} {} {seconds} {}",
                session.id.0,
                session.peer.ip(),
                Escaped(user)
            ));
        }
        Ok(reply)
    }
}

fn unknown() -> Failure {
    Failure::refused(
        Code::SyntaxError,
        "Unknown SITE command. SITE HELP lists them.",
    )
}

/// `SITE TIME`.
fn time() -> Reply {
    let (seconds, _) = clock::now();
    let offset = clock::local_offset(seconds);
    let shown = |seconds: i64| {
        let at = Timestamp::from_seconds(seconds).civil();
        format!(
            "{:04}-{:02}-{:02} {:02}:{:02}:{:02}",
            at.year, at.month, at.day, at.hour, at.minute, at.second
        )
    };
    let sign = if offset < 0 { '-' } else { '+' };
    let minutes = offset.abs() / 60;
    let zone = format!("{sign}{:02}{:02}", minutes / 60, minutes % 60);
    let local = shown(seconds.saturating_add(offset));
    let utc = shown(seconds);
    Reply::new(
        Code::CommandOk,
        format!("Local time {local} {zone}, UTC {utc}."),
    )
}

impl Session {
    fn tells_of_site(&self, verb: SiteVerb) -> bool {
        self.permits_site(verb) && self.switched_off(verb).is_none()
    }

    /// `SITE HELP [ <SP> command ]`.
    pub(super) fn site_help(&self, argument: &[u8]) -> Answer {
        let name = argument.trim_ascii();
        if !name.is_empty() {
            let verb = lookup(name).filter(|&verb| self.tells_of_site(verb));
            let verb = verb.ok_or_else(|| {
                Failure::refused(
                    Code::ArgumentError,
                    "No such SITE command: SITE HELP lists them.",
                )
            })?;
            let spec = verb.spec();
            return Ok(Reply::new(
                Code::HelpMessage,
                format!("Syntax: {} - {}", spec.syntax, spec.help),
            ));
        }
        let reply = Reply::new(Code::HelpMessage, "Help OK.").line("SITE commands:");
        let permitted = SITE_COMMANDS
            .iter()
            .filter(|spec| self.tells_of_site(spec.verb));
        Ok(permitted.fold(reply, |reply, spec| {
            reply.indented(format!("{} - {}", spec.syntax, spec.help))
        }))
    }
}
