//! News of a build: a spinner with the newest line on a terminal, plain lines elsewhere.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use tidemill_core::ports::Progress;

use super::note;
use crate::failure::Failure;

/// Lines that are remembered as shown; an error tells fewer.
const REMEMBERED_MAX: usize = 100;

/// Shows lines as they come. Clones show in the same place.
#[derive(Clone)]
pub struct Lines {
    label: Arc<str>,
    spinner: Option<ProgressBar>,
    /// The newest lines that stay to be read. Those of a spinner do not.
    shown: Arc<Mutex<VecDeque<String>>>,
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
        Lines { label: label.into(), spinner, shown: Arc::default() }
    }

    /// One line of news.
    pub fn show(&self, text: &str) {
        let text = text.trim();
        match &self.spinner {
            Some(spinner) => spinner.set_message(text.to_owned()),
            None => {
                note(format!("{}: {text}", self.label));
                let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
                if shown.len() == REMEMBERED_MAX {
                    shown.pop_front();
                }
                shown.push_back(text.to_owned());
            }
        }
    }

    /// A failure without the lines after its first that stand above it already.
    pub fn unshown(&self, mut failure: Failure) -> Failure {
        let shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        let mut lines = failure.message.lines();
        let first = lines.next().unwrap_or_default();
        let new = lines.filter(|line| !shown.iter().any(|known| known == line.trim()));
        failure.message = std::iter::once(first).chain(new).collect::<Vec<_>>().join("\n");
        failure
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
