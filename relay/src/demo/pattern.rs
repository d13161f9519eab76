//! Bytes that are the same each time: a block of noise, over and over, with its number in front.

use crate::http::Body;
use bytes::Bytes;
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Frame;
use sha2::{Digest, Sha256};
use std::fmt::Write;
use std::sync::OnceLock;

const BLOCK: usize = 64 * 1024;

/// The noise that each block is made of, from a small generator (xorshift64) with a fixed start.
fn noise() -> &'static [u8] {
    static NOISE: OnceLock<Vec<u8>> = OnceLock::new();
    NOISE.get_or_init(|| {
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        let mut next = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state
        };
        (0..BLOCK / 8).flat_map(|_| next().to_le_bytes()).collect()
    })
}

/// Block number `number`: the number in eight bytes, so that no two blocks are alike, then noise.
fn block(number: u64, length: usize) -> Bytes {
    let mut block = noise()[..length].to_vec();
    let number = number.to_be_bytes();
    let front = number.len().min(length);
    block[..front].copy_from_slice(&number[..front]);
    Bytes::from(block)
}

/// The blocks of the first `length` bytes.
fn blocks(length: u64) -> impl Iterator<Item = Bytes> + Send {
    (0..length.div_ceil(BLOCK as u64)).map(move |number| {
        let left = length - number * BLOCK as u64;
        block(number, usize::try_from(left).unwrap_or(BLOCK).min(BLOCK))
    })
}

/// A body of the first `length` bytes.
pub(super) fn body(length: u64) -> Body {
    let frames = blocks(length).map(|block| Ok(Frame::data(block)));
    StreamBody::new(futures_util::stream::iter(frames)).boxed_unsync()
}

/// The SHA-256 of `/100mb`, in hexadecimal; computed once.
pub(super) fn download_hash() -> String {
    static HASH: OnceLock<String> = OnceLock::new();
    let hash = HASH.get_or_init(|| {
        let mut hasher = Sha256::new();
        blocks(super::DOWNLOAD).for_each(|block| hasher.update(&block));
        hasher
            .finalize()
            .iter()
            .fold(String::new(), |mut text, byte| {
                let _ = write!(text, "{byte:02x}");
                text
            })
    });
    hash.clone()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_download_is_as_long_as_it_says_and_no_two_blocks_are_alike() {
        let length = 3 * BLOCK as u64 + 5;
        let bytes = body(length).collect().await.unwrap().to_bytes();
        assert_eq!(bytes.len() as u64, length);
        assert_ne!(bytes[..BLOCK], bytes[BLOCK..2 * BLOCK]);
        assert_eq!(bytes, body(length).collect().await.unwrap().to_bytes());
        assert!(body(0).collect().await.unwrap().to_bytes().is_empty());
    }
}
