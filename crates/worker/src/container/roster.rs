//! Which containers are wanted. What is not is removed by the reaper.
//!
//! A container's name enters the roster before the container is made and leaves it after it has been removed, so that one whose
//! making was not answered, or whose removal failed, is found all the same. An *orphan* is a container of an execution that
//! nobody looks after at the moment: it waits, for a limited time, for the next call of its invocation. Then, or at once when it
//! is of no use, it is *doomed*: no longer wanted, but known until it has gone, so that its invocation does not begin again
//! beside it.

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
    /// A container of the same invocation that is of no use: another revision's, or one that is doomed. It must go before the
    /// call begins.
    Other(Orphan, Held),
    /// None.
    Nothing,
}

#[derive(Default)]
struct State {
    held: BTreeSet<String>,
    /// Until when each waits; `None` for one that is doomed.
    orphans: BTreeMap<InvocationId, (Orphan, Option<Instant>)>,
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
        Held { roster: self.clone(), name: name.to_owned(), claim: None, is_done: false }
    }

    /// Lets a container wait for the next call of `invocation`.
    pub fn leave(&self, invocation: InvocationId, orphan: Orphan) {
        let until = Instant::now() + ADOPTION_TIME;
        let mut state = self.state.lock();
        state.orphans.insert(invocation, (orphan, Some(until)));
        state.is_dirty = true;
    }

    /// Has a container removed, before `invocation` begins again.
    pub fn doom(&self, invocation: InvocationId, orphan: Orphan) {
        self.state.lock().doom(invocation, orphan);
        self.nudge.notify_one();
    }

    /// Dooms what waits for invocations of `function`: there are none any more.
    pub fn disown(&self, function: &FunctionRef) {
        let mut state = self.state.lock();
        let orphans = state.orphans.values_mut().filter(|(orphan, _)| orphan.function == *function);
        orphans.for_each(|(_, until)| *until = None);
        drop(state);
        self.soil();
    }

    /// The invocations that something waits for.
    pub fn waiting(&self) -> Vec<InvocationId> {
        let state = self.state.lock();
        state.orphans.iter().filter(|(_, (_, until))| until.is_some()).map(|(invocation, _)| *invocation).collect()
    }

    /// Dooms what waits for `invocation`: it will not begin again.
    pub fn release(&self, invocation: InvocationId) {
        if let Some((_, until)) = self.state.lock().orphans.get_mut(&invocation) {
            *until = None;
        }
        self.soil();
    }

    /// The names of what is doomed.
    pub fn doomed(&self) -> BTreeSet<String> {
        let state = self.state.lock();
        let doomed = state.orphans.values().filter(|(_, until)| until.is_none());
        doomed.map(|(orphan, _)| orphan.name.clone()).collect()
    }

    /// The container `name`, which was doomed, has gone or has ended.
    pub fn forget(&self, name: &str) {
        self.state.lock().orphans.retain(|_, (orphan, until)| until.is_some() || orphan.name != name);
    }

    /// Takes over what waits for `invocation`.
    pub fn adopt(
        self: &Arc<Self>,
        invocation: InvocationId,
        function: &FunctionRef,
        revision: RevisionNumber,
    ) -> Found {
        let mut state = self.state.lock();
        let Some((orphan, until)) = state.orphans.remove(&invocation) else { return Found::Nothing };
        // Under the same lock: there is no moment at which nobody wants it.
        state.held.insert(orphan.name.clone());
        drop(state);
        let claim = Some((invocation, orphan.clone()));
        let held = Held { roster: self.clone(), name: orphan.name.clone(), claim, is_done: false };
        if until.is_some() && orphan.function == *function && orphan.revision == revision {
            Found::Own(orphan, held)
        } else {
            Found::Other(orphan, held)
        }
    }

    /// Whether somebody looks after the container `name`, or is waited for.
    pub fn is_wanted(&self, name: &str) -> bool {
        let mut state = self.state.lock();
        let now = Instant::now();
        for (_, until) in state.orphans.values_mut() {
            *until = until.filter(|until| *until > now);
        }
        state.held.contains(name)
            || state.orphans.values().any(|(orphan, until)| until.is_some() && orphan.name == name)
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

impl State {
    fn doom(&mut self, invocation: InvocationId, orphan: Orphan) {
        // What waits to be adopted is the newer one.
        self.orphans.entry(invocation).or_insert((orphan, None));
        self.is_dirty = true;
    }
}

/// A container that somebody looks after. Dropping it leaves the container to the reaper.
pub(crate) struct Held {
    roster: Arc<Roster>,
    name: String,
    /// The execution that it may run.
    claim: Option<(InvocationId, Orphan)>,
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

    /// It is the container of an execution, and dooms it when it is dropped before [`Held::done`] or [`Held::has_ended`].
    pub fn claim(&mut self, invocation: InvocationId, function: &FunctionRef, revision: RevisionNumber) {
        let (id, name) = (ContainerId::new(self.name.as_str()), self.name.clone());
        self.claim = Some((invocation, Orphan { id, name, function: function.clone(), revision }));
    }

    /// The container does not run any more, so it is in nobody's way.
    pub fn has_ended(&mut self) {
        self.claim = None;
    }

    /// Lets the container, which has the id `id`, wait for the next call of its invocation. Without one it is let go.
    pub fn leave(mut self, id: ContainerId) {
        if let Some((invocation, orphan)) = self.claim.take() {
            self.roster.leave(invocation, Orphan { id, ..orphan });
        }
    }

    /// The container is gone, or was never made.
    pub fn done(mut self) {
        self.is_done = true;
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let mut state = self.roster.state.lock();
        if let Some((invocation, orphan)) = self.claim.take().filter(|_| !self.is_done) {
            state.doom(invocation, orphan);
        }
        state.held.remove(&self.name);
        drop(state);
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
            roster.forget("n");
            let again = roster.adopt(invocation, &function, RevisionNumber(revision));
            assert!(matches!(again, Found::Nothing));
        }
    }

    #[test]
    fn what_is_doomed_is_known_until_it_has_gone() {
        let roster = Arc::<Roster>::default();
        let invocation = InvocationId::new(Timestamp(0), 7);
        let function: FunctionRef = "p:f".parse().unwrap();
        let mut held = roster.hold("n");
        held.claim(invocation, &function, RevisionNumber(2));
        drop(held);
        for _ in 0..2 {
            assert!(!roster.is_wanted("n") && roster.doomed().contains("n") && roster.take_dirt());
            match roster.adopt(invocation, &function, RevisionNumber(2)) {
                // Dropped again: it was not removed.
                Found::Other(found, held) => assert_eq!((&*found.name, held.name()), ("n", "n")),
                found => panic!("{found:?}"),
            }
        }
        roster.forget("n");
        assert!(matches!(roster.adopt(invocation, &function, RevisionNumber(2)), Found::Nothing));
        for is_gone in [true, false] {
            let mut held = roster.hold("n");
            held.claim(invocation, &function, RevisionNumber(2));
            if is_gone {
                held.done();
            } else {
                held.has_ended();
                drop(held);
            }
            assert!(roster.doomed().is_empty());
        }
    }

    #[test]
    fn what_waits_for_an_ended_invocation_is_let_go() {
        let roster = Arc::<Roster>::default();
        let function: FunctionRef = "p:f".parse().unwrap();
        let ids = [1, 2].map(|number| InvocationId::new(Timestamp(0), number));
        for (id, name) in ids.iter().zip(["a", "b"]) {
            let (name, function) = (name.to_owned(), function.clone());
            roster.leave(*id, Orphan { id: ContainerId::new("c"), name, function, revision: RevisionNumber(1) });
        }
        assert_eq!(roster.waiting(), ids);
        roster.release(ids[0]);
        assert_eq!(roster.waiting(), [ids[1]]);
        assert!(!roster.is_wanted("a") && roster.is_wanted("b"));
    }

    #[test]
    fn what_waits_for_a_deleted_function_is_doomed() {
        let roster = Arc::<Roster>::default();
        for (number, function) in ["p:f", "p:g"].iter().enumerate() {
            let function: FunctionRef = function.parse().unwrap();
            let (id, name) = (ContainerId::new("c"), function.to_string());
            let orphan = Orphan { id, name, function, revision: RevisionNumber(1) };
            roster.leave(InvocationId::new(Timestamp(0), number as u128), orphan);
        }
        roster.disown(&"p:f".parse().unwrap());
        assert!(!roster.is_wanted("p:f") && roster.is_wanted("p:g"));
        assert_eq!(roster.doomed().into_iter().collect::<Vec<_>>(), ["p:f"]);
    }
}
