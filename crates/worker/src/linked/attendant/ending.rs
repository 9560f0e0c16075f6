//! The end of a worker: whoever still waits for it gets an answer.

use std::time::Duration;

use tidemill_core::invocation::AttemptOutcome;

use super::{Attendant, LaunchFailure, TURN_BYTES};
use crate::{
    linked::{
        link::Phase,
        open_call::{Answer, Verdict},
        vessel::{Ended, Vessel},
    },
    logs::cut_text,
    protocol::frame::Decoder,
};

impl Attendant {
    /// The worker has ended.
    pub(super) async fn finish(mut self, mut decoder: Decoder, mut vessel: impl Vessel) {
        while self.is_socket_open {
            let buffer = decoder.buffer();
            buffer.reserve(TURN_BYTES);
            // Past the runtime's bookkeeping: what was sent before the end is there, whether or not it was announced.
            match rustix::io::read(&self.link.stream, rustix::buffer::spare_capacity(buffer)) {
                Ok(read) if read > 0 => self.take_frames(&mut decoder, &mut vessel),
                Ok(_) | Err(_) => self.is_socket_open = false,
            }
        }
        self.link.leave();
        self.read_what_was_printed(&mut vessel);
        let ended = vessel.end().await;
        self.host_calls.shutdown().await;
        if let Some((outcome, reason)) = ended.cause.clone() {
            let verdict = || Verdict { stream: None, outcome, reason };
            self.link.state.lock().verdict.get_or_insert_with(verdict);
        }
        self.end_launch(&ended);
        self.end_calls(&ended.words);
        self.link.over.cancel();
    }

    fn end_launch(&mut self, ended: &Ended) {
        let Some(ready) = self.ready.take() else { return };
        let logs = std::mem::take(&mut self.launch_logs);
        let verdict = self.link.state.lock().verdict.clone();
        let reason = match (self.failed.take(), verdict) {
            (Some(failure), _) => {
                let (line, traceback) = (failure.line(), failure.traceback.trim());
                if traceback.is_empty() { line } else { format!("{line}\n{traceback}") }
            }
            (None, Some(verdict)) => verdict.reason,
            (None, None) if self.link.has_memory_limit() && logs.tells_of_memory() => self.link.memory_reason(),
            (None, None) => {
                let hint = logs.last_message().map(|line| format!(": {}", cut_text(line, 300)));
                let hint = hint.filter(|_| !ended.is_success).unwrap_or_default();
                format!("the worker {} before it was ready{hint}", ended.words)
            }
        };
        // The launch may have been given up.
        let _ = ready.send(Err(LaunchFailure { reason, logs: logs.into_lines() }));
    }

    fn end_calls(&mut self, end: &str) {
        let (calls, verdict, slots, freed_at) = {
            let mut state = self.link.state.lock();
            state.phase = Phase::Over;
            (std::mem::take(&mut state.calls), state.verdict.clone(), state.slots, state.freed_at)
        };
        // With one slot only the oldest call had begun.
        let begun = if slots == 1 { 1 } else { calls.len() };
        if verdict.is_none() && calls.is_empty() && !self.is_stopping && self.was_ready {
            tracing::warn!(function = %self.owner.function, worker = %self.link.worker, "worker {end} while it was idle");
        }
        for (index, (stream, call)) in calls.into_iter().enumerate() {
            let (outcome, reason) = match &verdict {
                None if index >= begun => {
                    let reason = "the worker ended while it was running an earlier call";
                    (AttemptOutcome::Interrupted, reason.to_owned())
                }
                Some(Verdict { stream: None, reason, .. }) if index >= begun => {
                    (AttemptOutcome::Interrupted, reason.clone())
                }
                Some(verdict) if verdict.stream.is_none_or(|judged| judged == stream) => {
                    (verdict.outcome, verdict.reason.clone())
                }
                Some(_) => {
                    let reason = "the worker was ended because of another call that it was running";
                    (AttemptOutcome::Interrupted, reason.to_owned())
                }
                None if self.link.has_memory_limit() && call.logs.tells_of_memory() => {
                    (AttemptOutcome::OutOfMemory, self.link.memory_reason())
                }
                None => {
                    let hint = call.logs.last_message().map(|line| format!("; its last line was: {}", one_line(line)));
                    (AttemptOutcome::Crashed, format!("the worker {end}{}", hint.unwrap_or_default()))
                }
            };
            // Nobody has measured it: it was in user code for as long as it ran.
            let user_code = if index < begun { call.began_at(freed_at).elapsed() } else { Duration::ZERO };
            call.end(Answer::Broken(outcome, reason), user_code);
        }
    }
}

fn one_line(text: &str) -> String {
    cut_text(text.trim().lines().last().unwrap_or(""), 300)
}
