//! The one WebAssembly engine of a process, and the clock by which it interrupts guests.
//!
//! Instances come from a pool: their memories are reserved address space, taken and given back without a system call for
//! most of them. Code looks at a counter, the *epoch*, at each loop and call; when it moves, the guest gives way to others and
//! is asked whether it should end. The counter moves every [`TICK`] while guests run and for [`REST_AFTER`] longer, so an
//! idle process does not tick.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use parking_lot::{Condvar, Mutex};
use wasmtime::{Config, Enabled, Engine, InstanceAllocationStrategy, PoolingAllocationConfig, WasmBacktraceDetails};

use crate::limits;

/// How long a guest computes before it gives way.
pub(crate) const TICK: Duration = Duration::from_millis(2);
/// How long the clock goes on when no guest runs.
const REST_AFTER: Duration = Duration::from_millis(200);
/// Resident bytes that a memory keeps for its next instance.
const KEPT_BYTES: usize = 256 * 1024;
/// The same for a table, of which there are many more.
const KEPT_TABLE_BYTES: usize = 16 * 1024;
/// Frames of a backtrace.
const FRAMES_MAX: usize = 30;

/// Makes the engine. Where the system refuses to reserve the pool's address space (`ulimit -v`, strict overcommit) instances
/// are allocated one by one, and the reason is given.
pub(crate) fn engine(instances_max: u32) -> wasmtime::Result<(Engine, Option<String>)> {
    let mut config = base();
    config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool(instances_max)));
    match Engine::new(&config) {
        Ok(engine) => Ok((engine, None)),
        Err(error) => {
            let reason = format!("{error:#}").replace('\n', " ");
            config.allocation_strategy(InstanceAllocationStrategy::OnDemand);
            Ok((Engine::new(&config)?, Some(reason)))
        }
    }
}

fn base() -> Config {
    let mut config = Config::new();
    config.epoch_interruption(true);
    // WebAssembly 3.0 is said here, so that no version of the engine changes what modules may be.
    config.wasm_gc(true).wasm_exceptions(true).wasm_memory64(true).wasm_multi_memory(true).wasm_tail_call(true);
    config.wasm_relaxed_simd(true);
    config.max_wasm_stack(limits::STACK_BYTES_MAX).async_stack_size(limits::FIBER_BYTES);
    config.wasm_backtrace_details(WasmBacktraceDetails::Enable);
    config.wasm_backtrace_max_frames(std::num::NonZeroUsize::new(FRAMES_MAX));
    config.memory_init_cow(true);
    config
}

fn pool(instances_max: u32) -> PoolingAllocationConfig {
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(instances_max)
        .total_core_instances(instances_max.saturating_mul(limits::CORE_INSTANCES_MAX))
        // What the engine collects for the guest lies in one more.
        .total_memories(instances_max.saturating_mul(limits::MEMORIES_MAX + 1))
        .total_tables(instances_max.saturating_mul(limits::TABLES_MAX))
        .total_stacks(instances_max)
        .total_gc_heaps(instances_max)
        .max_core_instances_per_component(limits::CORE_INSTANCES_MAX)
        .max_memories_per_component(limits::MEMORIES_MAX)
        .max_memories_per_module(limits::MEMORIES_MAX)
        .max_tables_per_component(limits::TABLES_MAX)
        .max_tables_per_module(limits::TABLES_MAX)
        .table_elements(limits::TABLE_ENTRIES_MAX)
        .max_memory_size(usize::try_from(limits::MEMORY_BYTES_MAX).unwrap_or(usize::MAX))
        .linear_memory_keep_resident(KEPT_BYTES)
        .table_keep_resident(KEPT_TABLE_BYTES)
        .pagemap_scan(Enabled::Auto);
    pool
}

/// Moves the epoch of an engine.
pub(crate) struct Ticker {
    shared: Arc<Shared>,
}

struct Shared {
    running: AtomicUsize,
    state: Mutex<State>,
    wake: Condvar,
}

#[derive(Default)]
struct State {
    is_resting: bool,
    is_over: bool,
}

impl Ticker {
    /// Starts its thread, which ends with the ticker.
    pub fn start(engine: &Engine) -> std::io::Result<Ticker> {
        let shared = Arc::new(Shared { running: AtomicUsize::new(0), state: Mutex::default(), wake: Condvar::new() });
        let engine = engine.weak();
        let of_thread = shared.clone();
        thread::Builder::new().name("wasm-epoch".to_owned()).spawn(move || {
            of_thread.tick(|| match engine.upgrade() {
                Some(engine) => {
                    engine.increment_epoch();
                    true
                }
                None => false,
            });
        })?;
        Ok(Ticker { shared })
    }

    /// Keeps the clock going until the guard is dropped.
    pub fn run(&self) -> Running {
        let shared = self.shared.clone();
        // The thread rests only after it has seen zero, under the lock.
        if shared.running.fetch_add(1, Ordering::SeqCst) == 0 && shared.state.lock().is_resting {
            shared.wake.notify_one();
        }
        Running(shared)
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.shared.state.lock().is_over = true;
        self.shared.wake.notify_one();
    }
}

/// A guest runs.
pub(crate) struct Running(Arc<Shared>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Shared {
    fn tick(&self, mut beat: impl FnMut() -> bool) {
        let mut last_run = Instant::now();
        loop {
            {
                let mut state = self.state.lock();
                if self.running.load(Ordering::SeqCst) > 0 {
                    last_run = Instant::now();
                } else if last_run.elapsed() >= REST_AFTER {
                    state.is_resting = true;
                    while self.running.load(Ordering::SeqCst) == 0 && !state.is_over {
                        self.wake.wait(&mut state);
                    }
                    state.is_resting = false;
                    last_run = Instant::now();
                }
                if state.is_over {
                    return;
                }
            }
            thread::sleep(TICK);
            if !beat() {
                return;
            }
        }
    }
}
