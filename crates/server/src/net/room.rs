//! Memory for bodies, shared by all requests.
//!
//! Whoever reads a body takes room for it first, and the body itself keeps the room: it comes back when the last part of the
//! body is let go, wherever that is by then (the engine, the store, the way to a client). So the memory that bodies take is
//! bounded whatever is sent. Small bodies are not counted: connections and queues bound them.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

/// The unit of accounting, in bytes.
const UNIT: u64 = 1024;
/// Bodies up to this many bytes are not counted.
pub(crate) const FREE_BYTES: u64 = 4096;

/// See the module.
#[derive(Clone, Debug)]
pub(crate) struct Room {
    units: Arc<Semaphore>,
    bytes_max: u64,
}

/// A part of the room, given back when dropped.
#[derive(Debug)]
pub(crate) struct Taken(OwnedSemaphorePermit);

/// A body with the room it takes.
struct Roomed {
    bytes: Bytes,
    _taken: Taken,
}

impl AsRef<[u8]> for Roomed {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

fn units(bytes: u64) -> u32 {
    u32::try_from(bytes.div_ceil(UNIT)).unwrap_or(u32::MAX)
}

impl Room {
    /// Room for `bytes_max` bytes.
    pub(crate) fn new(bytes_max: u64) -> Room {
        let count = usize::try_from(bytes_max / UNIT).unwrap_or(usize::MAX).min(Semaphore::MAX_PERMITS);
        Room { units: Arc::new(Semaphore::new(count)), bytes_max }
    }

    /// All of it, taken or not.
    pub(crate) fn bytes_max(&self) -> u64 {
        self.bytes_max
    }

    /// Takes room, waiting for it as long as `patience` says. First come, first served.
    pub(crate) async fn take(&self, bytes: u64, patience: Duration) -> Option<Taken> {
        let acquired = timeout(patience, Arc::clone(&self.units).acquire_many_owned(units(bytes))).await;
        acquired.ok()?.ok().map(Taken)
    }

    /// Takes room if there is some now.
    pub(crate) fn try_take(&self, bytes: u64) -> Option<Taken> {
        Arc::clone(&self.units).try_acquire_many_owned(units(bytes)).ok().map(Taken)
    }
}

impl Taken {
    /// Adds more room to this.
    pub(crate) fn merge(&mut self, more: Taken) {
        self.0.merge(more.0);
    }

    /// Gives `bytes` this room for as long as any part of it lives.
    pub(crate) fn hold(self, bytes: Bytes) -> Bytes {
        Bytes::from_owner(Roomed { bytes, _taken: self })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn room_comes_back_with_the_last_part_of_a_body() {
        let room = Room::new(10 * UNIT);
        let body = room.try_take(8 * UNIT).unwrap().hold(Bytes::from(vec![1; 8192]));
        let part = body.slice(1..3);
        drop(body);
        assert!(room.try_take(4 * UNIT).is_none());
        assert!(room.take(4 * UNIT, Duration::from_secs(1)).await.is_none());
        drop(part);
        assert!(room.take(10 * UNIT, Duration::from_secs(1)).await.is_some());
    }

    #[tokio::test]
    async fn parts_are_merged() {
        let room = Room::new(10 * UNIT);
        let mut taken = room.try_take(6 * UNIT).unwrap();
        taken.merge(room.try_take(4 * UNIT).unwrap());
        assert!(room.try_take(1).is_none());
        drop(taken);
        assert!(room.try_take(10 * UNIT).is_some());
    }
}
