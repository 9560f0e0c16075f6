//! Images that Tidemill makes.
//!
//! | Image | From | Name |
//! |---|---|---|
//! | of a package with a `Dockerfile` | the package as the context | `tidemill/<project>-<function>:<digest of the package>` |
//! | with a function's dependencies | the function's image, `pip` or `npm` run in it | `tidemill/environment:<digest of image, files and steps>` |
//! | of a function | a base image, the dependencies, the package, and the wrapper of its language | as asked |
//!
//! The first two are found by their names when they are needed again; the same name is never built twice at a time. Nothing
//! here removes images. An image of a function speaks the worker protocol; its labels say where in it the function lies, so
//! that it can be deployed with nothing but its name.
//!
//! Builds run on the engine, with what the engine lets them do: whoever may deploy a `Dockerfile` runs commands there. The memory
//! and cores of a step are those of a container whose function says none, and a build takes an hour at most.

mod context;
mod dockerfile;
mod ignore;
mod images;
mod needs;
mod recipe;

#[cfg(feature = "fuzzing")]
pub(crate) use ignore::leaves_out;
pub(crate) use images::{BuildLimits, Images, Watcher};
use recipe::image_name;
pub(crate) use recipe::{Inside, interpreter, program};
