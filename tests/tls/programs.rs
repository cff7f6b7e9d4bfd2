//! Programs that people use, over TLS: curl, lftp, wget, Python's ftplib and
//! openssl s_client. One that is not installed fails its tests.

use std::fmt::Write as _;

use super::support::client::Client;
use super::support::server::{Launch, Server};
use super::support::temp::TempDir;
use super::support::tls::{Authority, Files};
use super::support::tree::{Compare, noise, own_sources, same_tree};

/// What a server of these tests is.
pub struct Site {
    pub server: Server,
    pub files: Files,
    pub home: TempDir,
}

/// A server where ann may write, with this project's sources in `tree`.
pub fn site(options: &[(&str, &str)]) -> Site {
    let files = Files::new();
    let home = TempDir::new();
    let sources = TempDir::new();
    own_sources(&sources);
    std::fs::rename(sources.path(), home.path().join("tree")).unwrap();
    let server = Launch::new()
        .tls(&files)
        .account("ann", "word", home.path())
        .option("write_enable", "YES")
        .option("local_umask", "022")
        .options(options)
        .start();
    Site {
        server,
        files,
        home,
    }
}

impl Site {
    pub fn authority(&self) -> String {
        self.files.path("authority.pem").display().to_string()
    }

    pub fn port(&self) -> String {
        self.server.address().port().to_string()
    }

    fn url(&self, scheme: &str, path: &str) -> String {
        format!("{scheme}://localhost:{}/{path}", self.port())
    }

    /// No data connection was in clear, and all that could have resumed did.
    pub fn all_resumed(&mut self) {
        let log = self.server.whole_log();
        let data: Vec<&str> = log
            .lines()
            .filter(|line| line.contains(": data connection: "))
            .collect();
        assert!(!data.is_empty(), "{log}");
        for line in data {
            assert!(line.ends_with(", resumed"), "{line}");
        }
    }
}

fn curl(site: &Site, words: &[&str]) -> Client {
    let client = Client::new("curl", "curl");
    let authority = site.authority();
    let usual = [
        "-sS", "--fail", "--cacert", &authority, "-u", "ann:word", "-4",
    ];
    client.home().file("usual", "");
    let all: Vec<&str> = usual.iter().chain(words).copied().collect();
    client.run(&all).succeed();
    client
}

/// Passive mode alone: from 7.87 to 8.0 curl begins no TLS on active data
/// connections (its issue 10666).
#[test]
fn curl_fetches_and_stores_with_all_protected() {
    let mut site = site(&[("require_ssl_reuse", "YES")]);
    let content = noise(2_000_000);
    site.home.file("file", &content);
    let url = site.url("ftp", "file");
    let client = curl(&site, &["--ssl-reqd", &url, "-o", "got"]);
    assert_eq!(client.home().read("got"), content);
    let url = site.url("ftp", "up");
    let source = site.home.path().join("file").display().to_string();
    curl(&site, &["--ssl-reqd", "-T", &source, &url]);
    assert_eq!(site.home.read("up"), content);
    site.all_resumed();
}

#[test]
fn curl_fetches_hundreds_of_files_in_one_session() {
    let mut site = site(&[("require_ssl_reuse", "YES")]);
    let mut list = String::new();
    for number in 0..200 {
        site.home.file(format!("many/{number}"), number.to_string());
        let url = site.url("ftp", &format!("many/{number}"));
        writeln!(list, "url = \"{url}\"\noutput = \"/dev/null\"").unwrap();
    }
    let list = site.home.file("list", list).display().to_string();
    curl(&site, &["--ssl-reqd", "-K", &list]);
    site.all_resumed();
}

#[test]
fn curl_protects_the_control_connection_alone() {
    let site = site(&[("force_local_data_ssl", "NO")]);
    site.home.file("file", "content");
    let url = site.url("ftp", "file");
    let client = curl(&site, &["--ftp-ssl-control", &url, "-o", "got"]);
    assert_eq!(client.home().read("got"), b"content");
}

