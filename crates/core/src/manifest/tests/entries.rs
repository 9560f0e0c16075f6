use super::*;

/// `runtime handler` of a package called `my-function`.
fn entry(files: &[&str], runtime: &str, handler: &str) -> Result<String, ManifestError> {
    let given = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let flags = Overrides { runtime: given(runtime), handler: given(handler), ..Overrides::default() };
    let spec = resolve(&package("my-function", files, None), &flags)?.spec;
    Ok(format!("{} {}", spec.runtime, spec.handler))
}

#[test]
fn entry_points_are_found() {
    for (files, runtime, handler, expected) in [
        (&["hello.py"][..], "", "", "python hello"),
        (&["hello.js"], "", "", "nodejs "),
        (&["hello.mjs"], "", "", "nodejs "),
        (&["hello.cjs"], "", "", "nodejs "),
        (&["hello.sh"], "", "", "shell hello.sh"),
        (&["hello.wasm"], "", "", "wasm hello.wasm"),
        (&["hello.wat"], "", "", "wasm hello.wat"),
        (&["build.sh", "hello.js", "hello.wasm"], "wasm", "", "wasm hello.wasm"),
        (&["hello"], "", "", "binary hello"),
        (&["hello", "data.csv"], "", "", "binary hello"),
        (&["hello.py"], "python:3.11", "", "python:3.11 hello"),
        (&["hello.py"], "", "hello:run", "python hello:run"),
        (&["new_module.py", "requirements.txt"], "", "", "python new_module:main"),
        (&["a.py", "main.py"], "", "", "python main"),
        (&["a.py", "my_function.py", "main.py"], "", "", "python my_function"),
        (&["my-function.js", "send.sh"], "", "", "nodejs "),
        (&["lib.js", "package.json", "run.js"], "", "", "nodejs "),
        (&["index.js", "other.js"], "", "", "nodejs index.js"),
        (&["README.md", "src/app.py"], "", "", "python src.app"),
        (&["node_modules/a/index.js", "x.py", ".git/hooks/run.sh"], "", "", "python x"),
        (&["a.py", "b.js"], "", "b:go", "nodejs b:go"),
        (&["pkg/sub.py"], "", "pkg.sub:run", "python pkg.sub:run"),
        (&["pkg/__init__.py"], "", "pkg:run", "python pkg:run"),
        (&["run.sh", "x.py"], "", "run.sh", "shell run.sh"),
        (&["run.sh"], "shell", "run.sh:main", "shell run.sh:main"),
        (&["data.txt"], "shell", "rev", "shell rev"),
        (&["main.go", "server"], "binary", "echo", "binary echo"),
        (&["function", "notes"], "", "function", "binary function"),
        (&["hello.js"], "nodejs", "handler", "nodejs handler"),
        (&["hello.py"], "", "thumbnail", "python thumbnail"),
        (&["requirements.txt"], "python", "installed.app:run", "python installed.app:run"),
    ] {
        assert_eq!(
            entry(files, runtime, handler).map_err(|e| e.to_string()),
            Ok(expected.to_owned()),
            "{files:?} {runtime} {handler}"
        );
    }
}

#[test]
fn what_cannot_run_is_explained() {
    for (files, runtime, handler, part) in [
        (&[][..], "", "", "the package is empty"),
        (&["data.csv", "readme.md"], "", "", "the package has no file to run; it has data.csv, readme.md"),
        (&["requirements.txt"], "", "", "the package has no file to run"),
        (&["main.go"], "", "", "main.go is Go, which this version does not run"),
        (&["a.py", "b.js"], "", "", "the source files are in several languages: a.py, b.js"),
        (&["a.py", "b.py"], "", "", "it is not clear which file holds the handler: a.py, b.py"),
        (&["a.py"], "nodejs", "", "the package has no source file for the runtime nodejs"),
        (&["hello.py"], "", "helo:run", "hint: did you mean \"hello:run\"?"),
        (&["word-count.sh"], "shell", "count.sh", "hint: did you mean \"word-count.sh\"?"),
        (&["a", "b"], "binary", "", "it is not clear which file is the program: a, b"),
        (&["a.py"], "golang", "", "this version does not have the runtime \"golang\" yet"),
        (
            &["a.py"],
            "java",
            "",
            "there are python (or python:3.11 and the like), nodejs, shell, binary, wasm, image and webhook",
        ),
        (&["a.py"], "ruby:2", "", "does not have the runtime \"ruby:2\" yet"),
        (&["a.py"], "python27", "", "hint: did you mean \"python\"?"),
        (&["a.py"], "cobol", "", "\"cobol\" is not a runtime"),
    ] {
        assert_refused(entry(files, runtime, handler).map(|entry| panic!("{entry}")), part);
    }
}
