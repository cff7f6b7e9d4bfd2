//! `--check` on machines with a network to be warned of, each a network
//! namespace: what the kernel and nft really say, read by the program itself.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use crate::support::process::run;
use crate::support::server::IRONFTPD;
use crate::support::temp::TempDir;
use crate::support::{PATIENCE, is_root, left_out};

/// A network namespace, removed with all rules in it when dropped.
struct Machine {
    name: String,
    directory: TempDir,
}

impl Machine {
    /// One whose loopback device has the address `address` as well; `None`
    /// where there can be none.
    fn new(name: &str, address: &str) -> Option<Machine> {
        let name = format!("ironftpd-{name}-{}", std::process::id());
        let ip = |words: &[&str]| {
            let finished = run(Command::new("ip").args(words), b"", PATIENCE);
            finished.status.success()
        };
        if !is_root() || !ip(&["netns", "add", &name]) {
            left_out("a network namespace needs root and CAP_SYS_ADMIN");
            return None;
        }
        let machine = Machine {
            name,
            directory: TempDir::new(),
        };
        let name = machine.name.as_str();
        assert!(ip(&["-n", name, "link", "set", "lo", "up"]));
        assert!(ip(&["-n", name, "address", "add", address, "dev", "lo"]));
        Some(machine)
    }

    fn inside(&self, program: &[&str]) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.name]).args(program);
        command
    }

    /// Replaces the ruleset.
    #[track_caller]
    fn rules(&self, text: &str) {
        let text = format!("flush ruleset\n{text}");
        let nft = &mut self.inside(&["nft", "-f", "-"]);
        run(nft, text.as_bytes(), PATIENCE).succeed();
    }

    /// Writes a setting of the kernel.
    #[track_caller]
    fn sysctl(&self, name: &str, value: &str) {
        let path = format!("/proc/sys/net/ipv4/{name}");
        let script = "printf %s \"$0\" > \"$1\"";
        let shell = &mut self.inside(&["sh", "-c", script, value, &path]);
        run(shell, b"", PATIENCE).succeed();
    }

    /// What `--check` says to a configuration of these lines, through
    /// `wrapper`; always with status 0.
    #[track_caller]
    fn check_through(&self, wrapper: &[&str], settings: &[&str]) -> Vec<String> {
        let root = format!("anon_root={}", self.directory.path().display());
        let text = [&[root.as_str()], settings].concat().join("\n");
        let file = self.directory.file("site.conf", text);
        fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
        let checked = [IRONFTPD, "--check", file.to_str().unwrap()];
        let command = &mut self.inside(&[wrapper, &checked].concat());
        let finished = run(command.env_remove("RUST_LOG"), b"", PATIENCE).succeed();
        let verdict = String::from_utf8(finished.stdout).unwrap();
        assert!(verdict.starts_with("Privileges: "), "{verdict}");
        let in_order = verdict.ends_with("\nThe configuration is in order.\n");
        assert_eq!(in_order, finished.stderr.is_empty(), "{verdict}");
        let said = String::from_utf8(finished.stderr).unwrap();
        said.lines()
            // Of options that are left out, and not of the machine.
            .filter(|line| !line.contains(": not set: "))
            .map(|line| line.replace(&file.display().to_string(), "site.conf"))
            .collect()
    }

    #[track_caller]
    fn check(&self, settings: &[&str]) -> Vec<String> {
        self.check_through(&[], settings)
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        let delete = ["netns", "delete", &self.name];
        let _ = Command::new("ip").args(delete).status();
    }
}

/// Ten passive ports, which are enough.
const TEN: [&str; 3] = [
    "max_per_ip=10",
    "pasv_min_port=30000",
    "pasv_max_port=30009",
];

/// A ruleset as administrators write it, with more rules at its end.
fn site(more: &str) -> String {
    format!(
        "table inet site {{
            set services {{ type inet_service; flags interval; elements = {{ 21, 80 }} }}
            ct helper ftp-standard {{ type \"ftp\" protocol tcp; }}
            chain incoming {{
                type filter hook input priority filter; policy drop;
                ct state vmap {{ established : accept, invalid : drop }}
                iifname \"lo\" accept
                ip saddr 127.0.0.0/8 accept
                ct status dnat accept
                meta l4proto {{ icmp, ipv6-icmp }} limit rate 10/second accept
                jump world
                counter
            }}
            chain world {{
                tcp dport @services ct state new log prefix \"new \" accept
                tcp dport vmap {{ 22 : accept, 23 : drop }}
                {more}
            }}
        }}"
    )
}

