//! What the store's gate does in the simulation: calls may fail before they happen, lose their answer after they happened,
//! or never return because the node that made them is dead.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU32, Ordering},
};

use async_trait::async_trait;
use tidemill_core::ports::StoreError;

use crate::{fake::Toll, world::World};

pub struct SimToll {
    pub world: Arc<World>,
    /// The node behind this gate is dead.
    pub dead: Arc<AtomicBool>,
    /// Calls that were made to fail.
    pub faults: Arc<AtomicU32>,
    /// All calls.
    pub calls: Arc<AtomicU32>,
}

#[async_trait]
impl Toll for SimToll {
    async fn before(&self, intent: &'static str) -> Result<(), StoreError> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        tokio::time::sleep(self.world.dice.millis(3)).await;
        self.alive().await;
        self.chance(intent, "before")
    }

    async fn after(&self, intent: &'static str) -> Result<(), StoreError> {
        tokio::time::sleep(self.world.dice.millis(3)).await;
        self.alive().await;
        self.chance(intent, "after")
    }
}

impl SimToll {
    async fn alive(&self) {
        if self.dead.load(Ordering::Relaxed) {
            std::future::pending::<()>().await;
        }
    }

    fn chance(&self, intent: &str, when: &str) -> Result<(), StoreError> {
        let is_write = matches!(
            intent,
            "submit"
                | "claim"
                | "renew"
                | "settle"
                | "expire"
                | "fire"
                | "due"
                | "put_revision"
                | "put_schedules"
                | "state"
                | "cancel"
        );
        if is_write && self.world.has_faults.load(Ordering::Relaxed) && self.world.dice.percent(4) {
            self.faults.fetch_add(1, Ordering::Relaxed);
            self.world.log(format!("fault {when} {intent}"));
            return Err(if self.world.dice.percent(50) { StoreError::Full } else { StoreError::Failed("dice".into()) });
        }
        Ok(())
    }
}
