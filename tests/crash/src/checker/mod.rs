//! Compares what was promised with what is found and what was done. Pure: the same observation gives the same violations.
//!
//! | Part | What it holds the server to |
//! |---|---|
//! | `kept` | every promised invocation is found and succeeded, and its event ran at least once |
//! | `settled` | an invocation succeeds in exactly one attempt, its last; attempts are numbered without a gap |
//! | `once` | an event is one invocation, and an idempotency key is one invocation |
//! | `order` | events of a key begin in the order they were submitted; runs of a key, or of an invocation, never overlap |
//! | `chain` | a response makes exactly one invocation of each subscriber |
//!
//! What it does not hold it to: an attempt that was cut short may have had its effect, so effects repeat. They repeat next to
//! each other for a key, never later.

mod chain;
mod kept;
mod once;
mod order;
mod settled;
#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, fmt};

use crate::{effects::Effect, history::Record};

/// One ended attempt as the server tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// Its number.
    pub number: u32,
    /// How it ended.
    pub outcome: String,
}

/// One invocation as the server tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invocation {
    /// Its function.
    pub function: String,
    /// Its status.
    pub status: String,
    /// Why it did not succeed.
    pub reason: String,
    /// Its idempotency key.
    pub idempotency_key: Option<String>,
    /// The invocation whose response is its event.
    pub parent: Option<String>,
    /// Attempts begun.
    pub begun: u32,
    /// Attempts ended, in order.
    pub attempts: Vec<Attempt>,
}

/// All that is known when a storm is over.
#[derive(Clone, Debug, Default)]
pub struct Observation {
    /// What was asked and promised.
    pub record: Record,
    /// Every invocation that the server knows, by id.
    pub invocations: BTreeMap<String, Invocation>,
    /// What functions did, in order.
    pub effects: Vec<Effect>,
    /// Function and subscriber.
    pub subscriptions: Vec<(String, String)>,
}

/// A broken promise.
#[expect(missing_docs, reason = "the members of a violation are explained by its own line")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Violation {
    /// A promised invocation is not known.
    Lost { id: String },
    /// A promised invocation did not succeed.
    NotSucceeded { id: String, status: String, reason: String },
    /// It succeeded and never ran to its end.
    NoEffect { payload: String },
    /// Something ran that nobody asked for.
    Phantom { payload: String },
    /// Something ran under an invocation that is not known.
    Unknown { invocation: String },
    /// Not exactly one attempt succeeded, or it was not the last.
    SettledTwice { id: String, outcomes: Vec<String> },
    /// Attempts are not numbered from 1 without a gap.
    AttemptNumbers { id: String, numbers: Vec<u32>, begun: u32 },
    /// One event became several invocations.
    Doubled { payload: String, invocations: Vec<String> },
    /// One idempotency key stands for several invocations.
    IdempotencyKey { key: String, invocations: Vec<String> },
    /// Of a key, `second` began after `first`, which it precedes.
    Order { key: String, first: u64, second: u64 },
    /// Of a key, `next` began although `n` had never run to its end.
    Unfinished { key: String, n: u64, next: u64 },
    /// Two runs of one key or one invocation overlapped.
    Overlap { line: String, runs: [String; 2] },
    /// A response made another number of invocations of a subscriber than one.
    Chain { parent: String, subscriber: String, children: usize },
    /// A subscriber was invoked by a response that there is not.
    Orphan { id: String },
    /// A submitter got an answer that it should never get.
    Strange { answer: String },
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Violation::Lost { id } => write!(f, "{id} was promised and is not known"),
            Violation::NotSucceeded { id, status, reason } => write!(f, "{id} was promised and is {status}: {reason}"),
            Violation::NoEffect { payload } => write!(f, "{payload} was promised and never ran to its end"),
            Violation::Phantom { payload } => write!(f, "{payload} ran and nobody asked for it"),
            Violation::Unknown { invocation } => write!(f, "{invocation} ran and is not known"),
            Violation::SettledTwice { id, outcomes } => {
                write!(f, "{id} did not succeed in its last attempt alone: {}", outcomes.join(", "))
            }
            Violation::AttemptNumbers { id, numbers, begun } => {
                write!(f, "{id} has attempts {numbers:?} of {begun} begun")
            }
            Violation::Doubled { payload, invocations } => {
                write!(f, "{payload} is several invocations: {}", invocations.join(", "))
            }
            Violation::IdempotencyKey { key, invocations } => {
                write!(f, "idempotency key {key} stands for several invocations: {}", invocations.join(", "))
            }
            Violation::Order { key, first, second } => write!(f, "key {key}: {second} began after {first}"),
            Violation::Unfinished { key, n, next } => {
                write!(f, "key {key}: {next} began although {n} had not run to its end")
            }
            Violation::Overlap { line, runs } => write!(f, "{line}: runs {} and {} overlapped", runs[0], runs[1]),
            Violation::Chain { parent, subscriber, children } => {
                write!(f, "the response of {parent} made {children} invocations of {subscriber}")
            }
            Violation::Orphan { id } => write!(f, "{id} has no parent that succeeded"),
            Violation::Strange { answer } => write!(f, "a submitter was answered: {answer}"),
        }
    }
}

/// All broken promises.
pub fn check(observation: &Observation) -> Vec<Violation> {
    let mut violations = Vec::new();
    kept::check(observation, &mut violations);
    settled::check(observation, &mut violations);
    once::check(observation, &mut violations);
    order::check(observation, &mut violations);
    chain::check(observation, &mut violations);
    violations
}
