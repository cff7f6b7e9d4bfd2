//! Addresses of data connections as text: PORT and PASV (RFC 959 sections
//! 4.1.2 and 5.3.2), EPRT and EPSV (RFC 2428), LPRT and LPSV (RFC 1639).
//! Whether an address may be
//! connected to is `session`'s to decide.
#![forbid(unsafe_code)]

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4};

use crate::protocol::parse::parse_decimal;

/// Why an address was not understood.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum AddressError {
    /// Wrong in form, a number out of range, or port 0 (501).
    Syntax,
    /// A protocol number other than 1 (IPv4) and 2 (IPv6) (522), or for LPRT
    /// an address family other than 4 and 6 (521).
    Family,
}

/// What EPSV asks for (RFC 2428 section 3).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum EpsvRequest {
    /// No argument: the protocol of the control connection.
    Any,
    /// `ALL`: no other command will set up data connections from now on.
    All,
    /// `1`: IPv4.
    V4,
    /// `2`: IPv6.
    V6,
}

/// Reads PORT's argument: six decimal numbers of one octet each, separated by
/// commas. Blanks at the end are forgiven.
pub fn parse_port(argument: &[u8]) -> Result<SocketAddrV4, AddressError> {
    let mut numbers = [0_u8; 6];
    let mut texts = without_trailing_blanks(argument).split(|byte| *byte == b',');
    for number in &mut numbers {
        *number = octet(texts.next().ok_or(AddressError::Syntax)?)?;
    }
    if texts.next().is_some() {
        return Err(AddressError::Syntax);
    }
    let [h1, h2, h3, h4, p1, p2] = numbers;
    match u16::from_be_bytes([p1, p2]) {
        0 => Err(AddressError::Syntax),
        port => Ok(SocketAddrV4::new(Ipv4Addr::new(h1, h2, h3, h4), port)),
    }
}

/// Reads EPRT's argument, `|protocol|address|port|` with any printable
/// character for the bar. An IPv4-mapped IPv6 address stays as it came.
pub fn parse_eprt(argument: &[u8]) -> Result<SocketAddr, AddressError> {
    let text = without_trailing_blanks(argument);
    let delimiter = *text.first().ok_or(AddressError::Syntax)?;
    if !(33..=126).contains(&delimiter) {
        return Err(AddressError::Syntax);
    }
    let mut parts = text.split(|byte| *byte == delimiter);
    let fields: [Option<&[u8]>; 6] = std::array::from_fn(|_| parts.next());
    let [
        Some(b""),
        Some(protocol),
        Some(address),
        Some(port),
        Some(b""),
        None,
    ] = fields
    else {
        return Err(AddressError::Syntax);
    };
    let address = parse_ip(protocol, address)?;
    let port = parse_decimal(port).and_then(|port| u16::try_from(port).ok());
    match port {
        None | Some(0) => Err(AddressError::Syntax),
        Some(port) => Ok(SocketAddr::new(address, port)),
    }
}

/// Reads EPSV's argument; see [`EpsvRequest`]. Blanks at the end are forgiven.
pub fn parse_epsv(argument: &[u8]) -> Result<EpsvRequest, AddressError> {
    let text = without_trailing_blanks(argument);
    if text.is_empty() {
        return Ok(EpsvRequest::Any);
    }
    if text.eq_ignore_ascii_case(b"ALL") {
        return Ok(EpsvRequest::All);
    }
    match parse_decimal(text) {
        Some(1) => Ok(EpsvRequest::V4),
        Some(2) => Ok(EpsvRequest::V6),
        Some(_) => Err(AddressError::Family),
        None => Err(AddressError::Syntax),
    }
}

