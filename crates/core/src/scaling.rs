//! How many workers to start, and when.
//!
//! A process starts in no time and costs little, so there is one as soon as a call waits. A container costs more: after the
//! first one the pool grows only when the oldest call has waited for a while, and by as many again as there are, so that a
//! short burst does not leave a herd of idle containers behind.

use std::time::Duration;

use crate::spec::{FunctionSpec, Replicas, StateScope};

/// The oldest call waits at least this long before another container is started, and before the pool is looked at again.
pub const QUEUE_AGE: Duration = Duration::from_millis(250);

/// What a start costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LaunchCost {
    /// A process: grow at once.
    Small,
    /// A container: grow by the age of the queue.
    Large,
}

impl LaunchCost {
    /// What starting a worker of this function costs.
    pub fn of(spec: &FunctionSpec) -> LaunchCost {
        if spec.is_contained() { LaunchCost::Large } else { LaunchCost::Small }
    }
}

/// A pool and those who wait for it.
#[derive(Clone, Copy, Debug)]
pub struct Demand {
    /// Calls that wait.
    pub waiting: u32,
    /// How long the oldest of them has waited.
    pub oldest: Duration,
    /// Calls that one worker takes at once. At least 1.
    pub slots: u32,
    /// Workers being started.
    pub starting: u32,
    /// Workers that take calls.
    pub ready: u32,
    /// Never more workers than these.
    pub max: u32,
    /// What a start costs.
    pub cost: LaunchCost,
}

/// What to do for a pool.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Growth {
    /// Start so many workers now.
    pub start: u32,
    /// Look again after this time, even if nothing happens.
    pub look_again: Option<Duration>,
}

/// Decides how a pool grows. Those being started are for the calls that wait already, one for each of their slots.
pub fn grow(demand: &Demand) -> Growth {
    let slots = demand.slots.max(1);
    let there = demand.ready.saturating_add(demand.starting);
    let left = demand.waiting.saturating_sub(demand.starting.saturating_mul(slots));
    let wanted = left.div_ceil(slots).min(demand.max.saturating_sub(there));
    if wanted == 0 || demand.cost == LaunchCost::Small {
        return Growth { start: wanted, look_again: None };
    }
    if there > 0 && demand.oldest < QUEUE_AGE {
        return Growth { start: 0, look_again: Some(QUEUE_AGE - demand.oldest) };
    }
    let start = wanted.min(there.max(1));
    Growth { start, look_again: (start < wanted).then_some(QUEUE_AGE) }
}

/// How many workers a function has on a node of `cores` cores. With one state there is nothing for a second one to do.
pub fn replicas(spec: &FunctionSpec, cores: u32) -> Replicas {
    let Replicas { min, max } = spec.workers(cores);
    match spec.state {
        StateScope::Function => Replicas { min: min.min(1), max: 1 },
        StateScope::None | StateScope::Key => Replicas { min, max },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::Runtime;

    const fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn pools_grow_by_what_waits_and_how_long() {
        use LaunchCost::{Large, Small};
        // Cost, waiting, oldest (ms), slots, starting, ready, max: started, looked at again after (ms).
        for (cost, waiting, oldest, slots, starting, ready, max, start, again) in [
            (Small, 0, 0, 1, 0, 0, 4, 0, None),
            (Small, 1, 0, 1, 0, 0, 4, 1, None),
            (Small, 9, 0, 1, 0, 1, 4, 3, None),
            (Small, 9, 0, 1, 2, 1, 4, 1, None),
            (Small, 2, 0, 1, 2, 0, 4, 0, None),
            (Small, 9, 0, 4, 0, 1, 8, 3, None),
            (Small, 1, 9_999, 1, 0, 4, 4, 0, None),
            (Small, 1, 0, 1, 0, 6, 4, 0, None),
            // The first container does not wait, further ones do.
            (Large, 1, 0, 1, 0, 0, 4, 1, None),
            (Large, 5, 0, 1, 0, 0, 4, 1, Some(250)),
            (Large, 1, 0, 1, 1, 0, 4, 0, None),
            (Large, 2, 100, 1, 1, 0, 4, 0, Some(150)),
            (Large, 1, 0, 1, 0, 1, 4, 0, Some(250)),
            (Large, 1, 250, 1, 0, 1, 4, 1, None),
            // The pool doubles.
            (Large, 50, 300, 1, 0, 1, 20, 1, Some(250)),
            (Large, 50, 300, 1, 0, 3, 20, 3, Some(250)),
            (Large, 50, 300, 1, 6, 6, 20, 8, None),
            (Large, 50, 300, 1, 0, 20, 20, 0, None),
        ] {
            let demand = Demand { waiting, oldest: ms(oldest), slots, starting, ready, max, cost };
            assert_eq!(grow(&demand), Growth { start, look_again: again.map(ms) }, "{demand:?}");
        }
    }

    #[test]
    fn one_state_has_one_worker() {
        let mut spec = FunctionSpec::new(Runtime::Python(None));
        spec.max_replicas = Some(5);
        spec.min_replicas = Some(2);
        for (state, min, max) in [(StateScope::None, 2, 5), (StateScope::Key, 2, 5), (StateScope::Function, 1, 1)] {
            spec.state = state;
            assert_eq!(replicas(&spec, 2), Replicas { min, max }, "{state:?}");
        }
    }

    #[test]
    fn containers_cost_more_than_processes() {
        let mut spec = FunctionSpec::new(Runtime::Python(None));
        assert_eq!(LaunchCost::of(&spec), LaunchCost::Small);
        spec.container = Some(Box::default());
        assert_eq!(LaunchCost::of(&spec), LaunchCost::Large);
        assert_eq!(LaunchCost::of(&FunctionSpec::new(Runtime::Image)), LaunchCost::Large);
    }
}
