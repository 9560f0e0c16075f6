//! Tokens that hold, and all the ways in which they do not.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::Request;
use jsonwebtoken::{EncodingKey, Header, encode, get_current_timestamp};
use serde_json::{Value, json};
use tidemill_core::access::{Role, Roles};

use super::*;

const SECRET: &[u8] = b"an old secret of thirty-two bytes";
const RSA_2048: &str = include_str!("../../tests/keys/rsa2048.pem");
const RSA_2048_PUBLIC: &str = include_str!("../../tests/keys/rsa2048.pub.pem");
const RSA_1024: &str = include_str!("../../tests/keys/rsa1024.pem");
const RSA_1024_PUBLIC: &str = include_str!("../../tests/keys/rsa1024.pub.pem");
const P256: &str = include_str!("../../tests/keys/p256.pem");
const P256_PUBLIC: &str = include_str!("../../tests/keys/p256.pub.pem");
const ED25519: &str = include_str!("../../tests/keys/ed25519.pem");
const ED25519_PUBLIC: &str = include_str!("../../tests/keys/ed25519.pub.pem");

fn config(name: &str, algorithms: &[Algorithm], key: KeyConfig) -> TenantConfig {
    TenantConfig::new(name, name.parse().unwrap(), algorithms.to_vec(), key)
}

fn public(pem: &str) -> KeyConfig {
    KeyConfig::Public(pem.as_bytes().to_vec())
}

fn shared() -> TenantConfig {
    config("shop", &[Algorithm::Hs256], KeyConfig::Secret(SECRET.to_vec()))
}

fn jwt(tenants: Vec<TenantConfig>) -> Authenticator {
    let tenants = tenants.into_iter().map(|config| Tenant::new(config).unwrap()).collect();
    Authenticator::new(AuthConfig::Jwt { tenants })
}

fn claims() -> Value {
    json!({"sub": "ann", "roles": ["user"], "exp": get_current_timestamp() + 600})
}

fn with(changes: Value) -> Value {
    let mut claims = claims();
    for (name, value) in changes.as_object().unwrap() {
        claims[name] = value.clone();
        if value.is_null() {
            claims.as_object_mut().unwrap().remove(name);
        }
    }
    claims
}

fn sign(algorithm: Algorithm, key: &EncodingKey, claims: &Value) -> String {
    encode(&Header::new(algorithm.library()), claims, key).unwrap()
}

fn secretly(claims: &Value) -> String {
    sign(Algorithm::Hs256, &EncodingKey::from_secret(SECRET), claims)
}

fn parts(headers: &[(&str, &str)]) -> Parts {
    let mut request = Request::builder().uri("/v1/status");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(()).unwrap().into_parts().0
}

fn bearer(authenticator: &Authenticator, token: &str) -> Result<Option<Caller>, AuthError> {
    authenticator.identify(&parts(&[("authorization", &format!("Bearer {token}"))]))
}

#[test]
fn each_algorithm_signs_and_verifies() {
    let rsa = EncodingKey::from_rsa_pem(RSA_2048.as_bytes()).unwrap();
    for (algorithm, key, public_key) in [
        (Algorithm::Hs256, EncodingKey::from_secret(SECRET), KeyConfig::Secret(SECRET.to_vec())),
        (Algorithm::Rs256, rsa.clone(), public(RSA_2048_PUBLIC)),
        (Algorithm::Rs384, rsa.clone(), public(RSA_2048_PUBLIC)),
        (Algorithm::Rs512, rsa, public(RSA_2048_PUBLIC)),
        (Algorithm::Es256, EncodingKey::from_ec_pem(P256.as_bytes()).unwrap(), public(P256_PUBLIC)),
        (Algorithm::EdDsa, EncodingKey::from_ed_pem(ED25519.as_bytes()).unwrap(), public(ED25519_PUBLIC)),
    ] {
        let token = sign(algorithm, &key, &claims());
        let is_lenient = [false, true];
        for lenient in is_lenient {
            let authenticator = jwt(vec![TenantConfig { lenient, ..config("shop", &[algorithm], public_key.clone()) }]);
            let caller = bearer(&authenticator, &token).unwrap().unwrap();
            assert_eq!((caller.principal.user.as_str(), caller.tenant.as_str()), ("ann", "shop"), "{algorithm}");
            assert_eq!(caller.principal.roles, Roles::from([Role::User]));
            assert_eq!(caller.principal.project.as_str(), "shop");
            let mut forged = token.clone();
            let at = forged.rfind('.').unwrap() + 5;
            let other = if &forged[at..=at] == "A" { "B" } else { "A" };
            forged.replace_range(at..=at, other);
            assert_eq!(bearer(&authenticator, &forged).unwrap_err(), AuthError::Signature, "{algorithm} {lenient}");
        }
    }
}

