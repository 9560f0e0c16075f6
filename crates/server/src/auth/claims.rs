//! What a token says, once its signature holds.

use serde_json::{Map, Value};
use tidemill_core::access::{Roles, WORLD};

use super::{AuthError, TenantConfig};

/// A token's claims.
pub(super) type Claims = Map<String, Value>;

/// Names the tenant that a token is of.
pub(super) const TENANT: &str = "tenant";
/// The user's name as Abaco's gateway writes it, with the user store after an `@`.
pub(super) const WSO2_USER: &str = "http://wso2.org/claims/enduser";
/// Clocks may differ by so much, in seconds.
const LEEWAY: u64 = 60;
/// A time above this is in milliseconds: as seconds it is in the year 5138.
const SECONDS_MAX: f64 = 1e11;
/// The longest name of a user, in bytes.
const USER_BYTES_MAX: usize = 256;

/// Whether a user may be called so, in a token as in a grant.
pub(crate) fn is_user_name(name: &str) -> bool {
    !name.is_empty() && name.len() <= USER_BYTES_MAX && !name.chars().any(|c| c.is_control() || c == ',')
}

/// Who a token is of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Identity {
    pub(super) user: String,
    pub(super) roles: Roles,
}

/// Checks times, issuer and audience of claims that were read leniently. `now` is in seconds since 1970.
pub(super) fn check(claims: &Claims, config: &TenantConfig, now: u64) -> Result<(), AuthError> {
    let seconds = |claim| {
        let time = claims.get(claim).and_then(Value::as_f64)?;
        Some(if time > SECONDS_MAX { time / 1000.0 } else { time })
    };
    let (now, leeway) = (now as f64, LEEWAY as f64);
    if seconds("exp").ok_or(AuthError::Missing("exp"))? < now - leeway {
        return Err(AuthError::Expired);
    }
    if seconds("nbf").is_some_and(|time| time > now + leeway) {
        return Err(AuthError::NotYet);
    }
    let names = |claim: &str, wanted: &str| match claims.get(claim) {
        Some(Value::String(text)) => text == wanted,
        Some(Value::Array(items)) => items.iter().any(|item| item == wanted),
        _ => false,
    };
    let fits = |claim, wanted: &Option<String>| wanted.as_ref().is_none_or(|wanted| names(claim, wanted));
    if fits("iss", &config.issuer) && fits("aud", &config.audience) { Ok(()) } else { Err(AuthError::Addressee) }
}

/// The user and its roles.
pub(super) fn identity(claims: &Claims, config: &TenantConfig) -> Result<Identity, AuthError> {
    if let Some(Value::String(tenant)) = claims.get(TENANT)
        && !tenant.eq_ignore_ascii_case(&config.name)
    {
        return Err(AuthError::Addressee);
    }
    let user = user(claims, config).ok_or(AuthError::NoUser)?;
    let roles: Roles = role_names(claims, config).iter().filter_map(|name| config.roles.get(name).copied()).collect();
    if roles.is_empty() { Err(AuthError::NoRole) } else { Ok(Identity { user, roles }) }
}

fn user(claims: &Claims, config: &TenantConfig) -> Option<String> {
    let (claim, text) = config.user_claims.iter().find_map(|claim| Some((claim, claims.get(claim)?.as_str()?)))?;
    let name = if claim == WSO2_USER { text.split('@').next().unwrap_or(text) } else { text };
    let fits = is_user_name(name) && name != WORLD;
    fits.then(|| name.to_owned())
}

fn role_names(claims: &Claims, config: &TenantConfig) -> Vec<String> {
    match config.roles_claims.iter().find_map(|claim| claims.get(claim)) {
        Some(Value::String(text)) => text.split(',').map(|name| name.trim().to_owned()).collect(),
        Some(Value::Array(items)) => items.iter().filter_map(|item| item.as_str().map(str::to_owned)).collect(),
        _ => Vec::new(),
    }
}
