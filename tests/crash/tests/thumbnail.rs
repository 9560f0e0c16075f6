//! The story that Tidemill is for: a function with a dependency, called asynchronously while the server is killed again and
//! again, loses nothing. `cargo run --release -p tidemill-crash -- thumbnail` is the same with ten thousand calls.

use tidemill_crash::{random, thumbnail};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_thumbnail_is_lost() -> anyhow::Result<()> {
    let report = thumbnail::run(300, random::seed()?).await?;
    println!("{report}");
    Ok(())
}
