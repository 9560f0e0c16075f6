//! Aliases, grants, nonces, configs.

use http::Method;
use tidemill_api::{
    Alias, AliasList, AliasTarget, Config, ConfigList, ConfigValue, Grants, NewAlias, NewConfig, NewGrant, NewNonce,
    Nonce, NonceList, route,
};

use crate::{Client, Error};

/// Kinds of objects that have grants and, but for configs, nonces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A function.
    Function,
    /// An alias.
    Alias,
    /// A config.
    Config,
}

impl Kind {
    fn grants(self) -> &'static str {
        match self {
            Kind::Function => route::FUNCTION_GRANTS,
            Kind::Alias => route::ALIAS_GRANTS,
            Kind::Config => route::CONFIG_GRANTS,
        }
    }

    /// The nonces and one of them.
    fn nonces(self) -> Result<(&'static str, &'static str), Error> {
        match self {
            Kind::Function => Ok((route::FUNCTION_NONCES, route::FUNCTION_NONCE)),
            Kind::Alias => Ok((route::ALIAS_NONCES, route::ALIAS_NONCE)),
            Kind::Config => Err(Error::Request("a config has no nonces".to_owned())),
        }
    }
}

impl Client {
    /// The aliases that one may read, by name.
    pub async fn aliases(&self) -> Result<AliasList, Error> {
        self.get(&self.at(route::ALIASES, &[])).await
    }

    /// One alias.
    pub async fn alias(&self, name: &str) -> Result<Alias, Error> {
        self.get(&self.at(route::ALIAS, &[name])).await
    }

    /// Makes an alias of a function.
    pub async fn create_alias(&self, name: &str, function: &str) -> Result<Alias, Error> {
        let new = NewAlias { name: name.to_owned(), function: function.to_owned() };
        self.post_json(&self.at(route::ALIASES, &[]), &new).await
    }

    /// Lets an alias name another function.
    pub async fn point_alias(&self, name: &str, function: &str) -> Result<Alias, Error> {
        let target = AliasTarget { function: function.to_owned() };
        self.send_json(Method::PUT, &self.at(route::ALIAS, &[name]), &target).await
    }

    /// Deletes an alias.
    pub async fn delete_alias(&self, name: &str) -> Result<(), Error> {
        self.remove(&self.at(route::ALIAS, &[name])).await
    }

    /// Who may do what with an object.
    pub async fn grants(&self, kind: Kind, name: &str) -> Result<Grants, Error> {
        self.get(&self.at(kind.grants(), &[name])).await
    }

    /// Sets what a user may do with an object.
    pub async fn grant(&self, kind: Kind, name: &str, user: &str, level: &str) -> Result<Grants, Error> {
        let new = NewGrant { user: user.to_owned(), level: level.to_owned() };
        self.post_json(&self.at(kind.grants(), &[name]), &new).await
    }

    /// The nonces of a function or an alias, the oldest first.
    pub async fn nonces(&self, kind: Kind, name: &str) -> Result<NonceList, Error> {
        self.get(&self.at(kind.nonces()?.0, &[name])).await
    }

    /// Makes a nonce of a function or an alias.
    pub async fn create_nonce(&self, kind: Kind, name: &str, new: &NewNonce) -> Result<Nonce, Error> {
        self.post_json(&self.at(kind.nonces()?.0, &[name]), new).await
    }

    /// Deletes a nonce of a function or an alias.
    pub async fn delete_nonce(&self, kind: Kind, name: &str, nonce: &str) -> Result<(), Error> {
        self.remove(&self.at(kind.nonces()?.1, &[name, nonce])).await
    }

    /// The configs that one may read, by name, without the values of secret ones.
    pub async fn configs(&self) -> Result<ConfigList, Error> {
        self.get(&self.at(route::CONFIGS, &[])).await
    }

    /// One config, without its value when that is secret.
    pub async fn config(&self, name: &str) -> Result<Config, Error> {
        self.get(&self.at(route::CONFIG, &[name])).await
    }

    /// Makes a config.
    pub async fn create_config(&self, new: &NewConfig) -> Result<Config, Error> {
        self.post_json(&self.at(route::CONFIGS, &[]), new).await
    }

    /// Writes a config anew.
    pub async fn put_config(&self, name: &str, value: &ConfigValue) -> Result<Config, Error> {
        self.send_json(Method::PUT, &self.at(route::CONFIG, &[name]), value).await
    }

    /// Deletes a config.
    pub async fn delete_config(&self, name: &str) -> Result<(), Error> {
        self.remove(&self.at(route::CONFIG, &[name])).await
    }
}