#[test]
fn curl_goes_back_to_the_clear_with_ccc() {
    // In passive mode curl does not say that it is done with TLS, and
    // OpenSSL then forgets the session.
    for (mode, reuse) in [("active", "YES"), ("active", "AUTO"), ("passive", "AUTO")] {
        let site = site(&[("ccc_enable", "YES"), ("require_ssl_reuse", reuse)]);
        site.home.file("file", "content");
        let url = site.url("ftp", "file");
        let words = ["--ssl-reqd", "--ftp-ssl-ccc", "--ftp-ssl-ccc-mode", mode];
        let client = curl(&site, &[&words[..], &[&url, "-o", "got"]].concat());
        assert_eq!(client.home().read("got"), b"content", "{mode}");
        site.server.wait_for_log("goes on in clear");
    }
}

#[test]
fn curl_speaks_implicit_tls() {
    let mut site = site(&[("implicit_ssl", "YES"), ("require_ssl_reuse", "YES")]);
    site.home.file("file", "content");
    let url = site.url("ftps", "file");
    let client = curl(&site, &[&url, "-o", "got"]);
    assert_eq!(client.home().read("got"), b"content");
    site.all_resumed();
}

#[test]
fn curl_shows_its_certificate() {
    let files = Files::new();
    let home = TempDir::new();
    home.file("file", "content");
    let authority = files.path("authority.pem").display().to_string();
    let server = Launch::new()
        .tls(&files)
        .option("client_cert_user", "CN")
        .option("ca_certs_file", &authority)
        .option("require_cert", "YES")
        .option("validate_cert", "YES")
        .account("ann", "word", home.path())
        .start();
    let ann = Authority::known().user("ann");
    let pem = format!("{}{}", ann.certificate, ann.key);
    let own = files.home.file("ann.pem", pem).display().to_string();
    let client = Client::new("curl", "curl");
    let url = format!("ftp://localhost:{}/file", server.address().port());
    let words = ["-sS", "--fail", "-4", "--ssl-reqd", "--cacert", &authority];
    let shown = ["--cert", &own, "-u", "ann:", &url, "-o", "got"];
    client.run(&[&words[..], &shown[..]].concat()).succeed();
    assert_eq!(client.home().read("got"), b"content");
    server.wait_for_log("proved by its certificate");
    let finished = client.run(&[&words[..], &["-u", "ann:word", &url]].concat());
    assert!(!finished.status.success());
}

fn lftp(site: &Site, settings: &str, commands: &str) -> Client {
    let client = Client::new("lftp", "lftp");
    let authority = site.authority();
    let script = format!(
        "set cmd:fail-exit yes; set net:max-retries 1; set net:timeout 20; set net:reconnect-interval-base 1; \
         set cmd:save-cwd-history no; set cmd:save-rl-history no; set ftp:ssl-force yes; \
         set ftp:ssl-protect-data yes; set ftp:ssl-protect-list yes; set ssl:ca-file {authority}; {settings} \
         open -u ann,word -p {} ftp://localhost; {commands}",
        site.port()
    );
    client.run(&["-c", &script]).succeed();
    client
}

/// lftp reads the authorities of the whole system anew for each connection,
/// which takes it some 40 ms.
#[test]
fn lftp_mirrors_a_tree_both_ways() {
    for settings in [
        "",
        "set ftp:passive-mode off;",
        "set mirror:parallel-transfer-count 4;",
    ] {
        let site = site(&[]);
        let client = lftp(
            &site,
            settings,
            "mirror tree/src/control got; mirror -R got back",
        );
        let tree = site.home.path().join("tree/src/control");
        same_tree(&tree, &client.path("got"), Compare::Everything);
        same_tree(&tree, &site.home.path().join("back"), Compare::Files);
    }
}

#[test]
fn lftp_fetches_many_small_files_in_one_session() {
    let mut site = site(&[("require_ssl_reuse", "YES")]);
    for number in 0..200 {
        site.home.file(format!("many/{number}"), noise(number));
    }
    let client = lftp(&site, "", "mirror many got");
    let many = site.home.path().join("many");
    same_tree(&many, &client.path("got"), Compare::Everything);
    site.all_resumed();
}

#[test]
fn wget_fetches_over_explicit_and_implicit_tls() {
    for implicit in [false, true] {
        let options: &[(&str, &str)] = if implicit {
            &[("implicit_ssl", "YES")]
        } else {
            &[]
        };
        let site = site(options);
        site.home.file("file", "content");
        let client = Client::new("wget", "wget");
        let authority = format!("--ca-certificate={}", site.authority());
        let url = format!("ftps://ann:word@localhost:{}/file", site.port());
        let mut words = vec!["-q", "-4", "--tries=1", &authority];
        if implicit {
            words.push("--ftps-implicit");
        }
        words.push(&url);
        client.run(&words).succeed();
        assert_eq!(client.home().read("file"), b"content", "{implicit}");
    }
}

