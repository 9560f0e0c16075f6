//! Workers in containers, by a container engine (Docker).
//!
//! | Module | Purpose |
//! |---|---|
//! | `engine` | the engine as a port, over the Docker Engine API and as a fake |

mod engine;
