//! Certificates of the server, which change while it runs, and of users.

use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use std::time::Instant;

use rustls::pki_types::CertificateDer;

use super::secure::{Client, Secure};
use super::support::process::{Finished, run};
use super::support::server::{IRONFTPD, Launch, Server};
use super::support::temp::TempDir;
use super::support::tls::{Authority, Files, Signed};
use super::support::{PATIENCE, is_root, left_out};

fn shown(server: &Server) -> CertificateDer<'static> {
    let secure = Secure::connect(server.address(), &Client::new());
    let chain = secure.stream.conn.peer_certificates().unwrap();
    chain[0].clone().into_owned()
}

#[test]
fn a_certificate_that_is_replaced_is_shown_from_sighup_on() {
    let files = Files::new();
    let server = Launch::new().tls(&files).start();
    let mut old = Secure::anonymous(server.address(), &Client::new());
    let next = Authority::known().server(&[]);
    // The key alone fits nothing: the pair of before stays.
    files.replace("key.pem", &next.key);
    server.signal(libc::SIGHUP);
    server.wait_for_log("belongs to another certificate");
    assert_ne!(shown(&server).as_ref(), next.der);
    files.replace("certificate.pem", &next.certificate);
    server.signal(libc::SIGHUP);
    server.wait_for_log("certificates read again");
    assert_eq!(shown(&server).as_ref(), next.der);
    old.command("NOOP", 200);
}

#[test]
fn sessions_go_on_resuming_when_options_of_tls_change() {
    let files = Files::new();
    let server = Launch::new()
        .tls(&files)
        .option("require_ssl_reuse", "YES")
        .start();
    server.root().file("file", "content");
    let client = Client::new();
    let mut secure = Secure::anonymous(server.address(), &client);
    let text = std::fs::read_to_string(server.config_file()).unwrap();
    std::fs::write(server.config_file(), format!("{text}ssl_tlsv1_3=NO\n")).unwrap();
    server.signal(libc::SIGHUP);
    server.wait_for_log("configuration read again");
    assert_eq!(secure.fetch("file"), (b"content".to_vec(), true));
    let fresh = Secure::connect(server.address(), &Client::new());
    assert_eq!(fresh.version(), rustls::ProtocolVersion::TLSv1_2);
}

#[test]
fn a_key_that_everybody_may_read_is_told() {
    let files = Files::new();
    let open = std::fs::Permissions::from_mode(0o644);
    std::fs::set_permissions(files.path("key.pem"), open).unwrap();
    let server = Launch::new().tls(&files).start();
    server.wait_for_log("everybody on this machine may read the private key");
}

/// `--check` with these options.
fn checked(options: &[(String, String)]) -> Finished {
    let home = TempDir::new();
    let config = home.file("empty.conf", "");
    let private = std::fs::Permissions::from_mode(0o600);
    std::fs::set_permissions(&config, private).unwrap();
    let mut command = Command::new(IRONFTPD);
    command.args(["--check", "-oanon_root=/"]);
    for (name, value) in options {
        command.arg(format!("-o{name}={value}"));
    }
    command.arg(config);
    run(&mut command, b"", PATIENCE)
}

#[test]
fn check_looks_at_key_chain_names_and_dates() {
    let files = Files::new();
    let finished = checked(&files.options()).succeed();
    let text = finished.words();
    assert!(
        text.contains("for localhost; good until 2090-01-01"),
        "{text}"
    );
    assert!(text.contains("comes alone"), "{text}");
    // One that is over.
    files.renew(&Authority::known().server_until(&[], 2021));
    let text = checked(&files.options()).succeed().words();
    assert!(text.contains("this certificate ended on"), "{text}");
    // Key and certificate of two.
    files.replace("key.pem", &Authority::known().server(&[]).key);
    let finished = checked(&files.options());
    assert_eq!(finished.status.code(), Some(78), "{}", finished.words());
    assert!(finished.words().contains("belongs to another certificate"));
    // None.
    std::fs::remove_file(files.path("key.pem")).unwrap();
    assert_eq!(checked(&files.options()).status.code(), Some(78));
}

