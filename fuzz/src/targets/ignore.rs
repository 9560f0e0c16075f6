//! Patterns of `.dockerignore`: any of them, on any path, in bounded work; the last line that matches counts.

use tidemill_worker::fuzz::leaves_out;

use crate::{
    input::Input,
    target::{Memory, Target},
};

pub(super) const TARGET: Target = Target {
    name: "ignore",
    about: "patterns of .dockerignore",
    run,
    seeds,
    words: &["**", "**/", "*", "?", "[a-z]", "[^a]", "[", "]", "\\", "!", "#", "/", "./", "\n", "a", "\u{e9}"],
    bytes_max: 400,
    memory: Memory { base_bytes: 64 * 1024, per_byte: 400 },
    share: 50,
};

fn run(input: &[u8]) {
    let mut input = Input::new(input);
    let path = input.text();
    let text = String::from_utf8_lossy(input.rest()).into_owned();
    let is_out = leaves_out(&text, &path);
    // What follows and cannot match changes nothing; what matches all decides.
    assert_eq!(leaves_out(&format!("{text}\n# nothing\n\n"), &path), is_out);
    if !text.contains('\r') && text.lines().count() < 900 {
        assert!(leaves_out(&format!("{text}\n**"), &path), "** leaves {path:?} in");
        assert!(!leaves_out(&format!("{text}\n!**"), &path), "!** leaves {path:?} out");
    }
    // Whatever lies in a folder that is out is out, unless a line takes it back.
    if is_out && !text.contains('!') && !path.is_empty() && !path.ends_with('/') {
        assert!(leaves_out(&text, &format!("{path}/below")), "{path:?} is out, and what lies below is not");
    }
}

fn seeds() -> Vec<(String, Vec<u8>)> {
    [
        ("node_modules/a/index.js", "node_modules\n"),
        ("logs/deep/a.log", "**/*.log\n!keep\n"),
        ("keep/a", "*\n!keep"),
        ("b.txt", "[^a-c].txt\n\\*.txt\na?c\n"),
        ("aaaaaaaaaaaaaaaaaaaa", "*a*a*a*a*a*b"),
    ]
    .map(|(path, text)| (path.to_owned(), [&[path.len() as u8][..], path.as_bytes(), text.as_bytes()].concat()))
    .into()
}
