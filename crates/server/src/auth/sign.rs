//! Tokens for trying, of tenants whose secret we share.

use std::time::Duration;

use jsonwebtoken::{EncodingKey, Header, encode, get_current_timestamp};
use serde_json::{Map, Value};
use tidemill_core::access::Roles;

use super::{Algorithm, KeyConfig, TenantConfig, TenantError, claims};

/// A token of `user` with `roles`, which holds for `life` from now on.
pub(super) fn sign(config: &TenantConfig, user: &str, roles: &Roles, life: Duration) -> Result<String, TenantError> {
    let (KeyConfig::Secret(secret), [Algorithm::Hs256]) = (&config.key, config.algorithms.as_slice()) else {
        return Err(TenantError::NoSecret);
    };
    // A plain claim where one is read.
    let claim = |known: &[String], plain: &str| match known.iter().find(|claim| *claim == plain) {
        Some(plain) => plain.clone(),
        None => known.first().cloned().unwrap_or_else(|| plain.to_owned()),
    };
    let mut names = Vec::new();
    for role in roles {
        let named = config.roles.iter().filter(|(_, known)| *known == role).map(|(name, _)| name);
        // Plain words come after those of Abaco in no order that matters.
        let name = named.clone().find(|name| *name == role.as_str()).or_else(|| named.clone().next());
        names.push(Value::from(name.ok_or(TenantError::NoRoleName(*role))?.as_str()));
    }
    let mut claims = Map::new();
    claims.insert(claim(&config.user_claims, "sub"), user.into());
    claims.insert(claim(&config.roles_claims, "roles"), Value::Array(names));
    claims.insert(claims::TENANT.to_owned(), config.name.as_str().into());
    claims.insert("exp".to_owned(), get_current_timestamp().saturating_add(life.as_secs()).into());
    for (name, value) in [("iss", &config.issuer), ("aud", &config.audience)] {
        claims.extend(value.iter().map(|value| (name.to_owned(), Value::from(value.as_str()))));
    }
    let header = Header::new(Algorithm::Hs256.library());
    encode(&header, &claims, &EncodingKey::from_secret(secret)).map_err(|_| TenantError::BadKey)
}
