//! One input given to one target, with what holds for every target.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Mutex, MutexGuard, Once, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use crate::{corpus, memory::held_peak, target::Target};

/// An input that takes longer has hung. Far longer than the slowest takes on a busy machine.
const HUNG_AFTER: Duration = Duration::from_secs(120);

/// What is being tried, for the watch over it.
static CURRENT: Mutex<Option<(&'static Target, Vec<u8>, Instant)>> = Mutex::new(None);
/// Rises with each input.
static NUMBER: AtomicU64 = AtomicU64::new(0);
static WATCH: Once = Once::new();

/// Gives `input` to the target.
///
/// # Panics
/// A property does not hold.
pub fn run(target: &Target, input: &[u8]) {
    let ((), peak) = held_peak(|| (target.run)(input));
    let bound = target.memory.bound(input.len());
    assert!(peak <= bound, "reading {} bytes took {peak} bytes of memory; the bound is {bound}", input.len());
}

/// The same under a watch that ends the process when the input takes for ever. The error says what does not hold.
///
/// # Errors
/// A property does not hold.
pub fn check(target: &'static Target, input: &[u8]) -> Result<(), String> {
    WATCH.call_once(|| drop(thread::spawn(watch)));
    NUMBER.fetch_add(1, Ordering::Relaxed);
    *current() = Some((target, input.to_vec(), Instant::now()));
    let result = catch_unwind(AssertUnwindSafe(|| run(target, input)));
    *current() = None;
    result.map_err(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref::<&str>().copied());
        text.unwrap_or("it panicked without a word").to_owned()
    })
}

fn current() -> MutexGuard<'static, Option<(&'static Target, Vec<u8>, Instant)>> {
    CURRENT.lock().unwrap_or_else(PoisonError::into_inner)
}

fn watch() {
    loop {
        thread::sleep(HUNG_AFTER / 10);
        let Some((target, input, since)) = current().clone() else { continue };
        if since.elapsed() < HUNG_AFTER {
            continue;
        }
        eprintln!("{}", corpus::report(target, &input, &format!("it took longer than {HUNG_AFTER:?}")));
        std::process::exit(1);
    }
}
