//! Connections: bytes, time limits, and the choice between HTTP/1.1 and HTTP/2.

mod body;
mod connection;
mod deadline;
mod held;
mod room;
mod transport;

pub(crate) use body::{ReadError, discard, read};
pub(crate) use connection::{Limits, serve};
pub(crate) use held::Held;
pub(crate) use room::{FREE_BYTES, Room, Taken};
pub(crate) use transport::Calls;
