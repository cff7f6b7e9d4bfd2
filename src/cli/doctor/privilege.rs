//! Active mode from ftp_data_port: whether that port may be bound.

use super::Found;
use super::machine::Machine;
use crate::config::{Config, Symptom};

/// CAP_NET_BIND_SERVICE, as a bit of CapEff (capabilities(7)).
const NET_BIND_SERVICE: u64 = 1 << 10;

/// Judges whether data connections can leave from the port that is wanted.
pub(super) fn judge(config: &Config, machine: &Machine, found: &mut Found) {
    let port = config.ftp_data_port();
    if !config.port_enable() || !config.connect_from_port_20() {
        return;
    }
    // Port 0 is any port, which anybody may have.
    let free_from = machine.unprivileged_start.trim().parse().unwrap_or(1024);
    if port == 0 || port >= free_from {
        return;
    }
    if capabilities(&machine.status).is_some_and(|held| held & NET_BIND_SERVICE == 0) {
        let symptom = Symptom::NeedsPrivilege {
            port,
            free_from,
            user: machine.user,
        };
        found.push(("connect_from_port_20", symptom));
    }
}

/// The effective capabilities of a process, by its /proc/PID/status.
fn capabilities(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("CapEff:"));
    u64::from_str_radix(line?.trim(), 16).ok()
}

#[cfg(test)]
mod tests {
    use super::super::tests::told;
    use super::*;

    fn lines(text: &str, status: &str, start: &str) -> Vec<String> {
        let machine = Machine {
            user: 1000,
            status: status.to_owned(),
            unprivileged_start: start.to_owned(),
            ..Machine::default()
        };
        told(judge, text, &machine)
    }

    const NONE: &str = "Name:\tx\nCapPrm:\t000001ffffffffff\nCapEff:\t0000000000000000\n";
    const ONE: &str = "CapEff:\t0000000000000400\n";

    #[test]
    fn port_20_without_privilege_is_told() {
        let [line] = lines("connect_from_port_20=YES", NONE, "1024\n")
            .try_into()
            .unwrap();
        assert!(
            line.starts_with("Warning f:1: connect_from_port_20: port 20 cannot be bound"),
            "{line}"
        );
        assert!(line.contains("user id 1000"), "{line}");
        let without_sysctl = lines("connect_from_port_20=YES", NONE, "");
        assert_eq!(without_sysctl.len(), 1);
    }

    #[test]
    fn nothing_is_told_where_the_port_can_be_had_or_is_not_wanted() {
        for (text, status, start) in [
            ("", NONE, "1024"),
            ("connect_from_port_20=YES", ONE, "1024"),
            ("connect_from_port_20=YES", NONE, "20"),
            ("connect_from_port_20=YES", NONE, "0"),
            ("connect_from_port_20=YES\nport_enable=NO", NONE, "1024"),
            ("connect_from_port_20=YES\nftp_data_port=2020", NONE, "1024"),
            ("connect_from_port_20=YES\nftp_data_port=0", NONE, "1024"),
            ("connect_from_port_20=YES", "", "1024"),
            ("connect_from_port_20=YES", "CapEff:\tz\n", "1024"),
        ] {
            assert_eq!(lines(text, status, start), [""; 0], "{text} {status:?}");
        }
    }
}
