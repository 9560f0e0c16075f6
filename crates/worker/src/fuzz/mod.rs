//! Doors for the fuzz targets to what in here reads bytes of others, in plain types. Behind the feature `fuzzing`.

mod conversation;
mod frames;
mod output;
mod packages;

pub use conversation::{Conversation, Ends};
pub use frames::{Body, Decoded, Frame, Said, batch_meta, decode, encode, event_meta, read_memory, read_meta};
pub use output::{Piece, lines, log_text, pieces};
#[cfg(feature = "docker")]
pub use packages::leaves_out;
pub use packages::{Store, inline_manifest, sends};