#[test]
fn claims_are_checked() {
    let now = get_current_timestamp();
    for (change, reason) in [
        (json!({"exp": now - 600}), AuthError::Expired),
        (json!({"exp": null}), AuthError::Missing("exp")),
        (json!({"nbf": now + 600}), AuthError::NotYet),
        (json!({"iss": "https://evil.example"}), AuthError::Addressee),
        (json!({"aud": ["other", "another"]}), AuthError::Addressee),
        (json!({"tenant": "bank"}), AuthError::Addressee),
        (json!({"sub": null}), AuthError::NoUser),
        (json!({"sub": ""}), AuthError::NoUser),
        (json!({"sub": 7}), AuthError::NoUser),
        (json!({"sub": "ABACO_WORLD"}), AuthError::NoUser),
        (json!({"sub": "a\nb"}), AuthError::NoUser),
        (json!({"sub": "x".repeat(257)}), AuthError::NoUser),
        (json!({"roles": null}), AuthError::NoRole),
        (json!({"roles": ["Admin", "root"]}), AuthError::NoRole),
    ] {
        for lenient in [false, true] {
            let issuer = Some("https://id.example".to_owned());
            let tenant = TenantConfig { issuer, audience: Some("mill".to_owned()), lenient, ..shared() };
            let authenticator = jwt(vec![tenant]);
            let good = with(json!({"iss": "https://id.example", "aud": ["mill", "other"], "tenant": "SHOP"}));
            assert!(bearer(&authenticator, &secretly(&good)).is_ok());
            let mut bad = good;
            for (name, value) in change.as_object().unwrap() {
                bad[name] = value.clone();
                if value.is_null() {
                    bad.as_object_mut().unwrap().remove(name);
                }
            }
            assert_eq!(bearer(&authenticator, &secretly(&bad)).unwrap_err(), reason, "{change} {lenient}");
        }
    }
}

#[test]
fn the_claims_of_abacos_gateway_are_understood() {
    let authenticator = jwt(vec![shared()]);
    for (roles, expected) in [
        ("Internal/everyone, Internal/abaco-admin", Ok(Role::Admin)),
        ("Internal/abaco-privileged,Internal/everyone", Ok(Role::Privileged)),
        ("Internal/abaco-user", Ok(Role::User)),
        ("Internal/abaco-limited", Ok(Role::Limited)),
        ("Internal/everyone", Err(AuthError::NoRole)),
    ] {
        let claims = json!({
            "http://wso2.org/claims/enduser": "jdoe@carbon.super",
            "http://wso2.org/claims/role": roles,
            "exp": get_current_timestamp() + 600,
        });
        let found = authenticator.identify(&parts(&[("X-JWT-Assertion-Shop", &secretly(&claims))]));
        let found = found.map(|caller| caller.unwrap());
        match expected {
            Ok(role) => {
                let caller = found.unwrap();
                assert_eq!((caller.principal.user.as_str(), caller.principal.roles), ("jdoe", Roles::from([role])));
                assert_eq!(caller.jwt_header.as_deref(), Some("X-Jwt-Assertion-Shop"));
            }
            Err(reason) => assert_eq!(found.unwrap_err(), reason),
        }
    }
}

