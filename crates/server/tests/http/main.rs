//! The server over real connections, with the engine on the in-memory store and workers that live in the test.

mod access;
mod actors;
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
mod sweep;
