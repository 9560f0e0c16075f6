//! How an actor goes: its record says so first, then its functions go, then the record itself; its share of the totals
//! stays. Whoever is interrupted in between is made up for by [`super::reconcile`].

use serde::{Deserialize, Serialize};
use tidemill_core::{
    FunctionName, ProjectName,
    ports::{EntryChange, EntryId, EntryKind, Expected, StoreError, Usage},
};
use tidemill_engine::Engine;

use super::{
    actor::{self, Stored},
    actors,
    envelope::Fault,
    record::{self, ActorRecord},
};

/// How often a change is tried again that somebody else's got in the way of.
const TRIES_MAX: u32 = 20;

/// What deleted actors of a project had used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Gone {
    /// Actors.
    pub(crate) actors: u64,
    /// Of them, those that had executions.
    pub(crate) actors_with_executions: u64,
    pub(crate) executions: u64,
    pub(crate) cpu_ns: u64,
    pub(crate) io_bytes: u64,
    pub(crate) run_us: u64,
}

impl Gone {
    /// Adds an actor.
    pub(crate) fn add(&mut self, usage: Usage) {
        self.actors += 1;
        self.actors_with_executions += u64::from(usage.executions > 0);
        self.executions += usage.executions;
        self.cpu_ns = self.cpu_ns.saturating_add(usage.cpu_ns);
        self.io_bytes = self.io_bytes.saturating_add(usage.io_bytes);
        self.run_us = self.run_us.saturating_add(usage.run_us);
    }

    /// Both together.
    pub(crate) fn plus(self, other: &Gone) -> Gone {
        Gone {
            actors: self.actors + other.actors,
            actors_with_executions: self.actors_with_executions + other.actors_with_executions,
            executions: self.executions + other.executions,
            cpu_ns: self.cpu_ns.saturating_add(other.cpu_ns),
            io_bytes: self.io_bytes.saturating_add(other.io_bytes),
            run_us: self.run_us.saturating_add(other.run_us),
        }
    }
}

fn total_id(project: &ProjectName) -> EntryId {
    EntryId { kind: EntryKind::Total, project: project.clone(), name: "abaco.gone".to_owned() }
}

/// What deleted actors of all projects had used.
pub(crate) async fn totals(engine: &Engine) -> Result<Gone, StoreError> {
    let mut sum = Gone::default();
    for entry in engine.registry().entries(EntryKind::Total, None).await? {
        if entry.id != total_id(&entry.id.project) {
            continue;
        }
        sum = sum.plus(&serde_json::from_value(entry.value).unwrap_or_default());
    }
    Ok(sum)
}

/// Deletes an actor.
pub(crate) async fn delete(engine: &Engine, project: &ProjectName, id: &FunctionName) -> Result<(), Fault> {
    for _ in 0..TRIES_MAX {
        let Some(Stored { record, version }) = actor::find(engine, project, id.as_str()).await? else {
            return Err(Fault::missing(format!("No actor found with identifier: {id}.")));
        };
        let record = ActorRecord { is_going: true, ..record };
        match engine.registry().change(vec![actor::write(project, &record, Expected::Version(version))]).await {
            Ok(()) => return finish(engine, project, &record).await,
            Err(StoreError::Conflict(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(StoreError::Stale.into())
}

/// Takes back an actor that never came to be: nothing of it counts.
pub(crate) async fn take_back(engine: &Engine, project: &ProjectName, record: &ActorRecord) -> Result<(), Fault> {
    actor::remove_all(engine, project, record).await?;
    engine.directory().forget(&record::object(project, &record.id)).await?;
    Ok(engine.registry().change(vec![actors::removal(record, project)]).await?)
}

/// Does what is left to do of a deletion.
pub(crate) async fn finish(engine: &Engine, project: &ProjectName, record: &ActorRecord) -> Result<(), Fault> {
    let function = record.function(project);
    let usage = match engine.store().usage(&function).await {
        Ok(usage) => usage,
        Err(StoreError::NotFound) => Usage::default(),
        Err(error) => return Err(error.into()),
    };
    actor::remove_all(engine, project, record).await?;
    engine.directory().forget(&record::object(project, &record.id)).await?;
    for _ in 0..TRIES_MAX {
        if actor::find(engine, project, record.id.as_str()).await?.is_none() {
            return Ok(());
        }
        let total = engine.registry().entry(&total_id(project)).await?;
        let expected = total.as_ref().map_or(Expected::Absent, |entry| Expected::Version(entry.version));
        let mut gone: Gone =
            total.map(|entry| serde_json::from_value(entry.value).unwrap_or_default()).unwrap_or_default();
        gone.add(usage);
        let value = Some(serde_json::to_value(gone).expect("numbers are plain data"));
        let total = EntryChange { id: total_id(project), value, expected };
        match engine.registry().change(vec![actors::removal(record, project), total]).await {
            Ok(()) => return Ok(()),
            Err(StoreError::Conflict(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(StoreError::Stale.into())
}
