//! Links: the actor that is told of another one's events.

use std::collections::BTreeMap;

use tidemill_core::{FunctionName, access::Level};

use super::{actor, envelope::Fault, exchange::Exchange, naming, record};

const NO_ACTOR: &str = "Invalid link parameter; unable to retrieve linked actor data. The link must be a valid actor id or alias for which you have EXECUTE permission. ";

/// The actor that `link` names, for the actor `own` (a new one has no id yet). Empty names none.
pub(crate) async fn resolve(
    x: &Exchange,
    link: &str,
    own: Option<&FunctionName>,
) -> Result<Option<FunctionName>, Fault> {
    if link.is_empty() {
        return Ok(None);
    }
    let linked = naming::find(x.engine(), x.project(), link).await?.filter(|actor| !actor.is_going);
    let Some(linked) = linked else { return Err(Fault::bad(NO_ACTOR)) };
    let grants = x.engine().directory().grants(&record::object(x.project(), &linked.id)).await?;
    if !x.principal.may(&grants, Level::Execute) {
        return Err(Fault::bad(NO_ACTOR));
    }
    let Some(own) = own else { return Ok(Some(linked.id)) };
    if linked.id == *own {
        return Err(Fault::bad("Invalid link parameter. An actor cannot link to itself."));
    }
    let all = actor::all(x.engine(), Some(x.project())).await?;
    let links = all.into_iter().filter_map(|(_, actor)| Some((actor.id, actor.definition.linked?))).collect();
    if leads_to(&links, &linked.id, own) {
        return Err(Fault::bad("Error: this update would result in a cycle of linked actors."));
    }
    Ok(Some(linked.id))
}

/// Whether the links that begin at `from` come to `to`.
fn leads_to(links: &BTreeMap<FunctionName, FunctionName>, from: &FunctionName, to: &FunctionName) -> bool {
    let mut at = from;
    // A cycle that is there already ends the walk too.
    for _ in 0..=links.len() {
        if at == to {
            return true;
        }
        match links.get(at) {
            Some(next) => at = next,
            None => return false,
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cycles_are_seen() {
        let name = |text: &str| text.parse::<FunctionName>().unwrap();
        let links: BTreeMap<_, _> =
            [("a", "b"), ("b", "c"), ("x", "y"), ("y", "x")].map(|(from, to)| (name(from), name(to))).into();
        for (from, to, leads) in
            [("a", "c", true), ("c", "a", false), ("b", "a", false), ("x", "a", false), ("a", "a", true)]
        {
            assert_eq!(leads_to(&links, &name(from), &name(to)), leads, "{from} {to}");
        }
    }
}
