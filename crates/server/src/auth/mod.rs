//! Who makes a request.
//!
//! ```text
//!   request head ─► token and tenant ─► signature, times, issuer, audience ─► user and roles ─► Caller
//! ```
//!
//! With [`AuthConfig::None`] everybody is `anonymous` and may do everything. With [`AuthConfig::Jwt`] a request carries a
//! JSON Web Token of a tenant, which is a project here. Each tenant pins the algorithms of its tokens and has one key.
//! Tokens are read strictly; a tenant whose tokens come from an old gateway may be read leniently, or have a weak key, when its
//! configuration says so.
//!
//! Where the token is looked for, in this order: a header `X-Jwt-Assertion-TENANT`, the header `Assertion`, the header
//! `Authorization: Bearer`. In the latter two the tenant is the only one there is, or the one that the token's issuer or its
//! claim `tenant` names.
//!
//! This module decides who somebody is, not what they may do. It never logs a token, nor says in an error what was in one.

mod claims;
mod config;
mod error;
mod key;
mod lenient;
mod sign;
mod strict;
mod tenant;
#[cfg(test)]
mod tests;

use std::sync::Arc;

pub(crate) use claims::is_user_name;
pub use config::{Algorithm, AuthConfig, KeyConfig, TenantConfig, default_roles};
pub use error::{AuthError, TenantError};
use http::{HeaderMap, HeaderName, header, request::Parts};
pub use tenant::Tenant;
use tidemill_core::{
    ProjectName,
    access::{Principal, Role},
};

/// Begins the name of the header that carries a token and names its tenant.
const ASSERTION_OF: &str = "x-jwt-assertion-";
/// Carries a token without naming its tenant.
const ASSERTION: HeaderName = HeaderName::from_static("assertion");
/// Carries a nonce.
const NONCE: HeaderName = HeaderName::from_static("x-nonce");
/// Names the tenant on a server without authentication.
const TENANT: HeaderName = HeaderName::from_static("tenant");
/// Longer tokens are refused unread, in bytes.
const TOKEN_BYTES_MAX: usize = 16 * 1024;

/// Who makes a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// As whom it acts.
    pub principal: Principal,
    /// Whether a nonce stood in for a token.
    pub nonce: bool,
    /// The header that carried the token, as in `X-Jwt-Assertion-Dev`.
    pub jwt_header: Option<String>,
    /// The tenant as its configuration writes it.
    pub tenant: String,
}

/// Tells who makes a request.
#[derive(Clone, Debug)]
pub struct Authenticator {
    mode: Mode,
}

#[derive(Clone, Debug)]
enum Mode {
    None(ProjectName),
    Jwt(Arc<[Tenant]>),
}

/// A token as it came, and what came with it.
struct Presented<'a> {
    token: &'a str,
    tenant: Option<&'a str>,
    header: &'a HeaderName,
}

impl Authenticator {
    /// As the settings say.
    pub fn new(config: AuthConfig) -> Authenticator {
        let mode = match config {
            AuthConfig::None { tenant } => Mode::None(tenant),
            AuthConfig::Jwt { tenants } => Mode::Jwt(tenants.into()),
        };
        Authenticator { mode }
    }

    /// Whether everybody may do everything.
    pub fn is_open(&self) -> bool {
        matches!(self.mode, Mode::None(_))
    }

    /// The base address that a tenant's links begin with, when its configuration names one.
    pub fn api_server(&self, tenant: &str) -> Option<&str> {
        let Mode::Jwt(tenants) = &self.mode else { return None };
        find(tenants, tenant)?.api_server()
    }

    /// Who makes the request with this head; `None` when it carries no token.
    ///
    /// # Errors
    /// It carries one that does not hold.
    pub fn identify(&self, parts: &Parts) -> Result<Option<Caller>, AuthError> {
        let tenants = match &self.mode {
            Mode::None(tenant) => return Ok(Some(anonymous(&parts.headers, tenant))),
            Mode::Jwt(tenants) => tenants,
        };
        let Some(presented) = presented(&parts.headers)? else { return Ok(None) };
        if presented.token.len() > TOKEN_BYTES_MAX {
            return Err(AuthError::Malformed);
        }
        let tenant = match presented.tenant {
            Some(name) => find(tenants, name).ok_or(AuthError::UnknownTenant)?,
            None => of_token(tenants, presented.token)?,
        };
        let identity = tenant.verify(presented.token)?;
        Ok(Some(Caller {
            principal: Principal { project: tenant.project().clone(), user: identity.user, roles: identity.roles },
            nonce: false,
            jwt_header: Some(title_cased(presented.header.as_str())),
            tenant: tenant.name().to_owned(),
        }))
    }
}

