//! Why somebody is not known.

use tidemill_core::access::Role;

use super::{Algorithm, role_words};

/// Why a token does not hold. Nothing of the token is in it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuthError {
    /// `Authorization` has another scheme.
    #[error("the header Authorization holds no Bearer token")]
    NoBearer,
    /// It is no JSON Web Token.
    #[error("it is not a JSON Web Token")]
    Malformed,
    /// Its tenant is not configured.
    #[error("its tenant is not known here")]
    UnknownTenant,
    /// Its algorithm is not one of its tenant's.
    #[error("its algorithm is not one of its tenant's")]
    Algorithm,
    /// It was signed with another key, or was changed.
    #[error("its signature does not hold")]
    Signature,
    /// It has expired.
    #[error("it has expired")]
    Expired,
    /// It is for later.
    #[error("it is not valid yet")]
    NotYet,
    /// It is of another issuer or for another audience.
    #[error("it is of another issuer, or for somebody else")]
    Addressee,
    /// It names no user that can be one.
    #[error("it names no user")]
    NoUser,
    /// It lacks a claim that it must have.
    #[error("it lacks the claim {0}")]
    Missing(&'static str),
    /// Its user has no role here.
    #[error("its user has none of the roles {}", role_words())]
    NoRole,
}

/// Why a tenant's settings cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TenantError {
    /// No algorithm is named.
    #[error("algorithms: it names none")]
    NoAlgorithm,
    /// Algorithms that do not share a key.
    #[error("algorithms: {0} and {1} do not share a key")]
    Families(Algorithm, Algorithm),
    /// A secret where a public key belongs, or the other way round.
    #[error("{algorithm} needs a {needed}")]
    KeyKind {
        /// The algorithm.
        algorithm: Algorithm,
        /// What it needs.
        needed: &'static str,
    },
    /// The key cannot be read.
    #[error("the key cannot be read: it must be a public key of the algorithm's kind, in PEM or as base64 of DER")]
    BadKey,
    /// Its tokens are not signed with a secret that is known here.
    #[error("its tokens are not signed with a shared secret (HS256)")]
    NoSecret,
    /// None of its names of roles means this one.
    #[error("no name of a role means {}", .0.as_str())]
    NoRoleName(Role),
    /// The key is too short.
    #[error("the key has {bits} bits, and fewer than {bits_min} are weak; weak_keys = true allows it all the same")]
    WeakKey {
        /// How many it has.
        bits: usize,
        /// How many it should have.
        bits_min: usize,
    },
    /// Two names that cannot be told apart.
    #[error("{0} and {1} are the same name: names of tenants are compared without case")]
    SameName(String, String),
    /// A key of two tenants, whose tokens could not be told apart.
    #[error(
        "{0} and {1} have the same key, so tokens of one would hold for the other; give each its own key or its own issuer, or \
         say shared_key = true in both where a gateway sets the header that names the tenant"
    )]
    SharedKey(String, String),
}
