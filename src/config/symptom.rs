//! What the machine's network will do to data connections that the
//! configuration asks for: what happens, and what to do about it.
//!
//! Only `--check` looks for these; who looks and how is not known here.
#![forbid(unsafe_code)]

use std::fmt;
use std::net::Ipv4Addr;

use super::finding::Severity;

/// One thing seen on the machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Symptom {
    /// PASV will announce private addresses only.
    PrivateAddress(Vec<Ipv4Addr>),
    /// One address may hold more sessions than there are passive ports.
    FewPorts {
        /// How many ports there are.
        ports: usize,
        /// How many sessions one address may hold; `None` is any number.
        sessions: Option<u32>,
        /// The option that says so.
        limit: &'static str,
    },
    /// The source port of active data connections cannot be bound.
    NeedsPrivilege {
        /// That port.
        port: u32,
        /// The lowest port that needs no privilege.
        free_from: u32,
        /// User id of whoever looks.
        user: u32,
    },
    /// The kernel gives passive ports to outgoing connections.
    Ephemeral {
        /// Those ports.
        ports: String,
        /// The kernel's range.
        range: (u16, u16),
        /// What net.ipv4.ip_local_reserved_ports should be.
        reserve: String,
        /// Whether the range is wide enough to do without some of them.
        enough: bool,
    },
    /// PAM has no file for this service.
    NoPamFile(String),
    /// A firewall drops connections.
    Shut(Shut),
    /// The firewall's rules could not be read, for this reason.
    RulesUnseen(String),
    /// There may be more sessions than descriptors.
    FewDescriptors {
        /// The largest number of sessions.
        clients: u32,
        /// How many descriptors the server may have.
        descriptors: u64,
    },
    /// So many workers only, by the system's limits of threads.
    FewWorkers(usize),
}

/// Connections that a firewall drops.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shut {
    /// To these ports.
    pub ports: String,
    /// Of this base chain: family, table, chain.
    pub chain: [String; 3],
    /// Whether these are data connections, not the control connection.
    pub data: bool,
    /// Only of some clients, as far as the rules tell.
    pub for_some: bool,
    /// The ports are those of the default range, which nobody opens as it is.
    pub default_range: bool,
}

impl Symptom {
    /// How much it matters.
    #[must_use]
    pub fn severity(&self) -> Severity {
        match self {
            Symptom::PrivateAddress(_)
            | Symptom::RulesUnseen(_)
            | Symptom::Ephemeral { enough: true, .. } => Severity::Info,
            _ => Severity::Warning,
        }
    }
}

impl fmt::Display for Symptom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Symptom::PrivateAddress(addresses) => private_address(f, addresses),
            Symptom::FewPorts {
                ports,
                sessions,
                limit,
            } => few_ports(f, *ports, *sessions, limit),
            Symptom::NeedsPrivilege {
                port,
                free_from,
                user,
            } => write!(
                f,
                "port {port} cannot be bound by user id {user} without CAP_NET_BIND_SERVICE \
                 (ports from {free_from} up can): started like this check, every transfer in \
                 active mode ends with 425; start as root or give the service \
                 AmbientCapabilities=CAP_NET_BIND_SERVICE, or set connect_from_port_20=NO"
            ),
            Symptom::Ephemeral {
                ports,
                range: (first, last),
                reserve,
                enough,
            } => {
                write!(
                    f,
                    "the kernel gives ports {ports} to outgoing connections as well \
                     (net.ipv4.ip_local_port_range is {first} to {last}), and PASV cannot have \
                     one that another program holds; {}\
                     net.ipv4.ip_local_reserved_ports={reserve} in /etc/sysctl.d reserves them",
                    if *enough {
                        "the range can spare some; "
                    } else {
                        ""
                    }
                )
            }
            Symptom::NoPamFile(service) => write!(
                f,
                "PAM has no file for the service \"{service}\" (/etc/pam.d/{service}): it goes \
                 by that of \"other\", which may refuse everybody; ironftpd comes with one for \
                 pam_service_name=ironftpd"
            ),
            Symptom::Shut(shut) => shut.fmt(f),
            Symptom::FewDescriptors {
                clients,
                descriptors,
            } => write!(
                f,
                "{clients} sessions need more descriptors than there may be (RLIMIT_NOFILE is \
                 {descriptors}), and clients will be turned away: raise it (LimitNOFILE= of \
                 systemd, ulimit -n) to twice as many and more, or lower max_clients"
            ),
            Symptom::FewWorkers(workers) => write!(
                f,
                "the limits of threads allow {workers} workers, and so many transfers at once: \
                 raise them (ulimit -u, TasksMax= of systemd, pids.max of the cgroup)"
            ),
            Symptom::RulesUnseen(reason) => write!(
                f,
                "whether the firewall lets clients in is not known: nft list ruleset: {reason}"
            ),
        }
    }
}

fn private_address(f: &mut fmt::Formatter<'_>, addresses: &[Ipv4Addr]) -> fmt::Result {
    let addresses: Vec<String> = addresses.iter().map(ToString::to_string).collect();
    write!(
        f,
        "PASV announces a private address ({}), which clients beyond a translating router cannot \
         reach; if there are any, set pasv_address to the router's public address, or give it to \
         0.0.0.0/0 in pasv_address_map if there are clients on both sides",
        addresses.join(", ")
    )
}

