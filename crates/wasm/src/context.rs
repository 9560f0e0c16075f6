//! What a function may ask of Tidemill: `tidemill:function/context`, and the same for core modules.
//!
//! Core modules import from `tidemill`; texts are UTF-8, given as address and length:
//!
//! | Function | Meaning |
//! |---|---|
//! | `log(level, at, length)` | a log line; levels 0 debug, 1 info, 2 warn, 3 error |
//! | `send(at, length) -> i32` | sends a message, a JSON object as in `TIDEMILL_SEND_FILE`; 0, or 1 with the reason in the log |
//! | `state_size() -> i32` | bytes of the state; 0 when none is stored, -1 when the function has none |
//! | `state_read(at, length) -> i32` | writes at most `length` bytes of the state to `at`, gives how many |
//! | `state_write(at, length) -> i32` | replaces the state, a JSON value; 0, or 1 with the reason in the log |
//! | `configs_size() -> i32` | bytes of the configs, a JSON object of texts |
//! | `configs_read(at, length) -> i32` | writes at most `length` bytes of them to `at`, gives how many |

use std::time::Duration;

use tidemill_core::{
    Event,
    event::CALL_DEPTH,
    invocation::LogLevel,
    limits::{CALL_DEPTH_MAX, LOG_MESSAGE_BYTES_MAX, SENDS_BYTES_MAX},
    log::cut_of,
    message, ports,
};
use wasmtime::{Caller, Extern};

use crate::{
    bindings::tidemill::function::{
        context,
        types::{self, Level, Message, Reply, Request},
    },
    guest::Guest,
};

/// The longest text of a message, which may hold its body as base64.
const MESSAGE_TEXT_BYTES_MAX: u64 = SENDS_BYTES_MAX / 3 * 4 + 1024 * 1024;

impl types::Host for Guest {}

impl context::Host for Guest {
    fn log(&mut self, level: Level, message: String, fields: Option<String>) {
        let fields = fields.and_then(|text| {
            if text.len() > LOG_MESSAGE_BYTES_MAX {
                // Read they would take many times as much. The log says how many there were.
                return Some((serde_json::Value::Null, text.len()));
            }
            let value: serde_json::Value = serde_json::from_str(&text).ok()?;
            value.is_object().then_some((value, text.len()))
        });
        self.record().log(log_level(level), &message, fields);
    }

    fn send(&mut self, message: Message) -> Result<(), String> {
        self.record().send(ports::Message {
            function: message.function,
            key: message.key,
            headers: lower(message.headers),
            content_type: message.content_type,
            body: message.body.into(),
            delay: Duration::from_millis(message.delay_ms),
        })
    }

    fn get_state(&mut self) -> Result<Option<String>, String> {
        let state = self.record().state()?;
        Ok((!state.is_empty()).then(|| String::from_utf8_lossy(&state).into_owned()))
    }

    fn set_state(&mut self, value: String) -> Result<(), String> {
        self.record().set_state(value.as_bytes())
    }

    fn config(&mut self, name: String) -> Option<String> {
        self.configs().get(&name).cloned()
    }

    fn config_names(&mut self) -> Vec<String> {
        self.configs().keys().cloned().collect()
    }

    fn variable(&mut self, name: String) -> Option<String> {
        self.scene.variables.iter().find(|(key, _)| *key == name).map(|(_, value)| value.clone())
    }

    async fn call(&mut self, function: String, request: Request) -> Result<Reply, String> {
        let or = |text: String, other: &str| if text.is_empty() { other.to_owned() } else { text };
        let depth = self.depth() + 1;
        if depth > CALL_DEPTH_MAX {
            return Err(format!("{CALL_DEPTH_MAX} functions called each other already, which is all that may"));
        }
        let mut headers = lower(request.headers);
        headers.retain(|(name, _)| name != CALL_DEPTH);
        headers.push((CALL_DEPTH.to_owned(), depth.to_string()));
        let call = ports::CallRequest {
            caller: self.scene.function.clone(),
            function: function.parse().map_err(|error| format!("{function:?}: {error}"))?,
            event: Event {
                method: or(request.method, "POST"),
                path: or(request.path, "/"),
                headers,
                content_type: request.content_type,
                body: request.body.into(),
                ..Event::default()
            },
        };
        let reply = self.scene.host.call_function(call).await?;
        Ok(Reply {
            status: reply.status,
            content_type: reply.content_type,
            headers: reply.headers,
            body: reply.body.to_vec(),
        })
    }
}

fn log_level(level: Level) -> LogLevel {
    match level {
        Level::Debug => LogLevel::Debug,
        Level::Info => LogLevel::Info,
        Level::Warn => LogLevel::Warn,
        Level::Error => LogLevel::Error,
    }
}

