//! The record protection of TLS (RFC 8446 section 5.2, RFC 5288, RFC 7905)
//! with keys that rustls has agreed on.
//!
//! Records are sealed from the caller's clear text straight into the buffer
//! that is sent, and opened straight into the one that is written: rustls
//! itself would copy each octet twice on the way. The ciphers are those of
//! aws-lc, which rustls uses too. Leaves to others: what a record says.

use crate::protocol::protection::Breach;
use crate::sys::wipe::wipe;
use aws_lc_rs::aead::{
    AES_128_GCM, AES_256_GCM, Aad, Algorithm, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey,
};
use rustls::ConnectionTrafficSecrets;
use std::fmt;

/// Octets of a record's header: kind, version, length.
pub(super) const HEADER: usize = 5;

/// Octets of clear text in a full record.
pub(super) const FULL: usize = 1 << 14;

/// What each of these ciphers adds to prove that a record is genuine.
const TAG: usize = 16;

/// Kinds of record (RFC 8446 section 5.1).
pub(super) const ALERT: u8 = 21;
pub(super) const HANDSHAKE: u8 = 22;
pub(super) const DATA: u8 = 23;

/// What a record says of itself wherever it is protected; version 1.3 says
/// 1.2 for the sake of what is in between.
const VERSION: [u8; 2] = [3, 3];

/// Records under one key of AES-GCM before it is changed (RFC 8446 section
/// 5.5 allows 2^24.5).
const KEY_LIMIT: u64 = 1 << 23;

/// How version and cipher lay a record out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Layout {
    /// TLS 1.3: the kind is in the clear text, behind it.
    Hidden,
    /// TLS 1.2 with ChaCha20-Poly1305.
    Plain,
    /// TLS 1.2 with AES-GCM: eight octets of the nonce go before the rest.
    Explicit,
}

impl Layout {
    /// Octets before the ciphertext, header apart.
    fn before(self) -> usize {
        if self == Layout::Explicit { 8 } else { 0 }
    }

    /// Octets that a record is longer than its clear text, header apart.
    fn added(self) -> usize {
        self.before() + usize::from(self == Layout::Hidden) + TAG
    }

    /// The longest body that may come.
    fn longest(self) -> usize {
        match self {
            Layout::Hidden => FULL + 256,
            Layout::Plain | Layout::Explicit => FULL + 2048,
        }
    }
}

/// The octets of a key, the shorter ones' with zeros behind.
#[derive(Clone)]
struct Secret([u8; 32]);

impl Secret {
    fn of(key: &[u8]) -> Option<Secret> {
        let mut secret = Secret([0; 32]);
        secret.0.get_mut(..key.len())?.copy_from_slice(key);
        Some(secret)
    }
}

impl Drop for Secret {
    fn drop(&mut self) {
        wipe(&mut self.0);
    }
}

/// One direction of a connection: a key and how often it was used.
pub(super) struct Direction {
    layout: Layout,
    secret: Secret,
    cipher: &'static Algorithm,
    iv: [u8; 12],
    sequence: u64,
    /// Made of the secret when it is first needed.
    ready: Option<LessSafeKey>,
}

impl fmt::Debug for Direction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Direction")
            .field("layout", &self.layout)
            .field("sequence", &self.sequence)
            .finish_non_exhaustive()
    }
}

impl Direction {
    /// A direction from secrets of rustls; `None` if they are of a cipher
    /// that this file does not know.
    pub(super) fn new(
        (sequence, secrets): (u64, ConnectionTrafficSecrets),
        version_13: bool,
    ) -> Option<Direction> {
        let (cipher, secret, iv) = match secrets {
            ConnectionTrafficSecrets::Aes128Gcm { key, iv } => (&AES_128_GCM, key, iv),
            ConnectionTrafficSecrets::Aes256Gcm { key, iv } => (&AES_256_GCM, key, iv),
            ConnectionTrafficSecrets::Chacha20Poly1305 { key, iv } => (&CHACHA20_POLY1305, key, iv),
            _ => return None,
        };
        let layout = match (version_13, cipher == &CHACHA20_POLY1305) {
            (true, _) => Layout::Hidden,
            (false, true) => Layout::Plain,
            (false, false) => Layout::Explicit,
        };
        Some(Direction {
            layout,
            secret: Secret::of(secret.as_ref())?,
            cipher,
            iv: iv.as_ref().try_into().ok()?,
            sequence,
            ready: None,
        })
    }

    /// The same keys as they were before the first record.
    pub(super) fn rewound(&self) -> Direction {
        Direction {
            layout: self.layout,
            secret: self.secret.clone(),
            cipher: self.cipher,
            iv: self.iv,
            sequence: 0,
            ready: None,
        }
    }

    /// How often the key was used.
    pub(super) fn sequence(&self) -> u64 {
        self.sequence
    }

    /// Whether the key has been used enough. Only version 1.3 can change it;
    /// with 1.2 it is used on, as everywhere: nonces never come twice.
    pub(super) fn is_worn(&self) -> bool {
        self.layout == Layout::Hidden
            && self.cipher != &CHACHA20_POLY1305
            && self.sequence >= KEY_LIMIT
    }

    /// Octets of wire that so many of clear text take in one record.
    pub(super) fn room(&self, clear: usize) -> usize {
        HEADER + self.layout.added() + clear
    }

