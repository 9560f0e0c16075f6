//! Rules that a response must keep.

use crate::{invocation::Reply, limits, log::cut_text};

impl Reply {
    /// Checks it. The error is one line for the author of the function.
    pub fn checked(self) -> Result<Reply, String> {
        if !(100..=599).contains(&self.status) {
            return Err(format!("the response has the status {}, which is none", self.status));
        }
        if self.body.len() as u64 > limits::RESPONSE_BODY_BYTES_MAX {
            return Err(format!(
                "the response has {} bytes, more than the {} that are allowed",
                self.body.len(),
                limits::RESPONSE_BODY_BYTES_MAX
            ));
        }
        if !is_value(&self.content_type) {
            return Err("the response's content type holds a control character".to_owned());
        }
        match self.headers.iter().find(|(name, value)| !is_token(name) || !is_value(value)) {
            Some((name, _)) => Err(format!("the response's header {:?} is not valid", cut_text(name, 100))),
            None => Ok(self),
        }
    }
}

fn is_token(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}

fn is_value(value: &str) -> bool {
    value.bytes().all(|byte| byte == b'\t' || (byte >= 0x20 && byte != 0x7f))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_http_cannot_say_is_refused() {
        let good = Reply { status: 200, content_type: "text/plain".to_owned(), ..Reply::default() };
        assert!(good.clone().checked().is_ok());
        let header = |name: &str, value: &str| vec![(name.to_owned(), value.to_owned())];
        for bad in [
            Reply { status: 600, ..good.clone() },
            Reply { content_type: "a\nb".to_owned(), ..good.clone() },
            Reply { headers: header("a b", "x"), ..good.clone() },
            Reply { headers: header("a", "x\r\ny"), ..good.clone() },
        ] {
            assert!(bad.checked().is_err());
        }
    }
}
