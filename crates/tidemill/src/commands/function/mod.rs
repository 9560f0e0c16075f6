//! `tidemill function`.

mod delete;
mod image;
mod list;
mod pause;
mod resume;
mod rollback;
mod scale;
mod show;
mod stop;
mod workers;

use clap::Subcommand;

use crate::{context::Context, failure::Failure};

/// Lists, shows and changes functions.
#[derive(Debug, Subcommand)]
pub enum Function {
    List(list::List),
    Show(show::Show),
    Delete(delete::Delete),
    Pause(pause::Pause),
    Resume(resume::Resume),
    Rollback(rollback::Rollback),
    Workers(workers::Workers),
    Scale(scale::Scale),
    StopWorker(stop::StopWorker),
    Image(image::Image),
}

impl Function {
    pub async fn run(self, context: Context) -> Result<(), Failure> {
        match self {
            Function::List(list) => list.run(context).await,
            Function::Show(show) => show.run(context).await,
            Function::Delete(delete) => delete.run(context).await,
            Function::Pause(pause) => pause.run(context).await,
            Function::Resume(resume) => resume.run(context).await,
            Function::Rollback(rollback) => rollback.run(context).await,
            Function::Workers(workers) => workers.run(context).await,
            Function::Scale(scale) => scale.run(context).await,
            Function::StopWorker(stop) => stop.run(context).await,
            Function::Image(image) => image.run(context).await,
        }
    }
}
