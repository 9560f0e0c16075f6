//! The server over real connections, with the engine on the in-memory store and workers that live in the test.

mod api;
mod asynchronous;
mod cloudevents;
mod cors;
mod deploying;
mod gateway;
mod hostile;
mod openapi;
mod stopping;
mod support;
