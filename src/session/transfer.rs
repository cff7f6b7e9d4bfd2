//! One transfer from the session's side: opening the data connection,
//! serving the control connection meanwhile, and the end (RFC 959 section
//! 5.4; RFC 1123 section 4.1.2.12 on commands during a transfer).

use super::connect::Endpoint;
use super::protected::{Sealing, end_sealed};
use super::roster::Doing;
use super::scribe::Protocol;
use super::state::Tag;
use super::trace::Trace;
use super::voice::Voice;
use super::{Failure, Session};
use crate::control::Connection;
use crate::data::{
    DataConnection, Heed, Interruption, Limits, Transfer, Watch, Work, active, until,
};
use crate::fs::{self, Root};
use crate::protocol::command::Verb;
use crate::protocol::ladder::{Fact, Side};
use crate::protocol::name::to_wire;
use crate::protocol::parse::parse;
use crate::protocol::{Code, Escaped, Marker, Reply, Text};
use std::net::SocketAddr;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Input read ahead during a transfer; more than this many bytes of commands
/// stay in the kernel until their turn comes.
const READ_AHEAD: usize = 16 * 1024;

/// Strangers told of one by one: the first tell what goes on, and a flood
/// shall not fill the log.
const TOLD: u32 = 3;

/// Serves the control connection during a transfer: ABOR ends it, STAT and
/// NOOP are answered at once, anything else waits its turn, and what came
/// before the transfer's first reply or after something that waits does so
/// too: replies keep the order of their commands.
pub(super) struct Attendant<'session> {
    control: &'session mut Connection,
    tag: &'session Tag,
    trace: Option<&'session Trace>,
    protocol: Option<Protocol<'session>>,
    voice: Voice,
    /// What is being transferred, for STAT.
    subject: &'session [u8],
    begun: Instant,
    heed: Heed,
    /// Some line waits for the transfer to end.
    queueing: bool,
    strangers: u32,
}

impl<'session> Attendant<'session> {
    pub(super) fn new(
        control: &'session mut Connection,
        tag: &'session Tag,
        (trace, protocol): (Option<&'session Trace>, Option<Protocol<'session>>),
        voice: Voice,
        subject: &'session [u8],
    ) -> Attendant<'session> {
        if !subject.is_empty() {
            tag.listed.is_about(subject);
        }
        Attendant {
            queueing: control.peek().is_some(),
            control,
            tag,
            trace,
            protocol,
            voice,
            subject,
            begun: Instant::now(),
            heed: Heed::Input,
            strangers: 0,
        }
    }

    /// Errs if ABOR is among the lines that wait. They stay: each is answered
    /// in turn after the transfer's 426.
    pub(super) fn look_for_abort(&self) -> Result<(), Interruption> {
        let is_abort = |line| matches!(parse(line), Ok(request) if request.verb == Verb::Abor);
        if self.control.waiting().any(is_abort) {
            return Err(Interruption::Aborted);
        }
        Ok(())
    }

    /// Tells of the strangers not told of one by one.
    fn tell_of_the_rest(&self) {
        if self.strangers > TOLD {
            let rest = self.strangers - TOLD;
            log::warn!("{}: and {rest} more (pasv_promiscuous)", self.tag);
        }
    }

    /// How far the transfer is, for STAT (RFC 959 section 4.1.3).
    fn progress(&self, moved: u64) -> Text {
        let milliseconds = self.begun.elapsed().as_millis().max(1);
        let rate = u128::from(moved) * 1000 / milliseconds;
        Text::filled(
            "Transferring {}: {} bytes so far, {} bytes per second.",
            &[
                &to_wire(self.subject),
                moved.to_string().as_bytes(),
                rate.to_string().as_bytes(),
            ],
        )
    }

    /// Answers what may be answered now.
    fn answer(&mut self, moved: u64) -> Result<(), Interruption> {
        while !self.queueing {
            let Some(line) = self.control.peek() else {
                break;
            };
            let reply = match parse(line).map(|request| (request.verb, request.argument)) {
                Ok((Verb::Noop, _)) => Reply::new(Code::CommandOk, "NOOP ok."),
                Ok((Verb::Stat, b"")) => Reply::new(Code::FileStatus, self.progress(moved)),
                _ => {
                    self.queueing = true;
                    break;
                }
            };
            if let Some(trace) = self.trace {
                trace.draw_line(line, true);
                trace.draw(&Fact::Reply(&reply));
            }
            if let Some(protocol) = self.protocol {
                protocol.line(line);
                protocol.reply(&reply);
            }
            self.control.skip();
            self.control.reply(&self.voice.phrase(&reply));
        }
        self.control.flush().map_err(|_| Interruption::ControlLost)
    }
}

