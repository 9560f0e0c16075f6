//! Turns in the lines of a function with state.
//!
//! The store gives out one invocation of a line at a time. But an invocation may have been queued before its function had
//! state, and then stands in no line; and an attempt may still run though its lease was lost. Whatever the case, on this node
//! no two executions work on one state at once.

use std::{
    collections::BTreeMap,
    sync::{Arc, Weak},
};

use parking_lot::Mutex;
use tokio::sync::OwnedMutexGuard;

/// So many lines may be remembered before the unused ones are forgotten.
const UNUSED_MAX: usize = 1_000;

/// Who has the turn, by line.
#[derive(Default)]
pub(crate) struct Lines(Mutex<BTreeMap<String, Weak<tokio::sync::Mutex<()>>>>);

impl Lines {
    /// Waits for the turn in `line`; it is over when the guard is dropped.
    pub async fn enter(&self, line: &str) -> OwnedMutexGuard<()> {
        let turn = {
            let mut lines = self.0.lock();
            if lines.len() >= UNUSED_MAX {
                lines.retain(|_, turn| turn.strong_count() > 0);
            }
            match lines.get(line).and_then(Weak::upgrade) {
                Some(turn) => turn,
                None => {
                    let turn = Arc::default();
                    lines.insert(line.to_owned(), Arc::downgrade(&turn));
                    turn
                }
            }
        };
        turn.lock_owned().await
    }
}
