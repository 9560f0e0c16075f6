//! A module that is compiled, linked and known: what instances are made of.

use tidemill_core::manifest::nearest;
use wasmtime::{
    Engine, InstancePre,
    component::{Component, ComponentExportIndex},
};
use wasmtime_wasi::p2::bindings::CommandPre;
use wasmtime_wasi_http::p2::bindings::ProxyPre;

use crate::{
    bindings::{Function, FunctionPre, LIFECYCLE, tidemill::function},
    cache::{Code, Hold, Kept, one_line},
    context::{self, MODULE, NAMES},
    guest::Guest,
    kind::{self, Form, Kind},
};

/// Everything that guests may import.
pub(crate) struct Linkers {
    module: wasmtime::Linker<Guest>,
    component: wasmtime::component::Linker<Guest>,
}

impl Linkers {
    /// Linkers for guests of `engine`.
    pub fn new(engine: &Engine) -> wasmtime::Result<Linkers> {
        let mut module = wasmtime::Linker::new(engine);
        wasmtime_wasi::p1::add_to_linker_async(&mut module, Guest::p1)?;
        context::add_to_module_linker(&mut module)?;
        let mut component = wasmtime::component::Linker::new(engine);
        wasmtime_wasi::p2::add_to_linker_async(&mut component)?;
        wasmtime_wasi_http::p2::add_only_http_to_linker_async(&mut component)?;
        function::types::add_to_linker::<_, wasmtime::component::HasSelf<Guest>>(&mut component, |guest| guest)?;
        function::context::add_to_linker::<_, wasmtime::component::HasSelf<Guest>>(&mut component, |guest| guest)?;
        Ok(Linkers { module, component })
    }

    fn component(&self, component: &Component, kind: Kind) -> Result<Pre, String> {
        let pre = self.component.instantiate_pre(component).map_err(|error| not_offered(&error, Form::Component))?;
        Ok(match kind {
            Kind::Http => Pre::Http(ProxyPre::new(pre).map_err(said)?),
            Kind::Function => {
                let init = component
                    .get_export_index(None, LIFECYCLE)
                    .and_then(|interface| component.get_export_index(Some(&interface), "init"));
                Pre::Function(FunctionPre::new(pre).map_err(said)?, init)
            }
            Kind::Command | Kind::CommandComponent => Pre::CommandComponent(CommandPre::new(pre).map_err(said)?),
        })
    }
}

/// The page of a memory, in bytes.
const PAGE_BYTES: u64 = 64 * 1024;

/// See the module.
pub(crate) struct Program {
    pub kind: Kind,
    pub pre: Pre,
    /// Linear memory that an instance begins with, in bytes; rounded up for one with several memories.
    pub memory_bytes_min: u64,
    /// What the largest linear memory of an instance begins with, in bytes.
    pub memory_bytes_largest: u64,
    _hold: Hold,
}

/// Ready to be instantiated.
pub(crate) enum Pre {
    /// A core command module.
    Command(InstancePre<Guest>),
    /// The same as a component.
    CommandComponent(CommandPre<Guest>),
    /// A component that answers HTTP requests.
    Http(ProxyPre<Guest>),
    /// A component of Tidemill's world, with the function that prepares an instance when it has one.
    Function(FunctionPre<Guest>, Option<ComponentExportIndex>),
}

impl Program {
    /// Links `code`. The error is one line, and a hint where there is one.
    pub fn link(Kept { code, hold }: Kept, linkers: &Linkers, engine: &Engine) -> Result<Program, String> {
        let (kind, pre, required) = match &code {
            Code::Module(module) => {
                let kind = kind::of_module(module)?;
                let pre = linkers.module.instantiate_pre(module).map_err(|error| not_offered(&error, Form::Module))?;
                (kind, Pre::Command(pre), Some(module.resources_required()))
            }
            Code::Component(component) => {
                let kind = kind::of_component(component, engine)?;
                (kind, linkers.component(component, kind)?, component.resources_required())
            }
        };
        let (largest, memories) =
            required.map_or((0, 0), |it| (it.max_initial_memory_size.unwrap_or(0), u64::from(it.num_memories)));
        let memory_bytes_largest = largest.saturating_mul(PAGE_BYTES);
        let memory_bytes_min = memory_bytes_largest.saturating_mul(memories);
        Ok(Program { kind, pre, memory_bytes_min, memory_bytes_largest, _hold: hold })
    }
}

/// Why what a module or component imports is not given to it.
fn not_offered(error: &wasmtime::Error, form: Form) -> String {
    let line = one_line(error);
    let is_of_another_type = line.contains("incompatible import type") || line.contains("type mismatch");
    let what = match is_of_another_type {
        true => "it imports with another type what is offered here",
        false => "it imports what is not offered here",
    };
    let near = error.downcast_ref::<wasmtime::UnknownImportError>().filter(|import| import.module() == MODULE);
    let near = near.and_then(|import| nearest(import.name(), NAMES));
    let hint = match (near, form) {
        (Some(near), _) => format!("did you mean `{MODULE}::{near}`?"),
        (None, Form::Module) => format!("there are WASI preview 1, and of `{MODULE}` {}", NAMES.join(", ")),
        (None, Form::Component) => {
            "there are WASI 0.2 and the functions of Tidemill, which `tidemill wit` prints".to_owned()
        }
    };
    format!("{what}: {line}\nhint: {hint}")
}

fn said(error: wasmtime::Error) -> String {
    one_line(&error)
}

/// An instance of Tidemill's world.
pub(crate) type FunctionInstance = Function;
