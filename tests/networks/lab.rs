//! Networks out of nothing: hosts, cables between them, packet filters.
//!
//! A host is a network namespace that no name and no file stands for: a
//! descriptor holds it, so that it goes when its value is dropped, when the
//! test fails, and when the whole run is killed. A thread enters it, and
//! every socket it opens and every program it starts from then on is inside.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::os::fd::{AsRawFd, OwnedFd};
use std::panic::resume_unwind;
use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::Instant;

use crate::support::process::run;
use crate::support::server::{Launch, Server};
use crate::support::{PATIENCE, is_root, left_out};

/// A machine of a network, with an enabled loopback and nothing else.
pub struct Host {
    namespace: OwnedFd,
}

impl Host {
    /// A host that no cable leads to yet.
    pub fn new() -> Host {
        let host = Host::open().unwrap_or_else(|error| panic!("a network namespace: {error}"));
        host.ip("link set lo up");
        if has_ipv6() {
            // An address is usable at once: there is no second one to look for.
            host.setting("ipv6/conf/all/accept_dad", "0");
            host.setting("ipv6/conf/default/accept_dad", "0");
        }
        host
    }

    fn open() -> std::io::Result<Host> {
        // The thread that leaves for a new namespace ends with it.
        let thread = thread::spawn(|| {
            // SAFETY: unshare touches no memory; with CLONE_NEWNET it changes
            // the calling thread alone.
            if unsafe { libc::unshare(libc::CLONE_NEWNET) } != 0 {
                return Err(std::io::Error::last_os_error());
            }
            File::open("/proc/thread-self/ns/net")
        });
        let namespace = thread.join().unwrap_or_else(|why| resume_unwind(why))?;
        Ok(Host {
            namespace: namespace.into(),
        })
    }

    /// Does `work` on this host: its sockets and its programs are the host's.
    pub fn inside<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        let name = thread::current().name().unwrap_or("?").to_owned();
        thread::scope(|scope| {
            let thread = thread::Builder::new().name(name);
            let thread = thread.spawn_scoped(scope, || {
                // SAFETY: setns touches no memory and the descriptor is open;
                // for a network namespace it changes the calling thread alone.
                let entered =
                    unsafe { libc::setns(self.namespace.as_raw_fd(), libc::CLONE_NEWNET) };
                assert_eq!(entered, 0, "{}", std::io::Error::last_os_error());
                work()
            });
            let thread = thread.expect("a thread");
            thread.join().unwrap_or_else(|why| resume_unwind(why))
        })
    }

    /// Lines for ip(8), without the word `ip`. Their addresses are in use
    /// when this returns.
    #[track_caller]
    pub fn ip(&self, lines: &str) {
        let mut command = Command::new("ip");
        command.args(["-batch", "-"]);
        let finished = self.inside(|| run(&mut command, lines.as_bytes(), PATIENCE));
        assert!(finished.status.success(), "{lines}\n{}", finished.words());
        const TENTATIVE: u32 = 0x40;
        self.until_v6("an address is not in use", |addresses| {
            addresses.iter().all(|(_, flags)| flags & TENTATIVE == 0)
        });
    }

    /// Waits until the IPv6 addresses, each as its device and its flags, are
    /// as they should be. Without IPv6 there is nothing to wait for.
    #[track_caller]
    fn until_v6(&self, otherwise: &str, right: impl Fn(&[(&str, u32)]) -> bool + Sync) {
        let end = Instant::now() + PATIENCE;
        self.inside(|| {
            while let Ok(text) = fs::read_to_string("/proc/thread-self/net/if_inet6") {
                let addresses: Vec<(&str, u32)> = text.lines().map(device_and_flags).collect();
                if right(&addresses) {
                    break;
                }
                assert!(Instant::now() < end, "{otherwise}:\n{text}");
                thread::yield_now();
            }
        });
    }

    /// A ruleset for nft(8), added to what is there.
    #[track_caller]
    pub fn nft(&self, rules: &str) {
        let loaded = self.try_nft(rules);
        assert_eq!(loaded, Ok(()), "{rules}");
    }

    fn try_nft(&self, rules: &str) -> Result<(), String> {
        let mut command = Command::new("nft");
        command.args(["-f", "-"]);
        let finished = self.inside(|| run(&mut command, rules.as_bytes(), PATIENCE));
        if finished.status.success() {
            return Ok(());
        }
        Err(finished.words())
    }

    /// Sets a value below /proc/sys/net.
    #[track_caller]
    pub fn setting(&self, name: &str, value: &str) {
        self.try_setting(name, value)
            .unwrap_or_else(|error| panic!("{name}: {error}"));
    }

    fn try_setting(&self, name: &str, value: &str) -> std::io::Result<()> {
        // The kernel shows each thread the settings of its own namespace.
        let file = Path::new("/proc/sys/net").join(name);
        self.inside(|| fs::write(file, value))
    }

    /// Makes a router of it, for both families.
    pub fn forwards(&self) {
        self.setting("ipv4/ip_forward", "1");
        if has_ipv6() {
            self.setting("ipv6/conf/all/forwarding", "1");
        }
    }

    /// Lays a cable from the device `own` of this host to the device `theirs`
    /// of `other`; both are up, neither has an address.
    #[track_caller]
    pub fn cable(&self, own: &str, other: &Host, theirs: &str) {
        // The kernel takes its time, up to a second, to notice that a device
        // is up whose number is that of the other end.
        static DEVICES: AtomicU32 = AtomicU32::new(100);
        let number = DEVICES.fetch_add(2, Ordering::Relaxed);
        // The path leads `ip` to our descriptor.
        let there = format!(
            "/proc/{}/fd/{}",
            std::process::id(),
            other.namespace.as_raw_fd()
        );
        self.ip(&format!(
            "link add name {own} index {number} type veth \
             peer name {theirs} index {} netns {there}\nlink set {own} up",
            number + 1
        ));
        other.ip(&format!("link set {theirs} up"));
        self.until_ready(own);
        other.until_ready(theirs);
    }

    /// The kernel notices later that a cable's other end is up, and drops
    /// what is sent before. It then gives the device a link-local address.
    #[track_caller]
    fn until_ready(&self, device: &str) {
        self.until_v6("a device has no cable", |addresses| {
            addresses.iter().any(|(name, _)| *name == device)
        });
    }

    /// Starts a server here.
    #[track_caller]
    pub fn start(&self, launch: Launch) -> Server {
        self.inside(|| launch.start())
    }

    /// Notes from now on which connections arrive here and which leave.
    pub fn watch(&self) -> Witness<'_> {
        self.nft(WITNESS);
        Witness(self)
    }
}

