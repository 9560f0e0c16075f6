//! Requests that guests send out (`wasi:http/outgoing-handler`), to the hosts that their function was granted.
//!
//! Names are looked up here, and addresses that the grant does not permit are left out before a connection is made; the
//! connection goes to an address that was looked at. Redirects are answers: following one is another request, which is looked
//! at again. The body of a request is sent while the guest writes it, and no more of it is held here than one piece.

use std::{
    net::SocketAddr,
    pin::Pin,
    sync::{Arc, OnceLock},
    task::{Context, Poll},
    time::Duration,
};

use bytes::{Bytes, BytesMut};
use http_body::Frame;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use parking_lot::Mutex;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tidemill_core::limits::RESPONSE_BODY_BYTES_MAX;
use tokio::sync::Semaphore;
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody, WasiHttpHooks};

use crate::hosts::{Pattern, Reach, permits, reach};

/// How long connecting takes at most.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a request takes at most, and its first byte unless the guest says otherwise; a call's own limit is mostly shorter.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(600);
/// Requests that one instance has open.
const OPEN_MAX: usize = 16;
/// Names that are looked up at once: each look-up takes a thread, perhaps for long.
const LOOK_UPS_MAX: usize = 16;
/// Bodies up to this are sent with their length, in bytes.
const AT_ONCE_BYTES_MAX: usize = 64 * 1024;

/// The clients of a driver, one for each reach, made when they are first needed.
pub(crate) struct Clients {
    clients: [OnceLock<reqwest::Client>; 2],
    look_ups: Arc<Semaphore>,
}

impl Default for Clients {
    fn default() -> Clients {
        Clients { clients: Default::default(), look_ups: Arc::new(Semaphore::new(LOOK_UPS_MAX)) }
    }
}

impl Clients {
    fn get(&self, reach: Reach) -> Result<reqwest::Client, String> {
        let cell = &self.clients[reach as usize];
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
            .dns_resolver(Resolver { reach, look_ups: self.look_ups.clone() })
            .build()
            .map_err(|error| error.to_string())?;
        Ok(cell.get_or_init(|| client).clone())
    }
}

struct Resolver {
    reach: Reach,
    look_ups: Arc<Semaphore>,
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let (reach, look_ups) = (self.reach, self.look_ups.clone());
        Box::pin(async move {
            let _turn = look_ups.acquire_owned().await?;
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let fit = fitting(reach, found);
            if fit.is_empty() {
                return Err(format!("{} has no address that the function may reach", name.as_str()).into());
            }
            Ok(Box::new(fit.into_iter()) as Addrs)
        })
    }
}

/// Those of the addresses of a name that it may lead to.
fn fitting(reach: Reach, found: impl Iterator<Item = SocketAddr>) -> Vec<SocketAddr> {
    found.filter(|address| permits(reach, address.ip())).collect()
}

/// What one guest may send.
pub(crate) struct Outbound {
    clients: Arc<Clients>,
    hosts: Arc<[Pattern]>,
    /// Made for the first request: most guests send none.
    open: Option<Arc<Semaphore>>,
}

impl Outbound {
    /// A guest that may reach `hosts`.
    pub fn new(clients: Arc<Clients>, hosts: Arc<[Pattern]>) -> Outbound {
        Outbound { clients, hosts, open: None }
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
        let open = self.open.get_or_insert_with(|| Arc::new(Semaphore::new(OPEN_MAX)));
        let place = open.clone().try_acquire_owned();
        Box::new(async move {
            let place = place.map_err(|_| Error::ConnectionLimitReached)?;
            let (response, rest) = match client {
                None => return Err(Error::HttpRequestDenied),
                Some(Err(reason)) => return Err(Error::InternalError(Some(reason))),
                Some(Ok(client)) => send(&client, request, options).await?,
            };
            // It is open until nobody reads its response any more.
            let response = response.map(|body| {
                let held = move |frame| {
                    let _place = &place;
                    frame
                };
                body.map_frame(held).boxed_unsync()
            });
            Ok((response, rest))
        })
    }
}

