//! More than the machine can take, in a group of 512 MiB: large bodies, many connections, a queue that fills. The server may
//! refuse; it may not grow without bound nor die.

use std::time::Duration;

use anyhow::ensure;
use hyper::Method;
use serde_json::json;
use tokio::{
    io::AsyncWriteExt,
    net::TcpStream,
    task::JoinSet,
    time::{Instant, sleep, sleep_until},
};

use super::Bench;
use crate::{
    cgroup::Cgroup,
    process,
    server::Server,
    table::{Row, mebibytes, thousands},
    until::until,
};

const LIMIT: u64 = 512 << 20;
const TIME: Duration = Duration::from_secs(20);
/// Callers that wait for replies to bodies of this size.
const LARGE: (usize, usize) = (64, 16 << 20);
/// Callers that submit events with bodies of this size.
const QUEUED: (usize, usize) = (64, 256 << 10);
/// Connections on which a request is begun and never ended.
const SLOW: usize = 2000;

/// Adds the rows.
pub async fn measure(bench: &mut Bench) -> anyhow::Result<()> {
    let cgroup = Cgroup::create(LIMIT);
    let mut tidemill = Server::tidemill_in(&bench.client, cgroup.as_ref(), &[]).await?;
    bench.deploy_python(&tidemill, "overload", json!({})).await?;
    let end = Instant::now() + TIME;
    let mut tasks = JoinSet::new();
    for (callers, size, prefer) in [(LARGE.0, LARGE.1, "wait=5"), (QUEUED.0, QUEUED.1, "respond-async")] {
        let body = bytes::Bytes::from(vec![b'x'; size]);
        for _ in 0..callers {
            let (client, url, body) = (bench.client.clone(), format!("{}/f/overload", tidemill.url), body.clone());
            tasks.spawn(async move {
                let mut answers = 0_u64;
                while Instant::now() < end {
                    let headers = [("content-type", "application/octet-stream"), ("prefer", prefer)];
                    let answer = client.send(Method::POST, &url, &headers, body.clone());
                    tokio::select! {
                        () = sleep_until(end) => break,
                        answer = answer => answers += u64::from(answer.is_ok()),
                    }
                }
                answers
            });
        }
    }
    let address = tidemill.address()?;
    let live = format!("{}/livez", tidemill.url);
    for _ in 0..SLOW {
        tasks.spawn(async move {
            // What becomes of such a connection is the server's business; it is only there.
            if let Ok(mut stream) = TcpStream::connect(address).await {
                let _refused =
                    stream.write_all(b"POST /f/overload HTTP/1.1\r\nHost: a\r\nContent-Length: 64\r\n\r\n").await;
                sleep_until(end).await;
            }
            0
        });
    }
    let mut peak = 0;
    while Instant::now() < end {
        peak = peak.max(process::resident_peak(tidemill.id()));
        sleep(Duration::from_millis(50)).await;
    }
    let answers: u64 = tasks.join_all().await.into_iter().sum();
    let is_running = tidemill.is_alive()?;
    let answers_again = until("the server answers again", || async {
        ensure!(!is_running || bench.client.get(&live).await?.status == 200, "it does not");
        Ok(())
    })
    .await
    .is_ok();
    let fate = match (is_running, answers_again) {
        (false, _) => "DEAD",
        (true, false) => "alive but SILENT",
        (true, true) => "alive",
    };
    let survived = fate == "alive";
    let killed = cgroup.as_ref().and_then(Cgroup::killed);
    let place = match &cgroup {
        Some(_) => "in a 512 MiB cgroup",
        None => "without a cgroup (none may be made here)",
    };
    let killed = killed.map_or(String::new(), |killed| format!(", {killed} processes killed by the kernel"));
    bench.table.rows.push(
        Row::new(format!("overload {place}: most resident memory"), mebibytes(peak))
            .ratio(format!("{fate} after {} answers{killed}", thousands(answers as f64)))
            .bound("≤ 512 MiB, alive", survived && peak <= LIMIT),
    );
    Ok(())
}
