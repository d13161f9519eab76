use super::*;
use alloc::vec::Vec;
use proptest::prelude::*;

const HARDWARE: MacAddress = MacAddress([2, 0, 0, 0, 0, 9]);

/// A header of a reply, then these options.
fn reply(options: &[u8]) -> Vec<u8> {
    let mut bytes = alloc::vec![0; OPTIONS];
    bytes[..3].copy_from_slice(&[2, 1, 6]);
    bytes[OPTIONS - 4..].copy_from_slice(&COOKIE);
    bytes.extend_from_slice(options);
    bytes
}

fn full() -> Message {
    let address = |last| Ipv4Addr::new(192, 0, 2, last);
    Message {
        operation: Operation::Reply,
        kind: MessageType::Ack,
        transaction: 0x0102_0304,
        seconds: 7,
        broadcast: true,
        client_address: address(1),
        your_address: address(2),
        relay_address: address(3),
        hardware: HARDWARE,
        options: Options {
            subnet_mask: Some(Ipv4Addr::new(255, 255, 255, 0)),
            routers: alloc::vec![address(254)],
            name_servers: alloc::vec![address(252), address(253)],
            hostname: "tab".into(),
            domain: "home.example".into(),
            mtu: Some(1_400),
            broadcast_address: Some(address(255)),
            requested_address: Some(address(9)),
            lease_seconds: Some(3_600),
            server: Some(address(254)),
            parameters: alloc::vec![1, 3, 6],
            text: "no".into(),
            maximum_length: Some(1_472),
            renewal_seconds: Some(1_800),
            rebinding_seconds: Some(3_150),
            client_identifier: alloc::vec![1, 2, 0, 0, 0, 0, 9],
        },
    }
}

#[test]
fn a_message_reads_back_as_it_was_written() {
    let mut out = [0xaa; 600];
    let length = full().emit(&mut out).unwrap();
    assert_eq!(Message::parse(&out[..length]), Ok(full()));
}

#[test]
fn a_short_message_is_padded_to_what_bootp_relays_expect() {
    let mut out = [0xaa; 600];
    let message = Message::request(MessageType::Discover, 5, HARDWARE);
    assert_eq!(message.emit(&mut out), Some(MINIMUM_LENGTH));
    assert_eq!(out[OPTIONS..OPTIONS + 4], [53, 1, 1, 255]);
    assert!(
        out[OPTIONS + 4..MINIMUM_LENGTH]
            .iter()
            .all(|&byte| byte == 0)
    );
    assert_eq!(message.emit(&mut out[..MINIMUM_LENGTH - 1]), None);
}

#[test]
fn options_that_do_not_fit_are_left_out_whole() {
    let mut message = full();
    message.options.domain = "d".repeat(250);
    let mut out = [0; GUARANTEED_LENGTH];
    message.options.text = "t".repeat(250);
    let length = message.emit(&mut out).unwrap();
    let parsed = Message::parse(&out[..length]).unwrap();
    assert_eq!(parsed.options.domain, "");
    assert_eq!(parsed.options.mtu, Some(1_400));
    assert_eq!(parsed.options.text, "");
}

#[test]
fn what_is_not_dhcp_over_ethernet_is_malformed() {
    let good = reply(&[53, 1, 2, 255]);
    assert!(Message::parse(&good).is_ok());
    for (at, value) in [(0, 3), (1, 6), (2, 8), (OPTIONS - 1, 0)] {
        let mut bad = good.clone();
        bad[at] = value;
        assert_eq!(Message::parse(&bad), Err(Malformed));
    }
    assert_eq!(Message::parse(&good[..OPTIONS - 1]), Err(Malformed));
    let bootp = reply(&[255]);
    assert_eq!(Message::parse(&bootp), Err(Malformed));
    let unknown_type = reply(&[53, 1, 9, 255]);
    assert_eq!(Message::parse(&unknown_type), Err(Malformed));
}

#[test]
fn options_go_on_in_the_two_other_fields_when_told_so() {
    let mut bytes = reply(&[53, 1, 2, 52, 1, 3, 255]);
    bytes[FILE.start..FILE.start + 7].copy_from_slice(&[51, 4, 0, 0, 1, 0, 255]);
    bytes[SNAME.start..SNAME.start + 7].copy_from_slice(&[54, 4, 192, 0, 2, 1, 255]);
    let options = Message::parse(&bytes).unwrap().options;
    assert_eq!(options.lease_seconds, Some(256));
    assert_eq!(options.server, Some(Ipv4Addr::new(192, 0, 2, 1)));
    // Told nothing, these fields are a file name and a server name.
    bytes[OPTIONS + 5] = 0;
    assert_eq!(Message::parse(&bytes).unwrap().options, Options::default());
}

#[test]
fn an_option_that_comes_again_goes_on_where_it_stopped() {
    let bytes = reply(&[53, 1, 2, 15, 2, b'h', b'o', 0, 0, 15, 2, b'm', b'e', 255]);
    assert_eq!(Message::parse(&bytes).unwrap().options.domain, "home");
}

#[test]
fn unknown_options_are_passed_over_and_senseless_values_count_as_absent() {
    let bytes = reply(&[
        224, 2, 1, 2, 53, 1, 2, 1, 3, 255, 255, 0, 3, 6, 192, 0, 2, 1, 9, 9, 12, 2, 7, 7, 15, 4,
        b'a', b'b', 0, 0,
    ]);
    let options = Message::parse(&bytes).unwrap().options;
    assert_eq!(options.subnet_mask, None);
    assert_eq!(options.routers, [Ipv4Addr::new(192, 0, 2, 1)]);
    assert_eq!(options.hostname, "");
    assert_eq!(options.domain, "ab");
}

#[test]
fn an_option_that_is_cut_off_is_malformed() {
    assert_eq!(
        Message::parse(&reply(&[53, 1, 2, 51, 4, 0, 0])),
        Err(Malformed)
    );
    assert_eq!(Message::parse(&reply(&[53, 1, 2, 51])), Err(Malformed));
}

proptest! {
    #[test]
    fn no_bytes_make_the_parser_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = Message::parse(&bytes);
        let _ = Message::parse(&reply(&bytes));
    }

    #[test]
    fn what_can_be_read_can_be_written(
        options in prop::collection::vec((1..64_u8, prop::collection::vec(any::<u8>(), 0..12)), 0..12),
    ) {
        let mut raw = alloc::vec![53, 1, 5];
        for (code, value) in options.iter().filter(|(code, _)| *code != 53 && *code != 52) {
            raw.extend_from_slice(&[*code, value.len() as u8]);
            raw.extend_from_slice(value);
        }
        let message = Message::parse(&reply(&raw)).unwrap();
        let mut out = [0; 1_500];
        let length = message.emit(&mut out).unwrap();
        prop_assert_eq!(Message::parse(&out[..length]), Ok(message));
    }
}
