//! The two messages of an attempt, request and reply, and the one with which
//! the authenticator reports for duty.
//!
//! Both have a fixed size and fixed fields: a length and as many bytes as the
//! field may have. What does not decode is refused whole. The sender is
//! another process of this program, of the same build.
#![forbid(unsafe_code)]

use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

use super::verdict::{Cause, Denied};
use crate::auth::Secret;
use crate::sys::crypt::PHRASE_MAX;
use crate::sys::passwd::User;
use crate::sys::wipe::wipe;

/// The longest name of a user; Linux allows 32 bytes, name services more.
pub const NAME_MAX: usize = 256;
/// The most groups handed over; the directory services' own limit, nearly.
pub const GROUPS_MAX: usize = 1024;
const DETAIL_MAX: usize = 1024;
const PATH_MAX: usize = 4096;

const LENGTH: usize = 4;
const REQUEST_SIZE: usize = LENGTH + NAME_MAX + LENGTH + PHRASE_MAX + 16;
const REPLY_SIZE: usize = 4 * 5
    + LENGTH
    + DETAIL_MAX
    + LENGTH
    + NAME_MAX
    + LENGTH
    + 4 * GROUPS_MAX
    + 2 * (LENGTH + PATH_MAX);
/// Room for the largest message, and a byte by which a longer one shows.
pub const ROOM: usize = REPLY_SIZE + 1;

/// What a worker asks: may this user in?
pub struct Request {
    /// USER's argument.
    pub name: Vec<u8>,
    /// PASS's argument.
    pub password: Secret,
    /// The client's address.
    pub peer: IpAddr,
}

/// A request to be sent, wiped afterwards.
pub struct Sealed(Vec<u8>);

impl Sealed {
    /// The bytes of the message.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl Drop for Sealed {
    fn drop(&mut self) {
        wipe(&mut self.0);
    }
}

/// A request as a message; `None` where a field does not fit, or holds what
/// no account has: a C string takes no NUL, and a name with control
/// characters would forge lines in the modules' logs.
pub fn seal(name: &[u8], password: &Secret, peer: IpAddr) -> Option<Sealed> {
    let fits = !name.is_empty() && !name.iter().any(u8::is_ascii_control);
    if !fits || password.as_bytes().contains(&0) {
        return None;
    }
    // Nothing may move it while it grows, and leave a copy behind.
    let mut sealed = Sealed(Vec::with_capacity(REQUEST_SIZE));
    put(&mut sealed.0, name, NAME_MAX)?;
    put(&mut sealed.0, password.as_bytes(), PHRASE_MAX)?;
    let peer = match peer {
        IpAddr::V4(v4) => v4.to_ipv6_mapped(),
        IpAddr::V6(v6) => v6,
    };
    sealed.0.extend_from_slice(&peer.octets());
    Some(sealed)
}

impl Request {
    /// Reads a message and wipes it.
    pub fn open(message: &mut [u8]) -> Option<Request> {
        let request = Request::read(message);
        wipe(message);
        request
    }

    fn read(message: &[u8]) -> Option<Request> {
        let mut fields = Fields::of(message, REQUEST_SIZE)?;
        let name = fields.bytes(NAME_MAX)?.to_vec();
        let password = Secret::new(fields.bytes(PHRASE_MAX)?.to_vec());
        let peer: [u8; 16] = fields.take(16)?.try_into().ok()?;
        Some(Request {
            name,
            password,
            peer: Ipv6Addr::from(peer).to_canonical(),
        })
    }
}

/// What the checking process answers.
#[derive(Debug, PartialEq, Eq)]
pub enum Reply {
    /// Let in.
    Granted {
        /// The system's user, if there is one.
        account: Option<User>,
        /// Whether the sender stays until this channel closes.
        session: bool,
    },
    /// Kept out.
    Denied(Denied),
}

// What a reply is about, a bit each.
const GRANTED: u32 = 1;
const SESSION: u32 = 2;
const ACCOUNT: u32 = 4;

impl Reply {
    /// The reply as a message. A user who does not fit is denied.
    pub fn encode(&self) -> Vec<u8> {
        self.try_encode().unwrap_or_else(|| {
            let misfit = Denied::new(Cause::Unavailable, "an entry of the user's is too long");
            Reply::Denied(misfit).try_encode().unwrap_or_default()
        })
    }

