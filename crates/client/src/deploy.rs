//! Deploying.

use bytes::Bytes;
use http::Method;
use tidemill_api::{DeployNews, Deployed, route};
use tidemill_core::{manifest::Overrides, ports::Package};
use uuid::Uuid;

use crate::{Client, Error, lines::Lines};

impl Client {
    /// Deploys a package; `progress` hears each line of news. An empty one is not sent: `overrides` then name an image.
    pub async fn deploy(
        &self,
        package: &Package,
        overrides: &Overrides,
        mut progress: impl FnMut(&str),
    ) -> Result<Deployed, Error> {
        let boundary = format!("tidemill-{}", Uuid::new_v4().simple());
        let overrides = serde_json::to_vec(overrides).map_err(|error| Error::Request(error.to_string()))?;
        let headers = [
            ("content-type".to_owned(), format!("multipart/form-data; boundary={boundary}")),
            ("accept".to_owned(), "application/x-ndjson".to_owned()),
        ];
        let target = self.at(route::FUNCTIONS, &[]);
        let form = form(&boundary, package, &overrides);
        let response = self.send(Method::POST, &target, &headers, form).await?;
        let mut lines = Lines::new(response.into_body());
        while let Some(line) = lines.next().await.map_err(|error| self.transport.broken(&error))? {
            let news = serde_json::from_slice(&line).map_err(|error| self.transport.unexpected(error.to_string()))?;
            match news {
                DeployNews::Progress(line) => progress(&line),
                DeployNews::Deployed(deployed) => return Ok(*deployed),
                DeployNews::Problem(problem) => return Err(Error::Problem(problem)),
            }
        }
        Err(self.transport.unexpected("the deployment's news broke off"))
    }
}

/// The multipart form.
fn form(boundary: &str, package: &Package, overrides: &[u8]) -> Bytes {
    // Quotes and line ends would break out of the header.
    let name: String =
        package.file_name.chars().map(|c| if matches!(c, '"' | '\\') || c.is_control() { '_' } else { c }).collect();
    let mut form = Vec::with_capacity(package.content.len() + overrides.len() + 512);
    form.extend_from_slice(
        format!("--{boundary}\r\ncontent-disposition: form-data; name=\"overrides\"\r\ncontent-type: application/json\r\n\r\n").as_bytes(),
    );
    form.extend_from_slice(overrides);
    if package.is_empty() {
        form.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
        return form.into();
    }
    form.extend_from_slice(
        format!(
            "\r\n--{boundary}\r\ncontent-disposition: form-data; name=\"package\"; filename=\"{name}\"\r\n\
             content-type: application/octet-stream\r\n\r\n"
        )
        .as_bytes(),
    );
    form.extend_from_slice(&package.content);
    form.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
    form.into()
}
