//! WebAssembly, binary or text: looked at and compiled, never run. Text assembles to what is a module too.
//!
//! The input is a file as it would lie in a package.

use std::{cell::RefCell, path::Path};

use tidemill_wasm::fuzz::Inspector;

use super::archive::scratch;
use crate::{
    target::{Memory, Target},
    text,
};

pub(super) const TARGET: Target = Target {
    name: "wasm",
    about: "WebAssembly modules and components, what kind they are",
    run,
    seeds,
    words: &[
        "\0asm\x01\0\0\0",
        "\0asm\x0d\0\x01\0",
        "(module",
        "(component",
        "(func (export \"_start\"))",
        "(memory 1)",
        "(table 1 funcref)",
        "(export \"run\" ",
        "(core module",
        "(import \"a\" \"b\"",
        "wasi:cli/run@0.2.0",
        "wasi:http/incoming-handler@0.2.0",
        "(instance",
        "(type (func))",
        "loop",
        "br 0",
        "i64.const -1",
        "(data (i32.const 0) \"x\")",
        ")",
        "\"",
    ],
    bytes_max: 1_500,
    memory: Memory { base_bytes: 64 * 1024 * 1024, per_byte: 64 * 1024 },
    share: 20,
};

thread_local! {
    static INSPECTOR: RefCell<Option<Inspector>> = const { RefCell::new(None) };
}

fn run(input: &[u8]) {
    INSPECTOR.with_borrow_mut(|inspector| {
        let inspector = inspector.get_or_insert_with(|| Inspector::new().expect("there is an engine"));
        let folder = scratch();
        let file = folder.path().join("app.wasm");
        write(&file, input);
        let kind = look(inspector, &file);
        let Ok(assembled) = inspector.assembled(&file) else {
            assert!(kind.is_err());
            return;
        };
        assert!(assembled.starts_with(b"\0asm"));
        write(&file, &assembled);
        assert_eq!(look(inspector, &file), kind, "assembled it is another kind");
    });
}

fn write(file: &Path, content: &[u8]) {
    std::fs::write(file, content).expect("a folder of one's own can be written");
}

fn look(inspector: &Inspector, file: &Path) -> Result<&'static str, String> {
    let kind = inspector.kind(file);
    if let Err(why) = &kind {
        // One line, and perhaps one that helps.
        let said = why.split_once("\nhint: ").map_or(&**why, |(said, _)| said);
        assert!(!said.trim().is_empty() && !said.contains('\n'), "{why:?}");
        assert!(why.len() < 16 * 1024, "an error of {} bytes", why.len());
    }
    kind
}

fn seeds() -> Vec<(String, Vec<u8>)> {
    text::seeds(&[
        "(module (func (export \"_start\")))",
        "(module (memory (export \"memory\") 1) (data (i32.const 0) \"hello\") (func (export \"_start\") (loop (br 0))))",
        "(module (import \"wasi_snapshot_preview1\" \"fd_write\" (func (param i32 i32 i32 i32) (result i32))) (func (export \"run\")))",
        "(component (core module $m (func (export \"run\") (result i32) i32.const 0)) (core instance $i (instantiate $m)) \
         (func $run (result (result)) (canon lift (core func $i \"run\"))) (instance $r (export \"run\" (func $run))) \
         (export \"wasi:cli/run@0.2.0\" (instance $r)))",
        "(component)",
        "\0asm\x01\0\0\0\x01\x04\x01\x60\0\0\x03\x02\x01\0\x07\x0a\x01\x06_start\0\0\x0a\x04\x01\x02\0\x0b",
        "\0asm\x0d\0\x01\0",
    ])
}
