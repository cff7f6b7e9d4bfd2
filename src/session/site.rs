//! SITE (RFC 959 section 4.1.3): HELP, CHMOD, UMASK.

use super::{Failure, Session};
use crate::protocol::command::Access;
use crate::protocol::site::{SITE_COMMANDS, SiteError, SiteVerb, parse, parse_chmod, parse_octal};
use crate::protocol::{Code, Reply};

impl Session {
    /// `SITE <SP> command [ <SP> argument ]`.
    pub(super) fn site(&mut self, argument: &[u8]) -> Result<Reply, Failure> {
        let request = parse(argument).map_err(|error| match error {
            SiteError::Unknown(_) => Failure::refused(
                Code::SyntaxError,
                "Unknown SITE command: SITE HELP lists them.",
            ),
            SiteError::MissingArgument(verb) | SiteError::UnexpectedArgument(verb) => {
                Failure::Refused(Reply::new(
                    Code::ArgumentError,
                    format!("Syntax: {}", verb.spec().syntax),
                ))
            }
        })?;
        let login = self.login()?;
        if request.verb.spec().access == Access::Write && !login.rights.any_write() {
            return Err(Failure::Forbidden("no right to write"));
        }
        match request.verb {
            SiteVerb::Help => Ok(site_help()),
            SiteVerb::Chmod => {
                let (mode, pathname) = parse_chmod(request.argument).ok_or_else(|| {
                    Failure::refused(
                        Code::ArgumentError,
                        "Syntax: SITE CHMOD octal-mode pathname",
                    )
                })?;
                self.chmod(mode, pathname)
            }
            SiteVerb::Umask => self.umask(request.argument),
        }
    }

    /// `SITE UMASK [ <SP> octal-mask ]`.
    fn umask(&mut self, argument: &[u8]) -> Result<Reply, Failure> {
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
}

fn site_help() -> Reply {
    let reply = Reply::new(Code::HelpMessage, "Help OK.").line("SITE commands:");
    SITE_COMMANDS.iter().fold(reply, |reply, spec| {
        reply.indented(format!("{} - {}", spec.syntax, spec.help))
    })
}
