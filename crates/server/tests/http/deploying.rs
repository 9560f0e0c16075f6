//! Deployments over the wire.

use bytes::Bytes;
use tidemill_api::ErrorCode;
use tidemill_core::{manifest::Overrides, ports::Package};

use crate::support::{TestServer, problem};

fn package(name: &str, content: &str) -> Package {
    Package { file_name: name.to_owned(), content: Bytes::copy_from_slice(content.as_bytes()) }
}

#[tokio::test]
async fn progress_comes_before_the_end() {
    let server = TestServer::start().await;
    let mut lines = Vec::new();
    let deployed = server
        .client
        .deploy(&package("hello.py", ""), &Overrides::default(), |line| lines.push(line.to_owned()))
        .await
        .unwrap();
    assert_eq!((deployed.name.as_str(), deployed.revision, deployed.unchanged), ("hello", 1, false));
    assert_eq!(deployed.addresses, ["/f/hello"]);
    assert!(lines.iter().any(|line| line == "looking for requirements"), "{lines:?}");
    let again = server.client.deploy(&package("hello.py", ""), &Overrides::default(), |_| {}).await.unwrap();
    assert_eq!((again.revision, again.unchanged), (1, true));
    server.end().await;
}

#[tokio::test]
async fn failures_say_why_and_leave_the_former_serving() {
    let server = TestServer::start().await;
    for (content, code, says) in [
        ("spec: {handlr: x}", ErrorCode::BadManifest, "handlr"),
        ("spec: {build: {requirements: [no-such-package]}}", ErrorCode::BuildFailed, "exit status 1"),
        ("spec: {env: [{name: BROKEN, value: '1'}]}", ErrorCode::NotReady, "ImportError: no module"),
    ] {
        let error =
            server.client.deploy(&package("echo.py", content), &Overrides::default(), |_| {}).await.unwrap_err();
        let problem = error.problem().unwrap_or_else(|| panic!("{error}"));
        assert_eq!(problem.code, code, "{content}");
        assert!(problem.detail.contains(says), "{content}: {}", problem.detail);
        assert_eq!(problem.problems.is_empty(), code != ErrorCode::BadManifest);
        assert_eq!(problem.output.is_some(), code != ErrorCode::BadManifest);
        assert_eq!(server.request("POST", "/f/echo", &[], "x").await.status, 200);
    }
    server.end().await;
}

#[tokio::test]
async fn a_form_that_is_none_is_a_problem() {
    let server = TestServer::start().await;
    let form = ("content-type", "multipart/form-data; boundary=b");
    let part =
        |head: &str, body: &str| format!("--b\r\ncontent-disposition: form-data; {head}\r\n\r\n{body}\r\n--b--\r\n");
    for (header, body, code) in [
        (("content-type", "text/plain"), "x".to_owned(), ErrorCode::UnsupportedMediaType),
        (form, "--b--\r\n".to_owned(), ErrorCode::BadRequest),
        (form, part("name=\"other\"", "x"), ErrorCode::BadRequest),
        (form, part("name=\"package\"", "x"), ErrorCode::BadRequest),
        (form, part("name=\"overrides\"", "{\"nam\": 1}"), ErrorCode::BadRequest),
        (form, "--b\r\ncontent-disposition: form-data; name=\"package\"".to_owned(), ErrorCode::BadRequest),
    ] {
        let reply = server.request("POST", "/v1/functions", &[header], &body).await;
        assert_eq!(problem(&reply).code, code, "{body}");
    }
    let whole = part("name=\"package\"; filename=\"plain.py\"", "");
    assert_eq!(server.request("POST", "/v1/functions", &[form], &whole).await.status, 201);
    assert_eq!(server.request("POST", "/v1/functions", &[form], &whole).await.status, 200);
    server.end().await;
}

#[tokio::test]
async fn a_package_that_is_too_large_is_413() {
    let server = TestServer::start_with(|config| config.package_bytes_max = 100).await;
    let content = format!("# {}", "x".repeat(200));
    let error = server.client.deploy(&package("a.py", &content), &Overrides::default(), |_| {}).await.unwrap_err();
    assert_eq!(error.problem().map(|problem| problem.code), Some(ErrorCode::BodyTooLarge), "{error}");
    server.end().await;
}

#[tokio::test]
async fn rollback_and_delete() {
    let server = TestServer::start().await;
    server.deploy("echo", "spec: {description: second}").await;
    let revisions = server.client.revisions("echo").await.unwrap().revisions;
    assert_eq!(revisions.iter().map(|one| (one.revision, one.active)).collect::<Vec<_>>(), [(2, true), (1, false)]);
    assert_eq!(server.client.rollback("echo", None).await.unwrap().revision, 1);
    let error = server.client.rollback("echo", Some(9)).await.unwrap_err();
    assert_eq!(error.problem().unwrap().code, ErrorCode::NoRevision);
    server.client.delete("echo").await.unwrap();
    let error = server.client.delete("echo").await.unwrap_err();
    assert_eq!(error.problem().unwrap().code, ErrorCode::NoFunction);
    server.end().await;
}
