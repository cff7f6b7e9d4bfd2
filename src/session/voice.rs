//! How a session speaks to its client and understands it: the language of
//! replies (LANG, RFC 2640 section 4) and the charset of names (OPTS UTF8).
//!
//! Names are UTF-8 on the wire, or rather the octets they are on the disk,
//! unless `client_charset` is set: then a session begins in that charset. It
//! changes to UTF-8 when the client says OPTS UTF8 ON, or when it sends a name
//! that is UTF-8 and cannot be of the charset; OPTS UTF8 OFF takes it back.

use super::messages::translated;
use super::service::Service;
use super::{Failure, Session};
use crate::protocol::command::Verb;
use crate::protocol::name::from_wire;
use crate::protocol::parse::Request;
use crate::protocol::{Charset, Code, Language, Reply};
use std::borrow::Cow;

type Answer = Result<Reply, Failure>;

/// The language and the charset of one session.
#[derive(Debug, Clone, Copy)]
pub(super) struct Voice {
    pub(super) language: Language,
    /// None for UTF-8.
    charset: Option<Charset>,
}

impl Voice {
    /// That of a fresh session.
    pub(super) fn of(service: &Service) -> Voice {
        Voice {
            language: service.language,
            charset: service.charset,
        }
    }

    /// The reply as this client is to see it.
    pub(super) fn phrase(self, reply: &Reply) -> Cow<'_, Reply> {
        let translation = translated(reply, self.language);
        let Some(charset) = self.charset else {
            return translation.map_or(Cow::Borrowed(reply), Cow::Owned);
        };
        // Digits in place of every letter would help nobody.
        let translation = translation.filter(|_| charset.holds("回复"));
        let reply = translation.as_ref().unwrap_or(reply);
        Cow::Owned(reply.with_texts(|text, _| match charset.to_client(text) {
            Cow::Owned(text) => Some(text),
            Cow::Borrowed(_) => None,
        }))
    }

    /// Lines of a listing as this client is to see them.
    pub(super) fn lines(self, text: &[u8]) -> Cow<'_, [u8]> {
        match self.charset {
            Some(charset) => charset.to_client(text),
            None => Cow::Borrowed(text),
        }
    }
}

impl Session {
    /// The argument of a command with its names as they are on the disk.
    pub(super) fn meant<'line>(&mut self, request: &Request<'line>) -> Cow<'line, [u8]> {
        let argument = request.argument;
        // What is secret is no name.
        if matches!(request.verb, Verb::Pass | Verb::Acct) {
            return Cow::Borrowed(argument);
        }
        if let Some(charset) = self.voice.charset
            && !charset.may_be(argument)
            && str::from_utf8(argument).is_ok()
        {
            log::info!("{}: names are UTF-8, not {}", self.tag, charset.name());
            self.voice.charset = None;
        }
        let argument = match self.voice.charset {
            Some(charset) => charset.from_client(argument),
            None => Cow::Borrowed(argument),
        };
        match argument {
            Cow::Borrowed(argument) => from_wire(argument),
            Cow::Owned(argument) => Cow::Owned(from_wire(&argument).into_owned()),
        }
    }

    /// `LANG [ <SP> language-tag ]`; without a tag the language is that of
    /// the greeting again.
    pub(super) fn lang(&mut self, argument: &[u8]) -> Answer {
        let tag = argument.trim_ascii();
        self.voice.language = if tag.is_empty() {
            self.service.language
        } else {
            if !Language::is_tag(tag) {
                return Err(Failure::refused(
                    Code::ArgumentError,
                    "Syntax: LANG language-tag",
                ));
            }
            Language::parse(tag).ok_or_else(|| {
                Failure::refused(
                    Code::ParameterNotImplemented,
                    "No replies in this language: FEAT lists those there are.",
                )
            })?
        };
        Ok(Reply::new(Code::CommandOk, "Replies are in English."))
    }

    /// `OPTS <SP> UTF8 [ <SP> ( ON | OFF ) ]`.
    pub(super) fn opts_utf8(&mut self, options: &[u8]) -> Answer {
        let text = match (
            options.trim_ascii().to_ascii_uppercase().as_slice(),
            self.service.charset,
        ) {
            (b"" | b"ON", None) => "Always in UTF8 mode.",
            (b"" | b"ON", Some(_)) => {
                self.voice.charset = None;
                "Names are in UTF-8 now."
            }
            (b"OFF", Some(charset)) => {
                self.voice.charset = Some(charset);
                let text = format!("Names are in {} now.", charset.name());
                return Ok(Reply::new(Code::CommandOk, text));
            }
            (b"OFF", None) => {
                return Err(Failure::refused(
                    Code::ArgumentError,
                    "Names are UTF-8; it cannot be turned off.",
                ));
            }
            _ => {
                return Err(Failure::refused(
                    Code::ArgumentError,
                    "Syntax: OPTS UTF8 ON or OPTS UTF8 OFF",
                ));
            }
        };
        Ok(Reply::new(Code::CommandOk, text))
    }
}
