//! Answers what running user code asks of the platform.

use std::sync::{Arc, OnceLock, Weak};

use async_trait::async_trait;
use tidemill_core::{
    Event, FunctionRef,
    invocation::Reply,
    ports::{CallRequest, Host},
};

use crate::{call, shared::Shared};

/// The engine as user code sees it. Set once the engine stands; workers do not keep the engine alive.
#[derive(Default)]
pub(crate) struct EngineHost {
    shared: OnceLock<Weak<Shared>>,
}

impl EngineHost {
    pub fn connect(&self, shared: &Arc<Shared>) {
        // Connecting twice would be connecting to the same engine.
        let _ = self.shared.set(Arc::downgrade(shared));
    }
}

#[async_trait]
impl Host for EngineHost {
    async fn call_function(&self, request: CallRequest) -> Result<Reply, String> {
        let shared = self.shared.get().and_then(Weak::upgrade).ok_or("the server is stopping")?;
        let reference = FunctionRef::new(request.caller.project, request.function);
        let function = shared.routes.load().function(&reference).cloned();
        let function = function.ok_or_else(|| format!("there is no function {reference}"))?;
        let received_at = shared.now();
        // Nobody calls in another's name.
        let event = Event { caller: String::new(), ..request.event };
        let called = call::call(&shared, &function, event, received_at).await;
        called.map(|called| called.reply).map_err(|error| error.to_string())
    }
}
