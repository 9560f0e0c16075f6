//! From a call to a container that runs: one that is adopted, or a new one.

use std::{io, sync::Arc, time::Instant};

use bytes::Bytes;
use parking_lot::Mutex;
use tidemill_core::{
    Event,
    invocation::{AttemptOutcome, LogLevel},
    ports::{Call, CallOutcome, Launch},
    spec::Pull,
};
use tokio::net::UnixDatagram;

use super::{
    environment::{Facts, Given, Message, given},
    feed::Feed,
    folder::{Folder, Furnished},
    results::Results,
    watch::AGAIN_PERIOD,
};
use crate::{
    container::{
        driver::Shared,
        engine::{ContainerId, ContainerSettings, ContainerStatus, EngineError},
        labels,
        roster::{Found, Held, Orphan},
    },
    logs::{LogBuffer, now},
};

/// A container that runs or has run, and what belongs to it.
pub(super) struct Begun {
    pub id: ContainerId,
    pub held: Held,
    pub folder: Folder,
    pub results: Results,
    /// None for one that was adopted: the old one is lost to it.
    pub socket: Option<UnixDatagram>,
    pub feed: Option<Feed>,
    /// Whether it was adopted and had ended before.
    pub has_ended_unseen: bool,
}

/// What a container is begun from.
pub(super) struct Order<'a> {
    pub shared: &'a Arc<Shared>,
    pub launch: &'a Launch,
    pub template: &'a Mutex<ContainerSettings>,
    pub call: &'a Call,
    pub event: &'a Event,
    pub logs: &'a Mutex<LogBuffer>,
}

fn broken(outcome: AttemptOutcome, reason: String) -> CallOutcome {
    CallOutcome::Broken { outcome, reason }
}

/// Makes the files of an execution.
async fn furnish(folder: &Folder, call: &Call, message: Option<Bytes>) -> io::Result<(Furnished, Option<Feed>)> {
    let (folder, state, configs) = (folder.clone(), call.state.clone(), call.configs.clone());
    let furnish = move || {
        let furnished = folder.furnish(state.as_ref(), message.as_ref(), &configs)?;
        let message = message.filter(|message| !message.is_empty());
        let feed = message.map(|message| Feed::open(&folder, message)).transpose()?;
        Ok((furnished, feed))
    };
    tokio::task::spawn_blocking(furnish).await.unwrap_or_else(|error| Err(io::Error::other(error)))
}