/// Reads LPRT's argument: an address family, 4 or 6, the length of an address
/// and its octets, the length of a port and its octets.
pub fn parse_lprt(argument: &[u8]) -> Result<SocketAddr, AddressError> {
    // The longest form is that of IPv6: 1 + 1 + 16 + 1 + 2 numbers.
    let mut numbers = Vec::with_capacity(21);
    for text in without_trailing_blanks(argument).split(|byte| *byte == b',') {
        if numbers.len() == 21 {
            return Err(AddressError::Syntax);
        }
        numbers.push(octet(text)?);
    }
    let (address, port) = match *numbers.as_slice() {
        [4, 4, a, b, c, d, 2, p1, p2] => (IpAddr::V4(Ipv4Addr::new(a, b, c, d)), [p1, p2]),
        [6, 16, ref rest @ .., 2, p1, p2] => {
            let octets: [u8; 16] = rest.try_into().map_err(|_| AddressError::Syntax)?;
            (IpAddr::V6(Ipv6Addr::from(octets)), [p1, p2])
        }
        [4 | 6, ..] | [_] | [] => return Err(AddressError::Syntax),
        [_, _, ..] => return Err(AddressError::Family),
    };
    match u16::from_be_bytes(port) {
        0 => Err(AddressError::Syntax),
        port => Ok(SocketAddr::new(address, port)),
    }
}

/// The address in a 228 reply, without its brackets, in the form of LPRT's
/// argument.
#[must_use]
pub fn format_lpsv(address: SocketAddr) -> String {
    let mut numbers = match address.ip() {
        IpAddr::V4(ip) => [&[4, 4][..], &ip.octets()].concat(),
        IpAddr::V6(ip) => [&[6, 16][..], &ip.octets()].concat(),
    };
    numbers.push(2);
    numbers.extend_from_slice(&address.port().to_be_bytes());
    let texts: Vec<String> = numbers.iter().map(u8::to_string).collect();
    texts.join(",")
}

/// The address in a 227 reply, without its brackets: `h1,h2,h3,h4,p1,p2`.
#[must_use]
pub fn format_pasv(address: SocketAddrV4) -> String {
    let [h1, h2, h3, h4] = address.ip().octets();
    let [p1, p2] = address.port().to_be_bytes();
    format!("{h1},{h2},{h3},{h4},{p1},{p2}")
}

/// The port in a 229 reply, brackets included: `(|||port|)`.
#[must_use]
pub fn format_epsv(port: u16) -> String {
    format!("(|||{port}|)")
}

/// Reads an IPv4 address in any of the ways of inet_aton(3): one to four
/// numbers, decimal, octal after a leading 0 or hexadecimal after 0x, the last
/// of which fills the octets that are left. What follows a blank does not
/// count.
#[must_use]
pub fn parse_loose_ipv4(text: &[u8]) -> Option<Ipv4Addr> {
    let text = text.split(u8::is_ascii_whitespace).next()?;
    let text = str::from_utf8(text).ok()?;
    let mut numbers = text
        .split('.')
        .map(loose_number)
        .collect::<Option<Vec<u32>>>()?;
    if numbers.len() > 4 {
        return None;
    }
    let last = numbers.pop()?;
    let mut address = 0_u32;
    let mut free = u32::BITS;
    for number in numbers {
        free -= u8::BITS;
        address |= u32::from(u8::try_from(number).ok()?) << free;
    }
    let fits = free == u32::BITS || last >> free == 0;
    fits.then(|| Ipv4Addr::from(address | last))
}

fn loose_number(text: &str) -> Option<u32> {
    let (digits, radix) = match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(digits) => (digits, 16),
        None if text.starts_with('0') => (text, 8),
        None => (text, 10),
    };
    // from_str_radix would take a sign.
    let all = digits.chars().all(|digit| digit.is_digit(radix));
    if !all {
        return None;
    }
    u32::from_str_radix(digits, radix).ok()
}

fn parse_ip(protocol: &[u8], address: &[u8]) -> Result<IpAddr, AddressError> {
    let number = parse_decimal(protocol).ok_or(AddressError::Syntax)?;
    let address = str::from_utf8(address).map_err(|_| AddressError::Syntax)?;
    let parsed = match number {
        1 => address.parse::<Ipv4Addr>().map(IpAddr::V4),
        2 => address.parse::<Ipv6Addr>().map(IpAddr::V6),
        _ => return Err(AddressError::Family),
    };
    parsed.map_err(|_| AddressError::Syntax)
}

