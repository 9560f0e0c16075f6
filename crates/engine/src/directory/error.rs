//! Why the directory refuses.

use tidemill_core::ports::{StoreError, VaultError};

/// Why something could not be read or changed. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum DirectoryError {
    /// What was named does not exist.
    #[error("not found")]
    NotFound,
    /// There is one of that name already.
    #[error("there is one of that name already")]
    Exists,
    /// An object has as many of them as it may have.
    #[error("there are {0} of them already, and there may be no more")]
    TooMany(usize),
    /// Others kept changing it at the same time.
    #[error("it was changed by others at the same time")]
    Conflict,
    /// A secret could not be sealed or opened.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// The store refused.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why a nonce lets nobody in. The nonce was not used up by it.
#[derive(Debug, thiserror::Error)]
pub enum NonceRefusal {
    /// There is no such nonce, or it is of another object.
    #[error("the nonce does not exist")]
    Unknown,
    /// It is for less than what was asked.
    #[error("the nonce does not allow this")]
    Level,
    /// Whoever made it may not do this any more.
    #[error("whoever made the nonce may not do this")]
    Maker,
    /// It was used as often as it may be.
    #[error("the nonce is used up")]
    UsedUp,
    /// What it is for, or its maker's right, could not be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
}
