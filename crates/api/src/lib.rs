//! Wire types of the API.
