//! Records once the handshake is done: ends, keys that change, forgeries.

use super::*;
use crate::tls::record::{Direction, FULL};

fn pipes() -> impl Iterator<Item = Pipe> {
    [&TLS12, &TLS13].into_iter().map(|version| {
        let (tls, roots) = server();
        control(&tls, &Arc::new(client_of(&roots, version)))
    })
}

#[test]
fn records_are_full() {
    for mut pipe in pipes() {
        let text = vec![b'x'; 10 * FULL + 5];
        let mut wire = vec![0; pipe.channel.room(text.len())];
        let sealed = pipe.channel.seal(&text, &mut wire);
        assert_eq!(sealed.taken, text.len());
        let mut lengths = Vec::new();
        let mut rest = &wire[..sealed.made];
        while let [_, _, _, high, low, after @ ..] = rest {
            let length = usize::from(u16::from_be_bytes([*high, *low]));
            lengths.push(length);
            rest = &after[length..];
        }
        assert_eq!(lengths.len(), 11);
        assert!(
            lengths[..10]
                .iter()
                .all(|length| *length == lengths[0] && *length > FULL)
        );
        assert_eq!(pipe.deliver(&wire[..sealed.made]), text);
    }
}

#[test]
fn without_room_for_all_as_much_is_sealed_as_there_is_room_for() {
    for mut pipe in pipes() {
        let text = vec![b'x'; 3 * FULL];
        let mut wire = vec![0; 2 * LARGEST_RECORD];
        let sealed = pipe.channel.seal(&text, &mut wire);
        assert_eq!(sealed.taken, 2 * FULL);
        let mut none = [];
        assert_eq!(pipe.channel.seal(b"x", &mut none).taken, 0);
        assert_eq!(pipe.deliver(&wire[..sealed.made]).len(), 2 * FULL);
        assert_eq!(pipe.say(b"more"), b"more");
    }
}

#[test]
fn records_come_in_pieces_and_together() {
    for mut pipe in pipes() {
        pipe.client.writer().write_all(b"one").unwrap();
        pipe.client.writer().flush().unwrap();
        pipe.client.writer().write_all(b"two").unwrap();
        let mut wire = std::mem::take(&mut pipe.up);
        while pipe.client.wants_write() {
            pipe.client.write_tls(&mut wire).unwrap();
        }
        let mut clear = vec![0; LARGEST_RECORD];
        let cut = pipe.channel.open(&wire[..7], &mut clear).unwrap();
        assert_eq!((cut.used, cut.made), (0, 0));
        let all = pipe.channel.open(&wire, &mut clear).unwrap();
        assert_eq!((all.used, &clear[..all.made]), (wire.len(), &b"onetwo"[..]));
    }
}

#[test]
fn a_record_waits_until_there_is_room_for_it() {
    for mut pipe in pipes() {
        pipe.client.writer().write_all(&[b'x'; 1000]).unwrap();
        let mut wire = Vec::new();
        pipe.client.write_tls(&mut wire).unwrap();
        let mut small = [0; 500];
        assert_eq!(pipe.channel.open(&wire, &mut small).unwrap().used, 0);
        let mut large = vec![0; LARGEST_RECORD];
        assert_eq!(pipe.channel.open(&wire, &mut large).unwrap().made, 1000);
    }
}

#[test]
fn the_end_is_said_and_heard() {
    for mut pipe in pipes() {
        pipe.client.writer().write_all(b"QUIT\r\n").unwrap();
        pipe.client.send_close_notify();
        assert_eq!(pipe.take().unwrap(), (b"QUIT\r\n".to_vec(), true));
        let last = pipe.channel.close();
        let mut rest = &last[..];
        pipe.client.read_tls(&mut rest).unwrap();
        assert!(pipe.client.process_new_packets().unwrap().peer_has_closed());
        assert!(pipe.channel.close().is_empty());
        assert_eq!(pipe.channel.seal(b"x", &mut [0; 100]).made, 0);
    }
}

