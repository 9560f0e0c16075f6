//! A host that answers what a test has put in.

use async_trait::async_trait;
use parking_lot::Mutex;
use tidemill_core::{
    invocation::Reply,
    ports::{CallRequest, Host},
};

/// Answers calls of functions with what a test has put in.
#[derive(Default)]
pub struct Answers {
    /// What was asked.
    pub requests: Mutex<Vec<CallRequest>>,
    /// What is answered, in this order; afterwards there is no such function.
    pub replies: Mutex<Vec<Result<Reply, String>>>,
}

#[async_trait]
impl Host for Answers {
    async fn call_function(&self, request: CallRequest) -> Result<Reply, String> {
        self.requests.lock().push(request);
        let mut replies = self.replies.lock();
        if replies.is_empty() { Err("no such function".to_owned()) } else { replies.remove(0) }
    }
}
