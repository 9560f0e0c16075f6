//! The runtime and the entry point, from what is said and from the files of the package.

use std::collections::BTreeSet;

use super::nearest::nearest;
use crate::spec::Runtime;

/// What each runtime's source files end in.
const EXTENSIONS: &[(&str, &[&str])] =
    &[("python", &["py"]), ("nodejs", &["js", "mjs", "cjs"]), ("shell", &["sh", "bash"]), ("wasm", &["wasm", "wat"])];
/// Source files of languages that this version does not run.
const OTHER_EXTENSIONS: &[(&str, &str)] =
    &[("go", "Go"), ("java", "Java"), ("jar", "Java"), ("rb", "Ruby"), ("cs", ".NET"), ("ts", "TypeScript")];
/// Runtimes of Nuclio that this version does not have.
const OTHER_RUNTIMES: &[&str] = &["golang", "go", "java", "ruby", "dotnetcore"];
/// The words that choose a runtime.
pub(super) const RUNTIMES: &[&str] = &["python", "nodejs", "shell", "binary", "wasm", "image", "webhook"];
/// Names that an entry file usually has, in the order of preference.
const USUAL: &[&str] = &["main", "handler", "new_module", "index", "app", "function"];
/// The longest URL of a webhook.
const URL_BYTES_MAX: usize = 4096;
/// Files that a message lists.
const LISTED_MAX: usize = 10;

/// Why there is no entry point.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct NoEntry {
    pub(super) message: String,
    pub(super) hint: Option<String>,
}

impl NoEntry {
    fn new(message: impl Into<String>, hint: impl Into<String>) -> NoEntry {
        NoEntry { message: message.into(), hint: Some(hint.into()) }
    }
}

/// Reads the word that chooses a runtime.
pub(super) fn runtime(word: &str) -> Result<Runtime, NoEntry> {
    word.parse().map_err(|_| {
        let shown = super::problem::quote(word);
        let base = word.split(':').next().unwrap_or_default();
        let there_are =
            "there are python (or python:3.11 and the like), nodejs, shell, binary, wasm, image and webhook";
        if OTHER_RUNTIMES.contains(&base) {
            return NoEntry::new(format!("this version does not have the runtime {shown} yet"), there_are);
        }
        let hint = nearest(base, RUNTIMES.iter().copied()).map(|near| format!("did you mean {near:?}?"));
        NoEntry { message: format!("{shown} is not a runtime; {there_are}"), hint }
    })
}

/// What is known of a package when its entry point is looked for.
pub(super) struct Package<'a> {
    /// Its files.
    pub(super) files: &'a [String],
    /// The function's name.
    pub(super) name: &'a str,
    /// Whether the build brings modules that are no files of the package.
    pub(super) has_dependencies: bool,
    /// What is said of an image.
    pub(super) image: Image,
}

/// What is said of an image when the entry point is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Image {
    /// Nothing.
    None,
    /// There is one, in which a language may run. Without source files it runs by itself.
    Known,
    /// It is to be talked to in a way that only an image by itself knows.
    Asked,
}

