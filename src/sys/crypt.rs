//! Password hashing by the system's crypt(3), as libxcrypt has it.
//!
//! Whatever methods the system's library was built with work here: yescrypt,
//! SHA-512, bcrypt and older ones; crypt(5) describes their texts. Leaves to
//! others: which method to choose, how many hashes run at once (one yescrypt
//! hash takes 16 MiB), and what a hash is compared with.

use std::ffi::{CStr, c_char, c_int, c_ulong, c_void};
use std::fmt;
use std::hint::black_box;
use std::io;
use std::ptr;

use super::wipe::wipe;

/// The longest phrase the library takes: CRYPT_MAX_PASSPHRASE_SIZE is 512
/// and counts the NUL at the end.
pub const PHRASE_MAX: usize = 511;

/// The longest setting or hash: CRYPT_OUTPUT_SIZE is 384 with its NUL.
pub const SETTING_MAX: usize = 383;

// struct crypt_data is 32768 bytes, all of them char arrays: output at 0,
// setting at 384, input (the phrase) at 768, then the library's scratch.
// The layout is frozen as part of the library's ABI.
const DATA_SIZE: u16 = 32768;
const SETTING_AT: usize = 384;
const INPUT_AT: usize = 768;
/// CRYPT_GENSALT_OUTPUT_SIZE.
const GENSALT_SIZE: u8 = 192;

#[link(name = "crypt")]
unsafe extern "C" {
    fn crypt_rn(
        phrase: *const c_char,
        setting: *const c_char,
        data: *mut c_void,
        size: c_int,
    ) -> *mut c_char;
    fn crypt_gensalt_rn(
        prefix: *const c_char,
        count: c_ulong,
        rbytes: *const c_char,
        nrbytes: c_int,
        output: *mut c_char,
        output_size: c_int,
    ) -> *mut c_char;
    fn crypt_checksalt(setting: *const c_char) -> c_int;
}

/// Why a phrase was not hashed, or a setting not made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CryptError {
    /// The phrase is longer than [`PHRASE_MAX`]; its length in bytes.
    PhraseTooLong(usize),
    /// The phrase holds a NUL, where C would end it early.
    PhraseHasNul,
    /// The setting is longer than [`SETTING_MAX`], or holds a NUL.
    SettingUnfit,
    /// The library refused, with this errno: EINVAL for a setting it does
    /// not know or finds malformed, ENOMEM where memory ran out.
    Refused(i32),
}

impl fmt::Display for CryptError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CryptError::PhraseTooLong(length) => {
                write!(
                    out,
                    "password of {length} bytes, more than the {PHRASE_MAX} of crypt(3)"
                )
            }
            CryptError::PhraseHasNul => out.write_str("password with a NUL byte"),
            CryptError::SettingUnfit => {
                write!(out, "hash with a NUL byte or more than {SETTING_MAX} bytes")
            }
            CryptError::Refused(errno) => {
                write!(out, "crypt(3): {}", io::Error::from_raw_os_error(*errno))
            }
        }
    }
}

impl std::error::Error for CryptError {}

/// A zeroed `struct crypt_data` on the heap, for a worker's stack is small;
/// it holds the phrase, so it is wiped when it goes.
struct Data(Vec<u8>);

impl Data {
    fn new() -> Data {
        Data(vec![0; usize::from(DATA_SIZE)])
    }

    /// Copies `bytes` to `at`; the zeros behind them end the C string.
    fn put(&mut self, at: usize, bytes: &[u8]) {
        if let Some(place) = self.0.get_mut(at..at + bytes.len()) {
            place.copy_from_slice(bytes);
        }
    }
}

impl Drop for Data {
    fn drop(&mut self) {
        wipe(&mut self.0);
    }
}

