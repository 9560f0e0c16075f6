//! Shields work that has begun from callers that hang up.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use tokio_util::task::TaskTracker;

/// A future that, when it is dropped after it has begun, is carried on to its end as a task of `tasks`, which count it from the
/// beginning.
///
/// Polled to its end in place it costs one allocation and no task.
pub struct Shield<T: Send + 'static> {
    work: Option<Pin<Box<dyn Future<Output = T> + Send>>>,
    has_begun: bool,
    tasks: TaskTracker,
}

impl<T: Send + 'static> Shield<T> {
    /// Shields `work`.
    pub fn new(work: impl Future<Output = T> + Send + 'static, tasks: &TaskTracker) -> Shield<T> {
        Shield { work: Some(Box::pin(tasks.track_future(work))), has_begun: false, tasks: tasks.clone() }
    }
}

impl<T: Send + 'static> Future for Shield<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        let this = &mut *self;
        this.has_begun = true;
        let work = this.work.as_mut().expect("a future is not polled after it is ready");
        match work.as_mut().poll(cx) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(value) => {
                this.work = None;
                Poll::Ready(value)
            }
        }
    }
}

impl<T: Send + 'static> Drop for Shield<T> {
    fn drop(&mut self) {
        // A panicking future must not be polled again.
        if let Some(work) = self.work.take()
            && self.has_begun
            && !std::thread::panicking()
            && tokio::runtime::Handle::try_current().is_ok()
        {
            self.tasks.spawn(work);
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;
    use tokio::sync::oneshot;

    use super::*;

    #[tokio::test]
    async fn work_that_has_begun_goes_on() {
        let tasks = TaskTracker::new();
        let (go, wait) = oneshot::channel::<()>();
        let (done, is_done) = oneshot::channel::<()>();
        let mut shield = Shield::new(
            async move {
                let _ = wait.await;
                let _ = done.send(());
            },
            &tasks,
        );
        assert!((&mut shield).now_or_never().is_none());
        assert!(!tasks.is_empty());
        drop(shield);
        assert!(!tasks.is_empty());
        go.send(()).expect("the work still waits");
        is_done.await.expect("the work is carried on");
    }

    #[tokio::test]
    async fn work_that_has_not_begun_is_dropped() {
        let tasks = TaskTracker::new();
        drop(Shield::new(async {}, &tasks));
        assert!(tasks.is_empty());
    }
}
