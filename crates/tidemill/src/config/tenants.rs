//! The file that says whose tokens are taken.
//!
//! ```toml
//! version = 1
//!
//! [tenants.shop]
//! algorithms = ["RS256"]
//! public_key_file = "shop.pem"
//! issuer = "https://id.example.org"
//! ```
//!
//! Paths in it are relative to its folder. Unknown keys are errors that name the file, the line and the key; what does not fit
//! together names the file and the tenant.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use serde::Deserialize;
use tidemill_core::access::Role;
use tidemill_server::{KeyConfig, Tenant, TenantConfig};

use crate::failure::Failure;

/// The version of the file that is understood.
const VERSION: u32 = 1;

/// One tenant of the file.
pub struct Entry {
    /// The tenant.
    pub tenant: Tenant,
    /// What its actors mount, in place of what all others do.
    pub mounts: Option<Vec<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    version: u32,
    #[serde(default)]
    tenants: BTreeMap<String, Table>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    project: Option<String>,
    algorithms: Vec<String>,
    public_key: Option<String>,
    public_key_file: Option<PathBuf>,
    secret_file: Option<PathBuf>,
    issuer: Option<String>,
    audience: Option<String>,
    user_claim: Option<String>,
    roles_claim: Option<String>,
    /// Names that mean a role here, by role; they take the place of the usual ones of that role.
    #[serde(default)]
    roles: BTreeMap<Role, Vec<String>>,
    api_server: Option<String>,
    mounts: Option<Vec<String>>,
    #[serde(default)]
    weak_keys: bool,
    #[serde(default)]
    shared_key: bool,
    #[serde(default)]
    lenient: bool,
}

/// The tenants of the file at `path`.
pub fn read(path: &Path) -> Result<Vec<Entry>, Failure> {
    let file = path.display();
    let text = std::fs::read_to_string(path)
        .map_err(|error| Failure::usage(format!("cannot read the file of tenants {file}: {error}")))?;
    let document: Document = toml::from_str(&text).map_err(|error| {
        let line =
            error.span().map_or(1, |span| 1 + text.bytes().take(span.start).filter(|byte| *byte == b'\n').count());
        Failure::usage(format!("{file}:{line}: {}", error.message()))
    })?;
    if document.version != VERSION {
        return Err(Failure::usage(format!("{file}: version {} is not understood; {VERSION} is", document.version)));
    }
    if document.tenants.is_empty() {
        return Err(Failure::usage(format!("{file}: there is no tenant in it"))
            .hint("each tenant is a table, as in [tenants.shop]"));
    }
    let folder = path.parent().unwrap_or(Path::new("."));
    let read = |(name, table): (String, Table)| {
        entry(&name, table, folder).map_err(|reason| format!("{file}: tenants.{name}: {reason}"))
    };
    let entries: Vec<Entry> =
        document.tenants.into_iter().map(read).collect::<Result<_, _>>().map_err(Failure::usage)?;
    let tenants: Vec<Tenant> = entries.iter().map(|entry| entry.tenant.clone()).collect();
    Tenant::check_all(&tenants).map_err(|reason| Failure::usage(format!("{file}: {reason}")))?;
    Ok(entries)
}

fn entry(name: &str, table: Table, folder: &Path) -> Result<Entry, String> {
    let project = table.project.as_deref().unwrap_or(name);
    let project = project.parse().map_err(|error| format!("project: {error}"))?;
    let algorithms = table.algorithms.iter().map(|text| text.parse()).collect::<Result<_, String>>();
    let algorithms = algorithms.map_err(|reason| format!("algorithms: {reason}"))?;
    let mut config = TenantConfig::new(name, project, algorithms, key(&table, folder)?);
    config.issuer = table.issuer;
    config.audience = table.audience;
    config.user_claims = table.user_claim.map_or(config.user_claims, |claim| vec![claim]);
    config.roles_claims = table.roles_claim.map_or(config.roles_claims, |claim| vec![claim]);
    for (role, names) in table.roles {
        config.roles.retain(|_, known| *known != role);
        config.roles.extend(names.into_iter().map(|name| (name, role)));
    }
    config.api_server = table.api_server.map(|url| url.trim_end_matches('/').to_owned());
    config.weak_keys = table.weak_keys;
    config.shared_key = table.shared_key;
    config.lenient = table.lenient;
    let tenant = Tenant::new(config).map_err(|error| error.to_string())?;
    Ok(Entry { tenant, mounts: table.mounts })
}