/// A token as an old gateway makes it: padded base64 of the standard alphabet, junk at the end, a time in milliseconds.
fn sloppy(algorithm: &str, claims: &Value) -> String {
    use rsa::{
        pkcs1::DecodeRsaPrivateKey,
        pkcs1v15::SigningKey,
        signature::{SignatureEncoding, Signer},
    };
    let header = STANDARD.encode(json!({"typ": "JWT", "alg": algorithm}).to_string());
    let signed = format!("{header}.{}", STANDARD.encode(claims.to_string()));
    let key = rsa::RsaPrivateKey::from_pkcs1_pem(RSA_1024).unwrap();
    let signature = SigningKey::<rsa::sha2::Sha256>::new(key).sign(signed.as_bytes());
    format!("{signed}.{}[\\r][\\n]", STANDARD.encode(signature.to_bytes()))
}

#[test]
fn sloppy_tokens_pass_only_where_the_tenant_says_so() {
    let tenant = |lenient, weak_keys| TenantConfig {
        lenient,
        weak_keys,
        ..config("DEV-DEVELOP", &[Algorithm::Rs256], public(RSA_1024_PUBLIC))
    };
    assert_eq!(Tenant::new(tenant(true, false)).unwrap_err(), TenantError::WeakKey { bits: 1024, bits_min: 2048 });
    let in_millis = with(json!({"exp": (get_current_timestamp() + 600) * 1000}));
    let past = with(json!({"exp": (get_current_timestamp() - 600) * 1000}));
    let strict = jwt(vec![tenant(false, true)]);
    let lenient = jwt(vec![tenant(true, true)]);
    for name in ["RS256", "SHA256WITHRSA", "SHA256withRSA"] {
        let token = sloppy(name, &in_millis);
        let headers = [("X-Jwt-Assertion-dev-develop", token.as_str())];
        assert_eq!(strict.identify(&parts(&headers)).unwrap_err(), AuthError::Malformed, "{name}");
        let caller = lenient.identify(&parts(&headers)).unwrap().unwrap();
        assert_eq!((caller.principal.user.as_str(), caller.tenant.as_str()), ("ann", "DEV-DEVELOP"));
    }
    let check = |token: &str| lenient.identify(&parts(&[("assertion", token)])).unwrap_err();
    assert_eq!(check(&sloppy("RS256", &past)), AuthError::Expired);
    assert_eq!(check(&sloppy("RS512", &in_millis)), AuthError::Algorithm);
    assert_eq!(check(&sloppy("none", &in_millis)), AuthError::Algorithm);
    let (signed, signature) = (sloppy("RS256", &in_millis), sloppy("RS256", &claims()));
    let (signed, signature) = (signed.rsplit_once('.').unwrap().0, signature.rsplit_once('.').unwrap().1);
    assert_eq!(check(&format!("{signed}.{signature}")), AuthError::Signature);
}

#[test]
fn what_is_no_token_of_the_tenant_is_refused() {
    let rsa = jwt(vec![config("shop", &[Algorithm::Rs256], public(RSA_2048_PUBLIC))]);
    // The public key as a secret: the old confusion of algorithms.
    let confused = sign(Algorithm::Hs256, &EncodingKey::from_secret(RSA_2048_PUBLIC.as_bytes()), &claims());
    assert_eq!(bearer(&rsa, &confused).unwrap_err(), AuthError::Algorithm);
    let other = EncodingKey::from_rsa_pem(RSA_1024.as_bytes()).unwrap();
    assert_eq!(bearer(&rsa, &sign(Algorithm::Rs256, &other, &claims())).unwrap_err(), AuthError::Signature);
    let shared = jwt(vec![shared()]);
    let unsigned = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbm4iLCJyb2xlcyI6WyJhZG1pbiJdLCJleHAiOjk5OTk5OTk5OTl9.";
    for token in ["", "x", "a.b.c", "....", unsigned, &"x".repeat(20_000)] {
        assert!(bearer(&shared, token).is_err(), "{token}");
    }
    let name = |headers: &[(&str, &str)]| shared.identify(&parts(headers));
    assert_eq!(name(&[]), Ok(None));
    assert_eq!(name(&[("authorization", "Basic YTpi")]), Err(AuthError::NoBearer));
    assert_eq!(name(&[("x-jwt-assertion-bank", &secretly(&claims()))]), Err(AuthError::UnknownTenant));
}

