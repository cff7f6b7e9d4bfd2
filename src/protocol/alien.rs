//! Other protocols on the control port: HTTP, TLS and SSH, recognised by what
//! they say first.
//!
//! Nothing good comes of going on. A browser can be made to send FTP commands
//! within an HTTP request, and to show as a page what an FTP server echoes
//! (the ALPACA and cross-protocol attacks), so such a connection is to end at
//! once and without an answer.
#![forbid(unsafe_code)]

use std::fmt;

use crate::protocol::parse::split_word;

/// A protocol that is not FTP.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Alien {
    /// A request line (RFC 9110 section 9) or HTTP/2's preface.
    Http,
    /// A ClientHello (RFC 8446 section 5.1).
    Tls,
    /// An identification string (RFC 4253 section 4.2).
    Ssh,
}

/// First octets of a ClientHello: a handshake record of version 3.x.
pub const TLS: &[u8] = b"\x16\x03";

/// None of them is a verb of FTP.
const HTTP: [&str; 13] = [
    "GET",
    "POST",
    "HEAD",
    "PUT",
    "DELETE",
    "OPTIONS",
    "CONNECT",
    "PATCH",
    "TRACE",
    "PRI",
    "PROPFIND",
    "PROPPATCH",
    "MKCOL",
];

/// The protocol of which `line` is the beginning, if it is not FTP.
#[must_use]
pub fn recognise(line: &[u8]) -> Option<Alien> {
    let (word, _) = split_word(line);
    if line.starts_with(TLS) {
        Some(Alien::Tls)
    } else if line.starts_with(b"SSH-") {
        Some(Alien::Ssh)
    } else if HTTP
        .iter()
        .any(|verb| word.eq_ignore_ascii_case(verb.as_bytes()))
    {
        Some(Alien::Http)
    } else {
        None
    }
}

impl fmt::Display for Alien {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Alien::Http => "HTTP",
            Alien::Tls => "TLS",
            Alien::Ssh => "SSH",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::command::{COMMANDS, UNIMPLEMENTED};

    #[test]
    fn first_lines_are_recognised() {
        for (line, alien) in [
            (&b"GET / HTTP/1.1"[..], Alien::Http),
            (b"post /x", Alien::Http),
            (b"PRI * HTTP/2.0", Alien::Http),
            (b"OPTIONS * HTTP/1.1", Alien::Http),
            (b"\x16\x03\x01", Alien::Tls),
            (b"SSH-2.0-OpenSSH_9.6", Alien::Ssh),
        ] {
            assert_eq!(recognise(line), Some(alien), "{line:?}");
        }
    }

    #[test]
    fn no_command_of_ftp_is_taken_for_one() {
        let names = COMMANDS
            .iter()
            .flat_map(|row| row.names)
            .chain(UNIMPLEMENTED);
        for name in names {
            assert_eq!(recognise(format!("{name} x").as_bytes()), None);
        }
        for line in [
            &b""[..],
            b"GETS",
            b"GET\tx",
            b" GET",
            b"OPTS UTF8 ON",
            b"\x16",
            b"ssh",
        ] {
            assert_eq!(recognise(line), None, "{line:?}");
        }
    }
}
