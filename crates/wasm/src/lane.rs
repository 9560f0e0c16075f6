//! Where calls that compute for long go on, so that they hold up nobody else.
//!
//! A call begins on the thread that brought it: most end within microseconds, and handing them over would cost more than
//! running them. One that has computed for some milliseconds moves to threads of its own kind, where the system divides the
//! cores between them and the threads that wait for sockets.

use std::{future::poll_fn, pin::Pin, sync::OnceLock, task::Poll};

use tokio::runtime::{Builder, Handle, Runtime};

use crate::guest::Pace;

/// See the module.
pub(crate) struct Lane {
    threads: usize,
    runtime: OnceLock<Option<Runtime>>,
}

/// Ends a task whose call has been given up.
struct Leash<T>(tokio::task::JoinHandle<T>);

impl<T> Drop for Leash<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Lane {
    /// A lane of so many threads, one a core for 0. They are started when they are first needed.
    pub fn new(threads: usize) -> Lane {
        Lane { threads, runtime: OnceLock::new() }
    }

    fn handle(&self) -> Option<&Handle> {
        let start = || {
            let mut builder = Builder::new_multi_thread();
            if self.threads > 0 {
                builder.worker_threads(self.threads);
            }
            builder.thread_name("wasm").enable_all().build().ok()
        };
        self.runtime.get_or_init(start).as_ref().map(Runtime::handle)
    }

    /// Runs `run` to its end, here or, once it is long, over there. `None` when it panicked over there.
    pub async fn attend<T: Send + 'static>(
        &self,
        mut run: Pin<Box<dyn Future<Output = T> + Send>>,
        pace: &Pace,
    ) -> Option<T> {
        let early = poll_fn(|context| match run.as_mut().poll(context) {
            Poll::Ready(end) => Poll::Ready(Some(end)),
            Poll::Pending if pace.is_long() => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        });
        match (early.await, self.handle()) {
            (Some(end), _) => Some(end),
            (None, Some(there)) => {
                let mut task = Leash(there.spawn(run));
                (&mut task.0).await.ok()
            }
            (None, None) => Some(run.await),
        }
    }
}

impl Drop for Lane {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take().flatten() {
            // It may be dropped where waiting for threads is not allowed.
            runtime.shutdown_background();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_long_run_goes_on_elsewhere_with_all_it_needs() {
        let (lane, pace) = (Lane::new(1), Pace::default());
        let of_run = pace.clone();
        let run = Box::pin(async move {
            let here = std::thread::current().id();
            while !of_run.is_long() {
                of_run.tick().unwrap();
            }
            tokio::task::yield_now().await;
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
            (here != std::thread::current().id(), listener.local_addr().is_ok())
        });
        assert_eq!(lane.attend(run, &pace).await, Some((true, true)));
    }

    #[tokio::test]
    async fn a_short_run_stays() {
        let here = std::thread::current().id();
        let run = Box::pin(async move {
            tokio::task::yield_now().await;
            here == std::thread::current().id()
        });
        assert_eq!(Lane::new(1).attend(run, &Pace::default()).await, Some(true));
    }
}
