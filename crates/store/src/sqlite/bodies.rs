//! Where bodies lie: in the row when small, else in a blob.

use std::sync::Arc;

use bytes::Bytes;
use rusqlite::{params, types::Null};
use tidemill_core::{limits::INLINE_BODY_BYTES_MAX, ports::StoreError};

use super::transaction::Transaction;
use crate::blobs::{BlobId, DirBlobs, Pin};

/// A body ready to be referred to by a row.
pub(super) enum Body {
    /// Goes into the row.
    Inline(Bytes),
    /// Is on disk, and stays there while this lives.
    Blob(Pin, u64),
    /// Was not kept.
    Absent,
}

impl Body {
    /// The row's `body`.
    pub(super) fn inline(&self) -> Option<&[u8]> {
        match self {
            Body::Inline(bytes) => Some(bytes),
            Body::Blob(..) | Body::Absent => None,
        }
    }

    /// The row's `digest`.
    pub(super) fn digest(&self) -> Option<[u8; 32]> {
        match self {
            Body::Blob(pin, _) => Some(pin.id().0),
            Body::Inline(_) | Body::Absent => None,
        }
    }

    /// Counts the reference that a row makes.
    pub(super) fn count(&self, transaction: &Transaction<'_>) -> rusqlite::Result<()> {
        if let Body::Blob(pin, size) = self {
            transaction
                .prepare(
                    "INSERT INTO blobs (digest, size, refs) VALUES (?1, ?2, 1)
                     ON CONFLICT (digest) DO UPDATE SET refs = refs + 1",
                )?
                .execute(params![pin.id().0, i64::try_from(*size).unwrap_or(i64::MAX)])?;
        }
        Ok(())
    }
}

impl rusqlite::ToSql for Body {
    fn to_sql(&self) -> rusqlite::Result<rusqlite::types::ToSqlOutput<'_>> {
        match self.inline() {
            Some(bytes) => Ok(bytes.into()),
            None => Ok(Null.into()),
        }
    }
}

/// A body as a row tells it.
pub(super) enum StoredBody {
    Inline(Bytes),
    Blob(BlobId),
    Absent,
}

impl StoredBody {
    /// From the columns `body` and `digest`.
    pub(super) fn from_columns(body: Option<Vec<u8>>, digest: Option<[u8; 32]>) -> StoredBody {
        match (body, digest) {
            (Some(body), _) => StoredBody::Inline(body.into()),
            (None, Some(digest)) => StoredBody::Blob(BlobId(digest)),
            (None, None) => StoredBody::Absent,
        }
    }

    /// The body if it lies in the row.
    pub(super) fn inline(self) -> Option<Bytes> {
        match self {
            StoredBody::Inline(bytes) => Some(bytes),
            StoredBody::Blob(_) | StoredBody::Absent => None,
        }
    }
}

/// Makes large bodies durable; keeps small ones for the row.
pub(super) async fn keep(blobs: &Arc<DirBlobs>, body: Bytes) -> Result<Body, StoreError> {
    if body.len() <= INLINE_BODY_BYTES_MAX {
        return Ok(Body::Inline(body));
    }
    let size = body.len() as u64;
    let blobs = Arc::clone(blobs);
    let put = tokio::task::spawn_blocking(move || blobs.put(&body));
    match put.await {
        Ok(Ok(pin)) => Ok(Body::Blob(pin, size)),
        Ok(Err(error)) if error.kind() == std::io::ErrorKind::StorageFull => Err(StoreError::Full),
        Ok(Err(error)) => Err(StoreError::Failed(format!("a body could not be written: {error}"))),
        Err(error) => Err(StoreError::Failed(error.to_string())),
    }
}

/// Reads a body. `None` when it was not kept.
pub(super) async fn fetch(blobs: &Arc<DirBlobs>, body: StoredBody) -> Result<Option<Bytes>, StoreError> {
    let id = match body {
        StoredBody::Inline(bytes) => return Ok(Some(bytes)),
        StoredBody::Absent => return Ok(None),
        StoredBody::Blob(id) => id,
    };
    let blobs = Arc::clone(blobs);
    match tokio::task::spawn_blocking(move || blobs.get(&id)).await {
        Ok(Ok(bytes)) => Ok(Some(bytes)),
        // Pruned between reading the row and reading the file.
        Ok(Err(error)) if error.kind() == std::io::ErrorKind::NotFound => Err(StoreError::NotFound),
        Ok(Err(error)) => Err(StoreError::Failed(format!("the body in blob {id} could not be read: {error}"))),
        Err(error) => Err(StoreError::Failed(error.to_string())),
    }
}
