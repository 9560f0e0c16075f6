//! Measures a module: `measure MODULE [BODY [SECONDS]]` prints how long a launch and a call take, and calls a second.
//!
//! Each call is a fresh instance. Latencies are those of calls made one after the other; the rate is that of one task a core.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a program for people")]

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use tidemill_core::{
    RevisionNumber,
    ports::{CallOutcome, Driver, Environment, Launch, Worker, WorkerId},
    spec::{FunctionSpec, Runtime},
};
use tidemill_testkit::{calls::call, host::Answers};
use tidemill_wasm::{WasmConfig, WasmDriver};

async fn run(worker: &dyn Worker, body: &str) {
    let end = worker.call(&call(body)).await;
    assert!(matches!(end.outcome, CallOutcome::Replied(_)), "{:?} {:?}", end.outcome, end.logs);
}

fn launch(module: &Path) -> Launch {
    let mut spec = FunctionSpec::new(Runtime::Wasm);
    spec.resources.memory_bytes = Some(512 << 20);
    Launch {
        worker: WorkerId("w-1".into()),
        function: "measure".parse().unwrap(),
        revision: RevisionNumber(1),
        spec: Arc::new(spec),
        directory: "/".into(),
        environment: Environment { program: module.to_owned(), ..Environment::default() },
        host: Arc::<Answers>::default(),
    }
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let module = PathBuf::from(arguments.next().expect("the first argument is a module"));
    let body = arguments.next().unwrap_or_else(|| "x".repeat(64));
    let time = Duration::from_secs(arguments.next().map_or(2, |text| text.parse().unwrap()));
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let data = tempfile::tempdir().unwrap();
    runtime.block_on(async {
        let mut started = Instant::now();
        for what in ["compiled and launched", "launched from the cache"] {
            let driver = WasmDriver::new(WasmConfig::new(data.path())).unwrap();
            println!("engine {:>38.3?}", started.elapsed());
            started = Instant::now();
            driver.launch(launch(&module)).await.unwrap();
            println!("{what:<24} {:>20.3?}", started.elapsed());
            started = Instant::now();
        }
        let driver = WasmDriver::new(WasmConfig::new(data.path())).unwrap();
        driver.launch(launch(&module)).await.unwrap();
        started = Instant::now();
        let worker = driver.launch(launch(&module)).await.unwrap();
        println!("{:<24} {:>20.3?}", "launched again", started.elapsed());

        let mut taken = Vec::new();
        let until = Instant::now() + time;
        while Instant::now() < until {
            let started = Instant::now();
            run(worker.as_ref(), &body).await;
            taken.push(started.elapsed());
        }
        taken.sort();
        for (name, share) in [("call p50", 0.5), ("call p99", 0.99), ("call p99.9", 0.999)] {
            println!("{name:<24} {:>20.3?}", taken[((taken.len() - 1) as f64 * share) as usize]);
        }

        let started = Instant::now();
        let tasks = std::thread::available_parallelism().map_or(2, usize::from);
        let tasks: Vec<_> = (0..tasks)
            .map(|_| {
                let (worker, body) = (worker.clone(), body.clone());
                tokio::spawn(async move {
                    let mut count = 0u64;
                    while started.elapsed() < time {
                        run(worker.as_ref(), &body).await;
                        count += 1;
                    }
                    count
                })
            })
            .collect();
        let mut count = 0;
        for task in tasks {
            count += task.await.unwrap();
        }
        println!("{:<24} {:>18.0}/s", "calls", count as f64 / started.elapsed().as_secs_f64());
    });
}
