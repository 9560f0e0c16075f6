//! The function's name and project.

use super::{Overrides, problem::Report, view::View};
use crate::name::{FunctionName, FunctionRef, NAME_LENGTH_MAX, ProjectName};

/// The label by which Nuclio ties a function to a project.
const PROJECT_LABEL: &str = "nuclio.io/project-name";

/// The name: flag, then `metadata.name`, then the package's stem. The project: flag, then label, then the default one.
///
/// Names that Nuclio keeps for its own services (`dashboard`, `controller`, `dlx`, `scaler`) are free here.
pub(super) fn name(metadata: &View<'_>, stem: &str, flags: &Overrides, report: &mut Report) -> FunctionRef {
    let view = metadata.get("name");
    let name = match (&flags.name, view.text()) {
        (Some(text), _) => {
            parse::<FunctionName>(text).map_err(|(message, hint)| report.general("--name", message, hint)).ok()
        }
        (None, Some(text)) => {
            parse::<FunctionName>(text).map_err(|(message, hint)| report.at(view.at(), &view, message, hint)).ok()
        }
        (None, None) => None,
    };
    let label = metadata.get("labels").members().find(|(label, _)| *label == PROJECT_LABEL).map(|(_, view)| view);
    let project = match (&flags.project, label) {
        (Some(text), _) => {
            parse::<ProjectName>(text).map_err(|(message, hint)| report.general("--project", message, hint)).ok()
        }
        (None, Some(view)) => view.text().and_then(|text| {
            parse::<ProjectName>(text).map_err(|(message, hint)| report.at(view.at(), &view, message, hint)).ok()
        }),
        (None, None) => None,
    };
    FunctionRef::new(project.unwrap_or_default(), name.unwrap_or_else(|| from_stem(stem)))
}

fn parse<T: std::str::FromStr<Err = crate::name::InvalidName>>(text: &str) -> Result<T, (String, Option<String>)> {
    text.parse().map_err(|error: crate::name::InvalidName| {
        let hint = tidy(text).map(|better| format!("for example {better:?}"));
        (error.to_string(), hint)
    })
}

/// A valid name like `text`: other characters become `-`, the case stays. `None` when nothing is left of it.
fn tidy(text: &str) -> Option<String> {
    let is_edge = |c: char| c.is_ascii_alphanumeric();
    let kept: String = text
        .chars()
        .take(4 * NAME_LENGTH_MAX)
        .map(|c| if is_edge(c) || matches!(c, '-' | '_' | '.') { c } else { '-' })
        .collect();
    let kept = kept.trim_matches(|c| !is_edge(c));
    let kept = kept[..kept.len().min(NAME_LENGTH_MAX)].trim_end_matches(|c| !is_edge(c));
    (!kept.is_empty()).then(|| kept.to_owned())
}

fn from_stem(stem: &str) -> FunctionName {
    let text = tidy(stem).unwrap_or_else(|| "function".to_owned());
    text.parse().expect("tidy leaves nothing that a name may not hold")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stems_become_names() {
        for (stem, name) in [
            ("hello", "hello"),
            ("Hello World", "Hello-World"),
            ("_private_", "private"),
            ("größe", "gr--e"),
            ("...", "function"),
            ("", "function"),
            (&"x".repeat(100), &"x".repeat(63)),
            (&format!("{}-y", "x".repeat(62)), &"x".repeat(62)),
        ] {
            assert_eq!(from_stem(stem).as_str(), name);
        }
    }
}
