//! Handshakes with a server by another implementation of the cryptography: all that is offered works.

mod stage;

use ethertab_tls::Kind;
use rustls::crypto::ring;
use rustls::version::{TLS12, TLS13};
use rustls::{SupportedCipherSuite, SupportedProtocolVersion};
use stage::{Authority, Credentials, HOST, NOW, failure, key};

const VERSIONS: [&SupportedProtocolVersion; 2] = [&TLS12, &TLS13];

/// Both ends say something to each other.
fn converse(authority: &Authority, server: &stage::Server) -> ethertab_tls::Agreement {
    let mut session = authority.client().open(HOST, &[], NOW).unwrap();
    let mut pair = server.accept();
    assert_eq!(pair.settle(&mut session).unwrap(), b"");
    assert_eq!(session.send(b"a question").unwrap(), 10);
    pair.say(b"an answer");
    assert_eq!(pair.settle(&mut session).unwrap(), b"an answer");
    assert_eq!(pair.heard, b"a question");
    session.agreement().expect("the handshake is over")
}

#[test]
fn every_cipher_suite_carries_data_both_ways() {
    let authority = Authority::new();
    let ecdsa = authority.issue();
    let rsa = authority.issue_with(HOST, [2026, 2027], rsa_key());
    let mut seen = Vec::new();
    for suite in ring::ALL_CIPHER_SUITES {
        let provider = rustls::crypto::CryptoProvider {
            cipher_suites: vec![*suite],
            ..ring::default_provider()
        };
        let name = suite.suite().as_str().unwrap_or_default().to_owned();
        let credentials = if name.contains("_RSA_") { &rsa } else { &ecdsa };
        let version = match suite {
            SupportedCipherSuite::Tls12(_) => &TLS12,
            SupportedCipherSuite::Tls13(_) => &TLS13,
        };
        let agreed = converse(&authority, &credentials.server_with(provider, &[version]));
        assert_eq!(agreed.cipher, name.replace("TLS13", "TLS"));
        seen.push(agreed.cipher);
    }
    assert_eq!(seen.len(), 9, "{seen:?}");
}

#[test]
fn every_group_agrees_on_a_key() {
    let authority = Authority::new();
    let credentials = authority.issue();
    for version in VERSIONS {
        for group in ring::ALL_KX_GROUPS {
            let provider = rustls::crypto::CryptoProvider {
                kx_groups: vec![*group],
                ..ring::default_provider()
            };
            converse(&authority, &credentials.server_with(provider, &[version]));
        }
    }
}

fn rsa_key() -> rcgen::KeyPair {
    use rsa::pkcs8::EncodePrivateKey;
    let key =
        rsa::PrivateKey::new(&mut rsa::rand_core::UnwrapErr(getrandom::SysRng), 2048).unwrap();
    let der = key.to_pkcs8_der().unwrap();
    rcgen::KeyPair::try_from(der.as_bytes()).unwrap()
}

#[test]
fn every_kind_of_key_signs_certificates_and_handshakes() {
    let keys = || {
        [
            key(&rcgen::PKCS_ECDSA_P256_SHA256),
            key(&rcgen::PKCS_ECDSA_P384_SHA384),
            key(&rcgen::PKCS_ED25519),
            rsa_key(),
        ]
    };
    for (of_authority, of_server) in keys().into_iter().zip(keys()) {
        let authority = Authority::with_key(of_authority);
        let credentials = authority.issue_with(HOST, [2026, 2027], of_server);
        for version in VERSIONS {
            let server = credentials.server_with(ring::default_provider(), &[version]);
            converse(&authority, &server);
        }
    }
}

#[test]
fn a_signature_of_another_key_is_refused() {
    let authority = Authority::new();
    for algorithm in [&rcgen::PKCS_ECDSA_P256_SHA256, &rcgen::PKCS_ED25519] {
        let shown = authority.issue_with(HOST, [2026, 2027], key(algorithm));
        let held = authority.issue_with(HOST, [2026, 2027], key(algorithm));
        for version in VERSIONS {
            let liar = Credentials {
                chain: shown.chain.clone(),
                key: held.key.clone(),
            };
            let server = liar.server_with(ring::default_provider(), &[version]);
            let failed = failure(&authority.client(), &server);
            assert_eq!(failed.kind(), Kind::Certificate, "{failed}");
        }
    }
}

