//! How a run ended, in the words of every other runtime.

use tidemill_core::{
    invocation::{AttemptOutcome, LogLevel, Reply},
    limits::RESPONSE_BODY_BYTES_MAX,
    log::cut_text,
    ports::CallOutcome,
    reply,
    words::{human_bytes, memory_reason},
};
use wasmtime::{PoolConcurrencyLimitError, Trap, WasmBacktrace};
use wasmtime_wasi::I32Exit;

use crate::{
    cache::one_line,
    guest,
    limiter::Refusal,
    record::Record,
    run::{Ended, Failure},
};

/// Bytes of a line that explains an end.
const LINE_BYTES_MAX: usize = 1000;

/// A run that did not succeed.
pub(crate) struct Verdict {
    pub outcome: CallOutcome,
    /// Exit code, where there is one.
    pub exit_code: Option<i64>,
}

/// Judges a run: its reply, or why there is none. A backtrace goes to the log.
pub(crate) fn judge(ended: Ended, record: &Record) -> Result<Reply, Verdict> {
    record.flush();
    let Ended { result, refused, is_out_of_tables, .. } = ended;
    let failure = match result.map(reply::check) {
        Ok(Ok(reply)) => return Ok(reply),
        Ok(Err(reason)) => Failure::BadResponse(reason),
        Err(failure) => failure,
    };
    if record.is_overfull() {
        let reason = format!("the response has more than the {RESPONSE_BODY_BYTES_MAX} bytes that are allowed");
        return Err(broken(AttemptOutcome::BadResponse, reason));
    }
    let out_of_memory = refused.map(|refused| broken(AttemptOutcome::OutOfMemory, without_memory(refused)));
    match failure {
        Failure::BadResponse(reason) => Err(broken(AttemptOutcome::BadResponse, reason)),
        Failure::Raised { message, status, traceback } => {
            if !traceback.is_empty() {
                record.log_last(LogLevel::Error, &traceback);
            }
            if let Some(verdict) = out_of_memory {
                return Err(verdict);
            }
            let status = if (400..=599).contains(&status) { status } else { 500 };
            Err(raised(&message, status, None))
        }
        Failure::Error(error) => {
            if let Some(exit) = error.downcast_ref::<I32Exit>() {
                if let Some(verdict) = out_of_memory {
                    return Err(verdict);
                }
                let said = record.last_message().map(|line| format!(": {}", line.trim())).unwrap_or_default();
                return Err(raised(&format!("exit status {}{said}", exit.0), 500, Some(i64::from(exit.0))));
            }
            if let Some(error) = error.downcast_ref::<PoolConcurrencyLimitError>() {
                return Err(broken(AttemptOutcome::Interrupted, format!("the server had no room for it: {error}")));
            }
            let reason = reason(&error, is_out_of_tables, record);
            if let Some(trace) = backtrace(&error) {
                record.log_last(LogLevel::Error, &format!("{reason}\n{trace}"));
            }
            Err(out_of_memory.unwrap_or_else(|| broken(AttemptOutcome::Crashed, reason)))
        }
    }
}

fn without_memory(refused: Refusal) -> String {
    match refused {
        Refusal::Own(bytes_max) => memory_reason(bytes_max),
        Refusal::Shared(bytes_max) => {
            let all = human_bytes(bytes_max);
            format!("found no memory: all instances together use what the setting wasm.memory leaves them, {all}")
        }
    }
}

/// Logs where a run was when it was told to end.
pub(crate) fn log_place(ended: &Ended, record: &Record, reason: &str) {
    record.flush();
    if let Err(Failure::Error(error)) = &ended.result
        && error.downcast_ref::<guest::Ended>().is_some()
        && let Some(trace) = backtrace(error)
    {
        record.log_last(LogLevel::Error, &format!("{reason}\n{trace}"));
    }
}

/// The end of a call that did not end by itself.
pub(crate) fn broken(outcome: AttemptOutcome, reason: String) -> Verdict {
    Verdict { outcome: CallOutcome::Broken { outcome, reason }, exit_code: None }
}

fn raised(message: &str, status: u16, exit_code: Option<i64>) -> Verdict {
    let message = cut_text(&message.split_whitespace().collect::<Vec<_>>().join(" "), LINE_BYTES_MAX);
    Verdict { outcome: CallOutcome::Raised { message, status }, exit_code }
}

/// What happened, in one line, as in `trapped in parse: integer divide by zero`.
fn reason(error: &wasmtime::Error, is_out_of_tables: bool, record: &Record) -> String {
    let function = error
        .downcast_ref::<WasmBacktrace>()
        .and_then(|trace| trace.frames().first().and_then(|frame| frame.func_name().map(demangled)))
        .map(|name| format!(" in {name}"))
        .unwrap_or_default();
    let why = match error.downcast_ref::<Trap>() {
        Some(Trap::UnreachableCodeReached) => {
            // A program that panics or aborts has told why before.
            let said = record.last_words().map(|line| format!(": {}", cut_text(&line, LINE_BYTES_MAX)));
            format!("it gave up (unreachable code){}", said.unwrap_or_default())
        }
        Some(Trap::StackOverflow) => "call stack exhausted".to_owned(),
        Some(trap) => trap.to_string().trim_start_matches("wasm trap: ").to_owned(),
        None => cut_text(&root(error), LINE_BYTES_MAX),
    };
    let tables = if is_out_of_tables { " after a table could not grow" } else { "" };
    format!("trapped{function}: {why}{tables}")
}

/// The innermost cause; a backtrace is none.
fn root(error: &wasmtime::Error) -> String {
    let causes = error.chain().map(ToString::to_string).filter(|cause| !cause.starts_with("error while executing"));
    let text = causes.last().unwrap_or_else(|| one_line(error));
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The frames of a trap, innermost first; each with its place in the source where the module tells it.
fn backtrace(error: &wasmtime::Error) -> Option<String> {
    let trace = error.downcast_ref::<WasmBacktrace>()?;
    let mut lines = Vec::new();
    for frame in trace.frames() {
        let name = frame.func_name().map_or_else(|| format!("function {}", frame.func_index()), demangled);
        let symbol = frame.symbols().iter().find(|symbol| symbol.file().is_some());
        let place = match symbol.and_then(|symbol| Some((symbol.file()?, symbol.line()))) {
            Some((file, Some(line))) => format!("{}:{line}", short(file)),
            Some((file, None)) => short(file).to_owned(),
            None => {
                let module = frame.module().name().unwrap_or("module");
                frame.module_offset().map_or_else(|| module.to_owned(), |offset| format!("{module}+{offset:#x}"))
            }
        };
        lines.push(format!("  at {name} ({place})"));
    }
    (!lines.is_empty()).then(|| lines.join("\n"))
}

/// The path of a source; for Rust's own library without the commit it was built from.
fn short(file: &str) -> &str {
    let library = file.strip_prefix("/rustc/").and_then(|rest| rest.split_once('/'));
    library.map_or(file, |(_, path)| path)
}

/// A name as its author wrote it, as far as that is easy: the hash at the end of a Rust name is left out.
fn demangled(name: &str) -> String {
    let name = rustc_demangle::demangle(name);
    format!("{name:#}")
}
