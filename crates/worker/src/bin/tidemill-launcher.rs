//! Only the launcher of sandboxes, for tests, whose own programs cannot be one.

use std::process::ExitCode;

fn main() -> ExitCode {
    tidemill_sandbox::run_if_launcher().unwrap_or_else(|| {
        eprintln!("error: this program does nothing by itself");
        ExitCode::from(64)
    })
}