/// FTP_TLS as Python has it does not resume; this is how people teach it.
const PYTHON: &str = r#"
import ftplib, io, ssl, sys
port, authority, version = sys.argv[1:4]

class Resuming(ftplib.FTP_TLS):
    def ntransfercmd(self, cmd, rest=None):
        conn, size = ftplib.FTP.ntransfercmd(self, cmd, rest)
        if self._prot_p:
            conn = self.context.wrap_socket(conn, server_hostname=self.host, session=self.sock.session)
        return conn, size

context = ssl.create_default_context(cafile=authority)
context.maximum_version = getattr(ssl.TLSVersion, version)
ftp = Resuming(context=context, timeout=20)
ftp.connect("localhost", int(port))
ftp.login("ann", "word")
ftp.prot_p()
for passive in (True, False):
    ftp.set_pasv(passive)
    for number in range(150):
        ftp.storbinary("STOR up", io.BytesIO(b"x" * number * 100))
        out = io.BytesIO()
        ftp.retrbinary("RETR up", out.write)
        assert out.getvalue() == b"x" * number * 100, number
        assert "up" in ftp.nlst()
print(ftp.quit())
"#;

#[test]
fn python_resumes_for_hundreds_of_transfers() {
    for version in ["TLSv1_2", "TLSv1_3"] {
        let mut site = site(&[("require_ssl_reuse", "YES")]);
        let client = Client::new("python3", "python3");
        let (port, authority) = (site.port(), site.authority());
        let words = ["-I", "-c", PYTHON, &port, &authority, version];
        let finished = client.run(&words).succeed();
        assert!(finished.stdout.starts_with(b"221"), "{version}");
        site.all_resumed();
    }
}

#[test]
fn python_as_it_is_needs_auto() {
    let site = site(&[("require_ssl_reuse", "AUTO")]);
    site.home.file("file", "content");
    let client = Client::new("python3", "python3");
    let script = r#"
import ftplib, ssl, sys
context = ssl.create_default_context(cafile=sys.argv[2])
ftp = ftplib.FTP_TLS(context=context, timeout=20)
ftp.connect("localhost", int(sys.argv[1]))
ftp.login("ann", "word")
ftp.prot_p()
for _ in range(100):
    ftp.retrbinary("RETR file", lambda part: None)
ftp.prot_c()
try:
    ftp.nlst()
except ftplib.error_perm as error:
    print(str(error)[:3])
ftp.prot_p()
ftp.nlst()
ftp.ccc()
"#;
    let (port, authority) = (site.port(), site.authority());
    let finished = client.run(&["-I", "-c", script, &port, &authority]);
    // CCC is off, and all before it went well.
    let words = finished.words();
    assert!(finished.stdout.starts_with(b"521"), "{words}");
    assert!(words.contains("502"), "{words}");
}

#[test]
fn openssl_sees_versions_groups_and_the_end_of_renegotiation() {
    let site = site(&[]);
    let client = Client::new("openssl", "openssl");
    let address = format!("localhost:{}", site.port());
    let authority = site.authority();
    let usual = ["s_client", "-starttls", "ftp", "-connect", &address];
    let talk = |words: &[&str], script: &str| {
        let checked = ["-CAfile", &authority, "-verify_return_error"];
        let words = [&usual[..], &checked[..], words].concat();
        client.run_script(&words, script)
    };
    for version in ["-tls1_2", "-tls1_3"] {
        let finished = talk(&[version, "-crlf"], "QUIT\n").succeed();
        let words = finished.words();
        assert!(words.contains("Verify return code: 0"), "{words}");
        assert!(words.contains("Verification: OK"), "{words}");
    }
    for version in ["-tls1", "-tls1_1"] {
        let words = [version, "-cipher", "DEFAULT:@SECLEVEL=0"];
        assert!(!talk(&words, "").status.success(), "{version}");
    }
    // A line with R alone asks for new keys of the same connection.
    let finished = talk(&["-tls1_2", "-crlf"], "R\n");
    assert!(
        finished.words().contains("RENEGOTIATING"),
        "{}",
        finished.words()
    );
    site.server.wait_for_log("renegotiation, which is refused");
    site.server.connect().command("NOOP", 200);
}
