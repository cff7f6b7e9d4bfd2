//! Transfer parameters: TYPE, STRU, MODE, REST (RFC 959 section 4.1.2, RFC
//! 3659 section 5) and OPTS (RFC 2389 section 4).

use super::{Failure, Session};
use crate::protocol::facts::{parse_selection, selection_line};
use crate::protocol::parse::{parse_decimal, split_word};
use crate::protocol::range::{RangRequest, parse_rang};
use crate::protocol::representation::{Refusal, parse_mode, parse_structure, parse_type};
use crate::protocol::{Code, Marker, Mode, Reply, Representation, Structure, Type};

type Answer = Result<Reply, Failure>;

impl Session {
    /// `TYPE <SP> type-code`.
    pub(super) fn representation_type(&mut self, argument: &[u8]) -> Answer {
        let kind = parse_type(argument).map_err(|why| {
            refusal(
                why,
                "TYPE is A or E, with N, T or C after it or not; I; or L 8.",
            )
        })?;
        self.representation.kind = kind;
        Ok(Reply::new(
            Code::CommandOk,
            match kind {
                Type::Ascii(_) => "Switching to ASCII mode.",
                Type::Ebcdic(_) => "Switching to EBCDIC mode.",
                Type::Image => "Switching to Binary mode.",
            },
        ))
    }

    /// `STRU <SP> structure-code`.
    pub(super) fn structure(&mut self, argument: &[u8]) -> Answer {
        let structure = parse_structure(argument).map_err(|why| refusal(why, "STRU is F or R."))?;
        self.representation.structure = structure;
        Ok(Reply::new(
            Code::CommandOk,
            match structure {
                Structure::File => "Structure set to F.",
                Structure::Record => "Structure set to R: lines are records.",
            },
        ))
    }

    /// `MODE <SP> mode-code`.
    pub(super) fn mode(&mut self, argument: &[u8]) -> Answer {
        let mode = parse_mode(argument).map_err(|why| refusal(why, "MODE is S, B, C or Z."))?;
        if mode == Mode::Deflate && !self.config.deflate_enable() {
            return Err(refusal(Refusal::NotImplemented, "MODE is S, B or C."));
        }
        self.representation.mode = mode;
        Ok(Reply::new(
            Code::CommandOk,
            match mode {
                Mode::Stream => "Mode set to S.",
                Mode::Block => "Mode set to B.",
                Mode::Compressed => "Mode set to C.",
                Mode::Deflate => "Mode set to Z.",
            },
        ))
    }

    /// `REST <SP> marker`: see [`Marker`]. Whether the file has such a place
    /// is seen when it is transferred.
    pub(super) fn rest(&mut self, argument: &[u8]) -> Answer {
        let by_file = matches!(self.representation.mode, Mode::Block | Mode::Compressed);
        let marker = Marker::parse(argument)
            .filter(|marker| by_file || !marker.half)
            .ok_or_else(|| Failure::refused(Code::ArgumentError, "Bad restart position."))?;
        self.restart = marker;
        self.range = None;
        Ok(Reply::new(
            Code::NeedInformation,
            format!("Restart position accepted ({marker})."),
        ))
    }

    /// `RANG <SP> first <SP> last`. It and REST take the place of each other.
    pub(super) fn rang(&mut self, argument: &[u8]) -> Answer {
        self.restart = Marker::default();
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
        let image_stream = Representation {
            kind: Type::Image,
            ..Representation::default()
        };
        if self.representation == image_stream {
            return Ok(());
        }
        Err(Failure::refused(
            Code::PageTypeUnknown,
            "A range needs TYPE I, STRU F and MODE S.",
        ))
    }

    /// `ALLO <SP> decimal [ <SP> R <SP> decimal ]`: nothing is reserved, but
    /// what cannot have room now is refused before it is sent. 202 would do by
    /// RFC 959, but there are cameras that give up on it.
    pub(super) fn allo(&self, argument: &[u8]) -> Answer {
        let (bytes, record) = split_word(argument.trim_ascii());
        let (letter, size) = split_word(record);
        let record_is_well_formed =
            record.is_empty() || letter.eq_ignore_ascii_case(b"R") && parse_decimal(size).is_some();
        let bytes = parse_decimal(bytes)
            .filter(|_| record_is_well_formed)
            .ok_or_else(|| Failure::refused(Code::ArgumentError, "Syntax: ALLO bytes"))?;
        let login = self.login()?;
        // Who may store nothing learns nothing about the room there is.
        if login.rights.upload
            && let Ok(available) = login.root.available(&login.cwd)
            && bytes > available
        {
            return Err(Failure::refused(
                Code::StorageExceeded,
                "There is no room for that many bytes.",
            ));
        }
        Ok(Reply::new(Code::CommandOk, "ALLO: no need to reserve."))
    }

    /// `OPTS <SP> command-name [ <SP> command-options ]`.
    pub(super) fn opts(&mut self, argument: &[u8]) -> Answer {
        let (name, options) = split_word(argument);
        match name.to_ascii_uppercase().as_slice() {
            b"UTF8" | b"UTF-8" => self.opts_utf8(options),
            b"HASH" if self.config.hash_enable() => self.opts_hash(options),
            b"MLST" => {
                self.facts = parse_selection(options);
                Ok(Reply::new(Code::CommandOk, selection_line(self.facts)))
            }
            b"MODE" => self.opts_mode(options),
            _ => Err(Failure::refused(
                Code::ArgumentError,
                "Option not understood.",
            )),
        }
    }
}

impl Session {
    /// `OPTS MODE Z [ <SP> name <SP> value ]...`.
    fn opts_mode(&mut self, argument: &[u8]) -> Answer {
        let (mode, settings) = split_word(argument);
        if parse_mode(mode) != Ok(Mode::Deflate) || !self.config.deflate_enable() {
            return Err(refusal(Refusal::Malformed, "Option not understood."));
        }
        self.deflate_level = self
            .deflate_level
            .after_options(settings)
            // OPTS is refused with 501 or 451 (RFC 2389 section 4).
            .map_err(|_| {
                let text = "MODE Z has LEVEL 0 to 9, ENGINE ZLIB and BLOCKSIZE.";
                refusal(Refusal::Malformed, text)
            })?;
        let level = self.deflate_level.get();
        Ok(Reply::new(
            Code::CommandOk,
            format!("MODE Z LEVEL is {level}, ENGINE is ZLIB."),
        ))
    }
}

fn refusal(why: Refusal, text: &'static str) -> Failure {
    let code = match why {
        Refusal::NotImplemented => Code::ParameterNotImplemented,
        Refusal::Malformed => Code::ArgumentError,
    };
    Failure::refused(code, text)
}
