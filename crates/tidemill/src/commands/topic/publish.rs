//! `tidemill topic publish`.

use clap::Args;

use crate::{
    body,
    context::{Context, explain},
    failure::Failure,
    output,
};

/// Publishes an event to a topic: every subscriber gets an invocation, on disk when this returns.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tidemill topic publish orders --data '{\"id\": 7}'
  tidemill topic publish orders --data @order.json --header 'X-Source: shop'")]
pub struct Publish {
    /// The topic
    #[arg(value_name = "TOPIC")]
    topic: String,
    /// The event's body: a text, @FILE, or - for standard input
    #[arg(long, short)]
    data: Option<String>,
    /// A header of the event; may be given many times
    #[arg(long, short = 'H', value_name = "NAME: VALUE", value_parser = body::header)]
    header: Vec<(String, String)>,
    /// The body's media type [default: JSON, text or bytes, by the content]
    #[arg(long, alias = "content_type", value_name = "TYPE")]
    content_type: Option<String>,
}

impl Publish {
    pub async fn run(self, context: Context) -> Result<(), Failure> {
        let body = body::read(self.data.as_deref())?;
        let content_type = self.content_type.unwrap_or_else(|| body::content_type(&body).to_owned());
        let client = context.client()?;
        let published = client.publish(&self.topic, &content_type, &self.header, body).await.map_err(explain)?;
        output::value(context.format, &published, |published| match published.invocations.as_slice() {
            [] => format!("nobody listens to topic {}", self.topic),
            ids => ids.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"),
        })
    }
}
