//! From a line to a handler: parse, check against the command table, call,
//! reply. One completion reply per command, whatever happens.

use super::state::Stage;
use super::{Failure, Session};
use crate::protocol::command::{Access, Needs, Verb};
use crate::protocol::ladder::Side;
use crate::protocol::parse::{ParseError, Request, parse};
use crate::protocol::{Algorithm, Alien, Code, Escaped, Line, Marker, Reply, alien};

/// Lines without a command after which a client that is not logged in is no
/// client.
const PATIENCE: u32 = 10;

impl Session {
    /// Carries out one line of the control connection.
    pub(super) fn command(&mut self, line: Line) {
        self.trace_line(&line);
        let text = match line {
            Line::Text(text) => text,
            Line::TooLong => return self.refuse_line("Input line too long."),
            Line::BadByte => return self.refuse_line("Illegal character in command."),
            Line::Tls => return self.cut_off(Alien::Tls),
        };
        if let Some(alien) = alien::recognise(&text) {
            return self.cut_off(alien);
        }
        // A fault to order, for the test that one session's harms no other.
        #[cfg(test)]
        assert_ne!(text, b"XPANIC", "as ordered");
        match parse(&text) {
            Ok(request) => {
                let argument = self.meant(&request);
                self.carry_out(&Request {
                    verb: request.verb,
                    argument: &argument,
                });
            }
            // vsftpd ignores empty lines as well; some clients send them.
            Err(ParseError::Empty) => {}
            Err(error) => {
                let refusal = self.refusal(&error);
                if let Some(failure) = &refusal {
                    log::info!("{}: {}: {failure}", self.tag, Escaped(&text));
                    self.explained = true;
                }
                let refusal = refusal.and_then(Failure::reply);
                let reply = refusal.unwrap_or_else(|| malformed(&error));
                if let Some(protocol) = self.protocol() {
                    protocol.no_command(matches!(self.stage, Stage::In(_)).then_some(&*text));
                }
                // What is no command may be a password typed at the wrong
                // moment: it is shown in no log before login.
                log::debug!("{}: malformed, {}", self.tag, reply.code().as_u16());
                self.refuse_unknown(&reply);
            }
        }
    }

    /// Ends the connection of something that is no FTP client: without a
    /// word, for what it is told a browser may show (`protocol::alien`).
    fn cut_off(&mut self, alien: Alien) {
        log::warn!("{}: ended: this is {alien}, not FTP", self.tag);
        self.ending = true;
    }

    /// Says that a line was no command, for the last time if the client is not
    /// logged in and there were too many.
    fn refuse_unknown(&mut self, reply: &Reply) {
        if self.login().is_err() && reply.code() == Code::SyntaxError {
            self.unknown += 1;
            if self.unknown >= PATIENCE {
                log::warn!("{}: ended: {PATIENCE} lines without a command", self.tag);
                self.explained = true;
                return self.end(Reply::new(
                    Code::ServiceNotAvailable,
                    "Too many unknown commands.",
                ));
            }
        }
        self.say(reply);
    }

    fn refuse_line(&mut self, cause: &'static str) {
        log::info!("{}: {cause}", self.tag);
        self.refuse_unknown(&Reply::new(Code::SyntaxError, cause));
    }

