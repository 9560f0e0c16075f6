//! The variables of long-lived containers.

use std::ffi::OsStr;

use tidemill_core::{ports::Launch, spec::Runtime};

use crate::{container::engine::ImageFacts, process::function_environment};

/// The `PATH` of an image that has none.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// What user code sees: the image's variables, the function's own facts, then what its spec says, which wins. `programs` is a folder
/// to be searched for programs first.
pub(super) fn environment(launch: &Launch, facts: &ImageFacts, programs: Option<&str>) -> Vec<(String, String)> {
    let of_image = |name: &str| facts.env.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
    let path = of_image("PATH").filter(|path| !path.is_empty()).unwrap_or(PATH);
    let path = programs.map_or_else(|| path.to_owned(), |programs| format!("{programs}:{path}"));
    let mut env = function_environment(launch, OsStr::new(&path));
    let is_said = |name: &str| launch.spec.env.iter().any(|variable| variable.name == name);
    if launch.spec.runtime == Runtime::Image {
        // An image knows its own home and language.
        env.retain(|(name, _)| is_said(name) || !matches!(name.as_str(), "HOME" | "LANG"));
    }
    for (name, value) in &facts.env {
        match env.iter_mut().find(|(known, _)| known == name) {
            Some((_, given)) if matches!(name.as_str(), "HOME" | "LANG") && !is_said(name) => given.clone_from(value),
            Some(_) => {}
            None => env.push((name.clone(), value.clone())),
        }
    }
    env
}

/// Adds variables; a search path for modules goes in front of one that is there.
pub(super) fn extend(env: &mut Vec<(String, String)>, further: Vec<(String, String)>) {
    for (name, value) in further {
        match env.iter_mut().find(|(known, _)| *known == name) {
            Some((_, given)) if name == "PYTHONPATH" => *given = format!("{value}:{given}"),
            Some((_, given)) => *given = value,
            None => env.push((name, value)),
        }
    }
}

#[cfg(test)]
mod tests {
    use tidemill_core::spec::{EnvVar, FunctionSpec};

    use super::*;
    use crate::container::tests::launch;

    fn value<'a>(env: &'a [(String, String)], name: &str) -> Option<&'a str> {
        let mut found = env.iter().filter(|(known, _)| known == name);
        let value = found.next().map(|(_, value)| value.as_str());
        assert!(found.next().is_none(), "{name} is there twice");
        value
    }

    #[test]
    fn the_image_the_function_and_the_spec_are_merged() {
        let pair = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
        let facts = ImageFacts {
            env: [
                ("PATH", "/opt/bin:/bin"),
                ("HOME", "/home/app"),
                ("GPG_KEY", "1"),
                ("LEVEL", "image"),
                ("PYTHONPATH", "/own"),
            ]
            .map(pair)
            .into(),
            ..ImageFacts::default()
        };
        for runtime in [Runtime::Python(None), Runtime::Image] {
            let mut spec = FunctionSpec::new(runtime.clone());
            spec.env = vec![EnvVar { name: "LEVEL".into(), value: "spec".into() }];
            let mut env = environment(&launch(spec.into()), &facts, Some("/opt/tidemill/python/bin"));
            extend(&mut env, vec![pair(("PYTHONPATH", "/tidemill/runtime/python")), pair(("PORT", "80"))]);
            let language = (runtime != Runtime::Image).then_some("C.UTF-8");
            for (name, expected) in [
                ("PATH", Some("/opt/tidemill/python/bin:/opt/bin:/bin")),
                ("HOME", Some("/home/app")),
                ("LANG", language),
                ("GPG_KEY", Some("1")),
                ("LEVEL", Some("spec")),
                ("PYTHONPATH", Some("/tidemill/runtime/python:/own")),
                ("PORT", Some("80")),
                ("TIDEMILL_REVISION", Some("1")),
            ] {
                assert_eq!(value(&env, name), expected, "{runtime} {name}");
            }
        }
        let bare = environment(&launch(FunctionSpec::new(Runtime::Nodejs).into()), &ImageFacts::default(), None);
        assert_eq!((value(&bare, "PATH"), value(&bare, "HOME")), (Some(PATH), Some("/tmp")));
    }
}
