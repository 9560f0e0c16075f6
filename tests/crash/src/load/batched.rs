//! Several events in one request: all are accepted or none.

use super::Submitter;
use crate::functions::KEYED;

/// Submits batches to `function` until it is time to stop. To the keyed function they carry the submitter's name as key.
pub async fn run(mut submitter: Submitter, function: &str) {
    let key = if function == KEYED { submitter.name.clone() } else { String::new() };
    let mut n = 0;
    while submitter.rest().await && submitter.rest().await {
        let size = submitter.random.within(1..8);
        let mut events = Vec::new();
        for _ in 0..size {
            let number = if key.is_empty() { 0 } else { n + 1 };
            n += 1;
            events.push(submitter.event(function, &key, number, false));
        }
        submitter.submit_all(function, &events).await;
    }
}
