//! Time.

use std::sync::Arc;

use tidemill_core::{Timestamp, ports::Clock};
use tokio::time::Instant;

/// When the runtime starts: 2025-11-22T00:00:00Z.
pub const EPOCH: Timestamp = Timestamp(1_763_769_600_000_000);

/// The runtime's own time, which stands still while anybody works.
pub struct FakeClock {
    start: Instant,
}

impl FakeClock {
    pub fn new() -> Arc<FakeClock> {
        Arc::new(FakeClock { start: Instant::now() })
    }
}

impl Clock for FakeClock {
    fn now(&self) -> Timestamp {
        EPOCH + self.start.elapsed()
    }
}
