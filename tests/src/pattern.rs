//! Bytes that depend on their position, so that a lost, doubled or moved byte is noticed.

/// The byte at `position` of stream number `stream`.
#[must_use]
pub fn byte(stream: u32, position: u64) -> u8 {
    let word = (position ^ (u64::from(stream) << 40)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (word >> 56) as u8
}

/// `length` bytes of `stream` from `position` on.
#[must_use]
pub fn bytes(stream: u32, position: u64, length: usize) -> Vec<u8> {
    (0..length as u64)
        .map(|at| byte(stream, position + at))
        .collect()
}

/// Panics if `bytes` are not those of `stream` from `position` on.
pub fn verify(stream: u32, position: u64, bytes: &[u8]) {
    for (at, &value) in (position..).zip(bytes) {
        assert_eq!(
            value,
            byte(stream, at),
            "stream {stream} differs at byte {at}"
        );
    }
}
