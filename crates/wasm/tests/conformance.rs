//! The cases of `conformance/` that name `wasm`, on the JavaScript guest that holds their handlers. See the README there.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use common::{Bench, guests::guests};
use tidemill_core::{
    ports::{Driver as _, WorkerId},
    spec::EnvVar,
};
use tidemill_testkit::conformance::{self, Case};

#[tokio::test]
async fn every_case_for_wasm() {
    let bench = Bench::with(|config| config.cache = guests().join("compiled"));
    let module = guests().join("conformance.wasm");
    // The handlers are those of Node.js.
    let cases = Case::all(&["wasm", "nodejs"]);
    assert!(cases.len() > 20, "only {} cases for wasm", cases.len());
    let run = conformance::run_all(&cases, async |case, host| {
        let mut launch = bench.launch_of(&module, |spec| {
            case.describe(spec);
            let own = [("CASE", case.name.as_str()), ("WORKER", "w-1")];
            spec.env.extend(own.map(|(name, value)| EnvVar { name: name.to_owned(), value: value.to_owned() }));
        });
        launch.host = host;
        launch.worker = WorkerId("w-1".into());
        bench.driver.launch(launch).await.map_err(|error| error.reason)
    });
    run.await;
}