#[test]
fn the_server_is_told_the_name_that_is_wanted() {
    let authority = Authority::new();
    let server = authority.issue().server();
    let mut session = authority.client().open(HOST, &[], NOW).unwrap();
    let mut pair = server.accept();
    pair.settle(&mut session).unwrap();
    assert_eq!(pair.server.server_name(), Some(HOST));
}

#[test]
fn an_address_is_a_name_too() {
    let authority = Authority::new();
    let server = (authority.issue_with(
        "10.77.0.1",
        [2026, 2027],
        key(&rcgen::PKCS_ECDSA_P256_SHA256),
    ))
    .server();
    let mut session = authority.client().open("10.77.0.1", &[], NOW).unwrap();
    server.accept().settle(&mut session).unwrap();
    assert!(session.agreement().is_some());
}

#[test]
fn the_server_picks_one_of_the_protocols_that_are_offered() {
    let authority = Authority::new();
    let server = authority.issue().server_for(&["h2", "http/1.1"]);
    for (offered, picked) in [
        (&["http/1.1"][..], Some("http/1.1")),
        (&["http/1.1", "h2"], Some("h2")),
        (&[], None),
    ] {
        let mut session = authority.client().open(HOST, offered, NOW).unwrap();
        server.accept().settle(&mut session).unwrap();
        assert_eq!(session.agreement().unwrap().protocol.as_deref(), picked);
    }
    let mut session = authority.client().open(HOST, &["gopher"], NOW).unwrap();
    let failed = server
        .accept()
        .settle(&mut session)
        .expect_err("no protocol in common");
    assert_eq!(failed.kind(), Kind::Handshake, "{failed}");
}

#[test]
fn a_session_is_resumed_by_the_client_that_had_it_and_by_no_other() {
    let authority = Authority::new();
    for version in VERSIONS {
        let server = authority
            .issue()
            .server_with(ring::default_provider(), &[version]);
        let (client, other) = (authority.client(), authority.client());
        let resumed = |client: &ethertab_tls::Client| {
            let mut session = client.open(HOST, &[], NOW).unwrap();
            server.accept().settle(&mut session).unwrap();
            session.agreement().unwrap().resumed
        };
        assert!(!resumed(&client), "{version:?}");
        assert!(resumed(&client), "{version:?}");
        assert!(!resumed(&other), "{version:?}");
    }
}

#[test]
fn a_megabyte_passes_both_ways() {
    let authority = Authority::new();
    let bytes: Vec<u8> = (0..1 << 20).map(|at: u32| (at * 31) as u8).collect();
    for version in VERSIONS {
        let server = authority
            .issue()
            .server_with(ring::default_provider(), &[version]);
        let mut session = authority.client().open(HOST, &[], NOW).unwrap();
        let mut pair = server.accept();
        pair.settle(&mut session).unwrap();
        let mut sent = Vec::new();
        session.encrypt(&bytes, &mut sent).unwrap();
        pair.hear(&sent).unwrap();
        assert!(
            pair.heard == bytes,
            "{version:?}: what the server heard differs"
        );
        pair.say(&bytes);
        assert!(
            pair.settle(&mut session).unwrap() == bytes,
            "{version:?}: what came back differs"
        );
    }
}

#[test]
fn what_waits_to_be_sent_is_bounded() {
    let authority = Authority::new();
    let server = authority.issue().server();
    let mut session = authority.client().open(HOST, &[], NOW).unwrap();
    let mut taken = 0;
    // Before the handshake nothing can leave; after it nobody transmits.
    for settled in [false, true] {
        if settled {
            server.accept().settle(&mut session).unwrap();
        }
        for _ in 0..1_000 {
            taken += session.send(&[7; 10_000]).unwrap();
        }
    }
    assert!(taken > 0 && taken < 200_000, "{taken} bytes");
}

#[test]
fn a_goodbye_ends_the_stream_and_is_answered() {
    let authority = Authority::new();
    let server = authority.issue().server();
    let mut session = authority.client().open(HOST, &[], NOW).unwrap();
    let mut pair = server.accept();
    pair.settle(&mut session).unwrap();
    pair.say(b"the last words");
    pair.server.send_close_notify();
    assert_eq!(pair.settle(&mut session).unwrap(), b"the last words");
    assert!(session.has_ended().unwrap());
    session.receive_end().unwrap();
    session.send(b"mine").unwrap();
    session.finish();
    pair.settle(&mut session).unwrap();
    assert_eq!(pair.heard, b"mine");
}
