//! The cases: which there are, in which languages, and what is said of them.

use std::{
    collections::BTreeMap,
    fmt, fs,
    path::{Path, PathBuf},
};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Language {
    Python,
    Shell,
    /// C as a program of this machine.
    Native,
    /// The same C as WebAssembly.
    Wasm,
}

impl Language {
    pub const ALL: [Language; 4] = [Language::Python, Language::Shell, Language::Native, Language::Wasm];
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Language::Python => "Python",
            Language::Shell => "shell",
            Language::Native => "C",
            Language::Wasm => "WebAssembly",
        })
    }
}

/// An attempt, in one language or several.
#[derive(Default)]
pub struct Case {
    pub name: String,
    pub needs_root: bool,
    /// The server holds it, sandbox or not.
    pub is_held_outside: bool,
    /// Nothing but a control group counts such memory.
    pub needs_memory_group: bool,
    extensions: Vec<String>,
}

impl Case {
    pub fn has(&self, language: Language) -> bool {
        let extension = match language {
            Language::Python => "py",
            Language::Shell => "sh",
            Language::Native | Language::Wasm => "c",
        };
        self.extensions.iter().any(|known| known == extension)
    }

    pub fn languages(&self) -> impl Iterator<Item = Language> {
        Language::ALL.into_iter().filter(|language| self.has(*language))
    }

    /// What the handlers know it by.
    pub fn file(&self, language: Language) -> String {
        match language {
            Language::Python => format!("{}.py", self.name),
            Language::Shell => format!("{}.sh", self.name),
            Language::Native => self.name.clone(),
            Language::Wasm => format!("{}.wasm", self.name),
        }
    }
}

/// The folder of the corpus.
pub fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../sandbox-corpus").canonicalize().unwrap()
}

/// All cases, and those that mean something only for deployed functions.
pub fn read() -> (Vec<Case>, Vec<Case>) {
    let (cases, deployed) = (read_folder(&corpus()), read_folder(&corpus().join("deployed")));
    assert!(cases.len() >= 50 && deployed.len() >= 10, "the corpus is not there");
    (cases, deployed)
}

fn read_folder(folder: &Path) -> Vec<Case> {
    let mut cases: BTreeMap<String, Case> = BTreeMap::new();
    for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        let Some(extension) = path.extension().and_then(|it| it.to_str()).filter(|it| ["py", "sh", "c"].contains(it))
        else {
            continue;
        };
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let text = fs::read_to_string(&path).unwrap();
        let case = cases.entry(name.clone()).or_insert_with(|| Case { name, ..Case::default() });
        case.extensions.push(extension.to_owned());
        case.needs_root |= text.contains("outside: root");
        case.needs_memory_group |= text.contains("needs: memory group");
        case.is_held_outside |= text.contains("outside: held");
    }
    cases.into_values().collect()
}
