//! Packs functions and deploys them.

use std::path::Path;

use anyhow::{Context, ensure};
use hyper::Method;

use crate::http::Client;

/// A tar archive of files given by name and content.
pub fn tar_of(files: &[(&str, &[u8])]) -> anyhow::Result<Vec<u8>> {
    let mut archive = tar::Builder::new(Vec::new());
    for (name, content) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        archive.append_data(&mut header, name, *content)?;
    }
    Ok(archive.into_inner()?)
}

/// A tar archive of a folder's own files, without its subfolders.
pub fn tar_of_folder(folder: &Path) -> anyhow::Result<Vec<u8>> {
    let mut archive = tar::Builder::new(Vec::new());
    for entry in std::fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))? {
        let path = entry?.path();
        if path.is_file() {
            let name = path.file_name().context("a file has a name")?;
            archive.append_path_with_name(&path, name)?;
        }
    }
    Ok(archive.into_inner()?)
}

/// Deploys a package; `overrides` is the JSON of the deploy flags.
pub async fn deploy(client: &Client, url: &str, package: &[u8], overrides: &serde_json::Value) -> anyhow::Result<()> {
    const BOUNDARY: &str = "tidemill-crash-boundary";
    let mut body = Vec::with_capacity(package.len() + 512);
    body.extend_from_slice(
        format!(
            "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"overrides\"\r\n\
             Content-Type: application/json\r\n\r\n{overrides}\r\n\
             --{BOUNDARY}\r\nContent-Disposition: form-data; name=\"package\"; filename=\"package.tar\"\r\n\
             Content-Type: application/x-tar\r\n\r\n"
        )
        .as_bytes(),
    );
    body.extend_from_slice(package);
    body.extend_from_slice(format!("\r\n--{BOUNDARY}--\r\n").as_bytes());
    let content_type = format!("multipart/form-data; boundary={BOUNDARY}");
    let headers = [("content-type", content_type.as_str()), ("accept", "application/json")];
    let response = client.send(Method::POST, &format!("{url}/v1/functions"), &headers, body).await?;
    ensure!(response.status.is_success(), "the deployment failed: {} {}", response.status, response.text());
    Ok(())
}
