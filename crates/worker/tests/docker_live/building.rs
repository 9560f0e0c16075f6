//! Images that are built.

use std::io::Write as _;

use tidemill_core::{
    ports::{Driver as _, Launch},
    spec::{Contract, Runtime},
};

use super::stage::{IMAGE, Lines, Stage, call, contained, docker, text};

/// A wheel with the module `tide`, which is installed without a network.
fn wheel() -> Vec<u8> {
    let files = [
        ("tide.py", "HEIGHT = 7\n"),
        ("tide-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: tide\nVersion: 1.0\n"),
        ("tide-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"),
        (
            "tide-1.0.dist-info/RECORD",
            "tide.py,,\ntide-1.0.dist-info/METADATA,,\ntide-1.0.dist-info/WHEEL,,\ntide-1.0.dist-info/RECORD,,\n",
        ),
    ];
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, content) in files {
        archive.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
        archive.write_all(content.as_bytes()).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

const SOURCE: &str = "
import tide
def handler(context, event):
    return f'{event.body.decode()} {tide.HEIGHT}'
";

fn needy(stage: &Stage) -> Launch {
    let directory = stage.package(&[
        ("main.py", SOURCE.as_bytes()),
        ("requirements.txt", b"./tide-1.0-py3-none-any.whl\n"),
        ("tide-1.0-py3-none-any.whl", &wheel()),
    ]);
    let mut spec = contained(Runtime::Python(None), IMAGE, Contract::Worker);
    spec.handler = "main:handler".to_owned();
    stage.launch_of(directory, spec)
}

#[tokio::test]
async fn what_a_function_depends_on_is_installed_into_an_image_once() {
    let stage = Stage::new();
    for _ in 0..2 {
        let worker = stage.driver.launch(needy(&stage)).await;
        let worker = worker.unwrap_or_else(|error| panic!("{error}\n{:#?}", error.logs));
        assert_eq!(text(&worker.call(&call("high")).await), "high 7");
        worker.stop(std::time::Duration::ZERO).await;
    }
    stage.until_nothing_is_left().await;
}

#[tokio::test]
async fn an_image_of_a_function_runs_it_by_its_name_alone() {
    let stage = Stage::new();
    let tag = format!("tidemill-test/{}:1", stage.instance);
    let lines = Lines::default();
    let built = stage.driver.build_image(&needy(&stage), IMAGE, &tag, &lines).await;
    let id = built.unwrap_or_else(|error| panic!("{error}\n{:#?}", error.logs));
    assert!(id.starts_with("sha256:") && !lines.0.lock().is_empty(), "{id}");
    let spec = contained(Runtime::Image, &tag, Contract::Worker);
    let worker = stage.driver.launch(stage.launch_of("".into(), spec)).await;
    let worker = worker.unwrap_or_else(|error| panic!("{error}\n{:#?}", error.logs));
    assert_eq!(text(&worker.call(&call("still")).await), "still 7");
    worker.stop(std::time::Duration::ZERO).await;
    stage.until_nothing_is_left().await;
    docker(&["rmi", "-f", &tag]);
}

#[tokio::test]
async fn a_build_that_fails_shows_what_it_printed() {
    let stage = Stage::new();
    let dockerfile = format!("FROM {IMAGE}\nRUN echo one step && false\n");
    let directory = stage.package(&[("Dockerfile", dockerfile.as_bytes())]);
    let spec = contained(Runtime::Image, "", Contract::Worker);
    let error = stage.driver.launch(stage.launch_of(directory, spec)).await.err().unwrap();
    assert!(error.reason.starts_with("the image could not be built: "), "{error}");
    assert!(error.reason.contains("returned a non-zero code: 1"), "{error}");
    assert!(error.logs.iter().any(|line| line.message.contains("one step")), "{:#?}", error.logs);

    let directory = stage.package(&[("main.py", b"")]);
    let spec = contained(Runtime::Image, "", Contract::Worker);
    let error = stage.driver.launch(stage.launch_of(directory, spec)).await.err().unwrap();
    assert!(error.reason.contains("put a Dockerfile into the package"), "{error}");
}
