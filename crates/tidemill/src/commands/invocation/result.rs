//! `tidemill invocation result`.

use std::time::Duration;

use clap::Args;
use tidemill_api::Invocation;
use tidemill_core::InvocationId;

use super::super::invoke::answer;
use crate::{
    context::{Context, explain},
    failure::Failure,
    moment,
};

/// Prints the response of an invocation, as the function gave it.
///
/// If it failed or was cancelled, why goes to standard error and the exit code is 1.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tidemill invocation result 01939f3c-7c1e-7000-8000-000000000001 > thumbnail.jpg
  tidemill invocation result ID --wait 30s")]
pub struct Result {
    /// The invocation
    id: InvocationId,
    /// Wait this long for it to end
    #[arg(long, value_name = "DURATION", value_parser = moment::duration)]
    wait: Option<Duration>,
}

impl Result {
    pub async fn run(self, context: Context) -> std::result::Result<(), Failure> {
        let client = context.client()?;
        let detail = match self.wait {
            Some(wait) => client.wait(self.id, wait).await,
            None => client.invocation(self.id).await,
        };
        if let Some(failure) = without_response(&detail.map_err(explain)?.invocation) {
            return Err(failure);
        }
        answer(client.result(self.id).await.map_err(explain)?)
    }
}

/// An invocation that ended without a response of the function.
fn without_response(invocation: &Invocation) -> Option<Failure> {
    let has_none = invocation.finished_at.is_some() && invocation.response_status.is_none();
    if !has_none || invocation.status == "succeeded" {
        return None;
    }
    let reason = if invocation.reason.is_empty() { String::new() } else { format!(": {}", invocation.reason) };
    let status = invocation.status.replace('_', "-");
    let failure = Failure::fixable(format!("invocation {} is {status} and has no response{reason}", invocation.id));
    Some(failure.hint(format!("its attempts and log: tidemill invocation show {}", invocation.id)))
}
