//! What functions print, shown at the terminal of `tidemill up` as `tidemill logs -f` would: with the next look at the store.

use std::{io::IsTerminal, time::Duration};

use console::style;
use tidemill_core::ports::{LogFilter, LoggedLine};
use tidemill_engine::Engine;
use tokio::time::sleep;

use crate::output;

/// The pause between two looks.
const INTERVAL: Duration = Duration::from_millis(300);
/// Lines that one look brings; more come with the next.
const LINES_MAX: u32 = 200;

/// Shows lines as they are stored, for ever, if there is a terminal to show them at.
pub async fn show(engine: &Engine) {
    if !std::io::stdout().is_terminal() {
        return;
    }
    let newest = LogFilter { limit: 1, ..LogFilter::default() };
    // A store that cannot be read now is asked again; its trouble is told by those who need it.
    let mut after = loop {
        match engine.store().logs(newest.clone()).await {
            Ok(lines) => break lines.last().map_or(0, |line| line.position),
            Err(_) => sleep(INTERVAL).await,
        }
    };
    loop {
        sleep(INTERVAL).await;
        let filter = LogFilter { after: Some(after), limit: LINES_MAX, ..LogFilter::default() };
        for line in engine.store().logs(filter).await.unwrap_or_default() {
            after = line.position;
            // Nobody reading it is no reason to stop serving.
            let _ = output::line(told(line));
        }
    }
}

/// `function | message field=value`, dimmed.
fn told(line: LoggedLine) -> String {
    let name = line.function.to_string();
    let text = output::said(&line.into());
    let text = text.lines().map(|part| format!("{name} | {part}")).collect::<Vec<_>>().join("\n");
    style(text).dim().to_string()
}
