//! What a write sees of the open transaction.

use std::collections::HashMap;

use rusqlite::{CachedStatement, Connection, OptionalExtension, params};
use tidemill_core::{
    Timestamp,
    name::FunctionRef,
    ports::{Clock, StoreError},
};

use crate::blobs::BlobId;

/// Why a write did not happen.
pub(super) enum Failure {
    /// It was refused before it changed anything.
    Refused(StoreError),
    /// SQLite failed; the transaction must be rolled back.
    Sql(rusqlite::Error),
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        Failure::Sql(error)
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Failure::Refused(error)
    }
}

/// The result of a write.
pub(super) type Outcome<T> = Result<T, Failure>;

/// Maps names to row numbers. Valid within the writer; emptied whenever a transaction is rolled back.
pub(super) type FunctionIds = HashMap<FunctionRef, i64>;

/// The open transaction.
pub(super) struct Transaction<'a> {
    pub(super) connection: &'a Connection,
    pub(super) clock: &'a dyn Clock,
    pub(super) function_ids: &'a mut FunctionIds,
    /// Set by writes that delete or replace rows that may refer to blobs.
    pub(super) may_release_blobs: bool,
}

impl<'a> Transaction<'a> {
    /// A statement that stays prepared.
    pub(super) fn prepare(&self, sql: &'static str) -> rusqlite::Result<CachedStatement<'a>> {
        prepare(self.connection, sql)
    }

    /// Now.
    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The row number of a function.
    pub(super) fn function_id(&mut self, function: &FunctionRef) -> Outcome<i64> {
        if let Some(id) = self.function_ids.get(function) {
            return Ok(*id);
        }
        let id = self
            .prepare("SELECT id FROM functions WHERE project = ?1 AND name = ?2")?
            .query_row(params![function.project.as_str(), function.name.as_str()], |row| row.get(0))
            .optional()?
            .ok_or(StoreError::NotFound)?;
        self.function_ids.insert(function.clone(), id);
        Ok(id)
    }

    /// Forgets blobs that nothing refers to any more; their files may go after the commit.
    pub(super) fn take_released_blobs(&mut self) -> rusqlite::Result<Vec<BlobId>> {
        if !self.may_release_blobs {
            return Ok(Vec::new());
        }
        self.prepare("DELETE FROM blobs WHERE refs = 0 RETURNING digest")?
            .query_map([], |row| row.get(0).map(BlobId))?
            .collect()
    }
}

/// A statement that stays prepared, of those that must be quick whatever the tables hold.
pub(super) fn prepare<'a>(connection: &'a Connection, sql: &'static str) -> rusqlite::Result<CachedStatement<'a>> {
    #[cfg(test)]
    super::plans::check(connection, sql);
    connection.prepare_cached(sql)
}

/// Sorts what SQLite says into the store's errors.
pub(super) fn store_error(error: &rusqlite::Error) -> StoreError {
    use rusqlite::ffi;
    let Some(code) = error.sqlite_error().map(|error| error.extended_code) else {
        return StoreError::Failed(error.to_string());
    };
    match code {
        ffi::SQLITE_FULL | ffi::SQLITE_IOERR_WRITE | ffi::SQLITE_IOERR_SHMSIZE | ffi::SQLITE_IOERR_TRUNCATE => {
            StoreError::Full
        }
        _ => StoreError::Failed(error.to_string()),
    }
}
