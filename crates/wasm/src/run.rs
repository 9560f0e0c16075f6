//! One event in one fresh instance.

use std::{
    convert::Infallible,
    fmt::Write as _,
    future::poll_fn,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::Poll,
};

use bytes::{Bytes, BytesMut};
use http_body_util::{BodyExt, Full};
use tidemill_core::{Event, invocation::Reply, limits::RESPONSE_BODY_BYTES_MAX};
use wasmtime::Store;
use wasmtime_wasi::I32Exit;
use wasmtime_wasi_http::{
    WasiHttpView,
    p2::{
        bindings::{
            ProxyPre,
            http::types::{ErrorCode, Scheme},
        },
        body::HyperOutgoingBody,
    },
};

use crate::{
    bindings::tidemill::function::types,
    guest::Guest,
    limiter::Refusal,
    program::{FunctionInstance, Pre, Program},
};

/// Why there is no reply.
pub(crate) enum Failure {
    /// A trap, an exit or a refusal of ours.
    Error(wasmtime::Error),
    /// The guest said that it failed.
    Raised { message: String, status: u16, traceback: String },
    /// The reply is none.
    BadResponse(String),
}

impl From<wasmtime::Error> for Failure {
    fn from(error: wasmtime::Error) -> Failure {
        Failure::Error(error)
    }
}

/// How an instance ended.
pub(crate) struct Ended {
    pub result: Result<Reply, Failure>,
    pub memory_bytes_peak: u64,
    /// Why it did not get the memory that it asked for.
    pub refused: Option<Refusal>,
    pub is_out_of_tables: bool,
}

/// What the guest is told of its event beside it.
#[derive(Clone)]
pub(crate) struct Facts {
    pub key: Option<String>,
    pub attempt: u32,
}

/// Runs `program` on `event`. For commands the event is in the store already.
pub(crate) async fn run(program: Arc<Program>, mut store: Store<Guest>, event: Option<(Arc<Event>, Facts)>) -> Ended {
    let result = match (&program.pre, event) {
        (_, None) => prepare(&program, &mut store).await,
        (Pre::Command(pre), Some(_)) => match pre.instantiate_async(&mut store).await {
            Ok(instance) => match instance.get_typed_func::<(), ()>(&mut store, "_start") {
                Ok(start) => ended_well(start.call_async(&mut store, ()).await, &store),
                Err(error) => Err(error.into()),
            },
            Err(error) => Err(error.into()),
        },
        (Pre::CommandComponent(pre), Some(_)) => match pre.instantiate_async(&mut store).await {
            Ok(command) => match command.wasi_cli_run().call_run(&mut store).await {
                Ok(Ok(())) => ended_well(Ok(()), &store),
                Ok(Err(())) => ended_well(Err(I32Exit(1).into()), &store),
                Err(error) => ended_well(Err(error), &store),
            },
            Err(error) => Err(error.into()),
        },
        (Pre::Function(..), Some((event, facts))) => function(&program, &mut store, &event, &facts).await,
        // In a box, so that the others, which need less, are not as large.
        (Pre::Http(pre), Some((event, _))) => return Box::pin(http(pre, store, Arc::unwrap_or_clone(event))).await,
    };
    account(store.data(), result)
}

fn account(guest: &Guest, result: Result<Reply, Failure>) -> Ended {
    let limiter = &guest.limiter;
    Ended {
        result,
        memory_bytes_peak: limiter.memory_bytes_peak,
        refused: limiter.refused,
        is_out_of_tables: limiter.is_out_of_tables,
    }
}

/// Makes an instance and prepares it, to see whether that can be done.
async fn prepare(program: &Program, store: &mut Store<Guest>) -> Result<Reply, Failure> {
    match &program.pre {
        Pre::Command(pre) => {
            pre.instantiate_async(&mut *store).await?;
        }
        Pre::CommandComponent(pre) => {
            pre.instantiate_async(&mut *store).await?;
        }
        Pre::Http(pre) => {
            pre.instantiate_async(&mut *store).await?;
        }
        Pre::Function(..) => {
            instance(program, store).await?;
        }
    }
    Ok(Reply { status: 200, ..Reply::default() })
}

/// A command that returned or exited with 0 has printed its reply.
fn ended_well(result: wasmtime::Result<()>, store: &Store<Guest>) -> Result<Reply, Failure> {
    match result {
        Err(error) if error.downcast_ref::<I32Exit>().is_none_or(|exit| exit.0 != 0) => Err(error.into()),
        Ok(()) | Err(_) => {
            Ok(Reply { status: 200, body: store.data().record().take_reply().into(), ..Reply::default() })
        }
    }
}

