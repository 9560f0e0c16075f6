//! The runtime that posts events to a URL.
//!
//! A worker is a client with a few slots; there is nothing to start. An event becomes one request: `POST` to the URL that is
//! the function's handler, with the event's body, its content type, and the attributes of CloudEvents' binary mode as headers.
//! The event's own headers stay behind: they may hold what was meant for Tidemill alone.
//!
//! | Answer | End of the call |
//! |---|---|
//! | 2xx | the response, as a function's own |
//! | any other status | raised, with the status and the first line of the body |
//! | no connection, no answer | raised, with the reason in one line |
//! | none within the event timeout, or 30 s without one | timed out |
//!
//! The first 64 KiB of an answer's body are kept, and a line of the log says so when there was more.
//!
//! Redirects are not followed and proxies are not asked. Nothing is posted to link-local addresses and, unless the settings say
//! otherwise ([`WebhookConfig`]), to this machine and private networks. The program installs the provider of TLS.

mod address;
mod driver;
mod request;
#[cfg(test)]
mod tests;
mod worker;

pub use address::WebhookConfig;
pub use driver::WebhookDriver;
