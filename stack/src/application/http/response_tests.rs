//! Responses as servers write them, and as nobody should.

use super::*;
use proptest::prelude::*;

/// What a whole response came to: its head, its body, and whether the connection goes on.
type Outcome = Result<(ResponseHead, Vec<u8>, bool), HttpError>;

/// Reads a response handed in so many bytes at a time; then the connection ends.
fn read_in(method: &str, wire: &[u8], step: usize) -> Outcome {
    let mut reader = ResponseReader::new(method);
    let (mut head, mut body) = (None, Vec::new());
    'connection: for bytes in wire.chunks(step.max(1)) {
        let mut rest = bytes;
        loop {
            let (taken, piece) = reader.receive(rest)?;
            rest = &rest[taken..];
            match piece {
                Piece::Head => head = reader.take_head(),
                Piece::Body(bytes) => body.extend_from_slice(bytes),
                Piece::Nothing => break,
                Piece::End => break 'connection,
            }
        }
    }
    if !reader.is_complete() {
        reader.end_of_stream()?;
    }
    let head = head.ok_or(HttpError::Incomplete)?;
    Ok((head, body, reader.keeps_alive()))
}

fn read(wire: &[u8]) -> Outcome {
    read_in("GET", wire, usize::MAX)
}

fn body(wire: &[u8]) -> Result<(Vec<u8>, bool), HttpError> {
    read(wire).map(|(_, body, keep_alive)| (body, keep_alive))
}

#[test]
fn a_body_ends_where_its_length_says() {
    let wire =
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-A: 1\r\nx-a:  two \r\n\r\nhello and more";
    let (head, body, keep_alive) = read(wire).expect("a response");
    assert_eq!((head.status, &head.reason[..]), (200, &b"OK"[..]));
    assert_eq!(
        head.fields[1..],
        [
            ("x-a".into(), b"1".to_vec()),
            ("x-a".into(), b"two".to_vec())
        ]
    );
    assert_eq!((&body[..], keep_alive), (&b"hello"[..], true));
}

