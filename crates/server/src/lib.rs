//! HTTP: the gateway and the native API.
