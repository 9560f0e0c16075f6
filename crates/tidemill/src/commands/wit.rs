//! `tidemill wit`.

use clap::Args;

use crate::{failure::Failure, output};

/// Prints the WIT world that WebAssembly components of Tidemill are made against.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tidemill wit > tidemill.wit
  npx @bytecodealliance/componentize-js app.js -w tidemill.wit -n function -o app.wasm
  componentize-py -d tidemill.wit -w function componentize app -o app.wasm

A component of wasi:http or wasi:cli, or a WASI command, needs nothing of it.")]
pub struct Wit {}

impl Wit {
    pub fn run(self) -> Result<(), Failure> {
        output::raw(tidemill_wasm::WIT.as_bytes())
    }
}
