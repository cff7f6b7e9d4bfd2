//! Sessions resumed on data connections: by their own client, as often as it
//! likes, and by nobody else.

use super::*;
use rustls::client::{Resumption, Tls12Resumption};

/// A client's memory for one server. In version 1.2 it shows the last session
/// every time; in version 1.3 rustls lets nobody keep a ticket (what OpenSSL
/// and GnuTLS do, who keep theirs, is for the tests with real clients).
#[derive(Debug, Default)]
struct Keeper(Mutex<Memory>);

#[derive(Debug, Default)]
struct Memory {
    group: Option<rustls::NamedGroup>,
    old: Option<rustls::client::Tls12ClientSessionValue>,
    new: Vec<rustls::client::Tls13ClientSessionValue>,
}

impl rustls::client::ClientSessionStore for Keeper {
    fn set_kx_hint(&self, _: ServerName<'static>, group: rustls::NamedGroup) {
        self.0.lock().unwrap().group = Some(group);
    }
    fn kx_hint(&self, _: &ServerName<'_>) -> Option<rustls::NamedGroup> {
        self.0.lock().unwrap().group
    }
    fn set_tls12_session(
        &self,
        _: ServerName<'static>,
        value: rustls::client::Tls12ClientSessionValue,
    ) {
        self.0.lock().unwrap().old = Some(value);
    }
    fn tls12_session(&self, _: &ServerName<'_>) -> Option<rustls::client::Tls12ClientSessionValue> {
        self.0.lock().unwrap().old.clone()
    }
    fn remove_tls12_session(&self, _: &ServerName<'static>) {}
    fn insert_tls13_ticket(
        &self,
        _: ServerName<'static>,
        value: rustls::client::Tls13ClientSessionValue,
    ) {
        self.0.lock().unwrap().new.push(value);
    }
    fn take_tls13_ticket(
        &self,
        _: &ServerName<'static>,
    ) -> Option<rustls::client::Tls13ClientSessionValue> {
        self.0.lock().unwrap().new.pop()
    }
}

/// A client with this kind of memory.
fn remembering(
    roots: &RootCertStore,
    version: &'static SupportedProtocolVersion,
    resumption: Resumption,
) -> Arc<ClientConfig> {
    let mut config = client_of(roots, version);
    config.resumption = resumption;
    Arc::new(config)
}

fn keeper(roots: &RootCertStore, version: &'static SupportedProtocolVersion) -> Arc<ClientConfig> {
    remembering(
        roots,
        version,
        Resumption::store(Arc::new(Keeper::default())),
    )
}

#[test]
fn one_session_serves_any_number_of_data_connections() {
    let (tls, roots) = server();
    let config = keeper(&roots, &TLS12);
    let pipe = control(&tls, &config);
    for _ in 0..200 {
        let mut transfer = data(&tls, &config, &pipe.lineage);
        assert!(transfer.report.resumed, "{}", transfer.report);
        assert_eq!(transfer.say(b"data"), b"data");
    }
}

#[test]
fn a_session_that_goes_by_a_number_serves_too() {
    let (tls, roots) = server();
    let config = remembering(
        &roots,
        &TLS12,
        Resumption::store(Arc::new(Keeper::default()))
            .tls12_resumption(Tls12Resumption::SessionIdOnly),
    );
    let pipe = control(&tls, &config);
    for _ in 0..10 {
        assert!(data(&tls, &config, &pipe.lineage).report.resumed);
    }
    let other = Arc::new(client_of(&roots, &TLS12));
    let other = control(&tls, &other);
    assert!(!data(&tls, &config, &other.lineage).report.resumed);
}

#[test]
fn clients_that_use_a_ticket_once_never_run_dry() {
    let (tls, roots) = server();
    // Each is the same ticket as before, and good again.
    let config = keeper(&roots, &TLS13);
    let mut pipe = control(&tls, &config);
    pipe.say(b"200 ok\r\n");
    for _ in 0..300 {
        let transfer = data(&tls, &config, &pipe.lineage);
        assert!(transfer.report.resumed);
        assert!(pipe.channel.give_ticket());
        assert_eq!(pipe.say(b"226 done\r\n"), b"226 done\r\n");
    }
    // Without a ticket given anew, the two of the beginning are soon used.
    let resumed = (0..4).filter(|_| data(&tls, &config, &pipe.lineage).report.resumed);
    assert!(resumed.count() < 4);
}

#[test]
fn only_version_1_3_has_tickets_to_give_again() {
    let (tls, roots) = server();
    let mut pipe = control(&tls, &keeper(&roots, &TLS12));
    assert!(!pipe.channel.give_ticket());
}

#[test]
fn data_connections_bring_no_tickets() {
    for version in [&TLS12, &TLS13] {
        let (tls, roots) = server();
        let pipe = control(&tls, &Arc::new(client_of(&roots, version)));
        let handshake = tls.data(&pipe.lineage).unwrap();
        let config = Arc::new(client_of(&roots, version));
        let mut transfer = shake(handshake, &config, "ftp.example", 4096).unwrap();
        assert!(!transfer.report.resumed);
        assert!(!transfer.channel.give_ticket());
        assert_eq!(transfer.report.shown, Shown::Nothing);
        // A client that never reads has nothing unread.
        assert_eq!(transfer.client.tls13_tickets_received(), 0);
        assert_eq!(transfer.take().unwrap(), (Vec::new(), false));
    }
}

#[test]
fn a_session_of_another_control_connection_is_not_resumed() {
    for version in [&TLS12, &TLS13] {
        let (tls, roots) = server();
        let thief = keeper(&roots, version);
        let mut own = control(&tls, &thief);
        own.say(b"200 ok\r\n");
        let victim = control(&tls, &keeper(&roots, version));
        let stolen = data(&tls, &thief, &victim.lineage);
        assert!(!stolen.report.resumed);
        assert_eq!(stolen.report.shown, Shown::Foreign);
    }
}

#[test]
fn a_session_of_another_server_is_not_resumed() {
    let (one, roots) = server();
    let config = keeper(&roots, &TLS13);
    let mut pipe = control(&one, &config);
    pipe.say(b"200 ok\r\n");
    let (other, other_roots) = server();
    let there = control(&other, &keeper(&other_roots, &TLS13));
    let handshake = other.data(&there.lineage).unwrap();
    // The client trusts only the first server, and so the handshake fails;
    // but that the session is not known was noticed before.
    assert!(shake(handshake, &config, "ftp.example", 4096).is_err());
}

#[test]
fn a_control_connection_resumes_and_its_data_connections_too() {
    for version in [&TLS12, &TLS13] {
        let (tls, roots) = server();
        let config = keeper(&roots, version);
        let mut first = control(&tls, &config);
        first.say(b"200 ok\r\n");
        assert!(!first.report.resumed);
        // The ticket of the first, before the second has sent any.
        let second = control(&tls, &config);
        assert!(second.report.resumed);
        assert!(data(&tls, &config, &second.lineage).report.resumed);
        let mut third = control(&tls, &config);
        third.say(b"200 ok\r\n");
        assert!(third.report.resumed);
        assert!(data(&tls, &config, &third.lineage).report.resumed);
    }
}

#[test]
fn sessions_survive_new_certificates() {
    let authority = Authority::new("a");
    let one = authority.sign(&["ftp.example"]);
    let files = material(&[("/cert", &one.certificate), ("/key", &one.key)]);
    let tls = Tls::of(settings(), &files).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(authority.root()).unwrap();
    let config = keeper(&roots, &TLS13);
    let mut pipe = control(&tls, &config);
    pipe.say(b"200 ok\r\n");
    let other = authority.sign(&["ftp.example"]);
    let files = material(&[("/cert", &other.certificate), ("/key", &other.key)]);
    tls.renew(&files).unwrap();
    assert!(data(&tls, &config, &pipe.lineage).report.resumed);
}
