//! Where the next data connection goes or comes from: PORT, PASV (RFC 959
//! section 4.1.2), EPRT and EPSV (RFC 2428), LPRT and LPSV (RFC 1639).

use super::{Failure, Session};
use crate::data::Promise;
use crate::protocol::address::{
    AddressError, EpsvRequest, format_epsv, format_lpsv, format_pasv, parse_eprt, parse_epsv,
    parse_lprt, parse_port,
};
use crate::protocol::ladder::Fact;
use crate::protocol::{Code, Reply};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, SocketAddrV4};
use std::time::Duration;

type Answer = Result<Reply, Failure>;

/// By how much passive replies are held back for a hasty client.
const HASTE: Duration = Duration::from_micros(200);

/// The data connection agreed upon; it serves one transfer.
#[derive(Debug, Default)]
pub(super) enum Endpoint {
    /// None.
    #[default]
    None,
    /// The server connects here.
    Active(SocketAddr),
    /// The client connects to this port.
    Passive(Promise),
}

impl Session {
    /// Lets go of the data connection agreed upon, its port included.
    pub(super) fn forget_endpoint(&mut self) {
        self.trace_unused();
        self.endpoint = Endpoint::None;
    }

    /// `PORT <SP> host-port`.
    pub(super) fn port(&mut self, argument: &[u8]) -> Answer {
        self.forget_endpoint();
        self.may_be_active()?;
        let address = parse_port(argument)
            .map_err(|_| Failure::refused(Code::SyntaxError, "Illegal PORT command."))?;
        self.set_active(SocketAddr::V4(address), "Illegal PORT command.")?;
        Ok(Reply::new(
            Code::CommandOk,
            "PORT command successful. Consider using PASV.",
        ))
    }

    /// `EPRT <SP> |proto|address|port|` (RFC 2428 section 2).
    pub(super) fn eprt(&mut self, argument: &[u8]) -> Answer {
        self.forget_endpoint();
        self.may_be_active()?;
        let family = family_of(self.control.local().ip());
        let address = match parse_eprt(argument) {
            Ok(address) if family_of(address.ip()) == family => {
                SocketAddr::new(address.ip().to_canonical(), address.port())
            }
            Ok(_) | Err(AddressError::Family) => return Err(wrong_family(family)),
            Err(AddressError::Syntax) => {
                return Err(Failure::refused(Code::SyntaxError, "Illegal EPRT command."));
            }
        };
        self.set_active(address, "Illegal EPRT command.")?;
        Ok(Reply::new(
            Code::CommandOk,
            "EPRT command successful. Consider using EPSV.",
        ))
    }

    /// `LPRT <SP> long-host-port` (RFC 1639), the form EPRT had first.
    pub(super) fn lprt(&mut self, argument: &[u8]) -> Answer {
        self.forget_endpoint();
        self.may_be_active()?;
        let own = self.control.local().ip();
        let address = match parse_lprt(argument) {
            Ok(address) if family_of(address.ip()) == family_of(own) => {
                SocketAddr::new(address.ip().to_canonical(), address.port())
            }
            Ok(_) | Err(AddressError::Family) => {
                let family = if own.is_ipv4() { 4 } else { 6 };
                return Err(Failure::Refused(Reply::new(
                    Code::FamilyNotSupported,
                    format!("Supported address families are ({family})"),
                )));
            }
            Err(AddressError::Syntax) => {
                return Err(Failure::refused(
                    Code::ArgumentError,
                    "Illegal LPRT command.",
                ));
            }
        };
        self.set_active(address, "Illegal LPRT command.")?;
        Ok(Reply::new(
            Code::CommandOk,
            "LPRT command successful. Consider using EPSV.",
        ))
    }

    fn may_be_active(&self) -> Result<(), Failure> {
        if self.epsv_only {
            return Err(epsv_all());
        }
        if !self.config.port_enable() {
            self.trace(&Fact::Reason("active mode is off (port_enable)"));
            return Err(Failure::refused(
                Code::FileUnavailable,
                "Permission denied. Active mode is off here: use PASV or EPSV.",
            )
            .because("port_enable"));
        }
        Ok(())
    }

    /// Takes the client's word for its address only if it is its own, and
    /// never for a port of the system (RFC 2577 section 3).
    fn set_active(&mut self, address: SocketAddr, refusal: &'static str) -> Result<(), Failure> {
        self.trace(&Fact::ClientListens(address));
        let own = address.ip().to_canonical() == self.control.peer().ip();
        let reason = if address.port() < 1024 {
            Fact::Reason("a port of the system")
        } else if !own && !self.config.port_promiscuous() {
            Fact::Reason("not the client's address (port_promiscuous)")
        } else {
            self.endpoint = Endpoint::Active(address);
            return Ok(());
        };
        self.trace(&reason);
        let cause = match reason {
            Fact::Reason(cause) => cause,
            _ => refusal,
        };
        Err(Failure::refused(Code::SyntaxError, refusal).because(format!("{address}: {cause}")))
    }

