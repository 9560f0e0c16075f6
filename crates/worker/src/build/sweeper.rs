//! Ending and removing what builds leave behind, without keeping whoever dropped it waiting.
//!
//! A build is given up by dropping it: it failed, or nobody waits for it any more. Its processes must end then, and its folders be
//! removed, which takes as long as a stranger's program has made it take. So drops hand that over. What belongs to one
//! environment goes on in the order in which it was handed over, so that its processes have ended before its folders are removed; what belongs to
//! different ones does not wait for each other. Each has a thread while there is something to do: at most one for each build
//! that may go on, because a build holds its permit and its turn until its leftovers are gone.
//!
//! A server that ends waits for these threads, but not for ever. What they have left then is removed at the next start.

use std::{
    collections::{BTreeMap, VecDeque},
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use parking_lot::{Condvar, Mutex};

type Work = Box<dyn FnOnce() + Send>;

#[derive(Default)]
struct Queues {
    /// For each environment that has a thread what that is still to do.
    open: Mutex<BTreeMap<PathBuf, VecDeque<Work>>>,
    /// One of them has nothing to do any more.
    closed: Condvar,
}

/// See the module. Clones are the same.
#[derive(Clone, Default)]
pub(crate) struct Sweeper {
    queues: Arc<Queues>,
}

impl Sweeper {
    /// Does `work`, which may block, after whatever else was handed over for the environment in `folder`.
    pub fn hand_over(&self, folder: &Path, work: impl FnOnce() + Send + 'static) {
        let mut queues = self.queues.open.lock();
        if let Some(queue) = queues.get_mut(folder) {
            queue.push_back(Box::new(work));
            return;
        }
        queues.insert(folder.to_owned(), VecDeque::from([Box::new(work) as Work]));
        drop(queues);
        let (shared, own) = (self.queues.clone(), folder.to_owned());
        let started = thread::Builder::new().name("build-sweeper".to_owned()).spawn(move || sweep(&shared, &own));
        if started.is_err() {
            // It is better done late than not at all.
            sweep(&self.queues, folder);
        }
    }

    /// Blocks until all that was handed over is done, for so long at most.
    pub fn wait(&self, limit: Duration) {
        let until = Instant::now() + limit;
        let mut open = self.queues.open.lock();
        while !open.is_empty() && !self.queues.closed.wait_until(&mut open, until).timed_out() {}
    }
}

fn sweep(queues: &Queues, folder: &Path) {
    let next = || {
        let mut open = queues.open.lock();
        let work = open.get_mut(folder).and_then(VecDeque::pop_front);
        if work.is_none() {
            open.remove(folder);
            queues.closed.notify_all();
        }
        work
    };
    while let Some(work) = next() {
        if catch_unwind(AssertUnwindSafe(work)).is_err() {
            tracing::error!(folder = %folder.display(), "what a build has left could not be swept");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn what_belongs_to_one_environment_keeps_its_order_and_others_do_not_wait() {
        let sweeper = Sweeper::default();
        let (said, heard) = mpsc::channel();
        let (go_on, wait) = mpsc::channel::<()>();
        let say = |word: &'static str| {
            let said = said.clone();
            move || said.send(word).unwrap()
        };
        sweeper.hand_over(Path::new("/a"), move || wait.recv().unwrap());
        sweeper.hand_over(Path::new("/a"), || panic!("it fails"));
        sweeper.hand_over(Path::new("/a"), say("first"));
        sweeper.hand_over(Path::new("/a"), say("second"));
        sweeper.hand_over(Path::new("/b"), say("other"));
        assert_eq!(heard.recv().unwrap(), "other");
        go_on.send(()).unwrap();
        assert_eq!([heard.recv().unwrap(), heard.recv().unwrap()], ["first", "second"]);
        sweeper.wait(Duration::from_secs(60));
        assert!(sweeper.queues.open.lock().is_empty());
    }
}
