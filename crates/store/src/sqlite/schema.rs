//! Connections and the schema: pragmas, migrations.

use std::path::Path;

use rusqlite::{Connection, OpenFlags};

use super::config::{DATABASE_FILE, OpenError, SqliteConfig};

/// Every step of the schema, in order. A step that was released never changes; a change is a new step.
const MIGRATIONS: &[&str] = &[
    include_str!("migrations/0001_base.sql"),
    include_str!("migrations/0002_views.sql"),
    include_str!("migrations/0003_actors.sql"),
    include_str!("migrations/0004_versions.sql"),
];

/// Statements that stay prepared on each connection.
const STATEMENTS_KEPT: usize = 128;

/// The version this release writes.
pub(super) fn version() -> i64 {
    i64::try_from(MIGRATIONS.len()).expect("there are few migrations")
}

/// Opens the writer's connection and brings the schema up to date.
pub(super) fn open_writer(config: &SqliteConfig) -> Result<Connection, OpenError> {
    let failed = |source| OpenError::Database { directory: config.directory.clone(), source };
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = open(&config.directory, flags).map_err(failed)?;
    // Settings of the file come first: WAL cannot be switched on inside a transaction.
    connection.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(())).map_err(failed)?;
    connection
        .execute_batch("PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -16384; PRAGMA journal_size_limit = 67108864;")
        .map_err(failed)?;
    migrate(&connection, config)?;
    if let Some(bytes) = config.database_bytes_max {
        let size: i64 = connection.query_row("PRAGMA page_size", [], |row| row.get(0)).map_err(failed)?;
        let pages = i64::try_from(bytes).unwrap_or(i64::MAX) / size.max(1);
        connection.query_row(&format!("PRAGMA max_page_count = {pages}"), [], |_| Ok(())).map_err(failed)?;
    }
    Ok(connection)
}

/// Opens the connection that checkpoints run on.
pub(super) fn open_checkpointer(config: &SqliteConfig) -> Result<Connection, OpenError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    open(&config.directory, flags).map_err(|source| OpenError::Database { directory: config.directory.clone(), source })
}

/// Opens a connection that can only read.
pub(super) fn open_reader(config: &SqliteConfig) -> Result<Connection, OpenError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    open(&config.directory, flags).map_err(|source| OpenError::Database { directory: config.directory.clone(), source })
}

fn open(directory: &Path, flags: OpenFlags) -> rusqlite::Result<Connection> {
    let connection = Connection::open_with_flags(directory.join(DATABASE_FILE), flags)?;
    connection.busy_timeout(std::time::Duration::from_secs(10))?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_KEPT);
    Ok(connection)
}

fn migrate(connection: &Connection, config: &SqliteConfig) -> Result<(), OpenError> {
    let failed = |source| OpenError::Database { directory: config.directory.clone(), source };
    let found: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0)).map_err(failed)?;
    if found > version() {
        return Err(OpenError::NewerFormat { directory: config.directory.clone(), found, known: version() });
    }
    for (index, step) in MIGRATIONS.iter().enumerate().skip(usize::try_from(found).unwrap_or(0)) {
        // One transaction a step: a crash leaves the schema at a step, never between two.
        let text = format!("BEGIN EXCLUSIVE; {step} PRAGMA user_version = {}; COMMIT;", index + 1);
        connection.execute_batch(&text).map_err(failed)?;
    }
    Ok(())
}
