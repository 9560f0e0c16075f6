//! `.dockerignore`: which files of a package stay out of a build.

/// The file.
pub(super) const FILE: &str = ".dockerignore";
/// Lines that are read.
const LINES_MAX: usize = 1_000;
/// Steps that matching one path with one pattern may take.
const STEPS_MAX: u32 = 100_000;

/// Patterns in the order of the file; the last one that matches counts.
#[derive(Debug, Default)]
pub(super) struct Ignore {
    patterns: Vec<(bool, Vec<u8>)>,
}

impl Ignore {
    /// Reads the file.
    pub fn parse(text: &str) -> Ignore {
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
        let pattern = |line: &str| {
            let (is_kept, rest) = match line.strip_prefix('!') {
                Some(rest) => (true, rest.trim()),
                None => (false, line),
            };
            let rest = rest.trim_start_matches("./").trim_matches('/');
            (!rest.is_empty()).then(|| (is_kept, rest.as_bytes().to_vec()))
        };
        Ignore { patterns: lines.take(LINES_MAX).filter_map(pattern).collect() }
    }

    /// Whether the file at `path` stays out. A pattern that matches a folder matches all in it.
    pub fn leaves_out(&self, path: &str) -> bool {
        let parents = path.match_indices('/').map(|(end, _)| &path[..end]);
        let places: Vec<&str> = parents.chain([path]).collect();
        let is_match = |pattern: &[u8]| places.iter().any(|place| matches(pattern, place.as_bytes()));
        self.patterns.iter().rev().find(|(_, pattern)| is_match(pattern)).is_some_and(|(is_kept, _)| !is_kept)
    }
}

/// Whether a file with this text leaves out `path`.
#[cfg(feature = "fuzzing")]
pub(crate) fn leaves_out(text: &str, path: &str) -> bool {
    Ignore::parse(text).leaves_out(path)
}

fn matches(pattern: &[u8], path: &[u8]) -> bool {
    let mut steps = STEPS_MAX;
    step(pattern, path, &mut steps)
}

/// `**` is any folders, `*` and `?` are within a name, `[…]` is one of some characters, `\` takes the next as it is.
fn step(pattern: &[u8], path: &[u8], steps: &mut u32) -> bool {
    let Some(left) = steps.checked_sub(1) else { return false };
    *steps = left;
    match pattern {
        [] => path.is_empty(),
        [b'*', b'*', rest @ ..] => {
            let after = rest.strip_prefix(b"/").unwrap_or(rest);
            let mut starts = (0..=path.len()).filter(|at| *at == 0 || path[at - 1] == b'/' || rest == after);
            starts.any(|at| step(after, &path[at..], steps))
        }
        [b'*', rest @ ..] => {
            let end = path.iter().position(|byte| *byte == b'/').unwrap_or(path.len());
            (0..=end).any(|at| step(rest, &path[at..], steps))
        }
        [b'?', rest @ ..] => path.first().is_some_and(|byte| *byte != b'/') && step(rest, &path[1..], steps),
        [b'[', rest @ ..] => match (class(rest), path.split_first()) {
            (Some((is_in, rest)), Some((byte, path))) => is_in(*byte) && step(rest, path, steps),
            _ => false,
        },
        [b'\\', byte, rest @ ..] | [byte, rest @ ..] => path.first() == Some(byte) && step(rest, &path[1..], steps),
    }
}

/// What stands between `[` and `]`, and what follows.
fn class(pattern: &[u8]) -> Option<(impl Fn(u8) -> bool, &[u8])> {
    let end = pattern.iter().skip(1).position(|byte| *byte == b']')? + 1;
    let (inner, rest) = (&pattern[..end], &pattern[end + 1..]);
    let (is_not, inner) = match inner.strip_prefix(b"^") {
        Some(inner) => (true, inner.to_vec()),
        None => (false, inner.to_vec()),
    };
    let is_in = move |byte: u8| {
        let mut at = 0;
        let mut found = false;
        while at < inner.len() {
            if at + 2 < inner.len() && inner[at + 1] == b'-' {
                found |= (inner[at]..=inner[at + 2]).contains(&byte);
                at += 3;
            } else {
                found |= inner[at] == byte;
                at += 1;
            }
        }
        byte != b'/' && found != is_not
    };
    Some((is_in, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_leave_files_out() {
        for (text, path, is_out) in [
            ("node_modules", "node_modules/a/index.js", true),
            ("node_modules", "src/node_modules/a.js", false),
            ("**/node_modules", "src/node_modules/a.js", true),
            ("**/node_modules", "node_modules/a.js", true),
            ("/build/", "build/x", true),
            ("*.log", "a.log", true),
            ("*.log", "logs/a.log", false),
            ("**/*.log", "logs/deep/a.log", true),
            ("**", "a/b", true),
            ("docs/**", "docs/a/b", true),
            ("docs/**/x", "docs/x", true),
            ("a?c", "abc", true),
            ("a?c", "a/c", false),
            ("[a-c].txt", "b.txt", true),
            ("[^a-c].txt", "b.txt", false),
            ("\\*.txt", "*.txt", true),
            ("\\*.txt", "a.txt", false),
            ("*\n!keep.txt", "keep.txt", false),
            ("*\n!keep", "keep/a", false),
            ("!a\n*", "a", true),
            ("# a\n\n", "# a", false),
            ("[", "[", false),
        ] {
            assert_eq!(Ignore::parse(text).leaves_out(path), is_out, "{text:?} {path}");
        }
    }

    #[test]
    fn a_hostile_pattern_costs_no_more_than_its_steps() {
        let pattern = "*a".repeat(200);
        assert!(!Ignore::parse(&pattern).leaves_out(&"a".repeat(190)));
    }
}
