//! `tidemill topic list`.

use clap::Args;
use tidemill_api::TopicList;

use crate::{
    context::{Context, explain},
    failure::Failure,
    output::{self, Column, Table},
};

/// Lists topics and the functions that get their events.
#[derive(Debug, Args)]
#[command(visible_alias = "ls")]
#[command(after_help = "\
Examples:
  tidemill topic list")]
pub struct List {}

impl List {
    pub async fn run(self, context: Context) -> Result<(), Failure> {
        let topics = context.client()?.topics().await.map_err(explain)?;
        output::value(context.format, &topics, table)
    }
}

fn table(list: &TopicList) -> String {
    let columns = [Column::text("TOPIC"), Column::flexible("SUBSCRIBERS")];
    let empty = "there are no topics; a function subscribes with: tidemill deploy PATH --event message --topic TOPIC";
    let mut table = Table::new(&columns, empty);
    for topic in &list.topics {
        table.row([topic.topic.clone(), topic.subscribers.join(", ")]);
    }
    table.render()
}
