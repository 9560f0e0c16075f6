//! `tidemill function image`.

use clap::Args;

use crate::{
    context::{Context, explain},
    failure::Failure,
    output,
};

/// Makes a container image of a function's code, on top of another image.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tidemill function image hello --base python:3.12-slim --tag hello:1")]
pub struct Image {
    /// The function
    name: String,
    /// The image that it is built on
    #[arg(long, value_name = "IMAGE")]
    base: String,
    /// What it is to be called
    #[arg(long, value_name = "IMAGE")]
    tag: String,
}

impl Image {
    pub async fn run(self, context: Context) -> Result<(), Failure> {
        let image = context.client()?.build_image(&self.name, &self.base, &self.tag).await.map_err(explain)?;
        output::value(context.format, &image, |image| format!("{} is {}", image.tag, image.image))
    }
}
