//! The FTP protocol as text and values (RFC 959, 2389, 2428, 3659): what a
//! client may say, what it meant, and how an answer looks on the wire.
//!
//! Bytes go in and values come out. Nothing here does I/O, reads a clock or
//! knows the configuration, so every rule can be tested with literals. Names
//! given by clients are bytes throughout: FTP promises no encoding.
#![forbid(unsafe_code)]

pub mod code;
pub mod command;
pub mod line;
pub mod parse;
pub mod reply;
pub mod site;

pub use code::Code;
pub use command::{Access, Arg, COMMANDS, CommandSpec, FEATURES, Needs, UNIMPLEMENTED, Verb};
pub use line::{Line, LineReader, MAX_LINE};
pub use parse::{ParseError, Request};
pub use reply::{Reply, Text};
pub use site::{SITE_COMMANDS, SiteError, SiteRequest, SiteSpec, SiteVerb};
