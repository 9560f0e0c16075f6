//! Time and chance, so that a simulation can own both.

use crate::time::Timestamp;

/// Tells the time.
pub trait Clock: Send + Sync {
    /// Now.
    fn now(&self) -> Timestamp;
}

/// A source of randomness.
pub trait Rng: Send + Sync {
    /// 128 random bits.
    fn bits(&self) -> u128;

    /// A random number from 0 to 1.
    fn chance(&self) -> f64 {
        // 53 bits are what an f64 holds exactly.
        (self.bits() >> 75) as f64 / (1u64 << 53) as f64
    }
}