impl Package<'_> {
    /// Decides the runtime and the handler. An empty handler leaves it to the runtime, which finds the one source file.
    pub(super) fn entry(&self, runtime: Option<Runtime>, handler: Option<&str>) -> Result<(Runtime, String), NoEntry> {
        let handler = handler.filter(|handler| !handler.is_empty());
        let runtime = match (runtime, handler) {
            (Some(runtime), _) => runtime,
            (None, _) if self.is_image() => Runtime::Image,
            (None, Some(handler)) => match self.file_of(handler, None) {
                Some(file) => language(file).unwrap_or(Runtime::Binary),
                None => self.only_language()?,
            },
            (None, None) => self.only_language()?,
        };
        match (&runtime, handler) {
            (Runtime::Image, _) => return Ok((runtime, String::new())),
            (Runtime::Webhook, handler) => return url(handler).map(|url| (runtime, url)),
            _ => {}
        }
        match handler {
            Some(handler) => self.check(&runtime, handler).map(|()| (runtime, handler.to_owned())),
            None => self.find(&runtime).map(|handler| (runtime, handler)),
        }
    }

    /// Whether an image runs by itself, though nobody said so.
    fn is_image(&self) -> bool {
        let may_be = self.image == Image::Known || self.files.iter().any(|file| file == super::decode::DOCKERFILE);
        self.image == Image::Asked || (may_be && self.candidates(|file| language(file).is_some()).is_empty())
    }

    /// The files that could hold an entry point: those at the root or, without any there, those further down.
    fn candidates(&self, is_wanted: impl Fn(&str) -> bool) -> Vec<&str> {
        let wanted: Vec<&str> = self.visible().filter(|file| is_wanted(file)).collect();
        let at_root: Vec<&str> = wanted.iter().copied().filter(|file| !file.contains('/')).collect();
        if at_root.is_empty() { wanted } else { at_root }
    }

    fn visible(&self) -> impl Iterator<Item = &str> {
        let is_hidden = |file: &str| {
            file.split('/').any(|part| part.starts_with('.') || matches!(part, "node_modules" | "__pycache__"))
        };
        self.files.iter().map(String::as_str).filter(move |file| !is_hidden(file))
    }

    /// The one language that the source files have, or that the file with the usual name has.
    fn only_language(&self) -> Result<Runtime, NoEntry> {
        let sources = self.candidates(|file| language(file).is_some());
        let languages: BTreeSet<Runtime> = sources.iter().filter_map(|file| language(file)).collect();
        if languages.len() <= 1 {
            return match languages.into_iter().next() {
                Some(runtime) => Ok(runtime),
                None => self.only_program().map(|_| Runtime::Binary).ok_or_else(|| self.no_source()),
            };
        }
        let usual: BTreeSet<Runtime> =
            sources.iter().filter(|file| self.rank(file) == Some(0)).filter_map(|file| language(file)).collect();
        match (usual.len(), usual.into_iter().next()) {
            (1, Some(runtime)) => Ok(runtime),
            _ => Err(NoEntry::new(
                format!("the source files are in several languages: {}", list(&sources)),
                "say spec.runtime or --runtime",
            )),
        }
    }

    /// The one file without an extension, if there is just one.
    fn only_program(&self) -> Option<&str> {
        let programs = self.candidates(|file| extension(file).is_none() && file != super::decode::DOCKERFILE);
        match programs.as_slice() {
            [only] => Some(only),
            _ => programs.into_iter().find(|file| self.rank(file) == Some(0)),
        }
    }

    fn no_source(&self) -> NoEntry {
        let all: Vec<&str> = self.visible().collect();
        let other = all.iter().find_map(|file| {
            let (_, language) = OTHER_EXTENSIONS.iter().find(|(ext, _)| extension(file) == Some(*ext))?;
            Some(format!("{file} is {language}, which this version does not run"))
        });
        let message = match (other, all.is_empty()) {
            (Some(other), _) => other,
            (None, true) => "the package is empty".to_owned(),
            (None, false) => format!("the package has no file to run; it has {}", list(&all)),
        };
        NoEntry::new(
            message,
            "a function is a .py, .js, .mjs, .cjs, .sh, .wasm or .wat file, or an executable with --runtime binary",
        )
    }

    /// How usual a file's name is for an entry point; 0 is the function's own.
    fn rank(&self, file: &str) -> Option<usize> {
        let stem = module_of(file.rsplit('/').next().unwrap_or(file));
        let plain = |text: &str| text.replace(['-', '.'], "_").to_ascii_lowercase();
        if plain(stem) == plain(self.name) {
            return Some(0);
        }
        USUAL.iter().position(|usual| *usual == stem).map(|place| place + 1)
    }

    /// The file that a handler names.
    fn file_of(&self, handler: &str, runtime: Option<&Runtime>) -> Option<&str> {
        let module = handler.rsplit_once(':').map_or(handler, |(module, _)| module);
        let module = module.strip_prefix("./").unwrap_or(module);
        let has = |path: &str| self.files.iter().map(String::as_str).find(|file| *file == path);
        let is_right =
            |file: &&str| runtime.is_none_or(|runtime| language(file).is_none_or(|language| same(&language, runtime)));
        if let Some(file) = has(module).filter(is_right) {
            return Some(file);
        }
        let dotted = module.replace('.', "/");
        EXTENSIONS.iter().flat_map(|(_, extensions)| *extensions).find_map(|extension| {
            [module, dotted.as_str()].iter().find_map(|stem| {
                has(&format!("{stem}.{extension}"))
                    .or_else(|| has(&format!("{stem}/index.{extension}")))
                    .or_else(|| has(&format!("{stem}/__init__.{extension}")))
                    .filter(is_right)
            })
        })
    }

    /// Whether the handler's file can be there.
    fn check(&self, runtime: &Runtime, handler: &str) -> Result<(), NoEntry> {
        if self.file_of(handler, Some(runtime)).is_some() || self.has_dependencies {
            return Ok(());
        }
        let sources = self.candidates(|file| language(file).is_some_and(|language| same(&language, runtime)));
        match runtime {
            // A program that the package does not hold is looked up on the path.
            Runtime::Binary => return Ok(()),
            Runtime::Shell if extension(handler.split(':').next().unwrap_or(handler)).is_none() => return Ok(()),
            // A bare word may be a function of the one source file.
            Runtime::Nodejs | Runtime::Python(_) if !handler.contains([':', '/']) && !sources.is_empty() => {
                return Ok(());
            }
            _ => {}
        }
        let message = format!("the package has no file for the handler {}", super::problem::quote(handler));
        let hint = match sources.as_slice() {
            [] => format!("the package has {}", list(&self.visible().collect::<Vec<_>>())),
            [only] if matches!(runtime, Runtime::Shell | Runtime::Wasm) => format!("did you mean {only:?}?"),
            [only] => {
                format!("did you mean \"{}:{}\"?", dotted_module(only), handler.rsplit(':').next().unwrap_or("handler"))
            }
            some => format!("its source files are {}", list(some)),
        };
        Err(NoEntry::new(message, hint))
    }

    /// The handler, when none is named.
    fn find(&self, runtime: &Runtime) -> Result<String, NoEntry> {
        if *runtime == Runtime::Binary {
            return self.only_program().map(str::to_owned).ok_or_else(|| {
                let all: Vec<&str> = self.visible().collect();
                NoEntry::new(
                    format!("it is not clear which file is the program: {}", list(&all)),
                    "say spec.handler or --handler",
                )
            });
        }
        let sources = self.candidates(|file| language(file).is_some_and(|language| same(&language, runtime)));
        let chosen = match sources.as_slice() {
            [] => {
                let message = format!("the package has no source file for the runtime {runtime}");
                let all: Vec<&str> = self.visible().collect();
                return Err(NoEntry::new(message, format!("the package has {}", list(&all))));
            }
            [only] => only,
            // Its main field says which.
            _ if *runtime == Runtime::Nodejs && self.files.iter().any(|file| file == "package.json") => {
                return Ok(String::new());
            }
            some => {
                // The function's own name comes first, then the usual ones.
                let best = some.iter().filter_map(|file| self.rank(file).map(|rank| (rank, file))).min();
                best.map(|(_, file)| file).ok_or_else(|| {
                    let message = format!("it is not clear which file holds the handler: {}", list(some));
                    NoEntry::new(message, "say spec.handler or --handler, as in main:handler")
                })?
            }
        };
        Ok(match runtime {
            Runtime::Python(_) if *chosen == "new_module.py" => "new_module:main".to_owned(),
            Runtime::Python(_) => dotted_module(chosen),
            Runtime::Nodejs if sources.len() == 1 && !chosen.contains('/') => String::new(),
            _ => (*chosen).to_owned(),
        })
    }
}

