//! The session as it is drawn (`trace_connections`): gathers the facts for
//! `protocol::ladder`. Nothing of this happens unless somebody wants to see.

use super::connect::Endpoint;
use super::dispatch::shown;
use super::state::Stage;
use super::{Failure, Session, SessionId};
use crate::control::Connection;
use crate::data::{DataConnection, Interruption};
use crate::fs;
use crate::protocol::Line;
use crate::protocol::ladder::{DataFact, Ends, Fact, Ladder, Side};
use crate::protocol::parse::{ParseError, parse};
use crate::record;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

/// The drawing of one session.
#[derive(Debug)]
pub(super) struct Trace {
    ladder: Ladder,
    /// Of the session.
    start: Instant,
}

impl Trace {
    pub(super) fn new(id: SessionId, control: &Connection) -> Trace {
        let ends = Ends {
            client: control.peer(),
            server: control.local(),
        };
        Trace {
            ladder: Ladder::new(id.0, ends),
            start: Instant::now(),
        }
    }

    /// Draws something that happens now.
    pub(super) fn draw(&self, fact: &Fact<'_>) {
        record::trace::write(&self.ladder.draw(self.start.elapsed(), fact));
    }

    /// Draws one who came to the client's port and is not the client.
    pub(super) fn draw_stranger(&self, peer: SocketAddr) {
        self.draw(&Fact::Stranger(peer, "dropped (pasv_promiscuous)"));
    }

    /// Draws a command. What is no command may be a password typed
    /// at the wrong moment: before login it is not shown.
    pub(super) fn draw_line(&self, line: &[u8], logged_in: bool) {
        match parse(line) {
            Ok(request) => {
                let name = request.verb.name().as_bytes();
                self.draw(&Fact::Command(name, shown(&request)));
            }
            Err(ParseError::Empty) => {}
            Err(_) if logged_in => self.draw(&Fact::Command(line, b"")),
            Err(_) => self.draw(&Fact::Command(b"<no command>", b"")),
        }
    }
}

/// A data connection from the attempt to open it on.
#[derive(Debug, Clone, Copy)]
pub(super) struct DataTrace {
    ends: Ends,
    /// Who opens it.
    by: Side,
}

impl Session {
    /// Draws something that happens now, if anybody wants to see it.
    pub(super) fn trace(&self, fact: &Fact<'_>) {
        if let Some(trace) = &self.trace {
            trace.draw(fact);
        }
    }

    /// Draws a line of the client, as far as it may be seen.
    pub(super) fn trace_line(&self, line: &Line) {
        let Some(trace) = &self.trace else { return };
        match line {
            Line::Text(text) => trace.draw_line(text, matches!(self.stage, Stage::In(_))),
            Line::TooLong => trace.draw(&Fact::Command(b"<too long a line>", b"")),
            Line::BadByte | Line::Tls => trace.draw(&Fact::Command(b"<no command>", b"")),
        }
    }

    /// Draws the reason of a failure, unless the reply tells it or a broken
    /// arrow has told.
    pub(super) fn trace_failure(&self, failure: &Failure) {
        let Some(trace) = &self.trace else { return };
        match failure {
            Failure::Refused(_)
            | Failure::Ruled(..)
            | Failure::NoData(..)
            | Failure::Transfer(_)
            | Failure::NoTls(_)
            | Failure::NoReuse(_)
            | Failure::Path(_)
            | Failure::Fs(fs::Error::System(_)) => {}
            Failure::Work(_) | Failure::Forbidden(_) | Failure::InClear(_) | Failure::Fs(_) => {
                trace.draw(&Fact::Reason(&failure.to_string()));
            }
        }
    }

    /// Draws that a port is promised, and which address the client is told.
    pub(super) fn trace_listening(&self, port: u16, announced: IpAddr) {
        let local = SocketAddr::new(self.control.local().ip(), port);
        self.trace(&Fact::ServerListens { local, announced });
    }

    /// Draws the end, of which there is one only.
    pub(super) fn trace_end(&mut self, by: Side) {
        self.trace_unused();
        if let Some(trace) = self.trace.take() {
            trace.draw(&Fact::Closed(by));
        }
    }

