//! Durable state of a function, which makes an actor of it.

use serde::{Deserialize, Serialize};

/// Whether a function has durable state, and how it is divided.
///
/// The executions that share a state run one after the other, in the order in which their events came, and a change is
/// stored in the transaction that ends the execution.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StateScope {
    /// None: executions are independent and scale out.
    #[default]
    None,
    /// One for the function: a stateful actor.
    Function,
    /// One for each key of the function's ordering: keyed actors.
    Key,
}

impl StateScope {
    /// The word for it in `function.yaml`, API and CLI.
    pub fn as_str(self) -> &'static str {
        match self {
            StateScope::None => "none",
            StateScope::Function => "function",
            StateScope::Key => "key",
        }
    }
}
