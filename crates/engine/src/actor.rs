//! What callers see of the durable state of functions, and do to it.

use bytes::Bytes;
use tidemill_core::{
    FunctionRef,
    ports::{StateRecord, StoreError},
};

use crate::engine::Engine;

impl Engine {
    /// The state of a function under `key`, which is empty for a function with one state. `None` while it has none.
    pub async fn state(&self, function: &FunctionRef, key: &str) -> Result<Option<StateRecord>, StoreError> {
        self.shared.ports.store.state(function, key).await
    }

    /// Replaces a state, or deletes it (`None`); with `expected` only if its version is that one (0: there is none). Returns
    /// the new version. An execution that runs meanwhile and changes the state has the last word.
    pub async fn put_state(
        &self,
        function: &FunctionRef,
        key: &str,
        value: Option<Bytes>,
        expected: Option<u64>,
    ) -> Result<u64, StoreError> {
        self.shared.ports.store.put_state(function, key, value, expected, self.shared.now()).await
    }
}
