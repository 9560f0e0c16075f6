//! The configs of functions as they were read last.

use std::{collections::BTreeMap, sync::Arc};

use parking_lot::RwLock;
use tidemill_core::FunctionRef;

/// Names and plain values.
pub(super) type Values = Arc<BTreeMap<String, String>>;

/// What was read since the last change. It holds at most one map a function that runs, and functions without configs share
/// an empty one.
#[derive(Default)]
pub(super) struct Cache {
    inner: RwLock<Inner>,
}

#[derive(Default)]
struct Inner {
    /// Counts changes: what was read before one must not be kept after it.
    epoch: u64,
    values: BTreeMap<FunctionRef, Values>,
    none: Values,
}

impl Cache {
    /// What is kept of a function; otherwise the epoch to give to [`Cache::keep`].
    pub(super) fn get(&self, function: &FunctionRef) -> Result<Values, u64> {
        let inner = self.inner.read();
        inner.values.get(function).cloned().ok_or(inner.epoch)
    }

    /// Keeps what was read, unless something changed since `epoch`. Returns it to be used this once in either case.
    pub(super) fn keep(&self, function: &FunctionRef, epoch: u64, values: BTreeMap<String, String>) -> Values {
        let mut inner = self.inner.write();
        let values = if values.is_empty() { inner.none.clone() } else { Arc::new(values) };
        if inner.epoch == epoch {
            inner.values.insert(function.clone(), values.clone());
        }
        values
    }

    /// Forgets everything, after a change.
    pub(super) fn clear(&self) {
        let mut inner = self.inner.write();
        inner.epoch += 1;
        inner.values.clear();
    }
}
