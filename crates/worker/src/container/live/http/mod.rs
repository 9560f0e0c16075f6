//! Containers with an HTTP server.
//!
//! An event is a request: its method, path, query, headers and body, with `x-tidemill-invocation` and `x-tidemill-attempt`. The
//! response is the function's reply, whatever its status. A worker takes several calls at once, each on a connection of its
//! own. A call that is cancelled or takes too long loses its connection; nobody can know what the server then still does, so the
//! container takes no more calls and is ended when the others are answered.
//!
//! What the container prints belongs to the oldest call that is open. It comes by way of the engine, a little later than
//! the response: a call of a container that prints is held back for a moment, until nothing more comes.

mod inner;
mod pool;
mod ready;
#[cfg(test)]
mod tests;
mod translate;
mod worker;

pub(super) use worker::launch;
