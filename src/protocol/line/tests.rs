//! Tests of the framing: every input whole, octet by octet and cut in two.

use super::*;

fn text(line: &[u8]) -> Line {
    Line::Text(line.to_vec())
}

fn drain(reader: &mut LineReader) -> Vec<Line> {
    std::iter::from_fn(|| reader.next_line()).collect()
}

/// The lines of `input`, asserted to be the same for one feed, for a feed
/// per octet and for every cut into two.
fn lines(input: &[u8]) -> Vec<Line> {
    let mut whole = LineReader::new();
    whole.feed(input);
    let expected = drain(&mut whole);
    let mut single = LineReader::new();
    let mut got = Vec::new();
    for octet in input {
        single.feed(&[*octet]);
        got.extend(drain(&mut single));
    }
    assert_eq!(got, expected, "octet by octet");
    for cut in 0..=input.len().min(600) {
        let mut reader = LineReader::new();
        reader.feed(&input[..cut]);
        reader.feed(&input[cut..]);
        assert_eq!(drain(&mut reader), expected, "cut at {cut}");
    }
    expected
}

#[test]
fn crlf_and_bare_lf_end_a_line() {
    assert_eq!(
        lines(b"USER a\r\nPASS b\n\r\n\nNO"),
        [text(b"USER a"), text(b"PASS b"), text(b""), text(b"")]
    );
}

#[test]
fn a_cr_that_ends_nothing_is_kept() {
    assert_eq!(lines(b"a\rb\n"), [text(b"a\rb")]);
    assert_eq!(lines(b"a\r\0b\r\n"), [text(b"a\rb")]);
    assert_eq!(lines(b"a\r\0\n"), [text(b"a\r")]);
    assert_eq!(lines(b"a\r\r\n"), [text(b"a\r")]);
    assert_eq!(lines(b"a\r\r\0\r\n"), [text(b"a\r\r")]);
}

#[test]
fn nul_spoils_its_own_line_only() {
    assert_eq!(lines(b"a\0b\r\nNOOP\r\n"), [Line::BadByte, text(b"NOOP")]);
    assert_eq!(lines(b"\0\n"), [Line::BadByte]);
    assert_eq!(lines(b"\0L\n"), [Line::BadByte]);
    assert_eq!(lines(b"a\r\0\0\n"), [Line::BadByte]);
}

#[test]
fn a_tls_handshake_is_a_line_at_its_first_nul() {
    let hello = b"\x16\x03\x01\x02\x00\x01\x00\x01\xFC\x03\x03rest";
    assert_eq!(lines(hello), [Line::Tls]);
    assert_eq!(lines(b"NOOP\r\n\x16\x03\x01\0"), [text(b"NOOP"), Line::Tls]);
    assert_eq!(lines(b"a\x16\x03\0\n"), [Line::BadByte]);
}

#[test]
fn telnet_sequences_are_taken_out() {
    assert_eq!(lines(b"\xFF\xF4\xFF\xF2ABOR\r\n"), [text(b"ABOR")]);
    assert_eq!(lines(b"NO\xFF\xFD\x01OP\r\n"), [text(b"NOOP")]);
    assert_eq!(lines(b"\xFF\xFB\nNOOP\n"), [text(b"NOOP")]);
    assert_eq!(
        lines(b"A\xFF\xFA\x18\x00\r\nxx\xFF\xFFyy\xFF\xF0B\n"),
        [text(b"AB")]
    );
    assert_eq!(lines(b"A\r\xFF\xF1\nB\n"), [text(b"A"), text(b"B")]);
}

#[test]
fn ff_is_data_when_doubled_or_before_no_telnet_command() {
    assert_eq!(lines(b"CWD \xFF\xFF\r\n"), [text(b"CWD \xFF")]);
    assert_eq!(lines(b"CWD a\xFFb\r\n"), [text(b"CWD a\xFFb")]);
    assert_eq!(lines(b"CWD \xFF\r\n"), [text(b"CWD \xFF")]);
    assert_eq!(
        lines(b"CWD \xFF\xEF\xFF\xFF\xFF\xF1z\n"),
        [text(b"CWD \xFF\xEF\xFFz")]
    );
    assert_eq!(lines(b"CWD \xFF\n"), [text(b"CWD \xFF")]);
    assert_eq!(lines(b"CWD \xFF\0\n"), [Line::BadByte]);
}

#[test]
fn a_subnegotiation_without_end_gives_way_and_spoils_one_line() {
    let mut input = b"A\xFF\xFA".to_vec();
    input.extend(std::iter::repeat_n(b'\n', MAX_LINE + 1));
    input.extend_from_slice(b"tail\nNOOP\n");
    assert_eq!(lines(&input), [Line::BadByte, text(b"NOOP")]);
}

