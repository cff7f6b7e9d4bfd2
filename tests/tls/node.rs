//! Node's basic-ftp, passive mode alone, since it knows no other. It begins
//! TLS on data connections before it has said what they are for.
//!
//! Files of no length are left out: where it resumes it takes the connection
//! for agreed on before the handshake, since Node names the cipher of the
//! session offered, and an end without content then resets it. No server can
//! help that; 522 tells the user that nothing was stored.

use std::fs;
use std::path::Path;

use super::programs::{Site, site};
use super::support::client::Client;
use super::support::left_out;
use super::support::tree::{Compare, same_tree};

/// As in tests/conformance/peers.sh, which fetches it.
const VERSION: &str = "6.2.3";

/// Where it is, or why it is not there.
fn module() -> Result<String, String> {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
    let peers = target.join("peers");
    let module = peers.join(format!("basic-ftp-{VERSION}/package"));
    if module.join("package.json").is_file() {
        return Ok(module.display().to_string());
    }
    let reason = fs::read_to_string(peers.join("basic-ftp.missing"));
    let reason = reason.unwrap_or_else(|_| "run tests/conformance/peers.sh".to_owned());
    Err(format!("basic-ftp: {}", reason.trim()))
}

/// Hundreds of transfers in one session, and a tree both ways.
#[track_caller]
fn at_work(site: &Site, module: &str, version: &str, how: &str) {
    let client = Client::new("node", "nodejs");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tls/node.js");
    let (script, port, authority) = (script.display().to_string(), site.port(), site.authority());
    let words = [&script, module, &port, &authority, version, how];
    let finished = client.run(&words).succeed();
    assert_eq!(finished.stdout, b"done\n", "{}", finished.words());
    let tree = site.home.path().join("tree/src/control");
    same_tree(&tree, &client.path("got"), Compare::Files);
    same_tree(&tree, &site.home.path().join("back"), Compare::Files);
}

#[test]
fn it_resumes_for_hundreds_of_transfers() {
    let module = match module() {
        Ok(module) => module,
        Err(reason) => return left_out(&reason),
    };
    for version in ["TLSv1.2", "TLSv1.3"] {
        let mut site = site(&[("require_ssl_reuse", "YES")]);
        at_work(&site, &module, version, "explicit");
        site.all_resumed();
    }
}

#[test]
fn it_resumes_over_implicit_tls() {
    let module = match module() {
        Ok(module) => module,
        Err(reason) => return left_out(&reason),
    };
    let mut site = site(&[("require_ssl_reuse", "YES"), ("implicit_ssl", "YES")]);
    at_work(&site, &module, "TLSv1.3", "implicit");
    site.all_resumed();
}
