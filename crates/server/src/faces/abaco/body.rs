//! Reading the body of a request, and the fields in it.

use axum::extract::{FromRequest, Multipart};
use bytes::Bytes;
use http::{Request, header, request::Parts};

use super::{
    case::Case,
    envelope::Fault,
    fields::{Fields, pairs},
    python::Json,
};

/// Whether a media type is JSON.
pub(crate) fn is_json(content_type: &str) -> bool {
    let essence = essence(content_type);
    essence == "application/json" || essence.ends_with("+json")
}

/// A media type without its parameters, in lower case.
pub(crate) fn essence(content_type: &str) -> String {
    content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// The media type of a request's body; empty when it names none.
pub(crate) fn content_type(parts: &Parts) -> String {
    let value = parts.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    value.unwrap_or_default().to_owned()
}

/// The fields of the query alone.
pub(crate) fn of_query(case: Case, parts: &Parts) -> Fields {
    Fields { case, query: pairs(parts.uri.query().unwrap_or_default().as_bytes()), ..Fields::default() }
}

/// Adds the fields of a body. JSON that is broken, or no object, is refused if `is_strict`, else it brings no fields.
pub(crate) async fn add(
    mut fields: Fields,
    content_type: &str,
    body: &Bytes,
    is_strict: bool,
) -> Result<Fields, Fault> {
    let essence = essence(content_type);
    if is_json(content_type) {
        match Json::parse(body) {
            Ok(json @ Json::Object(_)) => fields.json = Some(json),
            _ if !is_strict || body.iter().all(u8::is_ascii_whitespace) => {}
            Ok(_) => return Err(Fault::bad("The body must be a JSON object.")),
            Err(error) => return Err(Fault::bad(format!("The body is not JSON: {error}"))),
        }
    } else if essence == "application/x-www-form-urlencoded" {
        fields.form = pairs(body);
    } else if essence == "multipart/form-data" {
        fields.form = multipart(content_type, body).await?;
    }
    Ok(fields)
}

async fn multipart(content_type: &str, body: &Bytes) -> Result<Vec<(String, String)>, Fault> {
    let bad = |error: &dyn std::fmt::Display| Fault::bad(format!("The form cannot be read: {error}"));
    let request = Request::builder()
        .header(header::CONTENT_TYPE, content_type)
        .body(axum::body::Body::from(body.clone()))
        .map_err(|error| bad(&error))?;
    // The body has been read within its own limit already.
    let mut request = request;
    axum::extract::DefaultBodyLimit::apply(axum::extract::DefaultBodyLimit::disable(), &mut request);
    let mut form = Multipart::from_request(request, &()).await.map_err(|error| bad(&error.body_text()))?;
    let mut fields = Vec::new();
    while let Some(field) = form.next_field().await.map_err(|error| bad(&error.body_text()))? {
        let name = field.name().unwrap_or_default().to_owned();
        let content = field.bytes().await.map_err(|error| bad(&error.body_text()))?;
        fields.push((name, String::from_utf8_lossy(&content).into_owned()));
    }
    Ok(fields)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn forms_and_json_bring_fields() {
        let multipart = "--b\r\nContent-Disposition: form-data; name=\"image\"\r\n\r\nx\r\n--b--\r\n";
        for (content_type, body) in [
            ("application/x-www-form-urlencoded", "image=x"),
            ("application/x-www-form-urlencoded; charset=utf-8", "a=b&image=x"),
            ("application/json", r#"{"image": "x"}"#),
            ("Application/JSON; charset=utf-8", r#"{"image": "x"}"#),
            ("multipart/form-data; boundary=b", multipart),
        ] {
            let fields = add(Fields::default(), content_type, &Bytes::from(body), true).await.unwrap();
            assert_eq!(fields.text("image").as_deref(), Some("x"), "{content_type}");
        }
        for (content_type, body) in
            [("text/plain", "image=x"), ("", "image=x"), ("application/json", ""), ("application/json", " ")]
        {
            let fields = add(Fields::default(), content_type, &Bytes::from(body), true).await.unwrap();
            assert_eq!(fields.text("image"), None, "{content_type}");
        }
        for (content_type, body) in [
            ("application/json", "{"),
            ("application/json", "[1]"),
            ("application/json", "\"x\""),
            ("multipart/form-data", "x"),
            ("multipart/form-data; boundary=b", "--b\r\nnonsense"),
        ] {
            assert!(
                add(Fields::default(), content_type, &Bytes::from(body), true).await.is_err(),
                "{content_type} {body}"
            );
        }
        assert!(add(Fields::default(), "application/json", &Bytes::from("{"), false).await.is_ok());
    }
}