impl Watch for Attendant<'_> {
    fn control(&self) -> (BorrowedFd<'_>, Heed) {
        (self.control.as_fd(), self.heed)
    }

    fn attend(&mut self, moved: u64) -> Result<(), Interruption> {
        if self.tag.listed.is_dismissed() {
            return Err(Interruption::Dismissed);
        }
        if self.heed == Heed::Nothing {
            return Ok(());
        }
        if self.heed == Heed::End {
            // Closed with commands waiting: those are still to be served,
            // QUIT after RETR for one.
            self.heed = Heed::Nothing;
            return Ok(());
        }
        let open = self.control.take_in();
        self.look_for_abort()?;
        self.answer(moved)?;
        if self.control.buffered() > READ_AHEAD {
            self.heed = Heed::End;
        }
        if !open {
            if self.control.peek().is_none() {
                // An unexpected close is an ABOR and a QUIT (RFC 959 section 4.1.1).
                return Err(Interruption::ControlLost);
            }
            self.heed = Heed::Nothing;
        }
        Ok(())
    }

    fn moved(&self, bytes: u64) {
        self.tag.listed.moved(bytes);
    }

    fn stranger(&mut self, peer: SocketAddr) {
        self.strangers += 1;
        if self.strangers <= TOLD {
            log::warn!(
                "{}: data connection from {peer} dropped: not the client (pasv_promiscuous)",
                self.tag
            );
            if let Some(trace) = self.trace {
                trace.draw_stranger(peer);
            }
        }
    }

    fn marker(&mut self, theirs: &[u8], ours: Marker) -> Result<(), Interruption> {
        // The client's own octets, as they came: no charset is theirs.
        let ours = ours.to_string();
        let text = Text::filled("MARK {} = {}", &[theirs, ours.as_bytes()]);
        let reply = Reply::new(Code::RestartMarker, text);
        if let Some(protocol) = self.protocol {
            protocol.reply(&reply);
        }
        if let Some(trace) = self.trace {
            trace.draw(&Fact::Reply(&reply));
        }
        self.control.reply(&reply);
        self.control.flush().map_err(|_| Interruption::ControlLost)
    }

    fn port_taken(&mut self, port: u16, peer: SocketAddr) {
        log::info!(
            "{}: the last data connection to {peer} still has port {port} (without TCP timestamps \
             it keeps it for a minute): this one leaves from another port",
            self.tag
        );
    }
}

fn seconds(value: u32) -> Option<Duration> {
    (value > 0).then(|| Duration::from_secs(value.into()))
}

fn no_endpoint() -> Failure {
    Failure::refused(Code::CannotOpenData, "Use PORT or PASV first.")
}

/// The least that trans_chunk_size may ask for, as in vsftpd.
const SMALLEST_CHUNK: u32 = 4096;

fn chunk(size: u32) -> Option<usize> {
    let chunk = (size > 0).then(|| size.max(SMALLEST_CHUNK))?;
    usize::try_from(chunk).ok()
}

impl Session {
    /// Refuses a transfer for which no data connection was agreed upon; to be
    /// asked before anything is changed for it.
    pub(super) fn need_endpoint(&self) -> Result<(), Failure> {
        match self.endpoint {
            Endpoint::None => Err(no_endpoint()),
            _ => Ok(()),
        }
    }

    /// Opens a file with `open`, waiting while another has it locked, as long
    /// as a transfer may stand still. There is no reply yet, so the client
    /// can only ABOR or go.
    pub(super) fn when_unlocked<T>(
        &mut self,
        subject: &[u8],
        open: impl Fn(&Root) -> Result<T, fs::Error>,
    ) -> Result<T, Failure> {
        let root = Arc::clone(&self.login()?.root);
        match open(&root) {
            Err(fs::Error::Locked) => {}
            result => return Ok(result?),
        }
        log::info!("{}: {}: waits for its lock", self.tag, Escaped(subject));
        self.say_what_waits();
        let limit = seconds(self.config.data_connection_timeout());
        let trace = self.trace.as_deref();
        let protocol = Protocol::of(&self.config, &self.tag, self.scribe.as_deref());
        let told = (trace, protocol);
        let mut watch = Attendant::new(&mut self.control, &self.tag, told, self.voice, subject);
        watch.queueing = true;
        let opened = watch.look_for_abort().and_then(|()| {
            until(&mut watch, limit, || match open(&root) {
                Err(fs::Error::Locked) => None,
                result => Some(result),
            })
        });
        match opened {
            Ok(result) => Ok(result?),
            Err(Interruption::TimedOut(_)) => Err(fs::Error::Locked.into()),
            Err(why) => Err(Failure::NoData(why, "data_connection_timeout")),
        }
    }

    /// Sends the replies to the commands before this one, which waits for
    /// something: it may be the 227 without which the client cannot come. A
    /// connection that takes them no more shows when it is looked at next.
    fn say_what_waits(&mut self) {
        let _ = self.control.flush();
    }

