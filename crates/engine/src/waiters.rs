//! Who waits for invocations to end.

use std::collections::{BTreeMap, BTreeSet};

use parking_lot::Mutex;
use tidemill_core::InvocationId;
use tokio::sync::oneshot;

/// Those who wait, by invocation. A nudge only: the truth is in the store.
#[derive(Default)]
pub(crate) struct Waiters {
    waiting: Mutex<BTreeMap<InvocationId, Vec<oneshot::Sender<()>>>>,
}

impl Waiters {
    /// Comes back when the invocation has ended after this call.
    pub fn register(&self, id: InvocationId) -> oneshot::Receiver<()> {
        let (sender, receiver) = oneshot::channel();
        let mut waiting = self.waiting.lock();
        let senders = waiting.entry(id).or_default();
        senders.retain(|sender| !sender.is_closed());
        senders.push(sender);
        receiver
    }

    /// Forgets those who gave up.
    pub fn tidy(&self, id: InvocationId) {
        let mut waiting = self.waiting.lock();
        if let Some(senders) = waiting.get_mut(&id) {
            senders.retain(|sender| !sender.is_closed());
            if senders.is_empty() {
                waiting.remove(&id);
            }
        }
    }

    /// The invocation has ended.
    pub fn ended(&self, id: InvocationId) {
        for sender in self.waiting.lock().remove(&id).into_iter().flatten() {
            let _ = sender.send(());
        }
    }
}

/// The invocations whose callers wait for the response of their only attempt.
#[derive(Default)]
pub(crate) struct Calls(Mutex<BTreeSet<InvocationId>>);

/// A caller who waits; gone when dropped.
pub(crate) struct Calling<'a> {
    calls: &'a Calls,
    id: InvocationId,
}

impl Calls {
    /// Somebody waits for `id` now.
    pub fn enter(&self, id: InvocationId) -> Calling<'_> {
        self.0.lock().insert(id);
        Calling { calls: self, id }
    }

    /// Whether somebody waits for `id`.
    pub fn contains(&self, id: InvocationId) -> bool {
        self.0.lock().contains(&id)
    }
}

impl Drop for Calling<'_> {
    fn drop(&mut self) {
        self.calls.0.lock().remove(&self.id);
    }
}