fn key(table: &Table, folder: &Path) -> Result<KeyConfig, String> {
    let file = |name: &str, path: &Path| {
        let path = folder.join(path);
        std::fs::read(&path).map_err(|error| format!("{name}: cannot read {}: {error}", path.display()))
    };
    match (&table.public_key, &table.public_key_file, &table.secret_file) {
        (Some(text), None, None) => Ok(KeyConfig::Public(text.clone().into_bytes())),
        (None, Some(path), None) => Ok(KeyConfig::Public(file("public_key_file", path)?)),
        (None, None, Some(path)) => {
            let secret = file("secret_file", path)?;
            Ok(KeyConfig::Secret(secret.trim_ascii().to_vec()))
        }
        _ => Err("it needs one of public_key, public_key_file and secret_file".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "0123456789abcdef0123456789abcdef";

    fn reading(text: &str) -> Result<Vec<Entry>, String> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("secret"), format!("{SECRET}\n")).unwrap();
        let path = folder.path().join("tenants.toml");
        std::fs::write(&path, text).unwrap();
        read(&path).map_err(|failure| failure.to_string().replace(&format!("{}/", folder.path().display()), ""))
    }

    #[test]
    fn tenants_are_read() {
        let text = "version = 1\n[tenants.shop]\nalgorithms = [\"HS256\"]\nsecret_file = \"secret\"\n\
                    api_server = \"https://api.example.org\"\nmounts = [\"/a:/b:ro\"]\n\
                    [tenants.shop.roles]\nadmin = [\"boss\"]\n";
        let entries = reading(text).unwrap();
        let [shop] = entries.as_slice() else { panic!("one tenant") };
        assert_eq!((shop.tenant.name(), shop.tenant.project().as_str()), ("shop", "shop"));
        assert_eq!(shop.mounts.as_deref(), Some(&["/a:/b:ro".to_owned()][..]));
    }

    #[test]
    fn tenants_that_cannot_be_told_apart_are_refused() {
        let tenant = |name: &str, rest: &str| {
            format!("[tenants.{name}]\nalgorithms = [\"HS256\"]\nsecret_file = \"secret\"\n{rest}\n")
        };
        for (one, other, says) in [
            (tenant("shop", ""), tenant("bank", ""), Some("bank and shop have the same key")),
            (tenant("shop", "issuer = \"a\""), tenant("bank", ""), Some("have the same key")),
            (tenant("shop", "issuer = \"a\""), tenant("bank", "issuer = \"a\""), Some("have the same key")),
            (tenant("shop", "shared_key = true"), tenant("bank", ""), Some("have the same key")),
            (
                tenant("shop", "issuer = \"a\""),
                tenant("Shop", "issuer = \"b\""),
                Some("Shop and shop are the same name"),
            ),
            (tenant("shop", "issuer = \"a\""), tenant("bank", "issuer = \"b\""), None),
            (tenant("shop", "shared_key = true"), tenant("bank", "shared_key = true"), None),
        ] {
            let found = reading(&format!("version = 1\n{one}{other}")).map(|_| ());
            match says {
                Some(says) => assert!(found.as_ref().is_err_and(|error| error.contains(says)), "{found:?}"),
                None => assert_eq!(found, Ok(())),
            }
        }
    }

    #[test]
    fn faults_name_file_and_key() {
        let shop = |rest: &str| format!("version = 1\n[tenants.shop]\n{rest}\n");
        let good = "algorithms = [\"HS256\"]\nsecret_file = \"secret\"";
        for (text, says) in [
            (String::new(), "tenants.toml:1: missing field `version`"),
            ("version = 2\n".to_owned(), "tenants.toml: version 2 is not understood"),
            ("version = 1\n".to_owned(), "tenants.toml: there is no tenant in it"),
            (shop(&format!("{good}\nisuer = \"x\"")), "tenants.toml:5: unknown field `isuer`"),
            (format!("vresion = 1\n{}", shop(good)), "tenants.toml:1: unknown field `vresion`"),
            (shop(&format!("{good}\n[tenants.shop.roles]\nroot = [\"x\"]")), "unknown variant `root`"),
            (shop("algorithms = [\"HS256\"]"), "tenants.shop: it needs one of public_key"),
            (shop(&format!("{good}\npublic_key = \"x\"")), "tenants.shop: it needs one of public_key"),
            (shop("algorithms = [\"none\"]\nsecret_file = \"secret\""), "tenants.shop: algorithms: \"none\" is not"),
            (shop("algorithms = [\"HS256\"]\nsecret_file = \"none\""), "tenants.shop: secret_file: cannot read none"),
            (shop("algorithms = [\"RS256\"]\nsecret_file = \"secret\""), "tenants.shop: RS256 needs a public_key"),
            (shop("algorithms = []\nsecret_file = \"secret\""), "tenants.shop: algorithms: it names none"),
            (shop(&format!("project = \"a b\"\n{good}")), "tenants.shop: project: "),
        ] {
            let error = reading(&text).map(|_| ()).unwrap_err();
            assert!(error.contains(says), "{error}");
            assert!(!error.contains(SECRET), "{error}");
        }
    }
}
