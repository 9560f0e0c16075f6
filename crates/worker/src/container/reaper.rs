//! Finds containers again after a restart, and removes those that nobody wants.
//!
//! The *survey* is made once, before the first container of this process. Executions are kept for adoption, everything else of
//! this instance is removed. From then on a pass removes what has left the [`super::roster::Roster`]; there is none while
//! nothing has, so an idle server does not trouble the engine. A pass that fails is made again.

use std::{collections::BTreeMap, path::Path, sync::Arc, time::Duration};

use tokio_util::sync::CancellationToken;

use super::{
    driver::Shared,
    engine::{ContainerStatus, ContainerSummary, EngineError},
    labels,
    roster::Orphan,
    run::Folder,
};

/// Between two passes while there is something to remove.
const PERIOD: Duration = Duration::from_secs(10);

/// Runs until `stop`.
pub(crate) async fn run(shared: Arc<Shared>, stop: CancellationToken) {
    let mut is_pending = true;
    let mut is_told = false;
    loop {
        if is_pending || shared.roster.take_dirt() {
            let passed = tokio::select! {
                // A driver that closes makes its last pass itself.
                biased;
                () = stop.cancelled() => return,
                passed = pass(&shared) => passed,
            };
            is_pending = passed.is_err();
            match passed {
                // An engine that is away is told of elsewhere.
                Err(error) if !is_told && !error.is_outage() => {
                    is_told = true;
                    tracing::warn!(%error, "a container that nobody wants was not removed; it is tried again");
                }
                Err(error) => tracing::debug!(%error, "containers that nobody wants were not removed"),
                Ok(()) => is_told = false,
            }
        }
        let rest = async {
            if is_pending {
                tokio::time::sleep(PERIOD).await;
            } else {
                tokio::select! {
                    () = shared.roster.nudged() => {}
                    () = tokio::time::sleep(PERIOD) => {}
                }
            }
        };
        tokio::select! {
            biased;
            () = stop.cancelled() => return,
            () = rest => {}
        }
    }
}

/// How long the last pass may take.
const FINISH_TIMEOUT: Duration = Duration::from_secs(10);

/// Removes, at the end, what was let go. Orphans stay for the next process.
pub(crate) async fn finish(shared: &Arc<Shared>) {
    if shared.roster.take_dirt() && !matches!(tokio::time::timeout(FINISH_TIMEOUT, pass(shared)).await, Ok(Ok(()))) {
        tracing::info!("containers may be left; the next start removes them");
    }
}

async fn pass(shared: &Arc<Shared>) -> Result<(), EngineError> {
    shared.surveyed().await?;
    let mut doomed = shared.roster.doomed();
    let listed = own_containers(shared).await?;
    let mut passed = Ok(());
    for container in &listed {
        let is_kept = shared.config.leave_containers && container.status == ContainerStatus::Ended;
        let is_left = if is_kept || shared.roster.is_wanted(&container.name) {
            !is_kept
        } else if let Err(error) = shared.engine.remove(&container.id).await {
            // The others need not wait for it.
            passed = passed.and(Err(error));
            true
        } else {
            false
        };
        if is_left {
            doomed.remove(&container.name);
        } else {
            doomed.insert(container.name.clone());
        }
    }
    doomed.iter().for_each(|name| shared.roster.forget(name));
    sweep(shared).await;
    passed
}

async fn own_containers(shared: &Shared) -> Result<Vec<ContainerSummary>, EngineError> {
    let labels = BTreeMap::from([(labels::INSTANCE.to_owned(), shared.config.instance.clone())]);
    shared.engine.list(&labels).await
}

/// Looks what an earlier process has left.
pub(crate) async fn survey(shared: &Arc<Shared>) -> Result<(), EngineError> {
    let mut adoptable = 0;
    let containers = own_containers(shared).await?;
    let folders: Vec<_> = containers.iter().map(|container| shared.folder_of(&container.name)).collect();
    let looks = move || folders.iter().map(|folder| Folder::is_adoptable(folder)).collect::<Vec<_>>();
    // After a panic in it nothing is adopted.
    let whole = tokio::task::spawn_blocking(looks).await.unwrap_or_default();
    for (index, container) in containers.into_iter().enumerate() {
        let ContainerSummary { id, name, status, labels } = container;
        // Whoever told an end has removed the folder.
        let is_adoptable = status != ContainerStatus::Created && whole.get(index) == Some(&true);
        match labels::execution(&labels) {
            Some((invocation, function, revision)) if is_adoptable => {
                adoptable += 1;
                shared.roster.leave(invocation, Orphan { id, name, function, revision });
            }
            Some((invocation, function, revision)) if status == ContainerStatus::Running => {
                shared.roster.doom(invocation, Orphan { id, name, function, revision });
            }
            Some(_) | None => shared.roster.soil(),
        }
    }
    if adoptable > 0 {
        tracing::info!(containers = adoptable, "found containers of executions that an earlier process began");
    }
    Ok(())
}

/// Removes the folders of executions that are over.
async fn sweep(shared: &Arc<Shared>) {
    let shared = shared.clone();
    // A panic in it leaves folders for the next time.
    let _ = tokio::task::spawn_blocking(move || {
        let entries = std::fs::read_dir(&shared.config.runtime_dir);
        for entry in entries.into_iter().flatten().flatten() {
            let Ok(file_name) = entry.file_name().into_string() else { continue };
            if shared.is_folder_name(&file_name) && !shared.roster.is_wanted(&shared.container_name(&file_name)) {
                remove_folder(&entry.path());
            }
        }
    })
    .await;
}

/// Removes a folder. What cannot be removed is tried again in the next pass that is made.
pub(crate) fn remove_folder(folder: &Path) {
    if let Err(error) = std::fs::remove_dir_all(folder)
        && error.kind() != std::io::ErrorKind::NotFound
    {
        tracing::debug!(folder = %folder.display(), %error, "the folder of an execution was not removed");
    }
}
