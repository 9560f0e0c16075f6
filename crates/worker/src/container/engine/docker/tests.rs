//! The client against engines that are not there, hang, or talk nonsense.

use std::{path::PathBuf, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::UnixListener,
};

use super::{Deadlines, DockerEngine};
use crate::container::engine::{ContainerEngine, ContainerId, EngineError};

fn hurried() -> Deadlines {
    let short = Duration::from_millis(100);
    Deadlines { question: short, change: short, silence: short }
}

/// An engine that gives each request the next of `answers`; `None` is to say nothing.
fn engine(answers: Vec<Option<String>>) -> (DockerEngine, tempfile::TempDir) {
    let directory = tempfile::tempdir().unwrap();
    let path: PathBuf = directory.path().join("docker.sock");
    let listener = UnixListener::bind(&path).unwrap();
    tokio::spawn(async move {
        let mut kept = Vec::new();
        for answer in answers {
            let Ok((mut stream, _)) = listener.accept().await else { return };
            let mut request = vec![0; 4096];
            let _ = stream.read(&mut request).await;
            match answer {
                Some(text) => {
                    let _ = stream.write_all(text.as_bytes()).await;
                }
                None => kept.push(stream),
            }
        }
        // Whoever comes now waits in the queue of the socket.
        std::future::pending::<()>().await;
    });
    (DockerEngine::new(&format!("unix://{}", path.display()), hurried()), directory)
}

fn json(body: &str) -> Option<String> {
    let length = body.len();
    Some(format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    ))
}

const VERSION: &str = r#"{"Version":"20.10.24","ApiVersion":"1.41"}"#;

#[tokio::test]
async fn an_engine_that_hangs_is_an_error_of_every_request() {
    let (engine, _directory) = engine(vec![json(VERSION)]);
    // Agrees on the version and then says nothing any more.
    assert_eq!(engine.version().await, Err(EngineError::TimedOut("its version")));
    let id = ContainerId::new("c");
    let (mut errors, no_progress) = (Vec::new(), |_: &str| {});
    errors.push(engine.version().await.err());
    errors.push(engine.image("x").await.err());
    errors.push(engine.pull("x", &no_progress).await.err());
    errors.push(engine.create(&Default::default()).await.err());
    errors.push(engine.start(&id).await.err());
    errors.push(engine.stop(&id, Duration::ZERO).await.err());
    errors.push(engine.kill(&id).await.err());
    errors.push(engine.remove(&id).await.err());
    errors.push(engine.inspect(&id).await.err());
    errors.push(engine.usage(&id).await.err());
    errors.push(engine.list(&Default::default()).await.err());
    errors.push(engine.networks().await.err());
    for error in errors {
        assert!(matches!(error, Some(EngineError::TimedOut(_))), "{error:?}");
    }
}

#[tokio::test]
async fn the_older_version_of_the_api_is_spoken() {
    let (engine, _directory) = engine(vec![json(VERSION), json(VERSION)]);
    let version = engine.version().await.unwrap();
    assert_eq!((version.version.as_str(), version.api.as_str()), ("20.10.24", "1.41"));
}

#[tokio::test]
async fn nonsense_and_half_answers_are_outages() {
    let half = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"Id\":";
    for answer in ["SSH-2.0-OpenSSH_9\r\n", half, ""] {
        let (engine, _directory) = engine(vec![json(VERSION), Some(answer.to_owned())]);
        let error = engine.inspect(&ContainerId::new("c")).await.unwrap_err();
        assert!(matches!(error, EngineError::Unreachable { .. }), "{answer:?}: {error:?}");
    }
}

#[tokio::test]
async fn no_engine_and_a_strange_address_are_told_apart() {
    let none = DockerEngine::new("/no/such/docker.sock", hurried());
    assert_eq!(none.address(), "unix:///no/such/docker.sock");
    assert!(matches!(none.version().await, Err(EngineError::Unreachable { .. })));
    let closed = DockerEngine::new("tcp://127.0.0.1:1", hurried());
    let error = closed.version().await.unwrap_err();
    assert!(error.to_string().contains("tcp://127.0.0.1:1 cannot be reached: Connection refused"), "{error}");
    let strange = DockerEngine::new("ssh://host", hurried());
    let error = strange.version().await.unwrap_err();
    assert!(matches!(&error, EngineError::Refused(text) if text.contains("neither unix://")), "{error:?}");
}
