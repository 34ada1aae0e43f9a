//! Errors of the API and their classes.

use serde_json::{Value, json};

use super::*;

fn class(error: Value, status: u16) -> Kind {
    let body = json!({ "error": error }).to_string();
    classify(ApiError::read(body.as_bytes()).as_ref(), status)
}

#[test]
fn every_code_of_the_contract_has_its_class() {
    let rows: [(&[i64], Kind); 5] = [
        (&[1, 2, -1, -2], Kind::Transient),
        (&[4, 17, 32, 341, 613, 80_001, 80_002, 80_014], Kind::Throttled),
        (&[190, 102], Kind::Token),
        (&[3, 10, 200, 250, 299, 368], Kind::Permission),
        (&[24, 110, 803, 100], Kind::NotFound),
    ];
    for (codes, kind) in rows {
        for &code in codes {
            // The code decides, regardless of the flag and the status.
            for (transient, status) in [(false, 400), (true, 400), (true, 500), (false, 429), (false, 200)] {
                assert_eq!(class(json!({"code": code, "is_transient": transient}), status), kind, "{code}");
            }
        }
    }
}

#[test]
fn a_block_for_behaviour_is_not_throttling() {
    assert_eq!(class(json!({"code": 4, "error_subcode": 2_207_051, "is_transient": true}), 403), Kind::Permission);
    assert_eq!(class(json!({"code": 4, "error_subcode": 1_349_210, "is_transient": true}), 403), Kind::Throttled);
}

#[test]
fn an_unknown_code_is_transient_if_it_says_so_or_by_its_status() {
    assert_eq!(class(json!({"code": 4_242, "is_transient": true}), 400), Kind::Transient);
    assert_eq!(class(json!({"code": 4_242}), 400), Kind::Unexpected);
    assert_eq!(class(json!({"code": 4_242}), 200), Kind::Unexpected);
    assert_eq!(class(json!({"code": 18}), 400), Kind::Throttled);
    assert_eq!(class(json!({"code": 2_635}), 400), Kind::VersionEnded);
    assert_eq!(class(json!({"code": 80_015}), 400), Kind::Unexpected);
    assert_eq!(class(json!({"code": 4_242}), 503), Kind::Transient);
    assert_eq!(class(json!({"code": 4_242}), 429), Kind::Throttled);
}

#[test]
fn without_an_error_body_the_status_decides() {
    let kinds = [
        (200, Kind::Transient),
        (204, Kind::Transient),
        (302, Kind::Unexpected),
        (400, Kind::Unexpected),
        (401, Kind::Permission),
        (403, Kind::Permission),
        (404, Kind::NotFound),
        (408, Kind::Transient),
        (429, Kind::Throttled),
        (500, Kind::Transient),
        (503, Kind::Transient),
    ];
    for (status, kind) in kinds {
        assert_eq!(classify(None, status), kind, "{status}");
    }
}

#[test]
fn fields_of_other_types_are_passed_over() {
    let error =
        ApiError::read(br#"{"error":{"code":"190","message":7,"is_transient":"yes","error_subcode":null}}"#).unwrap();
    assert_eq!(error, ApiError { code: Some(190), ..ApiError::default() });
    assert_eq!(ApiError::read(br#"{"error":"invalid_request"}"#), None);
    assert_eq!(ApiError::read(b"oops"), None);
}

#[test]
fn a_code_is_found_whatever_else_the_body_holds() {
    let deep = format!("{}{}", "[".repeat(1_000), "]".repeat(1_000));
    for body in [
        br#"{"error":{"code":4,"code":190,"is_transient":true,"is_transient":false}}"#.to_vec(),
        br#"{"error":{"code":4},"error":{"code":190}}"#.to_vec(),
        br#"{"error":{"error_subcode":463,"subcode":1,"code":190}}"#.to_vec(),
        br#"{"error":{"message":"lone: \ud83d","code":190}}"#.to_vec(),
        b"{\"error\":{\"message\":\"no UTF-8: \xff\",\"code\":190}}".to_vec(),
        format!(r#"{{"error":{{"message":{deep},"x":{deep},"error_subcode":1e999,"code":190}}}}"#).into_bytes(),
    ] {
        let shown = String::from_utf8_lossy(&body).into_owned();
        assert_eq!(ApiError::read(&body).and_then(|e| e.code), Some(190), "{shown}");
    }
}

#[test]
fn the_beginning_of_a_message_is_kept_even_if_it_is_not_unicode() {
    let message =
        |text: &str| ApiError::read(format!(r#"{{"error":{{"message":{text}}}}}"#).as_bytes()).unwrap().message;
    assert_eq!(message(&format!("\"{}\"", "é".repeat(400))), "é".repeat(300));
    assert_eq!(message(r#""(caption) \ud83d""#), r#""(caption) \ud83d""#, "as it is written");
}