    /// `PASV`.
    pub(super) fn pasv(&mut self) -> Answer {
        self.may_be_passive()?;
        if self.epsv_only {
            return Err(epsv_all());
        }
        let IpAddr::V4(local) = self.control.local().ip() else {
            return Err(Failure::refused(
                Code::ProtocolNotSupported,
                "PASV is for IPv4 only: use EPSV (2)",
            ));
        };
        let port = self.promise_port()?;
        let address = self.announce(local);
        self.trace_listening(port, address.into());
        let text = format_pasv(SocketAddrV4::new(address, port));
        Ok(Reply::new(
            Code::PassiveMode,
            format!("Entering Passive Mode ({text})."),
        ))
    }

    /// `LPSV` (RFC 1639), the form EPSV had first.
    pub(super) fn lpsv(&mut self) -> Answer {
        self.may_be_passive()?;
        if self.epsv_only {
            return Err(epsv_all());
        }
        let port = self.promise_port()?;
        let address = match self.control.local().ip() {
            IpAddr::V4(local) => self.announce(local).into(),
            local @ IpAddr::V6(_) => local,
        };
        self.trace_listening(port, address);
        let text = format_lpsv(SocketAddr::new(address, port));
        Ok(Reply::new(
            Code::LongPassiveMode,
            format!("Entering Long Passive Mode ({text})."),
        ))
    }

    /// The address a client of IPv4, who reached the server at `local`, is
    /// told to connect to.
    fn announce(&self, local: Ipv4Addr) -> Ipv4Addr {
        let IpAddr::V4(client) = self.control.peer().ip() else {
            return local;
        };
        let announced = &self.passive.announced;
        let address = announced.to(client, local);
        if announced.is_news(client, address) {
            log::warn!(
                "{}: PASV announces {address}, which a client out there cannot reach: \
                 set pasv_address or pasv_address_map to the address it can",
                self.tag
            );
        }
        address
    }

    /// `EPSV [ <SP> net-prt | ALL ]` (RFC 2428 section 3).
    pub(super) fn epsv(&mut self, argument: &[u8]) -> Answer {
        self.may_be_passive()?;
        let family = family_of(self.control.local().ip());
        match parse_epsv(argument) {
            Ok(EpsvRequest::All) => {
                self.epsv_only = true;
                return Ok(Reply::new(Code::CommandOk, "EPSV ALL ok."));
            }
            Ok(EpsvRequest::Any) => {}
            Ok(EpsvRequest::V4) if family == 1 => {}
            Ok(EpsvRequest::V6) if family == 2 => {}
            Ok(_) | Err(AddressError::Family) => return Err(wrong_family(family)),
            Err(AddressError::Syntax) => {
                return Err(Failure::refused(
                    Code::ArgumentError,
                    "Syntax: EPSV, EPSV 1, EPSV 2 or EPSV ALL",
                ));
            }
        }
        let port = self.promise_port()?;
        self.trace_listening(port, self.control.local().ip());
        Ok(Reply::new(
            Code::ExtendedPassiveMode,
            format!("Entering Extended Passive Mode {}", format_epsv(port)),
        ))
    }

    fn may_be_passive(&self) -> Result<(), Failure> {
        if self.config.pasv_enable() {
            return Ok(());
        }
        self.trace(&Fact::Reason("passive mode is off (pasv_enable)"));
        Err(Failure::refused(
            Code::FileUnavailable,
            "Permission denied. Passive mode is off here: use PORT or EPRT.",
        )
        .because("pasv_enable"))
    }

    fn promise_port(&mut self) -> Result<u16, Failure> {
        // The port of an earlier PASV is free before a new one is drawn.
        self.forget_endpoint();
        let config = &self.config;
        let client = (!config.pasv_promiscuous()).then_some(self.control.peer().ip());
        let promise =
            Promise::of(&self.passive.ports, self.control.local(), client).map_err(|error| {
                Failure::refused(Code::CannotOpenData, "No passive port is free now.")
                    .because(format!("{error}; pasv_min_port, pasv_max_port, pasv_ports"))
            })?;
        let port = promise.port();
        for peer in promise.dropped() {
            log::info!(
                "{}: connection from {peer} to port {port} dropped: nobody waits for it \
                 (pasv_promiscuous)",
                self.tag
            );
        }
        self.endpoint = Endpoint::Passive(promise);
        if self.hasty {
            std::thread::sleep(HASTE);
        }
        Ok(port)
    }

    /// Notes that TYPE or SIZE came between PASV and the transfer, which is
    /// the order of curl and of hardly anybody else. When the reply to EPSV
    /// is there before curl (7.88) has turned from sending it, curl forgets
    /// to open its data connection and finds out a second later. That only
    /// happens on the same machine, where an answer takes 20 microseconds.
    pub(super) fn note_order(&mut self) {
        self.hasty |= matches!(self.endpoint, Endpoint::Passive(_));
    }
}

/// The numbers of RFC 2428 section 2.
fn family_of(ip: IpAddr) -> u8 {
    if ip.to_canonical().is_ipv4() { 1 } else { 2 }
}

fn wrong_family(family: u8) -> Failure {
    Failure::Refused(Reply::new(
        Code::ProtocolNotSupported,
        format!("Network protocol not supported, use ({family})"),
    ))
}

fn epsv_all() -> Failure {
    Failure::refused(Code::ArgumentError, "Only EPSV is allowed after EPSV ALL.")
}
