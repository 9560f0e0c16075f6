//! Reading a configuration file: TOML into settings with the line each stands on.

use std::path::Path;

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::{KEYS, Kind, Origin, Setting, key, nearest, value};
use crate::failure::Failure;

/// The settings in the file at `path`, with text `text`. All faults are reported at once.
pub fn read(path: &Path, text: &str) -> Result<Vec<Setting>, Failure> {
    let file = path.display().to_string();
    let document = DeTable::parse(text).map_err(|error| {
        let line = error.span().map_or(1, |span| line_of(text, span.start));
        Failure::usage(format!("{file}:{line}: {}", error.message()))
    })?;
    let mut reader = Reader { path, text, settings: Vec::new(), faults: Vec::new() };
    reader.table("", document.get_ref());
    if reader.faults.is_empty() {
        return Ok(reader.settings);
    }
    // Each fault is followed by its own hint.
    Err(Failure::usage(reader.faults.join("\n")))
}

fn line_of(text: &str, offset: usize) -> usize {
    1 + text.bytes().take(offset).filter(|byte| *byte == b'\n').count()
}

struct Reader<'a> {
    path: &'a Path,
    text: &'a str,
    settings: Vec<Setting>,
    faults: Vec<String>,
}

impl Reader<'_> {
    fn table(&mut self, prefix: &str, table: &DeTable<'_>) {
        for (name, value) in table {
            let full =
                if prefix.is_empty() { name.get_ref().to_string() } else { format!("{prefix}.{}", name.get_ref()) };
            let line = line_of(self.text, name.span().start);
            let below = format!("{full}.");
            match (key::find(&full), value.get_ref()) {
                (Some(key), _) => self.value(key, line, value),
                (None, DeValue::Table(inner)) if KEYS.iter().any(|key| key.name.starts_with(&below)) => {
                    self.table(&full, inner);
                }
                (None, _) => self.unknown(&full, line),
            }
        }
    }

    fn unknown(&mut self, name: &str, line: usize) {
        let hint = match nearest(name, KEYS.iter().map(|key| key.name)) {
            Some(near) => format!("did you mean {near:?}?"),
            None => "tidemill config show lists all settings".to_owned(),
        };
        self.faults.push(format!("{}:{line}: there is no setting {name:?}\nhint: {hint}", self.path.display()));
    }

    fn value(&mut self, key: &'static super::Key, line: usize, value: &Spanned<DeValue<'_>>) {
        let text = match value.get_ref() {
            DeValue::String(text) => text.to_string(),
            DeValue::Integer(number) if number.radix() == 10 => number.as_str().to_owned(),
            DeValue::Float(number) if key.kind == Kind::Cores => number.as_str().to_owned(),
            DeValue::Boolean(flag) => flag.to_string(),
            DeValue::Array(items) if key.kind.is_list() && items.iter().all(|item| item.get_ref().is_str()) => {
                items.iter().filter_map(|item| item.get_ref().as_str()).collect::<Vec<_>>().join(", ")
            }
            other => {
                let found = other.type_str();
                return self.wrong(key, line, &format!("it must be {}, not of type {found}", key.kind.describe()));
            }
        };
        if let Err(reason) = value::check(key.kind, &text) {
            return self.wrong(key, line, &reason);
        }
        let text = if key.kind == Kind::Path { self.resolved(&text) } else { text };
        let origin = Origin::File { file: self.path.to_owned(), line };
        self.settings.push(Setting { key, text: Some(text), origin });
    }

    fn wrong(&mut self, key: &super::Key, line: usize, reason: &str) {
        self.faults.push(format!("{}:{line}: {}: {reason}", self.path.display(), key.name));
    }

    fn resolved(&self, text: &str) -> String {
        let folder = self.path.parent().map(Path::to_owned).unwrap_or_default();
        folder.join(text).display().to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading(text: &str) -> Result<Vec<(&'static str, String, usize)>, String> {
        let settings = read(Path::new("dir/tidemill.toml"), text).map_err(|failure| failure.to_string())?;
        Ok(settings
            .into_iter()
            .map(|setting| match setting.origin {
                Origin::File { line, .. } => (setting.key.name, setting.text.unwrap(), line),
                other => panic!("{other:?}"),
            })
            .collect())
    }

    #[test]
    fn settings_have_lines_and_tables() {
        let text = "# a mill\nlisten = \"127.0.0.1:80\"\ninsecure = true\ndata = \"state\"\n[log]\nlevel = \"warn\"\n[http]\nconnections_max = 5\n";
        let mut settings = reading(text).unwrap();
        settings.sort();
        assert_eq!(
            settings,
            [
                ("data", "dir/state".to_owned(), 4),
                ("http.connections_max", "5".to_owned(), 8),
                ("insecure", "true".to_owned(), 3),
                ("listen", "127.0.0.1:80".to_owned(), 2),
                ("log.level", "warn".to_owned(), 6),
            ]
        );
    }

    #[test]
    fn faults_name_file_line_and_key() {
        assert_eq!(
            reading("lisen = \"127.0.0.1:80\"\n[log]\nlevle = \"x\"\n").unwrap_err(),
            "error: dir/tidemill.toml:1: there is no setting \"lisen\"\nhint: did you mean \"listen\"?\n\
             dir/tidemill.toml:3: there is no setting \"log.levle\"\nhint: did you mean \"log.level\"?\n"
        );
        assert_eq!(
            reading("drain_grace = \"soon\"\n")
                .unwrap_err()
                .lines()
                .next()
                .unwrap()
                .split(": ")
                .take(3)
                .collect::<Vec<_>>(),
            ["error", "dir/tidemill.toml:1", "drain_grace"]
        );
        assert!(reading("listen = [1]\n").unwrap_err().contains("not of type array"));
        assert!(reading("listen = \n").unwrap_err().starts_with("error: dir/tidemill.toml:1: "));
    }
}
