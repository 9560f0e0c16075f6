//! The typed client of the HTTP API: one method a route. The command line and the tests use it.
//!
//! ```no_run
//! # async fn example() -> Result<(), tidemill_client::Error> {
//! let client = tidemill_client::Client::new("http://127.0.0.1:7070")?;
//! let call = tidemill_client::Call { body: "Ada".into(), ..Default::default() };
//! let reply = client.invoke("hello", call).await?;
//! println!("{} {}", reply.status, String::from_utf8_lossy(&reply.body));
//! # Ok(())
//! # }
//! ```
//!
//! A problem document of the server is [`Error::Problem`]. What a function answers, whatever its status, is a [`Reply`]. No
//! request is retried here, but one whose pooled connection turned out to be closed before anything was sent.

mod access;
mod call;
mod client;
mod deploy;
mod error;
mod functions;
mod invocations;
mod lines;
mod queues;
mod server;
mod state;
mod transport;
mod url;
mod workers;

pub use access::Kind;
pub use call::{Call, Reply};
pub use client::Client;
pub use error::Error;
pub use invocations::InvocationQuery;
pub use lines::LogStream;
