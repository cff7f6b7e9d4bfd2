//! Transfer parameters: TYPE, STRU, MODE, REST (RFC 959 section 4.1.2, RFC
//! 3659 section 5) and OPTS (RFC 2389 section 4).

use super::{Failure, Session};
use crate::protocol::facts::{parse_selection, selection_line};
use crate::protocol::parse::{parse_decimal, split_word};
use crate::protocol::range::{RangRequest, parse_rang};
use crate::protocol::{Code, Reply};

type Answer = Result<Reply, Failure>;

impl Session {
    /// `TYPE <SP> type-code`: A, A N, I and L 8.
    pub(super) fn representation_type(&mut self, argument: &[u8]) -> Answer {
        let upper = argument.to_ascii_uppercase();
        self.ascii = match upper.trim_ascii() {
            b"A" | b"A N" => true,
            b"I" | b"L 8" | b"L8" => false,
            other => {
                let known = matches!(other.first(), Some(b'A' | b'E' | b'I' | b'L'));
                let code = if known {
                    Code::ParameterNotImplemented
                } else {
                    Code::ArgumentError
                };
                return Err(Failure::refused(code, "TYPE is A, A N, I or L 8."));
            }
        };
        Ok(Reply::new(
            Code::CommandOk,
            if self.ascii {
                "Switching to ASCII mode."
            } else {
                "Switching to Binary mode."
            },
        ))
    }

    /// `STRU <SP> structure-code`: F.
    pub(super) fn structure(&mut self, argument: &[u8]) -> Answer {
        one_letter(
            argument,
            b'F',
            b"FRP",
            "Structure set to F.",
            "Only STRU F is implemented.",
        )
    }

    /// `MODE <SP> mode-code`: S.
    pub(super) fn mode(&mut self, argument: &[u8]) -> Answer {
        one_letter(
            argument,
            b'S',
            b"SBCZ",
            "Mode set to S.",
            "Only MODE S is implemented.",
        )
    }

    /// `REST <SP> marker`: in MODE S the marker is an offset (RFC 3659
    /// section 5.3).
    pub(super) fn rest(&mut self, argument: &[u8]) -> Answer {
        // Beyond a file offset there is nothing to restart.
        let offset = parse_decimal(argument)
            .filter(|&offset| i64::try_from(offset).is_ok())
            .ok_or_else(|| Failure::refused(Code::ArgumentError, "Bad restart position."))?;
        self.restart = offset;
        self.range = None;
        Ok(Reply::new(
            Code::NeedInformation,
            format!("Restart position accepted ({offset})."),
        ))
    }

    /// `RANG <SP> first <SP> last`. It and REST take the place of each other.
    pub(super) fn rang(&mut self, argument: &[u8]) -> Answer {
        self.restart = 0;
        self.range = None;
        let request = parse_rang(argument).ok_or_else(|| {
            Failure::refused(
                Code::ArgumentError,
                "Bad range: first and last byte, counted from 0.",
            )
        })?;
        Ok(Reply::new(
            Code::NeedInformation,
            match request {
                RangRequest::Whole => "Range reset: the whole file.".to_owned(),
                RangRequest::Part(range) => {
                    self.need_image_stream()?;
                    self.range = Some(range);
                    format!("Range accepted ({}-{}).", range.start, range.last)
                }
            },
        ))
    }

    /// Refuses a range where bytes on the wire are not those of the file
    /// (draft-bryan-ftp-range section 5).
    pub(super) fn need_image_stream(&self) -> Result<(), Failure> {
        if self.ascii {
            return Err(Failure::refused(
                Code::PageTypeUnknown,
                "A range needs TYPE I and MODE S.",
            ));
        }
        Ok(())
    }

    /// `ALLO <SP> decimal [ <SP> R <SP> decimal ]`: nothing needs to be
    /// reserved. 202 would do by RFC 959, but there are cameras that give up
    /// on it.
    pub(super) fn allo(&self, argument: &[u8]) -> Answer {
        let (bytes, record) = split_word(argument.trim_ascii());
        let (letter, size) = split_word(record);
        let well_formed = parse_decimal(bytes).is_some()
            && (record.is_empty()
                || letter.eq_ignore_ascii_case(b"R") && parse_decimal(size).is_some());
        if well_formed {
            Ok(Reply::new(Code::CommandOk, "ALLO: no need to reserve."))
        } else {
            Err(Failure::refused(Code::ArgumentError, "Syntax: ALLO bytes"))
        }
    }

    /// `OPTS <SP> command-name [ <SP> command-options ]`.
    pub(super) fn opts(&mut self, argument: &[u8]) -> Answer {
        let (name, options) = split_word(argument);
        match name.to_ascii_uppercase().as_slice() {
            b"UTF8" | b"UTF-8" => self.opts_utf8(options),
            b"HASH" if self.service.config.hash_enable() => self.opts_hash(options),
            b"MLST" => {
                self.facts = parse_selection(options);
                Ok(Reply::new(Code::CommandOk, selection_line(self.facts)))
            }
            _ => Err(Failure::refused(
                Code::ArgumentError,
                "Option not understood.",
            )),
        }
    }
}

fn one_letter(
    argument: &[u8],
    served: u8,
    known: &[u8],
    done: &'static str,
    refused: &'static str,
) -> Answer {
    match argument.trim_ascii().to_ascii_uppercase().as_slice() {
        [letter] if *letter == served => Ok(Reply::new(Code::CommandOk, done)),
        [letter] if known.contains(letter) => {
            Err(Failure::refused(Code::ParameterNotImplemented, refused))
        }
        _ => Err(Failure::refused(Code::ArgumentError, refused)),
    }
}