impl Order<'_> {
    /// Finds or makes the container and starts it.
    pub async fn begin(&self) -> Result<Begun, CallOutcome> {
        let (call, launch) = (self.call, self.launch);
        // The events of a batch share an invocation, so none of their containers is known by it.
        if call.events.len() == 1 {
            match self.shared.roster.adopt(call.invocation, &launch.function, launch.revision) {
                Found::Own(orphan, held) => return Ok(self.adopt(orphan, held).await),
                Found::Other(orphan, held) => self.clear(&orphan, held).await?,
                Found::Nothing => {}
            }
        }
        self.make().await
    }

    /// Removes a container of the invocation: as long as it may run, no other one begins.
    async fn clear(&self, orphan: &Orphan, held: Held) -> Result<(), CallOutcome> {
        let began = Instant::now();
        while let Err(error) = self.shared.end(&orphan.id).await {
            if began.elapsed() >= self.shared.away_max {
                let reason = format!("an earlier container of the execution could not be ended: {error}");
                return Err(broken(AttemptOutcome::Interrupted, reason));
            }
            tokio::time::sleep(AGAIN_PERIOD).await;
        }
        self.shared.clear(held).await;
        Ok(())
    }

    async fn adopt(&self, orphan: Orphan, held: Held) -> Begun {
        tracing::info!(function = %orphan.function, invocation = %self.call.invocation, "adopted the container of an execution");
        // Its log is read from the beginning.
        self.given();
        let folder = Folder::at(self.shared.folder_of(&orphan.name));
        let file = folder.results();
        // After a panic in it there are none.
        let results = tokio::task::spawn_blocking(move || Results::reopen(&file)).await;
        let results = results.unwrap_or_else(|_| Results::new(folder.results()));
        let facts = self.shared.engine.inspect(&orphan.id).await;
        let has_ended_unseen = facts.is_ok_and(|facts| facts.status == ContainerStatus::Ended);
        Begun { id: orphan.id, held, folder, results, socket: None, feed: None, has_ended_unseen }
    }

    async fn make(&self) -> Result<Begun, CallOutcome> {
        let (call, launch, shared) = (self.call, self.launch, self.shared);
        let name = shared.fresh_name();
        let mut held = shared.roster.hold(&shared.container_name(&name));
        if call.events.len() == 1 {
            held.claim(call.invocation, &launch.function, launch.revision);
        }
        let folder = Folder::at(shared.config.runtime_dir.join(&name));
        let Given { mut variables, message, .. } = self.given();
        let message = match message {
            Message::Variable => None,
            Message::Bytes(bytes) => Some(bytes),
        };
        let (furnished, feed) = match furnish(&folder, call, message.clone()).await {
            Ok(furnished) => furnished,
            Err(error) => {
                held.has_ended();
                let reason = format!("the files of the execution were not made: {error}");
                return Err(broken(AttemptOutcome::LaunchFailed, reason));
            }
        };
        let mut settings = self.template.lock().clone();
        settings.name = held.name().to_owned();
        settings.labels.extend(labels::of_execution(&shared.config.instance, launch, call.invocation, call.attempt));
        if call.events.len() != 1 {
            settings.labels.remove(labels::INVOCATION);
        }
        variables.extend(furnished.variables);
        settings.env = variables.into_iter().collect();
        settings.mounts.extend(folder.mounts(message.is_some()));
        let begun = match self.create(settings).await {
            Ok(id) => self.start(&id).await.map(|()| id),
            Err(error) => Err(error),
        };
        let id = match begun {
            Ok(id) => id,
            Err(error) => {
                // An engine that did not answer may have started it.
                if !error.is_outage() {
                    held.has_ended();
                }
                return Err(self.not_begun(&error));
            }
        };
        let (results, socket) = (Results::new(folder.results()), Some(furnished.socket));
        Ok(Begun { id, held, folder, results, socket, feed, has_ended_unseen: false })
    }

    /// What the execution finds; its log says what is not where a program may look for it.
    fn given(&self) -> Given {
        let (call, launch) = (self.call, self.launch);
        let default = String::new();
        let given = given(&Facts {
            spec: &launch.spec,
            function: &launch.function,
            revision: launch.revision,
            worker: &launch.worker.0,
            invocation: call.invocation,
            image: launch.spec.container.as_ref().map_or(&default, |container| &container.image),
            event: self.event,
            state: call.state.as_ref(),
            configs: &call.configs,
        });
        let mut logs = self.logs.lock();
        given.notes.iter().for_each(|note| logs.push(now(), LogLevel::Warn, note, None));
        drop(logs);
        given
    }

    /// Why nothing runs, for the log and the end of the call.
    fn not_begun(&self, error: &EngineError) -> CallOutcome {
        // Without its image the worker is of no more use; the next one looks for it again, or builds it.
        let is_interrupted = error.is_outage() || matches!(error, EngineError::NoImage(_));
        let outcome = if is_interrupted { AttemptOutcome::Interrupted } else { AttemptOutcome::LaunchFailed };
        let reason = format!("the container did not start: {error}");
        self.logs.lock().push_last(now(), LogLevel::Error, &reason);
        broken(outcome, reason)
    }

    /// Makes the container, also when the engine is away for a while or its image has been removed meanwhile.
    async fn create(&self, mut settings: ContainerSettings) -> Result<ContainerId, EngineError> {
        let engine = &self.shared.engine;
        let began = Instant::now();
        let mut has_looked_for_image = false;
        loop {
            match engine.create(&settings).await {
                Ok(id) => return Ok(id),
                Err(error) if error.is_outage() => {
                    if began.elapsed() >= self.shared.away_max {
                        return Err(error);
                    }
                    tokio::time::sleep(AGAIN_PERIOD).await;
                    // It may have been made without our being told.
                    let _ = engine.remove(&ContainerId::new(settings.name.as_str())).await;
                }
                Err(error @ EngineError::NoImage(_)) if !has_looked_for_image => {
                    has_looked_for_image = true;
                    let Some(container) = self.launch.spec.container.as_deref() else { return Err(error) };
                    if container.image.is_empty() {
                        return Err(error);
                    }
                    let pull = if container.pull == Pull::Never { Pull::Never } else { Pull::Missing };
                    settings.image = self.shared.image(&container.image, pull).await?;
                    self.template.lock().image.clone_from(&settings.image);
                }
                Err(error) => return Err(error),
            }
        }
    }

    async fn start(&self, id: &ContainerId) -> Result<(), EngineError> {
        let engine = &self.shared.engine;
        let began = Instant::now();
        loop {
            let error = match engine.start(id).await {
                Ok(()) => return Ok(()),
                Err(error) => error,
            };
            if !error.is_outage() || began.elapsed() >= self.shared.away_max {
                return Err(error);
            }
            tokio::time::sleep(AGAIN_PERIOD).await;
            match engine.inspect(id).await {
                Ok(facts) if facts.status != ContainerStatus::Created => return Ok(()),
                Ok(_) => {}
                Err(error) if error.is_outage() => {}
                Err(error) => return Err(error),
            }
        }
    }
}
