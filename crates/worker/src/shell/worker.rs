//! A shell function as a worker: one slot, one process at a time.

use std::{
    ffi::OsString,
    os::unix::fs::PermissionsExt,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicI32, Ordering},
    },
    time::{Duration, Instant},
};

use async_trait::async_trait;
use parking_lot::Mutex;
use tidemill_core::{
    Event, InvocationId, configs,
    invocation::{AttemptOutcome, LogLine, Reply, RunReport},
    ports::{Call, CallEnd, CallOutcome, Launch, LaunchError, Place, Worker, WorkerId},
    spec::CommandAttributes,
    variables::event_variables,
};
use tokio_util::sync::CancellationToken;

use super::run::{Bounds, RunEnd, run};
use crate::{
    exchange::{Exchange, Exchanged},
    linked::refused,
    logs::{LogBuffer, cut_text},
    process::{DRIVER, Parts, Program, Stdin, Wants, folders, function_environment, how_it_ended, set_backstop},
    protocol::incoming,
    words::human_duration,
};

/// Where a program in a sandbox finds its files for state and messages.
const EXCHANGE: &str = "/tmp/.tidemill";
const CONTENT_TYPE: &str = "text/plain; charset=utf-8";

/// The call that runs now.
struct Current {
    invocation: InvocationId,
    cut: CancellationToken,
    verdict: Option<(AttemptOutcome, String)>,
    logs: Arc<Mutex<LogBuffer>>,
}

/// See the module.
pub(crate) struct ShellWorker {
    parts: Arc<Parts>,
    launch: Launch,
    attributes: CommandAttributes,
    environment: Vec<(String, String)>,
    /// Whether the program can be started as it is; otherwise `sh` reads it.
    is_executable: bool,
    current: Mutex<Option<Current>>,
    /// The process of the program that runs, or ran last; 0 before the first.
    program_id: AtomicI32,
    /// Held by the call that runs.
    turn: tokio::sync::Mutex<()>,
    gone: CancellationToken,
}

impl ShellWorker {
    /// Checks that the program is there. Nothing is started before an event comes.
    pub fn launch(parts: &Arc<Parts>, launch: Launch) -> Result<ShellWorker, LaunchError> {
        let attributes = CommandAttributes::read(&launch.spec).map_err(refused)?;
        let program = &launch.environment.program;
        let metadata =
            std::fs::metadata(program).map_err(|error| refused(format!("{}: {error}", program.display())))?;
        if !metadata.is_file() {
            return Err(refused(format!("{} is not a file", program.display())));
        }
        let is_executable = metadata.permissions().mode() & 0o111 != 0 && has_magic(program);
        Ok(ShellWorker {
            parts: parts.clone(),
            environment: function_environment(&launch, &parts.search_path),
            attributes,
            launch,
            is_executable,
            current: Mutex::default(),
            program_id: AtomicI32::new(0),
            turn: tokio::sync::Mutex::default(),
            gone: CancellationToken::new(),
        })
    }

    fn program(&self, call: &Call, event: &Event, exchange: &Exchange) -> Program {
        let handler = &self.launch.environment.program;
        let own = self.attributes.arguments_for(event).into_iter().map(OsString::from);
        let (program, arguments) = if self.is_executable {
            (handler.clone(), own.collect())
        } else {
            ("/bin/sh".into(), [handler.clone().into_os_string()].into_iter().chain(own).collect())
        };
        let mut environment = self.environment.clone();
        let of_event = event_variables(event, call.attempt, call.key_of(event));
        environment.extend(of_event.into_iter().map(|(name, value)| (name.into_owned(), value.into_owned())));
        let seen_at = if self.parts.spawner.shows_copies() { Path::new(EXCHANGE) } else { exchange.directory() };
        environment.extend(exchange.variables(seen_at));
        let wants = Wants {
            shown: folders(&self.launch.directory, &self.launch.environment),
            exchange: Some((exchange.directory().to_owned(), EXCHANGE.into())),
            network: self.launch.spec.sandbox.network,
            resources: self.launch.spec.resources,
        };
        Program {
            program,
            arguments,
            environment: environment.into_iter().map(|(name, value)| (name.into(), value.into())).collect(),
            directory: self.launch.directory.clone(),
            stdin: Stdin::Pipe,
            handed: Vec::new(),
            wants,
        }
    }

