//! A module that is compiled, linked and known: what instances are made of.

use wasmtime::{
    Engine, InstancePre,
    component::{Component, ComponentExportIndex},
};
use wasmtime_wasi::p2::bindings::CommandPre;
use wasmtime_wasi_http::p2::bindings::ProxyPre;

use crate::{
    bindings::{Function, FunctionPre, LIFECYCLE, tidemill::function},
    cache::{Code, Hold, Kept, one_line},
    context,
    guest::Guest,
    kind::{self, Kind},
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
        let pre = self.component.instantiate_pre(component).map_err(not_offered)?;
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
                let pre = linkers.module.instantiate_pre(module).map_err(not_offered)?;
                (kind, Pre::Command(pre), Some(module.resources_required()))
            }
            Code::Component(component) => {
                let kind = kind::of_component(component, engine)?;
                (kind, linkers.component(component, kind)?, component.resources_required())
            }
        };
        let pages = required.map_or(0, |it| it.max_initial_memory_size.unwrap_or(0) * u64::from(it.num_memories));
        Ok(Program { kind, pre, memory_bytes_min: pages.saturating_mul(PAGE_BYTES), _hold: hold })
    }
}

fn not_offered(error: wasmtime::Error) -> String {
    format!(
        "it imports what is not offered here: {}\nhint: there are WASI (preview 1 for modules, 0.2 for components) and the \
         functions of Tidemill; `tidemill wit` prints those for components",
        one_line(&error)
    )
}

fn said(error: wasmtime::Error) -> String {
    one_line(&error)
}

/// An instance of Tidemill's world.
pub(crate) type FunctionInstance = Function;