    /// Opens the data connection agreed upon.
    fn open_data(&mut self, subject: &[u8]) -> Result<DataConnection, Failure> {
        self.say_what_waits();
        self.tag.listed.turns_to(Doing::Opening);
        let config = &self.config;
        let local = self.control.local();
        let endpoint = std::mem::take(&mut self.endpoint);
        let trace = self.trace.as_deref();
        let protocol = Protocol::of(&self.config, &self.tag, self.scribe.as_deref());
        let told = (trace, protocol);
        let mut watch = Attendant::new(&mut self.control, &self.tag, told, self.voice, subject);
        // The command under way has no reply yet, and it comes first.
        watch.queueing = true;
        let failure = |option| move |why| Failure::NoData(why, option);
        watch.look_for_abort().map_err(failure("accept_timeout"))?;
        match endpoint {
            Endpoint::None => Err(no_endpoint()),
            Endpoint::Active(address) => {
                let port = if config.connect_from_port_20() {
                    u16::try_from(config.ftp_data_port()).unwrap_or(0)
                } else {
                    0
                };
                let limit = seconds(config.connect_timeout());
                active::connect(local, port, address, &mut watch, limit)
                    .map_err(failure("connect_timeout"))
            }
            Endpoint::Passive(promise) => {
                let limit = seconds(config.accept_timeout());
                let accepted = promise.accept(&mut watch, limit);
                watch.tell_of_the_rest();
                accepted.map_err(failure("accept_timeout"))
            }
        }
    }

    /// Opens the data connection, says `opening`, lets `work` move the bytes
    /// (which go out `from` that side) and closes the data connection.
    /// Returns how many bytes moved, in MODE Z as MODE S would have counted them:
    /// logs are read beside the sizes of files.
    pub(super) fn transfer(
        &mut self,
        from: Side,
        subject: &[u8],
        opening: &Reply,
        work: impl FnOnce(&mut Transfer<'_>) -> Result<(), Interruption>,
    ) -> Result<u64, Failure> {
        let rate = self.login()?.rate;
        self.need_protection()?;
        let _under_way = self.service.course.transfer();
        let data = self.data_trace();
        let opened = self.open_data(subject);
        let data = self.trace_opening(data, &opened);
        let connection = opened?;
        self.say(opening);
        // The client starts on 150; it must not wait for the file.
        let said = self.control.flush();
        let mut sealing = self.seal_data(connection.socket.as_fd(), subject)?;
        let is_sealed = sealing.is_some();
        let (strict, wait) = (
            self.config.strict_ssl_read_eof(),
            self.config.strict_ssl_write_shutdown(),
        );
        let limits = Limits {
            stall: seconds(self.config.data_connection_timeout()),
            rate,
            chunk: chunk(self.config.trans_chunk_size()),
        };
        self.tag.listed.turns_to(match from {
            Side::Server => Doing::Sending,
            Side::Client => Doing::Receiving,
        });
        let trace = self.trace.as_deref();
        let protocol = Protocol::of(&self.config, &self.tag, self.scribe.as_deref());
        let told = (trace, protocol);
        let mut watch = Attendant::new(&mut self.control, &self.tag, told, self.voice, subject);
        let result = said
            .map_err(|_| Interruption::ControlLost)
            .and_then(|()| watch.look_for_abort());
        let begun = Instant::now();
        let mut transfer = Transfer::new(connection.socket.as_fd(), &mut watch, limits);
        if let Some(Sealing { channel, rest }) = &mut sealing {
            transfer = transfer.sealed(channel, &self.service.buffers, rest, strict);
        }
        let result = result
            .and_then(|()| work(&mut transfer))
            .and_then(|()| end_sealed(&mut transfer, from, wait));
        let (wire, cut_off) = (transfer.moved(), transfer.is_cut_off());
        let inflated = transfer.inflated();
        let moved = inflated.unwrap_or(wire);
        self.tag.listed.has_moved(wire);
        let without_end = cut_off || matches!(result, Err(Interruption::CutOff));
        let compressed = inflated.map(|_| wire);
        self.record_moved((moved, compressed), begun.elapsed(), without_end);
        self.trace_closing(data, from, wire, &result);
        if is_sealed {
            self.after_sealed();
        }
        if cut_off && result.is_ok() {
            log::warn!(
                "{}: {}: the client closed without close_notify: the {moved} bytes may not be all \
                 (strict_ssl_read_eof)",
                self.tag,
                Escaped(subject)
            );
        }
        match result {
            Ok(()) => Ok(moved),
            Err(why) => {
                log::info!("{}: {moved} bytes until then", self.tag);
                Err(Failure::Transfer(why))
            }
        }
    }

    /// Lets `act` work for long without a data connection: ABOR, or the end of
    /// the control connection, ends it. All else waits for the reply.
    pub(super) fn attended<T>(
        &mut self,
        act: impl FnOnce(&mut Work<'_>) -> Result<T, Interruption>,
    ) -> Result<T, Failure> {
        self.say_what_waits();
        let trace = self.trace.as_deref();
        let protocol = Protocol::of(&self.config, &self.tag, self.scribe.as_deref());
        let told = (trace, protocol);
        let mut watch = Attendant::new(&mut self.control, &self.tag, told, self.voice, b"");
        watch.queueing = true;
        watch
            .look_for_abort()
            .and_then(|()| act(&mut Work::begin(&mut watch)?))
            .map_err(Failure::Work)
    }
}
