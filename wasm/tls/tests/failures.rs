//! What goes wrong has a name: one for each thing that somebody could mend.

mod stage;

use ethertab_tls::{Client, Failure, Kind, Session};
use proptest::prelude::*;
use rustls::crypto::{CryptoProvider, ring};
use rustls::version::{TLS12, TLS13};
use stage::{Authority, Credentials, HOST, NOW, Pair, failure, key};

fn judged(years: [i32; 2], name: &str) -> Failure {
    let authority = Authority::new();
    let key = key(&rcgen::PKCS_ECDSA_P256_SHA256);
    let server = authority.issue_with(name, years, key).server();
    failure(&authority.client(), &server)
}

#[track_caller]
fn assert_is(failure: &Failure, kind: Kind, code: &str) {
    assert_eq!((failure.kind(), failure.code()), (kind, code), "{failure}");
}

#[test]
fn a_certificate_whose_time_is_over() {
    assert_is(&judged([2024, 2026], HOST), Kind::Expired, "ETLSEXPIRED");
}

#[test]
fn a_certificate_whose_time_has_not_begun() {
    assert_is(
        &judged([2027, 2028], HOST),
        Kind::NotYetValid,
        "ETLSNOTYETVALID",
    );
}

#[test]
fn the_time_is_what_the_caller_says() {
    let authority = Authority::new();
    let server = authority.issue().server();
    let client = authority.client();
    let mut session = client.open(HOST, &[], 0).unwrap();
    let mut pair = server.accept();
    let mut sent = Vec::new();
    session.transmit(&mut sent);
    pair.hear(&sent).unwrap();
    // Valid by the clock of the moment at which the certificate comes, not of that at which the session was opened.
    session
        .receive(&pair.ciphertext(), NOW, &mut Vec::new())
        .unwrap();
    assert!(session.agreement().is_some());
}

#[test]
fn a_certificate_of_another_host() {
    assert_is(
        &judged([2026, 2027], "other.example.test"),
        Kind::WrongHost,
        "ETLSHOST",
    );
}

#[test]
fn a_certificate_of_a_stranger() {
    let (ours, theirs) = (Authority::new(), Authority::new());
    let browsers = Client::new([]).unwrap();
    for client in [ours.client(), browsers] {
        let failed = failure(&client, &theirs.issue().server());
        assert_is(&failed, Kind::UnknownIssuer, "ETLSISSUER");
    }
}

#[test]
fn a_certificate_that_is_none() {
    let authority = Authority::new();
    let issued = authority.issue();
    let server = Credentials {
        chain: vec![vec![0x30, 3, 1, 2, 3].into()],
        key: issued.key,
    };
    let failed = failure(&authority.client(), &server.server());
    assert_is(&failed, Kind::Certificate, "ETLSCERTIFICATE");
}

#[test]
fn nothing_in_common() {
    let authority = Authority::new();
    // A group that nobody here speaks.
    let server = authority.issue().server_for(&["gopher"]);
    let mut session = authority.client().open(HOST, &["http/1.1"], NOW).unwrap();
    let failed = server
        .accept()
        .settle(&mut session)
        .expect_err("no protocol");
    assert_is(&failed, Kind::Handshake, "ETLSHANDSHAKE");
}

#[test]
fn an_alert_of_the_server() {
    for (alert, kind, code) in [
        (40, Kind::Handshake, "ETLSHANDSHAKE"),
        (112, Kind::Handshake, "ETLSHANDSHAKE"),
        (70, Kind::Version, "ETLSVERSION"),
    ] {
        let mut session = fresh();
        let failed = session.receive(&[21, 3, 3, 0, 2, 2, alert], NOW, &mut Vec::new());
        assert_is(&failed.unwrap_err(), kind, code);
    }
}

#[test]
fn a_server_of_an_old_version() {
    // ServerHello of TLS 1.0: version, random, an empty session, TLS_RSA_WITH_AES_128_CBC_SHA, no compression.
    let mut hello = vec![3, 1];
    hello.extend([7; 32]);
    hello.extend([0, 0, 0x2f, 0]);
    let mut record = vec![
        22,
        3,
        1,
        0,
        hello.len() as u8 + 4,
        2,
        0,
        0,
        hello.len() as u8,
    ];
    record.extend(hello);
    let failed = fresh().receive(&record, NOW, &mut Vec::new());
    assert_is(&failed.unwrap_err(), Kind::Version, "ETLSVERSION");
}

