//! Packages.

use std::{collections::BTreeMap, sync::Arc};

use async_trait::async_trait;
use bytes::Bytes;
use parking_lot::Mutex;
use tidemill_core::{
    Digest, ProjectName,
    ports::{BuildError, Builder, Environment, ManifestText, Package, Progress, Unpacked},
    spec::FunctionSpec,
};

/// A package whose content is its manifest.
pub fn package(manifest: &str) -> Package {
    Package { file_name: "fake.zip".into(), content: Bytes::copy_from_slice(manifest.as_bytes()) }
}

/// Progress that nobody watches.
pub struct Unwatched;

impl Progress for Unwatched {
    fn line(&self, _text: &str) {}
}

/// Keeps packages in memory. A build command `false` fails, every other succeeds.
pub struct FakeBuilder(Mutex<BTreeMap<String, String>>);

impl FakeBuilder {
    pub fn new() -> Arc<FakeBuilder> {
        Arc::new(FakeBuilder(Mutex::default()))
    }

    fn unpacked(digest: Digest, text: String) -> Unpacked {
        Unpacked {
            digest,
            directory: "/nowhere".into(),
            stem: "fake".into(),
            files: vec!["function.yaml".into(), "main.py".into()],
            manifest: Some(ManifestText { file: "function.yaml".into(), first_line: 1, text, inline: false }),
        }
    }
}

#[async_trait]
impl Builder for FakeBuilder {
    async fn unpack(&self, package: Package) -> Result<Unpacked, BuildError> {
        let text = String::from_utf8_lossy(&package.content).into_owned();
        // Not a real digest, but as unique as the few packages here need.
        let sum = text.bytes().fold(7u64, |sum, byte| sum.wrapping_mul(31).wrapping_add(u64::from(byte)));
        let digest: Digest = format!("{sum:064x}").parse().expect("64 hexadecimal digits");
        self.0.lock().insert(digest.to_string(), text.clone());
        Ok(FakeBuilder::unpacked(digest, text))
    }

    async fn open(&self, digest: &Digest) -> Result<Unpacked, BuildError> {
        let text = self.0.lock().get(digest.as_str()).cloned();
        let text = text.ok_or_else(|| BuildError::Package("no such package".into()))?;
        Ok(FakeBuilder::unpacked(digest.clone(), text))
    }

    async fn environment(
        &self,
        _project: &ProjectName,
        _unpacked: &Unpacked,
        spec: &FunctionSpec,
        _progress: &dyn Progress,
    ) -> Result<Environment, BuildError> {
        if spec.build.commands.iter().any(|command| command == "false") {
            let (step, reason) = ("false".to_owned(), "exit status 1".to_owned());
            return Err(BuildError::Command { step, reason, output: "as asked".to_owned() });
        }
        Ok(Environment::default())
    }
}
