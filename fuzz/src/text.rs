//! What all messages for people have in common.

/// Holds an error message to its form: something in it, and one line of bounded length.
pub(crate) fn assert_one_line(message: &str) {
    assert!(!message.trim().is_empty(), "an error without a word");
    assert!(!message.contains('\n'), "an error of several lines: {message:?}");
    assert!(message.len() <= 2 * 1024, "an error of {} bytes: {:.200}…", message.len(), message);
}

/// The input as text, when it is one.
pub(crate) fn of(input: &[u8]) -> Option<&str> {
    std::str::from_utf8(input).ok()
}

/// Seeds out of texts.
pub(crate) fn seeds(texts: &[&str]) -> Vec<(String, Vec<u8>)> {
    texts.iter().enumerate().map(|(index, text)| (format!("text {index}"), text.as_bytes().to_vec())).collect()
}
