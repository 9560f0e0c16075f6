//! What an actor's state promises: a change is stored with the execution that made it, once, whatever is killed in between.
//! `cargo run --release -p tidemill-crash -- counter --help` runs longer ones.

use std::path::PathBuf;

use anyhow::Context;
use tidemill_crash::{
    counter::{self, Place},
    random,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_counts_each_message_once() -> anyhow::Result<()> {
    let report = counter::run(1_000, Place::Process, random::seed()?).await?;
    println!("{report}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_container_counts_each_message_once() -> anyhow::Result<()> {
    let engine = std::env::var_os("TIDEMILL_TEST_DOCKER").map(PathBuf::from);
    let engine = engine.context("TIDEMILL_TEST_DOCKER is not set: scripts/test starts a Docker engine and sets it")?;
    let image = std::env::var("TIDEMILL_TEST_IMAGE").context("TIDEMILL_TEST_IMAGE is not set; see scripts/test")?;
    let report = counter::run(40, Place::Container { engine, image }, random::seed()?).await?;
    println!("{report}");
    Ok(())
}