#[test]
fn a_list_that_leaves_no_suite_is_an_error_at_the_start() {
    let files = Files::new();
    let mut options = files.options();
    options.push(("ssl_ciphers".into(), "DES-CBC3-SHA".into()));
    let finished = checked(&options);
    assert_eq!(finished.status.code(), Some(78));
    assert!(
        finished
            .words()
            .contains("ssl_ciphers leaves no cipher suite")
    );
}

#[test]
fn a_directory_has_certificates_by_name() {
    let files = Files::new();
    let other = Authority::known().server(&["ftp.example"]);
    let both = format!("{}{}", other.certificate, other.key);
    files.home.file("certs/ftp.example.pem", both);
    let directory = files.path("certs").display().to_string();
    let server = Launch::new()
        .tls(&files)
        .option("ssl_certs_dir", &directory)
        .start();
    let by_name = Client {
        name: "ftp.example".try_into().unwrap(),
        ..Client::new()
    };
    let secure = Secure::connect(server.address(), &by_name);
    let chain = secure.stream.conn.peer_certificates().unwrap();
    assert_eq!(chain[0].as_ref(), other.der);
    assert_ne!(shown(&server).as_ref(), other.der);
}

/// A server where ann has an account, and logs in by a certificate.
fn server_of_ann(by: &str, own: Option<&Signed>, home: &TempDir) -> Server {
    let files = Files::new();
    let authority = files.path("authority.pem").display().to_string();
    home.file("file", "content");
    let launch = Launch::new()
        .tls(&files)
        .option("client_cert_user", by)
        .option("ca_certs_file", &authority)
        .account("ann", "word", home.path());
    let server = launch.start();
    if let Some(signed) = own {
        let digits = ironftpd::tls::fingerprint(&signed.der);
        let path = server.accounts_file();
        let text = std::fs::read_to_string(&path).unwrap();
        let mut fields: Vec<String> = text.trim_end().split(':').map(str::to_owned).collect();
        fields[4] = format!("cert={digits}");
        std::fs::write(&path, format!("{}\n", fields.join(":"))).unwrap();
    }
    server
}

#[test]
fn a_user_logs_in_by_certificate() {
    let ann = Authority::known().user("ann");
    let bob = Authority::known().user("bob");
    for (by, own) in [("CN", None), ("fingerprint", Some(&ann))] {
        let home = TempDir::new();
        let server = server_of_ann(by, own, &home);
        let as_user = |signed| Client::with(&[&rustls::version::TLS13], Some(signed));
        let mut secure = Secure::connect(server.address(), &as_user(&ann));
        secure.command("USER ann", 232);
        secure.command("PBSZ 0", 200);
        secure.command("PROT P", 200);
        assert_eq!(secure.fetch("file").0, b"content", "{by}");
        // Another's certificate, and none, want the password as ever.
        let mut secure = Secure::connect(server.address(), &as_user(&bob));
        secure.login("ann", "word");
        let mut secure = Secure::connect(server.address(), &Client::new());
        secure.login("ann", "word");
        // A certificate proves to be nobody who has no account.
        let mut secure = Secure::connect(server.address(), &as_user(&bob));
        secure.command("USER bob", 331);
    }
}

#[test]
fn a_certificate_of_another_authority_proves_nothing() {
    let home = TempDir::new();
    let server = server_of_ann("CN", None, &home);
    let forged = Authority::new().user("ann");
    let client = Client::with(&[&rustls::version::TLS13], Some(&forged));
    Secure::connect(server.address(), &client).command("USER ann", 331);
}

#[test]
fn who_shows_no_certificate_may_be_turned_away() {
    let files = Files::new();
    let authority = files.path("authority.pem").display().to_string();
    let server = Launch::new()
        .tls(&files)
        .option("require_cert", "YES")
        .option("validate_cert", "YES")
        .option("ca_certs_file", &authority)
        .start();
    let user = Authority::known().user("ann");
    let client = Client::with(&[&rustls::version::TLS13], Some(&user));
    let mut secure = Secure::anonymous(server.address(), &client);
    secure.command("NOOP", 200);
    let mut secure = Secure::connect(server.address(), &Client::new());
    secure.line("NOOP");
    // In TLS 1.3 the client learns it with the next it reads.
    let mut chunk = [0; 64];
    assert!(std::io::Read::read(&mut secure.stream, &mut chunk).is_err());
    server.wait_for_log("none was shown (require_cert)");
}