/// A prepared instance of Tidemill's world.
async fn instance(program: &Program, store: &mut Store<Guest>) -> Result<FunctionInstance, Failure> {
    let Pre::Function(pre, init) = &program.pre else {
        return Err(wasmtime::format_err!("it is no component of Tidemill's world").into());
    };
    let Some(init) = init else { return Ok(pre.instantiate_async(&mut *store).await?) };
    let instance = pre.instance_pre().instantiate_async(&mut *store).await?;
    let init = instance.get_typed_func::<(), (Result<(), String>,)>(&mut *store, init)?;
    if let (Err(message),) = init.call_async(&mut *store, ()).await? {
        return Err(Failure::Raised { message, status: 500, traceback: String::new() });
    }
    Ok(FunctionInstance::new(&mut *store, &instance)?)
}

async fn function(program: &Program, store: &mut Store<Guest>, event: &Event, facts: &Facts) -> Result<Reply, Failure> {
    let function = instance(program, store).await?;
    let event = types::Event {
        id: &event.id,
        source: &event.source,
        kind: &event.kind,
        subject: &event.subject,
        time_us: event.time.micros(),
        caller: &event.caller,
        trigger_kind: &event.trigger.kind,
        trigger_name: &event.trigger.name,
        method: &event.method,
        path: &event.path,
        query: &event.query,
        headers: &event.headers,
        content_type: &event.content_type,
        key: facts.key.as_deref(),
        attempt: facts.attempt,
        body: &event.body,
    };
    match function.tidemill_function_handler().call_handle(&mut *store, event).await? {
        Ok(reply) => Ok(Reply {
            status: reply.status,
            content_type: reply.content_type,
            headers: reply.headers,
            body: reply.body.into(),
        }),
        Err(types::Failure { message, status, traceback }) => Err(Failure::Raised { message, status, traceback }),
    }
}

type Answer = Result<http::Response<HyperOutgoingBody>, ErrorCode>;

/// A request to a component, whose response is collected while the component writes it.
async fn http(pre: &ProxyPre<Guest>, mut store: Store<Guest>, event: Event) -> Ended {
    let request = match request(event) {
        Ok(request) => request,
        Err(error) => return account(store.data(), Err(Failure::Error(error.into()))),
    };
    let (sender, receiver) = tokio::sync::oneshot::channel::<Answer>();
    let has_answered = Arc::new(AtomicBool::new(false));
    let mut collecting = pin!(async move {
        match receiver.await {
            Ok(Ok(response)) => Some(collect(response).await),
            Ok(Err(code)) => Some(Err(raised(&code))),
            Err(_) => None,
        }
    });
    let mut answer = None;
    let handled = {
        let flag = has_answered.clone();
        let mut handling = pin!(async {
            let mut view = store.data_mut().http();
            let request = view.new_incoming_request(Scheme::Http, request)?;
            let out = view.new_response_outparam_from_callback(move |result| {
                flag.store(true, Ordering::Release);
                let _ = sender.send(result);
            })?;
            let proxy = pre.instantiate_async(&mut store).await?;
            proxy.wasi_http_incoming_handler().call_handle(&mut store, request, out).await
        });
        // Both in one task: what the guest writes is taken while it goes on.
        poll_fn(|context| {
            let handled = handling.as_mut().poll(context);
            if answer.is_none()
                && let Poll::Ready(found) = collecting.as_mut().poll(context)
            {
                answer = Some(found);
            }
            handled
        })
        .await
    };
    let mut ended = account(store.data(), Ok(Reply::default()));
    // What the guest has left open ends here.
    drop(store);
    ended.result = match handled {
        Err(error) => Err(error.into()),
        Ok(()) if answer.is_none() && !has_answered.load(Ordering::Acquire) => Err(without_answer()),
        Ok(()) => {
            let answer = match answer {
                Some(answer) => answer,
                None => collecting.await,
            };
            answer.unwrap_or_else(|| Err(without_answer()))
        }
    };
    ended
}

fn without_answer() -> Failure {
    Failure::BadResponse("the component gave no response".to_owned())
}

fn raised(code: &ErrorCode) -> Failure {
    let message = match code {
        ErrorCode::InternalError(Some(text)) => text.clone(),
        other => format!("{other:?}"),
    };
    Failure::Raised { message, status: 500, traceback: String::new() }
}

