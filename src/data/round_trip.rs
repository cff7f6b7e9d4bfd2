//! Tests of the coders together: what an encoder makes of a file, a decoder
//! turns back, in every coding, however it is cut.

use super::coding::{Characters, Coding, Malformed};
use super::decoder::{STEP, Stop};
use super::{Decoder, Encoder};
use crate::protocol::representation::Level;
use crate::protocol::{CodePage, Mode};

/// Every coding there is, the plain one included.
fn codings() -> Vec<Coding> {
    let page = CodePage::find(b"1047").unwrap();
    let mut all = Vec::new();
    for mode in [Mode::Stream, Mode::Block, Mode::Compressed, Mode::Deflate] {
        for (characters, filler) in [
            (Characters::AsTheyAre, 0),
            (Characters::Nvt, b' '),
            (Characters::Ebcdic(page), 0x40),
        ] {
            for records in [false, true] {
                all.push(Coding {
                    characters,
                    records,
                    mode,
                    level: Level::default(),
                    filler,
                });
            }
        }
    }
    all
}

fn encoded(file: &[u8], step: usize, coding: &Coding) -> Vec<u8> {
    let (mut encoder, mut wire) = (Encoder::new(coding), Vec::new());
    for piece in file.chunks(step) {
        encoder.encode(piece, &mut wire);
    }
    encoder.finish(&mut wire);
    wire
}

/// Feeds `wire` in pieces of `step`; the file, and what came of it.
fn decoded(
    wire: &[u8],
    step: usize,
    coding: &Coding,
) -> (Vec<u8>, Vec<Vec<u8>>, Result<(), Malformed>) {
    let mut decoder = Decoder::new(coding);
    let (mut file, mut markers) = (Vec::new(), Vec::new());
    for mut piece in wire.chunks(step) {
        loop {
            let mut made = Vec::new();
            let result = decoder.decode(piece, &mut made);
            assert!(made.len() < STEP + step + 64);
            file.append(&mut made);
            match result {
                Err(what) => return (file, markers, Err(what)),
                Ok((used, stop)) => {
                    piece = &piece[used..];
                    match stop {
                        Stop::Hungry => break,
                        Stop::Full => {}
                        Stop::Marker => markers.push(decoder.marker().to_vec()),
                        Stop::End => return (file, markers, Ok(())),
                    }
                }
            }
        }
    }
    let closed = decoder.close(&mut file);
    (file, markers, closed)
}

fn awkward_files() -> Vec<Vec<u8>> {
    let mut files: Vec<Vec<u8>> = [
        &b""[..],
        b"\n",
        b"\n\n",
        b"one\ntwo\n",
        b"one\ntwo",
        b"a\r\nb\r",
        b"\r",
        b"\r\r\n\n\r",
        b"\xFF\xFF\n\xFF",
        b"\xFF\x01\xFF\x02",
        b"\0\0\0\0\n\0",
        b"        x    \n   ",
        b"\x15\x25\x85\x9F",
        b"aaab",
    ]
    .iter()
    .map(|file| file.to_vec())
    .collect();
    files.push((0..=255).collect());
    files.push((0..=255).flat_map(|octet| [octet; 70]).collect());
    files.push((0..=255).rev().flat_map(|octet| [octet, b'\n']).collect());
    files
}

#[test]
fn there_and_back_is_the_same_in_every_coding_at_every_split() {
    for coding in codings() {
        for file in awkward_files() {
            let wire = encoded(&file, usize::MAX, &coding);
            let mut steps: Vec<usize> = (1..=wire.len().min(40)).collect();
            steps.push(wire.len().max(1));
            for step in steps {
                let (back, _, end) = decoded(&wire, step, &coding);
                assert_eq!(end, Ok(()), "{coding:?} {file:?} by {step}");
                assert_eq!(back, file, "{coding:?} by {step}");
            }
        }
    }
}

#[test]
fn it_does_not_matter_how_the_file_is_cut() {
    for coding in codings() {
        for file in awkward_files().iter().filter(|file| file.len() < 300) {
            for step in 1..=file.len().max(1) {
                let wire = encoded(file, step, &coding);
                let (back, _, end) = decoded(&wire, 1000, &coding);
                assert_eq!((back, end), (file.clone(), Ok(())), "{coding:?} by {step}");
            }
        }
    }
}

#[test]
fn what_is_cut_short_is_told_apart_from_what_has_ended() {
    for coding in codings() {
        let file = b"one line\nand another\xFF      \nrest";
        let wire = encoded(file, 1000, &coding);
        let ends_by_closing = coding.mode == Mode::Stream && !coding.records;
        for length in 0..wire.len() {
            let (part, _, end) = decoded(&wire[..length], 7, &coding);
            if ends_by_closing {
                assert_eq!(end, Ok(()));
            } else if coding.mode == Mode::Compressed && length + 1 == wire.len() {
                // What is missing is an empty string.
                assert_eq!(end, Ok(()));
            } else {
                assert_eq!(end, Err(Malformed::NoEndOfFile), "{coding:?} at {length}");
            }
            let held = part.strip_suffix(b"\r").unwrap_or(&part);
            assert!(file.starts_with(held), "{coding:?} at {length}");
        }
    }
}

