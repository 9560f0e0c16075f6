//! Turns: of those who come with one key, one at a time goes on.
//!
//! The store gives out one invocation of a line of a function with state at a time. But an invocation may have been queued
//! before its function had state, and then stands in no line; and an attempt may still run though its lease was lost. Whatever
//! the case, on this node no two executions work on one state at once. Deployments of a function and uses of a nonce take
//! turns too.

use std::{
    collections::BTreeMap,
    sync::{Arc, Weak},
};

use parking_lot::Mutex;
use tokio::sync::OwnedMutexGuard;

/// So many keys may be remembered before the unused ones are looked for.
const UNUSED_MAX: usize = 1_000;

/// Who has the turn, by key. Keys that nobody comes with any more are forgotten now and again.
pub(crate) struct Turns<K>(Mutex<Known<K>>);

struct Known<K> {
    turns: BTreeMap<K, Weak<tokio::sync::Mutex<()>>>,
    /// Unused keys are looked for when there are so many: twice as many as were in use the last time, so that a look costs
    /// each who comes a step or two.
    tidy_at: usize,
}

impl<K> Default for Turns<K> {
    fn default() -> Self {
        Turns(Mutex::new(Known { turns: BTreeMap::new(), tidy_at: UNUSED_MAX }))
    }
}

impl<K: Ord> Turns<K> {
    /// Waits for the turn of `key`; it is over when the guard is dropped.
    pub async fn enter(&self, key: K) -> OwnedMutexGuard<()> {
        let turn = self.0.lock().turn(key);
        turn.lock_owned().await
    }
}

impl<K: Ord> Known<K> {
    fn turn(&mut self, key: K) -> Arc<tokio::sync::Mutex<()>> {
        if self.turns.len() >= self.tidy_at {
            self.turns.retain(|_, turn| turn.strong_count() > 0);
            self.tidy_at = UNUSED_MAX.max(2 * self.turns.len());
        }
        if let Some(turn) = self.turns.get(&key).and_then(Weak::upgrade) {
            return turn;
        }
        let turn = Arc::default();
        self.turns.insert(key, Arc::downgrade(&turn));
        turn
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unused_keys_are_forgotten_and_used_ones_looked_through_seldom() {
        let turns = Turns::<usize>::default();
        let mut known = turns.0.lock();
        for key in 0..10 * UNUSED_MAX {
            known.turn(key);
            assert!(known.turns.len() <= UNUSED_MAX);
        }
        let held: Vec<_> = (0..3 * UNUSED_MAX).map(|key| known.turn(key)).collect();
        assert!(known.tidy_at > held.len() && known.turns.len() <= known.tidy_at);
        assert!(Arc::ptr_eq(&held[7], &known.turn(7)));
    }

    #[tokio::test]
    async fn one_at_a_time_has_the_turn() {
        let turns = Turns::<&str>::default();
        let first = turns.enter("a").await;
        let _other = turns.enter("b").await;
        assert!(futures_util::poll!(Box::pin(turns.enter("a"))).is_pending());
        drop(first);
        turns.enter("a").await;
    }
}