#[test]
fn a_chunked_body_ends_with_its_last_chunk() {
    let wire = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n5;ext=\"x\"\r\nhello\r\nA\r\n, chunked!\r\n0\r\nTrailer: x\r\n\r\nmore";
    assert_eq!(body(wire), Ok((b"hello, chunked!".to_vec(), true)));
    assert_eq!(
        body(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        Ok((Vec::new(), true))
    );
}

#[test]
fn without_a_length_a_body_ends_with_the_connection() {
    assert_eq!(
        body(b"HTTP/1.1 200 OK\r\n\r\nall of it"),
        Ok((b"all of it".to_vec(), false))
    );
    assert_eq!(body(b"HTTP/1.0 404\r\n\r\n"), Ok((Vec::new(), false)));
}

#[test]
fn some_responses_have_no_body_whatever_they_say() {
    let wire = b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n";
    assert_eq!(
        read_in("HEAD", wire, 7).map(|(_, body, keep)| (body, keep)),
        Ok((Vec::new(), true))
    );
    for status in ["204 No Content", "304 Not Modified"] {
        let wire = alloc::format!("HTTP/1.1 {status}\r\nTransfer-Encoding: chunked\r\n\r\n");
        assert_eq!(body(wire.as_bytes()), Ok((Vec::new(), true)));
    }
}

#[test]
fn interim_responses_are_passed_over_but_not_without_end() {
    let wire = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\nok";
    for step in [1, 3, 1_000] {
        let (head, body, _) = read_in("PUT", wire, step).expect("a response");
        assert_eq!(
            (head.status, head.fields.len(), &body[..]),
            (201, 1, &b"ok"[..])
        );
    }
    assert_eq!(
        read(&b"HTTP/1.1 100 Continue\r\n\r\n".repeat(40)),
        Err(HttpError::TooLong)
    );
}

#[test]
fn the_connection_goes_on_only_when_both_sides_say_so() {
    let keeps = |head: &str| {
        body(alloc::format!("{head}\r\nContent-Length: 0\r\n\r\n").as_bytes()).map(|(_, keep)| keep)
    };
    assert_eq!(keeps("HTTP/1.1 200 OK"), Ok(true));
    assert_eq!(keeps("HTTP/1.1 200 OK\r\nConnection: x, Close"), Ok(false));
    assert_eq!(keeps("HTTP/1.0 200 OK"), Ok(false));
    assert_eq!(keeps("HTTP/1.0 200 OK\r\nConnection: Keep-Alive"), Ok(true));
}

#[test]
fn lengths_that_contradict_each_other_are_refused() {
    let outcome = |fields: &str| {
        body(
            alloc::format!("HTTP/1.1 200 OK\r\n{fields}\r\n\r\n5\r\nhello\r\n0\r\n\r\n").as_bytes(),
        )
    };
    for fields in [
        "Content-Length: 5\r\nContent-Length: 6",
        "Content-Length: 5, 6",
        "Content-Length: -5",
        "Content-Length: +5",
        "Content-Length: 5x",
        "Content-Length: ",
        "Content-Length: 99999999999999999999",
        "Transfer-Encoding: gzip, chunked",
        "Transfer-Encoding: identity",
        "Transfer-Encoding: chunked, chunked",
    ] {
        assert_eq!(outcome(fields), Err(HttpError::Length), "{fields}");
    }
    assert!(outcome("Content-Length: 5, 5").is_ok());
    // RFC 9112 §6.3: Transfer-Encoding wins, and nothing may follow on this connection.
    assert_eq!(
        outcome("Content-Length: 3\r\nTransfer-Encoding: chunked"),
        Ok((b"hello".to_vec(), false))
    );
}

#[test]
fn a_folded_line_goes_on_with_the_value_before_it() {
    let (head, ..) =
        read(b"HTTP/1.1 200 OK\nA: one\n\t two\nContent-Length: 0\n\n").expect("a response");
    assert_eq!(head.fields[0], ("a".into(), b"one two".to_vec()));
}

#[test]
fn what_is_not_http_is_refused() {
    for wire in [
        &b"SSH-2.0-OpenSSH\r\n\r\n"[..],
        b"HTTP/2 200 OK\r\n\r\n",
        b"HTTP/1.1 20 OK\r\n\r\n",
        b"HTTP/1.1 2000 OK\r\n\r\n",
    ] {
        assert_eq!(read(wire), Err(HttpError::StatusLine));
    }
    for field in [
        "no colon",
        "a b: c",
        "a : b",
        ": x",
        "a: b\0c",
        " folded first",
    ] {
        let wire = alloc::format!("HTTP/1.1 200 OK\r\n{field}\r\n\r\n");
        assert_eq!(read(wire.as_bytes()), Err(HttpError::Field), "{field}");
    }
    for chunks in ["x\r\n", "\r\n", "5\r\nhelloX\r\n", "fffffffffffffffff\r\n"] {
        let wire = alloc::format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{chunks}");
        assert_eq!(read(wire.as_bytes()), Err(HttpError::Chunk), "{chunks}");
    }
}

#[test]
fn a_response_that_breaks_off_is_an_error() {
    for wire in [
        &b""[..],
        b"HTTP/1.1 200 OK\r\nA: b\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n",
    ] {
        assert_eq!(read(wire), Err(HttpError::Incomplete));
    }
}

#[test]
fn heads_and_size_lines_are_bounded() {
    let wire = [
        b"HTTP/1.1 200 OK\r\nA: ".to_vec(),
        Vec::from([b'x'; 70_000]),
    ]
    .concat();
    assert_eq!(read_in("GET", &wire, 1_000), Err(HttpError::TooLong));
    let wire = [
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;".to_vec(),
        Vec::from([b'x'; 5_000]),
    ]
    .concat();
    assert_eq!(read_in("GET", &wire, 1_000), Err(HttpError::TooLong));
}

proptest! {
    #[test]
    fn it_does_not_matter_how_the_bytes_are_cut(step in 1_usize..40, length in 0_usize..300, chunk in 1_usize..50) {
        let sent: Vec<u8> = (0..length).map(|i| i as u8).collect();
        let mut wire = b"HTTP/1.1 200 Fine\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
        for piece in sent.chunks(chunk) {
            super::super::chunk(piece, &mut wire);
        }
        wire.extend_from_slice(super::super::LAST_CHUNK);
        let (_, body, keep_alive) = read_in("GET", &wire, step).expect("a response");
        prop_assert_eq!((body, keep_alive), (sent, true));
    }

    #[test]
    fn no_bytes_make_it_panic(wire in proptest::collection::vec(any::<u8>(), 0..200), step in 1_usize..20, start in 0_usize..4) {
        let starts = [&b""[..], b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\n\r\n", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"];
        let wire = [starts[start], &wire].concat();
        let _ = read_in("GET", &wire, step);
    }
}
