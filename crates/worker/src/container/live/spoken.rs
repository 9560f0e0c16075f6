//! What a container prints, filed under the calls that are open.
//!
//! It comes by way of the engine, a little later than the answer of the call that printed it.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use parking_lot::Mutex;
use tidemill_core::{
    InvocationId,
    invocation::{LogLevel, LogLine},
};
use tokio::sync::Notify;

use crate::{
    linked::Output,
    logs::{LineSplitter, LogBuffer, cut_text, now},
};

/// After an answer, how long nothing may come before all counts as printed. Engines pass lines on within a millisecond or two.
const QUIET: Duration = Duration::from_millis(8);
/// However much it prints, an answer is not held back for longer.
const HOLD_MAX: Duration = Duration::from_millis(80);
/// A container that has printed nothing during so many calls is not waited for any more, until it does.
const SILENT_CALLS: u32 = 32;

struct Open {
    invocation: InvocationId,
    logs: LogBuffer,
}

#[derive(Default)]
struct State {
    open: BTreeMap<u64, Open>,
    next: u64,
    /// What was printed before the first call, while there is one to come.
    launch: Option<LogBuffer>,
    lines: [LineSplitter; 2],
    last_at: Option<Instant>,
    silent_calls: u32,
    last_line: String,
}

/// See the module.
pub(super) struct Spoken {
    state: Mutex<State>,
    heard: Notify,
}

impl Spoken {
    /// Begins with the launch.
    pub fn new() -> Spoken {
        let state = State { launch: Some(LogBuffer::default()), ..State::default() };
        Spoken { state: Mutex::new(state), heard: Notify::new() }
    }

    /// Takes what was printed. Lines that belong to nothing are given to `stray`.
    pub fn hear(&self, output: Output, bytes: &[u8], mut stray: impl FnMut(&str)) {
        let mut guard = self.state.lock();
        let state = &mut *guard;
        let level = if output == Output::Out { LogLevel::Info } else { LogLevel::Warn };
        state.last_at = Some(Instant::now());
        state.silent_calls = 0;
        let State { open, launch, lines, last_line, .. } = state;
        lines[output as usize].push(bytes, |line| {
            *last_line = cut_text(line, 300);
            match (open.values_mut().next(), launch.as_mut()) {
                (Some(call), _) => call.logs.push(now(), level, line, None),
                (None, Some(launch)) => launch.push(now(), level, line, None),
                (None, None) => stray(line),
            }
        });
        drop(guard);
        self.heard.notify_waiters();
    }

    /// The launch is over: what was printed by then.
    pub fn end_launch(&self) -> Vec<LogLine> {
        self.state.lock().launch.take().unwrap_or_default().into_lines()
    }

    /// Waits for what was printed before the launch failed.
    pub async fn settle_launch(&self) {
        self.settle().await;
    }

    async fn settle(&self) {
        let answered = Instant::now();
        loop {
            let mut heard = std::pin::pin!(self.heard.notified());
            heard.as_mut().enable();
            let last = self.state.lock().last_at.map_or(answered, |at| at.max(answered));
            let until = (last + QUIET).min(answered + HOLD_MAX);
            if tokio::time::timeout_at(until.into(), heard).await.is_err() && Instant::now() >= until {
                return;
            }
        }
    }

    /// The last line that it printed, if any.
    pub fn last_line(&self) -> Option<String> {
        let state = self.state.lock();
        (!state.last_line.trim().is_empty()).then(|| state.last_line.trim().to_owned())
    }

    /// A call begins.
    pub fn open(&self, invocation: InvocationId) -> Hearing<'_> {
        let mut state = self.state.lock();
        let number = state.next;
        state.next += 1;
        state.silent_calls = state.silent_calls.saturating_add(1);
        state.open.insert(number, Open { invocation, logs: LogBuffer::default() });
        Hearing { spoken: self, number }
    }

    /// What the open call of `invocation` has printed so far.
    pub fn so_far(&self, invocation: InvocationId) -> Option<Vec<LogLine>> {
        let state = self.state.lock();
        let call = state.open.values().find(|call| call.invocation == invocation)?;
        Some(call.logs.lines().to_vec())
    }
}

/// A call that is open. Dropping it closes it.
pub(super) struct Hearing<'a> {
    spoken: &'a Spoken,
    number: u64,
}

impl Hearing<'_> {
    /// Waits for what was printed before the answer came; when it `must`, even if the container is a silent one.
    pub async fn settle(&self, must: bool) {
        if !must && self.spoken.state.lock().silent_calls > SILENT_CALLS {
            return;
        }
        self.spoken.settle().await;
    }

    /// Its lines. An unfinished one belongs to the last call that is open.
    pub fn close(self) -> Vec<LogLine> {
        let mut guard = self.spoken.state.lock();
        let state = &mut *guard;
        let is_last = state.open.len() == 1;
        let Some(mut call) = state.open.remove(&self.number) else { return Vec::new() };
        if is_last {
            for (splitter, level) in state.lines.iter_mut().zip([LogLevel::Info, LogLevel::Warn]) {
                splitter.flush(|line| call.logs.push(now(), level, line, None));
            }
        }
        call.logs.into_lines()
    }
}

impl Drop for Hearing<'_> {
    fn drop(&mut self) {
        self.spoken.state.lock().open.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;
    use tidemill_core::Timestamp;

    use super::*;

    fn invocation(number: u128) -> InvocationId {
        InvocationId::new(Timestamp(0), number)
    }

    fn texts(lines: &[LogLine]) -> Vec<&str> {
        lines.iter().map(|line| line.message.as_str()).collect()
    }

    #[tokio::test]
    async fn lines_belong_to_the_oldest_open_call() {
        let spoken = Spoken::new();
        let stray = Mutex::new(Vec::new());
        let hear = |text: &str| spoken.hear(Output::Out, text.as_bytes(), |line| stray.lock().push(line.to_owned()));
        hear("listening\n");
        assert_eq!(texts(&spoken.end_launch()), ["listening"]);
        hear("idle\n");
        let (first, second) = (spoken.open(invocation(1)), spoken.open(invocation(2)));
        hear("a\nb");
        assert_eq!(texts(&spoken.so_far(invocation(1)).unwrap()), ["a"]);
        assert_eq!(spoken.so_far(invocation(3)), None);
        hear("c\nd\n");
        first.settle(false).await;
        assert_eq!(texts(&first.close()), ["a", "bc", "d"]);
        hear("e\nf");
        assert_eq!(texts(&second.close()), ["e", "f"]);
        drop(spoken.open(invocation(4)));
        hear("late\n");
        assert_eq!(
            (spoken.last_line().as_deref(), stray.lock().clone()),
            (Some("late"), vec!["idle".into(), "late".to_owned()])
        );
    }

    #[tokio::test]
    async fn an_answer_is_held_back_for_late_lines_only_while_it_prints() {
        let spoken = Spoken::new();
        for _ in 0..SILENT_CALLS {
            drop(spoken.open(invocation(1)));
        }
        let call = spoken.open(invocation(1));
        assert!(call.settle(false).now_or_never().is_some(), "a silent container is not waited for");
        drop(call);
        spoken.hear(Output::Err, b"x\n", |_| {});
        let call = spoken.open(invocation(2));
        {
            let mut settled = std::pin::pin!(call.settle(false));
            assert!(settled.as_mut().now_or_never().is_none(), "it is waited for again");
            spoken.hear(Output::Err, b"late\n", |_| {});
            settled.await;
        }
        assert_eq!(texts(&call.close()), ["late"]);
    }
}
