//! What a command gets to work with.

mod explain;

use tidemill_client::Client;

pub use self::explain::explain;
use crate::{
    config::{Origin, Settings},
    failure::Failure,
    output::{self, Format},
};

/// What a command gets to work with.
#[derive(Clone, Debug)]
pub struct Context {
    /// The settings in effect.
    pub settings: Settings,
    /// How data is printed.
    pub format: Format,
}

impl Context {
    /// From the settings, for output in `format`.
    pub fn new(settings: Settings, format: Format) -> Context {
        Context { settings, format }
    }

    /// The address of the server to talk to, without a slash at its end.
    pub fn url(&self) -> String {
        self.settings.word("url").trim_end_matches('/').to_owned()
    }

    /// A client of that server.
    pub fn client(&self) -> Result<Client, Failure> {
        let client = Client::new(&self.url()).map_err(explain)?.project(self.settings.project());
        match self.settings.some_text("token") {
            Some(token) => client.token(token.trim()).map_err(explain),
            None => Ok(client),
        }
    }

    /// The project that a deployment names: none when a token names it and the user does not.
    pub fn project(&self) -> Option<String> {
        let is_left_to_token =
            self.settings.some_text("token").is_some() && *self.settings.origin("project") == Origin::Default;
        (!is_left_to_token).then(|| self.settings.project().to_string())
    }

    /// Says which variables were perhaps meant as settings and are not.
    pub fn warn(&self) {
        for warning in self.settings.warnings() {
            output::note(format!("warning: {warning}"));
        }
    }
}
