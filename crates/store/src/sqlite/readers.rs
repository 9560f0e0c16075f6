//! Read-only connections, lent to blocking tasks.

use std::sync::Arc;

use parking_lot::Mutex;
use rusqlite::Connection;
use tidemill_core::ports::StoreError;
use tokio::sync::Semaphore;

use super::transaction::{Failure, Outcome, store_error};

/// A few connections; who finds none free waits.
pub(super) struct Readers {
    free: Arc<Mutex<Vec<Connection>>>,
    permits: Arc<Semaphore>,
}

impl Readers {
    pub(super) fn new(connections: Vec<Connection>) -> Readers {
        let permits = Arc::new(Semaphore::new(connections.len()));
        Readers { free: Arc::new(Mutex::new(connections)), permits }
    }

    /// Runs `read` in one read transaction, so that all its statements see the same state.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Connection) -> Outcome<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let failed = |error: &dyn std::fmt::Display| StoreError::Failed(error.to_string());
        let permit = Arc::clone(&self.permits).acquire_owned().await.map_err(|error| failed(&error))?;
        let free = Arc::clone(&self.free);
        let task = tokio::task::spawn_blocking(move || {
            // Dropped in reverse order, also when `read` panics: first the connection is free again, then the permit.
            let _permit = permit;
            let lent = Lent { connection: free.lock().pop(), free: &free };
            let connection = lent.connection.as_ref().expect("a permit stands for a free connection");
            in_transaction(connection, read)
        });
        match task.await {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(Failure::Refused(error))) => Err(error),
            Ok(Err(Failure::Sql(error))) => Err(store_error(&error)),
            Err(error) => Err(failed(&error)),
        }
    }
}

/// Goes back to where it was lent from.
struct Lent<'a> {
    connection: Option<Connection>,
    free: &'a Mutex<Vec<Connection>>,
}

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        let Some(connection) = self.connection.take() else { return };
        if !connection.is_autocommit()
            && let Err(error) = connection.execute_batch("ROLLBACK")
        {
            tracing::error!(%error, "a reader of the store could not end its transaction");
        }
        self.free.lock().push(connection);
    }
}

fn in_transaction<T>(connection: &Connection, read: impl FnOnce(&Connection) -> Outcome<T>) -> Outcome<T> {
    connection.prepare_cached("BEGIN")?.execute([])?;
    let result = read(connection);
    let ended = connection.prepare_cached("COMMIT").and_then(|mut commit| commit.execute([]));
    let value = result?;
    ended?;
    Ok(value)
}
