//! Containers that speak the worker protocol.

use std::{path::Path, sync::Arc, time::Instant};

use bytes::Bytes;
use tidemill_core::{
    invocation::{LogLevel, LogLine},
    ports::{Environment, Launch, LaunchError, Worker},
    spec::{FunctionSpec, Runtime},
};
use tokio::sync::{mpsc, oneshot};

use super::{
    contained::{ContainedWorker, listen, merged},
    environment::{environment, extend},
    launcher::{Folder, HOME, Live, PACKAGE, RUNTIME, Started, no_folder},
    prepared::Prepared,
    spoken::Spoken,
    watch::Watched,
};
use crate::{
    container::build::{interpreter, program},
    linked::{Connection, Ended, Introduction, Leash as _, Meeting, Output, Remote},
    logs::{LineSplitter, LogBuffer, cut_text, now},
    process::wrapper_command,
    words::human_duration,
};

/// Calls that an asynchronous worker takes at once.
const SLOTS_MAX: u32 = 64;

/// Starts a container, waits until it has connected, and until it is ready.
pub(super) async fn launch(live: &Live, launch: Launch, prepared: Prepared) -> Result<Arc<dyn Worker>, LaunchError> {
    let until = Instant::now() + launch.spec.readiness_timeout;
    let (path, name) = live.fresh().await;
    let meeting = Arc::new(Meeting::open(path).map_err(no_folder)?);
    let folder = Folder::Meeting(meeting.clone());
    let wrapper = wrapper_command(&launch.spec.runtime, Path::new(RUNTIME));
    let mut settings = live.settings(&launch, &prepared, &name, &folder, wrapper.is_some()).await?;
    let programs = prepared
        .paths
        .first()
        .map(|path| path.join(if launch.spec.runtime == Runtime::Nodejs { ".bin" } else { "bin" }));
    let env = environment(&launch, &prepared.facts, programs.as_ref().map(|path| path.to_string_lossy()).as_deref());
    settings.env = env.clone();
    match (interpreter(&launch.spec.runtime), wrapper) {
        (Some(program), Some((arguments, variables))) => {
            settings.entrypoint = Some(vec![program]);
            settings.command = Some(arguments);
            extend(&mut settings.env, variables);
        }
        _ if launch.spec.runtime == Runtime::Binary => {
            settings.entrypoint = Some(vec![program(&launch, PACKAGE)]);
            settings.command = Some(Vec::new());
            settings.working_dir = PACKAGE.to_owned();
        }
        _ => {}
    }
    extend(&mut settings.env, meeting.variables(Path::new(HOME)));
    let memory_bytes = settings.memory_bytes;
    let Started { watched, place, .. } = live.start(&launch, &prepared, settings, folder).await?;
    let Watched { rein, mut printed, mut ended } = watched;
    let mut early = Early::default();
    let connection = tokio::time::timeout_at(until.into(), early.meet(&meeting, &mut printed, &mut ended)).await;
    let connection = match connection {
        Ok(Ok(connection)) => connection,
        Ok(Err(reason)) => return Err(early.failure(reason)),
        Err(_) => {
            rein.kill();
            let timeout = human_duration(launch.spec.readiness_timeout);
            return Err(early.failure(format!("the container did not connect to Tidemill within {timeout}")));
        }
    };
    let seen = seen_from_inside(&launch, &prepared);
    let spoken = Arc::new(Spoken::new());
    live.shared.tasks.spawn(listen(spoken.clone(), launch.worker.clone(), printed));
    // The attendant hears nothing: its moment for what was printed is too short for what comes by way of the engine.
    let (_, nothing) = mpsc::channel(1);
    let vessel = Remote::new(nothing, ended);
    let introduction = Introduction::new(&seen, connection, vessel, Arc::new(rein), memory_bytes, place);
    match introduction.make(&seen, &env, SLOTS_MAX, &live.shared.tasks).await {
        Ok(worker) => {
            spoken.end_launch();
            let is_own_program = matches!(launch.spec.runtime, Runtime::Binary)
                || (launch.spec.runtime == Runtime::Image && prepared.inside.is_none());
            Ok(Arc::new(ContainedWorker { worker, spoken, is_own_program }))
        }
        Err(mut error) => {
            spoken.settle_launch().await;
            if let Some(line) = spoken.last_line().filter(|_| error.reason.ends_with("before it was ready")) {
                error.reason = format!("{}: {line}", error.reason);
            }
            Err(early.before(error, spoken.end_launch()))
        }
    }
}

/// The launch with the paths that the container sees.
fn seen_from_inside(launch: &Launch, prepared: &Prepared) -> Launch {
    let mut seen = launch.clone();
    seen.environment = Environment { paths: prepared.paths.clone(), ..launch.environment.clone() };
    seen.directory = PACKAGE.into();
    if let Some(inside) = &prepared.inside {
        seen.directory.clone_from(&inside.directory);
        seen.spec = Arc::new(FunctionSpec { handler: inside.handler.clone(), ..(*launch.spec).clone() });
    }
    seen
}

/// What a container prints before it has connected.
#[derive(Default)]
struct Early {
    lines: [LineSplitter; 2],
    logs: LogBuffer,
}

impl Early {
    /// Waits for the connection. The error says how the container ended instead.
    async fn meet(
        &mut self,
        meeting: &Meeting,
        printed: &mut mpsc::Receiver<(Output, Bytes)>,
        ended: &mut oneshot::Receiver<Ended>,
    ) -> Result<Connection, String> {
        loop {
            tokio::select! {
                biased;
                Some((output, bytes)) = printed.recv() => self.take(output, &bytes),
                connection = meeting.accept() => {
                    return connection.map_err(|error| format!("the container could not be connected: {error}"));
                }
                told = &mut *ended => {
                    while let Ok((output, bytes)) = printed.try_recv() {
                        self.take(output, &bytes);
                    }
                    return Err(self.ended(told.ok()));
                }
            }
        }
    }

    fn take(&mut self, output: Output, bytes: &[u8]) {
        let level = if output == Output::Out { LogLevel::Info } else { LogLevel::Warn };
        let logs = &mut self.logs;
        self.lines[output as usize].push(bytes, |line| logs.push(now(), level, line, None));
    }

    fn ended(&mut self, told: Option<Ended>) -> String {
        self.finish();
        let cause = told.as_ref().and_then(|told| told.cause.as_ref()).map(|(_, reason)| reason.clone());
        let words = told.map_or_else(|| "ended".to_owned(), |told| told.words);
        let said = self.logs.last_message().map(|line| format!(": {}", cut_text(line, 300))).unwrap_or_default();
        cause.unwrap_or_else(|| format!("the container {words} before it connected to Tidemill{said}"))
    }

    fn finish(&mut self) {
        for (splitter, level) in self.lines.iter_mut().zip([LogLevel::Info, LogLevel::Warn]) {
            splitter.flush(|line| self.logs.push(now(), level, line, None));
        }
    }

    fn into_lines(mut self) -> Vec<LogLine> {
        self.finish();
        self.logs.into_lines()
    }

    fn failure(self, reason: String) -> LaunchError {
        LaunchError { reason, logs: self.into_lines() }
    }

    /// The error with what was printed before it.
    fn before(self, error: LaunchError, later: Vec<LogLine>) -> LaunchError {
        let LaunchError { reason, logs } = error;
        LaunchError { reason, logs: self.into_lines().into_iter().chain(merged(logs, later)).collect() }
    }
}
