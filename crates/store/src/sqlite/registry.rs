//! The registry's entries.

use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension, Row, params};
use tidemill_core::{
    name::ProjectName,
    ports::{Entry, EntryChange, EntryId, EntryKind, Registry, StoreError},
};

use super::{
    rows,
    store::SqliteStore,
    transaction::{Outcome, Transaction},
};
use crate::rules;

/// A change whose value is JSON.
struct Prepared {
    change: EntryChange,
    value: Option<String>,
}

/// What one caller changes.
struct Changes(Vec<Prepared>);

fn prepare(changes: Vec<EntryChange>) -> Result<Changes, StoreError> {
    let prepared = changes.into_iter().map(|mut change| {
        let value = change.value.take().as_ref().map(rows::to_json).transpose()?;
        Ok(Prepared { change, value })
    });
    prepared.collect::<Result<_, _>>().map(Changes)
}

/// Makes all changes if what each expects was so before the first.
fn change(transaction: &mut Transaction<'_>, changes: &Changes) -> Outcome<()> {
    for Prepared { change, .. } in &changes.0 {
        let EntryId { kind, project, name } = &change.id;
        let found = transaction
            .prepare("SELECT version FROM entries WHERE kind = ?1 AND project = ?2 AND name = ?3")?
            .query_row(params![kind.as_str(), project.as_str(), name], |row| rows::count(row, 0))
            .optional()?;
        rules::check_entry(change, found)?;
    }
    for Prepared { change, value } in &changes.0 {
        let EntryId { kind, project, name } = &change.id;
        match value {
            Some(value) => transaction
                .prepare(
                    "INSERT INTO entries (kind, project, name, version, value)
                     VALUES (?1, ?2, ?3, (SELECT value + 1 FROM meta WHERE name = 'entry_floor'), ?4)
                     ON CONFLICT (kind, project, name) DO UPDATE SET version = version + 1, value = excluded.value",
                )?
                .execute(params![kind.as_str(), project.as_str(), name, value])?,
            None => transaction
                .prepare("DELETE FROM entries WHERE kind = ?1 AND project = ?2 AND name = ?3")?
                .execute(params![kind.as_str(), project.as_str(), name])?,
        };
    }
    Ok(())
}

fn one(connection: &Connection, id: &EntryId) -> Outcome<Option<Entry>> {
    let found = connection
        .prepare_cached(
            "SELECT project, name, version, value FROM entries WHERE kind = ?1 AND project = ?2 AND name = ?3",
        )?
        .query_row(params![id.kind.as_str(), id.project.as_str(), id.name], |row| entry(row, id.kind))
        .optional()?;
    Ok(found)
}

fn list(connection: &Connection, kind: EntryKind, project: Option<&ProjectName>) -> Outcome<Vec<Entry>> {
    let read = |row: &Row<'_>| entry(row, kind);
    let entries = match project {
        None => connection
            .prepare_cached("SELECT project, name, version, value FROM entries WHERE kind = ?1 ORDER BY project, name")?
            .query_map([kind.as_str()], read)?
            .collect::<Result<_, _>>()?,
        Some(project) => connection
            .prepare_cached(
                "SELECT project, name, version, value FROM entries WHERE kind = ?1 AND project = ?2 ORDER BY name",
            )?
            .query_map([kind.as_str(), project.as_str()], read)?
            .collect::<Result<_, _>>()?,
    };
    Ok(entries)
}

fn list_in(connection: &Connection, kind: EntryKind, project: &ProjectName, folder: &str) -> Outcome<Vec<Entry>> {
    // `0` follows `/`.
    let (from, to) = (format!("{folder}/"), format!("{folder}0"));
    let entries = connection
        .prepare_cached(
            "SELECT project, name, version, value FROM entries
             WHERE kind = ?1 AND project = ?2 AND name >= ?3 AND name < ?4 ORDER BY name",
        )?
        .query_map(params![kind.as_str(), project.as_str(), from, to], |row| entry(row, kind))?
        .collect::<Result<_, _>>()?;
    Ok(entries)
}

fn entry(row: &Row<'_>, kind: EntryKind) -> rusqlite::Result<Entry> {
    Ok(Entry {
        id: EntryId { kind, project: rows::parsed(row, 0)?, name: row.get(1)? },
        version: rows::count(row, 2)?,
        value: rows::json(row, 3)?,
    })
}

#[async_trait]
impl Registry for SqliteStore {
    async fn entry(&self, id: &EntryId) -> Result<Option<Entry>, StoreError> {
        let id = id.clone();
        self.readers.read(move |connection| one(connection, &id)).await
    }

    async fn entries(&self, kind: EntryKind, project: Option<&ProjectName>) -> Result<Vec<Entry>, StoreError> {
        let project = project.cloned();
        self.readers.read(move |connection| list(connection, kind, project.as_ref())).await
    }

    async fn entries_in(&self, kind: EntryKind, project: &ProjectName, folder: &str) -> Result<Vec<Entry>, StoreError> {
        let (project, folder) = (project.clone(), folder.to_owned());
        self.readers.read(move |connection| list_in(connection, kind, &project, &folder)).await
    }

    async fn change(&self, changes: Vec<EntryChange>) -> Result<(), StoreError> {
        self.write(prepare(changes)?, change).await
    }
}
