//! Where clients of passive mode are to connect to: the ports, and the address
//! that PASV announces. Those of the server, or of users whose own options
//! (user_config_dir) say otherwise.

use super::announce::Announced;
use crate::config::Config;
use crate::config::difference::ANNOUNCED;
use crate::data::PassivePorts;
use std::sync::Arc;

/// Options that say which ports.
const PORTS: &[&str] = &["pasv_ports", "pasv_min_port", "pasv_max_port"];

/// Ports and address, shared by the sessions that have the same.
#[derive(Clone, Debug)]
pub(super) struct Passive {
    pub(super) ports: Arc<PassivePorts>,
    pub(super) announced: Arc<Announced>,
}

impl Passive {
    /// What `config` asks for.
    pub(super) fn new(config: &Config) -> Passive {
        Passive {
            ports: PassivePorts::new(config.passive_ports()),
            announced: Arc::new(Announced::new(config)),
        }
    }

    /// The same for another configuration than `mine`, which these are of; what
    /// is the same in both stays.
    pub(super) fn under(&self, config: &Config, mine: &Config) -> Passive {
        let ports = if mine.agrees(config, PORTS) {
            Arc::clone(&self.ports)
        } else {
            self.ports.beside(config.passive_ports())
        };
        let announced = if mine.agrees(config, ANNOUNCED) {
            Arc::clone(&self.announced)
        } else {
            Arc::new(self.announced.under(config))
        };
        Passive { ports, announced }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Promise;
    use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};

    #[test]
    fn who_has_ports_of_his_own_finds_none_taken_by_those_who_lie_ready() {
        const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let free = TcpListener::bind((HERE, 0)).unwrap();
        let port = free.local_addr().unwrap().port();
        drop(free);
        let mine = Config::of_text(&format!("pasv_ports={port}"));
        let range = format!("pasv_min_port={port}\npasv_max_port={port}");
        let passive = Passive::new(&mine);
        let own = passive.under(&Config::of_text(&range), &mine);
        let promise = |passive: &Passive| {
            let local = SocketAddr::new(HERE, 0);
            Promise::of(&passive.ports, local, Some(HERE)).map(|promise| promise.port())
        };
        assert_eq!(promise(&passive).unwrap(), port);
        assert_eq!(promise(&own).unwrap(), port);
        assert_eq!(promise(&passive).unwrap(), port);
    }

    #[test]
    fn what_differs_is_new_and_the_rest_is_shared() {
        let mine = Config::of_text("");
        let passive = Passive::new(&mine);
        let same = passive.under(&Config::of_text("hide_ids=YES"), &mine);
        assert!(Arc::ptr_eq(&same.ports, &passive.ports));
        assert!(Arc::ptr_eq(&same.announced, &passive.announced));
        let ranged = Config::of_text("pasv_min_port=6000\npasv_max_port=6009");
        let ranged = passive.under(&ranged, &mine);
        assert!(!Arc::ptr_eq(&ranged.ports, &passive.ports));
        assert!(Arc::ptr_eq(&ranged.announced, &passive.announced));
        let other = Config::of_text("pasv_address=192.0.2.9\npasv_ports=7000");
        let addressed = passive.under(&other, &mine);
        assert!(!Arc::ptr_eq(&addressed.announced, &passive.announced));
        assert!(!Arc::ptr_eq(&addressed.ports, &passive.ports));
    }
}