#[test]
fn ports_that_the_firewall_keeps_shut_are_named_with_its_chain() {
    let Some(machine) = Machine::new("shut", "203.0.113.7/32") else {
        return;
    };
    machine.rules(&site(""));
    let [line] = machine.check(&TEN).try_into().unwrap();
    let warning = "ironftpd: warning: site.conf:4: pasv_max_port: the firewall \
                   (nftables, inet site incoming) drops connections to ports 30000-30009: ";
    assert!(line.starts_with(warning), "{line}");
    let advice = "nft insert rule inet site incoming tcp dport 30000-30009 accept";
    assert!(line.ends_with(advice), "{line}");
    // The advice is good.
    let words: Vec<&str> = advice.split(' ').collect();
    run(&mut machine.inside(&words), b"", PATIENCE).succeed();
    assert_eq!(machine.check(&TEN), [""; 0]);

    machine.rules(&site("tcp dport 30000-30004 accept"));
    let [line] = machine.check(&TEN).try_into().unwrap();
    assert!(line.contains("to ports 30005-30009: "), "{line}");

    machine.rules(&site("iifname \"lan\" accept"));
    let [line] = machine.check(&TEN).try_into().unwrap();
    assert!(line.contains("opens ports 30000-30009 to some"), "{line}");

    let other = [&TEN[..], &["listen_port=2121"]].concat();
    machine.rules(&site("tcp dport 30000-30009 accept"));
    let [line] = machine.check(&other).try_into().unwrap();
    assert!(line.contains("site.conf:5: listen_port: "), "{line}");
    assert!(line.contains("drops connections to port 2121: "), "{line}");
}

#[test]
fn chains_at_the_hooks_before_input_are_named_too() {
    let Some(machine) = Machine::new("early", "203.0.113.7/32") else {
        return;
    };
    let mut pair = machine.inside(&["ip", "link", "add", "d0", "type", "veth", "peer", "d1"]);
    run(&mut pair, b"", PATIENCE).succeed();
    for words in ["link set d0 up", "address add 203.0.113.7/24 dev d0"] {
        let words: Vec<&str> = ["ip"].into_iter().chain(words.split(' ')).collect();
        run(&mut machine.inside(&words), b"", PATIENCE).succeed();
    }
    for (family, hook) in [
        ("inet", "prerouting priority raw"),
        ("ip", "prerouting priority 0"),
        ("netdev", "ingress device d0 priority 0"),
        ("inet", "ingress device d0 priority 0"),
    ] {
        machine.rules(&format!(
            "table {family} early {{ chain way {{
                type filter hook {hook}; policy accept;
                tcp dport {{ 21, 30005-30020 }} drop
            }}; }}"
        ));
        let [control, data] = machine.check(&TEN).try_into().unwrap();
        let place = format!("(nftables, {family} early way) drops connections to port");
        assert!(control.contains(&format!("{place} 21: ")), "{control}");
        assert!(data.contains(&format!("{place}s 30005-30009: ")), "{data}");
        // The advice is good.
        for line in [control, data] {
            let (_, advice) = line.split_once("open them with: ").unwrap();
            let words: Vec<&str> = advice.split(' ').collect();
            run(&mut machine.inside(&words), b"", PATIENCE).succeed();
        }
        assert_eq!(machine.check(&TEN), [""; 0], "{family} {hook}");
    }
}

#[test]
fn rules_that_name_everybody_or_the_server_itself_open_to_all() {
    let Some(machine) = Machine::new("all", "203.0.113.7/32") else {
        return;
    };
    for everybody in [
        "ip saddr 0.0.0.0/0",
        "ip saddr { 0.0.0.0/1, 128.0.0.0/1 }",
        "ip daddr 203.0.113.7",
        "ip daddr { 203.0.113.0/24, 198.51.100.1 }",
    ] {
        machine.rules(&site(&format!("{everybody} tcp dport 30000-30009 accept")));
        assert_eq!(machine.check(&TEN), [""; 0], "{everybody}");
    }
    machine.rules(&site("ip daddr 203.0.113.8 tcp dport 30000-30009 accept"));
    let [line] = machine.check(&TEN).try_into().unwrap();
    assert!(line.contains("opens ports 30000-30009 to some"), "{line}");
}

