//! WebAssembly from the command line: a module in text form, deployed as it is.

use crate::harness::{Server, home, write};

/// Stdin to stdout, at most 64 KiB; a trap when there is none.
const ECHO: &str = r#"(module $echo
  (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 2)
  (func $nothing unreachable)
  (func $main (export "_start")
    (i32.store (i32.const 0) (i32.const 65536))
    (i32.store (i32.const 4) (i32.const 65536))
    (drop (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 4)))
    (if (i32.eqz (i32.load (i32.const 4))) (then (call $nothing)))
    (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))))
"#;

#[test]
fn a_module_is_deployed_called_and_its_trap_is_shown() {
    let home = home();
    write(home.path(), "echo.wat", ECHO);
    let mut server = Server::up(home.path(), &["echo.wat"]);
    server.wait_for("echo revision 1 serves");
    assert_eq!(server.json(&["function", "show", "echo"])["spec"]["runtime"], "wasm");
    assert_eq!(server.ok(&["invoke", "echo", "--data", "high tide"]), "high tide");
    let id = server.ok(&["invoke", "echo", "--data", "low tide", "--async"]);
    assert_eq!(server.ok(&["invocation", "result", id.trim(), "--wait", "30s"]), "low tide");

    let id = server.ok(&["invoke", "echo", "--async"]);
    server.until(&["invocation", "show", id.trim()], |done| {
        let says = |text: &str| done.stdout.contains(text);
        says("trapped in nothing: it gave up") && says("at nothing (echo+0x") && says("at main (echo+0x")
    });
    server.interrupt();
    server.wait_for("Stopping.");
    assert_eq!(server.end(), 0);
}

#[test]
fn what_cannot_run_is_refused_with_its_reason() {
    let home = home();
    let mut server = Server::up(home.path(), &[]);
    for (file, module, said) in [
        ("broken.wat", "(module\n  (func (export \"_start\")\n    (i32.const 1\n  )", "expected `)` (line 4:4)"),
        ("library.wat", "(module (func (export \"run\")))", "it exports run\nhint: compile it as a program"),
        (
            "foreign.wat",
            "(component (instance $i) (export \"acme:shop/basket@1.0.0\" (instance $i)))",
            "but acme:shop/basket@1.0.0\nhint: make it for a world with one of them",
        ),
        (
            "greedy.wat",
            "(module (import \"env\" \"now\" (func)) (func (export \"_start\")))",
            "imports what is not offered here: unknown import: `env::now`",
        ),
    ] {
        write(home.path(), file, module);
        let done = server.run(&["deploy", file]);
        assert_eq!(done.code, 1, "{}", done.stderr);
        assert!(done.stderr.contains(said), "{said:?} in {}", done.stderr);
    }
    server.interrupt();
    assert_eq!(server.end(), 0);
}