async fn send(
    client: &reqwest::Client,
    request: http::Request<WasiBody>,
    options: Option<RequestOptions>,
) -> Result<Sent, Error> {
    let (parts, body) = request.into_parts();
    let wished = options.and_then(|options| options.first_byte_timeout);
    let sending = async {
        let request = http::Request::from_parts(parts, begun(body).await?);
        let mut request = reqwest::Request::try_from(request).map_err(|_| Error::HttpRequestUriInvalid)?;
        *request.timeout_mut() = Some(REQUEST_TIMEOUT);
        client.execute(request).await.map_err(|error| failure(&error))
    };
    let first_byte = tokio::time::timeout(wished.unwrap_or(REQUEST_TIMEOUT).min(REQUEST_TIMEOUT), sending);
    let response = first_byte.await.map_err(|_| Error::ConnectionReadTimeout)??;
    let response: http::Response<reqwest::Body> = response.into();
    let response = response.map(|body| body.map_err(|error| failure(&error)).boxed_unsync());
    Ok((response, Box::new(async { Ok(()) })))
}

/// A body: whole when it is short, so that its length is known, and else what goes on while it is sent.
async fn begun(body: WasiBody) -> Result<reqwest::Body, Error> {
    let most = usize::try_from(RESPONSE_BODY_BYTES_MAX).unwrap_or(usize::MAX);
    let (mut body, mut first) = (Limited::new(body, most), BytesMut::new());
    while first.len() <= AT_ONCE_BYTES_MAX {
        match body.frame().await {
            None => return Ok(first.freeze().into()),
            Some(Ok(frame)) => first.extend_from_slice(&frame.into_data().unwrap_or_default()),
            Some(Err(error)) if error.is::<LengthLimitError>() => return Err(too_long()),
            Some(Err(_)) => return Err(Error::HttpProtocolError),
        }
    }
    Ok(reqwest::Body::wrap(Begun { first: Some(first.freeze()), rest: Mutex::new(body) }))
}

fn too_long() -> Error {
    Error::HttpRequestBodySize(Some(RESPONSE_BODY_BYTES_MAX))
}

/// A body whose beginning was read already.
struct Begun {
    first: Option<Bytes>,
    /// Never locked: it lets others see a body that only one reads.
    rest: Mutex<Limited<WasiBody>>,
}

impl http_body::Body for Begun {
    type Data = Bytes;
    type Error = Box<dyn std::error::Error + Send + Sync>;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        match self.first.take() {
            Some(first) => Poll::Ready(Some(Ok(Frame::data(first)))),
            None => Pin::new(self.rest.get_mut()).poll_frame(context),
        }
    }
}

