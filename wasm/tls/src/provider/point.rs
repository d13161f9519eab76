//! Public keys on the NIST curves, from the one form in which TLS sends them: uncompressed (RFC 8446 §4.2.8.2, RFC 5480 §2.2).
//!
//! The curves' own parsers also take compressed points, whose square roots are 4 KB gzipped that nothing here needs.

use p256::elliptic_curve::point::AffineCoordinates;

pub(super) fn p256(bytes: &[u8]) -> Option<p256::PublicKey> {
    let [x, y] = coordinates::<32>(bytes)?;
    let point = p256::AffinePoint::from_coordinates(x.into(), y.into());
    p256::PublicKey::from_affine(point.into_option()?).ok()
}

pub(super) fn p384(bytes: &[u8]) -> Option<p384::PublicKey> {
    let [x, y] = coordinates::<48>(bytes)?;
    let point = p384::AffinePoint::from_coordinates(x.into(), y.into());
    p384::PublicKey::from_affine(point.into_option()?).ok()
}

/// A byte that says "uncompressed", and two coordinates of `N` bytes.
fn coordinates<const N: usize>(bytes: &[u8]) -> Option<[&[u8; N]; 2]> {
    let (x, rest) = bytes.strip_prefix(&[4])?.split_first_chunk()?;
    Some([x, rest.try_into().ok()?])
}

#[cfg(test)]
mod tests {
    use super::*;
    use p256::elliptic_curve::sec1::ToSec1Point;

    #[test]
    fn a_point_is_on_the_curve_and_uncompressed() {
        let key = p256::SecretKey::from_slice(&[7; 32]).unwrap().public_key();
        let whole = key.to_sec1_point(false);
        assert_eq!(p256(whole.as_bytes()), Some(key));
        assert_eq!(p256(key.to_sec1_point(true).as_bytes()), None);
        assert_eq!(p256(&whole.as_bytes()[..64]), None);
        assert_eq!(p256(&[whole.as_bytes(), &[0]].concat()), None);
        let mut off = whole.as_bytes().to_vec();
        off[64] ^= 1;
        assert_eq!(p256(&off), None);
        assert_eq!(p256(&[&[4][..], &[0; 64]].concat()), None);
        assert_eq!(p256(&[&[4][..], &[255; 64]].concat()), None);
        assert_eq!(p256(&[]), None);

        let key = p384::SecretKey::from_slice(&[7; 48]).unwrap().public_key();
        let mut bytes = key.to_sec1_point(false).as_bytes().to_vec();
        assert_eq!(p384(&bytes), Some(key));
        bytes[96] ^= 1;
        assert_eq!(p384(&bytes), None);
    }
}
