//! Requests that say who makes them: nobody gets in without the key, nothing of a token is told, and nothing of it stays.
//!
//! The first byte says whether the token is signed, for which tenant and in which header it comes.

use std::sync::LazyLock;

use http::{HeaderValue, Request, request::Parts};
use jsonwebtoken::{EncodingKey, crypto};
use tidemill_core::ProjectName;
use tidemill_server::{
    Algorithm, AuthConfig, KeyConfig, Tenant, TenantConfig,
    fuzz::{Gate, nonce, strip},
};

use crate::{
    input::Input,
    target::{Memory, Target},
    text::{self, assert_one_line},
};

pub(super) const TARGET: Target = Target {
    name: "token",
    about: "tokens, nonces and the headers and queries they come in",
    run,
    seeds,
    words: &[
        "Bearer ",
        "eyJhbGciOiJIUzI1NiJ9",
        "{\"alg\":\"HS256\"}",
        "{\"alg\":\"none\"}",
        "{\"alg\":\"RS256\"}",
        "\"exp\":9999999999",
        "\"nbf\":",
        "\"sub\":\"ann\"",
        "\"roles\":[\"admin\"]",
        "\"tenant\":\"dev\"",
        "\"http://wso2.org/claims/enduser\":\"a@b\"",
        "\"iss\":",
        "\"aud\":",
        ".",
        "=",
        "x-nonce=1",
        "x%2Dnonce=1",
        "&",
        "?",
        "%",
    ],
    bytes_max: 2 * 1024,
    memory: Memory { base_bytes: 512 * 1024, per_byte: 400 },
    share: 50,
};

const SECRETS: [&[u8; 40]; 2] =
    [b"the secret of the first tenant, 40 bytes", b"another secret, the one of the second..."];
const PROJECTS: [&str; 2] = ["dev", "old"];
const HEADERS: [&str; 4] = ["x-jwt-assertion-dev", "x-jwt-assertion-old", "assertion", "authorization"];

static GATE: LazyLock<Gate> = LazyLock::new(|| {
    let tenants = PROJECTS.iter().zip(SECRETS).map(|(name, secret)| {
        let project: ProjectName = name.parse().expect("it is a name");
        let mut config = TenantConfig::new(name, project, vec![Algorithm::Hs256], KeyConfig::Secret(secret.to_vec()));
        config.lenient = *name == "old";
        Tenant::new(config).expect("the key is good")
    });
    Gate::new(AuthConfig::Jwt { tenants: tenants.collect() })
});

fn run(input: &[u8]) {
    let mut input = Input::new(input);
    let choices = input.byte();
    let is_signed = choices & 1 != 0;
    let tenant = usize::from(choices >> 1 & 1);
    let header = HEADERS[usize::from(choices >> 2 & 3)];
    let query = input.text();
    let token = if is_signed {
        let head = input.text();
        let said = format!("{}.{}", base64(head.as_bytes()), base64(input.rest()));
        let key = EncodingKey::from_secret(SECRETS[tenant]);
        let Ok(signature) = crypto::sign(said.as_bytes(), &key, jsonwebtoken::Algorithm::HS256) else { return };
        format!("{said}.{signature}")
    } else {
        String::from_utf8_lossy(input.rest()).into_owned()
    };
    let value = if header == "authorization" && is_signed { format!("Bearer {token}") } else { token.clone() };
    let Ok(value) = HeaderValue::from_bytes(value.as_bytes()) else { return };
    let request =
        Request::builder().uri(format!("/path?{query}")).header(header, value).header("x-other", "stays").body(());
    let Ok(request) = request else { return };
    let (mut parts, ()) = request.into_parts();
    match GATE.identify(&parts) {
        Err(why) => {
            assert_one_line(&why);
            assert!(token.len() < 12 || !why.contains(&token), "the token is told: {why}");
        }
        Ok(None) => panic!("a token was overlooked"),
        Ok(Some(principal)) => {
            assert!(is_signed, "let in without a signature: {principal:?}");
            assert_eq!(principal.project.as_str(), PROJECTS[tenant], "let in for another tenant");
            assert!(!principal.user.is_empty() && principal.user.len() <= 256);
            assert!(!principal.user.chars().any(char::is_control));
        }
    }
    stripped(&mut parts);
}

/// After [`strip`] nothing that lets one in is left, and all else is.
fn stripped(parts: &mut Parts) {
    let shown = |parts: &Parts| {
        let query = parts.uri.query().unwrap_or_default().split('&').map(str::to_owned);
        query
            .filter(|pair| !pair.is_empty() && !pair.to_ascii_lowercase().contains("nonce") && !pair.contains('%'))
            .collect::<Vec<_>>()
    };
    let before = shown(parts);
    strip(parts);
    assert_eq!(nonce(parts), None, "a nonce is left in {}", parts.uri);
    assert_eq!(parts.headers.len(), 1);
    assert_eq!(parts.uri.path(), "/path");
    assert_eq!(shown(parts), before, "something else is gone from {}", parts.uri);
}

fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut text = String::new();
    for three in bytes.chunks(3) {
        let bits =
            three.iter().enumerate().fold(0u32, |bits, (place, byte)| bits | u32::from(*byte) << (16 - 8 * place));
        text.extend((0..=three.len()).map(|place| char::from(ALPHABET[(bits >> (18 - 6 * place)) as usize & 63])));
    }
    text
}

fn seeds() -> Vec<(String, Vec<u8>)> {
    let head = "{\"alg\":\"HS256\",\"typ\":\"JWT\"}";
    let head = format!("{}{head}", char::from(head.len() as u8));
    let claims = "{\"sub\":\"ann\",\"exp\":9999999999,\"roles\":[\"admin\"],\"nbf\":5}";
    text::seeds(&[
        &format!("\u{1}\u{9}x-nonce=1{head}{claims}"),
        &format!("\u{7}\u{3}a=b{head}{claims}"),
        &format!("\u{d}\u{13}x%2Dnonce=1&a=b&c=d{head}{claims}"),
        &format!(
            "\u{9}\0{head}{{\"http://wso2.org/claims/enduser\":\"DEV/ann@carbon\",\"tenant\":\"dev\",\"exp\":9999999999,\"http://wso2.org/claims/role\":\"Internal/abaco-user, x\"}}"
        ),
        "\0\u{3}a=b..",
        "\u{c}\u{3}a=bBearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbm4iLCJleHAiOjk5OTk5OTk5OTl9.",
        "\u{4}\0eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhbm4ifQ.AAAA",
    ])
}
