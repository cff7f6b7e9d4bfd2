//! What differs between two configurations, and which differences a running
//! server cannot follow (a reload by SIGHUP).
//!
//! Leaves to others: reading the new one, and acting on it.
#![forbid(unsafe_code)]

use super::options::{Config, OPTIONS, find};
use super::spec::{OptionSpec, Slot};

/// Options that count at the start only: the sockets that are bound, what was
/// given up or kept then (users, capabilities, lists of system calls), the
/// processes of the authenticator and the keeper, and the terminal.
pub const AT_THE_START: &[&str] = &[
    "listen",
    "listen_ipv6",
    "listen_port",
    "listen_address",
    "listen_address6",
    "background",
    "pid_file",
    "control_socket",
    "local_enable",
    "pam_service_name",
    "session_support",
    "check_shell",
    "reverse_lookup_enable",
    "allow_root_login",
    "nopriv_user",
    "run_as_launching_user",
    "connect_from_port_20",
    "ftp_data_port",
    "chown_uploads",
    "seccomp_sandbox",
    "seccomp_strict",
    "tcp_wrappers",
    "trace_connections",
    // Whoever keeps the right to read the files knows which they are.
    "ssl_enable",
    "rsa_cert_file",
    "rsa_private_key_file",
    "dsa_cert_file",
    "dsa_private_key_file",
    "ssl_certs_dir",
    "ca_certs_file",
    "ssl_crl_file",
];

/// Of these, switches that one configuration of several may have on: what they
/// need is there from the start as soon as one of them has.
const FOR_SOME: &[&str] = &["local_enable", "connect_from_port_20", "chown_uploads"];

/// What nobody need prepare for to leave it off for some.
const OFF_FOR_SOME: &[&str] = &["ssl_enable"];

/// Logs are the server's, and one for all sessions.
const OF_THE_LOGS: &[&str] = &[
    "xferlog_enable",
    "xferlog_std_format",
    "xferlog_file",
    "vsftpd_log_file",
    "dual_log_enable",
    "syslog_enable",
    "log_format",
    "no_log_lock",
];

/// What PASV announces. The thread that looks up a host name is born at the
/// start.
pub const ANNOUNCED: &[&str] = &[
    "pasv_address",
    "pasv_address_map",
    "pasv_addr_resolve",
    "pasv_addr_refresh",
];

impl OptionSpec {
    fn differs(&self, one: &Config, other: &Config) -> bool {
        match &self.slot {
            Slot::Bool(value, _) => value(one) != value(other),
            Slot::Uint(value, _) => value(one) != value(other),
            Slot::Text(value, _) => value(one) != value(other),
            Slot::Path(value, _) => value(one) != value(other),
        }
    }

    fn copy(&self, from: &Config, to: &mut Config) {
        match &self.slot {
            Slot::Bool(value, place) => *place(to) = *value(from),
            Slot::Uint(value, place) => *place(to) = *value(from),
            Slot::Text(value, place) => *place(to) = value(from).clone(),
            Slot::Path(value, place) => *place(to) = value(from).clone(),
        }
    }
}