    fn try_encode(&self) -> Option<Vec<u8>> {
        let mut out = Vec::with_capacity(REPLY_SIZE);
        match self {
            Reply::Granted { account, session } => {
                let session = if *session { SESSION } else { 0 };
                let known = if account.is_some() { ACCOUNT } else { 0 };
                let none = User::default();
                let user = account.as_ref().unwrap_or(&none);
                for number in [GRANTED | session | known, 0, 0, user.uid, user.gid] {
                    out.extend_from_slice(&number.to_ne_bytes());
                }
                put(&mut out, b"", DETAIL_MAX)?;
                put(&mut out, &user.name, NAME_MAX)?;
                put_groups(&mut out, &user.groups)?;
                put(&mut out, &user.home, PATH_MAX)?;
                put(&mut out, &user.shell, PATH_MAX)?;
            }
            Reply::Denied(denied) => {
                let cause = Cause::ALL.iter().position(|cause| *cause == denied.cause)?;
                let delay = u32::try_from(denied.delay.as_micros()).unwrap_or(u32::MAX);
                for number in [0, u32::try_from(cause).ok()?, delay, 0, 0] {
                    out.extend_from_slice(&number.to_ne_bytes());
                }
                put(&mut out, start(&denied.detail, DETAIL_MAX), DETAIL_MAX)?;
                out.resize(REPLY_SIZE, 0);
            }
        }
        Some(out)
    }

    /// Reads a message.
    pub fn decode(message: &[u8]) -> Option<Reply> {
        let mut fields = Fields::of(message, REPLY_SIZE)?;
        let [kind, cause, delay, uid, gid] = [
            fields.number()?,
            fields.number()?,
            fields.number()?,
            fields.number()?,
            fields.number()?,
        ];
        let detail = fields.bytes(DETAIL_MAX)?;
        if kind > (GRANTED | SESSION | ACCOUNT) {
            return None;
        }
        if kind & GRANTED == 0 {
            return Some(Reply::Denied(Denied {
                cause: *Cause::ALL.get(usize::try_from(cause).ok()?)?,
                detail: String::from_utf8_lossy(detail).into(),
                delay: Duration::from_micros(delay.into()),
            }));
        }
        let user = User {
            uid,
            gid,
            name: fields.bytes(NAME_MAX)?.to_vec(),
            groups: fields.groups()?,
            home: fields.bytes(PATH_MAX)?.to_vec(),
            shell: fields.bytes(PATH_MAX)?.to_vec(),
        };
        Some(Reply::Granted {
            account: (kind & ACCOUNT != 0).then_some(user),
            session: kind & SESSION != 0,
        })
    }
}

/// The start of a text: `most` bytes, or up to the last whole letter before.
fn start(text: &str, most: usize) -> &[u8] {
    let mut lengths = (0..=most).rev();
    lengths
        .find_map(|length| text.get(..length.min(text.len())))
        .unwrap_or_default()
        .as_bytes()
}

/// Appends a length and a field of `most` bytes.
fn put(out: &mut Vec<u8>, bytes: &[u8], most: usize) -> Option<()> {
    if bytes.len() > most {
        return None;
    }
    out.extend_from_slice(&u32::try_from(bytes.len()).ok()?.to_ne_bytes());
    let end = out.len() + most;
    out.extend_from_slice(bytes);
    out.resize(end, 0);
    Some(())
}

fn put_groups(out: &mut Vec<u8>, groups: &[u32]) -> Option<()> {
    let bytes: Vec<u8> = groups.iter().flat_map(|gid| gid.to_ne_bytes()).collect();
    put(out, &bytes, 4 * GROUPS_MAX)
}

/// A message, field by field.
struct Fields<'message>(&'message [u8]);

impl<'message> Fields<'message> {
    fn of(message: &'message [u8], size: usize) -> Option<Fields<'message>> {
        (message.len() == size).then_some(Fields(message))
    }

    fn take(&mut self, length: usize) -> Option<&'message [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn number(&mut self) -> Option<u32> {
        Some(u32::from_ne_bytes(self.take(LENGTH)?.try_into().ok()?))
    }

