//! Memory for the large bodies of attempts: events read for a worker, and replies on their way to the store.
//!
//! An attempt takes room for its event while it holds a slot, gives it back when the call has ended, and takes room for the reply
//! before it gives back the slot. It never waits for room while it has some, so nobody waits for ever; and as long as the
//! store is slow with large replies, workers make no more of them.

use std::sync::Arc;

use tidemill_core::limits::INLINE_BODY_BYTES_MAX;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The unit of accounting, in bytes.
const UNIT: u64 = 1024;
/// All the room there is, in units: 32 MiB.
const UNITS: u32 = 32 * 1024;

/// See the module.
pub(crate) struct LargeBodies(Arc<Semaphore>);

/// Room taken; given back when dropped. Small bodies need none.
pub(crate) type Room = Option<OwnedSemaphorePermit>;

impl Default for LargeBodies {
    fn default() -> Self {
        LargeBodies(Arc::new(Semaphore::new(UNITS as usize)))
    }
}

impl LargeBodies {
    /// Waits for room for bodies of `bytes` together. More than there is gets all of it.
    pub async fn take(&self, bytes: u64) -> Room {
        if bytes <= INLINE_BODY_BYTES_MAX as u64 {
            return None;
        }
        let units = u32::try_from(bytes.div_ceil(UNIT)).unwrap_or(UNITS).min(UNITS);
        // The semaphore is never closed.
        Arc::clone(&self.0).acquire_many_owned(units).await.ok()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn large_bodies_wait_for_each_other_and_small_ones_for_nobody() {
        let large = LargeBodies::default();
        let all = large.take(1 << 40).await;
        assert!(large.take(1000).await.is_none());
        let wait = Duration::from_secs(1);
        assert!(tokio::time::timeout(wait, large.take(1 << 20)).await.is_err());
        drop(all);
        assert!(large.take(1 << 20).await.is_some());
    }
}
