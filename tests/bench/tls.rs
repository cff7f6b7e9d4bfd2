//! TLS of the benchmark: one ECDSA certificate for all servers, and the
//! client's side by rustls, which takes any certificate. Both cost the client
//! processor time that clear text does not, the same whoever serves.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::client::Resumption;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    ClientConfig, ClientConnection, DigitallySignedStruct, Error, SignatureScheme, StreamOwned,
};

use crate::client::drain;

/// Octets read or written at once.
const CHUNK: usize = 256 << 10;

/// The file of certificate and key, made when first asked for.
pub fn pair(scratch: &Path) -> PathBuf {
    let path = scratch.join("pair.pem");
    if !path.exists() {
        let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()])
            .expect("a certificate");
        let text = format!("{}{}", made.cert.pem(), made.signing_key.serialize_pem());
        fs::write(&path, text).expect("the certificate's file");
        use std::os::unix::fs::PermissionsExt;
        // ProFTPD and Pure-FTPd take no other.
        let _ = fs::set_permissions(&path, fs::Permissions::from_mode(0o600));
    }
    path
}

/// How a client does TLS; sessions that begin with the same one can resume.
pub fn config(resume: bool) -> Arc<ClientConfig> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Any))
        .with_no_client_auth();
    if !resume {
        config.resumption = Resumption::disabled();
    }
    Arc::new(config)
}

#[derive(Debug)]
struct Any;

impl ServerCertVerifier for Any {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![SignatureScheme::ECDSA_NISTP256_SHA256]
    }
}

/// A connection, in clear or not.
pub enum Wire {
    /// As it is.
    Clear(TcpStream),
    /// Under TLS.
    Tls(Box<StreamOwned<ClientConnection, TcpStream>>),
}

impl Wire {
    /// The same under TLS, its handshake done.
    pub fn protect(&self, config: &Arc<ClientConfig>) -> io::Result<Wire> {
        let Wire::Clear(stream) = self else {
            return Err(io::ErrorKind::InvalidInput.into());
        };
        let name = ServerName::try_from("localhost").expect("a name");
        let connection = ClientConnection::new(Arc::clone(config), name);
        let connection = connection.map_err(io::Error::other)?;
        let mut tls = StreamOwned::new(connection, stream.try_clone()?);
        while tls.conn.is_handshaking() {
            tls.conn.complete_io(&mut tls.sock)?;
        }
        Ok(Wire::Tls(Box::new(tls)))
    }

    /// Takes all there is; the octet count.
    pub fn drain(&mut self) -> io::Result<u64> {
        let tls = match self {
            Wire::Clear(stream) => return drain(stream),
            Wire::Tls(tls) => tls,
        };
        let mut chunk = vec![0; CHUNK];
        let mut total = 0;
        loop {
            match tls.read(&mut chunk) {
                Ok(0) => return Ok(total),
                Ok(count) => total += count as u64,
                // Not every server says that it is done.
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(total),
                Err(error) => return Err(error),
            }
        }
    }

    /// Sends `len` bytes of `source`.
    pub fn copy(&mut self, mut source: &File, len: u64) -> io::Result<()> {
        let mut chunk = vec![0; CHUNK];
        let mut left = len;
        while left > 0 {
            let wish = usize::try_from(left).unwrap_or(CHUNK).min(CHUNK);
            let count = source.read(&mut chunk[..wish])?;
            if count == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            self.write_all(&chunk[..count])?;
            left -= count as u64;
        }
        self.flush()
    }

    /// Says that no more will come, where there is a way to, and hears the
    /// same: what lies unread when a connection is closed resets it, and some
    /// servers lose the end of an upload then.
    pub fn end(&mut self) -> io::Result<()> {
        let Wire::Tls(tls) = self else {
            return Ok(());
        };
        tls.conn.send_close_notify();
        tls.flush()?;
        tls.sock.shutdown(Shutdown::Write)?;
        let mut chunk = [0; 4096];
        while let Ok(1..) = tls.read(&mut chunk) {}
        Ok(())
    }
}

impl Read for Wire {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Wire::Clear(stream) => stream.read(buffer),
            Wire::Tls(tls) => tls.read(buffer),
        }
    }
}

impl Write for Wire {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Wire::Clear(stream) => stream.write(bytes),
            Wire::Tls(tls) => tls.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Wire::Clear(stream) => stream.flush(),
            Wire::Tls(tls) => tls.flush(),
        }
    }
}
