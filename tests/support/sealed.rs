//! A client with TLS, by rustls: it uses each ticket of TLS 1.3 once.

use std::net::TcpStream;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::version::{TLS12, TLS13};
use rustls::{
    ClientConfig, ClientConnection, HandshakeKind, RootCertStore, StreamOwned,
    SupportedProtocolVersion,
};

use super::PATIENCE;
use super::tls::{Authority, Signed};

/// A connection under TLS.
pub type Stream = StreamOwned<ClientConnection, TcpStream>;

/// Both versions.
pub const VERSIONS: [&SupportedProtocolVersion; 2] = [&TLS12, &TLS13];

/// How a client does TLS; clones share their sessions.
#[derive(Clone)]
pub struct Client {
    pub config: Arc<ClientConfig>,
    pub name: ServerName<'static>,
}

impl Client {
    pub fn new() -> Client {
        Client::with(&[&TLS13, &TLS12], None)
    }

    pub fn with(versions: &[&'static SupportedProtocolVersion], own: Option<&Signed>) -> Client {
        let mut roots = RootCertStore::empty();
        let known = Authority::known().pem();
        let known = CertificateDer::from_pem_slice(known.as_bytes()).unwrap();
        roots.add(known).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(versions)
            .unwrap()
            .with_root_certificates(roots);
        let config = match own {
            None => builder.with_no_client_auth(),
            Some(signed) => {
                let key = PrivateKeyDer::from_pem_slice(signed.key.as_bytes()).unwrap();
                let chain = vec![CertificateDer::from(signed.der.clone())];
                builder.with_client_auth_cert(chain, key).unwrap()
            }
        };
        Client {
            config: Arc::new(config),
            name: ServerName::try_from("localhost").unwrap(),
        }
    }

    pub fn change(mut self, change: impl FnOnce(&mut ClientConfig)) -> Client {
        change(Arc::make_mut(&mut self.config));
        self
    }

    /// A connection whose handshake is yet to come.
    pub fn over(&self, socket: TcpStream) -> Stream {
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        socket.set_write_timeout(Some(PATIENCE)).unwrap();
        let connection = ClientConnection::new(Arc::clone(&self.config), self.name.clone());
        StreamOwned::new(connection.unwrap(), socket)
    }
}

/// Does the handshake, and says whether a session was resumed.
pub fn shake(stream: &mut Stream) -> std::io::Result<bool> {
    while stream.conn.is_handshaking() {
        stream.conn.complete_io(&mut stream.sock)?;
    }
    Ok(stream.conn.handshake_kind() == Some(HandshakeKind::Resumed))
}
