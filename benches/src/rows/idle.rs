//! What Tidemill takes while nothing happens: memory and processor, with no function and with ten thousand idle ones.

use std::time::Duration;

use serde_json::json;
use tokio::{task::JoinSet, time::sleep};

use super::Bench;
use crate::{
    process,
    server::Server,
    table::{Row, mebibytes, thousands},
    until::until_quiet,
};

/// How long processor time is watched.
const WATCH: Duration = Duration::from_secs(15);
const FUNCTIONS: usize = 10_000;
/// Deployments at once.
const DEPLOYERS: usize = 4;
const MEBIBYTE: u64 = 1 << 20;

/// Adds the rows.
pub async fn measure(bench: &mut Bench) -> anyhow::Result<()> {
    let tidemill = Server::tidemill(&bench.client).await?;
    until_quiet(tidemill.id()).await;
    watch(bench, &tidemill, "idle, no function").await;
    let empty = process::resident(tidemill.id());

    let mut deployers = JoinSet::new();
    for deployer in 0..DEPLOYERS {
        let (client, url) = (bench.client.clone(), tidemill.url.clone());
        deployers.spawn(async move {
            for number in (deployer..FUNCTIONS).step_by(DEPLOYERS) {
                // A shell function has no process while it is idle, as any function that is scaled to zero.
                let spec = json!({"runtime": "shell", "handler": "main.sh", "idleTimeout": "1s"});
                let manifest = json!({"metadata": {"name": format!("idle-{number}")}, "spec": spec});
                client.deploy(&url, &manifest, "main.sh", "#!/bin/sh\ncat\n").await?;
            }
            anyhow::Ok(())
        });
    }
    while let Some(done) = deployers.join_next().await {
        done??;
    }
    until_quiet(tidemill.id()).await;
    let what = format!("idle, {} functions", thousands(FUNCTIONS as f64));
    watch(bench, &tidemill, &what).await;
    let added = process::resident(tidemill.id()).saturating_sub(empty);
    bench.table.rows.push(
        Row::new(format!("{what}: memory added"), mebibytes(added))
            .ratio(format!("{:.1} KiB a function", added as f64 / 1024.0 / FUNCTIONS as f64))
            .bound("≤ 100 MiB", added <= 100 * MEBIBYTE),
    );
    Ok(())
}

/// Adds rows of memory and processor use now.
async fn watch(bench: &mut Bench, server: &Server, what: &str) {
    let before = process::cpu_time(server.id());
    sleep(WATCH).await;
    let used = process::cpu_time(server.id()).saturating_sub(before);
    let percent = used.as_secs_f64() / WATCH.as_secs_f64() * 100.0;
    let resident = process::resident(server.id());
    let workers = process::descendants(server.id());
    let others: u64 = workers.iter().map(|id| process::resident(*id)).sum();
    let mut memory = Row::new(format!("{what}: resident"), mebibytes(resident)).ratio(format!(
        "besides {} in {} worker processes",
        mebibytes(others),
        workers.len()
    ));
    let mut processor = Row::new(format!("{what}: processor"), format!("{percent:.2} % of a core"));
    if what.ends_with("no function") {
        memory = memory.bound("≤ 60 MiB", resident <= 60 * MEBIBYTE);
        processor = processor.bound("≤ 1 %", percent <= 1.0);
    }
    bench.table.rows.extend([memory, processor]);
}
