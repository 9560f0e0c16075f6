//! Tokens of old gateways: what is understood of them all the same.
//!
//! The signature is of the text as it was sent, so leniency in reading lets nothing unsigned pass: it only lets more texts stand
//! for the same signature and the same claims.

use base64::{
    Engine as _, alphabet,
    engine::{GeneralPurpose, GeneralPurposeConfig, general_purpose::URL_SAFE_NO_PAD},
};
use jsonwebtoken::{DecodingKey, crypto};
use serde_json::Value;

use super::{Algorithm, AuthError, TenantConfig, claims::Claims};

/// Passes over bits that stand for nothing at the end.
const SLOPPY: GeneralPurpose = GeneralPurpose::new(
    &alphabet::URL_SAFE,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(base64::engine::DecodePaddingMode::RequireNone),
);

/// The bytes of base64 in either alphabet, up to its padding; characters of neither are passed over.
fn decode(text: &str) -> Result<Vec<u8>, AuthError> {
    let kept: String = text
        .chars()
        .take_while(|c| *c != '=')
        .filter_map(|c| match c {
            '+' => Some('-'),
            '/' => Some('_'),
            c if c.is_ascii_alphanumeric() || matches!(c, '-' | '_') => Some(c),
            _ => None,
        })
        .collect();
    SLOPPY.decode(kept).map_err(|_| AuthError::Malformed)
}

fn object(text: &str) -> Result<Claims, AuthError> {
    serde_json::from_slice(&decode(text)?).map_err(|_| AuthError::Malformed)
}

fn algorithm(header: &Claims) -> Option<Algorithm> {
    let name = header.get("alg").and_then(Value::as_str)?;
    let by_digest = |digest: &str| match digest {
        "SHA256" => Some(Algorithm::Rs256),
        "SHA384" => Some(Algorithm::Rs384),
        "SHA512" => Some(Algorithm::Rs512),
        _ => None,
    };
    name.parse().ok().or_else(|| by_digest(name.to_ascii_uppercase().strip_suffix("WITHRSA")?))
}

/// What a token says of itself, unproven.
pub(super) fn peek(token: &str) -> Result<Claims, AuthError> {
    object(token.split('.').nth(1).ok_or(AuthError::Malformed)?)
}

/// The claims of a token whose signature holds.
pub(super) fn verify(token: &str, key: &DecodingKey, config: &TenantConfig) -> Result<Claims, AuthError> {
    let mut parts = token.splitn(3, '.');
    let (Some(header), Some(payload), Some(signature)) = (parts.next(), parts.next(), parts.next()) else {
        return Err(AuthError::Malformed);
    };
    let algorithm = algorithm(&object(header)?).filter(|algorithm| config.algorithms.contains(algorithm));
    let algorithm = algorithm.ok_or(AuthError::Algorithm)?;
    let signed = &token[..header.len() + 1 + payload.len()];
    let signature = URL_SAFE_NO_PAD.encode(decode(signature)?);
    match crypto::verify(&signature, signed.as_bytes(), key, algorithm.library()) {
        Ok(true) => object(payload),
        Ok(false) | Err(_) => Err(AuthError::Signature),
    }
}