#[test]
fn an_open_firewall_and_one_with_the_ftp_helper_are_left_in_peace() {
    let Some(machine) = Machine::new("open", "203.0.113.7/32") else {
        return;
    };
    assert_eq!(machine.check(&TEN), [""; 0]);
    machine.rules(
        "table inet site { chain forward { type filter hook forward priority 0; policy drop; }; }",
    );
    assert_eq!(machine.check(&TEN), [""; 0]);
    let loopback = [&TEN[..], &["listen_address=127.0.0.1"]].concat();
    machine.rules("table ip x { chain y { type filter hook input priority 0; policy drop; }; }");
    assert_eq!(machine.check(&loopback), [""; 0]);
    machine.rules(&site("ct mark 1 accept"));
    assert_eq!(machine.check(&TEN), [""; 0]);
    let helped = site("ct state related accept").replace(
        "chain world",
        "chain before {
            type filter hook prerouting priority filter;
            tcp dport 21 ct helper set \"ftp-standard\";
        }
        chain world",
    );
    machine.rules(&helped);
    assert_eq!(machine.check(&TEN), [""; 0]);
}

#[test]
fn private_addresses_few_ports_and_ports_of_the_kernel_are_told() {
    let Some(machine) = Machine::new("ports", "192.168.77.1/32") else {
        return;
    };
    machine.sysctl("ip_local_port_range", "30000 40000");
    machine.sysctl("ip_local_reserved_ports", "30005-30009");
    let [address, few, kernel] = machine
        .check(&["pasv_ports=30000-30009"])
        .try_into()
        .unwrap();
    assert!(
        address.starts_with("ironftpd: note: default: pasv_address: ")
            && address.contains("(192.168.77.1)"),
        "{address}"
    );
    assert!(
        few.starts_with("ironftpd: warning: site.conf:2: pasv_ports: 10 ports, but 50 sessions"),
        "{few}"
    );
    assert!(
        kernel.contains("gives ports 30000-30004 to outgoing")
            && kernel.contains("ip_local_reserved_ports=30000-30009 "),
        "{kernel}"
    );
    // The advice is good.
    machine.sysctl("ip_local_reserved_ports", "30000-30009");
    let settings = ["pasv_address=203.0.113.7", "max_per_ip=10"];
    let settings = [&settings[..], &["pasv_ports=30000-30009"]].concat();
    assert_eq!(machine.check(&settings), [""; 0]);
    // This one serves clients on this side only.
    let map = "pasv_address_map=192.168.77.0/24=192.168.77.1";
    let settings = [&TEN[..], &[map]].concat();
    machine.sysctl("ip_local_port_range", "40000 50000");
    let [line] = machine.check(&settings).try_into().unwrap();
    assert!(line.contains("(192.168.77.1)"), "{line}");
}

#[test]
fn port_20_without_the_privilege_and_hidden_rules_are_told() {
    let Some(machine) = Machine::new("caps", "203.0.113.7/32") else {
        return;
    };
    let settings = ["connect_from_port_20=YES", "listen_port=2121"];
    let settings = [&TEN[..], &settings].concat();
    assert_eq!(machine.check(&settings), [""; 0]);
    let without = ["setpriv", "--bounding-set", "-net_bind_service,-net_admin"];
    let [port, rules] = machine
        .check_through(&without, &settings)
        .try_into()
        .unwrap();
    assert!(
        port.starts_with("ironftpd: warning: site.conf:5: connect_from_port_20: port 20 "),
        "{port}"
    );
    assert!(
        rules.starts_with("ironftpd: note: site.conf:6: listen_port: whether the firewall"),
        "{rules}"
    );
    machine.sysctl("ip_unprivileged_port_start", "20");
    assert_eq!(machine.check_through(&without, &settings).len(), 1);
}