/// One to three digits up to 255; leading zeros are decimal, not octal.
fn octet(text: &[u8]) -> Result<u8, AddressError> {
    let number = if text.len() <= 3 {
        parse_decimal(text)
    } else {
        None
    };
    number
        .and_then(|number| u8::try_from(number).ok())
        .ok_or(AddressError::Syntax)
}

fn without_trailing_blanks(text: &[u8]) -> &[u8] {
    let mut text = text;
    while let Some(rest) = text.strip_suffix(b" ") {
        text = rest;
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_as_inet_aton_does() {
        let read = |text: &str| parse_loose_ipv4(text.as_bytes()).map(|ip| ip.to_string());
        for (text, meant) in [
            ("192.0.2.1", "192.0.2.1"),
            ("127.1", "127.0.0.1"),
            ("10.1.2", "10.1.0.2"),
            ("0x7f000001", "127.0.0.1"),
            ("010.0.0.010", "8.0.0.8"),
            ("192.0.2.1 # comment", "192.0.2.1"),
            ("0", "0.0.0.0"),
        ] {
            assert_eq!(read(text).as_deref(), Some(meant), "{text}");
        }
        for text in [
            "",
            "1.",
            ".1",
            "1.2.3.4.5",
            "256.0.0.1",
            "1.2.3.256",
            "1.16777216",
            "4294967296",
            "09",
            "+1",
            "-1",
            "0x",
            "ftp.example",
            "::1",
            "\"1.2.3.4\"",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn port_reads_six_numbers() {
        assert_eq!(
            parse_port(b"192,168,0,1,4,1"),
            Ok("192.168.0.1:1025".parse().unwrap())
        );
        assert_eq!(
            parse_port(b"010,000,000,001,000,021  "),
            Ok("10.0.0.1:21".parse().unwrap())
        );
        assert_eq!(
            parse_port(b"255,255,255,255,255,255"),
            Ok("255.255.255.255:65535".parse().unwrap())
        );
    }

    #[test]
    fn long_addresses_are_read_as_they_are_written() {
        for (text, address) in [
            ("4,4,192,168,0,1,2,4,1", "192.168.0.1:1025"),
            (
                "6,16,32,1,13,184,0,0,0,0,0,0,0,0,0,0,0,1,2,255,255",
                "[2001:db8::1]:65535",
            ),
        ] {
            let address: SocketAddr = address.parse().unwrap();
            assert_eq!(parse_lprt(text.as_bytes()), Ok(address));
            assert_eq!(format_lpsv(address), text);
        }
        assert_eq!(
            parse_lprt(b"4,4,10,0,0,1,2,0,21 "),
            Ok("10.0.0.1:21".parse().unwrap())
        );
    }

    #[test]
    fn long_addresses_of_other_forms_are_refused() {
        for bad in [
            "",
            "4",
            "4,4,1,2,3,4,2,0,0",
            "4,4,1,2,3,4,1,9",
            "4,4,1,2,3,4,2,4,1,",
            "4,16,1,2,3,4,2,4,1",
            "6,16,1,2,2,4,1",
            "6,4,1,2,3,4,2,4,1",
            "4,4,1,2,3,256,2,4,1",
            "4 ,4,1,2,3,4,2,4,1",
        ] {
            assert_eq!(
                parse_lprt(bad.as_bytes()),
                Err(AddressError::Syntax),
                "{bad}"
            );
        }
        assert_eq!(parse_lprt(b"5,4,1,2,3,4,2,4,1"), Err(AddressError::Family));
        let long = "6,16,".to_owned() + &"1,".repeat(10_000) + "1";
        assert_eq!(parse_lprt(long.as_bytes()), Err(AddressError::Syntax));
    }

    #[test]
    fn port_refuses_anything_else() {
        for bad in [
            &b""[..],
            b" ",
            b"1,2,3,4,5",
            b"1,2,3,4,5,6,7",
            b"1,2,3,4,5,6,",
            b",1,2,3,4,5,6",
            b"256,2,3,4,5,6",
            b"1,2,3,4,5,-6",
            b"1,2,3,4,5,+6",
            b"1, 2,3,4,5,6",
            b" 1,2,3,4,5,6",
            b"1,2,3,4,,6",
            b"1,2,3,4,0,0",
            b"1,2,3,4,5,99999999999999999999999",
            b"0001,2,3,4,5,6",
            b"1.2.3.4.5.6",
            b"1,2,3,4,5,6\0",
            b"a,b,c,d,e,f",
        ] {
            assert_eq!(
                parse_port(bad),
                Err(AddressError::Syntax),
                "{:?}",
                bad.escape_ascii().to_string()
            );
        }
    }

    #[test]
    fn eprt_reads_both_families_with_any_delimiter() {
        assert_eq!(
            parse_eprt(b"|1|132.235.1.2|6275|"),
            Ok("132.235.1.2:6275".parse().unwrap())
        );
        assert_eq!(
            parse_eprt(b"|2|1080::8:800:200C:417A|5282|"),
            Ok("[1080::8:800:200C:417A]:5282".parse().unwrap())
        );
        assert_eq!(
            parse_eprt(b"!2!::1!65535! "),
            Ok("[::1]:65535".parse().unwrap())
        );
        assert_eq!(
            parse_eprt(b"~1~10.0.0.1~1~"),
            Ok("10.0.0.1:1".parse().unwrap())
        );
        assert_eq!(
            parse_eprt(b"|2|::ffff:1.2.3.4|9|"),
            Ok("[::ffff:1.2.3.4]:9".parse().unwrap())
        );
    }

    #[test]
    fn eprt_refuses_anything_else() {
        for bad in [
            &b""[..],
            b"hello",
            b"|",
            b"|||||",
            b"|1|1.2.3.4|1",
            b"|1|1.2.3.4|1||",
            b"|1|1.2.3.4|0|",
            b"|1|1.2.3.4|65536|",
            b"|1|1.2.3.4|-1|",
            b"|1|::1|1|",
            b"|2|1.2.3.4|1|",
            b"|1|1.2.3|1|",
            b"|1|1.2.3.256|1|",
            b"|2|fe80::1%eth0|1|",
            b"|1| 1.2.3.4|1|",
            b"||1.2.3.4|1|",
            b"|x|1.2.3.4|1|",
            b" 1 1.2.3.4 1 ",
            b"\x7F1\x7F1.2.3.4\x7F1\x7F",
            b"\xFF1\xFF1.2.3.4\xFF1\xFF",
            b"|1|1.2.3.\xB2|1|",
            b"|1|1.2.3.4|99999999999999999999999|",
        ] {
            assert_eq!(
                parse_eprt(bad),
                Err(AddressError::Syntax),
                "{:?}",
                bad.escape_ascii().to_string()
            );
        }
    }

    #[test]
    fn eprt_and_epsv_tell_unknown_protocols_apart() {
        assert_eq!(parse_eprt(b"|3|x|1|"), Err(AddressError::Family));
        assert_eq!(parse_eprt(b"|0|1.2.3.4|1|"), Err(AddressError::Family));
        assert_eq!(parse_epsv(b"3"), Err(AddressError::Family));
    }

    #[test]
    fn epsv_reads_its_four_forms() {
        assert_eq!(parse_epsv(b""), Ok(EpsvRequest::Any));
        assert_eq!(parse_epsv(b"  "), Ok(EpsvRequest::Any));
        assert_eq!(parse_epsv(b"all "), Ok(EpsvRequest::All));
        assert_eq!(parse_epsv(b"1"), Ok(EpsvRequest::V4));
        assert_eq!(parse_epsv(b"2 "), Ok(EpsvRequest::V6));
        for bad in [
            &b"-1"[..],
            b"x",
            b"1 2",
            b"ALLx",
            b"99999999999999999999999",
        ] {
            assert_eq!(parse_epsv(bad), Err(AddressError::Syntax));
        }
    }

    #[test]
    fn pasv_and_port_are_inverse() {
        let address: SocketAddrV4 = "127.0.0.1:50001".parse().unwrap();
        assert_eq!(format_pasv(address), "127,0,0,1,195,81");
        assert_eq!(parse_port(format_pasv(address).as_bytes()), Ok(address));
        assert_eq!(format_epsv(50001), "(|||50001|)");
    }
}
