//! State and messages by files, for programs that speak no protocol: the shell runtime and containers of the contract `run`.
//!
//! An [`Exchange`] is a folder for one execution. The program is told where the files in it are:
//!
//! | Variable | File | Written by |
//! |---|---|---|
//! | `TIDEMILL_STATE_FILE` | the function's state as JSON; not there when none is stored yet. Only for functions with state | both |
//! | `TIDEMILL_SEND_FILE` | a line for each message sent, a JSON object; see below | the program |
//! | `TIDEMILL_CONFIGS_FILE` | the configs that apply, a JSON object of texts; see [`Exchange::put_configs`] | us |
//!
//! When the program has succeeded, [`Exchange::collect`] reads state and messages. A message is `{"function": name, "body": text}` or, with
//! bytes, `"body_base64"`; `"key"`, `"content_type"`, `"headers"` (an object of texts) and `"delay_ms"` may be there.
//!
//! The program is not trusted: it may put anything in place of the files. Links are not followed, what is no plain file is refused
//! unopened by a blocking read, and sizes are bounded by [`tidemill_core::limits`]. Whoever makes the folder keeps others of the
//! machine away from it: the folder itself is open to every user, since a container may run as any.
//!
//! ```text
//! let exchange = folders.begin(call.state.as_ref())?;           // <data>/exchange/<process>-<n>/
//! run(exchange.variables(exchange.directory()));                // or, in a container, exchange.variables("/…mounted…")
//! let Exchanged { state, sends } = exchange.collect()?;          // the error is one line, for `BadResponse`
//! drop(exchange);                                                // removes the folder
//! ```

mod folder;
mod sends;

pub(crate) use folder::{Exchange, Exchanged, FILES, Folders, check_json};
#[cfg(feature = "fuzzing")]
pub(crate) use sends::read as read_sends;
pub(crate) use tidemill_core::message::check as check_message;

#[cfg(test)]
mod tests;