    fn carry_out(&mut self, request: &Request<'_>) {
        self.log_command(request);
        self.begins(request.verb);
        let result = self.admit(request.verb).and_then(|()| self.handle(request));
        self.record_result(&result);
        // RNTO comes right after RNFR; NOOP touches nothing that was entered
        // (RFC 959 section 4.1.3).
        if !matches!(request.verb, Verb::Rnfr | Verb::Noop) {
            self.rename_from = None;
        }
        if request.verb != Verb::Site {
            self.copy_from = None;
        }
        // A restart and a data connection are for one transfer command,
        // whatever comes in between and however it ends.
        if is_transfer(request.verb) {
            self.restart = Marker::default();
            self.forget_endpoint();
        }
        if is_transfer(request.verb) || request.verb == Verb::Hash {
            self.range = None;
        }
        let reply = match result {
            Ok(reply) => reply,
            Err(failure) => {
                self.aborted |= failure.is_abort();
                let shown = Escaped(shown(request));
                let name = request.verb.name();
                log::info!("{}: {name} {shown}: {failure}", self.tag);
                self.explained = true;
                self.trace_failure(&failure);
                // Without mdtm_write its argument is a pathname, whatever it begins with.
                let argument = match request.verb {
                    Verb::Mdtm if !self.config.mdtm_write() => b"",
                    _ => request.argument,
                };
                match failure.reply_to(request.verb, argument) {
                    Some(reply) => reply,
                    // The last word is another one.
                    None if self.is_dismissed() => return,
                    None => {
                        self.trace_end(Side::Client);
                        self.ending = true;
                        return;
                    }
                }
            }
        };
        if let Stage::Accepted(_) = self.stage {
            self.welcome = Some(reply);
        } else if std::mem::take(&mut self.hold_reply) {
            self.hold(reply);
        } else {
            self.say(&reply);
            self.leave_protection();
        }
    }

    fn log_command(&self, request: &Request<'_>) {
        if let Some(protocol) = self.protocol() {
            protocol.command(request);
        }
    }

    /// Whether the session may use this verb now, by the verb's row.
    fn admit(&self, verb: Verb) -> Result<(), Failure> {
        if self.login().is_ok()
            && let Some(option) = self.withheld(verb)
        {
            return Err(Failure::Forbidden(option));
        }
        if !self.offers(verb) {
            return Err(Failure::refused(
                Code::NotImplemented,
                "Command not implemented.",
            ));
        }
        let spec = verb.spec();
        if spec.needs == Needs::Login {
            let login = self.login()?;
            if spec.access == Access::Write && !login.rights.any_write() {
                return Err(Failure::Forbidden("write_enable, read-only account"));
            }
        }
        Ok(())
    }

    fn handle(&mut self, request: &Request<'_>) -> Result<Reply, Failure> {
        let argument = request.argument;
        match request.verb {
            Verb::User => self.user(argument),
            Verb::Pass => self.pass(argument),
            Verb::Acct => Ok(Reply::new(Code::Superfluous, "No account is needed here.")),
            Verb::Rein => Ok(self.rein()),
            Verb::Auth => self.auth(argument),
            Verb::Pbsz => self.pbsz(argument),
            Verb::Prot => self.prot(argument),
            Verb::Ccc => self.ccc(),
            Verb::Host => self.host(argument),
            Verb::Lang => self.lang(argument),
            Verb::Clnt => self.clnt(argument),
            Verb::Csid => self.csid(argument),
            Verb::Quit => self.quit(),
            Verb::Noop => Ok(Reply::new(Code::CommandOk, "NOOP ok.")),
            Verb::Syst => Ok(Reply::new(Code::SystemType, "UNIX Type: L8")),
            Verb::Feat => Ok(self.feat()),
            Verb::Help => self.help(argument),
            Verb::Stat => self.stat(argument),
            Verb::Pwd => self.pwd(),
            Verb::Cwd => self.cwd(argument),
            Verb::Cdup => self.cwd(b".."),
            Verb::Mkd => self.mkd(argument),
            Verb::Rmd => self.rmd(argument),
            Verb::Dele => self.dele(argument),
            Verb::Rnfr => self.rnfr(argument),
            Verb::Rnto => self.rnto(argument),
            Verb::Type => {
                self.note_order();
                self.representation_type(argument)
            }
            Verb::Stru => self.structure(argument),
            Verb::Mode => self.mode(argument),
            Verb::Port => self.port(argument),
            Verb::Pasv => self.pasv(),
            Verb::Eprt => self.eprt(argument),
            Verb::Epsv => self.epsv(argument),
            Verb::Lprt => self.lprt(argument),
            Verb::Lpsv => self.lpsv(),
            Verb::Pret => pret(argument),
            Verb::Rest => self.rest(argument),
            Verb::Retr => self.retr(argument),
            Verb::Stor => self.stor(argument),
            Verb::Stou => self.stou(argument),
            Verb::Appe => self.appe(argument),
            Verb::List => self.list(argument),
            Verb::Nlst => self.nlst(argument),
            Verb::Mlsd => self.mlsd(argument),
            Verb::Mlst => self.mlst(argument),
            Verb::Size => {
                self.note_order();
                self.size(argument)
            }
            Verb::Mdtm => self.mdtm(argument),
            Verb::Mfmt => self.mfmt(argument),
            Verb::Mfct => self.mfct(argument),
            Verb::Mff => self.mff(argument),
            Verb::Rang => self.rang(argument),
            Verb::Hash => self.hash(argument),
            Verb::Xcrc => self.part_digest(Algorithm::Crc32, argument),
            Verb::Xmd5 => self.part_digest(Algorithm::Md5, argument),
            Verb::Xsha | Verb::Xsha1 => self.part_digest(Algorithm::Sha1, argument),
            Verb::Xsha256 => self.part_digest(Algorithm::Sha256, argument),
            Verb::Xsha512 => self.part_digest(Algorithm::Sha512, argument),
            Verb::Md5 => self.md5(argument),
            Verb::Mmd5 => self.mmd5(argument),
            Verb::Avbl => self.avbl(argument),
            Verb::Dsiz => self.dsiz(argument),
            Verb::Comb => self.comb(argument),
            Verb::Abor => Ok(self.abor()),
            Verb::Allo => self.allo(argument),
            Verb::Opts => self.opts(argument),
            Verb::Site => self.site(argument),
        }
    }
}

