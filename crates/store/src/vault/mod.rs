//! Secrets at rest: sealed with one key, by XChaCha20-Poly1305.
//!
//! A sealed text is `v1.` and the nonce (24 random bytes) with the ciphertext, in base64url without padding. The place
//! that it belongs to is authenticated along: moved elsewhere it does not open. Nonces are so long that random ones never
//! meet. There is one key at a time; a secret that was sealed with another one must be set anew.

mod key;
mod sealing;

pub use key::{InvalidKey, parse_key};
pub use sealing::KeyVault;
