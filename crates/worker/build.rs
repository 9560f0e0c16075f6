//! Lists the files of `runtimes/` so that the crate carries them in itself.

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

const EXTENSIONS: [&str; 5] = ["py", "js", "mjs", "cjs", "json"];

fn main() {
    println!("cargo::rerun-if-changed=runtimes");
    let root = PathBuf::from(std::env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it")).join("runtimes");
    let mut files = Vec::new();
    for runtime in ["python", "nodejs"] {
        collect(&root.join(runtime), &mut files);
    }
    files.sort();
    let mut list = String::from("[\n");
    for file in files {
        println!("cargo::rerun-if-changed={}", file.display());
        let name = file.strip_prefix(&root).expect("it was found there");
        writeln!(list, "    ({:?}, include_bytes!({:?})),", name.to_string_lossy(), file).expect("text takes all");
    }
    list.push_str("]\n");
    let out = PathBuf::from(std::env::var_os("OUT_DIR").expect("cargo sets it")).join("runtimes.rs");
    fs::write(out, list).expect("the build folder is writable");
}

fn collect(directory: &Path, files: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(directory) else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        let name = entry.file_name();
        let is_test = ["tests", "__pycache__", "node_modules"].iter().any(|left_out| name == *left_out);
        let is_source = path.extension().is_some_and(|it| EXTENSIONS.iter().any(|extension| it == *extension));
        if path.is_dir() && !is_test {
            println!("cargo::rerun-if-changed={}", path.display());
            collect(&path, files);
        } else if is_source && path.is_file() {
            files.push(path);
        }
    }
}
