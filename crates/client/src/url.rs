//! Paths and queries.

use std::fmt::Write;

/// Appends `text` with everything escaped that is not unreserved.
fn escape(text: &str, into: &mut String) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') {
            into.push(char::from(byte));
        } else {
            let _ = write!(into, "%{byte:02X}");
        }
    }
}

/// A path with its query, being put together.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    text: String,
    has_query: bool,
}

impl Target {
    /// A route, whose `{…}` members are replaced by `members` in turn.
    pub(crate) fn new(route: &str, members: &[&str]) -> Target {
        let mut text = String::new();
        let mut rest = route;
        for member in members {
            let (Some(open), Some(close)) = (rest.find('{'), rest.find('}')) else { break };
            text.push_str(&rest[..open]);
            escape(member, &mut text);
            rest = &rest[close + 1..];
        }
        text.push_str(rest);
        Target { text, has_query: false }
    }

    /// With one more parameter.
    pub(crate) fn with(mut self, name: &str, value: impl ToString) -> Target {
        self.text.push(if self.has_query { '&' } else { '?' });
        self.has_query = true;
        escape(name, &mut self.text);
        self.text.push('=');
        escape(&value.to_string(), &mut self.text);
        self
    }

    /// With one more parameter, if there is a value.
    pub(crate) fn with_some(self, name: &str, value: Option<impl ToString>) -> Target {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    /// The text, as in `/v1/functions/hello?project=shop`.
    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_escaped() {
        let target = Target::new("/v1/functions/{name}/logs", &["a/b ä"]).with("after", 3).with_some("x", Some("&="));
        assert_eq!(target.as_str(), "/v1/functions/a%2Fb%20%C3%A4/logs?after=3&x=%26%3D");
        assert_eq!(Target::new("/v1/status", &[]).with_some("x", None::<u32>).as_str(), "/v1/status");
    }
}