#[test]
fn a_server_that_does_not_speak_tls() {
    let mut session = fresh();
    let failed = session.receive(b"HTTP/1.1 400 Bad Request\r\n\r\n", NOW, &mut Vec::new());
    assert_is(&failed.unwrap_err(), Kind::Protocol, "ETLSPROTOCOL");
    // It stays that way.
    let failed = session.receive(b"more", NOW, &mut Vec::new());
    assert_is(&failed.unwrap_err(), Kind::Protocol, "ETLSPROTOCOL");
    assert!(session.send(b"anything").is_err() && session.receive_end().is_err());
}

#[test]
fn what_came_before_a_failure_counts() {
    let authority = Authority::new();
    let mut session = authority.client().open(HOST, &[], NOW).unwrap();
    let mut pair = authority.issue().server().accept();
    pair.settle(&mut session).unwrap();
    pair.say(b"the last words");
    let forged = [&[23, 3, 3, 0, 20][..], &[0; 20]].concat();
    let bytes = [pair.ciphertext(), forged].concat();
    let mut plaintext = Vec::new();
    let failed = session.receive(&bytes, NOW, &mut plaintext).unwrap_err();
    assert_is(&failed, Kind::Protocol, "ETLSPROTOCOL");
    assert_eq!(plaintext, b"the last words");
    assert!(session.has_ended().is_err());
}

/// Sixteen million records of AES-GCM (RFC 9325 §4.4), which takes seconds.
#[test]
fn keys_that_are_worn_out_are_an_error_and_nothing_is_taken_that_is_not_sent() {
    let authority = Authority::new();
    let provider = CryptoProvider {
        cipher_suites: vec![ring::cipher_suite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256],
        ..ring::default_provider()
    };
    let server = authority.issue().server_with(provider, &[&TLS12]);
    let mut session = authority.client().open(HOST, &[], NOW).unwrap();
    server.accept().settle(&mut session).unwrap();
    let mut sent = Vec::new();
    let failed = (0..1 << 25).find_map(|_| {
        sent.clear();
        session.encrypt(&[7; 40], &mut sent).err()
    });
    assert_is(&failed.unwrap(), Kind::Protocol, "ETLSPROTOCOL");
    assert!(session.encrypt(b"more", &mut sent).is_err());
}

#[test]
fn a_record_that_was_altered_on_its_way() {
    let authority = Authority::new();
    for version in [&TLS12, &TLS13] {
        let (mut session, mut pair) = open(&authority, version);
        pair.say(b"important");
        let mut record = pair.ciphertext();
        *record.last_mut().unwrap() ^= 1;
        let mut plaintext = Vec::new();
        let failed = session.receive(&record, NOW, &mut plaintext).unwrap_err();
        assert_is(&failed, Kind::Protocol, "ETLSPROTOCOL");
        assert_eq!(plaintext, b"");
        let mut alert = Vec::new();
        session.transmit(&mut alert);
        assert!(
            matches!(pair.hear(&alert), Err(rustls::Error::AlertReceived(_))),
            "{version:?}"
        );
    }
}

#[test]
fn a_record_that_is_shorter_than_its_tag() {
    let authority = Authority::new();
    for suite in ring::ALL_CIPHER_SUITES {
        if suite.suite().as_str().unwrap_or_default().contains("_RSA_") {
            continue;
        }
        for length in 0..26 {
            let provider = CryptoProvider {
                cipher_suites: vec![*suite],
                ..ring::default_provider()
            };
            let (mut session, _) = open_with(&authority, provider, &[suite.version()]);
            let mut record = vec![23, 3, 3, 0, length];
            record.extend(vec![7; usize::from(length)]);
            let failed = session.receive(&record, NOW, &mut Vec::new());
            assert_is(&failed.unwrap_err(), Kind::Protocol, "ETLSPROTOCOL");
        }
    }
}