/// The event as a request. What HTTP cannot say is left out or escaped: a caller must not be able to break a guest by it.
fn request(event: Event) -> Result<http::Request<NoErrorBody>, http::Error> {
    let host: Option<http::uri::Authority> = event.header("host").and_then(|host| host.parse().ok());
    let host = host.unwrap_or_else(|| http::uri::Authority::from_static("localhost"));
    let path = escaped(event.path.trim_start_matches('/'), b"?");
    let target =
        if event.query.is_empty() { format!("/{path}") } else { format!("/{path}?{}", escaped(&event.query, b"")) };
    let method = http::Method::from_bytes(event.method.as_bytes()).unwrap_or(http::Method::POST);
    let uri = http::Uri::builder().scheme("http").authority(host).path_and_query(target).build()?;
    let mut request = http::Request::builder().method(method).uri(uri).body(Full::new(event.body).map_err(NO_ERROR))?;
    let headers = request.headers_mut();
    for (name, value) in &event.headers {
        if let (Ok(name), Ok(value)) = (http::HeaderName::try_from(name), http::HeaderValue::try_from(value)) {
            headers.append(name, value);
        }
    }
    if !event.content_type.is_empty()
        && let Ok(value) = http::HeaderValue::try_from(event.content_type)
    {
        headers.entry(http::header::CONTENT_TYPE).or_insert(value);
    }
    Ok(request)
}

/// A part of an address with what may not stand there, and what `further` names, as `%XX`.
fn escaped(text: &str, further: &[u8]) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        let is_plain = byte.is_ascii_graphic() && !b"\"#<>\\^`{|}".contains(&byte) && !further.contains(&byte);
        if is_plain {
            escaped.push(char::from(byte));
        } else {
            let _ = write!(escaped, "%{byte:02X}");
        }
    }
    escaped
}

type NoErrorBody = http_body_util::combinators::MapErr<Full<Bytes>, fn(Infallible) -> NoError>;
const NO_ERROR: fn(Infallible) -> NoError = |never| match never {};

/// An error that does not happen, in the form that is asked for.
pub(crate) struct NoError;

impl From<NoError> for wasmtime_wasi_http::Error {
    fn from(_: NoError) -> wasmtime_wasi_http::Error {
        wasmtime_wasi_http::Error::HttpProtocolError
    }
}

async fn collect(response: http::Response<HyperOutgoingBody>) -> Result<Reply, Failure> {
    let (parts, mut body) = response.into_parts();
    let mut bytes = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| Failure::BadResponse(format!("the response broke off: {error:?}")))?;
        let Ok(data) = frame.into_data() else { continue };
        if (bytes.len() + data.len()) as u64 > RESPONSE_BODY_BYTES_MAX {
            let reason = format!("the response has more than the {RESPONSE_BODY_BYTES_MAX} bytes that are allowed");
            return Err(Failure::BadResponse(reason));
        }
        bytes.extend_from_slice(&data);
    }
    let mut reply = Reply { status: parts.status.as_u16(), body: bytes.freeze(), ..Reply::default() };
    for (name, value) in &parts.headers {
        let Ok(value) = value.to_str() else {
            return Err(Failure::BadResponse(format!("the response's header {name:?} is not valid")));
        };
        match *name {
            http::header::CONTENT_TYPE => value.clone_into(&mut reply.content_type),
            // What the body has is known better here.
            http::header::CONTENT_LENGTH | http::header::TRANSFER_ENCODING => {}
            _ => reply.headers.push((name.as_str().to_owned(), value.to_owned())),
        }
    }
    Ok(reply)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_caller_can_make_a_request_that_is_none() {
        let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let event = Event {
            method: "not a method".to_owned(),
            path: "/a b?c/ü".to_owned(),
            query: "q=#<>".to_owned(),
            headers: vec![header("host", "no host"), header("x-a", "1"), header("x b", "2"), header("x-c", "3\n")],
            content_type: "text/plain".to_owned(),
            ..Event::default()
        };
        let request = request(event).unwrap();
        assert_eq!(request.method(), http::Method::POST);
        assert_eq!(request.uri(), "http://localhost/a%20b%3Fc/%C3%BC?q=%23%3C%3E");
        assert_eq!(
            (&request.headers()["x-a"], &request.headers()["content-type"]),
            (&"1".try_into().unwrap(), &"text/plain".try_into().unwrap())
        );
        assert!(!request.headers().contains_key("x-c"));
        let plain = Event { path: "/%20x".to_owned(), headers: vec![header("host", "a:1")], ..Event::default() };
        assert_eq!(super::request(plain).unwrap().uri(), "http://a:1/%20x");
    }
}
