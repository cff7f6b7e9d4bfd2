//! `--check` looks at the machine: will data connections come about here, and
//! will PAM let users of the system in?
//!
//! `machine` gathers what /proc and nft say, as text; the other files judge
//! it and touch nothing, so that their tests bring texts of their own. What is
//! found is worded in `config::symptom`.
#![forbid(unsafe_code)]

mod addresses;
mod filter;
mod firewall;
mod machine;
mod matches;
mod pam;
mod passive;
mod privilege;
mod ruleset;

use crate::auth::authenticator::service_file;
use crate::config::{Config, Finding, Note, Origin, Symptom, danger, disputed, needs};
use machine::Machine;
use std::net::IpAddr;

/// What is odd about running `config` on this machine.
pub(super) fn findings(config: &Config) -> Vec<Finding> {
    let mut found = Found::new();
    pam::judge(config, |name| service_file(name).is_some(), &mut found);
    // What serves its own machine only meets no router and no firewall.
    if !serves_itself_only(config) {
        judge(config, &Machine::look(), &mut found);
    }
    let mut findings = danger::findings(config);
    findings.extend(needs::idle(config));
    findings.extend(disputed::findings(config));
    findings.extend(told(config, found));
    findings
}

fn serves_itself_only(config: &Config) -> bool {
    let listeners = config.listeners();
    listeners.iter().all(|l| l.address.ip().is_loopback())
}

fn judge(config: &Config, machine: &Machine, found: &mut Found) {
    passive::judge(config, machine, found);
    privilege::judge(config, machine, found);
    firewall::judge(config, machine, found);
}

fn told(config: &Config, found: Found) -> Vec<Finding> {
    found
        .into_iter()
        .map(|(option, symptom)| Finding::of(config, option, Note::Machine(symptom)))
        .collect()
}

/// What was found, each with the option it is about.
type Found = Vec<(&'static str, Symptom)>;

/// The option that says which ports are passive, and whether somebody set it.
fn range_option(config: &Config) -> (&'static str, bool) {
    let set = |option: &&str| *config.origin(option) != Origin::Builtin;
    let options = ["pasv_ports", "pasv_max_port", "pasv_min_port"];
    match options.into_iter().find(set) {
        // The last of several settings may have emptied it again.
        Some("pasv_ports") if config.pasv_ports().is_empty() => ("pasv_max_port", false),
        Some(option) => (option, true),
        None => ("pasv_max_port", false),
    }
}

/// Whether clients come to a socket of this family: IPv4, or else IPv6. A
/// socket on every IPv6 address serves both unless it is told not to.
fn serves(config: &Config, v4: bool) -> bool {
    config.listeners().iter().any(|l| match l.address.ip() {
        IpAddr::V4(_) => v4,
        IpAddr::V6(address) => !v4 || (address.is_unspecified() && !l.only_v6),
    })
}

/// The addresses that clients connect to: those of the sockets, or of the
/// machine where a socket is on all of them.
fn own_addresses(config: &Config, machine: &Machine) -> Vec<IpAddr> {
    let v4 = || machine.addresses.iter().copied().map(IpAddr::V4);
    let v6 = || machine.addresses6.iter().copied().map(IpAddr::V6);
    let mut own = Vec::new();
    for listener in config.listeners() {
        match listener.address.ip() {
            address if !address.is_unspecified() => own.push(address),
            IpAddr::V4(_) => own.extend(v4()),
            IpAddr::V6(_) if listener.only_v6 => own.extend(v6()),
            IpAddr::V6(_) => own.extend(v4().chain(v6())),
        }
    }
    own.retain(|address| !address.is_loopback());
    own.sort_unstable();
    own.dedup();
    own
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn config(text: &str) -> Config {
        Config::of_text(text)
    }

    /// What one judge finds, with place and severity.
    pub(super) fn told(
        judge: fn(&Config, &Machine, &mut Found),
        text: &str,
        machine: &Machine,
    ) -> Vec<String> {
        let config = config(text);
        let mut found = Vec::new();
        judge(&config, machine, &mut found);
        let line = |(option, symptom): (&str, Symptom)| {
            let severity = symptom.severity();
            format!(
                "{severity:?} {}: {option}: {symptom}",
                config.origin(option)
            )
        };
        found.into_iter().map(line).collect()
    }

    #[test]
    fn findings_name_file_line_and_option() {
        let machine = Machine {
            addresses: vec!["192.168.1.2".parse().unwrap()],
            ..Machine::default()
        };
        let config = config("\npasv_min_port=30000\npasv_max_port=30001\n");
        let mut found = Found::new();
        judge(&config, &machine, &mut found);
        let lines: Vec<String> = super::told(&config, found)
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(lines.len(), 2, "{lines:?}");
        assert!(lines[0].starts_with("default: pasv_address: PASV announces a private address"));
        assert!(lines[1].starts_with("f:3: pasv_max_port: 2 ports, but 50 sessions"));
    }

    #[test]
    fn a_server_for_its_own_machine_has_nothing_to_fear() {
        assert!(serves_itself_only(&config("listen_address=127.0.0.1")));
        assert!(!serves_itself_only(&config("")));
        assert!(!serves_itself_only(&config(
            "listen_address=127.0.0.1\nlisten_ipv6=YES"
        )));
    }

    #[test]
    fn families_are_those_of_the_sockets() {
        let both = |text| (serves(&config(text), true), serves(&config(text), false));
        assert_eq!(both(""), (true, false));
        assert_eq!(both("listen=NO\nlisten_ipv6=YES"), (true, true));
        assert_eq!(
            both("listen=NO\nlisten_ipv6=YES\nlisten_address6=2001:db8::1"),
            (false, true)
        );
        assert_eq!(both("listen_ipv6=YES"), (true, true));
    }

    #[test]
    fn the_option_of_the_range_is_the_one_that_was_set() {
        assert_eq!(range_option(&config("")), ("pasv_max_port", false));
        let min = config("pasv_min_port=30000");
        assert_eq!(range_option(&min), ("pasv_min_port", true));
        let list = config("pasv_min_port=30000\npasv_ports=5");
        assert_eq!(range_option(&list), ("pasv_ports", true));
        assert_eq!(
            range_option(&config("pasv_ports=")),
            ("pasv_max_port", false)
        );
    }
}
