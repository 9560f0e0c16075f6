use super::*;
use crate::spec::{Container, Contract, Mount, Pull, Runtime};

/// The settings under `spec:` of a package of `files`.
fn with(files: &[&str], text: &str) -> Result<Manifest, ManifestError> {
    resolve(&package("hello", files, Some(&format!("spec:\n{text}"))), &Overrides::default())
}

/// The settings of a package that is `function.yaml` alone.
fn alone(text: &str) -> Result<Manifest, ManifestError> {
    with(&["function.yaml"], text)
}

#[test]
fn every_key_of_a_container_is_read() {
    let text = "
  runtime: image
  container:
    image: registry.example:5000/team/app@sha256:00ff
    contract: http
    pull: always
    entrypoint: [/bin/app, -v]
    command: []
    user: 1000:1000
    mounts: [{source: /data, target: /mnt/, readOnly: true}, {source: /a, target: /b}]
    networks: [front, back]
    privileged: true
    pids: 64
    port: 9000
";
    let manifest = alone(text).unwrap();
    assert!(manifest.warnings.is_empty(), "{:?}", manifest.warnings);
    assert_eq!((manifest.spec.runtime.clone(), manifest.spec.handler.as_str()), (Runtime::Image, ""));
    let mount =
        |source: &str, target: &str, read_only| Mount { source: source.into(), target: target.into(), read_only };
    let expected = Container {
        image: "registry.example:5000/team/app@sha256:00ff".into(),
        contract: Contract::Http,
        pull: Pull::Always,
        entrypoint: Some(vec!["/bin/app".into(), "-v".into()]),
        command: Some(Vec::new()),
        user: "1000:1000".into(),
        mounts: vec![mount("/data", "/mnt", true), mount("/a", "/b", false)],
        networks: vec!["front".into(), "back".into()],
        privileged: true,
        pids_max: Some(64),
        port: Some(9000),
    };
    assert_eq!(manifest.spec.container.as_deref(), Some(&expected));
}

#[test]
fn runtime_and_contract_follow_from_what_is_said() {
    for (files, text, expected) in [
        (&["function.yaml"][..], "  runtime: image\n  image: busybox", "image busybox run"),
        (&["function.yaml"], "  image: busybox", "image busybox run"),
        (&["function.yaml"], "  container: {image: busybox}", "image busybox run"),
        (&["function.yaml"], "  container: {image: busybox, contract: worker}", "image busybox worker"),
        (&["function.yaml"], "  image: busybox\n  container: {pids: 3}", "image busybox run"),
        (&["Dockerfile", "function.yaml"], "  type: async", "image  run"),
        (&["Dockerfile", "LICENSE"], "  container: {contract: http}", "image  http"),
        (&["Dockerfile", "app.py"], "  container: {contract: http}", "image  http"),
        (&["Dockerfile", "app.py"], "  runtime: image", "image  run"),
        (&["Dockerfile", "app.py"], "  container: {}", "python  worker"),
        (&["app.py"], "  container: {image: python}", "python python worker"),
        (&["app.py"], "  container: {image: python, contract: worker}", "python python worker"),
        (&["app.js"], "  container: {image: node}", "nodejs node worker"),
        (&["data"], "  runtime: binary\n  handler: /bin/app\n  container: {image: x}", "binary x worker"),
        (&["app.py"], "  image: made/by-nuclio", "python -"),
        (&["Dockerfile", "app.py"], "  type: async", "python -"),
    ] {
        let spec = with(files, text).unwrap_or_else(|error| panic!("{text}: {error}")).spec;
        let found = match &spec.container {
            Some(container) => format!("{} {} {}", spec.runtime, container.image, container.contract.as_str()),
            None => format!("{} -", spec.runtime),
        };
        assert_eq!(found, expected, "{files:?} {text}");
        assert_eq!(spec.is_contained(), spec.container.is_some());
    }
}

#[test]
fn the_image_of_a_function_in_a_language_is_told_to_have_no_effect() {
    let manifest = with(&["app.py"], "  image: made/by-nuclio").unwrap();
    assert_eq!(
        manifest.warnings,
        ["function.yaml:2: spec.image has no effect: a function in a language says its image in container.image"]
    );
}

#[test]
fn the_flag_is_the_image() {
    let deploy = |files: &[&str], text: Option<&str>, change: fn(&mut Overrides)| {
        let mut flags = Overrides { image: Some("busybox".into()), ..Overrides::default() };
        change(&mut flags);
        resolve(&package("hello", files, text), &flags)
    };
    for (files, text) in
        [(&[][..], None), (&["function.yaml"], Some("spec: {container: {image: other, user: nobody}}"))]
    {
        let spec = deploy(files, text, |_| {}).unwrap().spec;
        let container = spec.container.unwrap();
        assert_eq!((spec.runtime, container.image.as_str()), (Runtime::Image, "busybox"));
        assert_eq!(container.user.is_empty(), text.is_none());
    }
    assert_eq!(deploy(&["a.py"], None, |_| {}).unwrap().spec.runtime, Runtime::Python(None));
    assert_refused(deploy(&["a.sh"], None, |_| {}), "--image: the runtime shell starts processes of this machine");
    assert_refused(deploy(&[], None, |flags| flags.image = Some("-x".into())), "--image: \"-x\" is not the name of");
}

