//! Digests of files: the algorithms HASH can be told to use
//! (draft-bryan-ftpext-hash sections 3.1 and 3.2) and the computing itself.
//!
//! Bytes go in piece by piece and hexadecimal digits come out. Where the bytes
//! come from, and who may ask for them, is the session's business.
#![forbid(unsafe_code)]

use sha2::Digest as _;

/// An algorithm by which a file is hashed.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Algorithm {
    /// FIPS 180-4; the default: none weaker than SHA-1 may be (section 5 of
    /// the draft), and SHA-1 has had its day.
    #[default]
    Sha256,
    /// FIPS 180-4.
    Sha512,
    /// FIPS 180-4. The draft demands it.
    Sha1,
    /// RFC 1321.
    Md5,
    /// The CRC of IEEE 802.3, which XCRC is about.
    Crc32,
}

impl Algorithm {
    /// All of them, in the order in which FEAT shows them.
    pub const ALL: [Algorithm; 5] = [
        Algorithm::Sha256,
        Algorithm::Sha512,
        Algorithm::Sha1,
        Algorithm::Md5,
        Algorithm::Crc32,
    ];

    /// The name in IANA's registry of textual hash names, except for CRC32,
    /// which is not in it and goes by the name other servers give it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Algorithm::Sha256 => "SHA-256",
            Algorithm::Sha512 => "SHA-512",
            Algorithm::Sha1 => "SHA-1",
            Algorithm::Md5 => "MD5",
            Algorithm::Crc32 => "CRC32",
        }
    }

    /// The algorithm of this name, in any ASCII case.
    #[must_use]
    pub fn by_name(name: &[u8]) -> Option<Algorithm> {
        Algorithm::ALL
            .into_iter()
            .find(|algorithm| name.eq_ignore_ascii_case(algorithm.name().as_bytes()))
    }
}

/// HASH's line in FEAT, the star at the algorithm in use.
#[must_use]
pub fn feat_line(chosen: Algorithm) -> String {
    let names: Vec<String> = Algorithm::ALL
        .iter()
        .map(|&algorithm| {
            let star = if algorithm == chosen { "*" } else { "" };
            format!("{}{star}", algorithm.name())
        })
        .collect();
    format!("HASH {}", names.join(";"))
}

/// A digest in the making.
#[derive(Clone)]
pub struct Digest(State);

#[derive(Clone)]
enum State {
    Sha256(sha2::Sha256),
    Sha512(sha2::Sha512),
    Sha1(sha1::Sha1),
    Md5(md5::Md5),
    Crc32(crc32fast::Hasher),
}

impl Digest {
    /// The digest of nothing yet.
    #[must_use]
    pub fn new(algorithm: Algorithm) -> Digest {
        Digest(match algorithm {
            Algorithm::Sha256 => State::Sha256(sha2::Sha256::new()),
            Algorithm::Sha512 => State::Sha512(sha2::Sha512::new()),
            Algorithm::Sha1 => State::Sha1(sha1::Sha1::new()),
            Algorithm::Md5 => State::Md5(md5::Md5::new()),
            Algorithm::Crc32 => State::Crc32(crc32fast::Hasher::new()),
        })
    }

    /// Takes in what comes next.
    pub fn update(&mut self, bytes: &[u8]) {
        match &mut self.0 {
            State::Sha256(state) => state.update(bytes),
            State::Sha512(state) => state.update(bytes),
            State::Sha1(state) => state.update(bytes),
            State::Md5(state) => state.update(bytes),
            State::Crc32(state) => state.update(bytes),
        }
    }

    /// The digest in lower-case hexadecimal digits, leading zeros included.
    #[must_use]
    pub fn finish(self) -> String {
        match self.0 {
            State::Sha256(state) => hexadecimal(&state.finalize()),
            State::Sha512(state) => hexadecimal(&state.finalize()),
            State::Sha1(state) => hexadecimal(&state.finalize()),
            State::Md5(state) => hexadecimal(&state.finalize()),
            State::Crc32(state) => hexadecimal(&state.finalize().to_be_bytes()),
        }
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(algorithm: Algorithm, pieces: &[&[u8]]) -> String {
        let mut digest = Digest::new(algorithm);
        pieces.iter().for_each(|piece| digest.update(piece));
        digest.finish()
    }

    #[test]
    fn digests_are_those_of_the_published_vectors() {
        // FIPS 180 and RFC 1321 for "abc"; the usual check value for the CRC.
        for (algorithm, expected) in [
            (
                Algorithm::Sha256,
                "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
            ),
            (
                Algorithm::Sha512,
                "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a\
                 2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
            ),
            (Algorithm::Sha1, "a9993e364706816aba3e25717850c26c9cd0d89d"),
            (Algorithm::Md5, "900150983cd24fb0d6963f7d28e17f72"),
        ] {
            assert_eq!(digest(algorithm, &[b"abc"]), expected);
            assert_eq!(digest(algorithm, &[b"a", b"", b"bc"]), expected);
        }
        assert_eq!(digest(Algorithm::Crc32, &[b"1234", b"56789"]), "cbf43926");
    }

    #[test]
    fn leading_zeros_are_kept() {
        assert_eq!(digest(Algorithm::Crc32, &[]), "00000000");
        // Found by search: a CRC that begins with zeros.
        let short = (0_u32..)
            .map(|number| digest(Algorithm::Crc32, &[&number.to_be_bytes()]))
            .find(|text| text.starts_with("00"));
        assert_eq!(short.map(|text| text.len()), Some(8));
    }

    #[test]
    fn names_are_found_in_any_case_and_the_star_follows_the_choice() {
        for algorithm in Algorithm::ALL {
            let lower = algorithm.name().to_ascii_lowercase();
            assert_eq!(Algorithm::by_name(lower.as_bytes()), Some(algorithm));
        }
        for name in [&b""[..], b"SHA", b"SHA256", b"SHA-384", b"MD5*", b"CRC-32"] {
            assert_eq!(Algorithm::by_name(name), None);
        }
        assert_eq!(
            feat_line(Algorithm::default()),
            "HASH SHA-256*;SHA-512;SHA-1;MD5;CRC32"
        );
        assert_eq!(
            feat_line(Algorithm::Crc32),
            "HASH SHA-256;SHA-512;SHA-1;MD5;CRC32*"
        );
    }
}
