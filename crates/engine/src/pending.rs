//! Which revisions still wait for their first worker, beyond the life of a node.
//!
//! A revision deployed with [`Readiness::Later`](crate::Readiness) serves before any worker of it was ready. The registry
//! remembers such a revision until one is, so that a restart goes on trying, and nobody takes for ready what never was.

use std::{collections::BTreeSet, sync::Arc};

use serde_json::json;
use tidemill_core::{
    FunctionRef, RevisionNumber,
    ports::{EntryChange, EntryId, EntryKind, Expected, StoreError},
};

use crate::shared::Shared;

fn id(function: &FunctionRef) -> EntryId {
    EntryId { kind: EntryKind::Readiness, project: function.project.clone(), name: function.name.to_string() }
}

/// Remembers that `revision` has had no worker yet.
pub(crate) async fn remember(
    shared: &Shared,
    function: &FunctionRef,
    revision: RevisionNumber,
) -> Result<(), StoreError> {
    let value = Some(json!({ "revision": revision }));
    shared.ports.registry.change(vec![EntryChange { id: id(function), value, expected: Expected::Any }]).await
}

/// A worker of `revision` has become ready, or the function is gone.
pub(crate) async fn settled(shared: &Arc<Shared>, function: &FunctionRef, revision: RevisionNumber) {
    let registry = &shared.ports.registry;
    let forgotten = async {
        let Some(entry) = registry.entry(&id(function)).await? else { return Ok(()) };
        if entry.value["revision"] != json!(revision) {
            return Ok(());
        }
        let expected = Expected::Version(entry.version);
        registry.change(vec![EntryChange { id: id(function), value: None, expected }]).await
    };
    if let Err(error) = forgotten.await {
        // After a restart a worker is started once more than needed.
        tracing::warn!(%function, %error, "that a worker has become ready could not be remembered");
    }
}

/// The function is gone.
pub(crate) async fn forget(shared: &Shared, function: &FunctionRef) -> Result<(), StoreError> {
    let change = EntryChange { id: id(function), value: None, expected: Expected::Any };
    shared.ports.registry.change(vec![change]).await
}

/// All that still wait.
pub(crate) async fn all(shared: &Shared) -> Result<BTreeSet<(FunctionRef, RevisionNumber)>, StoreError> {
    let entries = shared.ports.registry.entries(EntryKind::Readiness, None).await?;
    let read = |entry: tidemill_core::ports::Entry| {
        let revision = serde_json::from_value(entry.value["revision"].clone()).ok()?;
        Some((FunctionRef::new(entry.id.project, entry.id.name.parse().ok()?), revision))
    };
    Ok(entries.into_iter().filter_map(read).collect())
}