fn lower(headers: Vec<(String, String)>) -> Vec<(String, String)> {
    headers.into_iter().map(|(name, value)| (name.to_ascii_lowercase(), value)).collect()
}

/// What core modules import them from.
pub(crate) const MODULE: &str = "tidemill";
/// What core modules call them.
pub(crate) const NAMES: [&str; 7] =
    ["log", "send", "state_size", "state_read", "state_write", "configs_size", "configs_read"];

/// Offers them to core modules.
pub(crate) fn add_to_module_linker(linker: &mut wasmtime::Linker<Guest>) -> wasmtime::Result<()> {
    linker.func_wrap(MODULE, "log", |mut caller: Caller<'_, Guest>, level: i32, at: u32, length: u32| {
        let (text, guest) = text(&mut caller, at, length)?;
        let level = [LogLevel::Debug, LogLevel::Info, LogLevel::Warn].get(level as usize).copied();
        // No more is looked at than is kept.
        let kept = String::from_utf8_lossy(&text[..text.len().min(LOG_MESSAGE_BYTES_MAX)]);
        guest.record().log(level.unwrap_or(LogLevel::Error), &cut_of(&kept, LOG_MESSAGE_BYTES_MAX, text.len()), None);
        Ok::<_, wasmtime::Error>(())
    })?;
    linker.func_wrap(MODULE, "send", |mut caller: Caller<'_, Guest>, at: u32, length: u32| {
        let (text, guest) = text(&mut caller, at, length)?;
        let sent = match text.len() as u64 > MESSAGE_TEXT_BYTES_MAX {
            true => Err(format!("a message has {} bytes, more than can be one", text.len())),
            false => message::read(text).map_err(|why| format!("the message is not understood: {why}")),
        };
        let sent = sent.and_then(|message| guest.record().send(message));
        Ok::<_, wasmtime::Error>(said(guest, sent))
    })?;
    linker.func_wrap(MODULE, "state_size", |caller: Caller<'_, Guest>| {
        caller.data().record().state().map_or(-1, |state| size(state.len()))
    })?;
    linker.func_wrap(MODULE, "state_read", |mut caller: Caller<'_, Guest>, at: u32, length: u32| {
        let state = caller.data().record().state().unwrap_or_default();
        write(&mut caller, &state, at, length)
    })?;
    linker.func_wrap(MODULE, "state_write", |mut caller: Caller<'_, Guest>, at: u32, length: u32| {
        let (value, guest) = text(&mut caller, at, length)?;
        let set = guest.record().set_state(value);
        Ok::<_, wasmtime::Error>(said(guest, set))
    })?;
    linker.func_wrap(MODULE, "configs_size", |caller: Caller<'_, Guest>| size(configs(caller.data()).len()))?;
    linker.func_wrap(MODULE, "configs_read", |mut caller: Caller<'_, Guest>, at: u32, length: u32| {
        let configs = configs(caller.data());
        write(&mut caller, &configs, at, length)
    })?;
    Ok(())
}

/// The configs as the file that other programs find them in holds them.
fn configs(guest: &Guest) -> Vec<u8> {
    serde_json::to_vec(guest.configs()).unwrap_or_default()
}

fn size(bytes: usize) -> i32 {
    i32::try_from(bytes).unwrap_or(i32::MAX)
}

fn said(guest: &Guest, result: Result<(), String>) -> i32 {
    match result {
        Ok(()) => 0,
        Err(reason) => {
            guest.record().log(LogLevel::Warn, &reason, None);
            1
        }
    }
}

fn memory(caller: &mut Caller<'_, Guest>) -> wasmtime::Result<wasmtime::Memory> {
    match caller.get_export("memory") {
        Some(Extern::Memory(memory)) => Ok(memory),
        _ => Err(wasmtime::format_err!("the module exports no memory")),
    }
}

/// Writes what of `text` has room.
fn write(caller: &mut Caller<'_, Guest>, text: &[u8], at: u32, length: u32) -> wasmtime::Result<i32> {
    let part = &text[..text.len().min(length as usize)];
    memory(caller)?.write(caller, at as usize, part)?;
    Ok(size(part.len()))
}

/// A text where it lies: nothing is copied before somebody has looked at its length.
fn text<'a>(caller: &'a mut Caller<'_, Guest>, at: u32, length: u32) -> wasmtime::Result<(&'a [u8], &'a Guest)> {
    let (data, guest) = memory(caller)?.data_and_store_mut(caller);
    let found = data.get(at as usize..).and_then(|rest| rest.get(..length as usize));
    let found = found.ok_or_else(|| wasmtime::format_err!("the text lies outside of the memory"))?;
    Ok((found, guest))
}
