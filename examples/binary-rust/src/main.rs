//! A `binary` function: a program that speaks Tidemill's worker protocol itself.
//!
//! One program holds several functions; the handler name in HELLO picks one. `wire` knows the frames and the shared
//! memory, `functions` knows nothing of either.

mod functions;
mod wire;

use std::mem::take;
use std::process::ExitCode;
use std::time::Instant;

use serde_json::json;
use wire::{Wire, DRAIN, ERROR, EVENT, FAILED, HELLO, LOG, NEW_STATE, READY, RELEASE, REPLY, SEND, STATE};

fn main() -> ExitCode {
    match serve() {
        Ok(code) => code,
        // The socket has ended: Tidemill is gone, and so are we.
        Err(_) => ExitCode::SUCCESS,
    }
}

fn serve() -> std::io::Result<ExitCode> {
    let mut wire = Wire::connect()?;
    let hello = wire.receive()?;
    if hello.kind != HELLO {
        return Ok(ExitCode::SUCCESS);
    }
    let name = hello.meta["handler"].as_str().unwrap_or("").to_owned();
    let Some(function) = functions::find(&name) else {
        let message = format!("no function {name:?}; set handler to one of {}", functions::names());
        wire.send(FAILED, 0, &json!({ "type": "HandlerNotFound", "message": message, "traceback": "" }), &[])?;
        return Ok(ExitCode::FAILURE);
    };
    let version = env!("CARGO_PKG_VERSION");
    let ready = json!({ "protocol": 1, "runtime": "binary", "version": version, "slots": 1, "contract": "binary" });
    wire.send(READY, 0, &ready, &[])?;

    // One call at a time: what STATE brings belongs to the EVENT that follows.
    let mut state = Vec::new();
    loop {
        let frame = wire.receive()?;
        match frame.kind {
            EVENT => {}
            STATE => {
                state = frame.body;
                continue;
            }
            RELEASE => {
                wire.release(frame.stream);
                continue;
            }
            DRAIN => return Ok(ExitCode::SUCCESS),
            _ => continue,
        }
        let started = Instant::now();
        let outcome = function(functions::Call { body: frame.body, state: take(&mut state) });
        let user_us = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
        match outcome {
            Ok(reply) => {
                for log in reply.logs {
                    wire.send(LOG, frame.stream, &log, &[])?;
                }
                for message in reply.sends {
                    wire.send(SEND, frame.stream, &message.meta, &message.body)?;
                }
                if let Some(state) = reply.state {
                    wire.send(NEW_STATE, frame.stream, &json!({}), &state)?;
                }
                let headers: serde_json::Map<_, _> =
                    reply.headers.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
                let meta = json!({
                    "status": reply.status, "headers": headers, "content_type": reply.content_type, "user_us": user_us,
                });
                wire.send(REPLY, frame.stream, &meta, &reply.body)?;
            }
            Err(message) => {
                let meta = json!({
                    "type": "Failure", "message": message, "traceback": "", "status": 500, "user_us": user_us,
                });
                wire.send(ERROR, frame.stream, &meta, &[])?;
            }
        }
    }
}
