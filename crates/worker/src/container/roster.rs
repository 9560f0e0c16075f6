//! Which containers are wanted. What is not is removed by the reaper.
//!
//! A container's name enters the roster before the container is made and leaves it after it has been removed, so that one whose
//! making was not answered, or whose removal failed, is found all the same. An *orphan* is a container of an execution that
//! nobody looks after at the moment: it waits, for a limited time, for the next call of its invocation.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::{Duration, Instant},
};

use parking_lot::Mutex;
use tidemill_core::{FunctionRef, InvocationId, RevisionNumber};
use tokio::sync::Notify;

use super::engine::ContainerId;

/// How long an orphan waits.
pub(crate) const ADOPTION_TIME: Duration = Duration::from_secs(120);

/// A container that runs, or has run, and whose end nobody has told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Orphan {
    pub id: ContainerId,
    pub name: String,
    pub function: FunctionRef,
    pub revision: RevisionNumber,
}

/// What there is for a call to take over.
#[derive(Debug)]
pub(crate) enum Found {
    /// Its own container.
    Own(Orphan, Held),
    /// A container of the same invocation that is of no use: another revision's. It must go before the call begins.
    Other(Orphan, Held),
    /// None.
    Nothing,
}

#[derive(Default)]
struct State {
    held: BTreeSet<String>,
    orphans: BTreeMap<InvocationId, (Orphan, Instant)>,
    /// Something has been let go that may still be there.
    is_dirty: bool,
}

/// See the module.
#[derive(Default)]
pub(crate) struct Roster {
    state: Mutex<State>,
    nudge: Notify,
}

impl Roster {
    /// Holds the container `name`, which nobody removes meanwhile.
    pub fn hold(self: &Arc<Self>, name: &str) -> Held {
        self.state.lock().held.insert(name.to_owned());
        Held { roster: self.clone(), name: name.to_owned(), is_done: false }
    }

    /// Lets a container wait for the next call of `invocation`.
    pub fn leave(&self, invocation: InvocationId, orphan: Orphan) {
        let until = Instant::now() + ADOPTION_TIME;
        let mut state = self.state.lock();
        state.orphans.insert(invocation, (orphan, until));
        state.is_dirty = true;
    }

    /// Takes over what waits for `invocation`.
    pub fn adopt(
        self: &Arc<Self>,
        invocation: InvocationId,
        function: &FunctionRef,
        revision: RevisionNumber,
    ) -> Found {
        let found = self.state.lock().orphans.remove(&invocation);
        let Some((orphan, _)) = found else { return Found::Nothing };
        let held = self.hold(&orphan.name);
        if orphan.function == *function && orphan.revision == revision {
            Found::Own(orphan, held)
        } else {
            Found::Other(orphan, held)
        }
    }

    /// Whether somebody looks after the container `name`, or is waited for.
    pub fn is_wanted(&self, name: &str) -> bool {
        let mut state = self.state.lock();
        let now = Instant::now();
        state.orphans.retain(|_, (_, until)| *until > now);
        state.held.contains(name) || state.orphans.values().any(|(orphan, _)| orphan.name == name)
    }

    /// Whether there may be something to remove, now or later; forgets it unless orphans wait.
    pub fn take_dirt(&self) -> bool {
        let mut state = self.state.lock();
        let has_orphans = !state.orphans.is_empty();
        std::mem::replace(&mut state.is_dirty, has_orphans)
    }

    /// Has the reaper look again.
    pub fn soil(&self) {
        self.state.lock().is_dirty = true;
        self.nudge.notify_one();
    }

    /// Comes back when something has been let go.
    pub async fn nudged(&self) {
        self.nudge.notified().await;
    }
}

/// A container that somebody looks after. Dropping it leaves the container to the reaper.
pub(crate) struct Held {
    roster: Arc<Roster>,
    name: String,
    is_done: bool,
}

impl std::fmt::Debug for Held {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Held({})", self.name)
    }
}

impl Held {
    /// The container's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The container is gone, or was never made.
    pub fn done(mut self) {
        self.is_done = true;
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.roster.state.lock().held.remove(&self.name);
        if !self.is_done {
            self.roster.soil();
        }
    }
}

#[cfg(test)]
mod tests {
    use tidemill_core::Timestamp;

    use super::*;

    #[test]
    fn what_is_held_or_waited_for_is_wanted() {
        let roster = Arc::<Roster>::default();
        let held = roster.hold("a");
        assert!(roster.is_wanted("a") && !roster.is_wanted("b") && !roster.take_dirt());
        held.done();
        assert!(!roster.is_wanted("a") && !roster.take_dirt());
        drop(roster.hold("a"));
        assert!(roster.take_dirt() && !roster.take_dirt());
    }

    #[test]
    fn an_orphan_is_taken_over_once() {
        let roster = Arc::<Roster>::default();
        let invocation = InvocationId::new(Timestamp(0), 7);
        let function: FunctionRef = "p:f".parse().unwrap();
        let orphan = Orphan {
            id: ContainerId::new("c"),
            name: "n".to_owned(),
            function: function.clone(),
            revision: RevisionNumber(2),
        };
        for (revision, is_own) in [(2, true), (3, false)] {
            roster.leave(invocation, orphan.clone());
            assert!(roster.is_wanted("n") && roster.take_dirt() && roster.take_dirt());
            match roster.adopt(invocation, &function, RevisionNumber(revision)) {
                Found::Own(found, _) if is_own => assert_eq!(found, orphan),
                Found::Other(found, _) if !is_own => assert_eq!(found, orphan),
                found => panic!("{revision}: {found:?}"),
            }
            let again = roster.adopt(invocation, &function, RevisionNumber(revision));
            assert!(matches!(again, Found::Nothing));
        }
    }
}
