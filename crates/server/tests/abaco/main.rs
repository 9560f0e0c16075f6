//! Abaco's REST interface over real connections: the contract, endpoint by endpoint, with the engine on the in-memory store and
//! containers that live in the test. Each table is run in both spellings of member names.

mod actors;
mod aliases;
mod configs;
mod cron;
mod events;
mod executions;
mod hostile;
mod messages;
mod nonces;
mod numbers;
mod permissions;
mod quickstart;
mod recovery;
mod searching;
mod state;
mod support;
mod sweep;
mod tenants;
mod transport;
mod workers;

use tidemill_server::AbacoCase;

/// Both spellings.
pub const CASES: [AbacoCase; 2] = [AbacoCase::Camel, AbacoCase::Snake];