/// A line of /proc/net/if_inet6: address, index, length, scope, flags, device.
fn device_and_flags(line: &str) -> (&str, u32) {
    let words: Vec<&str> = line.split_whitespace().collect();
    (words[5], u32::from_str_radix(words[4], 16).unwrap())
}

/// Rules of a router that reads control connections: it mends what they
/// announce and lets it in.
pub const HELPER: &str = "
    table ip helped {
        ct helper ftp-std { type \"ftp\" protocol tcp; }
        chain prerouting {
            type filter hook prerouting priority 0;
            tcp dport 21 ct helper set \"ftp-std\"
        }
    }";

/// Before any other rule, so that what is dropped later is seen as well.
const WITNESS: &str = "
    table ip witness {
        set came { type ipv4_addr . inet_service . inet_service; size 65535; flags dynamic; }
        set went { type ipv4_addr . inet_service . inet_service; size 65535; flags dynamic; }
        chain input {
            type filter hook input priority -400;
            tcp flags & (syn | ack) == syn add @came { ip saddr . tcp sport . tcp dport }
        }
        chain output {
            type filter hook output priority -400;
            tcp flags & (syn | ack) == syn add @went { ip daddr . tcp sport . tcp dport }
        }
    }";

/// Who connected to a host and to whom the host connected: what its kernel
/// saw, whatever the programs there say. IPv4 only.
pub struct Witness<'host>(&'host Host);

/// One connection: the other host's address, source port, destination port.
pub type Seen = (String, u16, u16);

impl Witness<'_> {
    /// Connections that arrived here.
    #[track_caller]
    pub fn came(&self) -> BTreeSet<Seen> {
        self.list("came")
    }

    /// Connections that left, except to port 21.
    #[track_caller]
    pub fn went(&self) -> BTreeSet<Seen> {
        let mut all = self.list("went");
        all.retain(|(_, _, port)| *port != 21);
        all
    }

    #[track_caller]
    fn list(&self, set: &str) -> BTreeSet<Seen> {
        let mut command = Command::new("nft");
        command.args(["-n", "list", "set", "ip", "witness", set]);
        let finished = self.0.inside(|| run(&mut command, b"", PATIENCE));
        let text = String::from_utf8(finished.succeed().stdout).unwrap();
        let Some((_, rest)) = text.split_once("elements = {") else {
            return BTreeSet::new();
        };
        let elements = rest.split_once('}').unwrap().0;
        elements.split(',').map(seen).collect()
    }
}

/// `10.0.0.1 . 20 . 40001`
fn seen(element: &str) -> Seen {
    let parts: Vec<&str> = element.split('.').map(str::trim).collect();
    // The address brings three points of its own.
    let [a, b, c, d, from, to] = parts[..] else {
        panic!("{element:?}")
    };
    let port = |text: &str| text.parse().unwrap_or_else(|_| panic!("{element:?}"));
    (format!("{a}.{b}.{c}.{d}"), port(from), port(to))
}

/// Whether this kernel has IPv6.
pub fn has_ipv6() -> bool {
    Path::new("/proc/sys/net/ipv6").exists()
}

/// Whether networks can be built here; says so and gives false if not.
/// Every test asks it first.
pub fn possible() -> bool {
    static WHY_NOT: OnceLock<Option<String>> = OnceLock::new();
    match WHY_NOT.get_or_init(why_not) {
        Some(reason) => {
            left_out(reason);
            false
        }
        None => true,
    }
}

fn why_not() -> Option<String> {
    if !is_root() {
        return Some("network namespaces are for root alone".to_owned());
    }
    let host = match Host::open() {
        Ok(host) => host,
        Err(error) => return Some(format!("no network namespaces here: {error}")),
    };
    if let Err(error) = host.try_setting("ipv4/ip_forward", "1") {
        return Some(format!("a namespace's settings cannot be changed: {error}"));
    }
    let nat = "table ip t { chain c { type nat hook postrouting priority 100; masquerade; }; }";
    match host.try_nft(nat) {
        Ok(()) => None,
        Err(words) => Some(format!("no packet filter in a namespace: {words}")),
    }
}

/// Whether this kernel has the FTP helper; says so and gives false if not.
pub fn has_ftp_helper() -> bool {
    let rules = "table ip t { ct helper h { type \"ftp\" protocol tcp; }; }";
    match Host::new().try_nft(rules) {
        Ok(()) => true,
        Err(words) => {
            left_out(&format!("this kernel has no FTP helper: {words}"));
            false
        }
    }
}
