//! Permissions of actors, aliases and configs: who may do what.

use serde_json::Value;
use tidemill_core::access::{Grants, Level};

use super::{
    envelope::{Answer, Fault},
    exchange::Exchange,
};
use crate::auth;

/// `GET`.
pub(crate) async fn list(x: &Exchange) -> Answer {
    let grants = x.engine().directory().grants(&x.object()?).await?;
    Ok(x.answer("Permissions retrieved successfully.", document(&grants)))
}

/// `POST`: sets one user's level.
pub(crate) async fn set(x: &Exchange) -> Answer {
    let invalid = |error| Fault::bad(format!("Invalid permission description: {error}"));
    let user = x.fields.required("user").map_err(invalid)?;
    let level = x.fields.required("level").map_err(invalid)?;
    if !auth::is_user_name(&user) {
        return Err(Fault::bad("Invalid permission description: {'user': 'it is not the name of a user'}"));
    }
    let level: Level = level.to_uppercase().parse().map_err(|_| {
        Fault::bad(format!(
            "Invalid permission level: {}. The valid values are NONE, READ, EXECUTE and UPDATE",
            level.chars().take(40).collect::<String>()
        ))
    })?;
    let grants = x.engine().directory().grant(&x.object()?, &user, level).await?;
    Ok(x.answer("Permission added successfully.", document(&grants)))
}

fn document(grants: &Grants) -> Value {
    grants.0.iter().map(|(user, level)| (user.clone(), Value::from(level.as_str()))).collect()
}
