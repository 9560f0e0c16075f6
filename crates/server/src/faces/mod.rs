//! Faces: other systems' APIs, translated onto the same services that the native API uses. A face holds no logic of its own.

pub(crate) mod abaco;
