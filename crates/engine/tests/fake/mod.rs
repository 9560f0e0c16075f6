//! The ends of the engine's ports that its tests share: the runtime's own time, packages that are their manifest, and a
//! store behind a gate, a vault that hides nothing.

mod clock;
mod gate;
mod packages;
mod vault;

pub use clock::{EPOCH, FakeClock};
pub use gate::{Gate, Toll};
pub use packages::{FakeBuilder, Unwatched, package};
pub use vault::OpenVault;