    /// Draws what became of a port that was promised and is let go without a
    /// transfer. Most clients connect before they send the next command: one
    /// whom a firewall keeps from the port never gets to that.
    pub(super) fn trace_unused(&mut self) {
        let (Some(trace), Some(data)) = (self.trace.as_deref(), self.data_trace()) else {
            return;
        };
        let Endpoint::Passive(promise) = std::mem::take(&mut self.endpoint) else {
            return;
        };
        let nobody = Failure::NoData(Interruption::TimedOut(Duration::ZERO), "");
        let (client, strangers) = promise.visitors();
        for peer in strangers {
            trace.draw_stranger(peer);
        }
        let opened = client.ok_or(nobody);
        let data = self.trace_opening(Some(data), &opened);
        if let (Ok(_), Some(data)) = (&opened, data) {
            let fact = DataFact::Closed(Side::Server, Some("no transfer began"));
            self.trace(&Fact::Data(data.ends, fact));
        }
    }

    /// What is known of the data connection agreed upon, for drawing.
    pub(super) fn data_trace(&self) -> Option<DataTrace> {
        self.trace.as_ref()?;
        let config = &self.config;
        let with_port = |address: SocketAddr, port| SocketAddr::new(address.ip(), port);
        let (client, server) = (self.control.peer(), self.control.local());
        let (by, client, server) = match &self.endpoint {
            Endpoint::None => return None,
            Endpoint::Active(address) => {
                let fixed = config
                    .connect_from_port_20()
                    .then_some(config.ftp_data_port());
                let port = fixed.and_then(|port| u16::try_from(port).ok());
                let server = with_port(server, port.unwrap_or(0));
                (Side::Server, *address, server)
            }
            Endpoint::Passive(promise) => {
                let server = with_port(server, promise.port());
                (Side::Client, with_port(client, 0), server)
            }
        };
        Some(DataTrace {
            ends: Ends { client, server },
            by,
        })
    }

    /// Draws how opening the data connection went; gives what is known of it
    /// then.
    pub(super) fn trace_opening(
        &self,
        data: Option<DataTrace>,
        opened: &Result<DataConnection, Failure>,
    ) -> Option<DataTrace> {
        let DataTrace { mut ends, by } = data?;
        match opened {
            Ok(connection) => {
                ends.client = connection.peer;
                ends.server = connection.local().unwrap_or(ends.server);
                self.trace(&Fact::Data(ends, DataFact::Opened(by)));
            }
            Err(Failure::NoData(why, _)) => {
                let refused = matches!(why, Interruption::Network(error)
                    if error.errno() == libc::ECONNREFUSED);
                let option = match by {
                    Side::Client => "accept_timeout",
                    Side::Server => "connect_timeout",
                };
                let why = &words(why, option);
                let fact = DataFact::Failed { by, why, refused };
                self.trace(&Fact::Data(ends, fact));
            }
            Err(_) => {}
        }
        Some(DataTrace { ends, by })
    }

    /// Draws what went over the data connection, from this side, and who
    /// closed it. The server is about to.
    pub(super) fn trace_closing(
        &self,
        data: Option<DataTrace>,
        from: Side,
        moved: u64,
        result: &Result<(), Interruption>,
    ) {
        let Some(data) = data else { return };
        self.trace(&Fact::Data(data.ends, DataFact::Moved(from, moved)));
        let (by, why) = match result {
            // In stream mode the side that sends closes (RFC 959 section 3.3).
            Ok(()) => (from, None),
            Err(why) => (
                who_breaks_off(why),
                Some(words(why, "data_connection_timeout")),
            ),
        };
        let fact = DataFact::Closed(by, why.as_deref());
        self.trace(&Fact::Data(data.ends, fact));
    }
}

/// Why there is no data connection any more, or never was; `option` sets how
/// long the wait may be.
fn words(why: &Interruption, option: &str) -> String {
    match why {
        Interruption::TimedOut(Duration::ZERO) => "nobody has come".to_owned(),
        Interruption::TimedOut(time) => format!("nothing for {} s ({option})", time.as_secs()),
        Interruption::Network(error) | Interruption::Storage(error) => {
            let text = error.to_string();
            let number = text.find(" (os error ");
            number
                .and_then(|at| text.get(..at))
                .unwrap_or(&text)
                .to_owned()
        }
        Interruption::Aborted => "ABOR came".to_owned(),
        Interruption::ControlLost
        | Interruption::Dismissed
        | Interruption::Malformed(_)
        | Interruption::Breach(_)
        | Interruption::CutOff => why.to_string(),
    }
}

fn who_breaks_off(why: &Interruption) -> Side {
    match why {
        Interruption::Network(error) if matches!(error.errno(), libc::EPIPE | libc::ECONNRESET) => {
            Side::Client
        }
        Interruption::CutOff => Side::Client,
        _ => Side::Server,
    }
}
