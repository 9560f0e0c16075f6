//! `tidemill token`.

use std::{path::PathBuf, time::Duration};

use clap::{Args, Subcommand};
use tidemill_core::access::{Role, Roles};

use crate::{config::tenants, context::Context, failure::Failure, moment, output};

/// Makes tokens for trying.
#[derive(Debug, Subcommand)]
pub enum Token {
    Make(Make),
}

/// Makes a token of a tenant whose tokens are signed with a shared secret (HS256).
///
/// It is made on this machine, from the file of tenants. Tokens of other tenants come from whoever holds their private key.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  export TIDEMILL_TOKEN=$(tidemill token make --tenants tenants.toml --tenant shop --user ann --role admin)
  tidemill token make --tenant shop --user bob --role user --for 8h")]
pub struct Make {
    /// The file of tenants [default: the setting auth.tenants]
    #[arg(long, value_name = "FILE")]
    tenants: Option<PathBuf>,
    /// The tenant [default: the only one there is]
    #[arg(long, value_name = "NAME")]
    tenant: Option<String>,
    /// Whom the token is of
    #[arg(long, value_name = "NAME")]
    user: String,
    /// A role: admin, privileged, user or limited; may be given many times
    #[arg(long, value_name = "ROLE", required = true, value_parser = role)]
    role: Vec<Role>,
    /// How long it holds, as in 8h
    #[arg(long = "for", value_name = "DURATION", default_value = "1h", value_parser = moment::duration)]
    life: Duration,
}

fn role(text: &str) -> Result<Role, String> {
    let words = || Role::ALL.map(Role::as_str).join(", ");
    Role::parse(text).ok_or_else(|| format!("there is no such role; there are {}", words()))
}

impl Token {
    pub fn run(self, context: &Context) -> Result<(), Failure> {
        let Token::Make(make) = self;
        let path = make.tenants.or_else(|| context.settings.path("auth.tenants")).ok_or_else(|| {
            Failure::usage("no file of tenants is named").hint("name it with --tenants or the setting auth.tenants")
        })?;
        let entries = tenants::read(&path)?;
        let names = || entries.iter().map(|entry| entry.tenant.name()).collect::<Vec<_>>().join(", ");
        let entry = match (&make.tenant, entries.as_slice()) {
            (None, [only]) => only,
            (None, _) => return Err(Failure::usage(format!("name one of the tenants with --tenant: {}", names()))),
            (Some(name), all) => {
                all.iter().find(|entry| entry.tenant.name().eq_ignore_ascii_case(name)).ok_or_else(|| {
                    Failure::usage(format!("{} has no tenant {name}; there are {}", path.display(), names()))
                })?
            }
        };
        let roles: Roles = make.role.into_iter().collect();
        let token = entry.tenant.sign(&make.user, &roles, make.life);
        output::line(token.map_err(|error| Failure::fixable(format!("no token can be made: {error}")))?)
    }
}
