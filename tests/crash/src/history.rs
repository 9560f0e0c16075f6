//! What was asked of the server and what it promised, written down as it happens: in memory for the checker and as JSON
//! lines for a person.

use std::{
    fs::File,
    io::Write,
    path::Path,
    sync::{Mutex, MutexGuard, PoisonError},
};

use serde::Serialize;

/// An event that was handed to the server, perhaps more than once when it has an idempotency key.
#[derive(Clone, Debug, Serialize)]
pub struct Asked {
    /// The function.
    pub function: String,
    /// The unique content of the event.
    pub payload: String,
    /// The ordering key; empty for none.
    pub key: String,
    /// The number within the key, from 1; 0 for none.
    pub n: u64,
    /// The idempotency key, when there is one.
    pub idempotency_key: Option<String>,
}

/// The server said 202.
#[derive(Clone, Debug, Serialize)]
pub struct Promise {
    /// The event.
    pub payload: String,
    /// The invocation.
    pub id: String,
}

/// One line of the history.
#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum Line<'a> {
    Asked(&'a Asked),
    Promised(&'a Promise),
    Unanswered { payload: &'a str, error: String },
    Refused { payload: &'a str, status: u16, body: &'a str },
    Fault(&'a str),
}

/// All that was recorded.
#[derive(Clone, Debug, Default)]
pub struct Record {
    /// Every event, once each.
    pub asked: Vec<Asked>,
    /// Every 202.
    pub promises: Vec<Promise>,
    /// Requests without an answer.
    pub unanswered: u64,
    /// Requests refused with a status that says to come again.
    pub refused: u64,
    /// Answers that a submitter should never see.
    pub strange: Vec<String>,
    /// Faults by kind, in order.
    pub faults: Vec<&'static str>,
}

/// Records from many tasks.
pub struct History {
    state: Mutex<(Record, File)>,
}

impl History {
    /// An empty history that is also written to `path`.
    pub fn create(path: &Path) -> anyhow::Result<History> {
        Ok(History { state: Mutex::new((Record::default(), File::create(path)?)) })
    }

    /// An event is about to be handed over.
    pub fn asked(&self, asked: &Asked) {
        let mut state = self.lock();
        write(&mut state.1, &Line::Asked(asked));
        state.0.asked.push(asked.clone());
    }

    /// It was accepted.
    pub fn promised(&self, payload: &str, id: &str) {
        let promise = Promise { payload: payload.to_owned(), id: id.to_owned() };
        let mut state = self.lock();
        write(&mut state.1, &Line::Promised(&promise));
        state.0.promises.push(promise);
    }

    /// Nobody knows whether it was accepted.
    pub fn unanswered(&self, payload: &str, error: &anyhow::Error) {
        let mut state = self.lock();
        write(&mut state.1, &Line::Unanswered { payload, error: format!("{error:#}") });
        state.0.unanswered += 1;
    }

    /// It was refused.
    pub fn refused(&self, payload: &str, status: u16, body: &str) {
        let mut state = self.lock();
        write(&mut state.1, &Line::Refused { payload, status, body });
        if matches!(status, 429 | 503 | 507) {
            state.0.refused += 1;
        } else {
            state.0.strange.push(format!("{payload}: {status} {body}"));
        }
    }

    /// Something was done to the server.
    pub fn fault(&self, kind: &'static str, details: &str) {
        let mut state = self.lock();
        write(&mut state.1, &Line::Fault(details));
        state.0.faults.push(kind);
    }

    /// All so far.
    pub fn record(&self) -> Record {
        self.lock().0.clone()
    }

    fn lock(&self) -> MutexGuard<'_, (Record, File)> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The file is for a person who looks into a failure; the checker does not need it, so a full disk does not end a test.
fn write(file: &mut File, line: &Line<'_>) {
    if let Ok(mut text) = serde_json::to_string(line) {
        text.push('\n');
        let _unread = file.write_all(text.as_bytes());
    }
}
