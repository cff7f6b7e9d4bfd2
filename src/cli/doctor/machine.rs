//! What the machine says about its network, gathered and not understood.

use crate::sys::{interfaces, process};
use std::fs;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::process::Command;

/// Where nft may stand: a user's PATH often leaves out the folders of system
/// tools.
const NFT: [&str; 4] = ["nft", "/usr/sbin/nft", "/sbin/nft", "/usr/local/sbin/nft"];

/// The texts. One that cannot be read is empty, and judged like nothing.
#[derive(Debug, Default)]
pub(super) struct Machine {
    /// IPv4 addresses of all interfaces.
    pub(super) addresses: Vec<Ipv4Addr>,
    /// IPv6 addresses that are valid beyond one link.
    pub(super) addresses6: Vec<Ipv6Addr>,
    /// Devices, loopback left out, that have such addresses.
    pub(super) devices: Vec<String>,
    /// Effective user id.
    pub(super) user: u32,
    /// /proc/self/status.
    pub(super) status: String,
    /// net.ipv4.ip_unprivileged_port_start.
    pub(super) unprivileged_start: String,
    /// net.ipv4.ip_local_port_range.
    pub(super) local_ports: String,
    /// net.ipv4.ip_local_reserved_ports.
    pub(super) reserved_ports: String,
    /// net.netfilter.nf_conntrack_helper, which older kernels have.
    pub(super) conntrack_helper: String,
    /// What nft says.
    pub(super) rules: Rules,
}

/// The answer to `nft -j list ruleset`.
#[derive(Debug, Default)]
pub(super) enum Rules {
    /// There is no nft here, hence no ruleset that it made.
    #[default]
    Absent,
    /// It failed, for this reason.
    Unseen(String),
    /// JSON, as libnftables-json(5) describes it.
    Text(String),
}

impl Machine {
    /// Looks at the machine this runs on.
    pub(super) fn look() -> Machine {
        let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
        let mut machine = Machine {
            user: process::effective_user(),
            status: read("/proc/self/status"),
            unprivileged_start: read("/proc/sys/net/ipv4/ip_unprivileged_port_start"),
            local_ports: read("/proc/sys/net/ipv4/ip_local_port_range"),
            reserved_ports: read("/proc/sys/net/ipv4/ip_local_reserved_ports"),
            conntrack_helper: read("/proc/sys/net/netfilter/nf_conntrack_helper"),
            rules: rules(),
            ..Machine::default()
        };
        for interface in interfaces::addresses().unwrap_or_default() {
            match interface.address {
                IpAddr::V4(address) => machine.addresses.push(address),
                IpAddr::V6(address) if address.is_unicast_link_local() => continue,
                IpAddr::V6(address) => machine.addresses6.push(address),
            }
            if !interface.loopback && !machine.devices.contains(&interface.name) {
                machine.devices.push(interface.name);
            }
        }
        machine
    }
}

fn rules() -> Rules {
    for nft in NFT {
        let output = match Command::new(nft).args(["-j", "list", "ruleset"]).output() {
            Ok(output) => output,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Rules::Unseen(error.to_string()),
        };
        if output.status.success() {
            return Rules::Text(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        let words = String::from_utf8_lossy(&output.stderr).into_owned();
        let first = words.lines().next().unwrap_or("it failed");
        return Rules::Unseen(first.to_owned());
    }
    Rules::Absent
}
