//! Where clients of passive mode are to connect to: the ports, and the address
//! that PASV announces. Those of the server, or of users whose own options
//! (user_config_dir) say otherwise.

use super::announce::Announced;
use crate::config::Config;
use crate::data::PassivePorts;
use crate::protocol::PortSet;
use std::sync::{Arc, Mutex, PoisonError, Weak};

/// Options that say which ports.
const PORTS: &[&str] = &["pasv_ports", "pasv_min_port", "pasv_max_port"];

/// Options that say which address.
const ADDRESS: &[&str] = &[
    "pasv_address",
    "pasv_address_map",
    "pasv_addr_resolve",
    "pasv_addr_refresh",
];

/// Ports and address, shared by the sessions that have the same.
#[derive(Clone, Debug)]
pub(super) struct Passive {
    pub(super) ports: Arc<PassivePorts>,
    pub(super) announced: Arc<Announced>,
    others: Arc<Others>,
}

/// Ports that some users have in place of the server's. Sessions with the same
/// range share them, so that none takes a port away from another.
type Others = Mutex<Vec<(PortSet, Weak<PassivePorts>)>>;

impl Passive {
    /// What `config` asks for.
    pub(super) fn new(config: &Config) -> Passive {
        Passive {
            ports: PassivePorts::new(config.passive_ports()),
            announced: Arc::new(Announced::new(config)),
            others: Arc::default(),
        }
    }

    /// The same for another configuration than `mine`, which these are of; what
    /// is the same in both stays.
    pub(super) fn under(&self, config: &Config, mine: &Config) -> Passive {
        let ports = if mine.agrees(config, PORTS) {
            Arc::clone(&self.ports)
        } else {
            self.other(config.passive_ports())
        };
        let announced = if mine.agrees(config, ADDRESS) {
            Arc::clone(&self.announced)
        } else {
            Arc::new(Announced::new(config))
        };
        Passive {
            ports,
            announced,
            others: Arc::clone(&self.others),
        }
    }

    fn other(&self, range: PortSet) -> Arc<PassivePorts> {
        // Each change below leaves a list that is right.
        let mut others = self.others.lock().unwrap_or_else(PoisonError::into_inner);
        others.retain(|(_, ports)| ports.strong_count() > 0);
        let known = others.iter().find(|(known, _)| *known == range);
        if let Some(ports) = known.and_then(|(_, ports)| ports.upgrade()) {
            return ports;
        }
        let ports = PassivePorts::new(range.clone());
        others.push((range, Arc::downgrade(&ports)));
        ports
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_is_new_and_shared_by_those_who_have_the_same() {
        let mine = Config::of_text("");
        let passive = Passive::new(&mine);
        let same = passive.under(&Config::of_text("hide_ids=YES"), &mine);
        assert!(Arc::ptr_eq(&same.ports, &passive.ports));
        assert!(Arc::ptr_eq(&same.announced, &passive.announced));
        let ranged = Config::of_text("pasv_min_port=6000\npasv_max_port=6009");
        let (first, second) = (passive.under(&ranged, &mine), passive.under(&ranged, &mine));
        assert!(!Arc::ptr_eq(&first.ports, &passive.ports));
        assert!(Arc::ptr_eq(&first.ports, &second.ports));
        assert!(Arc::ptr_eq(&first.announced, &passive.announced));
        drop((first, second));
        let other = Config::of_text("pasv_address=192.0.2.9\npasv_ports=7000");
        let addressed = passive.under(&other, &mine);
        assert!(!Arc::ptr_eq(&addressed.announced, &passive.announced));
        assert_eq!(passive.others.lock().unwrap().len(), 1);
    }
}
