//! What an operator says about tenants.

use std::{collections::BTreeMap, fmt, str::FromStr};

use tidemill_core::{ProjectName, access::Role};

use super::Tenant;

/// How requests say who makes them.
#[derive(Clone, Debug)]
pub enum AuthConfig {
    /// They do not: everybody may do everything.
    None {
        /// The project of Abaco's requests that name no tenant.
        tenant: ProjectName,
    },
    /// By a JSON Web Token of one of these tenants.
    Jwt {
        /// The tenants.
        tenants: Vec<Tenant>,
    },
}

impl Default for AuthConfig {
    fn default() -> Self {
        AuthConfig::None { tenant: ProjectName::default() }
    }
}

/// How a token is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Algorithm {
    /// RSA with SHA-256.
    Rs256,
    /// RSA with SHA-384.
    Rs384,
    /// RSA with SHA-512.
    Rs512,
    /// A shared secret with SHA-256.
    Hs256,
    /// The elliptic curve P-256 with SHA-256.
    Es256,
    /// Ed25519.
    EdDsa,
}

impl Algorithm {
    /// All.
    pub const ALL: [Algorithm; 6] =
        [Algorithm::Rs256, Algorithm::Rs384, Algorithm::Rs512, Algorithm::Hs256, Algorithm::Es256, Algorithm::EdDsa];

    /// The word for it in a token's header.
    pub fn as_str(self) -> &'static str {
        match self {
            Algorithm::Rs256 => "RS256",
            Algorithm::Rs384 => "RS384",
            Algorithm::Rs512 => "RS512",
            Algorithm::Hs256 => "HS256",
            Algorithm::Es256 => "ES256",
            Algorithm::EdDsa => "EdDSA",
        }
    }

    /// The same for the library.
    pub(super) fn library(self) -> jsonwebtoken::Algorithm {
        match self {
            Algorithm::Rs256 => jsonwebtoken::Algorithm::RS256,
            Algorithm::Rs384 => jsonwebtoken::Algorithm::RS384,
            Algorithm::Rs512 => jsonwebtoken::Algorithm::RS512,
            Algorithm::Hs256 => jsonwebtoken::Algorithm::HS256,
            Algorithm::Es256 => jsonwebtoken::Algorithm::ES256,
            Algorithm::EdDsa => jsonwebtoken::Algorithm::EdDSA,
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Algorithm {
    type Err = String;

    fn from_str(text: &str) -> Result<Algorithm, String> {
        let words = || Algorithm::ALL.map(Algorithm::as_str).join(", ");
        let found = Algorithm::ALL.into_iter().find(|algorithm| algorithm.as_str() == text);
        found.ok_or_else(|| format!("{text:?} is not an algorithm; there are {}", words()))
    }
}

/// A tenant's key.
#[derive(Clone, PartialEq, Eq)]
pub enum KeyConfig {
    /// A public key, in PEM or as base64 of DER.
    Public(Vec<u8>),
    /// A shared secret: its bytes.
    Secret(Vec<u8>),
}

impl fmt::Debug for KeyConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            KeyConfig::Public(_) => "Public",
            KeyConfig::Secret(_) => "Secret",
        })
    }
}

/// A tenant: whose tokens are taken, and what is read from them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TenantConfig {
    /// Its name, compared without case.
    pub name: String,
    /// The project that its users act in.
    pub project: ProjectName,
    /// How its tokens are signed. All algorithms use the one key.
    pub algorithms: Vec<Algorithm>,
    /// Its key.
    pub key: KeyConfig,
    /// The issuer (`iss`) that its tokens must name.
    pub issuer: Option<String>,
    /// The audience (`aud`) that its tokens must name.
    pub audience: Option<String>,
    /// The claims that may name the user; the first one that is there does.
    pub user_claims: Vec<String>,
    /// The claims that may name the roles: a list of texts, or one text with commas.
    pub roles_claims: Vec<String>,
    /// What the names of roles mean here.
    pub roles: BTreeMap<String, Role>,
    /// The base address that links in answers begin with.
    pub api_server: Option<String>,
    /// Whether a short key is taken: RSA below 2048 bits, a secret below 32 bytes.
    pub weak_keys: bool,
    /// Whether other tenants may have its key, as they do behind a gateway that signs for all and sets the header that names the
    /// tenant. Its tokens hold for those tenants too.
    pub shared_key: bool,
    /// Whether tokens are taken that are not quite as the standard says: base64 with padding, of the standard alphabet, with
    /// other characters in it; other names of algorithms, as in `SHA256WITHRSA`; times in milliseconds.
    pub lenient: bool,
}

/// The names of roles that mean something unless a tenant says otherwise.
pub fn default_roles() -> BTreeMap<String, Role> {
    let own = Role::ALL.map(|role| (role.as_str().to_owned(), role));
    let abaco = Role::ALL.map(|role| (format!("Internal/abaco-{}", role.as_str()), role));
    own.into_iter().chain(abaco).collect()
}

impl TenantConfig {
    /// A tenant with defaults for everything but its key.
    pub fn new(name: &str, project: ProjectName, algorithms: Vec<Algorithm>, key: KeyConfig) -> TenantConfig {
        let texts = |texts: [&str; 2]| texts.map(str::to_owned).to_vec();
        TenantConfig {
            name: name.to_owned(),
            project,
            algorithms,
            key,
            issuer: None,
            audience: None,
            user_claims: texts([super::claims::WSO2_USER, "sub"]),
            roles_claims: texts(["http://wso2.org/claims/role", "roles"]),
            roles: default_roles(),
            api_server: None,
            weak_keys: false,
            shared_key: false,
            lenient: false,
        }
    }
}
