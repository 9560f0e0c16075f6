//! Events without a key, one a request.

use super::{Answer, Submitter};
use crate::history::Asked;

/// How many accepted events are kept in mind to be sent again.
const REMEMBERED: usize = 50;

/// Submits to `function` until it is time to stop.
pub async fn run(mut submitter: Submitter, function: &str, is_idempotent: bool) {
    let mut accepted: Vec<Asked> = Vec::new();
    while submitter.rest().await {
        let event = submitter.event(function, "", 0, is_idempotent);
        let mut answer = submitter.submit(&event).await;
        while is_idempotent && answer != Answer::Promised && submitter.rest().await {
            answer = submitter.submit(&event).await;
        }
        if !is_idempotent || answer != Answer::Promised {
            continue;
        }
        if accepted.len() == REMEMBERED {
            accepted.remove(0);
        }
        accepted.push(event);
        if submitter.random.percent(20)
            && let Some(old) = submitter.random.one_of(&accepted).cloned()
        {
            submitter.submit(&old).await;
        }
    }
}
