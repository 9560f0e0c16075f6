//! An execution from its message to its end.

use std::sync::Arc;

use bytes::Bytes;
use tidemill_core::{
    invocation::{AttemptOutcome, LogLevel},
    ports::{Call, CallOutcome, Driver},
    spec::{EnvVar, FunctionSpec, Pull, StateScope},
};

use crate::{
    bench::{Bench, launch, printed, script, until_logged},
    common::{broken, call, reply},
    engine::{Engine, IMAGE},
};

fn with_headers(mut call: Call, headers: &[(&str, &str)]) -> Call {
    Arc::make_mut(&mut call.events[0]).headers =
        headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    call
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_is_read_and_answered_and_nothing_is_left() {
    let bench = Bench::new();
    let worker =
        bench.worker(script("echo \"Contents of MSG: $MSG\"; sleep 0.5; echo oh >&2; sleep 0.5; echo end")).await;
    let end = worker.call(&call("hello")).await;
    assert_eq!(reply(&end).body, "Contents of MSG: hello\noh\nend\n");
    assert_eq!(reply(&end).content_type, "text/plain; charset=utf-8");
    let lines: Vec<_> = end.logs.iter().map(|line| (line.level, line.message.as_str())).collect();
    let expected = [(LogLevel::Info, "Contents of MSG: hello"), (LogLevel::Warn, "oh"), (LogLevel::Info, "end")];
    assert_eq!(lines, expected);
    assert!(end.logs.is_sorted_by_key(|line| line.time) && end.logs[0].time.micros() > 1_700_000_000_000_000);
    let report = end.report.unwrap();
    assert_eq!(report.exit_code, Some(0));
    assert!(report.cpu_ns > 0 && report.memory_bytes_max > 0 && report.run_us > 1_000_000, "{report:?}");
    assert_eq!(report.final_state["Status"], "exited");
    assert_eq!(report.final_state["OOMKilled"], false);
    let place = worker.place();
    assert_eq!((place.driver, place.image), (format!("docker:{}", bench.engine.address()), IMAGE.to_owned()));
    assert_eq!(place.instance.len(), 64);
    bench.until_nothing_is_left().await;
    bench.driver.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_environment_is_abacos() {
    let mut spec = script("env; echo \"$MSG\"");
    spec.env = vec![EnvVar { name: "COLOUR".to_owned(), value: "deep blue".to_owned() }];
    let headers = [("x-abaco-content-type", "application/json"), ("x-abaco-api-server", "http://localhost:8000")];
    let mut call = with_headers(call(r#"{"k":"it's","n":1e5,"z":[null,true]}"#), &headers);
    Arc::make_mut(&mut call.events[0]).caller = "testuser".to_owned();
    spec.labels.insert("abaco".to_owned(), "actor".to_owned());
    Arc::make_mut(&mut call.events[0]).query = "foo=bar%20baz&message=x&LD_PRELOAD=/evil&PATH=/evil".to_owned();
    let end = Bench::new().call(spec, call.clone()).await;
    let lines = printed(&end);
    for line in [
        "COLOUR=deep blue",
        "foo=bar baz",
        "_abaco_username=testuser",
        "_abaco_api_server=http://localhost:8000",
        &format!("_abaco_execution_id={}", call.invocation),
        "_abaco_Content_Type=application/json",
        "_abaco_actor_revision=3",
        "_abaco_actor_dbid=TACC_Zx1",
        "_abaco_actor_id=Zx1",
        "_abaco_worker_id=w-1",
        "_abaco_container_repo=tidemill-test:busybox",
        "_abaco_actor_state={}",
        "_abaco_actor_name=None",
        "_actor_configs={}",
        "MSG={'k': \"it's\", 'n': 100000.0, 'z': [None, True]}",
        "_abaco_message_json={\"k\":\"it's\",\"n\":1e5,\"z\":[null,true]}",
        "PATH=/bin",
    ] {
        assert!(lines.contains(&line), "{line} is not in {lines:#?}");
    }
    assert!(!lines.iter().any(|line| line.starts_with("message=") || line.starts_with("LD_PRELOAD=")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_binary_message_of_any_size_comes_whole() {
    let message: Vec<u8> = (0..5_000_000u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let spec = || script("echo \"<$MSG>\"; test -p /_abaco_binary_data && md5sum < /_abaco_binary_data");
    let call = with_headers(call(message.clone()), &[("x-abaco-content-type", "application/octet-stream")]);
    let bench = Bench::new();
    let end = bench.call(spec(), call.clone()).await;
    let file = bench.directory.path().join("message");
    std::fs::write(&file, &message).unwrap();
    let output = std::process::Command::new("md5sum").stdin(std::fs::File::open(file).unwrap()).output().unwrap();
    let sum = String::from_utf8(output.stdout).unwrap();
    assert_eq!(printed(&end), ["<>", sum.trim_end()]);
    let end = bench.call(script("echo ignored"), call).await;
    assert_eq!(printed(&end), ["ignored"]);
    bench.until_nothing_is_left().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn results_are_taken_while_it_runs_and_after_its_end() {
    // The socket of the system's log takes datagrams, as the results socket does.
    let text = "ln -s /_abaco_results.sock /dev/log; logger -t t first; sleep 1; logger -t t second; id -u";
    for user in ["", "1000:1000"] {
        let mut spec = script(text);
        spec.container.as_mut().unwrap().user = user.to_owned();
        if !user.is_empty() {
            // Who is not root cannot make the link: whether the socket takes what anybody sends is what matters.
            spec.container.as_mut().unwrap().command = Some(
                ["sh", "-c", "test -w /_abaco_results.sock && test -S /_abaco_results.sock && id -u"]
                    .map(str::to_owned)
                    .into(),
            );
        }
        let end = Bench::new().call(spec, call("")).await;
        if user.is_empty() {
            let ends: Vec<bool> = ["first", "second"]
                .iter()
                .zip(&end.results)
                .map(|(text, result)| String::from_utf8_lossy(result).contains(text))
                .collect();
            assert_eq!(ends, [true, true], "{end:?}");
            assert_eq!(reply(&end).content_type, "application/octet-stream");
            assert_eq!(reply(&end).body, end.results[0]);
            assert_eq!(printed(&end), ["0"]);
        } else {
            assert_eq!(printed(&end), ["1000"]);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn state_and_messages_go_by_files() {
    let text = r#"cat $TIDEMILL_STATE_FILE; echo; echo '{"n":2}' > $TIDEMILL_STATE_FILE
        echo '{"function":"g","body":"hi","key":"k"}' >> $TIDEMILL_SEND_FILE; exit $MSG"#;
    let mut spec = FunctionSpec { state: StateScope::Function, ..script(text) };
    // Also for a user that nobody has heard of.
    spec.container.as_mut().unwrap().user = "4711".to_owned();
    let bench = Bench::new();
    let worker = bench.worker(spec).await;
    let end = worker.call(&Call { state: Some(Bytes::from_static(b"{\"n\":1}")), ..call("0") }).await;
    assert_eq!(printed(&end), ["{\"n\":1}"], "{end:?}");
    assert_eq!(end.state, Some(Bytes::from_static(b"{\"n\":2}")));
    assert_eq!(
        (end.sends[0].function.as_str(), &end.sends[0].body[..], end.sends[0].key.as_deref()),
        ("g", &b"hi"[..], Some("k"))
    );
    let end = worker.call(&Call { state: Some(Bytes::from_static(b"{\"n\":1}")), ..call("3") }).await;
    match &end.outcome {
        CallOutcome::Raised { message, status: 500 } => assert_eq!(message, "the container exited with 3"),
        other => panic!("{other:?}"),
    }
    assert_eq!((end.state, end.sends.len(), end.report.unwrap().exit_code), (None, 0, Some(3)));
    bench.until_nothing_is_left().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn images_are_found_by_id_and_missing_ones_named() {
    let bench = Bench::new();
    let id = bench.engine.docker(&["image", "inspect", "--format", "{{.Id}}", IMAGE]).unwrap();
    let mut spec = script("echo by id");
    spec.container.as_mut().unwrap().image = id;
    assert_eq!(printed(&bench.call(spec.clone(), call("")).await), ["by id"]);
    let container = spec.container.as_mut().unwrap();
    (container.image, container.pull) = ("tidemill-test:none".to_owned(), Pull::Never);
    let error = bench.try_worker(spec).await.err().unwrap();
    assert_eq!(error.line(), "the container engine does not have the image tidemill-test:none");
    assert!(error.reason.contains("hint: check its name and tag"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_is_not_there_does_not_start() {
    let mut spec = script("");
    spec.container.as_mut().unwrap().entrypoint = Some(vec!["/no/such/program".to_owned()]);
    let bench = Bench::new();
    let end = bench.call(spec, call("")).await;
    let (outcome, reason) = broken(&end);
    assert_eq!(outcome, AttemptOutcome::LaunchFailed);
    assert!(reason.contains("/no/such/program"), "{reason}");
    bench.until_nothing_is_left().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_output_costs_no_more_than_its_limit() {
    let end =
        Bench::new().call(script("yes 0123456789012345678901234567890123456789 | head -c 20000000"), call("")).await;
    assert_eq!(end.logs.last().unwrap().message, "log limit reached, further lines are dropped");
    assert!(end.logs.len() <= 10_001);
}

#[tokio::test(flavor = "multi_thread")]
async fn long_lines_and_odd_bytes_are_kept() {
    let text = "head -c 40000 /dev/zero | tr '\\0' x; echo; printf 'a\\377b\\n'; printf 'no end'";
    let end = Bench::new().call(script(text), call("")).await;
    let lines = printed(&end);
    assert_eq!(lines[0], "x".repeat(40_000));
    assert_eq!(&lines[1..], ["a\u{fffd}b", "no end"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_printed_is_seen_while_it_runs() {
    let bench = Bench::new();
    let worker = bench.worker(script("echo early; while [ ! -s $TIDEMILL_SEND_FILE ]; do sleep 0.1; done")).await;
    let call = call("");
    let (end, ()) = tokio::join!(worker.call(&call), async {
        until_logged(&*worker, call.invocation).await;
        let folders = std::fs::read_dir(bench.directory.path().join("run")).unwrap();
        let folder = folders.map(|entry| entry.unwrap().path().join("x")).find(|path| path.exists()).unwrap();
        std::fs::write(folder.join("send.jsonl"), "\n").unwrap();
    });
    assert_eq!(reply(&end).body, "early\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn health_says_who_it_is_and_a_missing_engine_what_to_do() {
    let engine = Engine::shared();
    let bench = Bench::on(engine.clone());
    let health = bench.driver.health().await.remove(0);
    assert_eq!((health.name.as_str(), health.problem), ("docker", None));
    assert!(health.detail.ends_with(&format!(" at {}", engine.address())), "{}", health.detail);
    let none = Bench::with(engine, |config| config.address = Some("unix:///no/such/docker.sock".to_owned()));
    let problem = none.driver.health().await.remove(0).problem.unwrap();
    assert!(problem.contains("cannot be reached") && problem.contains("hint: start the engine"), "{problem}");
    let error = none.driver.launch(launch(script(""))).await.err().unwrap();
    assert!(error.reason.contains("unix:///no/such/docker.sock cannot be reached"), "{error}");
}
