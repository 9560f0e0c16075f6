//! Two tenants that share secrets with the tests, and tokens of them.

use std::time::Duration;

use tidemill_core::access::{Role, Roles};
use tidemill_server::{Algorithm, AuthConfig, KeyConfig, Tenant, TenantConfig};

/// The tenant that functions of the tests are in.
pub const SHOP: &str = "shop";
/// Another one.
pub const BANK: &str = "bank";

fn tenant(name: &str) -> Tenant {
    let secret = format!("the secret of {name}, which is long enough").into_bytes();
    let project = name.parse().expect("it is a name");
    let config = TenantConfig::new(name, project, vec![Algorithm::Hs256], KeyConfig::Secret(secret));
    Tenant::new(config).expect("its settings fit together")
}

/// A server's settings with both tenants.
pub fn auth() -> AuthConfig {
    AuthConfig::Jwt { tenants: vec![tenant(SHOP), tenant(BANK)] }
}

/// A token that holds for an hour.
pub fn token(of: &str, user: &str, role: Role) -> String {
    tenant(of).sign(user, &Roles::from([role]), Duration::from_secs(3600)).expect("the secret is known")
}

/// A token that has expired.
pub fn expired(of: &str, user: &str, role: Role) -> String {
    use jsonwebtoken::{EncodingKey, Header, encode};
    let secret = format!("the secret of {of}, which is long enough");
    let claims = serde_json::json!({"sub": user, "roles": [role.as_str()], "tenant": of, "exp": 1_000_000_000});
    encode(&Header::default(), &claims, &EncodingKey::from_secret(secret.as_bytes())).expect("it can be signed")
}
