//! Tokens as the standard says.

use jsonwebtoken::{Validation, decode, errors::ErrorKind};

use super::{AuthError, TenantConfig, claims::Claims};

/// What tokens of a tenant are held against.
pub(super) fn validation(config: &TenantConfig) -> Validation {
    let algorithms = config.algorithms.iter().map(|algorithm| algorithm.library()).collect();
    let mut validation = Validation { algorithms, validate_nbf: true, ..Validation::default() };
    let mut required = vec!["exp"];
    if let Some(issuer) = &config.issuer {
        validation.set_issuer(&[issuer]);
        required.push("iss");
    }
    match &config.audience {
        Some(audience) => {
            validation.set_audience(&[audience]);
            required.push("aud");
        }
        None => validation.validate_aud = false,
    }
    validation.set_required_spec_claims(&required);
    validation
}

/// The claims of a token that holds.
pub(super) fn verify(
    token: &str,
    key: &jsonwebtoken::DecodingKey,
    validation: &Validation,
) -> Result<Claims, AuthError> {
    decode::<Claims>(token, key, validation).map(|data| data.claims).map_err(|error| match error.kind() {
        ErrorKind::ExpiredSignature => AuthError::Expired,
        ErrorKind::ImmatureSignature => AuthError::NotYet,
        ErrorKind::InvalidIssuer | ErrorKind::InvalidAudience => AuthError::Addressee,
        ErrorKind::InvalidSignature => AuthError::Signature,
        ErrorKind::InvalidAlgorithm | ErrorKind::InvalidAlgorithmName => AuthError::Algorithm,
        ErrorKind::MissingRequiredClaim(claim) => match claim.as_str() {
            "iss" => AuthError::Missing("iss"),
            "aud" => AuthError::Missing("aud"),
            _ => AuthError::Missing("exp"),
        },
        _ => AuthError::Malformed,
    })
}
