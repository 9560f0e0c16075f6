//! What the end of a container means for the call. Pure.
//!
//! | What ended it | complete once it ran ([`Completion::Run`]) | any other function |
//! |---|---|---|
//! | itself, exit code 0 | succeeded | succeeded |
//! | itself, another exit code | succeeded: the report has the code | raised |
//! | a signal from outside (128 + n) | succeeded: the reason says so | crashed |
//! | the kernel, for memory | succeeded: the reason says so | out of memory |
//! | the event timeout | succeeded: the reason says so | timed out |
//! | an engine that stops or restarts, or the machine | interrupted | interrupted |
//! | a cancellation | cancelled | cancelled |
//! | the end of the worker | interrupted | interrupted |

use std::time::Duration;

use tidemill_core::{
    invocation::{AttemptOutcome, Reply},
    ports::CallOutcome,
    spec::Completion,
};

use crate::{
    container::engine::ContainerFacts,
    words::{human_duration, memory_reason},
};

/// Why Tidemill ended a container, or stopped to look after it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Cut {
    /// It ran longer than the event timeout.
    TimedOut,
    /// Somebody cancelled the invocation.
    Cancelled,
    /// The worker is stopped by force while the node goes on.
    Stopped(String),
    /// The node stops; the container goes on and waits for the next that takes the invocation.
    Left(String),
}

/// What is known when the container has ended.
pub(super) struct Ended<'a> {
    pub facts: &'a ContainerFacts,
    /// What Tidemill did about it.
    pub cut: Option<&'a Cut>,
    /// Whether the engine went away in between or just now, and so may have ended its containers.
    pub had_restart: bool,
    /// Whether it had ended when it was adopted, maybe with the machine.
    pub has_ended_unseen: bool,
    pub completion: Completion,
    pub event_timeout: Option<Duration>,
    pub memory_bytes: Option<u64>,
}

/// Whether a container with these facts, which nobody asked to end, may have been ended by an engine that stops: it sends
/// SIGTERM, or what the image wants instead, and then SIGKILL.
pub(super) fn may_be_the_engines(facts: &ContainerFacts) -> bool {
    !facts.is_oom_killed && [1, 2, 3, 9, 10, 12, 15].contains(&(facts.exit_code - 128))
}

/// What it means; the reply is for when it succeeded. The text is what ended it before its time, when it counts as succeeded.
pub(super) fn outcome(ended: &Ended<'_>, reply: impl FnOnce() -> Reply) -> (CallOutcome, String) {
    let broken = |outcome, reason: String| (CallOutcome::Broken { outcome, reason }, String::new());
    match ended.cut {
        Some(Cut::Cancelled) => return broken(AttemptOutcome::Cancelled, "it was cancelled".to_owned()),
        Some(Cut::Left(reason) | Cut::Stopped(reason)) => return broken(AttemptOutcome::Interrupted, reason.clone()),
        Some(Cut::TimedOut) | None => {}
    }
    let code = ended.facts.exit_code;
    let is_killed = is_killed(code);
    let is_odd = code != 0 || !ended.facts.error.is_empty();
    let is_end_of_all = (is_killed && !ended.facts.is_oom_killed) || code == 255 || !ended.facts.error.is_empty();
    if ended.cut.is_none() && (ended.had_restart && is_odd || ended.has_ended_unseen && is_end_of_all) {
        let reason = "the container engine restarted and ended the container".to_owned();
        return broken(AttemptOutcome::Interrupted, reason);
    }
    match forced(ended) {
        Some((_, reason)) if ended.completion == Completion::Run => (CallOutcome::Replied(vec![reply()]), reason),
        Some((outcome, reason)) => broken(outcome, reason),
        None if ended.completion == Completion::Run || code == 0 => {
            (CallOutcome::Replied(vec![reply()]), String::new())
        }
        None => {
            let message = format!("the container exited with {code}");
            (CallOutcome::Raised { message, status: 500 }, String::new())
        }
    }
}

fn is_killed(code: i64) -> bool {
    (129..=192).contains(&code)
}

/// What ended it before its time.
fn forced(ended: &Ended<'_>) -> Option<(AttemptOutcome, String)> {
    let code = ended.facts.exit_code;
    if ended.cut.is_some() {
        let limit = human_duration(ended.event_timeout.unwrap_or_default());
        return Some((AttemptOutcome::TimedOut, format!("ran longer than its event timeout of {limit}")));
    }
    if code == 0 {
        return None;
    }
    if ended.facts.is_oom_killed {
        let reason = match ended.memory_bytes {
            Some(limit) => memory_reason(limit),
            None => "the machine ran out of memory".to_owned(),
        };
        return Some((AttemptOutcome::OutOfMemory, reason));
    }
    is_killed(code).then(|| {
        let reason = format!("the container was ended by {} (exit code {code})", signal(code - 128));
        (AttemptOutcome::Crashed, reason)
    })
}

