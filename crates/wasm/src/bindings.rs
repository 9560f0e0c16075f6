//! Generated from `wit/tidemill.wit`.
#![allow(missing_docs, clippy::all, reason = "generated; the world's own text documents it")]

wasmtime::component::bindgen!({
    path: "wit",
    world: "tidemill:function/function",
    imports: { "tidemill:function/context.call": async },
    exports: { default: async },
    // An event is lowered from where it lies.
    ownership: Borrowing { duplicate_if_necessary: false },
});

/// The interface that makes a component a function of Tidemill.
pub(crate) const HANDLER: &str = "tidemill:function/handler@0.1.0";
/// The interface that a function may have besides.
pub(crate) const LIFECYCLE: &str = "tidemill:function/lifecycle@0.1.0";
