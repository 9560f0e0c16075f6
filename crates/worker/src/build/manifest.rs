//! Finding the configuration in a package: a file at the root, or a comment in the source.

use std::{io::Read, path::Path};

use tidemill_core::ports::{BuildError, ManifestText};

use super::{draft::disk, reading};

const FILES: [&str; 3] = ["function.yaml", "function.yml", "function.json"];
const MARKERS: [&str; 2] = ["@nuclio.configure", "@tidemill.configure"];
/// Larger files are not searched for an inline configuration, and are no configuration.
const BYTES_MAX: u64 = 1024 * 1024;

/// Finds the configuration of the package in `directory`, whose files are `files`.
pub(crate) fn find(directory: &Path, files: &[String]) -> Result<Option<ManifestText>, BuildError> {
    if let Some(file) = FILES.into_iter().find(|name| files.iter().any(|file| file == name)) {
        let text =
            read(directory, file)?.ok_or_else(|| BuildError::Package(format!("{file} is no file of at most 1 MiB")))?;
        let text = String::from_utf8(text).map_err(|_| BuildError::Package(format!("{file} is not UTF-8")))?;
        return Ok(Some(ManifestText { file: file.to_owned(), first_line: 1, text, inline: false }));
    }
    let mut found: Option<ManifestText> = None;
    for file in files.iter().filter(|file| !file.contains('/')) {
        let Some(comment) = comment_of(file) else { continue };
        let Some(bytes) = read(directory, file)? else { continue };
        let Ok(source) = std::str::from_utf8(&bytes) else { continue };
        let Some((first_line, text)) = inline(source, comment) else { continue };
        if let Some(other) = &found {
            return Err(BuildError::Package(format!("{} and {file} both hold an inline configuration", other.file)));
        }
        found = Some(ManifestText { file: file.clone(), first_line, text, inline: true });
    }
    Ok(found)
}

fn read(directory: &Path, file: &str) -> Result<Option<Vec<u8>>, BuildError> {
    // A link to nowhere is no configuration.
    let Some(mut opened) = reading::open(directory, file)? else { return Ok(None) };
    let failed = || format!("{file} cannot be read");
    let facts = opened.metadata().map_err(disk(failed()))?;
    if !facts.is_file() || facts.len() > BYTES_MAX {
        return Ok(None);
    }
    let mut content = Vec::new();
    opened.read_to_end(&mut content).map_err(disk(failed()))?;
    Ok(Some(content))
}

/// What begins a comment in a file of this name.
fn comment_of(file: &str) -> Option<&'static str> {
    match file.rsplit_once('.').map_or("", |(_, extension)| extension) {
        "py" | "sh" | "rb" | "" => Some("#"),
        "js" | "mjs" | "cjs" | "ts" | "go" | "java" | "cs" => Some("//"),
        _ => None,
    }
}

/// The comment lines after the marker, up to the first line that is none or the end of the file, and the number of the
/// first of them.
pub(crate) fn inline(source: &str, comment: &str) -> Option<(u32, String)> {
    let mut lines = source.lines().map(|line| line.trim_start().strip_prefix(comment)).zip(1u32..);
    let (_, marker) = lines.find(|(line, _)| line.is_some_and(|text| MARKERS.contains(&text.trim())))?;
    let block: Vec<&str> = lines.map_while(|(line, _)| line).map(str::trim_end).collect();
    let margin = |line: &&str| line.len() - line.trim_start().len();
    let margin = block.iter().filter(|line| !line.is_empty()).map(margin).min().unwrap_or(0);
    let text: String = block.iter().map(|line| format!("{}\n", line.get(margin..).unwrap_or(""))).collect();
    Some((marker + 1, text))
}
