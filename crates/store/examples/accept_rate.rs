//! How many submissions a second the store accepts, durably, compared with SQLite alone: the same number of rows a commit into
//! one plain table with a primary key and one index. Run with `--release`; takes a directory (default: the system's).

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use anyhow::Context;
use tidemill_core::{
    Event, FunctionState, InvocationId, RevisionNumber, RevisionRecord, Timestamp,
    invocation::{Attempt, AttemptOutcome, Status},
    ports::{Clock, LeaseGrant, LeaseRef, NewInvocation, Settlement, Store},
    spec::{FunctionSpec, Runtime},
};
use tidemill_store::{SqliteConfig, SqliteStore};

const MEASURE: Duration = Duration::from_secs(3);

struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
    }
}

fn invocation(number: u64) -> NewInvocation {
    let now = SystemClock.now();
    let id = InvocationId::new(now, (u128::from(number) << 16) | u128::from(number % 7));
    NewInvocation {
        id,
        function: "hello".parse().expect("a name"),
        event: Event {
            id: id.to_string(),
            time: now,
            method: "POST".into(),
            path: "/".into(),
            headers: vec![("content-length".into(), "64".into()), ("user-agent".into(), "accept-rate".into())],
            content_type: "application/json".into(),
            body: vec![b'x'; 64].into(),
            ..Event::default()
        },
        key: None,
        idempotency_key: None,
        parent: None,
        received_at: now,
        available_at: now,
        received_us: 20,
        lease: None,
    }
}

fn settlement(id: InvocationId, now: Timestamp) -> Settlement {
    Settlement {
        lease: LeaseRef { id, generation: tidemill_core::Generation(1) },
        status: Status::Succeeded,
        available_at: now,
        failures: 0,
        interruptions: 0,
        attempt: Attempt {
            number: 1,
            revision: Some(RevisionNumber(1)),
            worker: "w-1".into(),
            started_at: now,
            finished_at: now,
            outcome: AttemptOutcome::Succeeded,
            reason: String::new(),
            report: None,
        },
        reply: Some(tidemill_core::invocation::Reply { status: 200, body: "hello".into(), ..Default::default() }),
        logs: Vec::new(),
        timings: Default::default(),
        emits: Vec::new(),
        state: None,
        results: Vec::new(),
    }
}

async fn store_rate(directory: &Path, submitters: usize, settle: bool) -> anyhow::Result<(f64, f64)> {
    let clock = Arc::new(SystemClock);
    let store = Arc::new(SqliteStore::open(SqliteConfig::new(directory, clock))?);
    let revision = RevisionRecord {
        function: "hello".parse()?,
        number: RevisionNumber(1),
        spec: FunctionSpec::new(Runtime::Python(None)),
        package: "0".repeat(64).parse()?,
        created_at: SystemClock.now(),
    };
    store.put_revision(revision, FunctionState::Active).await?;
    let before = store.metrics();
    let (stop, numbers) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let started = Instant::now();
    let tasks: Vec<_> = (0..submitters)
        .map(|_| {
            let (store, stop, numbers) = (Arc::clone(&store), Arc::clone(&stop), Arc::clone(&numbers));
            tokio::spawn(async move {
                while !stop.load(Ordering::Relaxed) {
                    let mut new = invocation(numbers.fetch_add(1, Ordering::Relaxed));
                    let id = new.id;
                    if settle {
                        let until = new.received_at + Duration::from_secs(30);
                        new.lease = Some(LeaseGrant { owner: "n1".into(), until });
                    }
                    store.submit(vec![new]).await?;
                    if settle {
                        store.settle(settlement(id, SystemClock.now())).await?;
                    }
                }
                anyhow::Ok(())
            })
        })
        .collect();
    tokio::time::sleep(MEASURE).await;
    stop.store(true, Ordering::Relaxed);
    for task in tasks {
        task.await??;
    }
    let seconds = started.elapsed().as_secs_f64();
    let after = store.metrics();
    let (commits, writes) = (after.commits - before.commits, after.writes - before.writes);
    println!(
        "    a commit: {} µs of SQL, {} µs of COMMIT",
        (after.write_us - before.write_us) / commits.max(1),
        (after.commit_us - before.commit_us) / commits.max(1)
    );
    Ok((numbers.load(Ordering::Relaxed) as f64 / seconds, writes as f64 / commits as f64))
}

fn plain_rate(directory: &Path, batch: usize) -> anyhow::Result<f64> {
    let connection = rusqlite::Connection::open(directory.join("plain.db"))?;
    connection.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(()))?;
    connection.execute_batch(
        "PRAGMA synchronous = FULL;
         CREATE TABLE plain (id BLOB PRIMARY KEY, status INTEGER, available_at INTEGER, envelope TEXT, body BLOB);
         CREATE INDEX plain_ready ON plain (available_at) WHERE status = 0;",
    )?;
    let started = Instant::now();
    let mut number = 0;
    while started.elapsed() < MEASURE {
        connection.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        for _ in 0..batch {
            let new = invocation(number);
            let envelope = serde_json::to_string(&new.event)?;
            connection.prepare_cached("INSERT INTO plain VALUES (?1, 0, ?2, ?3, ?4)")?.execute(rusqlite::params![
                new.id.0.as_bytes(),
                new.available_at.0,
                envelope,
                &new.event.body[..]
            ])?;
            number += 1;
        }
        connection.prepare_cached("COMMIT")?.execute([])?;
    }
    Ok(number as f64 / started.elapsed().as_secs_f64())
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> anyhow::Result<()> {
    let parent = std::env::args().nth(1).map_or_else(std::env::temp_dir, Into::into);
    for (settle, what) in [(false, "submit"), (true, "submit leased, then settle")] {
        println!("{what}");
        for submitters in [1, 16, 64, 256] {
            let directory = tempfile::tempdir_in(&parent).context("a directory to work in")?;
            let (rate, batch) = store_rate(directory.path(), submitters, settle).await?;
            let plain = plain_rate(directory.path(), (batch.round() as usize).max(1))?;
            println!(
                "  {submitters:4} at once: {rate:8.0}/s, {batch:6.1} writes a commit; SQLite alone {plain:8.0}/s; ratio {:.2}",
                rate / plain
            );
        }
    }
    Ok(())
}
