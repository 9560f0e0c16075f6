//! The two spellings of member names: `createTime` and `create_time`. A server has one of them, for requests and answers.

use std::borrow::Cow;

use serde_json::{Map, Value};

/// How members of requests and answers are spelled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Case {
    /// `createTime`; members without a value are left out.
    #[default]
    Camel,
    /// `create_time`; members without a value are `null`.
    Snake,
}

impl Case {
    /// A member's name as this server spells it, from its spelling with underscores. One that begins with an underscore
    /// (`_links`) is the same in both.
    pub(crate) fn name(self, snake: &str) -> Cow<'_, str> {
        if self == Case::Snake || snake.starts_with('_') || !snake.contains('_') {
            return Cow::Borrowed(snake);
        }
        let mut name = String::with_capacity(snake.len());
        let mut raise = false;
        for letter in snake.chars() {
            match letter {
                '_' => raise = true,
                letter if raise => {
                    name.push(letter.to_ascii_uppercase());
                    raise = false;
                }
                letter => name.push(letter),
            }
        }
        Cow::Owned(name)
    }

    /// A name as clients write it, with underscores: names that have some already stay as they are.
    pub(crate) fn snake(self, name: &str) -> String {
        if self == Case::Snake || name.starts_with('_') {
            return name.to_owned();
        }
        let mut snake = String::with_capacity(name.len() + 4);
        for letter in name.chars() {
            if letter.is_ascii_uppercase() {
                snake.push('_');
            }
            snake.push(letter.to_ascii_lowercase());
        }
        snake
    }

    /// An object's own members spelled as this server does; what is inside of them is left alone.
    pub(crate) fn spell(self, document: Map<String, Value>) -> Map<String, Value> {
        match self {
            Case::Snake => document,
            Case::Camel => document.into_iter().map(|(name, value)| (self.name(&name).into_owned(), value)).collect(),
        }
    }

    /// The same, and in camel case without members that are `null`.
    pub(crate) fn show(self, mut document: Map<String, Value>) -> Map<String, Value> {
        if self == Case::Camel {
            document.retain(|_, value| !value.is_null());
        }
        self.spell(document)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn names_go_both_ways() {
        for (snake, camel) in [
            ("id", "id"),
            ("create_time", "createTime"),
            ("use_container_uid", "useContainerUid"),
            ("cron_next_ex", "cronNextEx"),
            ("_links", "_links"),
        ] {
            assert_eq!(Case::Camel.name(snake), camel);
            assert_eq!(Case::Camel.snake(camel), snake);
            assert_eq!((Case::Snake.name(snake), Case::Snake.snake(snake)), (snake.into(), snake.to_owned()));
        }
        assert_eq!(Case::Camel.snake("create_time"), "create_time");
    }

    #[test]
    fn only_the_outermost_members_are_spelled() {
        let document = json!({"cron_on": null, "default_environment": {"a_b": null}, "_links": {"x_y": 1}});
        let Value::Object(document) = document else { unreachable!("it is an object") };
        let camel = Value::Object(Case::Camel.show(document.clone()));
        assert_eq!(camel, json!({"defaultEnvironment": {"a_b": null}, "_links": {"x_y": 1}}));
        assert_eq!(Case::Snake.show(document.clone()), document);
    }
}
