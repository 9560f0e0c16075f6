//! The simulated world: chance and workers; and the rules that must hold in it.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use parking_lot::Mutex;
use tidemill_core::{
    FunctionRef, InvocationId,
    invocation::{AttemptOutcome, Reply},
    ports::{Call, CallEnd, CallOutcome, Clock, Driver, Launch, LaunchError, Message, Rng, Worker, WorkerId},
};
use tokio::sync::Notify;

use crate::fake::{EPOCH, FakeClock};

/// Who gets the messages of actors.
pub const MAILBOX: &str = "mailbox";

/// SplitMix64: small, and the same everywhere. See Steele, Lea and Flood, "Fast splittable pseudorandom number
/// generators", 2014.
pub struct Dice(Mutex<u64>);

impl Dice {
    pub fn new(seed: u64) -> Arc<Dice> {
        Arc::new(Dice(Mutex::new(seed)))
    }

    pub fn next(&self) -> u64 {
        let mut state = self.0.lock();
        *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = *state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&self, bound: u64) -> u64 {
        self.next() % bound
    }

    /// True `percent` times in a hundred.
    pub fn percent(&self, percent: u64) -> bool {
        self.below(100) < percent
    }

    pub fn millis(&self, below: u64) -> Duration {
        Duration::from_millis(self.below(below))
    }
}

impl Rng for Dice {
    fn bits(&self) -> u128 {
        u128::from(self.next()) << 64 | u128::from(self.next())
    }
}

#[derive(Default)]
struct Seen {
    log: Vec<String>,
    /// Invocations inside a worker of the living node.
    running: BTreeMap<InvocationId, String>,
    /// Keys inside a worker of the living node.
    running_keys: BTreeMap<String, InvocationId>,
    /// Successful effects by key, in order.
    effects: BTreeMap<String, Vec<u64>>,
}

/// What happened, and who runs now.
pub struct World {
    pub dice: Arc<Dice>,
    pub clock: Arc<FakeClock>,
    /// Workers misbehave.
    pub has_faults: AtomicBool,
    seen: Mutex<Seen>,
}

impl World {
    pub fn new(seed: u64) -> Arc<World> {
        Arc::new(World {
            dice: Dice::new(seed),
            clock: FakeClock::new(),
            has_faults: AtomicBool::new(true),
            seen: Mutex::default(),
        })
    }

    pub fn log(&self, line: String) {
        let now = self.clock.now().micros() - EPOCH.micros();
        self.seen.lock().log.push(format!("{now:>12} {line}"));
    }

    pub fn take_log(&self) -> Vec<String> {
        std::mem::take(&mut self.seen.lock().log)
    }

    pub fn effects(&self) -> BTreeMap<String, Vec<u64>> {
        self.seen.lock().effects.clone()
    }

    /// The node died, and its workers with it.
    pub fn node_died(&self) {
        let mut seen = self.seen.lock();
        seen.running.clear();
        seen.running_keys.clear();
    }

    fn enter(&self, worker: &WorkerId, call: &Call, key: Option<&str>) {
        let mut seen = self.seen.lock();
        if let Some(other) = seen.running.insert(call.invocation, worker.to_string()) {
            panic!("invocation {} runs on {worker} and on {other} at once", call.invocation);
        }
        if let Some(key) = key
            && let Some(other) = seen.running_keys.insert(key.to_owned(), call.invocation)
        {
            panic!("{} and {other} of key {key} run at once", call.invocation);
        }
    }

    fn leave(&self, call: &Call, key: Option<&str>, effect: Option<u64>) {
        let mut seen = self.seen.lock();
        seen.running.remove(&call.invocation);
        if let Some(key) = key {
            seen.running_keys.remove(key);
            if let Some(effect) = effect {
                seen.effects.entry(key.to_owned()).or_default().push(effect);
            }
        }
    }
}

/// Starts simulated workers, sometimes slowly and sometimes not at all.
pub struct SimDriver {
    pub world: Arc<World>,
    /// The node is dead: nothing answers any more.
    pub dead: Arc<AtomicBool>,
}

