//! The outermost keys and `metadata`.

use super::{Key, SPEC, Shape, key, no_effect};

/// The whole document.
pub(in crate::manifest) static ENVELOPE: &[Key] = &[
    key("apiVersion", Shape::Text, "", "Says what the document is, as in `nuclio.io/v1`. Not enforced."),
    key("kind", Shape::Text, "", "Says what the document is, as in `NuclioFunction`. Not enforced."),
    key("metadata", Shape::Object(METADATA), "", "Who the function is.").alias("meta"),
    key("spec", Shape::Object(SPEC), "", "What it does."),
    no_effect("status", "it is output"),
];

/// `metadata`.
pub(in crate::manifest) static METADATA: &[Key] = &[
    key(
        "name",
        Shape::Text,
        "the name of the file or folder",
        "The function's name: up to 63 letters, digits, `-`, `_` and `.`, beginning and ending with a letter or digit.",
    ),
    key(
        "labels",
        Shape::Map(&Shape::Text),
        "",
        "Labels. `nuclio.io/project-name` says the project (default: `default`).",
    ),
    no_effect("namespace", "the project is said by the label nuclio.io/project-name or the flag --project"),
    no_effect("annotations", "no annotation has a meaning here"),
    no_effect("resourceVersion", super::RECORD_ONLY),
];