#[test]
fn new_keys_of_the_client_are_followed_and_answered() {
    let (tls, roots) = server();
    let mut pipe = control(&tls, &client(&roots));
    for _ in 0..100 {
        pipe.client.refresh_traffic_keys().unwrap();
        assert_eq!(pipe.hear(b"NOOP\r\n").unwrap().0, b"NOOP\r\n");
        // The answer goes before the reply, under the old keys.
        assert_eq!(pipe.say(b"200 ok\r\n"), b"200 ok\r\n");
    }
}

#[test]
fn new_keys_and_nothing_else_without_end_are_refused() {
    let (tls, roots) = server();
    let mut pipe = control(&tls, &client(&roots));
    let breach = (0..100).find_map(|_| {
        pipe.client.refresh_traffic_keys().unwrap();
        pipe.take().err()
    });
    assert_eq!(breach, Some(Breach::Rekeying));
}

#[test]
fn a_changed_record_is_refused_with_an_alert() {
    for mut pipe in pipes() {
        pipe.client.writer().write_all(b"STOR x\r\n").unwrap();
        let mut wire = Vec::new();
        while pipe.client.wants_write() {
            pipe.client.write_tls(&mut wire).unwrap();
        }
        *wire.last_mut().unwrap() ^= 1;
        let mut clear = vec![0; LARGEST_RECORD];
        assert_eq!(pipe.channel.open(&wire, &mut clear), Err(Breach::Forged));
        let alert = pipe.channel.owed();
        let mut rest = &alert[..];
        pipe.client.read_tls(&mut rest).unwrap();
        let told = pipe.client.process_new_packets().unwrap_err();
        assert_eq!(
            told,
            rustls::Error::AlertReceived(rustls::AlertDescription::BadRecordMac)
        );
    }
}

#[test]
fn a_record_that_comes_twice_is_refused() {
    for mut pipe in pipes() {
        pipe.client.writer().write_all(b"DELE x\r\n").unwrap();
        let mut wire = Vec::new();
        while pipe.client.wants_write() {
            pipe.client.write_tls(&mut wire).unwrap();
        }
        let mut clear = vec![0; LARGEST_RECORD];
        assert_eq!(pipe.channel.open(&wire, &mut clear).unwrap().made, 8);
        assert_eq!(pipe.channel.open(&wire, &mut clear), Err(Breach::Forged));
    }
}

#[test]
fn octets_in_the_clear_are_no_records() {
    for mut pipe in pipes() {
        let mut clear = vec![0; LARGEST_RECORD];
        let breach = pipe.channel.open(b"USER ann\r\n", &mut clear);
        assert_eq!(breach, Err(Breach::NoRecord(*b"USER ")));
        assert!(pipe.channel.owed().is_empty());
    }
}

#[test]
fn a_record_of_impossible_length_is_refused_at_its_header() {
    for mut pipe in pipes() {
        let mut clear = vec![0; LARGEST_RECORD];
        let breach = pipe.channel.open(&[23, 3, 3, 0xFF, 0xFF], &mut clear);
        assert_eq!(breach, Err(Breach::TooLong));
    }
}

#[test]
fn an_alert_of_the_client_is_told() {
    for mut pipe in pipes() {
        // Our end, seen from the client, sends what it cannot open.
        let mut rest = &[23, 3, 3, 0, 30][..];
        pipe.client.read_tls(&mut rest).unwrap();
        let garbage = [0; 30];
        pipe.client.read_tls(&mut &garbage[..]).unwrap();
        assert!(pipe.client.process_new_packets().is_err());
        assert_eq!(pipe.take(), Err(Breach::Alert(20)));
    }
}

#[test]
fn a_parked_channel_goes_on_where_it_was() {
    for mut pipe in pipes() {
        for _ in 0..3 {
            pipe.channel.shrink();
            assert_eq!(pipe.say(b"226 done\r\n"), b"226 done\r\n");
            pipe.channel.shrink();
            assert_eq!(pipe.hear(b"NOOP\r\n").unwrap().0, b"NOOP\r\n");
        }
    }
}