#[test]
fn no_input_makes_it_panic_or_hang() {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut random = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    for coding in codings() {
        for round in 0..300 {
            let mut wire: Vec<u8> = (0..random() % 200)
                .map(|_| {
                    let octet = random();
                    // Control codes more often than chance would have it.
                    if octet % 3 == 0 {
                        [0, 1, 2, 3, 16, 32, 64, 128, 255][(octet / 3 % 9) as usize]
                    } else {
                        (octet >> 8) as u8
                    }
                })
                .collect();
            if coding.mode == Mode::Deflate {
                // A valid stream with one octet changed gets further.
                wire = encoded(&wire, 50, &coding);
                let at = (random() % wire.len() as u64) as usize;
                wire[at] ^= 1 << (random() % 8);
            }
            let whole = decoded(&wire, wire.len().max(1), &coding);
            let cut = decoded(&wire, 1 + round % 5, &coding);
            assert_eq!(whole, cut, "{coding:?} {wire:?}");
        }
    }
}

#[test]
fn runs_and_bombs_are_decoded_a_bounded_step_at_a_time() {
    for coding in codings() {
        let wire = match coding.mode {
            Mode::Deflate if !coding.records => encoded(&vec![b'a'; 20 << 20], 1 << 20, &coding),
            // `decoded` checks how much is made in each step.
            Mode::Compressed => [vec![0xFF; 200_000], b"\x00\x40\xC0".to_vec()].concat(),
            _ => continue,
        };
        let (file, _, end) = decoded(&wire, wire.len(), &coding);
        assert_eq!(end, Ok(()));
        assert!(file.len() > 10 << 20);
    }
}

#[test]
fn markers_come_between_the_bytes_they_stand_between() {
    for coding in codings() {
        let (mut encoder, mut wire) = (Encoder::new(&coding), Vec::new());
        encoder.encode(b"ab\ncccc", &mut wire);
        encoder.mark(b"7", &mut wire);
        encoder.encode(b"cc", &mut wire);
        encoder.mark(b"9", &mut wire);
        encoder.finish(&mut wire);
        let (file, markers, end) = decoded(&wire, 3, &coding);
        assert_eq!((file, end), (b"ab\ncccccc".to_vec(), Ok(())));
        assert_eq!(markers.len(), if encoder.has_markers() { 2 } else { 0 });
        if !encoder.has_markers() {
            continue;
        }
        assert_eq!(markers, [b"7", b"9"]);
        let mut decoder = Decoder::new(&coding);
        let mut file = Vec::new();
        let (_, stop) = decoder.decode(&wire, &mut file).unwrap();
        assert_eq!((stop, file), (Stop::Marker, b"ab\ncccc".to_vec()));
    }
}

#[test]
fn a_line_end_cut_by_a_marker_is_known_to_be_half() {
    let coding = Coding {
        characters: Characters::Nvt,
        records: false,
        mode: Mode::Block,
        level: Level::default(),
        filler: b' ',
    };
    let wire = b"\x00\x00\x02a\r\x10\x00\x01m\x00\x00\x01\n\x40\x00\x00";
    let (mut decoder, mut file) = (Decoder::new(&coding), Vec::new());
    let (used, stop) = decoder.decode(wire, &mut file).unwrap();
    assert_eq!((stop, &file[..]), (Stop::Marker, &b"a"[..]));
    assert!(decoder.holds_half());
    let mut later = Decoder::new(&coding);
    later.hold_half();
    let (_, stop) = later.decode(&wire[used..], &mut file).unwrap();
    assert_eq!((stop, &file[..]), (Stop::End, &b"a\n"[..]));
}

#[test]
fn the_end_of_a_record_means_nothing_in_a_file_without_records() {
    let mut coding = codings()[0];
    coding.mode = Mode::Block;
    let wire = b"\x80\x00\x01a\xC0\x00\x01b";
    let (file, _, end) = decoded(wire, 100, &coding);
    assert_eq!((file, end), (b"ab".to_vec(), Ok(())));
}

#[test]
fn known_bytes_are_known_octets() {
    let coding = |characters, records, mode| Coding {
        characters,
        records,
        mode,
        level: Level::default(),
        filler: 0x40,
    };
    let page = Characters::Ebcdic(CodePage::find(b"037").unwrap());
    let wire = |coding| encoded(b"AB\n9", 100, &coding);
    assert_eq!(wire(coding(page, false, Mode::Stream)), b"\xC1\xC2\x15\xF9");
    assert_eq!(
        wire(coding(page, true, Mode::Stream)),
        b"\xC1\xC2\xFF\x01\xF9\xFF\x02"
    );
    assert_eq!(
        wire(coding(page, true, Mode::Block)),
        b"\x80\x00\x02\xC1\xC2\x00\x00\x01\xF9\x40\x00\x00"
    );
    assert_eq!(
        wire(coding(Characters::Nvt, false, Mode::Compressed)),
        b"\x05AB\r\n9\x00\x40\xC0"
    );
}
