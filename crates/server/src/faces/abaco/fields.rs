//! Named fields of a request, from wherever they come: a JSON body, the query, a form. JSON wins over the query and the
//! query over the form. Fields that nobody asks for are passed over.

use std::borrow::Cow;

use super::{case::Case, python::Json};

/// The fields of a request.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fields {
    /// How their names are spelled.
    pub(crate) case: Case,
    /// Members of a JSON body.
    pub(crate) json: Option<Json>,
    /// Parameters of the query.
    pub(crate) query: Vec<(String, String)>,
    /// Fields of a form.
    pub(crate) form: Vec<(String, String)>,
}

/// A field that cannot be what it says.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{{'{field}': '{reason}'}}")]
pub(crate) struct BadField {
    /// Its name, as this server spells it.
    pub(crate) field: String,
    /// What it should be.
    pub(crate) reason: String,
}

enum Found<'a> {
    Json(&'a Json),
    Texts(Vec<&'a str>),
}

/// The pairs of a query or an urlencoded form.
pub(crate) fn pairs(text: &[u8]) -> Vec<(String, String)> {
    form_urlencoded::parse(text).into_owned().collect()
}

impl Fields {
    fn find(&self, name: &str) -> Option<Found<'_>> {
        if let Some(value) = self.json.as_ref().and_then(|json| json.member(name)).filter(|value| **value != Json::Null)
        {
            return Some(Found::Json(value));
        }
        [&self.query, &self.form].into_iter().find_map(|pairs| {
            let texts: Vec<_> = pairs.iter().filter(|(key, _)| key == name).map(|(_, text)| text.as_str()).collect();
            (!texts.is_empty()).then_some(Found::Texts(texts))
        })
    }

    fn bad(&self, name: &str, reason: impl Into<String>) -> BadField {
        BadField { field: self.case.name(name).into_owned(), reason: reason.into() }
    }

    /// Whether a field is given.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.find(&self.case.name(name)).is_some()
    }

    /// Text. What JSON gives as something else is printed as Python would.
    pub(crate) fn text(&self, name: &str) -> Option<Cow<'_, str>> {
        match self.find(&self.case.name(name))? {
            Found::Json(Json::Text(text)) => Some(Cow::Borrowed(text)),
            Found::Json(value) => Some(Cow::Owned(value.str())),
            Found::Texts(texts) => texts.first().map(|text| Cow::Borrowed(*text)),
        }
    }

    /// Text that must be there and not be empty.
    pub(crate) fn required(&self, name: &str) -> Result<Cow<'_, str>, BadField> {
        let found = self.text(name).filter(|text| !text.is_empty());
        found.ok_or_else(|| self.bad(name, "Missing required parameter."))
    }

    /// A boolean: `true`, `false`, `1` or `0` in any case.
    pub(crate) fn boolean(&self, name: &str) -> Result<Option<bool>, BadField> {
        let bad = || Err(self.bad(name, "it must be true or false"));
        match self.find(&self.case.name(name)) {
            None => Ok(None),
            Some(Found::Json(Json::Bool(is))) => Ok(Some(*is)),
            Some(Found::Json(Json::Text(text))) => truth(text).map_or_else(bad, |is| Ok(Some(is))),
            Some(Found::Json(_)) => bad(),
            Some(Found::Texts(texts)) => truth(texts[0]).map_or_else(bad, |is| Ok(Some(is))),
        }
    }

    /// A whole number.
    pub(crate) fn integer(&self, name: &str) -> Result<Option<i64>, BadField> {
        let bad = || self.bad(name, "it must be a whole number");
        let parse = |text: &str| text.trim().parse::<i64>().map(Some).map_err(|_| bad());
        match self.find(&self.case.name(name)) {
            None => Ok(None),
            Some(Found::Json(Json::Number(number))) => number.as_i64().map(Some).ok_or_else(bad),
            Some(Found::Json(Json::Text(text))) => parse(text),
            Some(Found::Json(_)) => Err(bad()),
            Some(Found::Texts(texts)) => parse(texts[0]),
        }
    }

    /// A list of texts: a list in JSON, or a key given again and again.
    pub(crate) fn list(&self, name: &str) -> Result<Option<Vec<String>>, BadField> {
        let bad = || self.bad(name, "it must be a list of strings");
        match self.find(&self.case.name(name)) {
            None => Ok(None),
            Some(Found::Json(Json::Text(text))) => Ok(Some(vec![text.clone()])),
            Some(Found::Json(Json::List(list))) => {
                let text = |value: &Json| match value {
                    Json::Text(text) => Ok(text.clone()),
                    Json::Null | Json::Bool(_) | Json::Number(_) | Json::List(_) | Json::Object(_) => Err(bad()),
                };
                list.iter().map(text).collect::<Result<Vec<_>, _>>().map(Some)
            }
            Some(Found::Json(_)) => Err(bad()),
            Some(Found::Texts(texts)) => Ok(Some(texts.into_iter().map(str::to_owned).collect())),
        }
    }

    /// An object, which only JSON can give.
    pub(crate) fn object(&self, name: &str) -> Result<Option<Vec<(String, Json)>>, BadField> {
        match self.find(&self.case.name(name)) {
            None => Ok(None),
            Some(Found::Json(Json::Object(members))) => Ok(Some(members.clone())),
            Some(Found::Json(_) | Found::Texts(_)) => {
                Err(self.bad(name, "it must be an object of names and values, which only a JSON body can give"))
            }
        }
    }

    /// Whether a field is given as something that Python takes for true, be it of the right kind or not.
    pub(crate) fn is_truthy(&self, name: &str) -> bool {
        match self.find(&self.case.name(name)) {
            None => false,
            Some(Found::Json(value)) => value.is_truthy(),
            Some(Found::Texts(texts)) => texts.iter().any(|text| !text.is_empty()),
        }
    }

    /// Whether a boolean field may switch something on: false only when it is absent, empty, or says no.
    pub(crate) fn switches_on(&self, name: &str) -> bool {
        self.is_truthy(name) && self.boolean(name) != Ok(Some(false))
    }
}

