//! Configs of functions, through the driver's port. What functions see of them is in `conformance/`.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::{collections::BTreeMap, sync::Arc};

use common::{Bench, broken, call, reply};
use tidemill_core::{invocation::AttemptOutcome, ports::Call};

fn call_with(size: usize) -> Call {
    Call { configs: Arc::new(BTreeMap::from([("key".to_owned(), "k".repeat(size))])), ..call("") }
}

#[tokio::test]
async fn configs_beyond_their_limit_cost_the_call_and_not_the_worker() {
    let bench = Bench::new();
    let python = "def handler(context, event): return str(len(context.configs['key']))\n";
    let shell = "#!/bin/sh\nprintf %s $(($(wc -c < \"$TIDEMILL_CONFIGS_FILE\") - 10))\n";
    let most = 1024 * 1024 - "key".len();
    for (name, source) in [("size.py", python), ("size.sh", shell)] {
        let worker = bench.launch(name, source).await;
        let end = worker.call(&call_with(most + 1)).await;
        let (outcome, reason) = broken(&end);
        assert_eq!(outcome, AttemptOutcome::LaunchFailed, "{name}");
        let expected = "the function's configs have 1048577 bytes together, more than the 1048576 that are allowed; the \
                        largest is \"key\"";
        assert!(reason.starts_with(expected) && !reason.contains("kk"), "{reason}");
        assert!(worker.is_alive());
        let end = worker.call(&call_with(most)).await;
        assert_eq!(&reply(&end).body[..], most.to_string().as_bytes(), "{name}");
    }
    let left = std::fs::read_dir(bench.directory.path().join("exchange")).unwrap().count();
    assert_eq!(left, 0, "the files of ended executions are removed");
}
