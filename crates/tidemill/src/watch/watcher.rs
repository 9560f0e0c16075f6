//! The watcher: tells which paths have changed.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use notify::{RecommendedWatcher, RecursiveMode, Watcher as _};
use tokio::{
    sync::mpsc,
    time::{Instant, MissedTickBehavior, interval, timeout_at},
};

use super::fingerprint::Fingerprint;
use crate::package::Ignored;

/// A burst of writes has ended when nothing was written for so long.
pub const PAUSE: Duration = Duration::from_millis(60);
/// A burst that goes on is not waited for longer.
pub const BURST_MAX: Duration = Duration::from_millis(200);
/// How often every path is looked at whatever the system tells.
const SCAN: Duration = Duration::from_secs(2);
/// Nudges that wait; more say nothing new.
const NUDGES_MAX: usize = 64;

/// One path.
#[derive(Debug)]
pub struct Watched {
    /// As the user gave it.
    pub path: PathBuf,
    seen: Fingerprint,
}

impl Watched {
    /// Starts from the present state of `path`: only later changes count.
    pub fn new(path: PathBuf) -> Watched {
        let seen = Fingerprint::of(&path);
        Watched { path, seen }
    }
}

/// Watches paths.
pub struct Watcher {
    paths: Vec<Watched>,
    nudges: mpsc::Receiver<()>,
    scan: tokio::time::Interval,
    // Dropping it ends the system's notices.
    _notices: Option<RecommendedWatcher>,
}

impl Watcher {
    /// Begins to watch. Where the system gives no notices (the second value says why), the periodic look remains.
    pub fn start(paths: Vec<Watched>) -> (Watcher, Option<String>) {
        let (nudge, nudges) = mpsc::channel(NUDGES_MAX);
        let (notices, problem) = match notices(&paths, nudge) {
            Ok(notices) => (Some(notices), None),
            Err(error) => (None, Some(error.to_string())),
        };
        let mut scan = interval(SCAN);
        scan.set_missed_tick_behavior(MissedTickBehavior::Delay);
        (Watcher { paths, nudges, scan, _notices: notices }, problem)
    }

    /// Waits until files of some paths have changed and returns those paths. Dropping the future loses nothing.
    pub async fn changed(&mut self) -> Vec<PathBuf> {
        loop {
            let is_open = tokio::select! {
                biased;
                nudge = self.nudges.recv(), if !self.nudges.is_closed() => nudge.is_some(),
                _ = self.scan.tick() => false,
            };
            if is_open {
                self.pause().await;
            }
            let changed = self.compare().await;
            if !changed.is_empty() {
                return changed;
            }
        }
    }

    /// Waits until the burst of writes is over.
    async fn pause(&mut self) {
        let end = Instant::now() + BURST_MAX;
        loop {
            let until = end.min(Instant::now() + PAUSE);
            match timeout_at(until, self.nudges.recv()).await {
                Ok(Some(())) if Instant::now() < end => {}
                Ok(_) | Err(_) => return,
            }
        }
    }

    async fn compare(&mut self) -> Vec<PathBuf> {
        let paths: Vec<PathBuf> = self.paths.iter().map(|watched| watched.path.clone()).collect();
        let look = move || paths.iter().map(|path| Fingerprint::of(path)).collect::<Vec<_>>();
        // A look that panicked would be a fault of ours; the next one tells again.
        let Ok(present) = tokio::task::spawn_blocking(look).await else { return Vec::new() };
        let mut changed = Vec::new();
        for (watched, now) in self.paths.iter_mut().zip(present) {
            if watched.seen != now {
                watched.seen = now;
                changed.push(watched.path.clone());
            }
        }
        changed
    }
}

/// Asks the system for notices. A file is watched through its folder, because editors replace files when they save.
fn notices(paths: &[Watched], nudge: mpsc::Sender<()>) -> notify::Result<RecommendedWatcher> {
    let roots: Vec<(PathBuf, Ignored)> = paths
        .iter()
        .filter_map(|watched| std::fs::canonicalize(&watched.path).ok())
        .map(|path| if path.is_dir() { path } else { path.parent().map_or(path.clone(), Path::to_owned) })
        .map(|root| (root.clone(), Ignored::of(&root)))
        .collect();
    let folders = roots.clone();
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        let matters = event.map_or(true, |event| !event.kind.is_access() && is_of_interest(&roots, &event.paths));
        if matters {
            // A full channel already holds a nudge.
            let _ = nudge.try_send(());
        }
    })?;
    for (watched, (folder, _)) in paths.iter().zip(&folders) {
        let mode = if watched.path.is_dir() { RecursiveMode::Recursive } else { RecursiveMode::NonRecursive };
        watcher.watch(folder, mode)?;
    }
    Ok(watcher)
}

/// Whether one of `changed` could be packed.
fn is_of_interest(roots: &[(PathBuf, Ignored)], changed: &[PathBuf]) -> bool {
    changed.is_empty()
        || changed.iter().any(|path| {
            roots.iter().any(|(root, ignored)| match path.strip_prefix(root).ok().and_then(Path::to_str) {
                Some(relative) => !ignored.leaves_out_path(relative),
                None => false,
            })
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn changes_are_told_once_and_leavings_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("main.py");
        std::fs::write(&file, "1").unwrap();
        let other = tempfile::tempdir().unwrap();
        let paths = [file.clone(), other.path().to_owned()].map(Watched::new);
        let (mut watcher, problem) = Watcher::start(paths.into());
        assert_eq!(problem, None);
        std::fs::write(other.path().join(".x.swp"), "noise").unwrap();
        std::fs::write(&file, "22").unwrap();
        let changed = tokio::time::timeout(Duration::from_secs(20), watcher.changed()).await.unwrap();
        assert_eq!(changed, [file]);
        std::fs::write(other.path().join("x.js"), "1").unwrap();
        let changed = tokio::time::timeout(Duration::from_secs(20), watcher.changed()).await.unwrap();
        assert_eq!(changed, [other.path().to_owned()]);
    }
}
