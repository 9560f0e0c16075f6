//! Packages that try to get out before they run: by what they name as handler, as requirement or as mount, and by what their build
//! does.

use serde_json::{Value, json};

use crate::{
    setting::{SECRET, Setting},
    verdict::{Answer, Verdict},
};

/// A package, and whether it gets out where there is no sandbox; the others are refused by the server itself.
pub struct Package {
    pub name: &'static str,
    pub is_held_outside: bool,
    spec: Value,
    files: Vec<(&'static str, String)>,
}

/// Reads all that it can find through its environment.
const LOOKS: &str = "import glob\nimport sys\n\n\ndef handler(context, event):\n    \
    places = [place for folder in sys.path for place in glob.glob(folder + '/*.json')]\n    \
    return ' '.join(open(place).read() for place in places)\n";

/// All of them. `private` is a folder of the server with a file `state.json`, `other` another function's package.
pub fn all(private: &str, other: &str) -> Vec<Package> {
    let secret = format!("{private}/state.json");
    let held = |name, spec, files| Package { name, is_held_outside: true, spec, files };
    let open = |name, spec, files| Package { name, is_held_outside: false, spec, files };
    // An environment of Node.js is the one that is made quickly.
    let node = || vec![("main.js", "exports.handler = async () => 'nothing';\n".to_owned())];
    let python = || vec![("main.py", LOOKS.to_owned())];
    let build = |runtime: &str, command: String| json!({"runtime": runtime, "handler": "main:handler", "build": {"commands": [command]}});
    let require =
        |line: String| json!({"runtime": "python", "handler": "main:handler", "build": {"requirements": [line]}});
    let wat = "(module (memory (export \"memory\") 1) (func (export \"_start\")))";
    let mount = |source: &str| {
        let mounts = json!({"wasm": {"mounts": [{"source": source, "target": "/data"}]}});
        json!({"runtime": "wasm", "handler": "main.wat", "runtimeAttributes": mounts})
    };
    let module = || vec![("main.wat", wat.to_owned())];
    vec![
        held("handler-is-a-file-of-the-server", json!({"runtime": "shell", "handler": secret}), vec![]),
        held("handler-leads-up", json!({"runtime": "shell", "handler": "../../../private/state.json"}), vec![]),
        held("module-is-a-file-of-the-server", json!({"runtime": "wasm", "handler": secret}), vec![]),
        held("mount-of-the-server", mount(private), module()),
        held("mount-leads-up", mount("../.."), module()),
        open("requirements-are-a-file-of-the-server", require(format!("-r {secret}")), python()),
        open("build-reads-the-server", build("nodejs", format!("cat {secret} /proc/[0-9]*/environ; false")), node()),
        open(
            "build-plants-a-link",
            build("python", format!("cd lib/python3*/ && rm -rf site-packages && ln -s {private} site-packages")),
            python(),
        ),
        open(
            "build-changes-another-package",
            build("nodejs", format!("(echo x > {other}/changed-by-build) && echo CORPUS-''SECRET; false")),
            node(),
        ),
    ]
}

impl Package {
    /// Deploys it and calls it. It got out when the secret is in any answer.
    pub fn run(&self, setting: &Setting) -> Answer {
        let files: Vec<(&str, &str)> = self.files.iter().map(|(name, text)| (*name, text.as_str())).collect();
        let mut done = setting.try_package(self.name, &self.spec, &files);
        let mut said = format!("{}{}", done.stdout, done.stderr);
        if done.code == 0 {
            done = setting.invoke(self.name);
            said.push_str(&done.stdout);
            said.push_str(&done.stderr);
        }
        let verdict = if said.contains(SECRET) { Verdict::Escaped } else { Verdict::Held };
        Answer::new(verdict, if verdict == Verdict::Held { said.as_str() } else { "the secret is in the answer" })
    }
}
