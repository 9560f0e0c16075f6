//! Keys as text.

use base64::{
    Engine as _, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use zeroize::Zeroizing;

const CONFIG: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, CONFIG);
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, CONFIG);

/// A text that is not a key. It does not tell the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a key is 32 bytes, given as 64 hexadecimal digits or in base64")]
pub struct InvalidKey;

/// Reads a key: 64 hexadecimal digits, or the base64 of 32 bytes in either alphabet, padded or not. White space around it
/// does not matter.
pub fn parse_key(text: &str) -> Result<[u8; 32], InvalidKey> {
    let text = text.trim();
    if text.len() == 64 {
        return from_hex(text).ok_or(InvalidKey);
    }
    let bytes = STANDARD.decode(text).or_else(|_| URL_SAFE.decode(text)).map_err(|_| InvalidKey)?;
    let bytes = Zeroizing::new(bytes);
    bytes.as_slice().try_into().map_err(|_| InvalidKey)
}

fn from_hex(text: &str) -> Option<[u8; 32]> {
    let mut key = Zeroizing::new([0; 32]);
    for (byte, pair) in key.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        let digit = |digit: u8| char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok());
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(*key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_in_each_form() {
        let key: [u8; 32] = std::array::from_fn(|at| u8::try_from(at * 7 + 3).unwrap());
        let hex: String = key.iter().map(|byte| format!("{byte:02x}")).collect();
        let padded = STANDARD.encode(key);
        let texts = [
            hex.clone(),
            hex.to_uppercase(),
            format!(" {hex}\n"),
            padded.clone(),
            padded.trim_end_matches('=').to_owned(),
            URL_SAFE.encode(key),
        ];
        for text in texts {
            assert_eq!(parse_key(&text), Ok(key), "{text}");
        }
        let high = [0xff; 32];
        assert_eq!((parse_key(&STANDARD.encode(high)), parse_key(&URL_SAFE.encode(high))), (Ok(high), Ok(high)));
    }

    #[test]
    fn other_texts_are_no_keys() {
        let texts = ["", "secret", &"0".repeat(63), &"0".repeat(65), &"g".repeat(64), &"é".repeat(32)];
        for text in texts.into_iter().chain([&*STANDARD.encode([1; 31]), &STANDARD.encode([1; 33])]) {
            assert_eq!(parse_key(text), Err(InvalidKey), "{text:?}");
        }
    }
}
