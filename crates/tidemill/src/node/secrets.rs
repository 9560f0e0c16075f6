//! The key that secrets are sealed with.
//!
//! It stands in the environment, or in a file that only the server's user may read. The file is made, with a new key, when
//! it is asked for and not there; a file that is there and holds no key is an error, for a new key would make all secrets
//! that were sealed with the old one unreadable.

use std::{
    fs,
    io::{self, Write},
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
    sync::Arc,
};

use tidemill_core::ports::Rng;
use tidemill_store::vault::{KeyVault, parse_key};

use crate::{config::Settings, failure::Failure};

/// The file within the data folder, unless another one is set.
const FILE: &str = "secrets.key";

/// The vault with the key of the settings.
pub fn vault(data: &Path, settings: &Settings, rng: Arc<dyn Rng>) -> Result<KeyVault, Failure> {
    if let Some(text) = settings.some_text("secrets.key") {
        let key =
            parse_key(&text).map_err(|error| Failure::usage(format!("{}: {error}", settings.origin("secrets.key"))))?;
        return Ok(KeyVault::new(key, rng));
    }
    let file = settings.path("secrets.key_file").unwrap_or_else(|| data.join(FILE));
    let text = match read(&file) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => make(&file, rng.as_ref())?,
        Err(error) => return Err(unusable(&file, &error)),
    };
    let key = parse_key(&text).map_err(|error| {
        Failure::fixable(format!("the key file {} holds no key: {error}", file.display()))
            .hint("put the former key back; secrets that were sealed with it open with no other one")
    })?;
    Ok(KeyVault::new(key, rng))
}

fn read(file: &Path) -> io::Result<String> {
    let mode = fs::metadata(file)?.permissions().mode();
    if mode & 0o077 != 0 {
        tracing::warn!(file = %file.display(), mode = format!("{:o}", mode & 0o777), "others may read the key of secrets");
    }
    fs::read_to_string(file)
}

/// A new key, on disk before it is used.
fn make(file: &Path, rng: &dyn Rng) -> Result<String, Failure> {
    let text = format!("{:032x}{:032x}\n", rng.bits(), rng.bits());
    let part = PathBuf::from(format!("{}.part", file.display()));
    let write = || -> io::Result<()> {
        let _ = fs::remove_file(&part);
        let mut new = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&part)?;
        new.write_all(text.as_bytes())?;
        new.sync_all()?;
        // A file that somebody else made meanwhile stays.
        match fs::hard_link(&part, file) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            linked => linked?,
        }
        fs::remove_file(&part)?;
        fs::File::open(file.parent().unwrap_or(Path::new("/")))?.sync_all()
    };
    write().and_then(|()| read(file)).map_err(|error| unusable(file, &error))
}

fn unusable(file: &Path, error: &io::Error) -> Failure {
    Failure::fixable(format!("cannot use the key file {}: {error}", file.display()))
        .hint("name another one with the setting secrets.key_file")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use tidemill_core::ports::Vault;

    use super::*;
    use crate::{
        config::{Flags, Sources},
        system::SystemRng,
    };

    fn open(data: &Path, variables: &[(&str, &str)]) -> Result<KeyVault, Failure> {
        let variables: BTreeMap<String, String> =
            variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let sources = Sources { flags: Flags::new(), config: None, variables: &variables };
        vault(data, &Settings::load(&sources)?, Arc::new(SystemRng))
    }

    #[test]
    fn a_key_is_made_once_and_for_its_owner_only() {
        let data = tempfile::tempdir().unwrap();
        let sealed = open(data.path(), &[]).unwrap().seal(b"swordfish", "here").unwrap();
        let file = data.path().join("secrets.key");
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(open(data.path(), &[]).unwrap().open(&sealed, "here").unwrap(), b"swordfish");
        let text = fs::read_to_string(&file).unwrap();
        let by_variable = open(Path::new("/nonexistent"), &[("TIDEMILL_SECRETS_KEY", text.trim())]).unwrap();
        assert_eq!(by_variable.open(&sealed, "here").unwrap(), b"swordfish");
        assert_eq!(fs::read_dir(data.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_is_no_key_is_never_replaced_nor_told() {
        let data = tempfile::tempdir().unwrap();
        let file = data.path().join("secrets.key");
        fs::write(&file, "swordfish").unwrap();
        let failure = open(data.path(), &[]).unwrap_err();
        assert!(failure.to_string().contains("holds no key") && !failure.to_string().contains("swordfish"));
        assert_eq!(fs::read_to_string(&file).unwrap(), "swordfish");
        let failure = open(data.path(), &[("TIDEMILL_SECRETS_KEY", "swordfish")]).unwrap_err();
        assert!(failure.to_string().contains("TIDEMILL_SECRETS_KEY") && !failure.to_string().contains("swordfish"));
    }
}
