//! Sealing and opening.

use std::{fmt, sync::Arc};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use chacha20poly1305::{
    KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, Payload},
};
use tidemill_core::ports::{Rng, Vault, VaultError};
use zeroize::Zeroize;

/// Tells the form of a sealed text.
const FORM: &str = "v1.";
/// Bytes in a nonce.
const NONCE_BYTES: usize = 24;

/// A vault with one key, or without, when it refuses everything.
pub struct KeyVault(Option<Keyed>);

struct Keyed {
    /// Holds the key and wipes it when dropped. In a box, so that moving it leaves no copies.
    cipher: Box<XChaCha20Poly1305>,
    rng: Arc<dyn Rng>,
}

impl KeyVault {
    /// A vault that seals with `key`. `rng` must be unpredictable outside of tests.
    pub fn new(mut key: [u8; 32], rng: Arc<dyn Rng>) -> KeyVault {
        let cipher = Box::new(XChaCha20Poly1305::new((&key).into()));
        key.zeroize();
        KeyVault(Some(Keyed { cipher, rng }))
    }

    /// A vault that answers [`VaultError::NoKey`] to everything.
    pub fn without_key() -> KeyVault {
        KeyVault(None)
    }
}

impl fmt::Debug for KeyVault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyVault")
    }
}

impl Vault for KeyVault {
    fn seal(&self, plain: &[u8], about: &str) -> Result<String, VaultError> {
        let Keyed { cipher, rng } = self.0.as_ref().ok_or(VaultError::NoKey)?;
        let nonce = nonce(rng.as_ref());
        let payload = Payload { msg: plain, aad: about.as_bytes() };
        // It fails only on what is larger than memory.
        let ciphertext = cipher.encrypt(&XNonce::from(nonce), payload).map_err(|_| VaultError::Refused)?;
        Ok(format!("{FORM}{}", URL_SAFE_NO_PAD.encode([&nonce[..], &ciphertext].concat())))
    }

    fn open(&self, sealed: &str, about: &str) -> Result<Vec<u8>, VaultError> {
        let Keyed { cipher, .. } = self.0.as_ref().ok_or(VaultError::NoKey)?;
        let text = sealed.strip_prefix(FORM).ok_or(VaultError::Refused)?;
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| VaultError::Refused)?;
        let (nonce, ciphertext) = bytes.split_first_chunk::<NONCE_BYTES>().ok_or(VaultError::Refused)?;
        let payload = Payload { msg: ciphertext, aad: about.as_bytes() };
        cipher.decrypt(&XNonce::from(*nonce), payload).map_err(|_| VaultError::Refused)
    }
}

fn nonce(rng: &dyn Rng) -> [u8; NONCE_BYTES] {
    let mut nonce = [0; NONCE_BYTES];
    let (first, second) = nonce.split_at_mut(16);
    first.copy_from_slice(&rng.bits().to_le_bytes());
    second.copy_from_slice(&rng.bits().to_le_bytes()[..8]);
    nonce
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    /// Counts, spread over all bits.
    struct Count(AtomicU64);

    impl Rng for Count {
        fn bits(&self) -> u128 {
            let next = u128::from(self.0.fetch_add(1, Ordering::Relaxed) + 1);
            next.wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835)
        }
    }

    fn vault(key: u8) -> KeyVault {
        KeyVault::new([key; 32], Arc::new(Count(AtomicU64::new(0))))
    }

    #[test]
    fn what_was_sealed_opens() {
        let vault = vault(1);
        for plain in [&b""[..], b"hunter2", &[0xff; 10_000]] {
            let sealed = vault.seal(plain, "shop/config/password").unwrap();
            assert!(sealed.starts_with("v1."), "{sealed}");
            assert!(sealed.is_ascii() && !sealed.contains(char::is_whitespace), "{sealed}");
            assert_eq!(vault.open(&sealed, "shop/config/password").unwrap(), plain);
        }
    }

    #[test]
    fn every_sealing_differs() {
        let vault = vault(1);
        let mut sealed: Vec<String> = (0..50).map(|_| vault.seal(b"same", "same").unwrap()).collect();
        sealed.sort();
        sealed.dedup();
        assert_eq!(sealed.len(), 50);
    }

    #[test]
    fn another_key_or_place_does_not_open() {
        let sealed = vault(1).seal(b"hunter2", "shop/config/password").unwrap();
        assert_eq!(vault(2).open(&sealed, "shop/config/password"), Err(VaultError::Refused));
        for about in ["", "shop/config/passwords", "other/config/password"] {
            assert_eq!(vault(1).open(&sealed, about), Err(VaultError::Refused), "{about}");
        }
    }

    #[test]
    fn damage_is_noticed() {
        let vault = vault(1);
        let sealed = vault.seal(b"hunter2", "a").unwrap();
        for at in 0..sealed.len() {
            let other = if &sealed[at..=at] == "A" { "B" } else { "A" };
            let damaged = format!("{}{other}{}", &sealed[..at], &sealed[at + 1..]);
            assert_eq!(vault.open(&damaged, "a"), Err(VaultError::Refused), "{at}");
            assert_eq!(vault.open(&sealed[..at], "a"), Err(VaultError::Refused), "{at}");
        }
        for strange in ["", "v1.", "v2.AAAA", "v1.é", &format!("{sealed}A")] {
            assert_eq!(vault.open(strange, "a"), Err(VaultError::Refused), "{strange}");
        }
    }

    #[test]
    fn without_a_key_nothing_works() {
        let none = KeyVault::without_key();
        assert_eq!(none.seal(b"a", "a"), Err(VaultError::NoKey));
        assert_eq!(none.open(&vault(1).seal(b"a", "a").unwrap(), "a"), Err(VaultError::NoKey));
    }

    #[test]
    fn it_shows_nothing() {
        assert_eq!(format!("{:?} {:?}", vault(77), KeyVault::without_key()), "KeyVault KeyVault");
    }
}
