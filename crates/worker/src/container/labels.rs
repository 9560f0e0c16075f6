//! The labels that Tidemill's containers carry, by which they are found again.

use std::{collections::BTreeMap, str::FromStr};

use tidemill_core::{
    FunctionRef, InvocationId, RevisionNumber,
    ports::Launch,
    spec::{Contract, Runtime},
};

/// Which data folder a container belongs to. Two servers on one engine leave each other's alone.
pub(crate) const INSTANCE: &str = "tidemill.instance";
pub(crate) const FUNCTION: &str = "tidemill.function";
pub(crate) const REVISION: &str = "tidemill.revision";
pub(crate) const WORKER: &str = "tidemill.worker";
pub(crate) const INVOCATION: &str = "tidemill.invocation";
pub(crate) const ATTEMPT: &str = "tidemill.attempt";
pub(crate) const CONTRACT: &str = "tidemill.contract";
/// The image by the name that the author gave.
pub(crate) const IMAGE: &str = "tidemill.image";

/// The contract that a function's containers keep.
pub(crate) fn contract_of(launch: &Launch) -> Contract {
    match (&launch.spec.runtime, &launch.spec.container) {
        (Runtime::Image, Some(container)) => container.contract,
        (Runtime::Image, None) => Contract::Run,
        (
            Runtime::Python(_) | Runtime::Nodejs | Runtime::Shell | Runtime::Binary | Runtime::Wasm | Runtime::Webhook,
            Some(_) | None,
        ) => Contract::Worker,
    }
}

/// The labels of a container for `launch`.
pub(crate) fn of_worker(instance: &str, launch: &Launch) -> BTreeMap<String, String> {
    let image = launch.spec.container.as_ref().map(|container| container.image.clone()).unwrap_or_default();
    [
        (INSTANCE, instance.to_owned()),
        (FUNCTION, launch.function.to_string()),
        (REVISION, launch.revision.to_string()),
        (WORKER, launch.worker.to_string()),
        (CONTRACT, contract_of(launch).as_str().to_owned()),
        (IMAGE, image),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into()
}

/// The same for a container of one execution.
pub(crate) fn of_execution(
    instance: &str,
    launch: &Launch,
    invocation: InvocationId,
    attempt: u32,
) -> BTreeMap<String, String> {
    let mut labels = of_worker(instance, launch);
    labels.insert(INVOCATION.to_owned(), invocation.to_string());
    labels.insert(ATTEMPT.to_owned(), attempt.to_string());
    labels
}

/// The execution that a container is of; `None` for a long-lived container, or when the labels are not understood.
pub(crate) fn execution(labels: &BTreeMap<String, String>) -> Option<(InvocationId, FunctionRef, RevisionNumber)> {
    fn read<T: FromStr>(labels: &BTreeMap<String, String>, name: &str) -> Option<T> {
        labels.get(name)?.parse().ok()
    }
    if labels.get(CONTRACT).map(String::as_str) != Some(Contract::Run.as_str()) {
        return None;
    }
    Some((read(labels, INVOCATION)?, read(labels, FUNCTION)?, RevisionNumber(read(labels, REVISION)?)))
}
