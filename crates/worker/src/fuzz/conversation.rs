//! A worker that says whatever it likes, to the party that attends to workers.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use tidemill_core::{
    Event, InvocationId, RevisionNumber, Timestamp,
    invocation::Reply,
    ports::{Call, CallEnd, CallRequest, Environment, Host, Launch, Place, Worker, WorkerId},
    spec::{FunctionSpec, Runtime},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::UnixStream,
    sync::{Notify, mpsc, oneshot},
};
use tokio_util::task::TaskTracker;

use crate::{
    linked::{Connection, Ended, Introduction, Leash, Output, Remote},
    protocol::{
        arena,
        frame::{Body, Kind, encode},
    },
};

/// What the worker says, and to what.
#[derive(Clone, Debug, Default)]
pub struct Conversation {
    /// Whether it begins with a `READY` of so many slots; `None` leaves that to what it says.
    pub slots: Option<u32>,
    /// Calls that are open when it begins to speak.
    pub calls: usize,
    /// Whether the function has state.
    pub has_state: bool,
    /// The bytes of its socket.
    pub said: Vec<u8>,
    /// The bytes of its memory file.
    pub memory: Vec<u8>,
    /// What it prints.
    pub printed: Vec<u8>,
}

/// How it ended.
#[derive(Debug)]
pub enum Ends {
    /// It never became ready: the reason.
    Refused(String),
    /// How each call ended.
    Calls(Vec<CallEnd>),
}

/// Notes that the worker is to be ended by force.
struct Told(Arc<Notify>);

impl Leash for Told {
    fn kill(&self) {
        self.0.notify_one();
    }

    fn terminate(&self) {
        self.0.notify_one();
    }
}

/// Answers each call with what it was asked.
struct Echo;

#[async_trait]
impl Host for Echo {
    async fn call_function(&self, request: CallRequest) -> Result<Reply, String> {
        let Event { content_type, headers, body, .. } = request.event;
        Ok(Reply { status: 200, content_type, headers, body })
    }
}

impl Conversation {
    /// Plays it to its end, which comes when all is said or the worker is ended by force. Gives what the worker was told too.
    pub fn play(self) -> (Ends, Vec<u8>) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.expect("a runtime of one thread can be had").block_on(self.play_out())
    }

    async fn play_out(self) -> (Ends, Vec<u8>) {
        let (ours, theirs) = UnixStream::pair().expect("sockets can be had");
        let memory = || arena::memory_file("fuzz").expect("memory files can be had");
        let (to_worker, from_worker) = (memory(), memory());
        arena::write_at(&from_worker, &self.memory, 0).expect("a memory file takes a few bytes");
        let (print, printed) = mpsc::channel(1);
        let (end, ended) = oneshot::channel();
        let killed = Arc::new(Notify::new());
        let spec = Arc::new(FunctionSpec::new(Runtime::Binary));
        let launch = Launch {
            worker: WorkerId("w-1".into()),
            function: "echo".parse().expect("it is a name"),
            revision: RevisionNumber(1),
            spec,
            directory: "/".into(),
            environment: Environment::default(),
            host: Arc::new(Echo),
        };
        let connection = Connection { stream: ours, to_worker, from_worker };
        let leash = Arc::new(Told(killed.clone()));
        let vessel = Remote::new(printed, ended);
        let introduction = Introduction::new(&launch, connection, vessel, leash, Some(1 << 40), Place::default());
        let tasks = TaskTracker::new();
        let opened = Arc::new(Notify::new());
        let (mut reader, mut writer) = theirs.into_split();
        let heard = tasks.spawn(async move {
            let mut heard = Vec::new();
            // A connection that breaks off has been heard as far as it goes.
            let _ = reader.read_to_end(&mut heard).await;
            heard
        });
        let speaking = async {
            let say = async {
                if let Some(slots) = self.slots {
                    let mut ready = Vec::new();
                    let meta = format!("{{\"protocol\":1,\"slots\":{slots}}}");
                    encode(&mut ready, Kind::Ready, 0, Body::Inline(&[]), |out| out.extend_from_slice(meta.as_bytes()));
                    if writer.write_all(&ready).await.is_err() {
                        return;
                    }
                    opened.notified().await;
                }
                for piece in self.printed.chunks(1000) {
                    if print.send((Output::Out, Bytes::copy_from_slice(piece))).await.is_err() {
                        return;
                    }
                }
                // A connection that is closed needs no more words.
                let _ = writer.write_all(&self.said).await;
                let _ = writer.shutdown().await;
            };
            tokio::select! {
                () = say => {}
                () = killed.notified() => {}
            }
            drop((writer, print));
            let _ = end.send(Ended { words: "exited with code 0".to_owned(), is_success: true, cause: None });
        };
        let calling = async {
            let worker = match introduction.make(&launch, &[], 4, &tasks).await {
                Ok(worker) => worker,
                Err(error) => return Ends::Refused(error.reason),
            };
            let calls: Vec<Call> = (0..self.calls).map(|index| self.call(index)).collect();
            let ends = calls.iter().map(|call| worker.call(call));
            let open = async { opened.notify_one() };
            // The calls are polled first, and each opens when it is.
            let (ends, ()) = futures_util::future::join(futures_util::future::join_all(ends), open).await;
            Ends::Calls(ends)
        };
        let (ends, ()) = tokio::join!(calling, speaking);
        tasks.close();
        tasks.wait().await;
        (ends, heard.await.unwrap_or_default())
    }

    fn call(&self, index: usize) -> Call {
        let event = Arc::new(Event { id: format!("e{index}"), body: Bytes::from_static(b"body"), ..Event::default() });
        let call = Call::single(InvocationId::new(Timestamp(0), index as u128), 1, Event::default());
        let is_batch = index == 2;
        let events = vec![event; if is_batch { 2 } else { 1 }];
        Call { events, is_batch, state: self.has_state.then(Bytes::new), ..call }
    }
}
