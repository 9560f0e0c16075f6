//! Ids of actors: thirteen lower-case letters and digits, the first a letter.
//!
//! An actor is named in a path by its id or by an alias, and an alias may be almost any text. So an id carries two check
//! characters that tell it from other words of its length: of 1 296 such words one passes by chance.

const LETTERS: &[u8; 26] = b"abcdefghijklmnopqrstuvwxyz";
const DIGITS: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";
/// Characters before the check characters.
const PAYLOAD: usize = 11;
/// Characters in all.
const LENGTH: usize = PAYLOAD + 2;

/// The check characters of a payload (FNV-1a, folded).
fn check(payload: &[u8]) -> [u8; 2] {
    let hash = payload
        .iter()
        .fold(0xcbf2_9ce4_8422_2325u64, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3));
    let folded = usize::try_from((hash ^ (hash >> 32)) % 1296).unwrap_or(0);
    [DIGITS[folded / 36], DIGITS[folded % 36]]
}

/// The id made of 64 random bits.
pub(crate) fn from_bits(bits: u64) -> String {
    let digit = |alphabet: &[u8], value: u64| {
        let length = alphabet.len() as u64;
        (alphabet[usize::try_from(value % length).unwrap_or(0)], value / length)
    };
    let (first, mut rest) = digit(LETTERS, bits);
    let mut id = Vec::with_capacity(LENGTH);
    id.push(first);
    for _ in 1..PAYLOAD {
        let (next, left) = digit(DIGITS, rest);
        id.push(next);
        rest = left;
    }
    let checks = check(&id);
    id.extend_from_slice(&checks);
    id.into_iter().map(char::from).collect()
}

/// Whether `text` is made like an id.
pub(crate) fn is_id(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() == LENGTH
        && LETTERS.contains(&bytes[0])
        && bytes.iter().all(|byte| DIGITS.contains(byte))
        && check(&bytes[..PAYLOAD]) == bytes[PAYLOAD..]
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn ids_are_told_from_aliases() {
        for bits in [0, 1, 7, u64::MAX, 0x0123_4567_89ab_cdef] {
            let id = from_bits(bits);
            assert!(is_id(&id), "{id}");
            assert!(id.parse::<tidemill_core::FunctionName>().is_ok(), "{id}");
            let mut other = id.into_bytes();
            other[5] = if other[5] == b'a' { b'b' } else { b'a' };
            assert!(!is_id(std::str::from_utf8(&other).unwrap()));
        }
        for text in ["", "my-alias", "configuration", "transcription", "0000000000000", "äöüäöüä", "acceleration1"]
        {
            assert!(!is_id(text), "{text}");
        }
    }

    #[test]
    fn ids_of_different_bits_differ() {
        let ids: BTreeSet<_> = (0..1000u64).map(|n| from_bits(n.wrapping_mul(0x9e37_79b9_7f4a_7c15))).collect();
        assert_eq!(ids.len(), 1000);
    }
}
