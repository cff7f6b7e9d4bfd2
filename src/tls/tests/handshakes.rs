//! Versions, suites, names, protocols; and what is no handshake at all.

use super::*;

#[test]
fn both_versions_agree_and_carry_text_both_ways() {
    for version in [&TLS12, &TLS13] {
        let (tls, roots) = server();
        let mut pipe = control(&tls, &Arc::new(client_of(&roots, version)));
        assert_eq!(pipe.say(b"220 hello\r\n"), b"220 hello\r\n");
        let heard = pipe.hear(b"NOOP\r\n").unwrap();
        assert_eq!(heard, (b"NOOP\r\n".to_vec(), false));
        assert_eq!(pipe.report.is_version_13(), version == &TLS13);
    }
}

#[test]
fn octets_may_come_one_by_one() {
    for version in [&TLS12, &TLS13] {
        let (tls, roots) = server();
        let config = Arc::new(client_of(&roots, version));
        let pipe = shake(tls.control().unwrap(), &config, "ftp.example", 1);
        assert_eq!(pipe.unwrap().hear(b"NOOP\r\n").unwrap().0, b"NOOP\r\n");
    }
}

#[test]
fn what_comes_right_behind_the_handshake_is_not_lost() {
    for version in [&TLS12, &TLS13] {
        let (tls, roots) = server();
        let config = client_of(&roots, version);
        let name = ServerName::try_from("ftp.example").unwrap();
        let mut client = ClientConnection::new(Arc::new(config), name).unwrap();
        // rustls sends it as soon as it may: in one piece with its Finished.
        client.writer().write_all(b"USER ann\r\n").unwrap();
        let mut handshake = tls.control().unwrap();
        loop {
            let mut up = Vec::new();
            while client.wants_write() {
                client.write_tls(&mut up).unwrap();
            }
            handshake.feed(&up);
            let turn = handshake.turn();
            let down = handshake.outgoing().to_vec();
            handshake.sent(down.len());
            client.read_tls(&mut &down[..]).unwrap();
            client.process_new_packets().unwrap();
            if turn == Turn::Done {
                break;
            }
        }
        let mut agreed = handshake.finish().unwrap();
        let mut rest = agreed.rest;
        while client.wants_write() {
            client.write_tls(&mut rest).unwrap();
        }
        let mut clear = vec![0; LARGEST_RECORD];
        let opened = agreed.channel.open(&rest, &mut clear).unwrap();
        assert_eq!(&clear[..opened.made], b"USER ann\r\n");
    }
}

#[test]
fn a_hybrid_key_exchange_is_agreed_on_with_those_who_have_it() {
    let (tls, roots) = server();
    let mut provider = rustls::crypto::aws_lc_rs::default_provider();
    provider.kx_groups = vec![rustls::crypto::aws_lc_rs::kx_group::X25519MLKEM768];
    let config = ClientConfig::builder_with_provider(Arc::new(provider))
        .with_protocol_versions(&[&TLS13])
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let pipe = control(&tls, &Arc::new(config));
    assert_eq!(
        pipe.report.to_string(),
        "TLSv1.3, TLS_AES_256_GCM_SHA384, X25519MLKEM768, full handshake"
    );
}

#[test]
fn a_version_that_is_switched_off_is_not_spoken() {
    for (version, on) in [(&TLS12, &TLS13), (&TLS13, &TLS12)] {
        let (tls, roots) = server_with(|settings| {
            settings.version_12 = on == &TLS12;
            settings.version_13 = on == &TLS13;
        });
        let config = Arc::new(client_of(&roots, version));
        let refused = shake(tls.control().unwrap(), &config, "ftp.example", 4096);
        assert!(refused.is_err());
        control(&tls, &Arc::new(client_of(&roots, on)));
    }
}

#[test]
fn suites_are_those_of_the_list() {
    let (tls, roots) = server_with(|settings| {
        settings.ciphers = b"ECDHE-ECDSA-CHACHA20-POLY1305".to_vec();
    });
    let pipe = control(&tls, &Arc::new(client_of(&roots, &TLS12)));
    let report = pipe.report.to_string();
    assert!(report.contains("ECDHE-ECDSA-CHACHA20-POLY1305"), "{report}");
}

#[test]
fn every_suite_carries_text_both_ways() {
    let (tls, roots) = server();
    for suite in rustls::crypto::aws_lc_rs::ALL_CIPHER_SUITES {
        if suites::name(suite.suite()).contains("RSA-")
            && suites::name(suite.suite()).contains("ECDHE-RSA")
        {
            continue; // The certificate here is ECDSA.
        }
        let mut provider = rustls::crypto::aws_lc_rs::default_provider();
        provider.cipher_suites = vec![*suite];
        let config = ClientConfig::builder_with_provider(Arc::new(provider))
            .with_protocol_versions(&[suite.version()])
            .unwrap()
            .with_root_certificates(roots.clone())
            .with_no_client_auth();
        let mut pipe = control(&tls, &Arc::new(config));
        let long = vec![b'x'; 100_000];
        assert_eq!(pipe.say(&long), long);
        assert_eq!(pipe.hear(&long[..40_000]).unwrap().0, &long[..40_000]);
    }
}

#[test]
fn protocols_other_than_ftp_are_refused() {
    let (tls, roots) = server();
    let offering = |protocols: &[&[u8]]| {
        let mut config = client_of(&roots, &TLS13);
        config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
        let config = Arc::new(config);
        shake(tls.control().unwrap(), &config, "ftp.example", 4096).map(drop)
    };
    assert_eq!(offering(&[]), Ok(()));
    assert_eq!(offering(&[b"ftp"]), Ok(()));
    assert_eq!(offering(&[b"x-filezilla-ftp", b"ftp"]), Ok(()));
    let refused = offering(&[b"h2", b"http/1.1"]).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "the client speaks h2, http/1.1 and not ftp (ALPN)"
    );
    assert!(offering(&[b"ftp-data"]).is_err());
}

