//! Who waits for invocations to end.

use std::collections::BTreeMap;

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
