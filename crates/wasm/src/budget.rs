//! The memory of all instances together.
//!
//! Each instance holds an [`Account`] of what its linear memories may hold at this moment. It opens with what the module begins
//! with, and a call waits for that; what the guest asks for later is there or refused, since instances that wait for each
//! other would wait for ever. So a machine that runs out of memory refuses some guests theirs, and is not ended by its system.

use std::sync::{
    Arc,
    atomic::{AtomicU64, AtomicUsize, Ordering},
};

use tokio::sync::Notify;

/// See the module.
pub(crate) struct Budget {
    bytes_max: u64,
    bytes: AtomicU64,
    /// How many wait for some to be freed. Without any, an instance's end costs two looks at memory and no lock.
    waiting: AtomicUsize,
    freed: Notify,
    /// Held by the first of those who wait, so that they get theirs in the order in which they came.
    line: tokio::sync::Mutex<()>,
}

impl Budget {
    /// A budget of so many bytes.
    pub fn new(bytes_max: u64) -> Arc<Budget> {
        let (bytes, waiting, freed, line) = Default::default();
        Arc::new(Budget { bytes_max, bytes, waiting, freed, line })
    }

    /// The most there is, in bytes.
    pub fn bytes_max(&self) -> u64 {
        self.bytes_max
    }

    /// Whether somebody waits for memory.
    pub fn is_short(&self) -> bool {
        self.waiting.load(Ordering::SeqCst) > 0
    }

    /// Opens an account of so many bytes; waits until they are there. More than there is at all is never refused here: an
    /// instance alone gets what is there, and is refused the rest by its own limit.
    pub async fn open(self: &Arc<Budget>, bytes: u64) -> Account {
        let _waits = Waits::new(&self.waiting);
        let _first = self.line.lock().await;
        loop {
            // Listened and counted before it is looked at: it may be freed in between.
            let freed = self.freed.notified();
            if let Some(account) = self.account(bytes) {
                return account;
            }
            freed.await;
        }
    }

    /// The same, when it is there at once and nobody waits for it.
    pub fn try_open(self: &Arc<Budget>, bytes: u64) -> Option<Account> {
        if self.is_short() { None } else { self.account(bytes) }
    }

    fn account(self: &Arc<Budget>, bytes: u64) -> Option<Account> {
        let bytes = bytes.min(self.bytes_max);
        self.take(bytes).then(|| Account { budget: self.clone(), bytes })
    }

    fn take(&self, bytes: u64) -> bool {
        let more = |now: u64| now.checked_add(bytes).filter(|sum| *sum <= self.bytes_max);
        self.bytes.fetch_update(Ordering::SeqCst, Ordering::SeqCst, more).is_ok()
    }

    fn give(&self, bytes: u64) {
        self.bytes.fetch_sub(bytes, Ordering::SeqCst);
        if self.waiting.load(Ordering::SeqCst) > 0 {
            self.freed.notify_waiters();
        }
    }
}

/// Somebody waits.
struct Waits<'a>(&'a AtomicUsize);

impl Waits<'_> {
    fn new(count: &AtomicUsize) -> Waits<'_> {
        count.fetch_add(1, Ordering::SeqCst);
        Waits(count)
    }
}

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// What one instance has of a budget; given back when it is dropped.
pub(crate) struct Account {
    budget: Arc<Budget>,
    bytes: u64,
}

impl Account {
    /// Has it hold at least so many bytes; false when they are not there.
    pub fn reach(&mut self, bytes: u64) -> bool {
        let more = bytes.saturating_sub(self.bytes);
        if more > 0 && !self.budget.take(more) {
            return false;
        }
        self.bytes += more;
        true
    }

    /// The most that there is for all, in bytes.
    pub fn bytes_max(&self) -> u64 {
        self.budget.bytes_max
    }
}

impl Drop for Account {
    fn drop(&mut self) {
        if self.bytes > 0 {
            self.budget.give(self.bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn accounts_wait_at_first_and_are_refused_later() {
        let budget = Budget::new(100);
        let mut first = budget.open(60).await;
        assert!(first.reach(50) && first.reach(80) && !first.reach(101));
        let opening = tokio::spawn({
            let budget = budget.clone();
            async move { budget.open(30).await }
        });
        for _ in 0..10 {
            tokio::task::yield_now().await;
        }
        // Who comes later does not get before it.
        assert!(!opening.is_finished() && budget.try_open(20).is_none());
        drop(first);
        let mut second = opening.await.unwrap();
        assert!(second.reach(100) && !second.reach(101));
        drop(second);
        // Alone, one that begins with too much is let in, and refused what is not there.
        let mut large = budget.open(1000).await;
        assert!(large.reach(100) && !large.reach(1000));
        drop(large);
        assert_eq!((budget.bytes.load(Ordering::SeqCst), budget.waiting.load(Ordering::SeqCst)), (0, 0));
    }
}