#[test]
fn the_tenant_of_a_bearer_is_named_by_issuer_or_claim() {
    let issuer = Some("https://id.example".to_owned());
    let bank = TenantConfig { issuer, ..config("bank", &[Algorithm::Hs256], KeyConfig::Secret(SECRET.to_vec())) };
    let both = jwt(vec![shared(), bank]);
    for (change, tenant) in [
        (json!({"iss": "https://id.example"}), Ok("bank")),
        (json!({"tenant": "Shop"}), Ok("shop")),
        (json!({}), Err(AuthError::UnknownTenant)),
        (json!({"iss": "https://other.example"}), Err(AuthError::UnknownTenant)),
    ] {
        let found = bearer(&both, &secretly(&with(change.clone()))).map(|caller| caller.unwrap().tenant);
        assert_eq!(found.as_deref(), tenant.as_deref(), "{change}");
    }
}

#[test]
fn tenants_with_one_key_are_told_apart_or_refused() {
    let tenant = |name: &str, key: KeyConfig, issuer: Option<&str>, shared_key: bool| {
        let algorithm = if matches!(key, KeyConfig::Public(_)) { Algorithm::Rs256 } else { Algorithm::Hs256 };
        let issuer = issuer.map(str::to_owned);
        Tenant::new(TenantConfig { issuer, shared_key, ..config(name, &[algorithm], key) }).unwrap()
    };
    let secret = || KeyConfig::Secret(SECRET.to_vec());
    let bare: String = RSA_2048_PUBLIC.lines().filter(|line| !line.starts_with('-')).collect();
    for (tenants, is_fine) in [
        ([tenant("a", secret(), None, false), tenant("b", secret(), None, false)], false),
        ([tenant("a", secret(), Some("x"), false), tenant("b", secret(), None, false)], false),
        ([tenant("a", secret(), Some("x"), false), tenant("b", secret(), Some("y"), false)], true),
        ([tenant("a", secret(), None, true), tenant("b", secret(), None, true)], true),
        ([tenant("a", public(RSA_2048_PUBLIC), None, false), tenant("b", public(&bare), None, false)], false),
        ([tenant("a", public(RSA_2048_PUBLIC), None, false), tenant("b", secret(), None, false)], true),
        ([tenant("a", public(RSA_2048_PUBLIC), None, false), tenant("A", secret(), None, false)], false),
    ] {
        assert_eq!(Tenant::check_all(&tenants).is_ok(), is_fine, "{:?}", Tenant::check_all(&tenants));
    }
    // What the check keeps off: a token of one tenant that holds for another.
    let tenants = vec![tenant("a", secret(), Some("x"), false), tenant("b", secret(), Some("y"), false)];
    let both = Authenticator::new(AuthConfig::Jwt { tenants });
    let token = secretly(&with(json!({"iss": "x"})));
    assert!(both.identify(&parts(&[("x-jwt-assertion-a", &token)])).is_ok());
    assert_eq!(both.identify(&parts(&[("x-jwt-assertion-b", &token)])).unwrap_err(), AuthError::Addressee);
}

