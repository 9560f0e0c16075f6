//! What was read last: the configs of functions, and the grants of objects.
//!
//! A change forgets what is kept of its project. Should a change be abandoned half-way, or be made by another node, grants are wrong for
//! [`GRANTS_KEPT_MAX`] and no longer; configs until the next change, for a call that is not stored must not depend on the store.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use parking_lot::RwLock;
use tidemill_core::{
    FunctionRef, ProjectName, Timestamp,
    access::{Grants, Object},
};

/// How long grants are kept.
const GRANTS_KEPT_MAX: Duration = Duration::from_secs(5);
/// Objects whose grants are kept; with more, all are forgotten.
const GRANTS_MAX: usize = 10_000;

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
    grants: BTreeMap<Object, Kept>,
}

struct Kept {
    grants: Grants,
    since: Timestamp,
}

/// Forgets what is kept of some projects when it is dropped.
pub(super) struct Forgetting<'a>(&'a Cache, BTreeSet<ProjectName>);

impl Drop for Forgetting<'_> {
    fn drop(&mut self) {
        let mut inner = self.0.inner.write();
        inner.epoch += 1;
        inner.values.retain(|function, _| !self.1.contains(&function.project));
        inner.grants.retain(|object, _| !self.1.contains(&object.project));
    }
}

impl Cache {
    /// Forgets what is kept of projects when the change that begins now has ended, however it does.
    pub(super) fn forgetting(&self, projects: BTreeSet<ProjectName>) -> Forgetting<'_> {
        Forgetting(self, projects)
    }

    /// The configs that are kept of a function; otherwise the epoch to give to [`Cache::keep`].
    pub(super) fn get(&self, function: &FunctionRef) -> Result<Values, u64> {
        let inner = self.inner.read();
        inner.values.get(function).cloned().ok_or(inner.epoch)
    }

    /// Keeps configs that were read, unless something changed since `epoch`. Returns them to be used this once in either case.
    pub(super) fn keep(&self, function: &FunctionRef, epoch: u64, values: BTreeMap<String, String>) -> Values {
        let mut inner = self.inner.write();
        let values = if values.is_empty() { inner.none.clone() } else { Arc::new(values) };
        if inner.epoch == epoch {
            inner.values.insert(function.clone(), values.clone());
        }
        values
    }

    /// The grants that are kept of an object; otherwise the epoch to give to [`Cache::keep_grants`].
    pub(super) fn grants(&self, object: &Object, now: Timestamp) -> Result<Grants, u64> {
        let inner = self.inner.read();
        let fresh = inner.grants.get(object).filter(|kept| now.since(kept.since) < GRANTS_KEPT_MAX);
        fresh.map(|kept| kept.grants.clone()).ok_or(inner.epoch)
    }

    /// Keeps grants that were read from `since` on, unless something changed since `epoch`.
    pub(super) fn keep_grants(&self, object: &Object, epoch: u64, grants: &Grants, since: Timestamp) {
        let mut inner = self.inner.write();
        if inner.epoch == epoch {
            if inner.grants.len() >= GRANTS_MAX {
                inner.grants.clear();
            }
            inner.grants.insert(object.clone(), Kept { grants: grants.clone(), since });
        }
    }
}