    fn bytes(&mut self, most: usize) -> Option<&'message [u8]> {
        let length = usize::try_from(self.number()?).ok()?;
        self.take(most)?.get(..length)
    }

    fn groups(&mut self) -> Option<Vec<u32>> {
        let bytes = self.bytes(4 * GROUPS_MAX)?;
        let gids = bytes.chunks_exact(4).map(|gid| gid.try_into().ok());
        gids.map(|gid| gid.map(u32::from_ne_bytes)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &[u8]) -> Secret {
        Secret::new(text.to_vec())
    }

    const HERE: IpAddr = IpAddr::V6(Ipv6Addr::LOCALHOST);

    #[test]
    fn a_request_comes_back_and_is_wiped() {
        for peer in ["192.0.2.1", "2001:db8::1"] {
            let peer: IpAddr = peer.parse().unwrap();
            let sealed = seal(b"ann", &secret(b"p\xe4ss"), peer).unwrap();
            let mut message = sealed.as_bytes().to_vec();
            let request = Request::open(&mut message).unwrap();
            assert_eq!(request.name, b"ann");
            assert_eq!(request.password.as_bytes(), b"p\xe4ss");
            assert_eq!(request.peer, peer);
            assert_eq!(message, [0; REQUEST_SIZE]);
        }
    }

    #[test]
    fn every_request_has_the_same_size_and_never_moved() {
        for (name, password) in [
            (&b"a"[..], &b""[..]),
            (&[b'a'; NAME_MAX], &[b'p'; PHRASE_MAX]),
        ] {
            let sealed = seal(name, &secret(password), HERE).unwrap();
            assert_eq!(sealed.0.len(), REQUEST_SIZE);
            assert_eq!(sealed.0.capacity(), REQUEST_SIZE);
        }
    }

    #[test]
    fn what_no_account_has_is_not_asked_for() {
        for (name, password) in [
            (&b""[..], &b"p"[..]),
            (b"a\nb", b"p"),
            (b"a\0b", b"p"),
            (b"a\x7f", b"p"),
            (b"a", b"p\0"),
            (&[b'a'; NAME_MAX + 1], b"p"),
            (b"a", &[b'p'; PHRASE_MAX + 1]),
        ] {
            assert!(seal(name, &secret(password), HERE).is_none());
        }
    }

    #[test]
    fn replies_come_back_as_they_were() {
        let user = User {
            name: b"ann".to_vec(),
            uid: 1000,
            gid: u32::MAX,
            groups: (0..1024).collect(),
            home: b"/home/\xe4nn".to_vec(),
            shell: Vec::new(),
        };
        for (account, session) in [(Some(user), true), (None, true), (None, false)] {
            let reply = Reply::Granted { account, session };
            let message = reply.encode();
            assert_eq!(message.len(), REPLY_SIZE);
            assert_eq!(Reply::decode(&message), Some(reply));
        }
        for cause in Cause::ALL {
            let reply = Reply::Denied(Denied {
                cause,
                detail: "why".into(),
                delay: Duration::from_millis(2345),
            });
            assert_eq!(Reply::decode(&reply.encode()), Some(reply));
        }
    }

    #[test]
    fn what_does_not_fit_is_cut_or_denied() {
        let long = Reply::Denied(Denied::new(Cause::Refused, "ä".repeat(DETAIL_MAX)));
        match Reply::decode(&long.encode()) {
            Some(Reply::Denied(denied)) => assert_eq!(&*denied.detail, "ä".repeat(512)),
            other => panic!("{other:?}"),
        }
        let reply = Reply::Granted {
            account: Some(User {
                groups: vec![1; GROUPS_MAX + 1],
                ..User::default()
            }),
            session: true,
        };
        assert!(matches!(
            Reply::decode(&reply.encode()),
            Some(Reply::Denied(_))
        ));
    }

    #[test]
    fn no_garbage_decodes_and_none_panics() {
        for size in [0, 1, REQUEST_SIZE - 1, REQUEST_SIZE, REPLY_SIZE, ROOM] {
            for byte in [0xff, 0x80, 8] {
                assert!(Request::open(&mut vec![byte; size]).is_none());
                assert!(Reply::decode(&vec![byte; size]).is_none());
            }
        }
    }
}
