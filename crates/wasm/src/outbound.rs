//! Requests that guests send out (`wasi:http/outgoing-handler`), to the hosts that their function was granted.
//!
//! Names are looked up here, and addresses that the grant does not permit are left out before a connection is made; the
//! connection goes to an address that was looked at. Redirects are answers: following one is another request, which is looked
//! at again. The body of a request is sent as a whole.

use std::{
    net::SocketAddr,
    sync::{Arc, OnceLock},
    time::Duration,
};

use http_body_util::{BodyExt, LengthLimitError, Limited};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tidemill_core::limits::RESPONSE_BODY_BYTES_MAX;
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody, WasiHttpHooks};

use crate::hosts::{Pattern, Reach, permits, reach};

/// How long connecting takes at most unless the guest says otherwise.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a request takes at most unless the guest says otherwise; a call's own limit is mostly shorter.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(600);

/// The clients of a driver, one for each reach, made when they are first needed.
#[derive(Default)]
pub(crate) struct Clients([OnceLock<reqwest::Client>; 3]);

impl Clients {
    fn get(&self, reach: Reach) -> Result<reqwest::Client, String> {
        let cell = &self.0[reach as usize];
        if let Some(client) = cell.get() {
            return Ok(client.clone());
        }
        if rustls::crypto::CryptoProvider::get_default().is_none() {
            // Somebody else may be quicker, with the same one.
            let _ = rustls::crypto::ring::default_provider().install_default();
        }
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .connect_timeout(CONNECT_TIMEOUT)
            .dns_resolver(Resolver(reach))
            .build()
            .map_err(|error| error.to_string())?;
        Ok(cell.get_or_init(|| client).clone())
    }
}

struct Resolver(Reach);

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let reach = self.0;
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let fit: Vec<SocketAddr> = found.filter(|address| permits(reach, address.ip())).collect();
            if fit.is_empty() {
                return Err(format!("{} has no address that the function may reach", name.as_str()).into());
            }
            Ok(Box::new(fit.into_iter()) as Addrs)
        })
    }
}

/// What one guest may send.
pub(crate) struct Outbound {
    clients: Arc<Clients>,
    hosts: Arc<[Pattern]>,
}

impl Outbound {
    /// A guest that may reach `hosts`.
    pub fn new(clients: Arc<Clients>, hosts: Arc<[Pattern]>) -> Outbound {
        Outbound { clients, hosts }
    }
}

type Sent = (http::Response<WasiBody>, Box<dyn Future<Output = Result<(), Error>> + Send>);

impl WasiHttpHooks for Outbound {
    fn send_request(
        &mut self,
        request: http::Request<WasiBody>,
        options: Option<RequestOptions>,
        _: Box<dyn Future<Output = Result<(), Error>> + Send>,
    ) -> Box<dyn Future<Output = Result<Sent, Error>> + Send> {
        // The address is read as it will be used: `127.1` is one, too.
        let url = reqwest::Url::parse(&request.uri().to_string()).ok();
        let reach = url.as_ref().and_then(|url| reach(&self.hosts, url.host_str()?, url.port_or_known_default()?));
        let client = reach.map(|reach| self.clients.get(reach));
        Box::new(async move {
            match client {
                None => Err(Error::HttpRequestDenied),
                Some(Err(reason)) => Err(Error::InternalError(Some(reason))),
                Some(Ok(client)) => send(&client, request, options).await,
            }
        })
    }
}

async fn send(
    client: &reqwest::Client,
    request: http::Request<WasiBody>,
    options: Option<RequestOptions>,
) -> Result<Sent, Error> {
    let (parts, body) = request.into_parts();
    let most = usize::try_from(RESPONSE_BODY_BYTES_MAX).unwrap_or(usize::MAX);
    let body = Limited::new(body, most).collect().await.map_err(|error| match error.is::<LengthLimitError>() {
        true => Error::HttpRequestBodySize(Some(RESPONSE_BODY_BYTES_MAX)),
        false => Error::HttpProtocolError,
    })?;
    let request = http::Request::from_parts(parts, body.to_bytes());
    let mut request = reqwest::Request::try_from(request).map_err(|_| Error::HttpRequestUriInvalid)?;
    let wished = options.and_then(|options| options.first_byte_timeout);
    *request.timeout_mut() = Some(wished.unwrap_or(REQUEST_TIMEOUT).min(REQUEST_TIMEOUT));
    let response = client.execute(request).await.map_err(|error| failure(&error))?;
    let response: http::Response<reqwest::Body> = response.into();
    let response = response.map(|body| body.map_err(|error| failure(&error)).boxed_unsync());
    Ok((response, Box::new(async { Ok(()) })))
}

fn failure(error: &reqwest::Error) -> Error {
    let said = causes(error);
    if error.is_timeout() {
        Error::ConnectionTimeout
    } else if said.contains("may reach") {
        Error::HttpRequestDenied
    } else if error.is_connect() {
        Error::ConnectionRefused
    } else {
        Error::InternalError(Some(said))
    }
}

fn causes(error: &dyn std::error::Error) -> String {
    let mut said = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        said = format!("{said}: {cause}");
        next = cause.source();
    }
    said
}
