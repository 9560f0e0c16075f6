use super::*;
use crate::spec::{Cors, HttpTrigger};

fn http(text: &str) -> Result<(HttpTrigger, Vec<String>), ManifestError> {
    let manifest = spec(&format!("  triggers:\n    web:\n      kind: http\n{text}"))?;
    let http = manifest.spec.http().map(|(_, _, http)| http.clone());
    Ok((http.expect("the trigger is on"), manifest.warnings))
}

#[test]
fn paths_methods_and_hosts_are_read() {
    let (http, warnings) = http(
        "      paths: [/old]
      attributes:
        paths: [/photos/*, /old, /]
        methods: [get, POST]
        hosts: [Shop.Example.COM]
        maxRequestBodySize: 4Mi
        cors: {enabled: true, allowOrigins: [https://a.example], allowCredentials: true}
",
    )
    .unwrap();
    assert!(warnings.is_empty());
    assert_eq!(http.paths, ["/", "/old", "/photos/*"]);
    assert_eq!(http.methods, ["GET", "POST"]);
    assert_eq!(http.hosts, ["shop.example.com"]);
    assert_eq!(http.body_bytes_max, Some(4 << 20));
    let expected = Cors { allow_origins: vec!["https://a.example".into()], allow_credentials: true, ..Cors::default() };
    assert_eq!(http.cors, Some(expected));
}

#[test]
fn cors_is_off_unless_enabled() {
    assert_eq!(http("      attributes: {cors: {allowOrigins: ['*']}}").unwrap().0.cors, None);
    assert_eq!(http("      attributes: {cors: {enabled: true}}").unwrap().0.cors, Some(Cors::default()));
}

#[test]
fn ingresses_become_hosts_and_paths() {
    for (ingresses, hosts, paths, warns) in [
        ("{a: {host: a.com, paths: [/x]}}", &["a.com"][..], &["/x", "/x/*"][..], false),
        ("{a: {host: a.com, pathType: Exact, paths: [/x, /y/]}}", &["a.com"], &["/x", "/y"], false),
        ("{a: {host: a.com}}", &["a.com"], &["/", "/*"], false),
        ("{a: {paths: [/x], pathType: Prefix}}", &[], &["/x", "/x/*"], false),
        (
            "{a: {host: a.com, paths: [/x]}, b: {host: A.com, paths: [/y], pathType: Exact}}",
            &["a.com"],
            &["/x", "/x/*", "/y"],
            false,
        ),
        ("{a: {host: a.com}, b: {host: b.com}}", &["a.com", "b.com"], &["/", "/*"], true),
    ] {
        let (http, warnings) = http(&format!("      attributes: {{ingresses: {ingresses}}}")).unwrap();
        assert_eq!(http.hosts, hosts, "{ingresses}");
        assert_eq!(http.paths, paths, "{ingresses}");
        assert_eq!(!warnings.is_empty(), warns, "{ingresses}: {warnings:?}");
    }
}

#[test]
fn nonsense_is_refused() {
    for (text, part) in [
        ("paths: [photos]", "begins with '/'"),
        ("paths: [/v1/photos]", "the server itself answers below"),
        ("paths: [/a*/b]", "can only be the last part"),
        ("paths: ['/a b']", "no '?', '#' or space"),
        ("paths: [/../x]", "no part '.' or '..'"),
        ("paths: /a", "expected a list of texts, found the text \"/a\""),
        ("methods: [G E T]", "is not an HTTP method"),
        ("hosts: ['https://a.com']", "is not a host"),
        ("hosts: ['*.a.com']", "is not a host"),
        ("maxRequestBodySize: 0", "no body is that small"),
        ("cors: {preflightMaxAgeSeconds: -2}", "too small"),
        ("ingresses: http", "expected a mapping of names to mappings, found the text \"http\""),
        ("ingresses: {a: b}", "spec.triggers.web.attributes.ingresses.a: expected a mapping"),
        ("path: /a", "did you mean \"paths\"?"),
    ] {
        let error = http(&format!("      attributes: {{{text}}}")).unwrap_err().to_string();
        assert!(error.contains(part), "{part:?} is not in {error:?}");
    }
}