#[async_trait]
impl Driver for SimDriver {
    async fn launch(&self, launch: Launch) -> Result<Arc<dyn Worker>, LaunchError> {
        let dice = &self.world.dice;
        tokio::time::sleep(dice.millis(200)).await;
        alive(&self.dead).await;
        if self.world.has_faults.load(Ordering::Relaxed) && dice.percent(10) {
            return Err(LaunchError { reason: "the dice said no".into(), logs: Vec::new() });
        }
        Ok(Arc::new(SimWorker {
            world: self.world.clone(),
            dead: self.dead.clone(),
            function: launch.function.clone(),
            id: WorkerId(format!("{}/{}", launch.function, dice.below(1_000_000)).into()),
            gone: AtomicBool::new(false),
            went: Notify::new(),
        }))
    }

    async fn warm(&self, _launch: &Launch) {}

    async fn close(&self) {}
}

/// A dead node does nothing more and says nothing more.
async fn alive(dead: &AtomicBool) {
    if dead.load(Ordering::Relaxed) {
        std::future::pending::<()>().await;
    }
}

struct SimWorker {
    world: Arc<World>,
    dead: Arc<AtomicBool>,
    function: FunctionRef,
    id: WorkerId,
    gone: AtomicBool,
    went: Notify,
}

impl SimWorker {
    fn die(&self) {
        self.gone.store(true, Ordering::Relaxed);
        self.went.notify_waiters();
    }
}

/// An actor counts its executions, tells the mailbox of each, and replies with the count it found. It does so even when the call
/// fails: then nothing of it may count.
fn actor_end(call: &Call, mut end: CallEnd) -> CallEnd {
    let Some(state) = &call.state else { return end };
    let count: u64 = std::str::from_utf8(state).ok().and_then(|text| text.parse().ok()).unwrap_or(0);
    end.state = Some(Bytes::from((count + 1).to_string()));
    let body = Bytes::from(call.invocation.to_string());
    end.sends = vec![Message { function: MAILBOX.to_owned(), body, ..Message::default() }];
    end
}

#[async_trait]
impl Worker for SimWorker {
    fn id(&self) -> &WorkerId {
        &self.id
    }

    fn slots(&self) -> u32 {
        1
    }

    async fn call(&self, call: &Call) -> CallEnd {
        let dice = &self.world.dice;
        let event = call.events[0].clone();
        let key = call.key.as_ref().map(|key| format!("{}/{key}", self.function));
        alive(&self.dead).await;
        let number: u64 = std::str::from_utf8(&event.body).ok().and_then(|text| text.parse().ok()).unwrap_or(0);
        self.world.enter(&self.id, call, key.as_deref());
        self.world.log(format!("start {} attempt {} on {}", call.invocation, call.attempt, self.id));
        let took = dice.millis(if dice.percent(5) { 60_000 } else { 400 });
        tokio::select! {
            biased;
            () = self.went.notified() => {}
            () = tokio::time::sleep(took) => {}
        }
        alive(&self.dead).await;
        let is_poison = event.header("poison").is_some();
        let broken = |outcome, reason: &str| CallOutcome::Broken { outcome, reason: reason.into() };
        let outcome = if self.gone.load(Ordering::Relaxed) {
            broken(AttemptOutcome::Interrupted, "stopped")
        } else if is_poison {
            CallOutcome::Raised { message: "Poison: as asked".into(), status: 500 }
        } else if self.world.has_faults.load(Ordering::Relaxed) && dice.percent(15) {
            match dice.below(3) {
                0 => CallOutcome::Raised { message: "Dice: no".into(), status: 500 },
                1 => {
                    self.die();
                    broken(AttemptOutcome::Crashed, "the dice killed it")
                }
                _ => {
                    self.die();
                    broken(AttemptOutcome::TimedOut, "too long")
                }
            }
        } else {
            let body = call.state.clone().unwrap_or_else(|| Bytes::from(number.to_string()));
            let reply = Reply { status: 200, body, ..Reply::default() };
            CallOutcome::Replied(vec![reply])
        };
        let effect = matches!(outcome, CallOutcome::Replied(_)).then_some(number);
        self.world.leave(call, key.as_deref(), effect);
        self.world.log(format!("end   {} {outcome:?}", call.invocation));
        actor_end(call, CallEnd::new(outcome, Vec::new(), took))
    }

    fn is_alive(&self) -> bool {
        !self.gone.load(Ordering::Relaxed)
    }

    async fn gone(&self) {
        loop {
            let went = self.went.notified();
            if self.gone.load(Ordering::Relaxed) {
                return;
            }
            went.await;
        }
    }

    async fn stop(&self, _grace: Duration) {
        self.die();
    }

    async fn cancel(&self, _invocation: InvocationId) {
        self.die();
    }
}
