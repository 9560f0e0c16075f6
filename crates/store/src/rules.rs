//! The few rules that both stores follow beyond carrying out what they are told.

use tidemill_core::{
    Timestamp,
    invocation::{Invocation, Status, Timings},
    ports::{EntryChange, EntryId, EntryKind, Expected, StoreError},
    time::micros,
};

/// Why an attempt whose lease ran out did not succeed.
pub(crate) const LEASE_LOST: &str = "interrupted: the node that ran it stopped or was lost";
/// Why a waiting invocation that was cancelled did not succeed.
pub(crate) const CANCELLED_WAITING: &str = "it was cancelled while it waited";

/// What a settlement makes of an invocation: one that somebody wants cancelled is not queued again.
pub(crate) fn settled_status(asked: Status, cancel_requested: bool) -> Result<Status, StoreError> {
    match asked {
        Status::Running => Err(StoreError::Conflict("an attempt cannot be settled as running".into())),
        Status::Queued if cancel_requested => Ok(Status::Cancelled),
        Status::Queued | Status::Succeeded | Status::Failed | Status::DeadLettered | Status::Cancelled => Ok(asked),
    }
}

/// What becomes of an invocation whose lease ran out; `interruptions` counts this one.
pub(crate) fn expired_status(cancel_requested: bool, interruptions: u32, interruptions_max: u32) -> Status {
    if cancel_requested {
        Status::Cancelled
    } else if interruptions >= interruptions_max {
        Status::DeadLettered
    } else {
        Status::Queued
    }
}

/// Adds the time from the end of the attempt until `now`, which was spent making the result durable.
pub(crate) fn with_commit(timings: Timings, attempt_finished_at: Timestamp, now: Timestamp) -> Timings {
    Timings { commit_us: timings.commit_us + micros_since(now, attempt_finished_at), ..timings }
}

/// Counts what is not accounted for between arrival and end as waiting, so that the parts add up to the whole.
pub(crate) fn with_rest_queued(timings: Timings, received_at: Timestamp, finished_at: Timestamp) -> Timings {
    let rest = micros_since(finished_at, received_at).saturating_sub(timings.total_us());
    Timings { queued_us: timings.queued_us + rest, ..timings }
}

/// Refuses to queue again what has not ended or cannot run because its body was not kept.
pub(crate) fn check_retry(status: Status, event_kept: bool) -> Result<(), StoreError> {
    if !status.is_final() {
        return Err(StoreError::Conflict(format!(
            "it is {}; only an invocation that has ended can run again",
            status.as_str()
        )));
    }
    if !event_kept {
        return Err(StoreError::Conflict("its event was not kept, so it cannot run again".into()));
    }
    Ok(())
}

/// The refusal to cancel what has ended.
pub(crate) fn ended(status: Status) -> StoreError {
    StoreError::Conflict(format!("it has ended already: it is {}", status.as_str()))
}

/// The refusal of a revision that is out of turn.
pub(crate) fn out_of_turn(newest: u32, given: u32) -> StoreError {
    StoreError::Conflict(format!("the next revision is {}, not {given}", newest + 1))
}

/// The refusal of a history record whose status is not final.
pub(crate) fn check_history(invocation: &Invocation) -> Result<(), StoreError> {
    if invocation.status.is_final() {
        Ok(())
    } else {
        Err(StoreError::Conflict(format!(
            "an invocation that is {} does not belong in the history",
            invocation.status.as_str()
        )))
    }
}

/// Refuses to put a state whose version is not the expected one. 0 is no state.
pub(crate) fn check_state_version(found: u64, expected: u64) -> Result<(), StoreError> {
    if found == expected {
        return Ok(());
    }
    Err(StoreError::Conflict(match (found, expected) {
        (0, _) => format!("there is no state, where version {expected} is expected"),
        (_, 0) => format!("there is a state of version {found} already"),
        (_, _) => format!("the state has version {found}, not {expected}"),
    }))
}

/// Refuses to change an entry that is not as expected. `found` is its version.
pub(crate) fn check_entry(change: &EntryChange, found: Option<u64>) -> Result<(), StoreError> {
    let problem = match (change.expected, found) {
        (Expected::Any, _) | (Expected::Absent, None) => return Ok(()),
        (Expected::Version(expected), Some(found)) if expected == found => return Ok(()),
        (Expected::Absent, Some(_)) => "exists already".to_owned(),
        (Expected::Version(_), None) => "does not exist".to_owned(),
        (Expected::Version(expected), Some(found)) => format!("has version {found}, not {expected}"),
    };
    let id = &change.id;
    Err(StoreError::Conflict(format!(
        "the {} {:?} of project {} {problem}",
        id.kind.as_str(),
        shown_name(id),
        id.project
    )))
}

/// An entry's name for people and logs. Who knows the name of a nonce can use it, so its end is left out.
fn shown_name(id: &EntryId) -> String {
    if id.kind != EntryKind::Nonce {
        return id.name.clone();
    }
    let shown = id.name.chars().count().saturating_sub(8);
    id.name.chars().take(shown).chain(['…']).collect()
}

fn micros_since(later: Timestamp, earlier: Timestamp) -> u64 {
    micros(later.since(earlier))
}
