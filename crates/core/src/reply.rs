//! Rules that a response must keep.

use crate::{
    headers::{is_token, is_value},
    invocation::Reply,
    limits,
    log::cut_text,
};

/// Checks one response.
///
/// # Errors
///
/// One line for the author of the function: what HTTP cannot say of it, or that it is too large.
pub fn check(reply: Reply) -> Result<Reply, String> {
    if !(100..=599).contains(&reply.status) {
        return Err(format!("the response has the status {}, which is none", reply.status));
    }
    if reply.body.len() as u64 > limits::RESPONSE_BODY_BYTES_MAX {
        return Err(too_large(reply.body.len() as u64));
    }
    if !is_value(&reply.content_type) {
        return Err("the response's content type holds a control character".to_owned());
    }
    let bytes = reply.headers.iter().map(|(name, value)| name.len() + value.len()).sum::<usize>();
    if bytes + reply.content_type.len() > limits::RESPONSE_HEADERS_BYTES_MAX {
        return Err(format!(
            "the response has {bytes} bytes of headers, more than the {} that are allowed",
            limits::RESPONSE_HEADERS_BYTES_MAX
        ));
    }
    match reply.headers.iter().find(|(name, value)| !is_token(name) || !is_value(value)) {
        Some((name, _)) => Err(format!("the response's header {:?} is not valid", cut_text(name, 100))),
        None => Ok(reply),
    }
}

/// Says that a response is larger than allowed.
pub fn too_large(size: u64) -> String {
    format!("the response has {size} bytes, more than the {} that are allowed", limits::RESPONSE_BODY_BYTES_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_http_cannot_say_is_refused() {
        let good = Reply { status: 200, content_type: "text/plain".to_owned(), ..Reply::default() };
        assert!(check(good.clone()).is_ok());
        let header = |name: &str, value: &str| vec![(name.to_owned(), value.to_owned())];
        for bad in [
            Reply { status: 600, ..good.clone() },
            Reply { content_type: "a\nb".to_owned(), ..good.clone() },
            Reply { headers: header("a b", "x"), ..good.clone() },
            Reply { headers: header("a", "x\r\ny"), ..good.clone() },
            Reply { headers: header("a", &"x".repeat(limits::RESPONSE_HEADERS_BYTES_MAX)), ..good.clone() },
        ] {
            assert!(check(bad).is_err());
        }
    }
}
