//! Aliases, grants, nonces and configs.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Time;

/// A further name of a function.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Alias {
    /// The name.
    pub name: String,
    /// The function.
    pub function: String,
    /// Who made it.
    pub owner: String,
    /// When.
    pub created_at: Time,
}

/// Aliases by name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AliasList {
    /// The aliases.
    pub aliases: Vec<Alias>,
}

/// Asks for an alias.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewAlias {
    /// The name.
    pub name: String,
    /// The function.
    pub function: String,
}

/// Where an alias is to point.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AliasTarget {
    /// The function.
    pub function: String,
}

/// Who may do what with an object.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Grants {
    /// Users and their levels: `NONE`, `READ`, `EXECUTE` or `UPDATE`. `ABACO_WORLD` is everybody in the project.
    pub grants: BTreeMap<String, String>,
}

/// Lets a user do something with an object.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewGrant {
    /// The user; `ABACO_WORLD` is everybody in the project.
    pub user: String,
    /// `NONE`, `READ`, `EXECUTE` or `UPDATE`.
    pub level: String,
}

/// A stand-in for a token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Nonce {
    /// Its id, to be shown as the query parameter or header `x-nonce`.
    pub id: String,
    /// Who made it: whoever shows it acts as this user.
    pub owner: String,
    /// The roles of its owner at that time.
    pub roles: Vec<String>,
    /// The most that it allows.
    pub level: String,
    /// How often it may be used; absent is without a limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uses_max: Option<u64>,
    /// How often it was used.
    pub uses: u64,
    /// What its owner says about it.
    pub description: String,
    /// When it was made.
    pub created_at: Time,
    /// When it was used last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_used_at: Option<Time>,
}

/// Nonces, the oldest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NonceList {
    /// The nonces.
    pub nonces: Vec<Nonce>,
}

/// Asks for a nonce.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct NewNonce {
    /// The most that it allows; `EXECUTE` when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub level: Option<String>,
    /// How often it may be used, at least once; without a limit when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uses_max: Option<u64>,
    /// What it is for.
    pub description: String,
}

/// A named value for functions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Config {
    /// Its name.
    pub name: String,
    /// The value; absent when it is secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// Whether the value is secret.
    pub secret: bool,
    /// The functions it is for: names or aliases.
    pub functions: Vec<String>,
    /// Who made it.
    pub owner: String,
    /// When it was made.
    pub created_at: Time,
    /// When it was written last.
    pub updated_at: Time,
}

/// Configs by name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ConfigList {
    /// The configs.
    pub configs: Vec<Config>,
}

/// A config to be written.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewConfig {
    /// Its name.
    pub name: String,
    /// The value.
    pub value: String,
    /// Whether the value is secret: encrypted where it is stored, and never shown.
    #[serde(default)]
    pub secret: bool,
    /// The functions it is for: names or aliases.
    pub functions: Vec<String>,
}

/// What a config is to be from now on.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ConfigValue {
    /// The value.
    pub value: String,
    /// Whether the value is secret.
    #[serde(default)]
    pub secret: bool,
    /// The functions it is for: names or aliases.
    pub functions: Vec<String>,
}

impl std::fmt::Debug for NewConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewConfig").field("name", &self.name).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for ConfigValue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ConfigValue").field("functions", &self.functions).finish_non_exhaustive()
    }
}
