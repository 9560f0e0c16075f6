//! `spec.build`.

use super::{Key, NO_IMAGE, Shape, key, no_effect, refused};

const PACKAGE: &str = "the code is the package that is deployed";

/// `spec.build`.
pub(in crate::manifest) static BUILD: &[Key] = &[
    key(
        "commands",
        Shape::List(&Shape::Text),
        "",
        "Shell commands, run in the environment's folder before the dependencies are installed.",
    ),
    key(
        "requirements",
        Shape::List(&Shape::Text),
        "",
        "Further dependencies: lines as in `requirements.txt` (Python) or `name@version` (Node.js).",
    ),
    key(
        "buildTimeoutSeconds",
        Shape::Integer { min: i64::MIN, max: i64::MAX },
        "3600",
        "How long the build may take, in seconds; 0 or less is as long as any may take, two hours.",
    ),
    refused("functionSourceCode", "the code must be a file of the package"),
    no_effect("path", PACKAGE),
    no_effect("functionConfigPath", "the configuration is this one"),
    no_effect("codeEntryType", PACKAGE),
    no_effect("codeEntryAttributes", PACKAGE),
    no_effect("registry", NO_IMAGE),
    no_effect("baseImageRegistry", NO_IMAGE),
    no_effect("image", NO_IMAGE),
    no_effect("baseImage", NO_IMAGE),
    no_effect("onbuildImage", NO_IMAGE),
    no_effect("noBaseImagesPull", NO_IMAGE),
    no_effect("noCache", "environments are kept by the content of their dependencies"),
    no_effect("noCleanup", NO_IMAGE),
    no_effect("offline", "the build uses the network as its tools do"),
    no_effect("tempDir", NO_IMAGE),
    no_effect("directives", NO_IMAGE),
    no_effect("dependencies", "it belongs to Java; see requirements"),
    no_effect("runtimeAttributes", "it belongs to Java"),
    no_effect("scriptPaths", "it is deprecated; see commands"),
    no_effect("addedPaths", PACKAGE),
    no_effect("args", NO_IMAGE),
    no_effect("flags", NO_IMAGE),
    no_effect("mode", "a build happens when its environment is not there yet"),
    no_effect("timestamp", "it is output"),
    no_effect("builderServiceAccount", super::KUBERNETES),
];
