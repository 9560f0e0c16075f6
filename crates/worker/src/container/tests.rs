//! What the tests of containers share, and the driver over an engine in memory.

use std::sync::Arc;

use async_trait::async_trait;
use tidemill_core::{
    RevisionNumber,
    invocation::Reply,
    ports::{CallRequest, Driver, Environment, Host, Launch, WorkerId},
    spec::{Container, FunctionSpec, Pull, Runtime},
};

use super::{
    ContainerConfig, ContainerDriver,
    engine::fake::{FakeEngine, Fault, Program},
};

struct Nobody;

#[async_trait]
impl Host for Nobody {
    async fn call_function(&self, _: CallRequest) -> Result<Reply, String> {
        Err("nobody calls".to_owned())
    }
}

/// The launch of a worker with these settings.
pub(crate) fn launch(spec: Arc<FunctionSpec>) -> Launch {
    Launch {
        worker: WorkerId("w-1".into()),
        function: "p:f".parse().unwrap(),
        revision: RevisionNumber(1),
        spec,
        directory: "/".into(),
        environment: Environment::default(),
        host: Arc::new(Nobody),
    }
}

/// A function that runs `image`.
pub(crate) fn spec(image: &str) -> FunctionSpec {
    let container = Container { image: image.to_owned(), ..Container::default() };
    FunctionSpec { container: Some(Box::new(container)), ..FunctionSpec::new(Runtime::Image) }
}

/// A driver over an engine in memory, and its folder.
pub(crate) fn driver(engine: &Arc<FakeEngine>) -> (ContainerDriver, tempfile::TempDir) {
    let directory = tempfile::tempdir().unwrap();
    let config = ContainerConfig::new("test", directory.path().join("run"));
    (ContainerDriver::over(config, engine.clone()).unwrap(), directory)
}

#[tokio::test]
async fn a_missing_image_is_pulled_as_the_policy_says() {
    for (pull, is_local, is_remote, pulls, error) in [
        (Pull::Missing, true, true, 0, None),
        (Pull::Missing, false, true, 1, None),
        (Pull::Missing, false, false, 1, Some("does not have the image x:1")),
        (Pull::Always, true, true, 1, None),
        (Pull::Always, true, false, 1, Some("does not have the image x:1")),
        (Pull::Never, true, false, 0, None),
        (Pull::Never, false, true, 0, Some("hint: check its name and tag")),
    ] {
        let engine = FakeEngine::new();
        if is_local {
            engine.add_image("x:1", Program::default());
        }
        if is_remote {
            engine.add_remote_image("x:1", Program::default());
        }
        let (driver, _directory) = driver(&engine);
        let mut spec = spec("x:1");
        spec.container.as_mut().unwrap().pull = pull;
        let launched = driver.launch(launch(Arc::new(spec))).await;
        let found = engine.requests().iter().filter(|request| *request == "pull").count();
        assert_eq!(found, pulls, "{pull:?}");
        match (launched, error) {
            (Ok(_), None) => {}
            (Err(refused), Some(part)) => assert!(refused.reason.contains(part), "{pull:?}: {}", refused.reason),
            (Ok(_), Some(part)) => panic!("{pull:?}: it should say {part}"),
            (Err(refused), None) => panic!("{pull:?}: {}", refused.reason),
        }
    }
}

#[tokio::test]
async fn without_an_engine_a_launch_and_the_health_say_so() {
    let engine = FakeEngine::new();
    engine.add_image("x", Program::default());
    let (driver, _directory) = driver(&engine);
    let health = driver.health().await;
    assert_eq!((health[0].name.as_str(), health[0].detail.as_str()), ("docker", "1.2.3 at fake"));
    assert_eq!(health[0].problem, None);
    for (fault, words) in
        [(Fault::Down, "cannot be reached: Connection refused"), (Fault::Hung, "did not answer in time")]
    {
        engine.set_fault(fault);
        let error = driver.launch(launch(Arc::new(spec("x")))).await.err().unwrap();
        assert!(error.reason.contains(words) && error.reason.contains("\nhint: "), "{}", error.reason);
        let problem = driver.health().await.remove(0).problem.unwrap();
        assert!(problem.contains(words), "{problem}");
    }
    engine.set_fault(Fault::None);
    assert!(driver.launch(launch(Arc::new(spec("x")))).await.is_ok());
    driver.close().await;
    assert!(driver.launch(launch(Arc::new(spec("x")))).await.is_err());
}

#[test]
fn settings_that_cannot_work_are_refused() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("file"), "").unwrap();
    for (instance, folder, part) in [
        ("a b", directory.path().join("r"), "is not the name of an instance"),
        ("", directory.path().join("r"), "is not the name of an instance"),
        ("a", directory.path().join("file/r"), "Not a directory"),
    ] {
        let error = ContainerDriver::over(ContainerConfig::new(instance, folder), FakeEngine::new()).err().unwrap();
        assert!(error.to_string().contains(part), "{error}");
    }
}