/// Hashes `phrase` as `setting` says (crypt_rn(3)).
///
/// `setting` is a text of [`new_setting`], or a whole earlier hash: then the
/// result equals it exactly where the phrase is the one it was made from.
/// Takes as long as the setting's cost asks for.
pub fn hash(phrase: &[u8], setting: &[u8]) -> Result<Vec<u8>, CryptError> {
    check_phrase(phrase)?;
    if setting.len() > SETTING_MAX || setting.contains(&0) {
        return Err(CryptError::SettingUnfit);
    }
    let mut data = Data::new();
    data.put(SETTING_AT, setting);
    data.put(INPUT_AT, phrase);
    let base = data.0.as_mut_ptr();
    // SAFETY: `base` leads to DATA_SIZE zeroed bytes that live until `data`
    // goes and are not touched otherwise meanwhile. The two strings lie in
    // the fields the library sets apart for them, and each ends in a NUL
    // within its field, as the lengths were checked against the fields'.
    let output = unsafe {
        crypt_rn(
            base.add(INPUT_AT).cast(),
            base.add(SETTING_AT).cast(),
            base.cast(),
            c_int::from(DATA_SIZE),
        )
    };
    if output.is_null() {
        return Err(CryptError::Refused(errno()));
    }
    // SAFETY: not null, so it is a NUL-ended string inside `data`, which
    // lives to the end of this function.
    let text = unsafe { CStr::from_ptr(output) }.to_bytes();
    // crypt_rn promises a null pointer for failure; a failure token that
    // came through all the same must never pass for a hash.
    if text.is_empty() || text.starts_with(b"*") {
        return Err(CryptError::Refused(libc::EINVAL));
    }
    Ok(text.to_vec())
}

/// Whether [`hash`] would take this phrase, without hashing it.
pub fn check_phrase(phrase: &[u8]) -> Result<(), CryptError> {
    if phrase.len() > PHRASE_MAX {
        return Err(CryptError::PhraseTooLong(phrase.len()));
    }
    if phrase.contains(&0) {
        return Err(CryptError::PhraseHasNul);
    }
    Ok(())
}

/// Makes a setting with a fresh salt from the kernel (crypt_gensalt_rn(3)).
///
/// `prefix` names the method: `$y$` yescrypt, `$6$` SHA-512, `$2b$` bcrypt.
/// `cost` is in the method's own unit (crypt(5)); 0 is the library's default.
pub fn new_setting(prefix: &str, cost: u32) -> Result<Vec<u8>, CryptError> {
    // An empty prefix would mean the DES hash of 1979.
    if prefix.is_empty() || prefix.len() > SETTING_MAX || prefix.bytes().any(|byte| byte == 0) {
        return Err(CryptError::SettingUnfit);
    }
    let mut prefix = prefix.as_bytes().to_vec();
    prefix.push(0);
    let mut output = vec![0_u8; usize::from(GENSALT_SIZE)];
    // SAFETY: `prefix` ends in a NUL; a null `rbytes` asks the library to
    // fetch the salt from the kernel; `output` is GENSALT_SIZE bytes long
    // and nothing else refers to it.
    let made = unsafe {
        crypt_gensalt_rn(
            prefix.as_ptr().cast(),
            c_ulong::from(cost),
            ptr::null(),
            0,
            output.as_mut_ptr().cast(),
            c_int::from(GENSALT_SIZE),
        )
    };
    if made.is_null() {
        return Err(CryptError::Refused(errno()));
    }
    let length = output
        .iter()
        .position(|&byte| byte == 0)
        .unwrap_or(output.len());
    output.truncate(length);
    Ok(output)
}

/// Whether the library knows the method of this setting or hash
/// (crypt_checksalt(3)). True of obsolete methods too.
pub fn knows(setting: &[u8]) -> bool {
    // CRYPT_SALT_INVALID and CRYPT_SALT_METHOD_DISABLED.
    const USELESS: [c_int; 2] = [1, 2];
    if setting.is_empty() || setting.len() > SETTING_MAX || setting.contains(&0) {
        return false;
    }
    let mut text = setting.to_vec();
    text.push(0);
    // SAFETY: `text` ends in a NUL and lives through the call, which only
    // reads it.
    let verdict = unsafe { crypt_checksalt(text.as_ptr().cast()) };
    !USELESS.contains(&verdict)
}

/// Whether two hashes are equal, in a time that depends on their lengths and
/// not on where they differ.
pub fn same(one: &[u8], other: &[u8]) -> bool {
    let mut difference = u8::from(one.len() != other.len());
    for (a, b) in one.iter().zip(other) {
        // The black box keeps the compiler from leaving the loop early.
        difference = black_box(difference | (a ^ b));
    }
    difference == 0
}

