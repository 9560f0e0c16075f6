//! Encryption of what is secret at rest.

/// Why a sealed text cannot be opened.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VaultError {
    /// It was sealed with another key, for another place, or is damaged.
    #[error("it was sealed with another key, or is damaged")]
    Refused,
    /// There is no key.
    #[error("there is no key for secrets; see the setting secrets.key_file")]
    NoKey,
}

/// Seals and opens small secrets. Sealed text is printable and says which form it has.
pub trait Vault: Send + Sync {
    /// Encrypts `plain` for the place `about` (project, kind and name): it opens for that place only.
    fn seal(&self, plain: &[u8], about: &str) -> Result<String, VaultError>;

    /// Decrypts what [`Vault::seal`] made.
    fn open(&self, sealed: &str, about: &str) -> Result<Vec<u8>, VaultError>;
}
