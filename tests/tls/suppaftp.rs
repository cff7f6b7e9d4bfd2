//! suppaftp, a Rust client, blocking and with rustls: it uses each ticket of
//! version 1.3 once, and opens data connections only after the 150.

use std::io::Cursor;
use std::time::Duration;

use ::suppaftp::types::{FileType, Mode};
use ::suppaftp::{FtpError, RustlsConnector, RustlsFtpStream};
use rustls::SupportedProtocolVersion;

use super::programs::{Site, site};
use super::secure::{Client, VERSIONS};
use super::support::PATIENCE;
use super::support::tree::noise;

fn connector(version: &'static SupportedProtocolVersion) -> RustlsConnector {
    Client::with(&[version], None).config.into()
}

fn explicit(site: &Site, connector: RustlsConnector) -> RustlsFtpStream {
    let clear = RustlsFtpStream::connect(site.server.address()).unwrap();
    let socket = clear.get_ref().try_clone().unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let ftp = clear.into_secure(connector, "localhost").unwrap();
    log_in(ftp)
}

fn log_in(mut ftp: RustlsFtpStream) -> RustlsFtpStream {
    ftp.login("ann", "word").unwrap();
    ftp.transfer_type(FileType::Binary).unwrap();
    ftp
}

fn implicit(site: &Site, connector: RustlsConnector) -> RustlsFtpStream {
    let address = site.server.address();
    let ftp = RustlsFtpStream::connect_secure_implicit(address, connector, "localhost").unwrap();
    log_in(ftp)
}

/// Stores, fetches and lists `rounds` times each, with a file that grows.
fn there_and_back(ftp: &mut RustlsFtpStream, rounds: usize) {
    for round in 0..rounds {
        let content = noise(round * 997);
        let sent = ftp.put_file("up", &mut Cursor::new(&content)).unwrap();
        assert_eq!(sent, content.len() as u64);
        assert_eq!(ftp.retr_as_buffer("up").unwrap().into_inner(), content);
        assert!(ftp.nlst(None).unwrap().contains(&"up".to_owned()));
    }
}

#[test]
fn it_resumes_for_hundreds_of_passive_transfers() {
    for version in VERSIONS {
        let mut site = site(&[("require_ssl_reuse", "YES")]);
        let mut ftp = explicit(&site, connector(version));
        for mode in [Mode::Passive, Mode::ExtendedPassive] {
            ftp.set_mode(mode);
            there_and_back(&mut ftp, 60);
        }
        ftp.quit().unwrap();
        site.all_resumed();
    }
}

/// In active mode it looks for the server ten times a second.
#[test]
fn it_resumes_for_hundreds_of_active_transfers() {
    for version in VERSIONS {
        let mut site = site(&[("require_ssl_reuse", "YES")]);
        let mut ftp = explicit(&site, connector(version)).active_mode(Duration::from_secs(20));
        there_and_back(&mut ftp, 70);
        ftp.quit().unwrap();
        site.all_resumed();
    }
}

#[test]
fn it_resumes_over_implicit_tls() {
    for version in VERSIONS {
        let mut site = site(&[("require_ssl_reuse", "YES"), ("implicit_ssl", "YES")]);
        let mut ftp = implicit(&site, connector(version));
        there_and_back(&mut ftp, 20);
        ftp.quit().unwrap();
        site.all_resumed();
    }
}

/// With strict_ssl_read_eof an upload without close_notify would fail.
#[test]
fn its_uploads_end_as_they_should() {
    let site = site(&[
        ("require_ssl_reuse", "YES"),
        ("strict_ssl_read_eof", "YES"),
        ("strict_ssl_write_shutdown", "YES"),
    ]);
    for version in VERSIONS {
        let mut ftp = explicit(&site, connector(version));
        let content = noise(3_000_000);
        ftp.put_file("large", &mut Cursor::new(&content)).unwrap();
        assert_eq!(site.home.read("large"), content);
        assert_eq!(ftp.retr_as_buffer("large").unwrap().into_inner(), content);
    }
}

/// One configuration for two connections shares their sessions, of which
/// either would take the other's unless the second resumed the first's.
#[test]
fn two_connections_of_one_configuration_share_their_sessions() {
    for version in VERSIONS {
        let mut site = site(&[("require_ssl_reuse", "YES")]);
        let config = Client::with(&[version], None).config;
        let mut first = explicit(&site, config.clone().into());
        let mut second = explicit(&site, config.into());
        for _ in 0..20 {
            there_and_back(&mut first, 2);
            there_and_back(&mut second, 2);
        }
        site.all_resumed();
    }
}

/// A client made to resume nothing is told why, and goes on.
#[test]
fn without_resumption_it_is_refused_by_yes_and_served_by_auto() {
    for (value, served) in [("YES", false), ("AUTO", true)] {
        let site = site(&[("require_ssl_reuse", value)]);
        site.home.file("file", "content");
        let forgetful = Client::new()
            .change(|config| config.resumption = rustls::client::Resumption::disabled());
        let mut ftp = explicit(&site, forgetful.config.into());
        for _ in 0..3 {
            match ftp.retr_as_buffer("file") {
                Ok(content) if served => assert_eq!(content.into_inner(), b"content"),
                Err(FtpError::UnexpectedResponse(reply)) if !served => {
                    // It has no name for 522.
                    assert!(reply.body.starts_with(b"522 "), "{reply}");
                }
                other => panic!("{value}: {other:?}"),
            }
        }
        ftp.noop().unwrap();
    }
}
