//! Which address PASV announces (RFC 959 section 4.1.2): that of the client's
//! network in pasv_address_map, or else pasv_address, or else the local one.
//!
//! A host name in pasv_address is looked up again and again, since an address
//! of a home or cloud line changes; the last address stays in use while the
//! name service is silent. When to look up and how is the server's affair.

use crate::config::Config;
use crate::protocol::address::parse_loose_ipv4;
use crate::protocol::networks::{AddressMap, is_local};
use std::collections::HashSet;
use std::fmt;
use std::io;
use std::net::Ipv4Addr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Pause between attempts, at most, while nothing has been found yet: a
/// machine that starts often has its network a little later.
const SOON: Duration = Duration::from_secs(30);

/// What PASV announces, shared by all sessions.
#[derive(Debug)]
pub struct Announced {
    /// Host name to look up, if pasv_address is one.
    name: Option<String>,
    /// Pause between look-ups; `None` if one success is enough.
    refresh: Option<Duration>,
    map: AddressMap,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// That of pasv_address, if it is known.
    address: Option<Ipv4Addr>,
    /// The last look-up found nothing.
    failing: bool,
    /// Client networks (/24) for which the log has told that the address
    /// announced is of no use to them.
    told: HashSet<[u8; 3]>,
}

/// What a look-up changed, for the log.
#[derive(Debug)]
pub enum News {
    /// The first address.
    Found(Ipv4Addr),
    /// Another address.
    Moved {
        /// The one announced so far.
        from: Ipv4Addr,
        /// The one announced from now on.
        to: Ipv4Addr,
    },
    /// The first look-up of some that find nothing, and what is announced
    /// meanwhile; `None` stands for the local address.
    Failing(io::Error, Option<Ipv4Addr>),
    /// The first look-up after those that finds something.
    Works,
}

impl News {
    /// Whether an administrator should act.
    #[must_use]
    pub fn is_bad(&self) -> bool {
        matches!(self, News::Failing(..))
    }
}

impl fmt::Display for News {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            News::Found(address) => write!(f, "is {address}"),
            News::Moved { from, to } => write!(f, "has moved: {from} -> {to}"),
            News::Failing(error, Some(kept)) => {
                write!(f, "cannot be looked up, {kept} stays announced: {error}")
            }
            News::Failing(error, None) => write!(
                f,
                "cannot be looked up, the local address is announced until it can: {error}"
            ),
            News::Works => f.write_str("can be looked up again"),
        }
    }
}

impl Announced {
    /// What `config` asks for. A host name is not looked up here.
    pub(super) fn new(config: &Config) -> Announced {
        let text = String::from_utf8_lossy(config.pasv_address());
        let address = parse_loose_ipv4(config.pasv_address());
        let by_name = config.pasv_addr_resolve() && address.is_none() && !text.is_empty();
        let seconds = u64::from(config.pasv_addr_refresh());
        Announced {
            name: by_name.then(|| text.into_owned()),
            refresh: (seconds > 0).then(|| Duration::from_secs(seconds)),
            map: AddressMap::parse(config.pasv_address_map()).unwrap_or_default(),
            state: Mutex::new(State {
                address,
                ..State::default()
            }),
        }
    }