fn errno() -> i32 {
    io::Error::last_os_error()
        .raw_os_error()
        .unwrap_or(libc::EINVAL)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The SHA-512 line is the published test vector of that method; the
    /// others were made by Python's crypt module on Debian 12.
    const VECTORS: [(&str, &str); 4] = [
        (
            "$6$saltstring",
            "$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1",
        ),
        (
            "$2b$05$abcdefghijklmnopqrstuu",
            "$2b$05$abcdefghijklmnopqrstuu7nFISH/8YdwlXD3lw69A4iBUf6fvWAW",
        ),
        (
            "$y$j75$abcdefgh$",
            "$y$j75$abcdefgh$seYLk3C3HyTtiwemJi2fPeplJP3Gd5RaKYGEt1rRkF2",
        ),
        (
            "$y$j9T$abcdefgh$",
            "$y$j9T$abcdefgh$WtA2I5exIyQv5b7uDMgPs3N8zOQY6ZtcplRdKJSUiBC",
        ),
    ];

    #[test]
    fn known_vectors_come_out_from_setting_and_from_hash() {
        for (setting, hashed) in VECTORS {
            let out = hash(b"Hello world!", setting.as_bytes()).unwrap();
            assert_eq!(String::from_utf8(out).unwrap(), hashed);
            assert_eq!(
                hash(b"Hello world!", hashed.as_bytes()).unwrap(),
                hashed.as_bytes()
            );
            assert_ne!(
                hash(b"Hello world?", hashed.as_bytes()).unwrap(),
                hashed.as_bytes()
            );
        }
    }

    #[test]
    fn what_crypt_refuses_is_an_error_and_never_a_token() {
        for setting in [
            "",
            "*0",
            "*1",
            "!",
            "x",
            "$nosuch$salt$",
            "$y$",
            "$2b$99$aaaa",
        ] {
            assert!(
                matches!(
                    hash(b"secret", setting.as_bytes()),
                    Err(CryptError::Refused(_))
                ),
                "{setting}"
            );
        }
        assert_eq!(hash(b"secret", &[b'a'; 384]), Err(CryptError::SettingUnfit));
        assert_eq!(hash(b"secret", b"$6$a\0b"), Err(CryptError::SettingUnfit));
    }

    #[test]
    fn phrases_to_the_limit_are_hashed_and_longer_ones_refused() {
        let (full, over) = ([b'a'; PHRASE_MAX], [b'a'; PHRASE_MAX + 1]);
        assert!(hash(&full, b"$6$salt").is_ok());
        assert_ne!(hash(&full, b"$6$salt"), hash(&full[1..], b"$6$salt"));
        assert_eq!(hash(&over, b"$6$salt"), Err(CryptError::PhraseTooLong(512)));
        assert_eq!(hash(b"a\0b", b"$6$salt"), Err(CryptError::PhraseHasNul));
    }

    #[test]
    fn new_settings_work_carry_their_cost_and_never_repeat() {
        for (prefix, cost, start) in [
            ("$y$", 1, "$y$"),
            ("$6$", 1000, "$6$rounds=1000$"),
            ("$2b$", 4, "$2b$04$"),
        ] {
            let setting = new_setting(prefix, cost).unwrap();
            assert!(setting.starts_with(start.as_bytes()), "{setting:?}");
            assert_ne!(setting, new_setting(prefix, cost).unwrap());
            let hashed = hash(b"secret", &setting).unwrap();
            assert!(hashed.starts_with(&setting));
        }
        assert!(matches!(
            new_setting("$nosuch$", 0),
            Err(CryptError::Refused(_))
        ));
        assert_eq!(new_setting("", 0), Err(CryptError::SettingUnfit));
    }

    #[test]
    fn a_small_stack_is_enough_for_every_method() {
        let thread = std::thread::Builder::new().stack_size(64 * 1024).spawn(|| {
            for (setting, hashed) in VECTORS {
                assert_eq!(
                    hash(b"Hello world!", setting.as_bytes()).unwrap(),
                    hashed.as_bytes()
                );
            }
        });
        thread.unwrap().join().unwrap();
    }

    #[test]
    fn known_methods_are_told_from_unknown_ones() {
        for (setting, _) in VECTORS {
            assert!(knows(setting.as_bytes()), "{setting}");
        }
        for setting in ["", "*", "x", "$nosuch$salt$", "$6$a\0b"] {
            assert!(!knows(setting.as_bytes()), "{setting}");
        }
    }

    #[test]
    fn only_equal_texts_are_the_same() {
        assert!(same(b"abc", b"abc") && same(b"", b""));
        for other in [&b"abd"[..], b"Abc", b"ab", b"abcd", b""] {
            assert!(!same(b"abc", other));
        }
    }
}
