//! The files in `docs/` that are made from the table of keys (`UPDATE=1` writes them), and the configurations in `examples/`.

use std::{fs, path::PathBuf};

use super::{
    super::{Overrides, reference, resolve, schema},
    package,
};

const BEGIN: &str = "<!-- made from the table of keys: begin -->\n";
const END: &str = "<!-- made from the table of keys: end -->\n";

fn docs(file: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(file)
}

fn is_update() -> bool {
    std::env::var_os("UPDATE").is_some_and(|value| value == "1")
}

#[test]
fn the_schema_is_current() {
    let path = docs("function.schema.json");
    if is_update() {
        fs::write(&path, format!("{}\n", serde_json::to_string_pretty(&schema()).unwrap())).unwrap();
    }
    let published: serde_json::Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
    assert!(
        published == schema(),
        "docs/function.schema.json is out of date; UPDATE=1 cargo test -p tidemill-core writes it"
    );
}

#[test]
fn the_reference_is_current() {
    let path = docs("function-yaml.md");
    let text = fs::read_to_string(&path).unwrap();
    let (head, rest) = text.split_once(BEGIN).expect("the page has the mark at which the tables begin");
    let (tables, tail) = rest.split_once(END).expect("the page has the mark at which the tables end");
    let current = format!("\n{}", reference());
    if is_update() {
        fs::write(&path, format!("{head}{BEGIN}{current}{END}{tail}")).unwrap();
    } else {
        assert!(
            tables == current,
            "docs/function-yaml.md is out of date; UPDATE=1 cargo test -p tidemill-core writes it"
        );
    }
}

#[test]
fn the_examples_are_read_without_a_warning() {
    let examples = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../examples");
    let mut folders = vec![examples];
    let mut seen = 0;
    while let Some(folder) = folders.pop() {
        let entries: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap()).collect();
        folders.extend(entries.iter().filter(|entry| entry.file_type().unwrap().is_dir()).map(|entry| entry.path()));
        let mut names: Vec<String> = entries.iter().map(|entry| entry.file_name().into_string().unwrap()).collect();
        let Ok(text) = fs::read_to_string(folder.join("function.yaml")) else { continue };
        if names.iter().any(|name| name == "build.sh") {
            // What it builds is what the settings name.
            names.extend(text.lines().filter_map(|line| line.trim().strip_prefix("handler: ").map(str::to_owned)));
        }
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let stem = folder.file_name().unwrap().to_str().unwrap();
        match resolve(&package(stem, &names, Some(&text)), &Overrides::default()) {
            Ok(manifest) => assert!(manifest.warnings.is_empty(), "{folder:?}: {:?}", manifest.warnings),
            Err(error) => panic!("{folder:?}: {error}"),
        }
        seen += 1;
    }
    assert!(seen >= 5, "{seen} examples");
}
