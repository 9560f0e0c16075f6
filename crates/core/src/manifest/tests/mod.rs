//! Whole configurations, as tables.

mod attributes;
mod containers;
mod documents;
mod entries;
mod flags;
mod hostile;
mod http;
mod problems;
mod published;
mod state;
mod triggers;
mod workers;

use super::{Manifest, ManifestError, Overrides, resolve};
use crate::ports::{ManifestText, Unpacked};

/// A package called `stem` with `files` and, if any, a `function.yaml`.
fn package(stem: &str, files: &[&str], text: Option<&str>) -> Unpacked {
    let mut files: Vec<String> = files.iter().map(|file| (*file).to_owned()).collect();
    files.sort();
    let manifest = text.map(|text| ManifestText {
        file: "function.yaml".into(),
        first_line: 1,
        text: text.to_owned(),
        inline: false,
    });
    Unpacked { digest: digest(), directory: "/".into(), stem: stem.into(), files, manifest }
}

fn digest() -> crate::Digest {
    "0".repeat(64).parse().unwrap()
}

/// The configuration `text` of a package that is one Python file.
fn read(text: &str) -> Result<Manifest, ManifestError> {
    resolve(&package("hello", &["hello.py"], Some(text)), &Overrides::default())
}

/// The settings under `spec:`, given with two spaces of indentation.
fn spec(text: &str) -> Result<Manifest, ManifestError> {
    read(&format!("spec:\n{text}"))
}

/// What a refusal says.
#[track_caller]
fn refusal(result: Result<Manifest, ManifestError>) -> String {
    match result {
        Ok(manifest) => panic!("accepted as {manifest:?}"),
        Err(error) => error.to_string(),
    }
}

#[track_caller]
fn assert_refused(result: Result<Manifest, ManifestError>, part: &str) {
    let text = refusal(result);
    assert!(text.contains(part), "{part:?} is not in {text:?}");
}
