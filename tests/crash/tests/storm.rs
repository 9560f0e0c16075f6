//! The server is killed and stopped at random moments under load, and keeps every promise.

use tidemill_crash::storm::{self, Config};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_promised_is_lost() -> anyhow::Result<()> {
    let report = storm::run(Config::from_environment()?).await?;
    println!("{report}");
    assert!(report.violations.is_empty(), "{report}");
    assert!(report.promised > 0, "the storm was so hard that nothing was accepted:\n{report}");
    Ok(())
}