#[test]
fn a_connection_that_ends_without_a_goodbye() {
    let failed = fresh().receive_end().unwrap_err();
    assert_is(&failed, Kind::Handshake, "ETLSHANDSHAKE");
    let (mut session, _) = open(&Authority::new(), &TLS13);
    let failed = session.receive_end().unwrap_err();
    assert_is(&failed, Kind::Truncated, "ETLSTRUNCATED");
}

#[test]
fn a_refused_server_learns_why() {
    let (ours, theirs) = (Authority::new(), Authority::new());
    let server = theirs.issue().server();
    let mut session = Client::new([ours.certificate.der().to_vec()])
        .unwrap()
        .open(HOST, &[], NOW)
        .unwrap();
    let mut pair = server.accept();
    pair.settle(&mut session).unwrap_err();
    let mut alert = Vec::new();
    session.transmit(&mut alert);
    assert!(matches!(
        pair.hear(&alert),
        Err(rustls::Error::AlertReceived(_))
    ));
}

#[test]
fn each_certificate_that_is_told_is_trusted() {
    let (one, two) = (Authority::new(), Authority::new());
    let own = [&one, &two].map(|authority| authority.certificate.der().to_vec());
    let client = Client::new(own).unwrap();
    for authority in [&one, &two] {
        let mut session = client.open(HOST, &[], NOW).unwrap();
        authority
            .issue()
            .server()
            .accept()
            .settle(&mut session)
            .unwrap();
    }
    for wrong in [&b""[..], b"no certificate", b"\x30\x82\x01\x01no"] {
        let refused = Client::new([wrong.to_vec()]).unwrap_err();
        assert_is(&refused, Kind::Invalid, "EINVAL");
    }
}

#[test]
fn a_host_that_cannot_be() {
    let client = Authority::new().client();
    for host in ["", "a b", "-", "..", &"x".repeat(300)] {
        assert_is(
            &client.open(host, &[], NOW).unwrap_err(),
            Kind::Invalid,
            "EINVAL",
        );
    }
}

fn fresh() -> Session {
    Authority::new().client().open(HOST, &[], NOW).unwrap()
}

fn open(
    authority: &Authority,
    version: &'static rustls::SupportedProtocolVersion,
) -> (Session, Pair) {
    open_with(authority, ring::default_provider(), &[version])
}

fn open_with(
    authority: &Authority,
    provider: CryptoProvider,
    versions: &[&'static rustls::SupportedProtocolVersion],
) -> (Session, Pair) {
    let mut session = authority.client().open(HOST, &[], NOW).unwrap();
    let mut pair = authority.issue().server_with(provider, versions).accept();
    pair.settle(&mut session).unwrap();
    (session, pair)
}

/// Records with a believable head, and noise.
fn noise() -> impl Strategy<Value = Vec<u8>> {
    let record = (
        20_u8..25,
        1_u8..5,
        prop::collection::vec(any::<u8>(), 0..600),
    )
        .prop_map(|(kind, minor, payload)| {
            let mut record = vec![kind, 3, minor];
            record.extend((payload.len() as u16).to_be_bytes());
            record.extend(payload);
            record
        });
    let piece = prop_oneof![record, prop::collection::vec(any::<u8>(), 0..600)];
    prop::collection::vec(piece, 1..40).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn whatever_comes_is_taken_without_panic_or_growth(bytes in noise(), at in 0_usize..6_000, whole in any::<bool>()) {
        thread_local! {
            static AUTHORITY: Authority = Authority::new();
        }
        AUTHORITY.with(|authority| {
            let server = authority.issue().server();
            let mut session = authority.client().open(HOST, &[], NOW).unwrap();
            let mut sent = Vec::new();
            session.transmit(&mut sent);
            let mut pair = server.accept();
            pair.hear(&sent).unwrap();
            pair.say(b"some words");
            // The beginning of a real answer, then what nobody should send.
            let mut answer = pair.ciphertext();
            answer.truncate(at);
            answer.extend_from_slice(&bytes);
            let mut plaintext = Vec::new();
            let mut back = Vec::new();
            for piece in answer.chunks(if whole { answer.len() } else { 77 }) {
                let outcome = session.receive(piece, NOW, &mut plaintext);
                session.transmit(&mut back);
                if outcome.is_err() {
                    break;
                }
            }
            assert!(plaintext.len() <= answer.len());
            assert!(back.len() < 1_024, "{} bytes to say", back.len());
        });
    }
}
