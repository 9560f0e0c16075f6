//! Who makes requests: users of two tenants, with the tokens that a gateway would give them.

use std::collections::BTreeMap;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use parking_lot::Mutex;
use rsa::{
    pkcs1::DecodeRsaPrivateKey,
    pkcs1v15::SigningKey,
    signature::{SignatureEncoding, Signer},
};
use serde_json::json;
use tidemill_server::{Algorithm, AuthConfig, KeyConfig, Tenant, TenantConfig};

const KEY: &str = include_str!("../../keys/rsa1024.pem");
const PUBLIC_KEY: &str = include_str!("../../keys/rsa1024.pub.pem");

/// Somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Person {
    /// Nobody: no token.
    Nobody,
    /// `testuser`, an admin.
    Admin,
    /// `testshareuser`, privileged.
    Privileged,
    /// `jdoe`, a user.
    User,
    /// `testotheruser`, a limited user.
    Limited,
    /// `guest`, who has no role.
    Stranger,
    /// `testuser` of the other tenant, an admin there.
    Elsewhere,
}

impl Person {
    pub fn name(self) -> &'static str {
        match self {
            Person::Nobody => "",
            Person::Admin | Person::Elsewhere => "testuser",
            Person::Privileged => "testshareuser",
            Person::User => "jdoe",
            Person::Limited => "testotheruser",
            Person::Stranger => "guest",
        }
    }

    fn roles(self) -> &'static str {
        match self {
            Person::Nobody => "",
            Person::Admin | Person::Elsewhere => "Internal/everyone,Internal/abaco-admin",
            Person::Privileged => "Internal/everyone,Internal/abaco-privileged",
            Person::User => "Internal/everyone,Internal/abaco-user",
            Person::Limited => "Internal/everyone,Internal/abaco-limited",
            Person::Stranger => "Internal/other",
        }
    }

    /// The header that carries the token.
    pub fn header(self) -> Option<(String, String)> {
        let name = match self {
            Person::Nobody => return None,
            Person::Elsewhere => "X-Jwt-Assertion-DEV-STAGING",
            _ => "X-Jwt-Assertion-DEV-DEVELOP",
        };
        // Signing takes its time.
        static TOKENS: Mutex<BTreeMap<Person, String>> = Mutex::new(BTreeMap::new());
        let token = TOKENS.lock().entry(self).or_insert_with(|| self.token()).clone();
        Some((name.to_owned(), token))
    }

    /// As the old gateway makes tokens: padded base64 of the standard alphabet, junk at the end, a time in milliseconds.
    fn token(self) -> String {
        let claims = json!({
            "http://wso2.org/claims/enduser": format!("{}@carbon.super", self.name()),
            "http://wso2.org/claims/role": self.roles(),
            "exp": 4_102_444_800_000u64,
        });
        let header = json!({"typ": "JWT", "alg": "RS256"});
        let signed = format!("{}.{}", STANDARD.encode(header.to_string()), STANDARD.encode(claims.to_string()));
        let key = rsa::RsaPrivateKey::from_pkcs1_pem(KEY).expect("the key is one");
        let signature = SigningKey::<rsa::sha2::Sha256>::new(key).sign(signed.as_bytes());
        format!("{signed}.{}[\\r][\\n]", STANDARD.encode(signature.to_bytes()))
    }
}

/// The settings of both tenants.
pub fn tenants() -> AuthConfig {
    let tenant = |name: &str| {
        let key = KeyConfig::Public(PUBLIC_KEY.as_bytes().to_vec());
        let project = name.parse().expect("it is a name");
        let config = TenantConfig::new(name, project, vec![Algorithm::Rs256], key);
        Tenant::new(TenantConfig { weak_keys: true, shared_key: true, lenient: true, ..config })
            .expect("its settings fit together")
    };
    AuthConfig::Jwt { tenants: vec![tenant("DEV-DEVELOP"), tenant("DEV-STAGING")] }
}
