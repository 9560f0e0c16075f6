//! Numbered events of one key: the next is sent only after the answer to the one before.

use super::{Answer, Submitter};
use crate::functions::KEYED;

/// Submits until it is time to stop. The submitter's name is the key.
pub async fn run(mut submitter: Submitter, is_idempotent: bool) {
    let key = submitter.name.clone();
    let mut n = 0;
    while submitter.rest().await {
        n += 1;
        let event = submitter.event(KEYED, &key, n, is_idempotent);
        let mut answer = submitter.submit(&event).await;
        while is_idempotent && answer != Answer::Promised && submitter.rest().await {
            answer = submitter.submit(&event).await;
        }
    }
}
