//! What a function's settings grant it, which without them is nothing: `runtimeAttributes`.
//!
//! ```yaml
//! runtimeAttributes:
//!   arguments: --verbose        # words after the program's name, of commands
//!   responseHeaders: {…}        # of each response, of commands
//!   wasm:
//!     allowHosts: [api.example.org, "*.example.net", "127.0.0.1:8080"]
//!     mounts: [{source: data, target: /data}]
//!     slots: 16
//! ```

use std::path::{Path, PathBuf};

use serde_json::{Map, Value};
use tidemill_core::{
    invocation::Reply,
    reply,
    spec::{CommandAttributes, FunctionSpec},
};

use crate::{hosts::Pattern, limits};

/// A folder that a guest sees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mount {
    /// Where it lies.
    pub source: PathBuf,
    /// What the guest calls it.
    pub target: String,
    /// Whether the guest may write there.
    pub is_writable: bool,
}

/// See the module.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Grants {
    pub command: CommandAttributes,
    pub hosts: Vec<Pattern>,
    pub mounts: Vec<Mount>,
    pub slots: u32,
}

impl Grants {
    /// Reads and checks them. `package` is the folder of the package, `permitted` the folders of this machine that may be
    /// mounted. The error is one line naming the setting.
    pub fn read(spec: &FunctionSpec, package: &Path, permitted: &[PathBuf]) -> Result<Grants, String> {
        let attribute = |name: &str| spec.runtime_attributes.get(name).filter(|value| !value.is_null());
        let command = CommandAttributes::read(spec)?;
        let dressed = Reply { status: 200, headers: command.response_headers.clone(), ..Reply::default() };
        reply::check(dressed).map_err(|reason| format!("runtimeAttributes.responseHeaders: {reason}"))?;
        let mut grants = Grants { command, slots: limits::SLOTS_DEFAULT, ..Grants::default() };
        match attribute("wasm") {
            None => {}
            Some(Value::Object(map)) => grants.read_wasm(map, package, permitted)?,
            Some(_) => return Err("runtimeAttributes.wasm must be a map".to_owned()),
        }
        Ok(grants)
    }

    fn read_wasm(&mut self, map: &Map<String, Value>, package: &Path, permitted: &[PathBuf]) -> Result<(), String> {
        for (name, value) in map.iter().filter(|(_, value)| !value.is_null()) {
            match name.as_str() {
                "allowHosts" => {
                    let list = value.as_array().ok_or("runtimeAttributes.wasm.allowHosts must be a list")?;
                    self.hosts = list.iter().map(host).collect::<Result<_, _>>()?;
                }
                "mounts" => {
                    let list = value.as_array().ok_or("runtimeAttributes.wasm.mounts must be a list")?;
                    self.mounts =
                        list.iter().map(|value| mount(value, package, permitted)).collect::<Result<_, _>>()?;
                }
                "slots" => {
                    let slots = value.as_u64().and_then(|slots| u32::try_from(slots).ok());
                    self.slots = slots.filter(|slots| (1..=limits::SLOTS_MAX).contains(slots)).ok_or_else(|| {
                        format!("runtimeAttributes.wasm.slots must be a number from 1 to {}", limits::SLOTS_MAX)
                    })?;
                }
                other => {
                    return Err(format!(
                        "runtimeAttributes.wasm has no setting {other:?}; there are allowHosts, mounts and slots"
                    ));
                }
            }
        }
        Ok(())
    }
}

fn host(value: &Value) -> Result<Pattern, String> {
    let text = value.as_str().ok_or("runtimeAttributes.wasm.allowHosts must hold texts")?;
    text.parse().map_err(|reason| format!("runtimeAttributes.wasm.allowHosts: {text:?} {reason}"))
}