impl Config {
    /// Names of the options whose values differ, in the table's order.
    #[must_use]
    pub fn differing(&self, other: &Config) -> Vec<&'static str> {
        let differs = OPTIONS.iter().filter(|spec| spec.differs(self, other));
        differs.map(|spec| spec.name).collect()
    }

    /// Whether all of `names` have the same values in both.
    #[must_use]
    pub fn agrees(&self, other: &Config, names: &[&str]) -> bool {
        let mut named = names.iter().filter_map(|name| find(name.as_bytes()));
        named.all(|spec| !spec.differs(self, other))
    }

    /// Gives the options that count at the start only the values of
    /// `running`, and tells the names of those that had others.
    pub fn keep_from(&mut self, running: &Config) -> Vec<&'static str> {
        self.keep(running, |_| false)
    }

    /// The same for a configuration that goes over `base` for some clients,
    /// of a server that was started to serve what `widest` allows.
    pub fn keep_for_some(&mut self, base: &Config, widest: &Config) -> Vec<&'static str> {
        let mine = self.clone();
        self.keep(base, |spec| match &spec.slot {
            Slot::Bool(value, _) if FOR_SOME.contains(&spec.name) => {
                !*value(&mine) || *value(widest)
            }
            Slot::Bool(value, _) => OFF_FOR_SOME.contains(&spec.name) && !*value(&mine),
            _ => false,
        })
    }

    /// Names of the options that this configuration, which goes over `base`
    /// for some clients, sets in vain.
    #[must_use]
    pub fn vain_for_some(&self, base: &Config, widest: &Config) -> Vec<&'static str> {
        let mut vain = self.clone().keep_for_some(base, widest);
        let differing = self.differing(base);
        vain.extend(differing.iter().filter(|name| OF_THE_LOGS.contains(name)));
        vain
    }

    /// Switches on what `other` has on, of that which may be on for some.
    pub fn widen(&mut self, other: &Config) {
        for spec in OPTIONS.iter().filter(|spec| FOR_SOME.contains(&spec.name)) {
            if let Slot::Bool(value, place) = &spec.slot {
                *place(self) |= *value(other);
            }
        }
        self.port_enable |= other.port_enable;
    }

    fn keep(
        &mut self,
        running: &Config,
        may_differ: impl Fn(&OptionSpec) -> bool,
    ) -> Vec<&'static str> {
        let by_name = self.pasv_addr_resolve || running.pasv_addr_resolve;
        // The privilege for that port was given up if it was not needed.
        let to_port_20 = self.port_enable && running.connect_from_port_20;
        let kept = |name: &str| {
            AT_THE_START.contains(&name)
                || by_name && ANNOUNCED.contains(&name)
                || to_port_20 && name == "port_enable"
        };
        let differs = |spec: &&OptionSpec| {
            kept(spec.name) && spec.differs(self, running) && !may_differ(spec)
        };
        let different: Vec<_> = OPTIONS.iter().filter(differs).collect();
        for spec in &different {
            spec.copy(running, self);
            match running.origins.get(spec.name) {
                Some(origin) => self.origins.insert(spec.name, origin.clone()),
                None => self.origins.remove(spec.name),
            };
        }
        different.iter().map(|spec| spec.name).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Origin;

    fn config(settings: &[(&str, &str)]) -> Config {
        let mut config = Config::default();
        for (name, value) in settings {
            let origin = Origin::CommandLine;
            config
                .set(name.as_bytes(), value.as_bytes(), &origin)
                .unwrap();
        }
        config
    }

    #[test]
    fn every_name_is_one_of_the_table() {
        for name in AT_THE_START
            .iter()
            .chain(ANNOUNCED)
            .chain(OFF_FOR_SOME)
            .chain(OF_THE_LOGS)
        {
            assert!(find(name.as_bytes()).is_some(), "{name}");
        }
    }

    #[test]
    fn what_some_may_have_is_kept_for_them_if_it_was_foreseen() {
        let base = config(&[("connect_from_port_20", "YES"), ("port_enable", "NO")]);
        let some = [("local_enable", "YES"), ("connect_from_port_20", "NO")];
        let (mut foreseen, mut not) = (config(&some), config(&some));
        let mut widest = base.clone();
        widest.widen(&foreseen);
        assert!(widest.local_enable() && widest.connect_from_port_20());
        foreseen.keep_for_some(&base, &widest);
        assert!(foreseen.local_enable() && !foreseen.connect_from_port_20());
        assert!(not.keep_for_some(&base, &base).contains(&"local_enable"));
        assert!(!not.local_enable());
    }

    #[test]
    fn what_differs_is_named_whatever_its_kind() {
        let settings = [
            ("write_enable", "YES"),
            ("max_clients", "7"),
            ("ftpd_banner", "hello"),
            ("anon_root", "/srv"),
        ];
        let new = config(&settings);
        let mut names = new.differing(&Config::default());
        names.sort_unstable();
        let mut expected: Vec<_> = settings.iter().map(|(name, _)| *name).collect();
        expected.sort_unstable();
        assert_eq!(names, expected);
        assert!(new.differing(&new).is_empty());
        assert!(new.agrees(&Config::default(), &["local_enable"]));
        assert!(!new.agrees(&Config::default(), &["anon_root"]));
    }

    #[test]
    fn what_counts_at_the_start_stays_and_the_rest_does_not() {
        let running = config(&[("listen_port", "2121")]);
        let mut new = config(&[
            ("listen_port", "2122"),
            ("max_clients", "7"),
            ("nopriv_user", "x"),
        ]);
        let mut kept = new.keep_from(&running);
        kept.sort_unstable();
        assert_eq!(kept, ["listen_port", "nopriv_user"]);
        assert_eq!(new.differing(&running), ["max_clients"]);
        assert_eq!(new.origin("listen_port"), running.origin("listen_port"));
    }

    #[test]
    fn a_numeric_passive_address_may_change_and_a_name_may_not() {
        let mut new = config(&[("pasv_address", "192.0.2.1")]);
        assert!(new.keep_from(&Config::default()).is_empty());
        let mut new = config(&[
            ("pasv_address", "ftp.example"),
            ("pasv_addr_resolve", "YES"),
        ]);
        assert_eq!(new.keep_from(&Config::default()).len(), 2);
    }

    #[test]
    fn some_clients_may_be_served_without_tls_and_not_with_it_or_other_logs() {
        let base = config(&[("ssl_enable", "YES")]);
        let mut without = config(&[("ssl_enable", "NO"), ("xferlog_enable", "YES")]);
        assert_eq!(without.vain_for_some(&base, &base), ["xferlog_enable"]);
        assert!(without.keep_for_some(&base, &base).is_empty());
        assert!(!without.ssl_enable());
        let mut with = config(&[("ssl_enable", "YES")]);
        let base = Config::default();
        assert_eq!(with.vain_for_some(&base, &with), ["ssl_enable"]);
        assert_eq!(with.keep_for_some(&base, &base), ["ssl_enable"]);
        assert!(!with.ssl_enable());
    }
}
