//! The words of the HTTP API: what is sent, what is answered, what goes wrong, and where.
//!
//! Server, client and the OpenAPI document share these types, so that they cannot disagree. JSON members are in
//! snake case, times are RFC 3339 in UTC, ids are UUIDs as text, durations carry their unit in the name. Nothing here does
//! anything: translation from and to the core lives in `From` implementations beside the types.

mod access;
mod actor;
mod code;
mod function;
pub mod header;
mod invocation;
mod log;
mod problem;
mod queue;
pub mod route;
mod spec;
mod status;
mod time;
mod topic;

pub use access::{
    Alias, AliasList, AliasTarget, Config, ConfigList, ConfigValue, Grants, NewAlias, NewConfig, NewGrant, NewNonce,
    Nonce, NonceList,
};
pub use actor::{Ensured, Image, NewImage, State, StateKey, StateList, StateVersion, Worker, WorkerCount, WorkerList};
pub use code::ErrorCode;
pub use function::{DeployNews, Deployed, Function, FunctionList, Revision, RevisionList, Rollback, Workers};
pub use invocation::{
    Accepted, AcceptedBatch, Attempt, BatchItem, Cancelled, Count, Envelope, Invocation, InvocationDetail,
    InvocationPage, RunReport, Timings,
};
pub use log::{LogLine, LogList};
pub use problem::{MEDIA_TYPE as PROBLEM_MEDIA_TYPE, Problem, Remark};
pub use queue::{Queue, QueueList};
pub use spec::{Container, EnvVar, Mount, Retry, Spec, Trigger};
pub use status::{DriverStatus, QueueTotals, RuntimeInfo, ServerInfo, Status, StoreStatus, WorkerTotals};
pub use time::Time;
pub use topic::{Published, Schedule, ScheduleList, Topic, TopicList};