fn mount(value: &Value, package: &Path, permitted: &[PathBuf]) -> Result<Mount, String> {
    const WHERE: &str = "runtimeAttributes.wasm.mounts";
    let map = value.as_object().ok_or_else(|| format!("{WHERE} must hold maps with source and target"))?;
    if let Some(other) = map.keys().find(|name| !matches!(name.as_str(), "source" | "target" | "readOnly")) {
        return Err(format!("{WHERE} has no setting {other:?}; there are source, target and readOnly"));
    }
    let text = |name: &str| map.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    let source = text("source").ok_or_else(|| format!("{WHERE}: source is missing"))?;
    let target = text("target").ok_or_else(|| format!("{WHERE}: target is missing"))?;
    if !target.starts_with('/') {
        return Err(format!("{WHERE}: the target {target:?} must begin with /"));
    }
    let is_own = !Path::new(source).is_absolute();
    let is_writable = match map.get("readOnly") {
        None => false,
        Some(Value::Bool(read_only)) => !read_only,
        Some(_) => return Err(format!("{WHERE}: readOnly must be true or false")),
    };
    let real = |path: &Path| std::fs::canonicalize(path).map_err(|error| format!("{WHERE}: {source}: {error}"));
    // Links are resolved before the permission is looked at.
    let found = real(&package.join(source))?;
    let roots =
        if is_own { vec![real(package)?] } else { permitted.iter().filter_map(|root| real(root).ok()).collect() };
    if !roots.iter().any(|root| found.starts_with(root)) {
        return Err(match is_own {
            true => format!("{WHERE}: {source} leads out of the package"),
            false => format!("{WHERE}: this server does not permit {source}"),
        });
    }
    if is_own && is_writable {
        return Err(format!("{WHERE}: {source} is of the package, which never changes: readOnly must be true"));
    }
    if !found.is_dir() {
        return Err(format!("{WHERE}: {source} is no folder"));
    }
    Ok(Mount { source: found, target: target.to_owned(), is_writable })
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use tidemill_core::spec::Runtime;

    use super::*;

    fn read(attributes: Value, package: &Path, permitted: &[PathBuf]) -> Result<Grants, String> {
        let mut spec = FunctionSpec::new(Runtime::Wasm);
        spec.runtime_attributes = serde_json::from_value(attributes).unwrap();
        Grants::read(&spec, package, permitted)
    }

    #[test]
    fn without_settings_nothing_is_granted() {
        let grants = read(json!({}), Path::new("/nowhere"), &[]).unwrap();
        assert!(grants.hosts.is_empty() && grants.mounts.is_empty());
        assert_eq!(grants.slots, limits::SLOTS_DEFAULT);
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (attributes, named) in [
            (json!({"wasm": []}), "runtimeAttributes.wasm must be a map"),
            (json!({"wasm": {"hosts": []}}), "there are allowHosts, mounts and slots"),
            (json!({"wasm": {"slots": 0}}), "from 1 to 256"),
            (json!({"wasm": {"allowHosts": ["http://x"]}}), "allowHosts"),
            (json!({"wasm": {"mounts": [{"target": "/x"}]}}), "source is missing"),
            (json!({"wasm": {"mounts": [{"source": ".", "target": "x"}]}}), "must begin with /"),
            (json!({"arguments": 5}), "runtimeAttributes.arguments"),
            (json!({"responseHeaders": {"a b": "x"}}), "runtimeAttributes.responseHeaders"),
            (json!({"responseHeaders": {"a": "x\r\ny: z"}}), "runtimeAttributes.responseHeaders"),
            (json!({"responseHeaders": {"content-type": "a\nb"}}), "runtimeAttributes.responseHeaders"),
        ] {
            let error = read(attributes, Path::new("/"), &[]).unwrap_err();
            assert!(error.contains(named), "{error}");
        }
    }

    #[test]
    fn mounts_stay_in_the_package_or_where_the_server_permits() {
        let folder = tempfile::tempdir().unwrap();
        let (package, host) = (folder.path().join("package"), folder.path().join("host"));
        for folder in [package.join("data"), host.join("open"), host.join("closed")] {
            std::fs::create_dir_all(folder).unwrap();
        }
        std::os::unix::fs::symlink("/etc", package.join("link")).unwrap();
        let permitted = [host.join("open")];
        let mount = |source: &str, read_only: bool| {
            let mounts = json!([{"source": source, "target": "/x", "readOnly": read_only}]);
            read(json!({"wasm": {"mounts": mounts}}), &package, &permitted).map(|grants| grants.mounts[0].clone())
        };
        assert_eq!(mount("data", true).unwrap().source, package.canonicalize().unwrap().join("data"));
        assert!(mount("data", false).unwrap_err().contains("never changes"));
        for out in ["..", "../host/open", "link", "data/../../host"] {
            assert!(mount(out, true).unwrap_err().contains("leads out of the package"), "{out}");
        }
        assert!(mount(host.join("open").to_str().unwrap(), false).unwrap().is_writable);
        for closed in ["closed", "open/../closed", ""] {
            let closed = host.join(closed);
            assert!(mount(closed.to_str().unwrap(), true).unwrap_err().contains("does not permit"));
        }
    }
}