#[test]
fn what_does_not_fit_a_container_is_refused() {
    for (files, text, part) in [
        (
            &["function.yaml"][..],
            "  runtime: image",
            "there is no image to run\nhint: give container.image, or a Dockerfile",
        ),
        (&["function.yaml"], "  runtime: image\n  container: {}", "spec.container.image: there is no image"),
        (&["a.py"], "  container: {}", "spec.container.image: there is no image"),
        (&["a.sh"], "  container: {image: x}", "hint: use the runtime image: a container an execution"),
        (&["a.wasm"], "  container: {image: x}", "the runtime wasm runs modules within the server"),
        (
            &["a"],
            "  runtime: webhook\n  handler: http://a\n  container: {image: x}",
            "no workers to put in a container",
        ),
        (
            &["a.py"],
            "  runtime: python\n  container: {image: x, contract: run}",
            "spec.container.contract: the runtime python speaks the worker protocol only",
        ),
        (
            &["a.py"],
            "  container: {image: x, entrypoint: [a]}",
            "spec.container.entrypoint: the runtime python starts its own program",
        ),
        (&["a.py"], "  container: {image: x, command: [a]}", "spec.container.command: the runtime python starts"),
        (&["a.py"], "  container: {image: x, port: 80}", "spec.container.port: only an HTTP server"),
        (&["a"], "  image: x\n  container: {port: 80}", "hint: add contract: http, or leave it out"),
        (&["a"], "  runtime: image\n  image: x\n  container: {image: y}", "spec.image: container.image says \"y\""),
        (&["a"], "  image: x\n  container: {contract: sock}", "expected one of run, worker, http"),
        (&["a"], "  image: x\n  container: {pull: often}", "expected one of missing, always, never"),
        (&["a"], "  image: x\n  container: {pids: 0}", "0 is too small"),
        (&["a"], "  image: x\n  container: {contract: http, port: 70000}", "70000 is too large"),
        (&["a"], "  image: x\n  container: {user: a b}", "spec.container.user: it is not a user"),
        (&["a"], "  container: {image: 'a b'}", "spec.container.image: \"a b\" is not the name of an image"),
        (&["a"], "  container: {image: ':tag'}", "is not the name of an image"),
        (&["a"], "  image: x\n  container: {networks: [none, front]}", "none and host stand alone"),
        (&["a"], "  image: x\n  container: {networks: ['a b']}", "spec.container.networks[0]: it is not the name"),
        (
            &["a"],
            "  image: x\n  container: {mounts: [{source: data, target: /d}]}",
            "spec.container.mounts[0].source: it is not an absolute path",
        ),
        (&["a"], "  image: x\n  container: {mounts: [{source: /a/../b, target: /d}]}", "without '..'"),
        (&["a"], "  image: x\n  container: {mounts: [{source: /a, target: /tidemill/x}]}", "Tidemill needs it itself"),
        (
            &["a"],
            "  image: x\n  container: {mounts: [{source: /a, target: /d}, {source: /b, target: /d}]}",
            "two mounts have the target /d",
        ),
        (&["a"], "  image: x\n  container: {mounts: [{source: /a}]}", "spec.container.mounts[0].target: it is missing"),
        (&["a"], "  image: x\n  container: {imge: y}", "hint: did you mean \"image\"?"),
        (&["a"], "  entrypoint: [x]", "hint: \"entrypoint\" belongs in spec.container"),
        (
            &["a"],
            "  image: x\n  triggers: {q: {kind: message, batch: {mode: enable}, attributes: {topic: t}}}",
            "spec.triggers.q.batch: a container an execution takes one event at a time",
        ),
    ] {
        assert_refused(with(files, text).map(|manifest| panic!("{text}: {manifest:?}")), part);
    }
}

#[test]
fn a_webhook_is_a_url() {
    for url in ["http://example.org", "https://example.org:8443/a?b=c", "http://127.0.0.1:1/x", "http://[::1]:80/"] {
        let spec = alone(&format!("  runtime: webhook\n  handler: '{url}'")).unwrap().spec;
        assert_eq!((spec.runtime, spec.handler.as_str(), spec.container), (Runtime::Webhook, url, None));
    }
    for (handler, part) in [
        ("", "a webhook needs the URL"),
        ("example.org", "spec.handler: \"example.org\" is not an http or https URL"),
        ("ftp://example.org", "not an http or https URL"),
        ("http://", "not an http or https URL"),
        ("http:///path", "not an http or https URL"),
        ("http://:80/", "not an http or https URL"),
        ("http://a b/", "not an http or https URL"),
        ("http://exa%mple/", "not an http or https URL"),
    ] {
        assert_refused(alone(&format!("  runtime: webhook\n  handler: '{handler}'")), part);
    }
}

#[test]
fn an_image_has_no_handler_and_no_build() {
    let manifest = alone("  image: x\n  handler: main:run\n  build: {requirements: [a]}").unwrap();
    assert_eq!(manifest.spec.handler, "");
    assert_eq!(
        manifest.warnings,
        [
            "function.yaml:3: spec.handler has no effect: an image has an entry point of its own",
            "spec.build has no effect: an image is used as it is, or built by its Dockerfile"
        ]
    );
}
