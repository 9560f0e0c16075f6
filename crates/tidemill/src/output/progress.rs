//! News of a build: a spinner with the newest line on a terminal, plain lines elsewhere.

use std::{sync::Arc, time::Duration};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use tidemill_core::ports::Progress;

use super::note;

/// Shows lines as they come. Clones show in the same place.
#[derive(Clone)]
pub struct Lines {
    label: Arc<str>,
    spinner: Option<ProgressBar>,
}

impl Lines {
    /// News about `label`, on standard error.
    pub fn new(label: &str) -> Lines {
        let label = label.trim_end_matches(".tar.gz");
        let spinner = console::user_attended_stderr().then(|| {
            let spinner = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
            if let Ok(style) = ProgressStyle::with_template("{spinner:.cyan} {prefix} {wide_msg:.dim}") {
                spinner.set_style(style);
            }
            spinner.set_prefix(label.to_owned());
            spinner.enable_steady_tick(Duration::from_millis(100));
            spinner
        });
        Lines { label: label.into(), spinner }
    }

    /// One line of news.
    pub fn show(&self, text: &str) {
        let text = text.trim();
        match &self.spinner {
            Some(spinner) => spinner.set_message(text.to_owned()),
            None => note(format!("{}: {text}", self.label)),
        }
    }

    /// Takes the spinner away.
    pub fn end(&self) {
        if let Some(spinner) = &self.spinner {
            spinner.finish_and_clear();
        }
    }
}

impl Progress for Lines {
    fn line(&self, text: &str) {
        self.show(text);
    }
}