    /// Gives back what [`Direction::seal`] and [`Direction::open`] make anew.
    pub(super) fn shrink(&mut self) {
        self.ready = None;
    }

    fn nonce(&self) -> [u8; 12] {
        let mut nonce = self.iv;
        let count = self.sequence.to_be_bytes();
        for (octet, count) in nonce.iter_mut().skip(4).zip(count) {
            *octet ^= count;
        }
        nonce
    }

    fn key(&mut self) -> Option<&LessSafeKey> {
        if self.ready.is_none() {
            let key = self.secret.0.get(..self.cipher.key_len())?;
            let key = UnboundKey::new(self.cipher, key).ok()?;
            self.ready = Some(LessSafeKey::new(key));
        }
        self.ready.as_ref()
    }

    /// What is proved beside the content (RFC 8446 section 5.2, RFC 5246
    /// section 6.2.3.3): its octets, and how many of them.
    fn proved(&self, kind: u8, clear: usize, body: usize) -> ([u8; 13], usize) {
        let mut proved = [0; 13];
        let (used, length) = match self.layout {
            Layout::Hidden => (0, body),
            Layout::Plain | Layout::Explicit => {
                for (octet, count) in proved.iter_mut().zip(self.sequence.to_be_bytes()) {
                    *octet = count;
                }
                (8, clear)
            }
        };
        let header = header(kind, length);
        for (octet, value) in proved.iter_mut().skip(used).zip(header) {
            *octet = value;
        }
        (proved, used + HEADER)
    }

    /// Writes one record of at most [`FULL`] octets of `clear` and gives its
    /// length; `None` without room for it.
    pub(super) fn seal(&mut self, kind: u8, clear: &[u8], wire: &mut [u8]) -> Option<usize> {
        let layout = self.layout;
        let body = layout.added() + clear.len();
        let nonce = self.nonce();
        // Hidden records are all of the kind DATA, and say what they are at
        // the end of the clear text.
        let (shown, inner) = match layout {
            Layout::Hidden => (DATA, &[kind][..]),
            Layout::Plain | Layout::Explicit => (kind, &[][..]),
        };
        let (proved, proved_length) = self.proved(shown, clear.len(), body);
        let record = wire.get_mut(..HEADER + body)?;
        let (head, rest) = record.split_at_mut_checked(HEADER)?;
        head.copy_from_slice(&header(shown, body));
        let (before, rest) = rest.split_at_mut_checked(layout.before())?;
        before.copy_from_slice(nonce.get(4..4 + before.len())?);
        let (sealed, end) = rest.split_at_mut_checked(clear.len())?;
        let proved = Aad::from(proved.get(..proved_length)?);
        let nonce = Nonce::assume_unique_for_key(nonce);
        self.key()?
            .seal_out_of_place_scatter(nonce, proved, clear, sealed, inner, end)
            .ok()?;
        self.sequence = self.sequence.checked_add(1)?;
        Some(HEADER + body)
    }

    /// Opens the record of this header and body into `clear`, which has room
    /// for as many octets as `body`, and gives its kind and its length.
    ///
    /// # Errors
    /// When it is not genuine or of the wrong shape.
    pub(super) fn open(
        &mut self,
        shown: u8,
        body: &[u8],
        clear: &mut [u8],
    ) -> Result<(u8, usize), Breach> {
        let layout = self.layout;
        if body.len() > layout.longest() {
            return Err(Breach::TooLong);
        }
        let length = body.len().checked_sub(layout.before() + TAG);
        let length = length.ok_or(Breach::Forged)?;
        let mut nonce = self.nonce();
        let (before, rest) = body
            .split_at_checked(layout.before())
            .ok_or(Breach::Forged)?;
        for (octet, given) in nonce.iter_mut().skip(4).zip(before) {
            *octet = *given;
        }
        let (sealed, tag) = rest.split_at_checked(length).ok_or(Breach::Forged)?;
        let room = clear.get_mut(..length).ok_or(Breach::TooLong)?;
        let (proved, proved_length) = self.proved(shown, length, body.len());
        let proved = Aad::from(proved.get(..proved_length).unwrap_or_default());
        let nonce = Nonce::assume_unique_for_key(nonce);
        self.key()
            .ok_or(Breach::Forged)?
            .open_separate_gather(nonce, proved, sealed, tag, room)
            .map_err(|_| Breach::Forged)?;
        self.sequence = self.sequence.checked_add(1).ok_or(Breach::Forged)?;
        let (kind, length) = match layout {
            Layout::Plain | Layout::Explicit => (shown, length),
            Layout::Hidden => {
                // Zeros may stand behind the kind.
                let at = room.iter().rposition(|&octet| octet != 0);
                let at = at.ok_or(Breach::Unexpected(0))?;
                (room.get(at).copied().unwrap_or_default(), at)
            }
        };
        if length > FULL {
            return Err(Breach::TooLong);
        }
        Ok((kind, length))
    }
}

fn header(kind: u8, length: usize) -> [u8; HEADER] {
    let [high, low] = u16::try_from(length).unwrap_or(u16::MAX).to_be_bytes();
    let [major, minor] = VERSION;
    [kind, major, minor, high, low]
}