fn truth(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "1" => Some(true),
        "false" | "0" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(case: Case, json: &str, query: &str, form: &str) -> Fields {
        let json = (!json.is_empty()).then(|| Json::parse(json.as_bytes()).unwrap());
        Fields { case, json, query: pairs(query.as_bytes()), form: pairs(form.as_bytes()) }
    }

    #[test]
    fn json_wins_over_query_over_form() {
        for (json, query, form, is) in [
            (r#"{"max_uses": 1}"#, "max_uses=2", "max_uses=3", Some(1)),
            (r#"{"max_uses": null}"#, "max_uses=2", "max_uses=3", Some(2)),
            ("", "", "max_uses=+3", Some(3)),
            ("", "maxUses=3", "", None),
        ] {
            assert_eq!(fields(Case::Snake, json, query, form).integer("max_uses"), Ok(is), "{json} {query} {form}");
        }
        assert_eq!(fields(Case::Camel, "", "maxUses=3", "").integer("max_uses"), Ok(Some(3)));
    }

    #[test]
    fn booleans() {
        for (text, is) in [
            ("true", Some(true)),
            ("True", Some(true)),
            ("TRUE", Some(true)),
            ("1", Some(true)),
            ("false", Some(false)),
            ("0", Some(false)),
            ("yes", None),
            ("", None),
            ("2", None),
        ] {
            let by_query = fields(Case::Camel, "", &format!("cronOn={text}"), "").boolean("cron_on");
            assert_eq!(by_query.ok().flatten(), is, "{text:?}");
            let by_json = fields(Case::Camel, &format!("{{\"cronOn\": \"{text}\"}}"), "", "").boolean("cron_on");
            assert_eq!(by_json.ok().flatten(), is, "{text:?}");
        }
        let error = fields(Case::Camel, r#"{"cronOn": 1}"#, "", "").boolean("cron_on").unwrap_err();
        assert_eq!(error.to_string(), "{'cronOn': 'it must be true or false'}");
    }

    #[test]
    fn lists_objects_and_texts() {
        let some =
            fields(Case::Snake, r#"{"a": ["x", "y"], "o": {"b": null}, "n": {"z": 1, "a": true}}"#, "q=1&q=2", "");
        assert_eq!(some.list("a").unwrap().unwrap(), ["x", "y"]);
        assert_eq!(some.list("q").unwrap().unwrap(), ["1", "2"]);
        assert_eq!(some.object("o").unwrap().unwrap(), [("b".to_owned(), Json::Null)]);
        assert_eq!(some.text("n").unwrap(), "{'z': 1, 'a': True}");
        assert!(some.object("q").is_err() && some.list("o").is_err() && some.integer("a").is_err());
        assert!(some.required("none").is_err());
    }

    #[test]
    fn what_switches_on() {
        for (json, query, is) in [
            (r#"{"privileged": true}"#, "", true),
            (r#"{"privileged": "yes"}"#, "", true),
            (r#"{"privileged": "false"}"#, "", false),
            (r#"{"privileged": false}"#, "", false),
            ("", "privileged=", false),
            ("", "privileged=0", false),
            ("", "privileged=True", true),
        ] {
            assert_eq!(fields(Case::Camel, json, query, "").switches_on("privileged"), is, "{json} {query}");
        }
    }
}
