//! Where modules are compiled: one at a time, on threads of their own, one fewer than the machine has cores where it has two or
//! more, so that calls are answered while a large module is compiled.
//!
//! What has begun goes on to its end, since the compiler cannot be stopped. Whoever no longer waits before it has begun costs
//! nothing. The threads keep nothing alive: the process may end while they compile.

use std::{
    num::NonZeroUsize,
    sync::{Arc, OnceLock},
    thread,
};

use rayon::{ThreadPool, ThreadPoolBuilder};
use tokio::sync::{Mutex, oneshot};

/// See the module.
#[derive(Default)]
pub(crate) struct Compiler {
    threads: OnceLock<Option<ThreadPool>>,
    /// Compiling takes much memory.
    turn: Arc<Mutex<()>>,
}

impl Compiler {
    /// Runs `work` when its turn comes. What it brings along is dropped when the caller leaves before that. The error is one line.
    pub async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, String> + Send + 'static,
    ) -> Result<T, String> {
        let turn = self.turn.clone().lock_owned().await;
        let threads = self.threads.get_or_init(start).as_ref().ok_or("the system gives no thread to compile on")?;
        let (sender, receiver) = oneshot::channel();
        threads.spawn(move || {
            let done = work();
            drop(turn);
            // Nobody may wait for it any more.
            let _ = sender.send(done);
        });
        receiver.await.map_err(|_| "the compiler broke down".to_owned())?
    }
}

fn start() -> Option<ThreadPool> {
    let cores = thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let builder = ThreadPoolBuilder::new().num_threads(threads(cores)).thread_name(|_| "wasm-compile".to_owned());
    // Whoever waits is told; without a handler the process would end.
    let built = builder.panic_handler(|_| tracing::error!("the compiler of WebAssembly broke down")).build();
    built.inspect_err(|error| tracing::error!(%error, "no threads to compile on")).ok()
}

/// Threads for so many cores.
fn threads(cores: usize) -> usize {
    cores.saturating_sub(1).max(1)
}

#[cfg(test)]
mod tests {
    use std::sync::{Mutex as Shared, mpsc};

    use super::*;

    #[test]
    fn a_core_is_left_to_others_where_there_are_two() {
        assert_eq!([1, 2, 3, 16].map(threads), [1, 1, 2, 15]);
    }

    #[tokio::test]
    async fn one_after_the_other_and_whoever_leaves_early_is_left_out() {
        let compiler = Arc::new(Compiler::default());
        let (go, gate) = mpsc::channel::<()>();
        let done = Arc::<Shared<Vec<u32>>>::default();
        let run = |number: u32, wait: Option<mpsc::Receiver<()>>| {
            let (compiler, done) = (compiler.clone(), done.clone());
            tokio::spawn(async move {
                let work = move || {
                    if let Some(wait) = wait {
                        wait.recv().unwrap();
                    }
                    done.lock().unwrap().push(number);
                    Ok(number)
                };
                compiler.run(work).await
            })
        };
        let first = run(1, Some(gate));
        while compiler.turn.try_lock().is_ok() {
            tokio::task::yield_now().await;
        }
        let second = run(2, None);
        tokio::task::yield_now().await;
        second.abort();
        assert!(second.await.unwrap_err().is_cancelled());
        // The first goes on although nobody waits for it.
        first.abort();
        assert!(first.await.unwrap_err().is_cancelled());
        let third = run(3, None);
        go.send(()).unwrap();
        assert_eq!(third.await.unwrap(), Ok(3));
        assert_eq!(*done.lock().unwrap(), [1, 3]);
    }

    #[tokio::test]
    async fn a_panic_costs_its_own_work_only() {
        let compiler = Compiler::default();
        let broken = compiler.run(|| -> Result<(), String> { panic!("on purpose") }).await;
        assert_eq!(broken, Err("the compiler broke down".to_owned()));
        assert_eq!(compiler.run(|| Ok(5)).await, Ok(5));
    }
}