/// The handler of a webhook.
fn url(handler: Option<&str>) -> Result<String, NoEntry> {
    let hint = "write it as in https://example.org/hook";
    let Some(text) = handler else {
        return Err(NoEntry::new("a webhook needs the URL to which it posts events, as its handler", hint));
    };
    let rest = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://")).unwrap_or_default();
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = host.rsplit('@').next().unwrap_or_default();
    let is_text = text.len() <= URL_BYTES_MAX && text.chars().all(|c| c.is_ascii_graphic());
    let is_host = host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_:[]".contains(&byte));
    if !is_text || !is_host || host.is_empty() || host.starts_with(':') {
        return Err(NoEntry::new(format!("{} is not an http or https URL", super::problem::quote(text)), hint));
    }
    Ok(text.to_owned())
}

/// Whether two runtimes are of one language.
fn same(a: &Runtime, b: &Runtime) -> bool {
    std::mem::discriminant(a) == std::mem::discriminant(b)
}

fn extension(file: &str) -> Option<&str> {
    let name = file.rsplit('/').next().unwrap_or(file);
    name.rsplit_once('.').map(|(_, extension)| extension)
}

fn language(file: &str) -> Option<Runtime> {
    let extension = extension(file)?;
    let (word, _) = EXTENSIONS.iter().find(|(_, extensions)| extensions.contains(&extension))?;
    word.parse().ok()
}

/// A file without its extension.
fn module_of(file: &str) -> &str {
    file.rsplit_once('.').map_or(file, |(stem, _)| stem)
}

fn dotted_module(file: &str) -> String {
    module_of(file).replace('/', ".")
}

fn list(files: &[&str]) -> String {
    match files {
        [] => "no files".to_owned(),
        _ if files.len() <= LISTED_MAX => files.join(", "),
        _ => format!("{} and {} more", files[..LISTED_MAX].join(", "), files.len() - LISTED_MAX),
    }
}
