//! Why the engine refuses. One enum an operation; the caller of the API sees these texts.

use std::time::Duration;

use tidemill_core::{
    FunctionRef, RevisionNumber,
    manifest::ManifestError,
    ports::{BuildError, LaunchError, StoreError},
};

use crate::directory::DirectoryError;

/// Why a synchronous call brought no response of the function.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// There is no such function.
    #[error("there is no function {0}")]
    NoFunction(FunctionRef),
    /// It is paused.
    #[error("function {0} is paused")]
    Paused(FunctionRef),
    /// No worker became free in time.
    #[error("no worker of {function} {}", free_within(*waited))]
    NoWorker {
        /// The function.
        function: FunctionRef,
        /// How long the call waited: as long as its trigger allows, or less when too many waited already.
        waited: Duration,
    },
    /// No worker could be started.
    #[error("no worker of {function} could be started: {reason}")]
    Launch {
        /// The function.
        function: FunctionRef,
        /// Why, for the author of the function.
        reason: String,
    },
    /// Somebody took it out of the queue before it had ended.
    #[error("the call of {0} was taken out of its queue")]
    Removed(FunctionRef),
    /// The server is stopping.
    #[error("the server is stopping")]
    Stopping,
    /// It could not be stored, or what is stored for it could not be read.
    #[error("the call of {function} could not be kept: {source}")]
    Store {
        /// The function.
        function: FunctionRef,
        /// What the store said.
        source: StoreError,
    },
    /// The events that the response makes for other functions could not be stored.
    #[error("the response of {function} could not be handed to its subscribers: {source}")]
    Emit {
        /// The function.
        function: FunctionRef,
        /// What the store said.
        source: StoreError,
    },
}

/// Why an event was not accepted.
#[derive(Debug, thiserror::Error)]
pub enum SubmitError {
    /// There is no such function.
    #[error("there is no function {0}")]
    NoFunction(FunctionRef),
    /// Its queue holds as much as it may.
    #[error("the queue of {function} is full: {pending} invocations wait")]
    QueueFull {
        /// The function.
        function: FunctionRef,
        /// How many wait.
        pending: u64,
    },
    /// The server is stopping.
    #[error("the server is stopping")]
    Stopping,
    /// The store refused.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why a deployment, a rollback or another change of a function did not take place. What served before still serves.
#[derive(Debug, thiserror::Error)]
pub enum DeployError {
    /// Its configuration is wrong.
    #[error("{0}")]
    Manifest(#[from] ManifestError),
    /// Its package or its environment could not be made ready.
    #[error("{0}")]
    Build(#[from] BuildError),
    /// Its worker did not become ready.
    #[error("the new revision of {function} did not become ready: {source}")]
    Launch {
        /// The function.
        function: FunctionRef,
        /// Why.
        source: LaunchError,
    },
    /// Its image could not be built.
    #[error("no image of {function} could be built: {source}")]
    Image {
        /// The function.
        function: FunctionRef,
        /// Why.
        source: LaunchError,
    },
    /// Another function has this address already.
    #[error("{path} is already an address of function {owner}")]
    AddressTaken {
        /// The path, with its host when it has one.
        path: String,
        /// Whose it is.
        owner: FunctionRef,
    },
    /// It would be a new function, and an alias has its name.
    #[error("{0} is an alias already")]
    IsAlias(FunctionRef),
    /// Somebody else's function has that name by now.
    #[error("{0} was deployed by somebody else")]
    IsOthers(FunctionRef),
    /// There is no such function.
    #[error("there is no function {0}")]
    NoFunction(FunctionRef),
    /// There is no such revision.
    #[error("function {function} has no revision {revision}")]
    NoRevision {
        /// The function.
        function: FunctionRef,
        /// The number.
        revision: RevisionNumber,
    },
    /// There is nothing to go back to.
    #[error("function {0} has no earlier revision to go back to")]
    NothingEarlier(FunctionRef),
    /// The server is stopping.
    #[error("the server is stopping")]
    Stopping,
    /// The store refused.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<DirectoryError> for DeployError {
    fn from(error: DirectoryError) -> DeployError {
        DeployError::Store(match error {
            DirectoryError::Store(source) => source,
            DirectoryError::NotFound => StoreError::NotFound,
            other => StoreError::Conflict(other.to_string()),
        })
    }
}

fn free_within(waited: Duration) -> String {
    let millis = waited.as_millis();
    match millis {
        0 => "is free, and no more calls may wait for one".to_owned(),
        1..1000 => format!("became free within {millis} ms"),
        _ => {
            let tenths = (millis + 50) / 100;
            let fraction = if tenths.is_multiple_of(10) { String::new() } else { format!(".{}", tenths % 10) };
            format!("became free within {}{fraction} s", tenths / 10)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_told_as_people_say_it() {
        for (micros, text) in [
            (10_000_934, "became free within 10 s"),
            (1_500_000, "became free within 1.5 s"),
            (300_999, "became free within 300 ms"),
            (3, "is free, and no more calls may wait for one"),
        ] {
            assert_eq!(free_within(Duration::from_micros(micros)), text);
        }
    }
}
