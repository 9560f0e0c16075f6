//! The image of a function, made ready: pulled, built from its `Dockerfile`, or extended by what its language depends on.

use std::path::PathBuf;

use tidemill_core::{
    ports::{Launch, LaunchError},
    spec::Runtime,
};

use crate::{
    container::{
        build::{Images, Inside, Watcher},
        driver::Shared,
        engine::{EngineError, ImageFacts},
    },
    linked::refused,
};

/// An image from which a long-lived container can be made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Prepared {
    /// The name that its author gave, or that it was built under.
    pub name: String,
    /// What the engine knows of it; its id among that.
    pub facts: ImageFacts,
    /// Folders of the container for the module search path.
    pub paths: Vec<PathBuf>,
    /// The function that was put into it before, for the runtime `image`.
    pub inside: Option<Inside>,
}

/// The image as the author names it: pulled, or built when there is a `Dockerfile` in its place.
pub(crate) async fn named(
    shared: &Shared,
    images: &Images,
    launch: &Launch,
    watcher: Watcher<'_>,
) -> Result<String, LaunchError> {
    let container = launch.spec.container.as_deref();
    let name = container.map(|container| container.image.as_str()).unwrap_or_default();
    if !name.is_empty() {
        let pull = container.map(|container| container.pull).unwrap_or_default();
        shared.image(name, pull).await.map_err(explain)?;
        return Ok(name.to_owned());
    }
    if launch.directory.join("Dockerfile").is_file() {
        return images.of_dockerfile(launch, watcher).await;
    }
    Err(refused("the function has no image\nhint: give spec.container.image, or put a Dockerfile into the package"))
}

/// All of it.
pub(crate) async fn prepared(
    shared: &Shared,
    images: &Images,
    launch: &Launch,
    watcher: Watcher<'_>,
) -> Result<Prepared, LaunchError> {
    let name = named(shared, images, launch, watcher).await?;
    let facts = shared.engine.image(&name).await.map_err(explain)?;
    if launch.spec.runtime == Runtime::Image {
        has_program(launch, &name, &facts)?;
        let inside = Inside::read(&facts.labels);
        let paths = inside.as_ref().map(|inside| inside.paths.clone()).unwrap_or_default();
        return Ok(Prepared { name, facts, paths, inside });
    }
    let (extended, paths) = images.with_dependencies(launch, &name, &facts, watcher).await?;
    let facts = if extended == name { facts } else { shared.engine.image(&extended).await.map_err(explain)? };
    Ok(Prepared { name, facts, paths, inside: None })
}

/// Refuses an image that has no program, when the function names none either: nothing of it could run.
pub(crate) fn has_program(launch: &Launch, name: &str, facts: &ImageFacts) -> Result<(), LaunchError> {
    let container = launch.spec.container.as_deref();
    let is_some = |words: &Option<Vec<String>>| words.as_ref().is_some_and(|words| !words.is_empty());
    let is_given = container.is_some_and(|container| is_some(&container.entrypoint) || is_some(&container.command));
    if facts.has_no_program && !is_given {
        return Err(refused(format!(
            "the image {name} has neither an entry point nor a command, so there is nothing to run\n\
             hint: give ENTRYPOINT or CMD in its Dockerfile, or spec.container.command"
        )));
    }
    Ok(())
}

pub(crate) fn explain(error: EngineError) -> LaunchError {
    refused(error.explain())
}

#[cfg(test)]
mod tests {
    use tidemill_core::spec::{Container, FunctionSpec};

    use super::*;
    use crate::container::tests::launch;

    #[test]
    fn an_image_needs_a_program() {
        let words = || Some(vec!["/run".to_owned()]);
        for (has_no_program, entrypoint, command, is_refused) in [
            (false, None, None, false),
            (true, None, None, true),
            (true, Some(Vec::new()), None, true),
            (true, words(), None, false),
            (true, None, words(), false),
        ] {
            let container = Container { entrypoint, command, ..Container::default() };
            let spec = FunctionSpec { container: Some(Box::new(container)), ..FunctionSpec::new(Runtime::Image) };
            let facts = ImageFacts { has_no_program, ..ImageFacts::default() };
            let answer = has_program(&launch(spec.into()), "mine:1", &facts);
            assert_eq!(answer.is_err(), is_refused, "{answer:?}");
        }
    }
}
