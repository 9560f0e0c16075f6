//! Submitters: each hands events to the server, one request at a time, until it is told to stop.
//!
//! | Submitter | Function | After a request without an answer |
//! |---|---|---|
//! | [`single`] | plain, or the head of the chain | goes on; the event may or may not have been accepted |
//! | [`single`], idempotent | the same | sends the event again until it is answered; sends old ones again too |
//! | [`keyed`] | keyed, one key | goes on with the next number |
//! | [`keyed`], idempotent | keyed, one key | sends the number again until it is answered |
//! | [`batched`] | plain, or keyed with one key | goes on |

mod batched;
mod keyed;
mod single;
mod submitter;

use std::sync::Arc;

use tokio::{sync::watch, task::JoinSet};

pub use submitter::{Answer, Submitter};

use crate::{
    functions::{CHAIN, KEYED, PLAIN},
    history::History,
    http::Client,
    random::Random,
};

/// Starts all submitters of a storm. They end soon after `stop` becomes true.
pub fn start(
    address: &watch::Receiver<Option<String>>,
    stop: &watch::Receiver<bool>,
    history: &Arc<History>,
    random: &Random,
) -> JoinSet<()> {
    let client = Client::new();
    let submitter = |name: &str, part: u64| {
        Submitter::new(name, client.clone(), address.clone(), stop.clone(), Arc::clone(history), random.part(part))
    };
    let mut tasks = JoinSet::new();
    tasks.spawn(single::run(submitter("plain-a", 1), PLAIN, false));
    tasks.spawn(single::run(submitter("plain-b", 2), PLAIN, true));
    tasks.spawn(single::run(submitter("plain-c", 3), PLAIN, true));
    tasks.spawn(single::run(submitter("chain-a", 4), CHAIN[0], false));
    tasks.spawn(single::run(submitter("chain-b", 5), CHAIN[0], true));
    tasks.spawn(keyed::run(submitter("key-a", 6), true));
    tasks.spawn(keyed::run(submitter("key-b", 7), true));
    tasks.spawn(keyed::run(submitter("key-c", 8), false));
    tasks.spawn(batched::run(submitter("batch-a", 9), PLAIN));
    tasks.spawn(batched::run(submitter("batch-b", 10), KEYED));
    tasks
}
