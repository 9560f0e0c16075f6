//! `/actors/{actor}/executions/{execution}/results`: what the container left, one at a time.

use super::{
    envelope::{self, Answer},
    exchange::Exchange,
    executions,
};

/// `GET`: takes the oldest result away; empty when there is none. HEAD takes nothing.
pub(crate) async fn take(x: &Exchange) -> Answer {
    let detail = executions::find(x).await?;
    let result = match x.is_head {
        true => None,
        false => x.engine().store().take_result(detail.invocation.id).await?,
    };
    Ok(envelope::raw("application/octet-stream", result.unwrap_or_default()))
}