#[test]
fn a_shared_directory_makes_its_own_certificate_and_prints_its_fingerprint() {
    let server = Server::serve(TempDir::new(), &["--tls"], "");
    server.root().file("file", "content");
    let line = server.wait_for_output("TLS ");
    let digits = line.last().unwrap().rsplit(' ').next().unwrap().to_owned();
    let mut command = Command::new("openssl");
    let address = server.address().to_string();
    command.args(["s_client", "-starttls", "ftp", "-connect", &address]);
    let shown = run(&mut command, b"QUIT\r\n", PATIENCE).stdout;
    let mut command = Command::new("openssl");
    command.args(["x509", "-noout", "-fingerprint", "-sha256"]);
    let print = run(&mut command, &shown, PATIENCE);
    assert!(
        print.words().contains(&digits),
        "{} {digits}",
        print.words()
    );
}

/// What only root can show: the server has given root up, and the key is
/// root's alone.
#[test]
fn a_key_that_only_root_may_read_is_taken_on_by_a_server_that_is_nobody() {
    if !is_root() {
        return left_out("only root can become nobody");
    }
    let files = Files::new();
    let launch = Launch::new()
        .tls(&files)
        .option("run_as_launching_user", "NO")
        .option("nopriv_user", "nobody");
    launch.root().close_to_others();
    let server = launch.start();
    assert_eq!(owner_of(server.pid()), "65534");
    let keeper = child_called(server.pid(), "ironftpd-keys");
    assert_eq!(owner_of(keeper), "0");
    // CAP_DAC_READ_SEARCH and no other.
    assert_eq!(status_of(keeper, "CapEff:"), "0000000000000004");
    let next = Authority::known().server(&[]);
    files.renew(&next);
    server.signal(libc::SIGHUP);
    server.wait_for_log("certificates read again");
    assert_eq!(shown(&server).as_ref(), next.der);
    // Without it all goes on, and the log tells.
    // SAFETY: the process is the server's keeper, which runs as long as that.
    assert_eq!(unsafe { libc::kill(keeper, libc::SIGKILL) }, 0);
    server.wait_for_log("the process that reads certificates and keys has ended");
    assert_eq!(shown(&server).as_ref(), next.der);
}

#[test]
fn the_keeper_ends_with_the_server_however_that_ends() {
    if !is_root() {
        return left_out("only root's server has a keeper");
    }
    let files = Files::new();
    let mut server = Launch::new().tls(&files).start();
    let keeper = child_called(server.pid(), "ironftpd-keys");
    server.signal(libc::SIGKILL);
    server.wait_for_end().expect("killed");
    let end = Instant::now() + PATIENCE;
    while std::fs::read_to_string(format!("/proc/{keeper}/comm"))
        .is_ok_and(|name| name.trim() == "ironftpd-keys" && status_of(keeper, "State:") != "Z")
    {
        assert!(Instant::now() < end, "the keeper lives on");
        std::thread::yield_now();
    }
}

/// The first word behind a label in /proc/PID/status.
fn status_of(pid: i32, label: &str) -> String {
    let text = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix(label));
    let word = line.and_then(|rest| rest.split_whitespace().next());
    word.unwrap_or_default().to_owned()
}

fn owner_of(pid: i32) -> String {
    status_of(pid, "Uid:")
}

/// The child of a process that has this name.
fn child_called(parent: i32, name: &str) -> i32 {
    let children = format!("/proc/{parent}/task/{parent}/children");
    let children = std::fs::read_to_string(children).unwrap();
    let mut children = children.split_whitespace().map(|pid| pid.parse().unwrap());
    let is_it = |pid: &i32| {
        std::fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|comm| comm.trim() == name)
    };
    children.find(is_it).expect("no such child")
}
