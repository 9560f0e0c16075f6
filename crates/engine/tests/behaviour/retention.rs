//! Logs that do not live as long as their invocations.

use std::time::Duration;

use tidemill_core::{
    InvocationId,
    invocation::Status,
    ports::{LogFilter, Store},
};

use crate::{
    mill::Mill,
    stage::{printed, replied},
};

const MINUTE: Duration = Duration::from_secs(60);

async fn logged(mill: &Mill, function: &str) -> InvocationId {
    let id = mill.submit(function, "").await;
    mill.stage.next().await.ends_with_logs(replied(200, ""), vec![printed("hello")]);
    mill.ended(id).await;
    id
}

async fn lines(mill: &Mill, id: InvocationId) -> usize {
    let filter = LogFilter { invocation: Some(id), limit: 10, ..LogFilter::default() };
    mill.store.logs(filter).await.expect("a list").len()
}

#[tokio::test(start_paused = true)]
async fn logs_are_forgotten_and_invocations_are_not() {
    let mill = Mill::start().await;
    mill.deploy("short", "logRetention: 10m").await;
    mill.deploy("long", "description: as long as the invocations").await;
    let (short, long) = (logged(&mill, "short").await, logged(&mill, "long").await);
    mill.pass(9 * MINUTE).await;
    let young = logged(&mill, "short").await;
    assert_eq!(lines(&mill, short).await, 1);
    mill.pass(3 * MINUTE).await;
    assert_eq!((lines(&mill, short).await, lines(&mill, young).await, lines(&mill, long).await), (0, 1, 1));
    assert_eq!(mill.status(short).await, Status::Succeeded);
    mill.pass(10 * MINUTE).await;
    assert_eq!((lines(&mill, young).await, lines(&mill, long).await), (0, 1));
}
