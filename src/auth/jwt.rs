//! Reads JSON web tokens. Only [`check`] believes what they say.

use jsonwebtoken::{
    Algorithm, DecodingKey, Validation, dangerous, decode, decode_header,
    jwk::{Jwk, KeyAlgorithm, PublicKeyUse},
};
use serde_json::{Map, Value};

/// Signatures with a provider's private key: neither none, nor a secret that both sides would know.
const TRUSTED: [Algorithm; 9] = [
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::PS256,
    Algorithm::PS384,
    Algorithm::PS512,
    Algorithm::ES256,
    Algorithm::ES384,
    Algorithm::EdDSA,
];
/// Clocks may differ so many seconds.
const LEEWAY: u64 = 30;

/// True for what may be one.
pub fn looks_like(token: &str) -> bool {
    token.starts_with("eyJ") && token.split('.').count() == 3
}

/// What it says, whoever made it: only for a token that its provider has just accepted or handed over.
pub fn read_unchecked(token: &str) -> Option<Map<String, Value>> {
    if !looks_like(token) {
        return None;
    }
    dangerous::insecure_decode_claims(token).ok()
}

/// Which key it was signed with, by its own word: `default` when it says none. `None`: by an algorithm that is not trusted.
pub fn key_id(token: &str) -> Option<String> {
    let header = decode_header(token).ok()?;
    TRUSTED.contains(&header.alg).then(|| header.kid.unwrap_or_else(|| "default".into()))
}

/// Its claims, when this key signed it, it is of this issuer, for one of this audience, and of now.
pub fn check(token: &str, key: &Jwk, issuer: &str, audience: &[String]) -> Option<Map<String, Value>> {
    let algorithm = decode_header(token).ok()?.alg;
    let common = &key.common;
    let of_the_key = common.key_algorithm.is_none_or(|said: KeyAlgorithm| said.to_string() == format!("{algorithm:?}"));
    let signs = common.public_key_use.as_ref().is_none_or(|said| *said == PublicKeyUse::Signature);
    if !TRUSTED.contains(&algorithm) || !of_the_key || !signs {
        return None;
    }
    let mut wanted = Validation::new(algorithm);
    wanted.leeway = LEEWAY;
    wanted.validate_nbf = true;
    wanted.set_issuer(&[issuer]);
    wanted.set_audience(audience);
    wanted.set_required_spec_claims(&["exp", "iss", "aud"]);
    decode(token, &DecodingKey::from_jwk(key).ok()?, &wanted).ok().map(|read| read.claims)
}

#[cfg(test)]
mod tests {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    use jsonwebtoken::{EncodingKey, Header, encode};
    use serde_json::json;

    use super::*;

    const ISSUER: &str = "https://idp.example";

    fn part(value: &Value) -> String {
        URL_SAFE_NO_PAD.encode(value.to_string())
    }

    fn claims() -> Value {
        json!({"iss": ISSUER, "aud": "us", "exp": 4_000_000_000_i64, "email": "a@b.co"})
    }

    fn shared(secret: &str) -> Jwk {
        serde_json::from_value(json!({"kty": "oct", "k": URL_SAFE_NO_PAD.encode(secret)})).unwrap()
    }

    #[test]
    fn tokens_without_signature_are_of_no_algorithm() {
        for alg in ["none", "None", "NONE", ""] {
            let token = format!("{}.{}.", part(&json!({"alg": alg, "kid": "k"})), part(&claims()));
            assert_eq!(key_id(&token), None, "{alg}");
            assert!(check(&token, &shared("x"), ISSUER, &["us".into()]).is_none());
        }
    }

    #[test]
    fn tokens_signed_with_a_shared_secret_are_refused_even_with_the_right_one() {
        let token = encode(&Header::new(Algorithm::HS256), &claims(), &EncodingKey::from_secret(b"secret")).unwrap();
        assert_eq!(key_id(&token), None);
        assert!(check(&token, &shared("secret"), ISSUER, &["us".into()]).is_none());
    }

    #[test]
    fn what_is_no_token_says_nothing() {
        for text in ["", "a.b.c", "eyJ.x.y", "eyJhbGciOiJSUzI1NiJ9..", "0123abc"] {
            assert!(read_unchecked(text).is_none() && key_id(&format!("{text}.")).is_none(), "{text}");
        }
    }

    /// A key pair of these tests.
    const PRIVATE: &str = "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgzyFb4j96O0BYtVQapI/x5QZYlNG5LiSzVbCA0ZobENShRANCAARIHCISltxn\
        PQHe4z/Da6kWX9FqKxbmLGNOYf0MQAS2FkFldO4TUZbH0p0aJo7bRcQ8BTmEcEWZFAEu41OSgYe6";

    fn public(more: &Value) -> Jwk {
        let mut key = json!({
            "kty": "EC",
            "crv": "P-256",
            "x": "SBwiEpbcZz0B3uM_w2upFl_RaisW5ixjTmH9DEAEthY",
            "y": "QWV07hNRlsfSnRomjttFxDwFOYRwRZkUAS7jU5KBh7o",
        });
        key.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        serde_json::from_value(key).unwrap()
    }

    fn signed(claims: &Value) -> String {
        let key = EncodingKey::from_ec_der(&base64::engine::general_purpose::STANDARD.decode(PRIVATE).unwrap());
        encode(&Header::new(Algorithm::ES256), claims, &key).unwrap()
    }

    fn believed(claims: &Value) -> bool {
        check(&signed(claims), &public(&json!({})), ISSUER, &["us".into(), "us-too".into()]).is_some()
    }

    fn with(claim: &str, value: Value) -> Value {
        let mut claims = claims();
        claims[claim] = value;
        claims
    }

    #[test]
    fn issuer_audience_and_times_must_be_said_and_right() {
        assert!(believed(&claims()));
        assert!(believed(&with("aud", json!(["them", "us-too"]))));
        for (claim, value) in [
            ("iss", json!("https://idp.example/")),
            ("aud", json!("them")),
            ("aud", json!([])),
            ("exp", json!(1_000_000_000)),
            ("exp", json!("4000000000")),
            ("nbf", json!(4_000_000_000_i64)),
        ] {
            assert!(!believed(&with(claim, value.clone())), "{claim} {value}");
        }
        for claim in ["iss", "aud", "exp"] {
            let mut without = claims();
            without.as_object_mut().unwrap().remove(claim);
            assert!(!believed(&without), "{claim}");
        }
    }

    #[test]
    fn a_key_signs_only_what_it_is_for() {
        let audience = ["us".to_owned()];
        let token = signed(&claims());
        let tried = |more: Value| check(&token, &public(&more), ISSUER, &audience).is_some();
        assert!(tried(json!({"use": "sig", "alg": "ES256"})));
        assert!(!tried(json!({"use": "enc"})));
        assert!(!tried(json!({"alg": "ES384"})));
        let other = json!({"kty": "RSA", "n": "AQAB", "e": "AQAB"});
        assert!(check(&token, &serde_json::from_value(other).unwrap(), ISSUER, &audience).is_none());
    }
}
