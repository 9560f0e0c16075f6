//! Workers in containers, by a container engine (Docker).
//!
//! | Module | Purpose |
//! |---|---|
//! | `engine` | the engine as a port, over the Docker Engine API and as a fake |
//! | `driver` | the driver: launches, images, health, end |
//! | `settings` | what a function's container may have. Pure |
//! | `labels` | the labels by which containers are found again |
//! | `roster`, `reaper` | which containers are wanted, and the end of those that are not |
//! | `run` | the contract `run`: one container an execution |
//! | `live` | the contracts `worker` and `http`: containers that live from call to call |
//! | `build` | images from a `Dockerfile`, with dependencies, and of functions |
//!
//! Every container carries the label `tidemill.instance` of its data folder and has a name and, on the host, a folder that belong
//! together: the container `tidemill-<instance>-<name>` has the folder `<runtime_dir>/<name>`. A name is in the
//! [`roster::Roster`] from before its container is made until after it has been removed. So nothing is left behind,
//! whatever is lost on the way: what carries the label and is not in the roster is removed, after a restart too.
//!
//! Not done here: a sandbox beyond what the engine gives, engines of other machines, and registries with credentials of
//! Tidemill's own (the engine's are used).

mod build;
mod config;
mod driver;
mod engine;
mod labels;
mod live;
mod reaper;
mod roster;
mod run;
mod settings;

#[cfg(feature = "fuzzing")]
pub(crate) use build::leaves_out;
pub use config::ContainerConfig;
pub use driver::ContainerDriver;

#[cfg(test)]
pub(crate) mod tests;