/// The server's end, and the client's keys in hands that send anything.
fn forged(version: &'static SupportedProtocolVersion) -> (Channel, Direction) {
    let (tls, roots) = server();
    let mut config = client_of(&roots, version);
    config.enable_secret_extraction = true;
    let pipe = control(&tls, &Arc::new(config));
    let secrets = pipe.client.dangerous_extract_secrets().unwrap();
    let sending = Direction::new(secrets.tx, version == &TLS13).unwrap();
    (pipe.channel, sending)
}

/// One record of the client's.
fn record(sending: &mut Direction, kind: u8, content: &[u8]) -> Vec<u8> {
    let mut wire = vec![0; sending.room(content.len())];
    let made = sending.seal(kind, content, &mut wire).unwrap();
    wire.truncate(made);
    wire
}

#[test]
fn a_client_that_only_sends_is_owed_one_change_of_keys() {
    let (tls, roots) = server();
    let mut pipe = control(&tls, &client(&roots));
    for _ in 0..100 {
        pipe.client.refresh_traffic_keys().unwrap();
        assert_eq!(pipe.hear(b"x").unwrap().0, b"x");
    }
    assert!(pipe.channel.room(0) < 200, "{}", pipe.channel.room(0));
    assert_eq!(pipe.say(b"200 ok\r\n"), b"200 ok\r\n");
}

#[test]
fn nothing_is_owed_behind_the_end() {
    let (tls, roots) = server();
    let mut pipe = control(&tls, &client(&roots));
    assert!(pipe.channel.give_ticket());
    assert!(!pipe.channel.close().is_empty());
    assert!(!pipe.channel.give_ticket());
    pipe.client.refresh_traffic_keys().unwrap();
    assert_eq!(pipe.hear(b"x").unwrap().0, b"x");
    assert!(pipe.channel.owed().is_empty());
}

#[test]
fn no_record_whatever_it_says_is_more_than_a_breach() {
    for version in [&TLS12, &TLS13] {
        for kind in 0..=25 {
            let contents = [&[][..], &[0], &[1, 0], &[2, 40], &[1, 90], &[1, 0, 0]];
            let longer = [
                &[1, 0, 0, 0][..],
                &[24, 0, 0, 1, 2],
                &[24, 0, 0, 1, 0, 24, 0, 0, 1, 0],
                &[24, 0, 0],
                &[4, 0xFF, 0xFF, 0xFF],
                &[20; 40],
            ];
            for content in contents.into_iter().chain(longer) {
                let (mut channel, mut sending) = forged(version);
                let wire = record(&mut sending, kind, content);
                let opened = channel.open(&wire, &mut vec![0; LARGEST_RECORD]);
                let is_alert = kind == 21 && matches!(content, [1, 0 | 90]);
                match opened {
                    Ok(opened) if kind == 23 => assert_eq!(opened.made, content.len()),
                    Ok(opened) => {
                        assert!(is_alert, "{kind} {content:?}");
                        assert_eq!((opened.made, opened.ended), (0, content == [1, 0]));
                    }
                    Err(_) => {
                        assert!(kind != 23 && !is_alert, "{kind} {content:?}");
                        let _ = channel.close();
                        assert_eq!(channel.seal(b"x", &mut [0; 100]).made, 0);
                    }
                }
            }
        }
    }
}

#[test]
fn records_that_bring_nothing_without_end_are_refused() {
    for version in [&TLS12, &TLS13] {
        for content in [(23, &[][..]), (21, &[1, 90])] {
            let (mut channel, mut sending) = forged(version);
            let mut clear = vec![0; LARGEST_RECORD];
            let breach = (0..100).find_map(|_| {
                let wire = record(&mut sending, content.0, content.1);
                channel.open(&wire, &mut clear).err()
            });
            assert!(breach.is_some());
        }
    }
}
