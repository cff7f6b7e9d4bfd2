//! rclone, by Go's crypto/tls: several connections at once that share one
//! store of sessions, a ticket of which it uses again and again.

use super::programs::{Site, site};
use super::support::client::Client;
use super::support::temp::TempDir;
use super::support::tree::{Compare, noise, same_tree};

/// Small files in `root`/many.
const FILES: usize = 240;

fn many(root: &TempDir) {
    for number in 0..FILES {
        root.file(format!("many/{}/{number}", number % 7), noise(number * 31));
    }
}

/// rclone at work with the site, whose authority Go reads from a file.
struct Rclone {
    client: Client,
    usual: Vec<String>,
}

impl Rclone {
    fn new(site: &Site, how: &[&str]) -> Rclone {
        Client::new("rclone", "rclone");
        let client = Client::new("env", "coreutils");
        let hidden = client.run(&["rclone", "obscure", "word"]).succeed();
        let hidden = String::from_utf8(hidden.stdout).unwrap();
        let port = site.port();
        let own = [
            "--config=rclone.conf",
            "--retries=1",
            "--low-level-retries=1",
            "--ftp-host=localhost",
            "--ftp-user=ann",
            "--ftp-port",
            &port,
            "--ftp-pass",
            hidden.trim(),
        ];
        client.home().file("rclone.conf", "");
        let authority = format!("SSL_CERT_FILE={}", site.authority());
        let mut usual = vec![authority, "rclone".to_owned()];
        usual.extend(own.iter().chain(how).map(ToString::to_string));
        Rclone { client, usual }
    }

    #[track_caller]
    fn run(&self, words: &[&str]) {
        let own = words.iter().map(ToString::to_string);
        let all: Vec<String> = self.usual.iter().cloned().chain(own).collect();
        self.client.run(&all).succeed();
    }

    /// Copies a tree down and up again; both are to be what it was.
    #[track_caller]
    fn both_ways(&self, site: &Site) {
        many(&site.home);
        let tree = site.home.path().join("many");
        self.run(&["copy", ":ftp:many", "got"]);
        same_tree(&tree, &self.client.path("got"), Compare::Files);
        self.run(&["copy", "got", ":ftp:back"]);
        same_tree(&tree, &site.home.path().join("back"), Compare::Files);
        self.run(&["check", "--download", "got", ":ftp:back"]);
    }
}

/// One connection for all: with several, see below.
const ALONE: [&str; 3] = ["--transfers=1", "--checkers=1", "--ftp-concurrency=1"];

#[test]
fn it_copies_a_tree_both_ways_over_explicit_tls() {
    for version in ["--ftp-disable-tls13=false", "--ftp-disable-tls13"] {
        let mut site = site(&[("require_ssl_reuse", "YES")]);
        let how = [&ALONE[..], &["--ftp-explicit-tls", version]].concat();
        Rclone::new(&site, &how).both_ways(&site);
        site.all_resumed();
    }
}

#[test]
fn it_copies_a_tree_both_ways_over_implicit_tls() {
    let mut site = site(&[("require_ssl_reuse", "YES"), ("implicit_ssl", "YES")]);
    let how = [&ALONE[..], &["--ftp-tls", "--ftp-no-check-certificate"]].concat();
    Rclone::new(&site, &how).both_ways(&site);
    site.all_resumed();
}

/// Its first connection lists the tree; those that come then resume its
/// session, and so are of one line with it.
#[test]
fn it_copies_a_tree_with_several_connections_at_once() {
    for value in ["YES", "AUTO"] {
        let mut site = site(&[("require_ssl_reuse", value)]);
        Rclone::new(&site, &["--ftp-explicit-tls"]).both_ways(&site);
        site.all_resumed();
    }
}

/// Without a store of sessions it has none to resume.
#[test]
fn without_its_store_it_needs_auto() {
    let site = site(&[("require_ssl_reuse", "AUTO")]);
    let how = ["--ftp-explicit-tls", "--ftp-tls-cache-size=0"];
    Rclone::new(&site, &how).both_ways(&site);
}

#[test]
fn it_takes_no_certificate_of_a_stranger() {
    let site = site(&[]);
    let mut rclone = Rclone::new(&site, &["--ftp-explicit-tls"]);
    rclone.usual.remove(0);
    let list = ["lsf".to_owned(), ":ftp:".to_owned()];
    let words: Vec<String> = rclone.usual.iter().cloned().chain(list).collect();
    let finished = rclone.client.run(&words);
    assert!(!finished.status.success());
    assert!(finished.words().contains("x509"), "{}", finished.words());
}
