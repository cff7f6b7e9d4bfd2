//! The FTP protocol as text and values (RFC 959, 2389, 2428, 3659): what a
//! client may say, what it meant, and how an answer looks on the wire.
//!
//! Bytes go in and values come out. Nothing here does I/O, reads a clock or
//! knows the configuration, so every rule can be tested with literals. Names
//! given by clients are bytes throughout: FTP promises no encoding.
#![forbid(unsafe_code)]

pub mod address;
pub mod alien;
pub mod charset;
pub mod code;
pub mod command;
pub mod digest;
mod digits;
pub mod ebcdic;
pub mod escape;
pub mod facts;
pub mod filter;
mod glob;
pub mod host;
pub mod ladder;
pub mod language;
pub mod line;
pub mod listing;
pub mod log_time;
pub mod media;
pub mod moment;
pub mod name;
pub mod networks;
pub mod parse;
pub mod path;
pub mod pattern;
pub mod perm;
pub mod permitted;
pub mod ports;
pub mod protection;
pub mod quoted;
pub mod range;
pub mod reply;
pub mod representation;
pub mod restart;
mod rung;
pub mod site;
pub mod tilde;
pub mod time;
pub mod wrappers;

pub use address::{AddressError, EpsvRequest};
pub use alien::Alien;
pub use charset::Charset;
pub use code::Code;
pub use command::{Access, Arg, COMMANDS, CommandSpec, FEATURES, Needs, UNIMPLEMENTED, Verb};
pub use digest::{Algorithm, Digest};
pub use ebcdic::CodePage;
pub use escape::Escaped;
pub use facts::{FactEntry, Facts, Kind};
pub use filter::NameFilter;
pub use language::Language;
pub use line::{Line, LineReader, MAX_LINE};
pub use listing::{ListClock, ListEntry, ListOptions, Owner};
pub use parse::{ParseError, Request};
pub use path::{PathError, VirtualPath};
pub use perm::Perm;
pub use permitted::Permitted;
pub use ports::PortSet;
pub use protection::{Negotiation, Protection};
pub use range::ByteRange;
pub use reply::{Reply, Text};
pub use representation::{Mode, Representation, Structure, Type};
pub use restart::Marker;
pub use site::{SITE_COMMANDS, SiteError, SiteRequest, SiteSpec, SiteVerb};
pub use time::{Civil, Timestamp};
