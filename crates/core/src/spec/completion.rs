//! What makes an execution complete.

use serde::{Deserialize, Serialize};

/// What makes an execution complete, so that it is not tried again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Completion {
    /// That it succeeded.
    #[default]
    Success,
    /// That it ran: however it ended once it had begun, by itself, by a limit or by force, it is complete. What it left
    /// behind tells how it went. A loss that is the platform's fault is still made up for.
    Run,
}
