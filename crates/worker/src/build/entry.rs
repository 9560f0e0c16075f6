//! Names of files in packages: what is allowed, and nothing else reaches the disk.

/// The longest path within a package, in bytes.
const PATH_BYTES_MAX: usize = 1024;
/// The longest name of one file or folder, in bytes; the limit of common file systems.
const NAME_BYTES_MAX: usize = 255;
/// How deep folders go.
const DEPTH_MAX: usize = 64;

/// Checks a path from an archive and writes it in one way: without `.`, doubled and trailing slashes. Empty for the root.
///
/// The error says what is wrong with it, to follow the entry's name.
pub(crate) fn normalise(path: &str) -> Result<String, String> {
    if path.starts_with('/') || path.starts_with('\\') || path.as_bytes().get(1) == Some(&b':') {
        return Err("is an absolute path".to_owned());
    }
    if path.len() > PATH_BYTES_MAX {
        return Err(format!("is longer than {PATH_BYTES_MAX} bytes"));
    }
    if path.chars().any(char::is_control) {
        return Err("holds a control character".to_owned());
    }
    if path.contains('\\') {
        return Err("holds a backslash".to_owned());
    }
    let mut names = Vec::new();
    for name in path.split('/') {
        match name {
            "" | "." => {}
            ".." => return Err("leads out of the package".to_owned()),
            name if name.len() > NAME_BYTES_MAX => {
                return Err(format!("has a name longer than {NAME_BYTES_MAX} bytes"));
            }
            name => names.push(name),
        }
    }
    if names.len() > DEPTH_MAX {
        return Err(format!("is more than {DEPTH_MAX} folders deep"));
    }
    Ok(names.join("/"))
}

/// Whether a link that lies at `path`, in folders that are no links, stays within the package wherever other links lead that do:
/// as many steps up as `path` is deep at most, all of them at the beginning.
pub(crate) fn stays_inside(path: &str, target: &str) -> bool {
    if target.is_empty() || target.starts_with('/') || target.chars().any(char::is_control) {
        return false;
    }
    let depth = path.split('/').count() - 1;
    let steps: Vec<&str> = target.split('/').filter(|name| !matches!(*name, "" | ".")).collect();
    let ups = steps.iter().take_while(|name| **name == "..").count();
    ups <= depth && !steps[ups..].contains(&"..")
}

/// Whether an entry is what a desktop adds to archives by itself.
pub(crate) fn is_junk(path: &str) -> bool {
    path == "__MACOSX" || path.starts_with("__MACOSX/") || path.rsplit('/').next() == Some(".DS_Store")
}