fn few_ports(
    f: &mut fmt::Formatter<'_>,
    ports: usize,
    sessions: Option<u32>,
    limit: &str,
) -> fmt::Result {
    match (ports, sessions) {
        (1, Some(sessions)) => write!(f, "1 port, but {sessions}"),
        (_, Some(sessions)) => write!(f, "{ports} ports, but {sessions}"),
        (1, None) => f.write_str("1 port, but any number of"),
        (_, None) => write!(f, "{ports} ports, but any number of"),
    }?;
    write!(
        f,
        " sessions of one address may want one at once ({limit}={}), and ports are shared only \
         by clients at different addresses; the one too many gets 425, which happens to many \
         users behind one translating router: widen the range or lower the limit",
        sessions.unwrap_or(0)
    )
}

impl fmt::Display for Shut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [family, table, chain] = &self.chain;
        let several = self.ports.contains([',', '-']);
        let ports = format!("port{} {}", if several { "s" } else { "" }, self.ports);
        let place = format!("nftables, {family} {table} {chain}");
        match (self.data, self.for_some) {
            (false, _) => write!(
                f,
                "the firewall ({place}) drops connections to {ports}: no client gets as far as \
                 the greeting; "
            )?,
            (true, false) => write!(
                f,
                "the firewall ({place}) drops connections to {ports}: clients log in, and \
                 listings and transfers in passive mode hang there until they time out; "
            )?,
            (true, true) => write!(
                f,
                "the firewall ({place}) opens {ports} to some interfaces or addresses only, and \
                 the control connection to all: listings and transfers in passive mode may hang \
                 for the others; "
            )?,
        }
        if self.default_range {
            f.write_str("choose a small range with pasv_min_port and pasv_max_port, and open that")
        } else {
            self.advise(f)
        }
    }
}

impl Shut {
    /// The command that opens the ports, of the tool that keeps the table.
    fn advise(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [family, table, chain] = &self.chain;
        if table == "firewalld" {
            f.write_str("open them with: firewall-cmd --permanent")?;
            for part in self.ports.split(',') {
                write!(f, " --add-port={part}/tcp")?;
            }
            return f.write_str(" && firewall-cmd --reload");
        }
        let of_iptables = match (table.as_str(), chain.as_str()) {
            ("filter", "INPUT") => Some(""),
            ("raw", "PREROUTING") => Some("-t raw "),
            ("mangle", "PREROUTING") => Some("-t mangle "),
            ("mangle", "INPUT") => Some("-t mangle "),
            _ => None,
        };
        if let Some(of_table) = of_iptables {
            let tool = if family == "ip6" {
                "ip6tables"
            } else {
                "iptables"
            };
            let ports = self.ports.replace('-', ":");
            let matched = if ports.contains(',') {
                format!("-m multiport --dports {ports}")
            } else {
                format!("--dport {ports}")
            };
            return write!(
                f,
                "open them with: {tool} {of_table}-I {chain} -p tcp {matched} -j ACCEPT"
            );
        }
        let ports = if self.ports.contains(',') {
            format!("{{ {} }}", self.ports.replace(',', ", "))
        } else {
            self.ports.clone()
        };
        write!(
            f,
            "open them with: nft insert rule {family} {table} {chain} tcp dport {ports} accept"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shut(chain: [&str; 3], ports: &str) -> Shut {
        Shut {
            ports: ports.to_owned(),
            chain: chain.map(str::to_owned),
            data: true,
            for_some: false,
            default_range: false,
        }
    }

    #[test]
    fn the_tool_that_keeps_the_table_opens_the_ports() {
        for (chain, ports, command) in [
            (
                ["inet", "site", "in"],
                "30000-30009,30020",
                ": nft insert rule inet site in tcp dport { 30000-30009, 30020 } accept",
            ),
            (
                ["inet", "site", "in"],
                "21",
                ": nft insert rule inet site in tcp dport 21 accept",
            ),
            (
                ["inet", "firewalld", "filter_INPUT"],
                "30000-30009,30020",
                ": firewall-cmd --permanent --add-port=30000-30009/tcp --add-port=30020/tcp \
                 && firewall-cmd --reload",
            ),
            (
                ["ip", "filter", "INPUT"],
                "30000-30009",
                ": iptables -I INPUT -p tcp --dport 30000:30009 -j ACCEPT",
            ),
            (
                ["ip", "raw", "PREROUTING"],
                "30000-30009",
                ": iptables -t raw -I PREROUTING -p tcp --dport 30000:30009 -j ACCEPT",
            ),
            (
                ["ip6", "filter", "INPUT"],
                "21,23",
                ": ip6tables -I INPUT -p tcp -m multiport --dports 21,23 -j ACCEPT",
            ),
        ] {
            let text = shut(chain, ports).to_string();
            assert!(text.ends_with(command), "{text}");
        }
    }

    #[test]
    fn nobody_is_told_to_open_the_default_range() {
        let shut = Shut {
            default_range: true,
            ..shut(["inet", "site", "in"], "5001-65535")
        };
        let text = shut.to_string();
        assert!(
            text.contains("pasv_min_port") && !text.contains("nft insert"),
            "{text}"
        );
    }

    #[test]
    fn one_port_is_no_ports() {
        let few = |ports, sessions| {
            let limit = "max_per_ip";
            Symptom::FewPorts {
                ports,
                sessions,
                limit,
            }
            .to_string()
        };
        assert!(few(1, Some(50)).starts_with("1 port, but 50 sessions of one address"));
        assert!(few(9, None).starts_with("9 ports, but any number of sessions"));
        assert!(few(9, None).contains("(max_per_ip=0)"));
    }
}
