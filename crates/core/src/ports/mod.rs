//! Ports: how the engine reaches the world. Each has at least two ends, the test fake counting as one, and is chosen when
//! the program starts.

mod builder;
mod chance;
mod registry;
mod store;
mod vault;
mod worker;

pub use builder::{BuildError, Builder, Environment, ManifestText, Package, Progress, Unpacked};
pub use chance::{Clock, Rng};
pub use registry::{Entry, EntryChange, EntryId, EntryKind, Expected, Registry};
pub use store::{
    Accepted, CancelResult, Claim, Claimed, Fire, HistoryRecord, InvocationDetail, InvocationFilter, LeaseGrant,
    LeaseRef, LogFilter, LoggedLine, NewInvocation, Page, QueueStats, RedriveFilter, Retention, ScheduleRecord,
    Settled, Settlement, StateRecord, Store, StoreError, Submitted, Usage,
};
pub use vault::{Vault, VaultError};
pub use worker::{
    Call, CallEnd, CallOutcome, CallRequest, Driver, DriverHealth, Host, Launch, LaunchError, Message, Place, Worker,
    WorkerId,
};