fn signal(number: i64) -> String {
    let name = match number {
        1 => "SIGHUP",
        2 => "SIGINT",
        4 => "SIGILL",
        6 => "SIGABRT",
        7 => "SIGBUS",
        8 => "SIGFPE",
        9 => "SIGKILL",
        11 => "SIGSEGV",
        13 => "SIGPIPE",
        15 => "SIGTERM",
        _ => return format!("signal {number}"),
    };
    name.to_owned()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::container::engine::{ContainerId, ContainerStatus};

    fn facts(exit_code: i64, is_oom_killed: bool) -> ContainerFacts {
        ContainerFacts {
            id: ContainerId::new("c1"),
            status: ContainerStatus::Ended,
            exit_code,
            is_oom_killed,
            error: String::new(),
            run_time: None,
            state: serde_json::Value::Null,
            addresses: BTreeMap::new(),
            published: BTreeMap::new(),
            labels: BTreeMap::new(),
        }
    }

    #[test]
    fn an_end_means_what_the_table_says() {
        use AttemptOutcome::{Cancelled, Crashed, Interrupted, OutOfMemory, Raised, Succeeded, TimedOut};
        let left = || Some(Cut::Left("the worker was stopped".to_owned()));
        for (code, oom, cut, restart, on_run, on_success) in [
            (0, false, None, false, Succeeded, Succeeded),
            (0, true, None, false, Succeeded, Succeeded),
            (3, false, None, false, Succeeded, Raised),
            (0, false, None, true, Succeeded, Succeeded),
            // A program that ends in an orderly way when the engine asks it to.
            (3, false, None, true, Interrupted, Interrupted),
            (137, false, None, false, Succeeded, Crashed),
            (139, false, None, false, Succeeded, Crashed),
            (255, false, None, true, Interrupted, Interrupted),
            (137, true, None, false, Succeeded, OutOfMemory),
            (1, true, None, false, Succeeded, OutOfMemory),
            (137, false, None, true, Interrupted, Interrupted),
            (0, false, Some(Cut::TimedOut), false, Succeeded, TimedOut),
            (137, false, Some(Cut::TimedOut), false, Succeeded, TimedOut),
            (137, false, Some(Cut::TimedOut), true, Succeeded, TimedOut),
            (143, false, Some(Cut::Cancelled), false, Cancelled, Cancelled),
            (0, false, left(), false, Interrupted, Interrupted),
            (137, false, Some(Cut::Stopped(String::new())), false, Interrupted, Interrupted),
        ] {
            for (completion, expected) in [(Completion::Run, on_run), (Completion::Success, on_success)] {
                let ended = Ended {
                    facts: &facts(code, oom),
                    cut: cut.as_ref(),
                    had_restart: restart,
                    has_ended_unseen: false,
                    completion,
                    event_timeout: Some(Duration::from_secs(2)),
                    memory_bytes: Some(64 << 20),
                };
                let (found, reason) = outcome(&ended, Reply::default);
                let is_silent = expected != Succeeded || on_success == Succeeded || on_success == Raised;
                assert_eq!(reason.is_empty(), is_silent, "{code} {oom} {cut:?} {restart} {completion:?}: {reason}");
                let found = match found {
                    CallOutcome::Replied(_) => Succeeded,
                    CallOutcome::Raised { message, .. } => {
                        assert_eq!(message, "the container exited with 3");
                        Raised
                    }
                    CallOutcome::Broken { outcome, .. } => outcome,
                };
                assert_eq!(found, expected, "{code} {oom} {cut:?} {restart} {completion:?}");
            }
        }
    }

    #[test]
    fn an_end_that_nobody_saw_may_be_the_machines() {
        for (code, oom, is_interrupted) in
            [(0, false, false), (3, false, false), (137, false, true), (137, true, false), (255, false, true)]
        {
            let ended = Ended {
                facts: &facts(code, oom),
                cut: None,
                had_restart: false,
                has_ended_unseen: true,
                completion: Completion::Run,
                event_timeout: None,
                memory_bytes: None,
            };
            let (found, _) = outcome(&ended, Reply::default);
            assert_eq!(!matches!(found, CallOutcome::Replied(_)), is_interrupted, "{code} {oom}");
        }
    }
}