impl Session {
    /// `ABOR`. What it interrupts sees it first and has ended with 426 by the
    /// time it is carried out here; with nothing to interrupt vsftpd's 225.
    fn abor(&mut self) -> Reply {
        self.forget_endpoint();
        if std::mem::take(&mut self.aborted) {
            Reply::new(Code::ClosingData, "ABOR successful.")
        } else {
            Reply::new(Code::DataConnectionIdle, "No transfer to ABOR.")
        }
    }
}

/// The argument as a log or a drawing may show it.
pub(super) fn shown<'line>(request: &Request<'line>) -> &'line [u8] {
    match request.verb {
        // Accounts are named by secrets, where there are any.
        Verb::Pass | Verb::Acct => b"<hidden>",
        _ => request.argument,
    }
}

/// Verbs that use a data connection.
fn is_transfer(verb: Verb) -> bool {
    matches!(
        verb,
        Verb::Retr | Verb::Stor | Verb::Stou | Verb::Appe | Verb::List | Verb::Nlst | Verb::Mlsd
    )
}

/// `PRET <SP> command [ <SP> pathname ]`: a server that is several machines
/// chooses one by it before PASV; this one is asked by clients of such
/// servers, and has nothing to prepare.
fn pret(argument: &[u8]) -> Result<Reply, Failure> {
    match parse(argument) {
        Ok(request) if is_transfer(request.verb) => {
            Ok(Reply::new(Code::CommandOk, "Nothing needs to be prepared."))
        }
        Err(error @ ParseError::MissingArgument(verb)) if is_transfer(verb) => {
            Err(Failure::Refused(malformed(&error)))
        }
        _ => Err(Failure::refused(
            Code::ParameterNotImplemented,
            "PRET is for commands that transfer.",
        )),
    }
}

fn malformed(error: &ParseError<'_>) -> Reply {
    match error {
        ParseError::Empty | ParseError::Unknown(_) => {
            Reply::new(Code::SyntaxError, "Unknown command.")
        }
        ParseError::Unimplemented(_) => {
            Reply::new(Code::NotImplemented, "Command not implemented.")
        }
        ParseError::MissingArgument(verb) | ParseError::UnexpectedArgument(verb) => Reply::new(
            Code::ArgumentError,
            format!("Syntax: {}", verb.spec().syntax),
        ),
    }
}
