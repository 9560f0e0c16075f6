//! What of a folder is not part of a function: version control, caches, installed dependencies, editors' leavings, and
//! what `.tidemillignore` names.
//!
//! `.tidemillignore` has one pattern a line; `#` begins a comment. `*` stands for any text without `/`, `**` for any text,
//! `?` for one character. A pattern with a `/` in it (other than at its end) counts from the folder, any other holds at every
//! depth; one that ends in `/` means folders only. There is no way to take a file back in.

use std::path::Path;

/// The file with further patterns.
pub const IGNORE_FILE: &str = ".tidemillignore";

const FOLDERS: &[&str] = &[
    ".git",
    ".hg",
    ".svn",
    ".idea",
    ".vscode",
    "__pycache__",
    ".mypy_cache",
    ".pytest_cache",
    ".ruff_cache",
    ".tox",
    ".venv",
    "venv",
    "node_modules",
];

/// Decides what is left out.
#[derive(Clone, Debug, Default)]
pub struct Ignored {
    patterns: Vec<Pattern>,
}

#[derive(Clone, Debug)]
struct Pattern {
    text: String,
    anchored: bool,
    folders_only: bool,
}

impl Ignored {
    /// The rules for `folder`: the built-in ones and those of its ignore file, if it has one.
    pub fn of(folder: &Path) -> Ignored {
        // A file that cannot be read is reported when it is packed.
        let text = std::fs::read_to_string(folder.join(IGNORE_FILE)).unwrap_or_default();
        Ignored::parse(&text)
    }

    fn parse(text: &str) -> Ignored {
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
        let pattern = |line: &str| {
            let folders_only = line.ends_with('/');
            let body = line.trim_end_matches('/');
            let anchored = body.contains('/');
            Pattern { text: body.trim_start_matches('/').to_owned(), anchored, folders_only }
        };
        Ignored { patterns: lines.map(pattern).collect() }
    }

    /// Whether the file or folder at `relative` (with `/`) is left out. Nothing is said about what lies above it.
    pub fn leaves_out(&self, relative: &str, is_folder: bool) -> bool {
        let name = relative.rsplit('/').next().unwrap_or(relative);
        if is_folder && FOLDERS.contains(&name) {
            return true;
        }
        if !is_folder && (name == IGNORE_FILE || is_leaving(name)) {
            return true;
        }
        self.patterns.iter().any(|pattern| {
            let subject = if pattern.anchored { relative } else { name };
            (is_folder || !pattern.folders_only) && matches(pattern.text.as_bytes(), subject.as_bytes())
        })
    }

    /// Whether the file at `relative` or a folder above it is left out.
    pub fn leaves_out_path(&self, relative: &str) -> bool {
        let above = relative.match_indices('/').map(|(end, _)| &relative[..end]);
        above.into_iter().any(|folder| self.leaves_out(folder, true)) || self.leaves_out(relative, false)
    }
}

/// Files that editors, interpreters and desktops leave lying about.
fn is_leaving(name: &str) -> bool {
    let is_vim = (name.starts_with('.')
        && (name.ends_with(".swp") || name.ends_with(".swo") || name.ends_with(".swx")))
        || name == "4913";
    let is_emacs = name.starts_with(".#") || (name.starts_with('#') && name.ends_with('#'));
    let is_other =
        name.ends_with('~') || name.ends_with(".pyc") || name.ends_with("___jb_tmp___") || name == ".DS_Store";
    is_vim || is_emacs || is_other
}

/// Whether `text` matches the pattern. Keeps the set of reachable places, so it takes time proportional to the product of
/// their lengths at most.
fn matches(pattern: &[u8], text: &[u8]) -> bool {
    let mut reached = vec![false; text.len() + 1];
    reached[0] = true;
    let mut index = 0;
    while index < pattern.len() {
        let is_star = pattern[index] == b'*';
        let is_double = is_star && pattern.get(index + 1) == Some(&b'*');
        let mut next = vec![false; text.len() + 1];
        for at in 0..=text.len() {
            if is_star {
                let grows = at > 0 && next[at - 1] && (is_double || text[at - 1] != b'/');
                next[at] = reached[at] || grows;
            } else if at > 0 {
                let fits = pattern[index] == text[at - 1] || (pattern[index] == b'?' && text[at - 1] != b'/');
                next[at] = reached[at - 1] && fits;
            }
        }
        reached = next;
        index += if is_double { 2 } else { 1 };
    }
    reached[text.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leavings_are_left_out_everywhere() {
        let ignored = Ignored::default();
        for path in [
            ".git/config",
            "a/__pycache__/x.pyc",
            "node_modules/x/index.js",
            ".main.py.swp",
            "a/#x#",
            "b/.#x",
            "x.py~",
            "4913",
            ".tidemillignore",
            ".DS_Store",
        ] {
            assert!(ignored.leaves_out_path(path), "{path}");
        }
        for path in ["main.py", ".env", "git/config", "lib/venv.py", "a/b/c.js", "#x"] {
            assert!(!ignored.leaves_out_path(path), "{path}");
        }
    }

    #[test]
    fn patterns_of_the_file() {
        let ignored = Ignored::parse("# comment\n\n*.png\n/data/*.csv\nbuild/\ndocs/**/draft-?.md\n");
        for path in ["a.png", "deep/er/b.png", "data/x.csv", "build/out.js", "a/build/x", "docs/a/b/draft-1.md"] {
            assert!(ignored.leaves_out_path(path), "{path}");
        }
        for path in ["a.pngx", "data/deep/x.csv", "other/data/x.csv", "build", "docs/draft-12.md"] {
            assert!(!ignored.leaves_out_path(path), "{path}");
        }
    }

    #[test]
    fn many_stars_take_no_time() {
        let pattern = "*a".repeat(60);
        assert!(!Ignored::parse(&pattern).leaves_out(&"a".repeat(59), false));
        assert!(Ignored::parse(&pattern).leaves_out(&"a".repeat(61), false));
    }
}