#[test]
fn tenants_that_do_not_fit_together_are_refused() {
    let secret = || KeyConfig::Secret(SECRET.to_vec());
    for (algorithms, key, says) in [
        (&[][..], secret(), "names none"),
        (&[Algorithm::Rs256, Algorithm::Hs256], public(RSA_2048_PUBLIC), "do not share a key"),
        (&[Algorithm::Hs256], public(RSA_2048_PUBLIC), "needs a secret"),
        (&[Algorithm::Rs256], secret(), "needs a public_key"),
        (&[Algorithm::Rs256], public("nonsense"), "cannot be read"),
        (&[Algorithm::Rs256], public(P256_PUBLIC), "cannot be read"),
        (&[Algorithm::Es256], public(RSA_2048_PUBLIC), "cannot be read"),
        (&[Algorithm::Hs256], KeyConfig::Secret(b"short".to_vec()), "40 bits"),
        (&[Algorithm::Rs256], public(RSA_1024_PUBLIC), "1024 bits"),
    ] {
        let error = Tenant::new(config("shop", algorithms, key)).unwrap_err().to_string();
        assert!(error.contains(says), "{error}");
    }
    let bare: String = RSA_2048_PUBLIC.lines().filter(|line| !line.starts_with('-')).collect();
    assert!(Tenant::new(config("shop", &[Algorithm::Rs256], public(&bare))).is_ok());
    let shown = format!("{:?}", Tenant::new(shared()).unwrap());
    assert!(!shown.contains("thirty") && !shown.contains("97, 110"), "{shown}");
}

#[test]
fn an_open_server_knows_nobody_and_takes_everybody() {
    let open = Authenticator::new(AuthConfig::default());
    for (headers, project) in [(&[][..], "default"), (&[("tenant", "DEV")], "DEV"), (&[("tenant", "a b")], "default")] {
        let caller = open.identify(&parts(headers)).unwrap().unwrap();
        assert!(open.is_open() && caller.principal.is_admin());
        assert_eq!((caller.principal.project.as_str(), caller.principal.user.as_str()), (project, "anonymous"));
    }
}

#[test]
fn functions_do_not_get_to_see_what_lets_one_in() {
    for (target, left, nonce_value) in [
        ("/f/a?x-nonce=shop_1", "/f/a", Some("shop_1")),
        ("/f/a?b=1&x-nonce=shop_1&c=%20", "/f/a?b=1&c=%20", Some("shop_1")),
        ("/f/a?x%2Dnonce=shop_1&x-nonces=2", "/f/a?x-nonces=2", Some("shop_1")),
        ("/f/a?b=1", "/f/a?b=1", None),
    ] {
        let request = Request::builder().uri(target).header("authorization", "Bearer a").header("assertion", "b");
        let request = request.header("x-jwt-assertion-shop", "c").header("x-other", "d");
        let mut parts = request.body(()).unwrap().into_parts().0;
        assert_eq!(nonce(&parts).as_deref(), nonce_value);
        strip(&mut parts);
        assert_eq!(parts.uri.to_string(), left);
        assert_eq!(parts.headers.keys().map(HeaderName::as_str).collect::<Vec<_>>(), ["x-other"]);
    }
    let by_header = Request::builder().uri("/").header("x-nonce", "shop_2").body(()).unwrap().into_parts().0;
    assert_eq!(nonce(&by_header).as_deref(), Some("shop_2"));
}

#[test]
fn tokens_made_for_trying_hold() {
    let issuer = Some("https://id.example".to_owned());
    let mut config = TenantConfig { issuer, audience: Some("mill".to_owned()), ..shared() };
    let roles = Roles::from([Role::Admin, Role::User]);
    let life = std::time::Duration::from_secs(60);
    for user_claims in [vec!["http://wso2.org/claims/enduser".to_owned()], vec!["name".to_owned(), "sub".to_owned()]] {
        config.user_claims = user_claims;
        let token = Tenant::new(config.clone()).unwrap().sign("ann", &roles, life).unwrap();
        let caller = bearer(&jwt(vec![config.clone()]), &token).unwrap().unwrap();
        assert_eq!((caller.principal.user.as_str(), &caller.principal.roles), ("ann", &roles));
    }
    config.roles.retain(|_, role| *role != Role::Limited);
    let limited = Tenant::new(config).unwrap().sign("ann", &Roles::from([Role::Limited]), life);
    assert_eq!(limited, Err(TenantError::NoRoleName(Role::Limited)));
    let rsa = Tenant::new(self::config("shop", &[Algorithm::Rs256], public(RSA_2048_PUBLIC))).unwrap();
    assert_eq!(rsa.sign("ann", &roles, life), Err(TenantError::NoSecret));
}