    /// What another configuration asks for, of a user. Its host name is not
    /// looked up; if it is this one's, what has been found counts.
    pub(super) fn under(&self, config: &Config) -> Announced {
        let other = Announced::new(config);
        if other.name.is_some() && other.name == self.name {
            let found = self.state().address;
            other.state().address = found;
        }
        other
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Every field is right by itself at any time.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The host name that is to be looked up, if there is one.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// Looks the name up with `resolve`, which gives at least one address or
    /// an error and may take its time, and tells what has changed.
    pub fn look_up(&self, resolve: impl FnOnce(&str) -> io::Result<Vec<Ipv4Addr>>) -> Vec<News> {
        let Some(name) = &self.name else {
            return Vec::new();
        };
        // Not under the lock: sessions go on meanwhile.
        let found = resolve(name);
        let mut state = self.state();
        let mut news = Vec::new();
        let addresses = match found {
            Ok(addresses) => addresses,
            Err(error) => {
                if !state.failing {
                    state.failing = true;
                    news.push(News::Failing(error, state.address));
                }
                return news;
            }
        };
        if std::mem::take(&mut state.failing) {
            news.push(News::Works);
        }
        // Name servers shuffle the addresses of a name; that is no move.
        if state.address.is_some_and(|kept| addresses.contains(&kept)) {
            return news;
        }
        if let Some(&to) = addresses.first() {
            news.push(match state.address.replace(to) {
                Some(from) => News::Moved { from, to },
                None => News::Found(to),
            });
        }
        news
    }

    /// How long to wait before the next look-up; `None` if there is to be none.
    #[must_use]
    pub fn pause(&self) -> Option<Duration> {
        self.name.as_ref()?;
        if self.state().address.is_none() {
            return Some(self.refresh.map_or(SOON, |refresh| refresh.min(SOON)));
        }
        self.refresh
    }

    /// The address PASV announces to `client`, who reached the server at
    /// `local`.
    pub(super) fn to(&self, client: Ipv4Addr, local: Ipv4Addr) -> Ipv4Addr {
        self.map
            .address_for(client)
            .or_else(|| self.state().address)
            .unwrap_or(local)
    }

    /// Whether `announced` is of no use to `client` and the log has not told
    /// so for the client's network yet.
    pub(super) fn is_news(&self, client: Ipv4Addr, announced: Ipv4Addr) -> bool {
        if is_local(client) || !is_local(announced) {
            return false;
        }
        let [a, b, c, _] = client.octets();
        let told = &mut self.state().told;
        // Whoever has read it a thousand times knows.
        told.len() < 100_000 && told.insert([a, b, c])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn announced(settings: &[(&str, &str)]) -> Announced {
        let lines = settings
            .iter()
            .map(|(name, value)| format!("{name}={value}\n"));
        Announced::new(&Config::of_text(&lines.collect::<String>()))
    }

    fn by_name(refresh: &str) -> Announced {
        announced(&[
            ("pasv_address", "ftp.example"),
            ("pasv_addr_resolve", "YES"),
            ("pasv_addr_refresh", refresh),
        ])
    }

    fn ip(text: &str) -> Ipv4Addr {
        text.parse().unwrap()
    }

    /// Looks up with a name service that answers `addresses`; none is a failure.
    fn told(announced: &Announced, addresses: &[&str]) -> Vec<String> {
        let news = announced.look_up(|name| {
            assert_eq!(name, "ftp.example");
            if addresses.is_empty() {
                return Err(io::Error::other("no answer"));
            }
            Ok(addresses.iter().map(|text| ip(text)).collect())
        });
        news.iter().map(ToString::to_string).collect()
    }

    fn shown(announced: &Announced) -> Ipv4Addr {
        announced.to(ip("8.8.8.8"), ip("10.0.0.1"))
    }

    #[test]
    fn the_map_goes_before_the_address_and_that_before_the_local_one() {
        let local = ip("172.17.0.2");
        let bare = announced(&[]);
        assert_eq!(bare.to(ip("8.8.8.8"), local), local);
        let both = announced(&[
            ("pasv_address", "203.0.113.7"),
            ("pasv_address_map", "172.16.0.0/12=172.17.0.2"),
        ]);
        assert_eq!(both.to(ip("8.8.8.8"), local), ip("203.0.113.7"));
        assert_eq!(both.to(ip("172.17.0.9"), local), local);
        assert_eq!((both.name(), both.pause()), (None, None));
    }

    #[test]
    fn a_private_address_for_public_clients_is_told_once_per_network() {
        let announced = announced(&[]);
        let private = ip("172.17.0.2");
        assert!(announced.is_news(ip("198.51.100.1"), private));
        assert!(!announced.is_news(ip("198.51.100.2"), private));
        assert!(announced.is_news(ip("198.51.101.1"), private));
        assert!(!announced.is_news(ip("192.168.1.1"), private));
        assert!(!announced.is_news(ip("192.0.2.1"), ip("203.0.113.7")));
    }

    #[test]
    fn a_user_with_a_map_of_his_own_has_the_address_that_was_found() {
        let announced = by_name("300");
        told(&announced, &["203.0.113.7"]);
        let under = |more: &str| {
            let text = format!("pasv_addr_resolve=YES\n{more}");
            announced.under(&Config::of_text(&text))
        };
        let mapped = under("pasv_address=ftp.example\npasv_address_map=10.0.0.0/8=10.0.0.5");
        assert_eq!(shown(&mapped), ip("203.0.113.7"));
        assert_eq!(mapped.to(ip("10.1.1.1"), ip("10.0.0.1")), ip("10.0.0.5"));
        assert_eq!(shown(&under("pasv_address=192.0.2.9")), ip("192.0.2.9"));
        assert_eq!(shown(&under("pasv_address=other.example")), ip("10.0.0.1"));
        assert_eq!(shown(&under("pasv_address=")), ip("10.0.0.1"));
    }

    #[test]
    fn an_address_is_never_looked_up() {
        let fixed = announced(&[
            ("pasv_address", "203.0.113.7"),
            ("pasv_addr_resolve", "YES"),
        ]);
        assert_eq!((fixed.name(), fixed.pause()), (None, None));
        assert!(fixed.look_up(|_| panic!("looked up")).is_empty());
        assert_eq!(shown(&fixed), ip("203.0.113.7"));
    }

    #[test]
    fn a_name_that_moves_is_followed_and_told_once() {
        let announced = by_name("300");
        assert_eq!(told(&announced, &["203.0.113.7"]), ["is 203.0.113.7"]);
        assert_eq!(told(&announced, &["203.0.113.7"]), [""; 0]);
        assert_eq!(
            told(&announced, &["203.0.113.8"]),
            ["has moved: 203.0.113.7 -> 203.0.113.8"]
        );
        assert_eq!(shown(&announced), ip("203.0.113.8"));
    }

    #[test]
    fn addresses_in_another_order_are_no_move() {
        let announced = by_name("300");
        told(&announced, &["203.0.113.7", "203.0.113.8"]);
        assert_eq!(told(&announced, &["203.0.113.8", "203.0.113.7"]), [""; 0]);
        assert_eq!(shown(&announced), ip("203.0.113.7"));
    }

    #[test]
    fn the_address_is_kept_while_the_name_service_fails() {
        let announced = by_name("300");
        told(&announced, &["203.0.113.7"]);
        assert_eq!(
            told(&announced, &[]),
            ["cannot be looked up, 203.0.113.7 stays announced: no answer"]
        );
        assert_eq!(told(&announced, &[]), [""; 0]);
        assert_eq!(shown(&announced), ip("203.0.113.7"));
        assert_eq!(
            told(&announced, &["203.0.113.7"]),
            ["can be looked up again"]
        );
        told(&announced, &[]);
        assert_eq!(
            told(&announced, &["203.0.113.8"]),
            [
                "can be looked up again",
                "has moved: 203.0.113.7 -> 203.0.113.8"
            ]
        );
    }

    #[test]
    fn the_local_address_is_announced_until_the_name_is_found() {
        let announced = by_name("300");
        assert_eq!(
            told(&announced, &[]),
            ["cannot be looked up, the local address is announced until it can: no answer"]
        );
        assert_eq!(shown(&announced), ip("10.0.0.1"));
        assert_eq!(
            told(&announced, &["203.0.113.7"]),
            ["can be looked up again", "is 203.0.113.7"]
        );
        assert_eq!(shown(&announced), ip("203.0.113.7"));
    }

    #[test]
    fn pauses_are_short_until_the_name_is_found_and_then_those_of_the_option() {
        for (refresh, first, later) in [("300", 30, Some(300)), ("5", 5, Some(5)), ("0", 30, None)]
        {
            let announced = by_name(refresh);
            let seconds = || announced.pause().map(|pause| pause.as_secs());
            told(&announced, &[]);
            assert_eq!(seconds(), Some(first), "{refresh}");
            told(&announced, &["203.0.113.7"]);
            assert_eq!(seconds(), later, "{refresh}");
            told(&announced, &[]);
            assert_eq!(seconds(), later, "{refresh}");
        }
    }
}