#[test]
fn a_long_line_yields_one_too_long_and_its_tail_is_no_command() {
    let mut input = vec![b'x'; MAX_LINE + 1];
    input.extend_from_slice(b"DELE a\r\0DELE b\0\r\nNOOP\r\n");
    assert_eq!(lines(&input), [Line::TooLong, text(b"NOOP")]);
}

#[test]
fn a_line_of_exactly_the_limit_is_text() {
    let mut input = vec![b'x'; MAX_LINE];
    input.extend_from_slice(b"\r\n");
    assert_eq!(lines(&input), [text(&input[..MAX_LINE])]);
    input.insert(0, b'x');
    assert_eq!(lines(&input), [Line::TooLong]);
}

#[test]
fn a_dropped_line_does_not_grow_the_buffer() {
    let mut reader = LineReader::new();
    for _ in 0..1000 {
        reader.feed(&[b'x'; 4096]);
        reader.feed(&[0xFF, 0xFF]);
    }
    assert_eq!(reader.buffered(), 0);
    assert!(!reader.is_empty() && !reader.has_line());
    assert!(reader.buffer.capacity() <= 2 * (MAX_LINE + 4096));
    reader.shrink();
    reader.feed(b"\n");
    assert_eq!(drain(&mut reader), [Line::TooLong]);
    assert!(reader.is_empty());
}

#[test]
fn peek_shows_the_next_line_and_takes_nothing() {
    let mut reader = LineReader::new();
    assert_eq!(reader.peek_line(), None);
    reader.feed(b"NOOP\r\nbad\0\r\nABOR\r");
    assert_eq!(reader.peek_line(), Some(&b"NOOP"[..]));
    assert_eq!(reader.next_line(), Some(text(b"NOOP")));
    assert_eq!(reader.peek_line(), Some(&b""[..]));
    assert_eq!(reader.next_line(), Some(Line::BadByte));
    assert_eq!(reader.peek_line(), None);
    reader.feed(b"\n");
    assert_eq!(reader.peek_line(), Some(&b"ABOR"[..]));
}

#[test]
fn emptiness_counts_half_sequences_and_shrink_keeps_them() {
    let mut reader = LineReader::new();
    for (half, rest, expected) in [
        (&b"NO"[..], &b"OP\r\n"[..], &b"NOOP"[..]),
        (b"\r", b"\n", b""),
        (b"\xFF", b"\xF4X\n", b"X"),
        (b"\xFF\xFD", b"\x01X\n", b"X"),
        (b"\xFF\xFA\x01", b"\x01\xFF\xF0X\n", b"X"),
    ] {
        reader.feed(half);
        assert!(!reader.is_empty(), "{half:?}");
        reader.shrink();
        reader.feed(rest);
        assert_eq!(drain(&mut reader), [text(expected)]);
        assert!(reader.is_empty());
    }
    reader.shrink();
    assert_eq!(reader.buffer.capacity(), 0);
}

#[test]
fn thousands_of_pipelined_lines_come_out_in_order() {
    let mut reader = LineReader::new();
    let mut expected = 0;
    for batch in 0..10 {
        let chunk: Vec<u8> = (0..2000)
            .flat_map(|n| format!("SIZE {}\r\n", batch * 2000 + n).into_bytes())
            .collect();
        reader.feed(&chunk);
        // Leaving some behind makes the buffer compact itself.
        while reader.has_line() && expected < batch * 2000 + 1500 {
            assert_eq!(
                reader.next_line(),
                Some(text(format!("SIZE {expected}").as_bytes()))
            );
            expected += 1;
        }
    }
    assert_eq!(drain(&mut reader).len() + expected, 20_000);
    assert!(reader.is_empty());
}

#[test]
fn no_input_of_special_octets_breaks_the_reader() {
    let alphabet = [0, b'\r', b'\n', 0xFF, 0xF0, 0xFA, 0xFD, b'A'];
    for seed in 0..8_usize.pow(5) {
        let input: Vec<u8> = (0..5)
            .map(|i| alphabet[seed / 8_usize.pow(i) % 8])
            .collect();
        let mut whole = LineReader::new();
        whole.feed(&input);
        let mut single = LineReader::new();
        input.iter().for_each(|octet| single.feed(&[*octet]));
        assert_eq!(whole.buffered(), single.buffered());
        assert_eq!(drain(&mut whole), drain(&mut single), "{input:?}");
    }
}
