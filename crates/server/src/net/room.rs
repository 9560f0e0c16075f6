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
    free: Arc<Semaphore>,
    /// All of it.
    units: u32,
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

impl Room {
    /// Room for `bytes_max` bytes.
    pub(crate) fn new(bytes_max: u64) -> Room {
        let units = u32::try_from(bytes_max / UNIT).unwrap_or(u32::MAX).max(1);
        Room { free: Arc::new(Semaphore::new(units as usize)), units }
    }

    /// What `bytes` take. A body larger than all of the room takes all of it, and is alone then.
    fn units(&self, bytes: u64) -> u32 {
        u32::try_from(bytes.div_ceil(UNIT)).unwrap_or(u32::MAX).min(self.units)
    }

    /// Takes room, waiting for it as long as `patience` says. First come, first served.
    pub(crate) async fn take(&self, bytes: u64, patience: Duration) -> Option<Taken> {
        let acquired = timeout(patience, Arc::clone(&self.free).acquire_many_owned(self.units(bytes))).await;
        acquired.ok()?.ok().map(Taken)
    }

    /// Adds `bytes` to what is taken, as far as there is more than that at all.
    pub(crate) async fn grow(&self, taken: &mut Option<Taken>, bytes: u64, patience: Duration) -> Option<()> {
        let held = taken.as_ref().map_or(0, |taken| u32::try_from(taken.0.num_permits()).unwrap_or(u32::MAX));
        let more = self.units(bytes).min(self.units.saturating_sub(held));
        if more > 0 {
            let more = self.take(u64::from(more) * UNIT, patience).await?;
            match taken {
                Some(taken) => taken.0.merge(more.0),
                None => *taken = Some(more),
            }
        }
        Some(())
    }

    /// Takes room if there is some now.
    pub(crate) fn try_take(&self, bytes: u64) -> Option<Taken> {
        Arc::clone(&self.free).try_acquire_many_owned(self.units(bytes)).ok().map(Taken)
    }
}

impl Taken {
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
    async fn more_than_there_is_takes_all() {
        let room = Room::new(10 * UNIT);
        let all = room.try_take(1 << 40).unwrap();
        assert!(room.try_take(1).is_none());
        drop(all);
        assert!(room.try_take(1).is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn what_grows_never_waits_for_itself() {
        let (room, patience) = (Room::new(10 * UNIT), Duration::from_secs(1));
        let mut taken = None;
        for _ in 0..5 {
            room.grow(&mut taken, 4 * UNIT, patience).await.unwrap();
        }
        assert!(room.try_take(1).is_none());
        let mut other = None;
        assert!(room.grow(&mut other, UNIT, patience).await.is_none());
        drop(taken);
        assert!(room.try_take(10 * UNIT).is_some());
    }
}
