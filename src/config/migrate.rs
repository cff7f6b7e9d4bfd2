//! A configuration written out anew, as a commented file of ironftpd's own:
//! `--migrate`.
#![forbid(unsafe_code)]

use super::error::Origin;
use super::finding::{Finding, Note};
use super::notes::Vain;
use super::options::{Config, OPTIONS};
use super::print::{comment, explained, setting};
use super::spec::OptionSpec;

/// What `config` sets, explained; and what it sets in vain, as the findings
/// tell. A file in which an option stands twice has it once here.
#[must_use]
pub fn migrated(config: &Config, findings: &[Finding]) -> Vec<u8> {
    let mut out = Vec::from(
        &b"# Configuration of ironftpd(8), made from that of vsftpd by ironftpd --migrate.\n\
           # ironftpd.conf(5) has the options that are not set here.\n"[..],
    );
    let is_set = |spec: &&OptionSpec| *config.origin(spec.name) != Origin::Builtin;
    let mut group = "";
    for spec in OPTIONS.iter().filter(is_set) {
        if spec.group != group {
            out.extend_from_slice(format!("\n\n# --- {} ---\n", spec.group).as_bytes());
            group = spec.group;
        }
        out.push(b'\n');
        out.extend_from_slice(explained(spec).as_bytes());
        setting(&mut out, config, spec);
    }
    let in_vain = |finding: &&Finding| matches!(finding.note, Note::Vain(Vain::Moot(_)));
    let mut told = Vec::new();
    for finding in findings.iter().filter(in_vain) {
        let name = finding.option.as_deref().unwrap_or_default();
        if told.contains(&name) {
            continue;
        }
        if told.is_empty() {
            out.extend_from_slice(b"\n\n# --- Set before, without effect here ---\n\n");
        }
        told.push(name);
        let text = format!("{name}: {}.", finding.note);
        out.extend_from_slice(comment(&text).as_bytes());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::load::Reading;
    use super::*;
    use std::path::Path;

    fn read(text: &[u8]) -> (Config, Vec<Finding>) {
        let mut reading = Reading::new();
        reading.text(Path::new("f"), text);
        reading.unchecked().unwrap()
    }

    #[test]
    fn what_was_set_is_set_again_and_explained() {
        let file = b"# old words\nlisten=YES\nanon_umask=022\nftpd_banner= Hello \xff\n\
            isolate=NO\nmax_clients=3\nmax_clients=4\nasync_abor_enable=YES\nisolate=YES\n";
        let (config, findings) = read(file);
        let text = migrated(&config, &findings);
        let (again, findings) = read(&text);
        assert!(findings.is_empty(), "{findings:?}");
        for spec in OPTIONS {
            assert_eq!(again.text_of(spec), config.text_of(spec), "{}", spec.name);
        }
        let text = String::from_utf8_lossy(&text).into_owned();
        assert!(text.contains("# --- Listening ---\n\n# Listen for control connections"));
        assert!(text.contains("\nmax_clients=4\n") && !text.contains("max_clients=3"));
        assert_eq!(text.matches("# isolate: has no meaning here").count(), 1);
        assert!(text.lines().all(|line| line.len() <= 80), "{text}");
        assert!(!text.contains("listen_port="));
    }

    #[test]
    fn from_nothing_comes_nothing() {
        let (config, findings) = read(b"");
        let text = String::from_utf8(migrated(&config, &findings)).unwrap();
        assert!(text.lines().all(|line| line.starts_with('#')));
    }
}
