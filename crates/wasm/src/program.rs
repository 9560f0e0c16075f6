//! A module that is compiled, linked and known: what instances are made of.

use wasmtime::{Engine, InstancePre, component::ComponentExportIndex};
use wasmtime_wasi::p2::bindings::CommandPre;
use wasmtime_wasi_http::p2::bindings::ProxyPre;

use crate::{
    bindings::{Function, FunctionPre, LIFECYCLE, tidemill::function},
    cache::{Code, one_line},
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
}

/// See the module.
pub(crate) struct Program {
    pub kind: Kind,
    pub pre: Pre,
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
    /// Links `code`. The error is one line.
    pub fn link(code: &Code, linkers: &Linkers, engine: &Engine) -> Result<Program, String> {
        let said = |error: wasmtime::Error| one_line(&error);
        match code {
            Code::Module(module) => {
                let kind = kind::of_module(module)?;
                let pre = linkers.module.instantiate_pre(module).map_err(said)?;
                Ok(Program { kind, pre: Pre::Command(pre) })
            }
            Code::Component(component) => {
                let kind = kind::of_component(component, engine)?;
                let pre = linkers.component.instantiate_pre(component).map_err(said)?;
                let pre = match kind {
                    Kind::Http => Pre::Http(ProxyPre::new(pre).map_err(said)?),
                    Kind::Function => {
                        let init = component
                            .get_export_index(None, LIFECYCLE)
                            .and_then(|interface| component.get_export_index(Some(&interface), "init"));
                        Pre::Function(FunctionPre::new(pre).map_err(said)?, init)
                    }
                    Kind::Command | Kind::CommandComponent => {
                        Pre::CommandComponent(CommandPre::new(pre).map_err(said)?)
                    }
                };
                Ok(Program { kind, pre })
            }
        }
    }
}

/// An instance of Tidemill's world.
pub(crate) type FunctionInstance = Function;