fn failure(error: &reqwest::Error) -> Error {
    let said = causes(error);
    if said.contains("length limit exceeded") {
        too_long()
    } else if error.is_timeout() {
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

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use http_body_util::{Empty, Full};
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        net::TcpListener,
    };

    use super::*;

    /// A body of so many pieces, or without end.
    struct Pieces(Option<usize>);

    impl http_body::Body for Pieces {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            match &mut self.0 {
                Some(0) => return Poll::Ready(None),
                Some(left) => *left -= 1,
                None => {}
            }
            Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(&[b'x'; 32 * 1024])))))
        }
    }

    fn request(
        address: SocketAddr,
        body: impl http_body::Body<Data = Bytes, Error = Infallible> + Send + 'static,
    ) -> http::Request<WasiBody> {
        let body = body.map_err(|never| match never {}).boxed_unsync();
        http::Request::post(format!("http://{address}/")).body(body).unwrap()
    }

    /// A server that takes all, and says of one request after the other how long its body was said to be.
    async fn server() -> (SocketAddr, tokio::sync::mpsc::UnboundedReceiver<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (sender, receiver) = tokio::sync::mpsc::unbounded_channel();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let sender = sender.clone();
                tokio::spawn(async move {
                    let (mut all, mut piece) = (Vec::new(), vec![0; 64 * 1024]);
                    let wanted = |all: &[u8]| {
                        let end = all.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
                        let head = String::from_utf8_lossy(&all[..end]).to_ascii_lowercase();
                        let said =
                            head.lines().find(|line| line.contains("content-length") || line.contains("chunked"));
                        let said = said.unwrap_or_default().to_owned();
                        let is_whole = match said.strip_prefix("content-length: ") {
                            Some(length) => all.len() - end >= length.parse::<usize>().unwrap(),
                            None => said.is_empty() || all.ends_with(b"0\r\n\r\n"),
                        };
                        is_whole.then_some(said)
                    };
                    let said = loop {
                        match stream.read(&mut piece).await {
                            Ok(read) if read > 0 => all.extend_from_slice(&piece[..read]),
                            _ => return,
                        }
                        if let Some(said) = wanted(&all) {
                            break said;
                        }
                    };
                    let _ = sender.send(said);
                    let _ =
                        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok").await;
                });
            }
        });
        (address, receiver)
    }

    fn outbound(address: SocketAddr) -> Outbound {
        Outbound::new(Arc::default(), [address.to_string().parse().unwrap()].into())
    }

    async fn ask(outbound: &mut Outbound, request: http::Request<WasiBody>) -> Result<Sent, Error> {
        Box::into_pin(outbound.send_request(request, None, Box::new(async { Ok(()) }))).await
    }

    #[tokio::test]
    async fn a_short_body_has_a_length_and_a_long_one_is_sent_while_it_is_made() {
        let (address, mut requests) = server().await;
        let mut outbound = outbound(address);
        for (body, said) in [(1, "content-length: 32768"), (10, "transfer-encoding: chunked")] {
            let (response, _) = ask(&mut outbound, request(address, Pieces(Some(body)))).await.unwrap();
            assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), "ok");
            assert_eq!(requests.recv().await.unwrap(), said);
        }
        let short = ask(&mut outbound, request(address, Full::new(Bytes::from_static(b"hi")))).await;
        assert_eq!(short.unwrap().0.status(), 200);
        assert_eq!(requests.recv().await.unwrap(), "content-length: 2");
    }

    #[tokio::test]
    async fn a_body_without_end_is_ended() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let drain = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let _ = tokio::io::copy(&mut stream, &mut tokio::io::sink()).await;
        });
        let found = ask(&mut outbound(address), request(address, Pieces(None))).await;
        assert!(matches!(found, Err(Error::HttpRequestBodySize(_))), "{:?}", found.err());
        drain.await.unwrap();
    }

    #[tokio::test]
    async fn a_guest_has_few_requests_open() {
        let (address, _requests) = server().await;
        let mut outbound = outbound(address);
        let mut open = Vec::new();
        for _ in 0..OPEN_MAX {
            open.push(ask(&mut outbound, request(address, Empty::new())).await.unwrap());
        }
        let refused = ask(&mut outbound, request(address, Empty::new())).await;
        assert!(matches!(refused, Err(Error::ConnectionLimitReached)));
        open.pop();
        assert!(ask(&mut outbound, request(address, Empty::new())).await.is_ok());
    }

    #[tokio::test]
    async fn a_guest_may_give_up_before_the_first_byte() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let options =
            RequestOptions { first_byte_timeout: Some(Duration::from_millis(1)), ..RequestOptions::default() };
        let client = Clients::default().get(Reach::Local).unwrap();
        let found = send(&client, request(address, Empty::new()), Some(options)).await;
        assert!(matches!(found, Err(Error::ConnectionReadTimeout)));
    }

    #[test]
    fn of_the_addresses_of_a_name_only_public_ones_count() {
        let found = |texts: &[&str]| {
            let found = texts.iter().map(|text| SocketAddr::new(text.parse().unwrap(), 0));
            fitting(Reach::Public, found).len()
        };
        assert_eq!(found(&["127.0.0.1"]), 0);
        assert_eq!(found(&["169.254.169.254", "10.0.0.1", "::1"]), 0);
        assert_eq!(found(&["10.0.0.1", "93.184.216.34", "fd00:ec2::254"]), 1);
    }
}
