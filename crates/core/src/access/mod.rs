//! Who may do what. Pure decisions: a principal, the grants of an object, the level that a request needs.

mod demand;
mod level;
mod object;
mod principal;
mod role;

pub use demand::{ContainerRules, Demand, ProcessRoles, demands};
pub use level::{Grants, Level, UnknownLevel, WORLD};
pub use object::{Object, ObjectKind};
pub use principal::Principal;
pub use role::{Role, Roles};

#[cfg(test)]
mod tests;
