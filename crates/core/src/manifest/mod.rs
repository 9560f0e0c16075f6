//! Reading `function.yaml`: from a package and flags to the settings of a revision.
//!
//! The shape is Nuclio's, with Tidemill's own keys beside Nuclio's in `spec`; `docs/function-yaml.md` is the reference. One
//! table, `keys`, says which keys there are. The text is parsed into a tree that knows its places (`yaml`), the tree is
//! held against the table (`check`), and what fits is read into [`FunctionSpec`](crate::spec::FunctionSpec) (`decode`) and
//! completed from the flags and the files of the package (`naming`, `entry`). The JSON Schema and the reference are made
//! from the same table.
//!
//! Everything wrong is told at once, each problem with the path of its key, its line, and the nearest known word. What Nuclio
//! knows and this version does not carry out is accepted with a warning; where silence would run something else than the
//! author meant, it is an error.
//!
//! The text is not trusted. Its size, depth, and size with aliases written out are bounded, and so is the work for each
//! value, so that reading takes time in proportion to the bounds of [`limits`].

mod check;
mod decode;
mod entry;
#[cfg(feature = "fuzzing")]
pub(crate) mod fuzz;
mod keys;
mod naming;
mod nearest;
mod overrides;
mod problem;
mod quantity;
mod reference;
mod resolve;
mod schema;
mod view;
mod yaml;

/// The bounds of a configuration.
pub mod limits {
    pub use super::yaml::{DEPTH_MAX, KEY_BYTES_MAX, NODES_MAX, SCALAR_BYTES_MAX, TEXT_BYTES_MAX};
}

pub use nearest::nearest;
pub use overrides::Overrides;
pub use problem::{ManifestError, Problem};
pub use reference::reference;
pub use resolve::{Manifest, resolve};
pub use schema::schema;

#[cfg(test)]
mod tests;
