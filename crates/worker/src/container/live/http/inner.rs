//! What the calls of one container and the task that listens to it share.

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt as _;
use hyper::body::{Body as _, Incoming};
use tidemill_core::{
    Event,
    invocation::AttemptOutcome,
    limits::RESPONSE_BODY_BYTES_MAX,
    ports::{Call, CallOutcome, Launch},
};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use super::{
    pool::{Pool, line},
    translate::{reply, request},
};
use crate::{
    container::live::{spoken::Spoken, watch::Rein},
    linked::{Ended, Leash as _, Output},
    logs::cut_text,
    open_calls::OpenCalls,
    protocol::incoming,
};

/// After a connection broke, how long it may take until the engine tells that the container has ended.
const END_TIME: Duration = Duration::from_secs(2);

/// See the module.
pub(super) struct Inner {
    pub launch: Launch,
    pub rein: Rein,
    pub calls: OpenCalls,
    pub spoken: Spoken,
    /// How the container ended.
    pub end: OnceLock<Ended>,
    /// It has ended.
    pub over: CancellationToken,
}

impl Inner {
    pub fn new(launch: Launch, rein: Rein) -> Inner {
        Inner {
            launch,
            rein,
            calls: OpenCalls::default(),
            spoken: Spoken::new(),
            end: OnceLock::new(),
            over: CancellationToken::new(),
        }
    }

    /// Listens to the container until it has ended.
    pub async fn listen(
        self: Arc<Self>,
        mut printed: mpsc::Receiver<(Output, Bytes)>,
        ended: oneshot::Receiver<Ended>,
    ) {
        while let Some((output, bytes)) = printed.recv().await {
            self.spoken.hear(output, &bytes, |line| {
                let (function, message) = (&self.launch.function, cut_text(line, 1024));
                tracing::debug!(%function, worker = %self.launch.worker, message, "line outside of any call");
            });
        }
        let lost = |_| Ended { words: "was lost".to_owned(), is_success: false, cause: None };
        let _ = self.end.set(ended.await.unwrap_or_else(lost));
        self.calls.leave();
        self.over.cancel();
    }

    /// Sends the events of a call one after the other.
    pub async fn answer(&self, pool: &Pool, call: &Call) -> CallOutcome {
        let mut replies = Vec::with_capacity(call.events.len());
        for event in &call.events {
            match self.answer_one(pool, call, event).await {
                Ok(reply) => replies.push(reply),
                Err(outcome) => return outcome,
            }
        }
        CallOutcome::Replied(replies)
    }

    async fn answer_one(
        &self,
        pool: &Pool,
        call: &Call,
        event: &Event,
    ) -> Result<tidemill_core::invocation::Reply, CallOutcome> {
        let request = request(event, call.invocation, call.attempt)
            .map_err(|message| CallOutcome::Raised { message, status: 400 })?;
        let (response, sender) = match pool.send(request).await {
            Ok(answer) => answer,
            Err(error) => return Err(self.broken(&error).await),
        };
        let (parts, body) = response.into_parts();
        let bytes = match read(body).await {
            Ok(bytes) => bytes,
            Err(Unread::TooLarge(size)) => return Err(bad(incoming::too_large(size))),
            Err(Unread::Lost(error)) => return Err(self.broken(&error).await),
        };
        pool.give_back(sender);
        incoming::check(reply(&parts, bytes)).map_err(bad)
    }

    /// Why a connection broke: mostly because the container has ended.
    async fn broken(&self, error: &str) -> CallOutcome {
        let has_ended = tokio::time::timeout(END_TIME, self.over.cancelled()).await.is_ok();
        let (outcome, reason) = match self.end.get().filter(|_| has_ended) {
            Some(end) => self.told(end, AttemptOutcome::Crashed),
            None => (AttemptOutcome::Crashed, format!("the server in the container broke the connection off: {error}")),
        };
        CallOutcome::Broken { outcome, reason }
    }

    /// What an end of the container means for whoever waits for it.
    pub fn told(&self, end: &Ended, outcome: AttemptOutcome) -> (AttemptOutcome, String) {
        end.cause.clone().unwrap_or_else(|| {
            let said = self.spoken.last_line().map(|line| format!("; its last line was: {line}")).unwrap_or_default();
            (outcome, format!("the container {}{said}", end.words))
        })
    }

    /// Takes no more calls, and ends the container when those that are open have ended.
    pub fn make_unfit(self: &Arc<Self>, tasks: &tokio_util::task::TaskTracker) {
        self.calls.leave();
        let inner = self.clone();
        tasks.spawn(async move {
            inner.calls.all_closed().await;
            inner.rein.kill();
        });
    }
}

fn bad(reason: String) -> CallOutcome {
    CallOutcome::Broken { outcome: AttemptOutcome::BadResponse, reason }
}

enum Unread {
    TooLarge(u64),
    Lost(String),
}

async fn read(mut body: Incoming) -> Result<Bytes, Unread> {
    if let Some(size) = body.size_hint().exact().filter(|size| *size > RESPONSE_BODY_BYTES_MAX) {
        return Err(Unread::TooLarge(size));
    }
    let mut bytes = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| Unread::Lost(line(&error)))?;
        let Ok(data) = frame.into_data() else { continue };
        let size = bytes.len() as u64 + data.len() as u64;
        if size > RESPONSE_BODY_BYTES_MAX {
            return Err(Unread::TooLarge(size));
        }
        bytes.extend_from_slice(&data);
    }
    Ok(bytes.freeze())
}
