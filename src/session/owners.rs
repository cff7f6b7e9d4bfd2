//! Names of users and groups for listings, remembered for a while: the
//! database may be a server on the network, and a listing asks for the same
//! few again and again.

use crate::sys::owner;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How long a name is believed.
const FRESH: Duration = Duration::from_secs(300);

/// Names remembered; more than a system has owners of files.
const MOST: usize = 10_000;

/// A user or a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Id {
    User(u32),
    Group(u32),
}

/// A name, and since when it is known.
type Known = (Instant, Arc<[u8]>);

/// The names known so far.
#[derive(Debug, Default)]
pub(super) struct Owners {
    known: Mutex<HashMap<Id, Known>>,
}

impl Owners {
    /// Name of a user; the number where there is none.
    pub(super) fn user(&self, uid: u32) -> Arc<[u8]> {
        self.name(Id::User(uid), uid, owner::user_name)
    }

    /// Name of a group; the number where there is none.
    pub(super) fn group(&self, gid: u32) -> Arc<[u8]> {
        self.name(Id::Group(gid), gid, owner::group_name)
    }

    fn known(&self) -> MutexGuard<'_, HashMap<Id, Known>> {
        // Each change is one insertion; none is left half done.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn name(&self, id: Id, number: u32, look_up: fn(u32) -> Option<Vec<u8>>) -> Arc<[u8]> {
        if let Some((since, name)) = self.known().get(&id)
            && since.elapsed() < FRESH
        {
            return Arc::clone(name);
        }
        // Outside the lock: a slow answer keeps nobody else waiting.
        let name: Arc<[u8]> = look_up(number)
            .unwrap_or_else(|| number.to_string().into_bytes())
            .into();
        let mut known = self.known();
        if known.len() >= MOST {
            known.clear();
        }
        known.insert(id, (Instant::now(), Arc::clone(&name)));
        name
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_looked_up_once_and_a_number_serves_where_there_is_none() {
        let owners = Owners::default();
        assert_eq!(&*owners.user(0), b"root");
        assert_eq!(&*owners.user(4_000_000_123), b"4000000123");
        assert_eq!(&*owners.group(4_000_000_123), b"4000000123");
        assert_eq!(owners.known().len(), 3);
        let again = owners.name(Id::User(0), 0, |_| unreachable!("it is known"));
        assert_eq!(&*again, b"root");
    }
}