    async fn answer(
        &self,
        call: &Call,
        event: &Event,
        bounds: Bounds<'_>,
        gathered: &mut Gathered,
    ) -> Result<Reply, CallOutcome> {
        let broken = |outcome, reason: String| Err(CallOutcome::Broken { outcome, reason });
        let failed = |what: &str, error: std::io::Error| broken(AttemptOutcome::Crashed, format!("{what}: {error}"));
        let Gathered { logs, exchanged, report } = gathered;
        let begun = self.parts.exchanges.begin(call.state.as_ref());
        let begun = begun.and_then(|mut exchange| exchange.put_configs(&call.configs).map(|()| exchange));
        let exchange = match begun {
            Ok(exchange) => exchange,
            Err(error) => return failed("the files for state, messages and configs could not be made", error),
        };
        let process = match self.parts.spawner.spawn(self.program(call, event, &exchange)).await {
            Ok(process) => process,
            Err(error) => return failed("the program could not be started", error),
        };
        self.program_id.store(process.leash().pid().as_raw_nonzero().get(), Ordering::Relaxed);
        if let Some(limit) = bounds.memory_bytes {
            // Should it have ended already there is nothing to limit.
            let _ = set_backstop(process.leash().pid(), limit);
        }
        let end = run(process, event.body.clone(), bounds, logs).await;
        if let Ok(RunEnd::Exited(status, _, cpu_ns)) = &end {
            report.cpu_ns += cpu_ns;
            report.exit_code = status.code().map(i64::from);
        }
        match end {
            Err(error) => failed("the program could not be waited for", error),
            Ok(RunEnd::Exited(status, stdout, _)) if status.success() => match collect(exchange).await {
                Ok(left) => {
                    exchanged.state = left.state;
                    exchanged.sends.extend(left.sends);
                    self.reply(stdout)
                }
                Err(reason) => broken(AttemptOutcome::BadResponse, reason),
            },
            Ok(RunEnd::Exited(status, ..)) if status.code().is_some() => Err(CallOutcome::Raised {
                message: failure_line(status.code().unwrap_or(0), &logs.lock()),
                status: 500,
            }),
            Ok(RunEnd::Exited(status, ..)) => {
                broken(AttemptOutcome::Crashed, format!("the program {}", how_it_ended(status)))
            }
            Ok(RunEnd::Broken(outcome, reason)) => broken(outcome, reason),
            Ok(RunEnd::TimedOut) => {
                let limit = human_duration(call.timeout.unwrap_or_default());
                broken(AttemptOutcome::TimedOut, format!("ran longer than its event timeout of {limit}"))
            }
            Ok(RunEnd::Cut) => {
                let verdict = self.current.lock().as_mut().and_then(|current| current.verdict.take());
                let (outcome, reason) =
                    verdict.unwrap_or((AttemptOutcome::Interrupted, "it was interrupted".to_owned()));
                broken(outcome, reason)
            }
        }
    }

    fn reply(&self, stdout: Vec<u8>) -> Result<Reply, CallOutcome> {
        let mut content_type = CONTENT_TYPE.to_owned();
        let mut headers = Vec::new();
        for (name, value) in &self.attributes.response_headers {
            if name.eq_ignore_ascii_case("content-type") {
                content_type.clone_from(value);
            } else {
                headers.push((name.clone(), value.clone()));
            }
        }
        let reply = Reply { status: 200, content_type, headers, body: stdout.into() };
        incoming::check(reply).map_err(|reason| CallOutcome::Broken { outcome: AttemptOutcome::BadResponse, reason })
    }

    fn cut(&self, outcome: AttemptOutcome, reason: &str, of: impl FnOnce(&Current) -> bool) {
        if let Some(current) = self.current.lock().as_mut().filter(|current| of(current)) {
            current.verdict.get_or_insert((outcome, reason.to_owned()));
            current.cut.cancel();
        }
    }
}

