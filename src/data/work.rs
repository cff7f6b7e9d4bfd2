//! Work that takes long and uses no data connection, such as hashing a large
//! file: the control connection is attended to meanwhile, as in a transfer.

use super::transfer::look;
use super::{Heed, Interruption, Watch};
use std::time::{Duration, Instant};

/// How long the control connection may go unlooked at.
const LOOK_AFTER: Duration = Duration::from_millis(100);

/// How much longer work goes on for a client that has closed its side of the
/// control connection with commands waiting. It may still read the replies;
/// but it may also be gone, and nothing would tell.
const GRACE: Duration = Duration::from_secs(60);

/// Some work under way.
pub struct Work<'run> {
    watch: &'run mut dyn Watch,
    done: u64,
    looked: Instant,
    /// Since when nothing can be heard of the client any more.
    unheard: Option<Instant>,
    /// How long that may last.
    grace: Duration,
}

impl<'run> Work<'run> {
    /// Work during which `watch` is asked now and then, and once before it
    /// begins: much work of little pieces is work too.
    ///
    /// # Errors
    /// When it need not begin.
    pub fn begin(watch: &'run mut dyn Watch) -> Result<Work<'run>, Interruption> {
        let mut work = Work {
            watch,
            done: 0,
            looked: Instant::now(),
            unheard: None,
            grace: GRACE,
        };
        work.look()?;
        Ok(work)
    }

    /// Accounts for `count` more bytes, or whatever the work consists of, and
    /// looks at the control connection when it is time to. To be called often
    /// enough: nothing else looks.
    ///
    /// # Errors
    /// When the work is to end.
    pub fn advance(&mut self, count: usize) -> Result<(), Interruption> {
        self.done += u64::try_from(count).unwrap_or(u64::MAX);
        if self.looked.elapsed() < LOOK_AFTER {
            return Ok(());
        }
        self.looked = Instant::now();
        self.look()
    }

    fn look(&mut self) -> Result<(), Interruption> {
        look(self.watch, self.done, Duration::ZERO)?;
        if self.watch.control().1 == Heed::Nothing {
            let since = *self.unheard.get_or_insert(self.looked);
            if since.elapsed() >= self.grace {
                return Err(Interruption::ControlLost);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::Marker;
    use std::net::SocketAddr;
    use std::os::fd::{AsFd, BorrowedFd};
    use std::os::unix::net::UnixStream;

    /// A control connection that ends the work at the first sign of life.
    struct Impatient(UnixStream);

    impl Watch for Impatient {
        fn control(&self) -> (BorrowedFd<'_>, Heed) {
            (self.0.as_fd(), Heed::Input)
        }

        fn attend(&mut self, _: u64) -> Result<(), Interruption> {
            Err(Interruption::Aborted)
        }

        fn stranger(&mut self, _: SocketAddr) {}

        fn port_taken(&mut self, _: u16, _: SocketAddr) {}

        fn marker(&mut self, _: &[u8], _: Marker) -> Result<(), Interruption> {
            Ok(())
        }
    }

    /// A control connection whose client has closed its side.
    struct Silent(UnixStream);

    impl Watch for Silent {
        fn control(&self) -> (BorrowedFd<'_>, Heed) {
            (self.0.as_fd(), Heed::Nothing)
        }

        fn attend(&mut self, _: u64) -> Result<(), Interruption> {
            Ok(())
        }

        fn stranger(&mut self, _: SocketAddr) {}

        fn port_taken(&mut self, _: u16, _: SocketAddr) {}

        fn marker(&mut self, _: &[u8], _: Marker) -> Result<(), Interruption> {
            Ok(())
        }
    }

    #[test]
    fn work_for_a_client_that_cannot_be_heard_goes_on_for_a_while_only() {
        let (ours, _theirs) = UnixStream::pair().unwrap();
        let mut watch = Silent(ours);
        let mut work = Work::begin(&mut watch).unwrap();
        work.looked -= LOOK_AFTER;
        assert_eq!(work.advance(1), Ok(()));
        work.grace = Duration::ZERO;
        work.looked -= LOOK_AFTER;
        assert_eq!(work.advance(1), Err(Interruption::ControlLost));
    }

    #[test]
    fn work_ends_when_the_control_connection_says_so() {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let mut watch = Impatient(ours);
        let mut work = Work::begin(&mut watch).unwrap();
        assert_eq!(work.advance(1), Ok(()));
        drop(theirs);
        let end = Instant::now() + Duration::from_secs(10);
        while work.advance(1).is_ok() {
            assert!(Instant::now() < end, "never looked");
        }
    }
}
