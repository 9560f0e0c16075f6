//! A tenant's key: from text to what verifies.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use jsonwebtoken::DecodingKey;
use rsa::{RsaPublicKey, pkcs1::DecodeRsaPublicKey, traits::PublicKeyParts};

use super::{Algorithm, KeyConfig, TenantConfig, TenantError};

/// RSA keys below this can be broken, in bits.
const RSA_BITS_MIN: usize = 2048;
/// Secrets below this can be guessed, in bits: as long as the digest that they key.
const SECRET_BITS_MIN: usize = 256;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Family {
    Rsa,
    Secret,
    P256,
    Ed25519,
}

fn family(algorithm: Algorithm) -> Family {
    match algorithm {
        Algorithm::Rs256 | Algorithm::Rs384 | Algorithm::Rs512 => Family::Rsa,
        Algorithm::Hs256 => Family::Secret,
        Algorithm::Es256 => Family::P256,
        Algorithm::EdDsa => Family::Ed25519,
    }
}

/// The key that `config` names, which all its algorithms use.
pub(super) fn decoding(config: &TenantConfig) -> Result<DecodingKey, TenantError> {
    let first = *config.algorithms.first().ok_or(TenantError::NoAlgorithm)?;
    if let Some(other) = config.algorithms.iter().find(|other| family(**other) != family(first)) {
        return Err(TenantError::Families(first, *other));
    }
    let kind = |needed| TenantError::KeyKind { algorithm: first, needed };
    let strong = |bits: usize, bits_min: usize| {
        if bits >= bits_min || config.weak_keys { Ok(()) } else { Err(TenantError::WeakKey { bits, bits_min }) }
    };
    match (&config.key, family(first)) {
        (KeyConfig::Secret(secret), Family::Secret) => {
            strong(secret.len() * 8, SECRET_BITS_MIN)?;
            if secret.is_empty() {
                return Err(TenantError::WeakKey { bits: 0, bits_min: SECRET_BITS_MIN });
            }
            Ok(DecodingKey::from_secret(secret))
        }
        (KeyConfig::Public(_), Family::Secret) => Err(kind("secret_file")),
        (KeyConfig::Secret(_), Family::Rsa | Family::P256 | Family::Ed25519) => Err(kind("public_key")),
        (KeyConfig::Public(text), Family::Rsa) => {
            let key = DecodingKey::from_rsa_pem(&pem(text)?).map_err(|_| TenantError::BadKey)?;
            let der = key.try_get_as_bytes().map_err(|_| TenantError::BadKey)?;
            let bits = RsaPublicKey::from_pkcs1_der(der).map_err(|_| TenantError::BadKey)?.n().bits();
            strong(bits, RSA_BITS_MIN)?;
            Ok(key)
        }
        (KeyConfig::Public(text), Family::P256) => {
            DecodingKey::from_ec_pem(&pem(text)?).map_err(|_| TenantError::BadKey)
        }
        (KeyConfig::Public(text), Family::Ed25519) => {
            DecodingKey::from_ed_pem(&pem(text)?).map_err(|_| TenantError::BadKey)
        }
    }
}

/// The key as PEM, also when it is nothing but the base64 of its DER.
fn pem(text: &[u8]) -> Result<Vec<u8>, TenantError> {
    let text = std::str::from_utf8(text).map_err(|_| TenantError::BadKey)?;
    if text.contains("-----BEGIN") {
        return Ok(text.trim().as_bytes().to_vec());
    }
    let plain: String = text.chars().filter(|c| !c.is_ascii_whitespace()).collect();
    let der = STANDARD.decode(plain).map_err(|_| TenantError::BadKey)?;
    let mut pem = String::from("-----BEGIN PUBLIC KEY-----\n");
    for line in STANDARD.encode(der).as_bytes().chunks(64) {
        pem.extend(line.iter().map(|byte| char::from(*byte)));
        pem.push('\n');
    }
    pem.push_str("-----END PUBLIC KEY-----\n");
    Ok(pem.into_bytes())
}
