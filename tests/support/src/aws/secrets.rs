//! The mock of Secrets Manager's protocol.

use http_body_util::BodyExt;
use hyper::Request;
use hyper::body::Incoming;

use super::{DENIED, EXPIRED_SIGNATURE, GARBLED, HANGS, HttpResponse, KEY, SESSION_TOKEN, Shared, VAST, reply};

/// The version of every secret that is read.
const VERSION: &str = "11111111-2222-3333-4444-555555555555";

pub(super) async fn respond(state: &Shared, request: Request<Incoming>) -> HttpResponse {
    let header = |name: &str| request.headers().get(name).map(|v| v.to_str().unwrap()).unwrap_or_default().to_owned();
    let target = header("x-amz-target");
    // AWS4-HMAC-SHA256 Credential=KEY/DATE/REGION/secretsmanager/aws4_request, ...
    let signed = header("authorization");
    assert!(signed.contains(KEY.0), "the request is signed");
    *state.signed_for.lock().unwrap() = signed.split('/').nth(2).unwrap().to_owned();
    let body = request.into_body().collect().await.unwrap().to_bytes();
    let asked: serde_json::Value = serde_json::from_slice(&body).unwrap();
    if target == "secretsmanager.PutSecretValue" {
        return put_secret(state, &asked).await;
    }
    assert_eq!(target, "secretsmanager.GetSecretValue");
    let named = state.named_secrets.lock().unwrap().get(asked["SecretId"].as_str().unwrap()).cloned();
    *state.secret_reads.lock().unwrap() += 1;
    let secret = named.unwrap_or_else(|| {
        let mut secrets = state.secrets.lock().unwrap();
        if secrets.len() > 1 { secrets.remove(0) } else { secrets.first().cloned().unwrap_or_default() }
    });
    if secret == HANGS {
        return std::future::pending().await;
    }
    if secret == VAST {
        return reply(200, "application/x-amz-json-1.1", vec![b' '; 50_000_000]);
    }
    if secret.is_empty() {
        return refused("ResourceNotFoundException", "Secrets Manager can't find the specified secret.");
    }
    if secret == DENIED {
        return denied("");
    }
    if secret == EXPIRED_SIGNATURE {
        let message =
            "Signature expired: 20261127T100000Z is now earlier than 20261127T101000Z (20261127T101500Z - 5 min.)";
        return refused("InvalidSignatureException", message);
    }
    if let Some(garbled) = secret.strip_prefix(GARBLED) {
        return reply(200, "application/x-amz-json-1.1", garbled.to_owned());
    }
    let body = serde_json::json!({"ARN": "arn:aws:secretsmanager:us-west-2:1:secret:collector", "Name": "collector", "VersionId": VERSION, "SecretString": secret});
    reply(200, "application/x-amz-json-1.1", body.to_string())
}

fn denied(quoted: &str) -> HttpResponse {
    refused("AccessDeniedException", &format!("not authorized: {} {SESSION_TOKEN} {quoted}", KEY.1))
}

fn refused(code: &str, message: &str) -> HttpResponse {
    let body = serde_json::json!({"__type": code, "Message": message});
    reply(400, "application/x-amz-json-1.1", body.to_string())
}

/// Makes the put value the secret from here on.
async fn put_secret(state: &Shared, asked: &serde_json::Value) -> HttpResponse {
    let text = |key: &str| asked[key].as_str().unwrap().to_owned();
    let (id, secret) = (text("SecretId"), text("SecretString"));
    let version = text("ClientRequestToken");
    match *state.put_fault.lock().unwrap() {
        // This error repeats everything that it received.
        Some(DENIED) => return denied(&secret),
        Some(_) => {}
        // A version that exists is not put again.
        None if version == VERSION => return reply(200, "application/x-amz-json-1.1", "{}"),
        None => {
            state.puts.lock().unwrap().push(secret.clone());
            match state.named_secrets.lock().unwrap().get_mut(&id) {
                Some(named) => *named = secret,
                None => *state.secrets.lock().unwrap() = vec![secret],
            }
            let body = serde_json::json!({"ARN": "arn:aws:secretsmanager:us-west-2:1:secret:collector", "Name": id, "VersionId": "2", "VersionStages": ["AWSCURRENT"]});
            return reply(200, "application/x-amz-json-1.1", body.to_string());
        }
    }
    std::future::pending().await
}
