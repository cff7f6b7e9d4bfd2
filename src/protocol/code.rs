//! Reply codes (RFC 959 section 4.2, RFC 2228, RFC 2428 and later). The
//! wording beside a code is chosen where the reply is made.
#![forbid(unsafe_code)]

/// The three digits a reply begins with.
#[repr(u16)]
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Code {
    /// 110: restart marker (RFC 959).
    RestartMarker = 110,
    /// 120: ready in so many minutes (RFC 959).
    ReadySoon = 120,
    /// 125: data connection already open, transfer starting (RFC 959).
    DataConnectionOpen = 125,
    /// 150: file status okay, about to open the data connection (RFC 959).
    FileStatusOk = 150,
    /// 200: the command was obeyed (RFC 959).
    CommandOk = 200,
    /// 202: not needed at this site (RFC 959).
    Superfluous = 202,
    /// 211: system status or help reply; FEAT too (RFC 959, RFC 2389).
    SystemStatus = 211,
    /// 212: directory status (RFC 959).
    DirectoryStatus = 212,
    /// 213: file status; SIZE, MDTM and MFMT too (RFC 959, RFC 3659).
    FileStatus = 213,
    /// 214: help message (RFC 959).
    HelpMessage = 214,
    /// 215: name of the system (RFC 959).
    SystemType = 215,
    /// 220: ready for a new user; the greeting (RFC 959).
    ServiceReady = 220,
    /// 221: closing the control connection (RFC 959).
    ClosingControl = 221,
    /// 225: data connection open, no transfer in progress (RFC 959).
    DataConnectionIdle = 225,
    /// 226: closing the data connection, all went well (RFC 959).
    ClosingData = 226,
    /// 227: entering passive mode, with an IPv4 address (RFC 959).
    PassiveMode = 227,
    /// 228: entering long passive mode, with an address (RFC 1639).
    LongPassiveMode = 228,
    /// 229: entering extended passive mode, with a port (RFC 2428).
    ExtendedPassiveMode = 229,
    /// 230: logged in (RFC 959).
    LoggedIn = 230,
    /// 232: logged in, as the security exchange proved (RFC 2228).
    LoggedInSecurely = 232,
    /// 234: security exchange complete (RFC 2228).
    SecurityAccepted = 234,
    /// 250: the file action was done (RFC 959).
    FileActionOk = 250,
    /// 251: the MD5 digest of one file (draft-twine-ftpmd5).
    FileDigest = 251,
    /// 252: the MD5 digests of several files (draft-twine-ftpmd5).
    FileDigests = 252,
    /// 257: a quoted pathname: made by MKD, or asked for by PWD (RFC 959).
    PathnameCreated = 257,
    /// 331: user name okay, password needed (RFC 959).
    NeedPassword = 331,
    /// 332: an account is needed to log in (RFC 959).
    NeedAccount = 332,
    /// 350: the file action waits for another command: RNFR, REST (RFC 959).
    NeedInformation = 350,
    /// 421: closing the control connection, service not available (RFC 959).
    ServiceNotAvailable = 421,
    /// 425: the data connection cannot be opened (RFC 959).
    CannotOpenData = 425,
    /// 426: connection closed, transfer broken off (RFC 959).
    TransferAborted = 426,
    /// 430: user name or password wrong. In no RFC; some servers use it.
    InvalidLogin = 430,
    /// 431: a resource for security is missing, such as a key (RFC 2228).
    SecurityUnavailable = 431,
    /// 450: the file is not available now (RFC 959).
    FileBusy = 450,
    /// 451: broken off, an error on this side (RFC 959).
    LocalError = 451,
    /// 452: no space left on the system (RFC 959).
    InsufficientStorage = 452,
    /// 500: not a command, or too long (RFC 959).
    SyntaxError = 500,
    /// 501: the argument is wrong in form (RFC 959).
    ArgumentError = 501,
    /// 502: a known command that is not implemented (RFC 959).
    NotImplemented = 502,
    /// 503: commands in the wrong order (RFC 959).
    BadSequence = 503,
    /// 504: not implemented for that argument (RFC 959).
    ParameterNotImplemented = 504,
    /// 521: address family not supported; the text names those that are
    /// (RFC 1639). Also [`Code::DATA_IN_CLEAR`].
    FamilyNotSupported = 521,
    /// 522: network protocol not supported; the text names those that are
    /// (RFC 2428). Also [`Code::DATA_NOT_PROTECTED`].
    ProtocolNotSupported = 522,
    /// 530: not logged in (RFC 959).
    NotLoggedIn = 530,
    /// 532: an account is needed to store files (RFC 959).
    NeedAccountToStore = 532,
    /// 533: the command's protection level is denied by policy (RFC 2228).
    ProtectionDenied = 533,
    /// 534: refused by the security policy (RFC 2228).
    PolicyDenied = 534,
    /// 535: the security check failed (RFC 2228).
    SecurityCheckFailed = 535,
    /// 536: protection level not supported by the mechanism (RFC 2228).
    ProtectionUnsupported = 536,
    /// 550: the file is not available: not found, no access (RFC 959).
    FileUnavailable = 550,
    /// 551: page type unknown (RFC 959).
    PageTypeUnknown = 551,
    /// 552: more storage than is allowed (RFC 959).
    StorageExceeded = 552,
    /// 553: the name is not allowed (RFC 959).
    NameNotAllowed = 553,
    /// 554: the file has no such restart position (RFC 1123 section 4.1.3.4).
    InvalidRestart = 554,
    /// 555: not with this representation type or structure. Not in RFC 959.
    TypeMismatch = 555,
}

impl Code {
    /// 521 in its other sense: the data connection cannot be opened with this
    /// PROT setting, by custom of servers that demand TLS.
    pub const DATA_IN_CLEAR: Code = Code::FamilyNotSupported;

    /// 522 in its other sense: TLS on the data connection came to nothing
    /// (RFC 4217 section 10.2 and by custom).
    pub const DATA_NOT_PROTECTED: Code = Code::ProtocolNotSupported;

    /// The code as a number, 110 to 555.
    #[must_use]
    pub const fn as_u16(self) -> u16 {
        self as u16
    }

    /// The code as three ASCII digits.
    #[must_use]
    pub fn digits(self) -> [u8; 3] {
        let number = self.as_u16();
        [number / 100, number / 10 % 10, number % 10]
            .map(|digit| b'0'.saturating_add(u8::try_from(digit).unwrap_or_default()))
    }

    /// A 1yz reply: another one follows for the same command.
    #[must_use]
    pub const fn is_preliminary(self) -> bool {
        self.as_u16() < 200
    }

    /// A 4yz or 5yz reply: the command was not obeyed.
    #[must_use]
    pub const fn is_negative(self) -> bool {
        self.as_u16() >= 400
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_spell_the_number() {
        for code in [
            Code::RestartMarker,
            Code::FileActionOk,
            Code::ServiceNotAvailable,
            Code::TypeMismatch,
        ] {
            assert_eq!(code.digits(), code.as_u16().to_string().as_bytes());
        }
    }

    #[test]
    fn classes_follow_the_first_digit() {
        assert!(Code::FileStatusOk.is_preliminary() && !Code::CommandOk.is_preliminary());
        assert!(Code::ServiceNotAvailable.is_negative() && !Code::NeedInformation.is_negative());
    }
}
