//! Open calls, and a worker that lives elsewhere.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use async_trait::async_trait;
use bytes::Bytes;
use tidemill_core::{
    Event, InvocationId, RevisionNumber, Timestamp,
    invocation::{AttemptOutcome, Reply},
    ports::{Call, CallOutcome, CallRequest, Environment, Host, Launch, Place, Worker, WorkerId},
    spec::{FunctionSpec, Runtime},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::UnixStream,
    sync::{mpsc, oneshot},
};
use tokio_util::task::TaskTracker;

use super::{Ended, Introduction, Leash, LinkedWorker, Meeting, Output, Remote, left::Left, open_call::OpenCall};
use crate::{
    logs::LogBuffer,
    protocol::frame::{Body, Kind, encode},
};

#[test]
fn a_call_handed_over_ahead_begins_when_the_former_has_ended() {
    let started = Instant::now();
    let call = OpenCall {
        invocation: InvocationId::new(Timestamp(0), 0),
        started,
        answer: None,
        logs: LogBuffer::default(),
        left: Left::default(),
        regions: Vec::new(),
        must_release: false,
    };
    let (earlier, later) = (started.checked_sub(Duration::from_secs(1)), started + Duration::from_secs(1));
    assert_eq!(call.began_at(None), started);
    assert_eq!(call.began_at(earlier), started);
    assert_eq!(call.began_at(Some(later)), later);
}

/// A leash that tells the vessel's watcher, as a driver of containers would.
struct Told(mpsc::UnboundedSender<&'static str>);

impl Leash for Told {
    fn kill(&self) {
        let _ = self.0.send("kill");
    }

    fn terminate(&self) {
        let _ = self.0.send("terminate");
    }
}

struct NoHost;

#[async_trait]
impl Host for NoHost {
    async fn call_function(&self, _request: CallRequest) -> Result<Reply, String> {
        Err("there are no functions here".to_owned())
    }
}

/// A worker in a few lines: it connects, and answers each event with the event's body, unless that is `hang`.
async fn act(variables: Vec<(String, String)>) {
    let socket = &variables.iter().find(|(name, _)| name == "TIDEMILL_WORKER_SOCKET").unwrap().1;
    let mut stream = UnixStream::connect(socket).await.unwrap();
    loop {
        let mut header = [0u8; 16];
        if stream.read_exact(&mut header).await.is_err() {
            return;
        }
        let word = |at: usize| u32::from_le_bytes(header[at..at + 4].try_into().unwrap());
        let mut rest = vec![0u8; word(0) as usize - 12];
        stream.read_exact(&mut rest).await.unwrap();
        let mut out = Vec::new();
        match header[4] {
            1 => assert!(encode(&mut out, Kind::Ready, 0, Body::Inline(&[]), |_| {})),
            2 if rest.ends_with(b"hang") => {}
            2 => assert!(encode(&mut out, Kind::Reply, word(8), Body::Inline(&rest[word(12) as usize..]), |_| {})),
            4 => return,
            _ => {}
        }
        stream.write_all(&out).await.unwrap();
    }
}

fn launch() -> Launch {
    Launch {
        worker: WorkerId("w-1".into()),
        function: "echo".parse().unwrap(),
        revision: RevisionNumber(1),
        spec: Arc::new(FunctionSpec::new(Runtime::Binary)),
        directory: "/".into(),
        environment: Environment::default(),
        host: Arc::new(NoHost),
    }
}

/// A worker that lives in a task, with the ends by which its vessel is told of it.
async fn elsewhere(
    tasks: &TaskTracker,
) -> (LinkedWorker, mpsc::Sender<(Output, Bytes)>, oneshot::Sender<Ended>, mpsc::UnboundedReceiver<&'static str>) {
    let directory = tempfile::tempdir().unwrap();
    let meeting = Meeting::open(directory.path().join("x".repeat(120))).unwrap();
    // A path that is too long for a socket is reached by a link, as a container reaches it by its mount.
    let mount = directory.path().join("m");
    std::os::unix::fs::symlink(meeting.directory(), &mount).unwrap();
    tasks.spawn(act(meeting.variables(&mount)));
    let connection = meeting.accept().await.unwrap();
    let (printed, pieces) = mpsc::channel(16);
    let (ended, end) = oneshot::channel();
    let (asked, requests) = mpsc::unbounded_channel();
    let place = Place { driver: "elsewhere".to_owned(), ..Place::default() };
    let leash = Arc::new(Told(asked));
    let introduction = Introduction::new(&launch(), connection, Remote::new(pieces, end), leash, Some(1 << 30), place);
    let worker = introduction.make(&launch(), &[], 1, tasks).await.unwrap();
    (worker, printed, ended, requests)
}

fn call(body: &'static str) -> Call {
    let event = Event { id: "e".to_owned(), body: Bytes::from_static(body.as_bytes()), ..Event::default() };
    Call::single(InvocationId::new(Timestamp(0), 0), 1, event)
}

#[tokio::test]
async fn a_worker_elsewhere_answers_and_is_stopped() {
    let tasks = TaskTracker::new();
    let (worker, printed, ended, _requests) = elsewhere(&tasks).await;
    assert_eq!((worker.slots(), worker.place().driver.as_str()), (1, "elsewhere"));
    printed.send((Output::Out, Bytes::from_static(b"a line\n"))).await.unwrap();
    let end = worker.call(&call("hello")).await;
    let CallOutcome::Replied(replies) = &end.outcome else { panic!("{end:?}") };
    assert_eq!(&replies[0].body[..], b"hello");
    let stopping = worker.stop(Duration::from_secs(60));
    let watching = async {
        worker.gone().await;
        let _ = ended.send(Ended { words: "exited with code 0".to_owned(), is_success: true, cause: None });
    };
    tokio::join!(stopping, watching);
    assert!(!worker.is_alive());
}

#[tokio::test]
async fn the_end_of_a_worker_elsewhere_explains_its_calls() {
    let tasks = TaskTracker::new();
    let (worker, _printed, ended, _requests) = elsewhere(&tasks).await;
    let cause = Some((AttemptOutcome::OutOfMemory, "used too much".to_owned()));
    let dying = async {
        let _ = ended.send(Ended { words: "was killed by SIGKILL".to_owned(), is_success: false, cause });
    };
    let hanging = call("hang");
    let (end, ()) = tokio::join!(worker.call(&hanging), dying);
    let reason = "used too much".to_owned();
    assert_eq!(end.outcome, CallOutcome::Broken { outcome: AttemptOutcome::OutOfMemory, reason });
}

#[tokio::test]
async fn a_worker_elsewhere_that_hangs_is_killed_by_its_leash() {
    let tasks = TaskTracker::new();
    let (worker, _printed, ended, mut requests) = elsewhere(&tasks).await;
    let watching = async {
        assert_eq!(requests.recv().await, Some("kill"));
        drop(ended);
    };
    let limited = Call { timeout: Some(Duration::from_millis(10)), ..call("hang") };
    let (end, ()) = tokio::join!(worker.call(&limited), watching);
    assert!(matches!(end.outcome, CallOutcome::Broken { outcome: AttemptOutcome::TimedOut, .. }), "{end:?}");
}
