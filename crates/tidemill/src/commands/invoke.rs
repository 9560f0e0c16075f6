//! `tidemill invoke`.

use std::time::Duration;

use clap::Args;
use tidemill_api::route;
use tidemill_client::{Call, Reply};
use tidemill_core::InvocationId;

use crate::{
    body,
    context::{Context, explain},
    failure::Failure,
    moment, output,
};

/// How long one request waits for a result; the command asks again until there is one.
const WAIT: Duration = Duration::from_secs(60);

/// Calls a function and prints its response.
///
/// The response goes to standard output as it is. If the function fails, its one-line error goes to standard error and
/// the exit code is 1; the log has the rest.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tidemill invoke hello --data Ada
  tidemill invoke thumbnail --data @photo.jpg > thumbnail.jpg
  echo '{\"id\": 7}' | tidemill invoke order --data - --header 'X-Source: shop'
  tidemill invoke report --async                     print the invocation's id and do not wait
  tidemill invoke report --wait                      durable, and wait for the result
  tidemill invoke remind --delay 90s --data 'tea'    later
  tidemill invoke charge --async --idempotency-key order-7 --key customer-3")]
pub struct Invoke {
    /// The function
    name: String,
    /// The body: a text, @FILE, or - for standard input
    #[arg(long, short)]
    data: Option<String>,
    /// A header; may be given many times
    #[arg(long, short = 'H', value_name = "NAME: VALUE", value_parser = body::header)]
    header: Vec<(String, String)>,
    /// The body's media type [default: JSON, text or bytes, by the content]
    #[arg(long, alias = "content_type", value_name = "TYPE")]
    content_type: Option<String>,
    /// The HTTP method that the function sees
    #[arg(long, default_value = "POST")]
    method: String,
    /// The path and query that the function sees
    #[arg(long, default_value = "/")]
    path: String,
    /// Return as soon as the event is on disk, and print the invocation's id
    #[arg(long = "async")]
    is_async: bool,
    /// Put the event on disk first, then wait for the result
    #[arg(long, conflicts_with = "is_async")]
    wait: bool,
    /// Run no earlier than after this time, as in 90s; implies --async
    #[arg(long, value_name = "DURATION", value_parser = moment::duration)]
    delay: Option<Duration>,
    /// Run one after the other with other events of this key; implies --async unless --wait is given
    #[arg(long)]
    key: Option<String>,
    /// Run at most once for this key: the first answer is the answer to all
    #[arg(long, alias = "idempotency_key", value_name = "KEY")]
    idempotency_key: Option<String>,
}

impl Invoke {
    pub async fn run(self, context: Context) -> Result<(), Failure> {
        let client = context.client()?;
        let mode = self.mode();
        let body = body::read(self.data.as_deref())?;
        let content_type = self.content_type.unwrap_or_else(|| body::content_type(&body).to_owned());
        let (path, query) = self.path.split_once('?').unwrap_or((&self.path, ""));
        let call = Call {
            method: self.method.to_ascii_uppercase(),
            path: path.to_owned(),
            query: query.to_owned(),
            headers: self.header,
            content_type,
            body,
            delay: self.delay,
            key: self.key,
            idempotency_key: self.idempotency_key,
        };
        if mode == Mode::Answered {
            let reply = client.invoke(&self.name, call).await.map_err(explain)?;
            return match accepted(&reply) {
                Some(id) => output::line(id),
                None => answer(reply),
            };
        }
        let accepted = client.submit(&self.name, call).await.map_err(explain)?;
        if mode == Mode::Accepted {
            return output::value(context.format, &accepted, |accepted| accepted.id.to_string());
        }
        let id = InvocationId(accepted.id);
        let detail = loop {
            let detail = client.wait(id, WAIT).await.map_err(explain)?.invocation;
            if detail.finished_at.is_some() {
                break detail;
            }
        };
        match detail.status.as_str() {
            "succeeded" => answer(client.result(id).await.map_err(explain)?),
            _ => Err(failed(&detail.reason, Some(&id.to_string()))),
        }
    }

    fn mode(&self) -> Mode {
        if self.wait {
            Mode::Awaited
        } else if self.is_async || self.delay.is_some() || self.key.is_some() {
            Mode::Accepted
        } else {
            Mode::Answered
        }
    }
}

/// What the caller waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    /// The response; nothing is stored first.
    Answered,
    /// That the event is on disk.
    Accepted,
    /// That the event is on disk, then the result.
    Awaited,
}

/// The id that a function which is asynchronous by itself answered with.
fn accepted(reply: &Reply) -> Option<String> {
    let is_accepted =
        reply.status == 202 && reply.header("location").is_some_and(|at| at.starts_with(route::INVOCATIONS));
    reply.invocation.filter(|_| is_accepted).map(|id| id.to_string())
}

/// Prints a response. One with an error status is a failure: its body is the error if it is one line of text.
pub fn answer(reply: Reply) -> Result<(), Failure> {
    if reply.status < 400 {
        return output::raw(&reply.body);
    }
    let id = reply.invocation.map(|id| id.to_string());
    match std::str::from_utf8(&reply.body).map(str::trim) {
        Ok(text) if !text.is_empty() && text.lines().count() == 1 && reply.content_type.starts_with("text/plain") => {
            Err(failed(text, id.as_deref()))
        }
        _ => {
            output::raw(&reply.body)?;
            Err(failed(&format!("the function answered with status {}", reply.status), id.as_deref()))
        }
    }
}

fn failed(reason: &str, id: Option<&str>) -> Failure {
    let failure = Failure::fixable(reason);
    match id {
        Some(id) => failure.hint(format!("what it logged: tidemill logs --invocation {id}")),
        None => failure,
    }
}
