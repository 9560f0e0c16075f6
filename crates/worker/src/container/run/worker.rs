//! The worker of the contract `run`: one slot, one container a call.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use parking_lot::Mutex;
use tidemill_core::{
    InvocationId,
    invocation::{AttemptOutcome, LogLine},
    ports::{Call, CallEnd, CallOutcome, Launch, Place, Worker, WorkerId},
};
use tokio_util::sync::CancellationToken;

use super::{
    begin::Order,
    execution::{Executed, Wishes, execute},
    outcome::Cut,
};
use crate::{
    container::{driver::Shared, engine::ContainerSettings},
    logs::LogBuffer,
};

/// The call that runs now.
struct Current {
    invocation: InvocationId,
    cut: CancellationToken,
    verdict: Option<Cut>,
    logs: Arc<Mutex<LogBuffer>>,
}

/// See the module.
pub(crate) struct RunWorker {
    shared: Arc<Shared>,
    launch: Launch,
    /// What all its containers have in common.
    template: Mutex<ContainerSettings>,
    current: Mutex<Option<Current>>,
    /// Held by the call that runs.
    turn: tokio::sync::Mutex<()>,
    /// The container of the execution that runs or ran last.
    instance: Mutex<String>,
    gone: CancellationToken,
}

impl RunWorker {
    /// A worker whose image is there.
    pub fn new(shared: Arc<Shared>, launch: Launch, template: ContainerSettings) -> RunWorker {
        RunWorker {
            shared,
            launch,
            template: Mutex::new(template),
            current: Mutex::default(),
            turn: tokio::sync::Mutex::default(),
            instance: Mutex::default(),
            gone: CancellationToken::new(),
        }
    }

    fn cut(&self, cut: Cut, of: impl FnOnce(&Current) -> bool) {
        if let Some(current) = self.current.lock().as_mut().filter(|current| of(current)) {
            current.verdict.get_or_insert(cut);
            current.cut.cancel();
        }
    }

    fn verdict(&self) -> Cut {
        let verdict = self.current.lock().as_ref().and_then(|current| current.verdict.clone());
        verdict.unwrap_or_else(|| Cut::Left("it was interrupted".to_owned()))
    }

    async fn run(&self, call: &Call, cut: &CancellationToken, logs: &Arc<Mutex<LogBuffer>>) -> CallEnd {
        let mut end = CallEnd::new(CallOutcome::Replied(Vec::new()), Vec::new(), Duration::ZERO);
        let mut replies = Vec::with_capacity(call.events.len());
        for event in &call.events {
            let (shared, launch, template) = (&self.shared, &self.launch, &self.template);
            let order = Order { shared, launch, template, call, event, logs };
            let wishes = Wishes {
                // All events of a batch together have the time of one call.
                timeout: call.timeout.map(|timeout| timeout.saturating_sub(end.user_code)),
                cut,
                verdict: &|| self.verdict(),
                logs,
                begun: &|id| *self.instance.lock() = id.to_string(),
            };
            let Executed { outcome, state, sends, results, report, reason, run_time, is_lost } =
                execute(&order, &wishes).await;
            end.user_code += run_time;
            end.state = state.or(end.state);
            end.sends.extend(sends);
            end.results.extend(results);
            end.report = report.or(end.report);
            if !reason.is_empty() {
                end.reason = reason;
            }
            if is_lost {
                // The next worker begins with a look at the engine.
                self.gone.cancel();
            }
            match outcome {
                CallOutcome::Replied(reply) => replies.extend(reply),
                other => {
                    end.outcome = other;
                    return end;
                }
            }
        }
        end.outcome = CallOutcome::Replied(replies);
        end
    }
}

/// What is left to do when the call is over, also when its caller has left.
struct Clear<'a> {
    worker: &'a RunWorker,
    is_over: bool,
}

impl Drop for Clear<'_> {
    fn drop(&mut self) {
        *self.worker.current.lock() = None;
        if !self.is_over {
            self.worker.gone.cancel();
        }
    }
}

#[async_trait]
impl Worker for RunWorker {
    fn id(&self) -> &WorkerId {
        &self.launch.worker
    }

    fn slots(&self) -> u32 {
        1
    }

    async fn call(&self, call: &Call) -> CallEnd {
        let _turn = self.turn.lock().await;
        if self.gone.is_cancelled() {
            let reason = "the worker was ending when the call reached it".to_owned();
            let outcome = CallOutcome::Broken { outcome: AttemptOutcome::Interrupted, reason };
            return CallEnd::new(outcome, Vec::new(), Duration::ZERO);
        }
        let (cut, logs) = (CancellationToken::new(), Arc::<Mutex<LogBuffer>>::default());
        *self.current.lock() =
            Some(Current { invocation: call.invocation, cut: cut.clone(), verdict: None, logs: logs.clone() });
        let mut clear = Clear { worker: self, is_over: false };
        let mut end = self.run(call, &cut, &logs).await;
        clear.is_over = true;
        drop(clear);
        end.logs = std::mem::take(&mut *logs.lock()).into_lines();
        end
    }

    async fn logs_so_far(&self, invocation: InvocationId) -> Option<Vec<LogLine>> {
        let logs = self.current.lock().as_ref().filter(|current| current.invocation == invocation)?.logs.clone();
        let lines = logs.lock().lines().to_vec();
        Some(lines)
    }

    fn is_alive(&self) -> bool {
        !self.gone.is_cancelled()
    }

    fn place(&self) -> Place {
        Place {
            driver: format!("docker:{}", self.shared.engine.address()),
            image: self.launch.spec.container.as_ref().map(|container| container.image.clone()).unwrap_or_default(),
            instance: self.instance.lock().clone(),
        }
    }

    async fn gone(&self) {
        self.gone.cancelled().await;
    }

    async fn stop(&self, grace: Duration) {
        self.gone.cancel();
        if tokio::time::timeout(grace, self.turn.lock()).await.is_err() {
            let reason = "the worker was stopped before the call had ended".to_owned();
            let is_left = self.shared.leaving.is_cancelled();
            self.cut(if is_left { Cut::Left(reason) } else { Cut::Stopped(reason) }, |_| true);
            let _turn = self.turn.lock().await;
        }
    }

    async fn cancel(&self, invocation: InvocationId) {
        self.cut(Cut::Cancelled, |current| current.invocation == invocation);
    }
}
