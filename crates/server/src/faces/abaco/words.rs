//! Names that clients choose: of aliases and configs.

use super::{ids, routes::RESERVED};

/// The longest, in bytes.
const BYTES_MAX: usize = 256;
/// Characters that mean something in a path or a query.
const FORBIDDEN: &str = ":/?#[]@!$&'()*+,;=";

/// Checks the name of an alias. The error is the answer to the caller.
pub(crate) fn check_alias(name: &str) -> Result<(), String> {
    if ids::is_id(name) {
        return Err("Invalid alias description. Alias cannot be an Abaco hash id.".to_owned());
    }
    check(name, "\\ \"")
}

/// Checks the name of a config.
pub(crate) fn check_config(name: &str) -> Result<(), String> {
    check(name, " ")
}

fn check(name: &str, also_forbidden: &str) -> Result<(), String> {
    if RESERVED.contains(&name) {
        return Err(format!("{name} is a reserved word. The following reserved words cannot be used: {RESERVED:?}."));
    }
    if name.len() > BYTES_MAX || matches!(name, "." | "..") {
        return Err("The name is too long, or leads elsewhere.".to_owned());
    }
    let is_forbidden =
        |letter: &char| FORBIDDEN.contains(*letter) || also_forbidden.contains(*letter) || letter.is_control();
    match name.chars().find(is_forbidden) {
        None => Ok(()),
        Some(letter) => Err(format!(
            "'{letter}' is a forbidden character. The following characters cannot be used: {FORBIDDEN}{also_forbidden}"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_checked() {
        for good in ["my-alias", "my.alias", "ä", "Alias_2", "a~b"] {
            assert_eq!((check_alias(good), check_config(good)), (Ok(()), Ok(())), "{good}");
        }
        assert_eq!(check_config("a\"b"), Ok(()));
        for bad in [
            "executions",
            "utilization",
            "search",
            "v2",
            "a b",
            "a/b",
            "a:b",
            "a?b",
            "a=b",
            "..",
            "a\nb",
            &"x".repeat(257),
        ] {
            assert!(check_alias(bad).is_err() && check_config(bad).is_err(), "{bad}");
        }
        assert!(check_alias("a\\b").is_err() && check_alias("a\"b").is_err());
        assert!(check_alias(&ids::from_bits(7)).unwrap_err().contains("Abaco hash id"));
        assert!(check_alias("nonces").unwrap_err().contains("nonces is a reserved word."));
        assert!(check_alias("a&b").unwrap_err().contains("'&' is a forbidden character."));
    }
}
