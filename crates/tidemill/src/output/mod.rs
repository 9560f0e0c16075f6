//! What commands print: data on standard output as a table, JSON or YAML; everything else on standard error.

mod logs;
mod print;
mod progress;
mod reach;
mod show;
mod table;
mod words;
mod yaml;

pub use logs::{log_line, own_log_line, said};
pub use print::{line, message, note, raw};
pub use progress::Lines;
pub use reach::{reached, revision};
pub use show::{Format, value};
pub use table::{Column, Table, pairs};
pub use words::{bytes, counted, duration, exact, local_time, micros, since, status};
