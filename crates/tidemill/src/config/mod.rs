//! Configuration: flags over environment over file over defaults, merged once into checked values.
//!
//! Each setting is a row of [`KEYS`]; nothing else knows names of variables or keys, so the file reader, the environment,
//! `tidemill config show` and `docs/configuration.md` cannot disagree. A key that no row has is an error that names the
//! key, the file, the line and the nearest key there is.

mod file;
mod key;
mod nearest;
mod settings;
pub mod tenants;
mod value;

pub use key::{KEYS, Key, Kind};
pub use nearest::nearest;
pub use settings::{Flags, Origin, Setting, Settings, Sources};
