//! What the server says about itself: FEAT (RFC 2389), HELP, and STAT in
//! both forms (RFC 959 section 4.1.3).

use super::digest::is_digest;
use super::{Failure, Session};
use crate::protocol::command::{COMMANDS, FEATURES, Verb, lookup};
use crate::protocol::digest;
use crate::protocol::facts::feat_line;
use crate::protocol::{Access, Code, Reply, SITE_COMMANDS};

impl Session {
    /// Whether the configuration leaves this command in.
    pub(super) fn offers(&self, verb: Verb) -> bool {
        match verb {
            Verb::Auth | Verb::Pbsz | Verb::Prot => self.service.tls().is_some(),
            Verb::Ccc => self.service.tls().is_some() && self.config.ccc_enable(),
            verb => !is_digest(verb) || self.config.hash_enable(),
        }
    }

    /// Whether HELP and FEAT tell of this command.
    fn tells_of(&self, verb: Verb) -> bool {
        self.offers(verb) && self.withheld(verb).is_none()
    }

    /// `FEAT` (RFC 2389 section 3.2): what is on, in the order of the names.
    pub(super) fn feat(&self) -> Reply {
        let config = &self.config;
        let mut lines: Vec<String> = COMMANDS
            .iter()
            .filter(|spec| spec.access != Access::Write || config.write_enable())
            .filter(|spec| self.tells_of(spec.verb))
            .filter(|spec| match spec.verb {
                Verb::Pasv | Verb::Epsv => config.pasv_enable(),
                Verb::Eprt => config.port_enable(),
                Verb::Mode => config.deflate_enable(),
                _ => true,
            })
            .filter_map(|spec| match (spec.verb, spec.feat) {
                (Verb::Mlst, Some(_)) => Some(feat_line(self.facts)),
                (Verb::Hash, Some(_)) => Some(digest::feat_line(self.algorithm)),
                (Verb::Lang, Some(_)) => Some(self.voice.language.feat_line()),
                (_, line) => line.map(str::to_owned),
            })
            .chain(FEATURES.iter().map(|&line| line.to_owned()))
            .chain(
                SITE_COMMANDS
                    .iter()
                    .filter(|spec| spec.access != Access::Write || config.write_enable())
                    .filter(|spec| self.permits_site(spec.verb))
                    .filter_map(|spec| spec.feat.map(str::to_owned)),
            )
            .collect();
        lines.sort_unstable();
        let mut reply = Reply::new(Code::SystemStatus, "End").line("Features:");
        for line in lines {
            reply = reply.indented(line);
        }
        reply
    }

    /// `HELP [ <SP> command ]`.
    pub(super) fn help(&self, argument: &[u8]) -> Result<Reply, Failure> {
        let name = argument.trim_ascii();
        if !name.is_empty() {
            let verb = lookup(name)
                .filter(|&verb| self.tells_of(verb))
                .ok_or_else(|| {
                    Failure::refused(Code::ArgumentError, "No such command: HELP lists them.")
                })?;
            if verb == Verb::Site {
                return self.site_help(b"");
            }
            let spec = verb.spec();
            return Ok(Reply::new(
                Code::HelpMessage,
                format!("Syntax: {} - {}", spec.syntax, spec.help),
            ));
        }
        let names: Vec<&str> = COMMANDS
            .iter()
            .filter(|spec| self.tells_of(spec.verb))
            .flat_map(|spec| spec.names)
            .copied()
            .collect();
        let mut reply = Reply::new(Code::HelpMessage, "Help OK.")
            .line("The following commands are recognized.");
        for row in names.chunks(9) {
            let row: String = row.iter().map(|name| format!("{name:<8}")).collect();
            reply = reply.indented(row.trim_end().to_owned());
        }
        Ok(reply)
    }

    /// `STAT [ <SP> pathname ]`: the state of the session, or a listing over
    /// the control connection.
    pub(super) fn stat(&mut self, argument: &[u8]) -> Result<Reply, Failure> {
        if !argument.is_empty() {
            return self.stat_listing(argument);
        }
        let login = self.login()?;
        let rate = match login.rate {
            0 => "No session bandwidth limit".to_owned(),
            rate => format!("Session bandwidth limit in byte/s is {rate}"),
        };
        let standing = if login.rights.any_write() {
            "    Logged in, may write"
        } else {
            "    Logged in, may read"
        };
        let control = if self.control.is_secure() {
            "    Control connection is protected by TLS"
        } else {
            "    Control connection is plain text"
        };
        let data = if self.protects_data() {
            "    Data connections are protected by TLS"
        } else {
            "    Data connections are plain text"
        };
        Ok(Reply::new(Code::SystemStatus, "End of status")
            .line("FTP server status:")
            .indented(format!("    ironftpd {}", env!("CARGO_PKG_VERSION")))
            .indented(format!("    Connected to {}", self.control.peer().ip()))
            .indented(standing)
            .indented(format!("    {}", self.representation))
            .indented(format!("    {rate}"))
            .indented(format!(
                "    Session timeout in seconds is {}",
                self.idle_limit()
            ))
            .indented(control)
            .indented(data))
    }
}
