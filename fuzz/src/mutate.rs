//! Inputs made from other inputs: a few cuts, copies and changes of one, with pieces of another and words of the target.

use crate::random::Random;

/// Numbers at which programs go wrong.
const EDGES: [u64; 14] = [
    0,
    1,
    0x7f,
    0x80,
    0xff,
    0x7fff,
    0xffff,
    0x7fff_ffff,
    0x8000_0000,
    0xffff_ffff,
    0x00ff_ffff,
    i64::MAX as u64,
    1 << 63,
    u64::MAX,
];
/// The most changes that make one input of another.
const CHANGES_MAX: usize = 8;
/// The longest run of random or copied bytes.
const RUN_BYTES_MAX: usize = 64;

/// A new input of at most `bytes_max` bytes.
pub(crate) fn mutate(random: &mut Random, seeds: &[Vec<u8>], words: &[&str], bytes_max: usize) -> Vec<u8> {
    let mut input = random.one(seeds).cloned().unwrap_or_default();
    for _ in 0..random.few(CHANGES_MAX) {
        change(random, &mut input, seeds, words);
    }
    input.truncate(bytes_max);
    input
}

fn change(random: &mut Random, input: &mut Vec<u8>, seeds: &[Vec<u8>], words: &[&str]) {
    let at = random.below(input.len() + 1);
    match random.below(11) {
        0 => flip(random, input),
        1 => set(input, at, &[random.next() as u8]),
        2 => {
            let bytes: Vec<u8> = (0..random.few(RUN_BYTES_MAX)).map(|_| random.next() as u8).collect();
            insert(input, at, &bytes);
        }
        3 => drop(input.drain(piece(random, input.len()))),
        4 => {
            let copied = input[piece(random, input.len())].to_vec();
            insert(input, at, &copied);
        }
        5 => {
            let copied = input[piece(random, input.len())].to_vec();
            set(input, at, &copied);
        }
        6 => {
            let other = random.one(seeds).cloned().unwrap_or_default();
            insert(input, at, &other[piece(random, other.len())]);
        }
        7 => {
            let edge = random.one(&EDGES).copied().unwrap_or(0).to_le_bytes();
            let width = [1, 2, 4, 8][random.below(4)];
            set(input, at, &edge[..width]);
        }
        8 => digit(random, input),
        9 => {
            let word = random.one(words).copied().unwrap_or("\0");
            insert(input, at, word.as_bytes());
        }
        _ => {
            let word = random.one(words).copied().unwrap_or("\0");
            set(input, at, word.as_bytes());
        }
    }
}

/// A range within `length`, short ones being likelier.
fn piece(random: &mut Random, length: usize) -> std::ops::Range<usize> {
    let start = random.below(length);
    let end = (start + random.few(RUN_BYTES_MAX.max(length / 4))).min(length);
    start..end.max(start)
}

fn flip(random: &mut Random, input: &mut [u8]) {
    let at = random.below(input.len());
    if let Some(byte) = input.get_mut(at) {
        *byte ^= 1 << random.below(8);
    }
}

fn insert(input: &mut Vec<u8>, at: usize, bytes: &[u8]) {
    input.splice(at..at, bytes.iter().copied());
}

fn set(input: &mut [u8], at: usize, bytes: &[u8]) {
    for (place, byte) in input[at..].iter_mut().zip(bytes) {
        *place = *byte;
    }
}

/// Another digit in the place of one.
fn digit(random: &mut Random, input: &mut [u8]) {
    let start = random.below(input.len());
    if let Some(byte) = input[start..].iter_mut().find(|byte| byte.is_ascii_digit()) {
        *byte = b'0' + random.below(10) as u8;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_makes_the_same_inputs_within_the_bound() {
        let seeds = vec![b"name: value 123".to_vec(), Vec::new(), vec![0xff; 40]];
        let make = || {
            let mut random = Random::new(7);
            (0..2_000).map(|_| mutate(&mut random, &seeds, &["word"], 50)).collect::<Vec<_>>()
        };
        let made = make();
        assert_eq!(made, make());
        assert!(made.iter().all(|input| input.len() <= 50));
        let different: std::collections::BTreeSet<_> = made.iter().collect();
        assert!(different.len() > 1_000, "{}", different.len());
    }
}