#[test]
fn only_the_name_that_is_wanted_may_be_asked_for() {
    let (tls, roots) = server_with(|settings| {
        settings.host_name = Some("FTP.example".to_owned());
    });
    let config = client(&roots);
    let pipe = control(&tls, &config);
    let refused = shake(tls.control().unwrap(), &config, "www.example", 4096);
    assert_eq!(
        refused.map(drop).unwrap_err(),
        HandshakeError::WrongName(Some("www.example".to_owned()))
    );
    // An address is no name, and rustls sends none then.
    let refused = shake(tls.control().unwrap(), &config, "127.0.0.1", 4096);
    assert_eq!(
        refused.map(drop).unwrap_err(),
        HandshakeError::WrongName(None)
    );
    data(&tls, &config, &pipe.lineage);
}

#[test]
fn what_is_no_tls_is_shown_as_it_came() {
    let (tls, _) = server();
    for text in [
        &b"GET / HTTP/1.1\r\n"[..],
        b"USER ann\r\n",
        &[0x16, 0x02, 0, 0, 5],
    ] {
        let mut handshake = tls.control().unwrap();
        handshake.feed(text);
        let mut first = [0; 5];
        first.copy_from_slice(&text[..5]);
        assert_eq!(handshake.turn(), Turn::Failed);
        assert_eq!(handshake.failure(), Some(&HandshakeError::NoTls(first)));
    }
}

#[test]
fn garbage_in_a_record_ends_it_with_an_alert() {
    let (tls, _) = server();
    let mut handshake = tls.control().unwrap();
    handshake.feed(&[22, 3, 1, 0, 4, 99, 0, 0, 0]);
    assert_eq!(handshake.turn(), Turn::Failed);
    assert_eq!(handshake.outgoing().first(), Some(&21));
    // And so does an alert of the client, without an answer.
    let mut handshake = tls.control().unwrap();
    handshake.feed(&[21, 3, 3, 0, 2, 2, 48]);
    assert_eq!(handshake.turn(), Turn::Failed);
    assert_eq!(handshake.failure(), Some(&HandshakeError::Alert(48)));
}

#[test]
fn a_message_may_be_cut_into_many_records() {
    for version in [&TLS12, &TLS13] {
        let (tls, roots) = server();
        let mut config = client_of(&roots, version);
        config.max_fragment_size = Some(32);
        let mut pipe = control(&tls, &Arc::new(config));
        assert_eq!(pipe.hear(b"NOOP\r\n").unwrap().0, b"NOOP\r\n");
    }
}

/// What a client sends first, whole or in records of 32 octets.
fn hello(roots: &RootCertStore, fragment: Option<usize>) -> Vec<u8> {
    let name = ServerName::try_from("ftp.example").unwrap();
    let mut config = client_of(roots, &TLS13);
    config.max_fragment_size = fragment;
    let mut client = ClientConnection::new(Arc::new(config), name).unwrap();
    let mut hello = Vec::new();
    while client.wants_write() {
        client.write_tls(&mut hello).unwrap();
    }
    hello
}

#[test]
fn no_octets_make_a_handshake_panic() {
    let (tls, roots) = server();
    for hello in [hello(&roots, None), hello(&roots, Some(32))] {
        for at in 0..hello.len() {
            for change in [1, 0x80] {
                let mut changed = hello.clone();
                changed[at] ^= change;
                let mut handshake = tls.control().unwrap();
                // Whatever comes of it, most often an error, and whatever
                // comes then.
                for octets in [&changed[..at], &changed[at..], &hello] {
                    handshake.feed(octets);
                    let _ = handshake.turn();
                    handshake.sent(usize::MAX);
                }
            }
        }
    }
}

/// Runs a handshake in which the octet at `at` of all that the client sends
/// comes changed; how many octets it has sent.
fn shake_changed(tls: &Tls, config: &Arc<ClientConfig>, at: usize, change: u8) -> usize {
    let name = ServerName::try_from("ftp.example").unwrap();
    let mut client = ClientConnection::new(Arc::clone(config), name).unwrap();
    let mut handshake = tls.control().unwrap();
    let mut sent = 0;
    loop {
        let mut up = Vec::new();
        while client.wants_write() {
            client.write_tls(&mut up).unwrap();
        }
        if let Some(octet) = at.checked_sub(sent).and_then(|at| up.get_mut(at)) {
            *octet ^= change;
        }
        sent += up.len();
        handshake.feed(&up);
        let turn = handshake.turn();
        let down = handshake.outgoing().to_vec();
        handshake.sent(down.len());
        let mut rest = &down[..];
        while !rest.is_empty() && client.read_tls(&mut rest).is_ok() {
            let _ = client.process_new_packets();
        }
        match turn {
            Turn::Send => {}
            Turn::Receive if client.wants_write() => {}
            // The client's last word may be that it gives up.
            Turn::Receive | Turn::Failed => return sent,
            Turn::Done => {
                let _ = handshake.finish();
                return sent;
            }
        }
    }
}

#[test]
fn no_octet_changed_on_the_way_makes_a_handshake_panic() {
    let (tls, roots) = server();
    for version in [&TLS12, &TLS13] {
        let config = Arc::new(client_of(&roots, version));
        let length = shake_changed(&tls, &config, usize::MAX, 0);
        // The client's first message is changed elsewhere, octet by octet.
        for at in (0..length).rev().take(200) {
            for change in [1, 0x55] {
                shake_changed(&tls, &config, at, change);
            }
        }
    }
}