/// The nonce that a request shows: the query parameter or header `x-nonce`.
pub(crate) fn nonce(parts: &Parts) -> Option<String> {
    let query = parts.uri.query().unwrap_or_default();
    let in_query = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == NONCE.as_str());
    let in_header = || parts.headers.get(NONCE).and_then(|value| value.to_str().ok()).map(str::to_owned);
    in_query.map(|(_, value)| value.into_owned()).or_else(in_header)
}

/// Takes away from a request what lets one in, so that no function gets to see it.
pub(crate) fn strip(parts: &mut Parts) {
    let is_ours = |name: &HeaderName| {
        *name == ASSERTION
            || *name == NONCE
            || *name == header::AUTHORIZATION
            || name.as_str().starts_with(ASSERTION_OF)
    };
    let names: Vec<HeaderName> = parts.headers.keys().filter(|name| is_ours(name)).cloned().collect();
    for name in names {
        parts.headers.remove(name);
    }
    let Some(query) = parts.uri.query() else { return };
    let is_other =
        |pair: &&str| form_urlencoded::parse(pair.as_bytes()).next().is_none_or(|(name, _)| name != NONCE.as_str());
    let kept: Vec<&str> = query.split('&').filter(is_other).collect();
    let target = match kept.as_slice() {
        [] => parts.uri.path().to_owned(),
        kept => format!("{}?{}", parts.uri.path(), kept.join("&")),
    };
    let mut uri = std::mem::take(&mut parts.uri).into_parts();
    uri.path_and_query = target.parse().ok();
    parts.uri = http::Uri::from_parts(uri).unwrap_or_default();
}

fn anonymous(headers: &HeaderMap, fallback: &ProjectName) -> Caller {
    let named = headers.get(TENANT).and_then(|value| value.to_str().ok()).and_then(|name| name.parse().ok());
    let project: ProjectName = named.unwrap_or_else(|| fallback.clone());
    let tenant = project.to_string();
    Caller { principal: Principal::anonymous(project), nonce: false, jwt_header: None, tenant }
}

fn presented(headers: &HeaderMap) -> Result<Option<Presented<'_>>, AuthError> {
    let of_tenant = headers.iter().find(|(name, _)| name.as_str().starts_with(ASSERTION_OF));
    if let Some((name, value)) = of_tenant.or_else(|| headers.iter().find(|(name, _)| **name == ASSERTION)) {
        let token = value.to_str().map_err(|_| AuthError::Malformed)?.trim();
        return Ok(Some(Presented { token, tenant: name.as_str().strip_prefix(ASSERTION_OF), header: name }));
    }
    let Some((name, value)) = headers.iter().find(|(name, _)| **name == header::AUTHORIZATION) else { return Ok(None) };
    let value = value.to_str().map_err(|_| AuthError::Malformed)?;
    let (scheme, token) = value.split_once(' ').ok_or(AuthError::NoBearer)?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(AuthError::NoBearer);
    }
    Ok(Some(Presented { token: token.trim(), tenant: None, header: name }))
}

fn find<'a>(tenants: &'a [Tenant], name: &str) -> Option<&'a Tenant> {
    tenants.iter().find(|tenant| tenant.name().eq_ignore_ascii_case(name))
}

/// The tenant of a token that came without one. What the token says of itself only chooses the key that it is then held
/// against.
fn of_token<'a>(tenants: &'a [Tenant], token: &str) -> Result<&'a Tenant, AuthError> {
    if let [only] = tenants {
        return Ok(only);
    }
    let claims = lenient::peek(token)?;
    let says = |claim: &str| claims.get(claim).and_then(serde_json::Value::as_str);
    let by_issuer = || says("iss").and_then(|issuer| tenants.iter().find(|tenant| tenant.issuer() == Some(issuer)));
    says(claims::TENANT).and_then(|name| find(tenants, name)).or_else(by_issuer).ok_or(AuthError::UnknownTenant)
}

/// `x-jwt-assertion-dev` as `X-Jwt-Assertion-Dev`.
fn title_cased(name: &str) -> String {
    let word = |word: &str| {
        let mut letters = word.chars();
        letters.next().map_or_else(String::new, |first| first.to_ascii_uppercase().to_string() + letters.as_str())
    };
    name.split('-').map(word).collect::<Vec<_>>().join("-")
}

/// The roles that let somebody use the server at all, for messages.
pub(crate) fn role_words() -> String {
    Role::ALL.map(Role::as_str).join(", ")
}
