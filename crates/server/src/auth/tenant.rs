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
