//! A session as a ladder drawing in text: the client on the left, the server
//! on the right, one rung for each thing that happens (RFC 959 sections 2.3
//! and 3.2 tell what the two connections are for).
//!
//! Facts and times come in, lines of text go out; who gathers the facts and
//! where the lines go is not known here. Words of the client pass through
//! [`Escaped`], and long ones are folded into the ladder, so that nobody can
//! draw a rung that did not happen.
#![forbid(unsafe_code)]

pub use super::rung::Side;

use super::rung::{Arrow, Head, note};
use super::{Escaped, Reply};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

/// Columns of a line: less than a terminal has, so that a manual page can
/// show a ladder beside its margin.
const WIDTH: usize = 72;

/// The two ends of a connection; a port that is not known is 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ends {
    /// The client's.
    pub client: SocketAddr,
    /// The server's.
    pub server: SocketAddr,
}

/// Something that happens in a session.
#[derive(Debug, Clone, Copy)]
pub enum Fact<'a> {
    /// The client opened the control connection.
    Opened,
    /// A command came: its verb, and its argument as it may be shown.
    Command(&'a [u8], &'a [u8]),
    /// A reply went.
    Reply(&'a Reply),
    /// PORT or EPRT named this address.
    ClientListens(SocketAddr),
    /// PASV or EPSV was obeyed.
    ServerListens {
        /// Where the server listens.
        local: SocketAddr,
        /// The address the client is told.
        announced: IpAddr,
    },
    /// Why what comes next is a refusal, where the reply does not tell.
    Reason(&'a str),
    /// Somebody else than the client came to the port of the server, and what
    /// became of it.
    Stranger(SocketAddr, &'a str),
    /// Something about the data connection with these ends.
    Data(Ends, DataFact<'a>),
    /// The control connection was closed by this side.
    Closed(Side),
}

/// Something that happens to a data connection.
#[derive(Debug, Clone, Copy)]
pub enum DataFact<'a> {
    /// This side opened it.
    Opened(Side),
    /// It did not come about.
    Failed {
        /// Who should have opened it.
        by: Side,
        /// Why it failed.
        why: &'a str,
        /// The other side said no; else it was lost on the way, as when a
        /// firewall drops packets.
        refused: bool,
    },
    /// This many bytes went over it, from this side.
    Moved(Side, u64),
    /// This side closed it, before its time if there is a reason.
    Closed(Side, Option<&'a str>),
}

/// The ladder of one session.
#[derive(Debug, Clone)]
pub struct Ladder {
    session: u64,
    control: Ends,
}

impl Ladder {
    /// The ladder of the session with this number over this control
    /// connection.
    #[must_use]
    pub fn new(session: u64, control: Ends) -> Ladder {
        Ladder { session, control }
    }

    /// The lines that show `fact`, which happened this long after the
    /// session's beginning. They end with a line feed.
    #[must_use]
    pub fn draw(&self, at: Duration, fact: &Fact<'_>) -> String {
        let number = format!("#{}", self.session);
        let time = format!("{}.{:03}", at.as_secs(), at.subsec_millis());
        let before = number.len() + 1 + time.len().max(8) + 1;
        let lines = self.rungs(fact, WIDTH.saturating_sub(before + 2));
        let mut out = String::with_capacity(lines.len() * (WIDTH + 1));
        for (index, line) in lines.iter().enumerate() {
            let time = if index == 0 { &*time } else { "" };
            out.push_str(&format!("{number} {time:>8} {line}\n"));
        }
        out
    }

    fn rungs(&self, fact: &Fact<'_>, width: usize) -> Vec<String> {
        match *fact {
            Fact::Opened => {
                let mut lines = self.heads(width + 2);
                let arrow = Arrow::data(Side::Client);
                lines.extend(self.between(self.control, arrow, "control connection", width));
                lines
            }
            Fact::Command(verb, argument) => {
                let mut text = Escaped(verb).to_string();
                if !argument.is_empty() {
                    text.push_str(&format!(" {}", Escaped(argument)));
                }
                Arrow::control(Side::Client).lines(&text, width)
            }
            Fact::Reply(reply) => {
                let (text, more) = reply.first_line();
                let dash = if more { '-' } else { ' ' };
                let text = format!("{}{dash}{}", reply.code().as_u16(), Escaped(text));
                Arrow::control(Side::Server).lines(&text, width)
            }
            Fact::ClientListens(address) => {
                let text = format!("client will listen on {}", canonical(address));
                note(Side::Client, &text, width)
            }
            Fact::ServerListens { local, announced } => {
                let mut text = format!("server listens on {}", canonical(local));
                if local.ip().to_canonical() != announced.to_canonical() {
                    text.push_str(&format!(", tells {}", announced.to_canonical()));
                }
                note(Side::Server, &text, width)
            }
            Fact::Reason(reason) => note(Side::Server, &plain(reason), width),
            Fact::Stranger(peer, why) => {
                let ends = Ends {
                    client: peer,
                    server: SocketAddr::new(self.control.server.ip(), 0),
                };
                self.between(
                    ends,
                    Arrow::data(Side::Client).broken(Head::TurnedDown),
                    &plain(why),
                    width,
                )
            }
            Fact::Data(ends, fact) => {
                let (arrow, text) = data(fact);
                self.between(ends, arrow, &text, width)
            }
            Fact::Closed(by) => {
                let text = format!("control connection closed by {}", by.name());
                self.between(self.control, Arrow::data(by), &text, width)
            }
        }
    }

    /// Who stands at which side, once for all rungs.
    fn heads(&self, width: usize) -> Vec<String> {
        let client = format!("client {}", self.control.client.ip().to_canonical());
        let server = format!("server {}", self.control.server.ip().to_canonical());
        let gap = width.saturating_sub(client.len() + server.len());
        if gap > 0 {
            vec![format!("{client}{}{server}", " ".repeat(gap))]
        } else {
            vec![client, format!("{server:>width$}")]
        }
    }

    /// A rung with ports at its ends.
    fn between(&self, ends: Ends, arrow: Arrow<'_>, text: &str, width: usize) -> Vec<String> {
        let client = label(ends.client, self.control.client.ip());
        let server = label(ends.server, self.control.server.ip());
        let labels = (&*client, &*server);
        Arrow { labels, ..arrow }.lines(text, width)
    }
}

/// The arrow of a data connection, and what it says.
fn data(fact: DataFact<'_>) -> (Arrow<'static>, String) {
    match fact {
        DataFact::Opened(by) => (Arrow::data(by), "data connection".to_owned()),
        DataFact::Failed { by, why, refused } => {
            let head = if refused {
                Head::TurnedDown
            } else {
                Head::Lost
            };
            let mut arrow = Arrow::data(by).broken(head);
            if by == Side::Client {
                // Of a client who never came nothing was seen.
                arrow.shaft = '.';
            }
            (arrow, plain(why))
        }
        DataFact::Moved(from, bytes) => {
            let unit = if bytes == 1 { "byte" } else { "bytes" };
            (Arrow::data(from), format!("{bytes} {unit}"))
        }
        DataFact::Closed(by, why) => {
            let mut text = format!("closed by {}", by.name());
            if let Some(why) = why {
                text.push_str(&format!(": {}", plain(why)));
            }
            (Arrow::data(by), text)
        }
    }
}

fn canonical(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

/// The port, with its address where that is not the control connection's.
fn label(end: SocketAddr, usual: IpAddr) -> String {
    if end.port() == 0 {
        String::new()
    } else if end.ip().to_canonical() == usual.to_canonical() {
        end.port().to_string()
    } else {
        canonical(end).to_string()
    }
}

/// A text of the server's own that may quote a name.
fn plain(text: &str) -> String {
    Escaped(text.as_bytes()).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::Code;

    fn ends(client: &str, server: &str) -> Ends {
        Ends {
            client: client.parse().unwrap(),
            server: server.parse().unwrap(),
        }
    }

    fn ladder() -> Ladder {
        Ladder::new(3, ends("198.51.100.7:51834", "192.0.2.1:21"))
    }

    fn data() -> Ends {
        ends("198.51.100.7:50000", "192.0.2.1:20")
    }

    fn drawn(fact: Fact<'_>) -> String {
        ladder().draw(Duration::from_millis(1_042), &fact)
    }

    #[test]
    fn the_control_connection_is_opened_under_the_names_of_both_sides() {
        assert_eq!(
            drawn(Fact::Opened),
            "\
#3    1.042 client 198.51.100.7                         server 192.0.2.1
#3          |51834 ==== control connection ========================> 21|
"
        );
        assert_eq!(
            drawn(Fact::Closed(Side::Server)),
            "#3    1.042 |51834 <=== control connection closed by server ======== 21|\n"
        );
    }

    #[test]
    fn commands_go_right_and_replies_left() {
        assert_eq!(
            drawn(Fact::Command(b"RETR", b"a b")),
            "#3    1.042 |---- RETR a b ------------------------------------------->|\n"
        );
        assert_eq!(
            drawn(Fact::Reply(&Reply::new(Code::CommandOk, "NOOP ok."))),
            "#3    1.042 |<--- 200 NOOP ok. ----------------------------------------|\n"
        );
        let reply = Reply::new(Code::SystemStatus, "End").line("Features:");
        assert!(drawn(Fact::Reply(&reply)).contains("<--- 211-Features: ---"));
    }

    #[test]
    fn listening_is_said_on_the_side_that_listens() {
        assert_eq!(
            drawn(Fact::ClientListens(data().client)),
            "#3    1.042 | client will listen on 198.51.100.7:50000                 |\n"
        );
        let listens = |announced: &str| {
            drawn(Fact::ServerListens {
                local: "[::ffff:192.0.2.1]:30004".parse().unwrap(),
                announced: announced.parse().unwrap(),
            })
        };
        assert_eq!(
            listens("192.0.2.1"),
            "#3    1.042 |                        server listens on 192.0.2.1:30004 |\n"
        );
        assert!(
            listens("203.0.113.9")
                .contains(" server listens on 192.0.2.1:30004, tells 203.0.113.9 |")
        );
    }

    #[test]
    fn a_data_connection_shows_both_ports_and_who_does_what() {
        assert_eq!(
            drawn(Fact::Data(data(), DataFact::Opened(Side::Server))),
            "#3    1.042 |50000 <=== data connection ============================ 20|\n"
        );
        let passive = ends("198.51.100.7:50001", "192.0.2.1:30004");
        assert_eq!(
            drawn(Fact::Data(passive, DataFact::Opened(Side::Client))),
            "#3    1.042 |50001 ==== data connection ========================> 30004|\n"
        );
        assert_eq!(
            drawn(Fact::Data(passive, DataFact::Moved(Side::Server, 1))),
            "#3    1.042 |50001 <=== 1 byte ================================== 30004|\n"
        );
        let closed = DataFact::Closed(Side::Server, Some("ABOR"));
        assert!(drawn(Fact::Data(passive, closed)).contains("<=== closed by server: ABOR ="));
    }

    #[test]
    fn an_address_is_shown_where_it_is_not_that_of_the_control_connection() {
        let other = ends("203.0.113.9:4000", "192.0.2.1:30004");
        let text = drawn(Fact::Data(other, DataFact::Opened(Side::Client)));
        assert!(
            text.contains("|203.0.113.9:4000 ==== data connection ="),
            "{text}"
        );
    }

    #[test]
    fn connections_that_fail_end_in_an_x() {
        let failed = |by, refused, why| {
            let ends = match by {
                Side::Client => ends("198.51.100.7:0", "192.0.2.1:30004"),
                Side::Server => data(),
            };
            drawn(Fact::Data(ends, DataFact::Failed { by, why, refused }))
        };
        assert_eq!(
            failed(Side::Server, true, "Connection refused"),
            "#3    1.042 |50000 X=== Connection refused ========================= 20|\n"
        );
        assert_eq!(
            failed(Side::Server, false, "no answer for 60 s (connect_timeout)"),
            "#3    1.042 |50000       X=== no answer for 60 s (connect_timeout) = 20|\n"
        );
        assert_eq!(
            failed(Side::Client, false, "nobody for 60 s (accept_timeout)"),
            "#3    1.042 |.... nobody for 60 s (accept_timeout) .......X       30004|\n"
        );
        let stranger = Fact::Stranger(
            "203.0.113.9:4000".parse().unwrap(),
            "dropped (pasv_promiscuous)",
        );
        assert_eq!(
            drawn(stranger),
            "#3    1.042 |203.0.113.9:4000 ==== dropped (pasv_promiscuous) ========X|\n"
        );
    }

    #[test]
    fn long_words_are_folded_and_then_cut() {
        let lines = drawn(Fact::Command(b"STOR", &[b'x'; 400]));
        assert_eq!(lines.lines().count(), 4);
        assert!(
            lines
                .trim_end()
                .trim_end_matches([' ', '|'])
                .ends_with("x...")
        );
        let reply = Reply::new(
            Code::FileStatusOk,
            "Opening BINARY mode data connection for README.md (5204 bytes).",
        );
        assert_eq!(
            drawn(Fact::Reply(&reply)),
            "\
#3    1.042 |<--- 150 Opening BINARY mode data connection for ---------|
#3          |     README.md (5204 bytes).                              |
"
        );
    }

    #[test]
    fn no_client_can_draw_a_rung() {
        let text = drawn(Fact::Command(
            b"RETR",
            b"a\n#4    0.000 |<--- 226\x1B[2J\xFF",
        ));
        assert_eq!(text.lines().count(), 1 + text.matches("\n#3 ").count());
        assert!(text.contains("\\x0A#4") && text.contains("\\x1B") && text.is_ascii());
    }

    #[test]
    fn every_line_fits_a_terminal_and_begins_with_the_session() {
        let long: SocketAddr = "[2001:db8:1111:2222:3333:4444:5555:6666]:50000"
            .parse()
            .unwrap();
        let far = Ends {
            client: long,
            server: long,
        };
        let ladder = Ladder::new(12_345, far);
        let words = "the longest of reasons, at length and then at greater length still";
        let facts = [
            Fact::Opened,
            Fact::Command(b"EPRT", words.as_bytes()),
            Fact::ClientListens(long),
            Fact::ServerListens {
                local: long,
                announced: data().server.ip(),
            },
            Fact::Reason(words),
            Fact::Stranger(data().client, "dropped"),
            Fact::Data(far, DataFact::Closed(Side::Server, Some(words))),
            Fact::Closed(Side::Client),
        ];
        for fact in facts {
            for line in ladder.draw(Duration::from_secs(86_400), &fact).lines() {
                assert!(line.len() <= 79, "{line}");
                assert!(line.starts_with("#12345 "), "{line}");
            }
        }
    }
}
