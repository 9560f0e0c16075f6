//! A tenant: its key, ready to verify.

use std::time::Duration;

use jsonwebtoken::{DecodingKey, Validation, get_current_timestamp};
use tidemill_core::{ProjectName, access::Roles};

use super::{
    AuthError, TenantConfig, TenantError,
    claims::{self, Identity},
    key, lenient, sign, strict,
};

/// A tenant whose settings fit together.
#[derive(Clone)]
pub struct Tenant {
    config: TenantConfig,
    key: DecodingKey,
    validation: Validation,
}

impl Tenant {
    /// Checks the settings and reads the key.
    pub fn new(config: TenantConfig) -> Result<Tenant, TenantError> {
        let key = key::decoding(&config)?;
        let validation = strict::validation(&config);
        Ok(Tenant { config, key, validation })
    }

    /// Checks that tenants can be told apart: by name without case, and by key, issuer, or their word that they cannot.
    ///
    /// # Errors
    /// Names the first two that cannot.
    pub fn check_all(tenants: &[Tenant]) -> Result<(), TenantError> {
        for (at, one) in tenants.iter().enumerate() {
            for other in &tenants[..at] {
                let names = || (other.name().to_owned(), one.name().to_owned());
                if one.name().eq_ignore_ascii_case(other.name()) {
                    let (first, second) = names();
                    return Err(TenantError::SameName(first, second));
                }
                let is_shared = one.config.shared_key && other.config.shared_key;
                let by_issuer = one.issuer().is_some() && other.issuer().is_some() && one.issuer() != other.issuer();
                if !is_shared && !by_issuer && one.has_key_of(other) {
                    let (first, second) = names();
                    return Err(TenantError::SharedKey(first, second));
                }
            }
        }
        Ok(())
    }

    fn has_key_of(&self, other: &Tenant) -> bool {
        self.config.key == other.config.key
            || matches!((self.key.try_get_as_bytes(), other.key.try_get_as_bytes()), (Ok(own), Ok(its)) if own == its)
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.config.name
    }

    /// The project that its users act in.
    pub fn project(&self) -> &ProjectName {
        &self.config.project
    }

    /// A token of `user` with `roles` that holds for `life` from now on. Only of a tenant with a shared secret.
    pub fn sign(&self, user: &str, roles: &Roles, life: Duration) -> Result<String, TenantError> {
        sign::sign(&self.config, user, roles, life)
    }

    /// The issuer that its tokens name.
    pub(super) fn issuer(&self) -> Option<&str> {
        self.config.issuer.as_deref()
    }

    /// The base address of its links.
    pub(super) fn api_server(&self) -> Option<&str> {
        self.config.api_server.as_deref()
    }

    /// Who a token is of.
    pub(super) fn verify(&self, token: &str) -> Result<Identity, AuthError> {
        let claims = if self.config.lenient {
            let claims = lenient::verify(token, &self.key, &self.config)?;
            claims::check(&claims, &self.config, get_current_timestamp())?;
            claims
        } else {
            strict::verify(token, &self.key, &self.validation)?
        };
        claims::identity(&claims, &self.config)
    }
}

impl std::fmt::Debug for Tenant {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.config.fmt(f)
    }
}
