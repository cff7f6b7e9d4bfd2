//! What keeps a server from starting.

use super::SocketError;
use crate::auth::authenticator;
use crate::auth::list::ListError;
use crate::auth::unprivileged::UnprivilegedError;
use crate::config::Config;
use crate::record::ledger::LogError;
use crate::session::ServiceError;
use crate::sys;
use crate::tls::TlsError;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::os::fd::RawFd;
use std::path::PathBuf;

/// Why the server did not start or could not go on.
#[derive(Debug)]
pub enum StartError {
    /// A listening socket could not be made.
    Listen(SocketAddr, sys::Error),
    /// Nobody has handed a socket over, and there is none to listen on.
    NoSocket,
    /// What systemd has handed over under this number is no TCP socket, or
    /// one connection among several sockets.
    WrongSocket(RawFd),
    /// The client whose connection was handed over has gone.
    VisitorGone,
    /// The pid file cannot be written.
    PidFile(PathBuf, io::Error),
    /// What the configuration names cannot be served.
    Service(ServiceError),
    /// It is not known whom the server is to become.
    Unprivileged(UnprivilegedError),
    /// The control socket that was asked for cannot be had.
    Control(PathBuf, SocketError),
    /// A log cannot be written.
    Log(LogError),
    /// The process that checks passwords could not be started.
    Authenticator(authenticator::StartError),
    /// TLS cannot be offered as it is configured.
    Tls(TlsError),
    /// The system refused something that every server needs.
    System(sys::Error),
}

impl From<sys::Error> for StartError {
    fn from(error: sys::Error) -> StartError {
        StartError::System(error)
    }
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StartError::Listen(address, error) => {
                write!(f, "cannot listen on {address}: {error}")?;
                match error.errno() {
                    libc::EADDRINUSE => write!(
                        f,
                        "; another server has the port (ss -ltnp 'sport = {}' shows which)",
                        address.port()
                    ),
                    libc::EACCES => f.write_str(
                        "; ports under 1024 need root or CAP_NET_BIND_SERVICE: \
                         set listen_port to a higher one",
                    ),
                    libc::EADDRNOTAVAIL => f.write_str(
                        "; no interface of this machine has the address: leave it out to listen \
                         on all of them",
                    ),
                    _ => Ok(()),
                }
            }
            StartError::NoSocket => f.write_str(
                "descriptor 0 is no TCP socket: inetd, xinetd, systemd or tcpserver must start the \
                 server (socat with EXEC:...,nofork), or else set listen=YES",
            ),
            StartError::WrongSocket(number) => {
                write!(
                    f,
                    "descriptor {number}, of LISTEN_FDS, is no TCP socket that listens"
                )
            }
            StartError::VisitorGone => f.write_str("the client has gone already"),
            StartError::PidFile(path, error) => write!(f, "pid_file {path:?}: {error}"),
            StartError::Service(error) => error.fmt(f),
            StartError::Unprivileged(error) => error.fmt(f),
            StartError::Control(path, error) => write!(f, "control_socket {path:?}: {error}"),
            StartError::Log(error) => error.fmt(f),
            StartError::Authenticator(error) => write!(f, "the authenticator: {error}"),
            StartError::Tls(error) => write!(f, "ssl_enable: {error}"),
            StartError::System(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for StartError {}

impl StartError {
    /// What vsftpd would say of the same, if it would say anything.
    #[must_use]
    pub fn oops(&self) -> Option<&'static str> {
        match self {
            StartError::Listen(address, _) if address.is_ipv6() => {
                Some("OOPS: could not bind listening IPv6 socket")
            }
            StartError::Listen(..) => Some("OOPS: could not bind listening IPv4 socket"),
            StartError::Tls(TlsError::Unreadable(..) | TlsError::Pair(..) | TlsError::NoPair) => {
                Some("OOPS: SSL: cannot load RSA certificate")
            }
            StartError::Tls(TlsError::Ciphers(_)) => Some("OOPS: SSL: could not set cipher list"),
            _ => None,
        }
    }

    /// The option of `config` that it is about, if it is about one.
    #[must_use]
    pub fn option(&self, config: &Config) -> Option<&'static str> {
        match self {
            StartError::Listen(address, error) if error.errno() == libc::EADDRNOTAVAIL => {
                Some(match address {
                    SocketAddr::V4(_) => "listen_address",
                    SocketAddr::V6(_) => "listen_address6",
                })
            }
            StartError::Listen(..) => Some("listen_port"),
            StartError::PidFile(..) => Some("pid_file"),
            StartError::Unprivileged(_) => Some("nopriv_user"),
            StartError::Control(..) => Some("control_socket"),
            StartError::Log(error) => Some(error.option()),
            StartError::Service(error) => match error {
                ServiceError::AnonymousRoot(..) => Some("anon_root"),
                ServiceError::NoAnonymousRoot => Some("anonymous_enable"),
                ServiceError::List(ListError::Unnamed(option)) | ServiceError::User(option, ..) => {
                    Some(option)
                }
                ServiceError::List(ListError::Unreadable(path, _)) => config.option_naming(path),
                ServiceError::Superuser(_) => Some("ftp_username"),
                ServiceError::LateUser => Some("user_config_dir"),
                ServiceError::Tls(error) => option_of_tls(config, error),
                ServiceError::Banner(..) => Some("banner_file"),
            },
            StartError::Tls(error) => option_of_tls(config, error),
            StartError::Authenticator(_) => Some("local_enable"),
            StartError::NoSocket
            | StartError::WrongSocket(_)
            | StartError::VisitorGone
            | StartError::System(_) => None,
        }
    }
}

fn option_of_tls(config: &Config, error: &TlsError) -> Option<&'static str> {
    match error {
        TlsError::Unreadable(..) | TlsError::Pair(..) | TlsError::Authorities(..) => {
            config.option_naming(error.path()?)
        }
        TlsError::Ciphers(_) => Some("ssl_ciphers"),
        TlsError::NoAuthorities => Some("ca_certs_file"),
        TlsError::NoVersion => Some("ssl_tlsv1_2"),
        TlsError::NoPair | TlsError::Refused(_) => Some("ssl_enable"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_that_of_the_option_that_names_it() {
        let config = Config::default();
        let path = PathBuf::from("/usr/share/ssl/certs/vsftpd.pem");
        let error = StartError::Tls(TlsError::Unreadable(path, libc::ENOENT));
        assert_eq!(error.option(&config), Some("rsa_cert_file"));
        let path = PathBuf::from("/elsewhere");
        let error = StartError::Tls(TlsError::Unreadable(path, libc::ENOENT));
        assert_eq!(error.option(&config), None);
    }
}
