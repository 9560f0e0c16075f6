//! Which names mean functions, and who may change that.

use tidemill_core::{FunctionRef, ProjectName};
use tokio::sync::MutexGuard;

use super::Directory;

/// Which functions there are.
pub trait Functions: Send + Sync {
    /// Whether there is this one.
    fn has(&self, function: &FunctionRef) -> bool;
}

/// While one has it, nobody else gives out or takes back the name of a function or an alias, or makes a nonce.
pub(crate) struct Naming<'a> {
    _guard: MutexGuard<'a, ()>,
}

impl Directory {
    /// Waits until nobody else has it.
    pub(crate) async fn naming(&self) -> Naming<'_> {
        Naming { _guard: self.names.lock().await }
    }

    /// Whether a name means a function.
    pub(super) fn is_function(&self, project: &ProjectName, name: &str) -> bool {
        name.parse().is_ok_and(|name| self.functions.has(&FunctionRef::new(project.clone(), name)))
    }
}