/// What the programs of one call leave behind.
#[derive(Default)]
struct Gathered {
    logs: Arc<Mutex<LogBuffer>>,
    exchanged: Exchanged,
    report: RunReport,
}

/// Reads what a program has left in its files. They may be large, and their disk slow.
async fn collect(exchange: Exchange) -> Result<Exchanged, String> {
    let collected = tokio::task::spawn_blocking(move || exchange.collect()).await;
    collected.unwrap_or_else(|error| Err(format!("state and messages could not be read: {error}")))
}

/// Whether the system knows how to run it: it names its interpreter, or it is a program.
fn has_magic(program: &Path) -> bool {
    use std::io::Read as _;
    let mut start = [0u8; 4];
    let read = std::fs::File::open(program).and_then(|mut file| file.read(&mut start)).unwrap_or(0);
    start[..read].starts_with(b"#!") || start[..read] == *b"\x7fELF"
}

fn failure_line(code: i32, logs: &LogBuffer) -> String {
    match logs.last_message() {
        Some(line) => format!("exit status {code}: {}", cut_text(line.trim(), 1000)),
        None => format!("exit status {code}"),
    }
}

/// Forgets the current call, also when its caller has left.
struct Clear<'a>(&'a Mutex<Option<Current>>);

impl Drop for Clear<'_> {
    fn drop(&mut self) {
        *self.0.lock() = None;
    }
}

#[async_trait]
impl Worker for ShellWorker {
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
        if let Err(reason) = configs::check(&call.configs) {
            let outcome = CallOutcome::Broken { outcome: AttemptOutcome::LaunchFailed, reason };
            return CallEnd::new(outcome, Vec::new(), Duration::ZERO);
        }
        let started = Instant::now();
        let deadline = call.timeout.and_then(|timeout| started.checked_add(timeout));
        let cut = CancellationToken::new();
        let mut gathered = Gathered::default();
        let logs = gathered.logs.clone();
        *self.current.lock() = Some(Current { invocation: call.invocation, cut: cut.clone(), verdict: None, logs });
        let _clear = Clear(&self.current);
        let mut replies = Vec::with_capacity(call.events.len());
        let mut end = None;
        for event in &call.events {
            let bounds = Bounds { deadline, memory_bytes: self.launch.spec.resources.memory_bytes, cut: &cut };
            match self.answer(call, event, bounds, &mut gathered).await {
                Ok(reply) => replies.push(reply),
                Err(outcome) => {
                    end = Some(outcome);
                    break;
                }
            }
        }
        let outcome = end.unwrap_or(CallOutcome::Replied(replies));
        let Gathered { logs, exchanged, mut report } = gathered;
        let took = started.elapsed();
        report.run_us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let mut end = CallEnd::new(outcome, std::mem::take(&mut *logs.lock()).into_lines(), took);
        if matches!(end.outcome, CallOutcome::Replied(_)) {
            (end.state, end.sends) = (exchanged.state, exchanged.sends);
        }
        end.report = Some(report);
        end
    }

    async fn logs_so_far(&self, invocation: InvocationId) -> Option<Vec<LogLine>> {
        let current = self.current.lock();
        let current = current.as_ref().filter(|current| current.invocation == invocation)?;
        Some(current.logs.lock().lines().to_vec())
    }

    fn place(&self) -> Place {
        let instance = match self.program_id.load(Ordering::Relaxed) {
            0 => String::new(),
            id => id.to_string(),
        };
        Place { driver: DRIVER.to_owned(), instance, ..Place::default() }
    }

    fn is_alive(&self) -> bool {
        !self.gone.is_cancelled()
    }

    async fn gone(&self) {
        self.gone.cancelled().await;
    }

    async fn stop(&self, grace: Duration) {
        self.gone.cancel();
        if tokio::time::timeout(grace, self.turn.lock()).await.is_err() {
            self.cut(AttemptOutcome::Interrupted, "the worker was stopped before the call had ended", |_| true);
            let _turn = self.turn.lock().await;
        }
    }

    async fn cancel(&self, invocation: InvocationId) {
        self.cut(AttemptOutcome::Cancelled, "it was cancelled", |current| current.invocation == invocation);
    }
}
