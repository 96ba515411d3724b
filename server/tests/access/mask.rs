//! Makes responses comparable: values that change with every request and the repository's name are masked. Lengths,
//! headers and texts are kept.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::header::{CONTENT_SECURITY_POLICY, DATE, SET_COOKIE};
use serde_json::Value;

use crate::common::Answer;

/// A response to a request about `path`, comparable with one about another path of the same length.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct MaskedAnswer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<String>,
    pub(crate) body: String,
}

pub(crate) fn masked(answer: &Answer, path: &str) -> MaskedAnswer {
    let mut changing = Vec::new();
    let policy = answer.header(CONTENT_SECURITY_POLICY);
    changing.extend(policy.split_once("'nonce-").and_then(|(_, rest)| rest.split_once('\'')).map(|(nonce, _)| nonce));
    for header in ["x-request-id", "docker-upload-uuid"] {
        changing.push(answer.header(header));
    }
    let cookie = answer.header(SET_COOKIE);
    changing.extend(cookie.split_once('=').and_then(|(_, rest)| rest.split_once(';')).map(|(value, _)| value));
    let name = path.rsplit('/').next().unwrap_or_default();
    let mask = |text: &str| {
        let text = changing
            .iter()
            .filter(|part| !part.is_empty())
            .fold(text.to_owned(), |text, part| text.replace(part, &"*".repeat(part.len())));
        if name.is_empty() { text } else { text.replace(name, &"?".repeat(name.len())) }
    };
    let headers = answer.headers.iter().filter(|(key, _)| **key != DATE);
    let headers = headers.map(|(key, value)| format!("{key}: {}", mask(value.to_str().unwrap()))).collect();
    MaskedAnswer { status: answer.status.as_u16(), headers, body: mask(&opened(answer)) }
}

/// Returns the body, with signed tokens replaced by their claims and lengths.
fn opened(answer: &Answer) -> String {
    let Ok(Value::Object(mut body)) = serde_json::from_slice(&answer.body) else { return answer.text() };
    if !body.contains_key("access_token") {
        return answer.text();
    }
    for key in ["token", "access_token"] {
        let token = body[key].as_str().unwrap().to_owned();
        body[key] = serde_json::json!({ "claims": claims(&token), "length": token.len() });
    }
    Value::Object(body).to_string()
}

/// Returns the claims of a signed token without its id.
pub(crate) fn claims(token: &str) -> Value {
    let payload = URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap();
    let mut claims: Value = serde_json::from_slice(&payload).unwrap();
    claims.as_object_mut().unwrap().remove("jti");
    claims
}
