//! Secrets, and the errors of those that cannot be used.

use aws_sdk_secretsmanager::primitives::Blob;
use secrecy::ExposeSecret;

use super::*;

const TOKEN: &str = "not-a-real-one";

fn json(fields: &str) -> Result<Secret, SecretError> {
    from_json("collector/test", &format!("{{{fields}}}"))
}

fn good() -> String {
    format!(r#""ig_user_id":"17841400000000001","access_token":"{TOKEN}","bucket":"lux-raw""#)
}

#[test]
fn a_json_secret_gives_its_keys_and_the_default_configuration() {
    let secret = json(&good()).unwrap();
    assert_eq!((secret.bucket.as_str(), secret.config_file.to_str()), ("lux-raw", Some("configure.ini")));
    assert_eq!(secret.credentials.access_token.expose_secret(), TOKEN);
    assert!(secret.credentials.app.is_none());
}

#[test]
fn a_secret_is_read_with_a_byte_order_mark_and_as_bytes() {
    let text = format!("\u{feff}{{{}}}", good());
    let output = GetSecretValueOutput::builder();
    for response in [output.clone().secret_string(&text), output.clone().secret_binary(Blob::new(text.as_bytes()))] {
        let response = response.build();
        let secret = from_json("collector/test", text_of("collector/test", &response).unwrap()).unwrap();
        assert_eq!(secret.credentials.access_token.expose_secret(), TOKEN);
    }
    let error = text_of("collector/test", &output.secret_binary(Blob::new([0xff])).build()).unwrap_err().to_string();
    assert!(error.contains("collector/test") && error.contains("SecretBinary"), "{error}");
}

/// The secret in a file with this text.
fn file(text: &str) -> Result<Secret, SecretError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("dev_secret.ini");
    std::fs::write(&path, text).unwrap();
    from_file(&path)
}

#[test]
fn a_file_gives_its_secret_section_with_values_as_written() {
    let secret = file(&format!(
        "\u{feff}[SECRET]\nig_user_id = 1\naccess_token = a\\b\"{TOKEN}\nbucket=local_env\nconfig_file = x.ini\n"
    ))
    .unwrap();
    assert_eq!(secret.credentials.access_token.expose_secret(), format!("a\\b\"{TOKEN}"));
    assert_eq!((secret.bucket.as_str(), secret.config_file.to_str()), (LOCAL_BUCKET, Some("x.ini")));
}

#[test]
fn a_file_that_cannot_be_read_is_refused_with_the_place_and_no_value() {
    let keys = format!("[SECRET]\nig_user_id = 1\nbucket = lux-raw\naccess_token = {TOKEN}\n");
    for (text, expected) in [
        (format!("{keys}access_token = {TOKEN}"), "access_token is given twice; keep one"),
        (format!("{keys}[SECRET]\nbucket = {TOKEN}"), "bucket is given twice; keep one"),
        (format!("{keys}{TOKEN}\n"), "is not an INI file (line 5: `[section]`, `key = value` or `# comment` expected)"),
    ] {
        let error = file(&text).unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
        assert!(!format!("{error} {error:?}").contains(TOKEN), "{error:?}");
    }
}

#[test]
fn an_error_names_the_key_and_the_place_and_never_the_value() {
    for (fields, expected) in [
        (
            good().replace("access_token", "token"),
            "access_token is missing; `token` is given: did you mean `access_token`?",
        ),
        (good().replace("access_token", TOKEN), "access_token is missing"),
        (good().replace(TOKEN, "  "), "access_token is empty"),
        (good().replace(TOKEN, &format!("{TOKEN} x")), "access_token has white space"),
        (good().replace("17841400000000001", TOKEN), "ig_user_id is not made of digits"),
        (good().replace("\"lux-raw\"", "{}"), "bucket is missing"),
        (good().replace("\"lux-raw\"", "\"sandbox_env\""), "bucket is the folder of the sandbox"),
        (good().replace("\"lux-raw\"", &format!("\"./{TOKEN}\"")), "bucket is a path; give the name of an S3 bucket"),
        (good().replace(TOKEN, "PUT-THE-TOKEN-HERE"), "access_token is still the placeholder of an example"),
        (good().replace(TOKEN, &format!("\\\"{TOKEN}\\\"")), "access_token is in quotes"),
        (format!(r#"{},"app_id":"1","app_secret":"<{TOKEN}>""#, good()), "app_secret is still the placeholder"),
        (format!(r#"{},"app_id":"1""#, good()), "app_secret is missing"),
        (format!(r#"{},"app_secret":"{TOKEN}""#, good()), "app_id is missing"),
        ("[]".to_owned(), "not a JSON object"),
    ] {
        let error = json(&fields).unwrap_err();
        assert!(error.to_string().contains(expected) && error.to_string().contains("collector/test"), "{error}");
        assert!(!format!("{error} {error:?}").contains(TOKEN), "{error:?}");
    }
}

#[test]
fn a_misspelt_key_that_is_optional_is_a_notice_and_any_other_key_is_ignored() {
    let notices = |more: &str| json(&format!("{},{more}", good())).unwrap().notices;
    assert_eq!(
        notices(r#""webhok":"https://hooks.example/x""#),
        ["the secret in collector/test: nothing reads the key `webhok`; did you mean `webhook`?"]
    );
    assert!(notices(r#""environment":"production""#).is_empty());
    let error = json(&format!(r#"{},"app_id":"1","app_secrt":"{TOKEN}""#, good())).unwrap_err().to_string();
    assert!(
        error.contains("app_secret is missing, and app_id is given; give both or neither; `app_secrt` is given"),
        "{error}"
    );
}

#[test]
fn a_file_without_the_section_is_refused_with_the_one_that_was_meant() {
    let error = |section: &str| file(&format!("{section}\nbucket = lux-raw\n")).unwrap_err().to_string();
    for section in ["[secret]", "[SECRETS]"] {
        assert!(error(section).contains(&format!("no section [SECRET], but {section}; put")), "{}", error(section));
    }
    let json = file(r#"{"ig_user_id": "1"}"#).unwrap_err().to_string();
    assert!(json.contains("no section [SECRET], but JSON, as in AWS Secrets Manager; put"), "{json}");
    assert!(error("[other]").contains("no section [SECRET]; put ig_user_id"), "{}", error("[other]"));
}

#[test]
fn a_webhook_is_an_https_address_or_one_on_this_machine_and_is_never_shown() {
    let with = |url: &str| json(&format!(r#"{},"webhook":"{url}""#, good()));
    for url in ["https://hooks.example/T0/placeholder", "http://127.0.0.1:8080/placeholder", "http://[::1]/x"] {
        let secret = with(url).unwrap();
        assert_eq!(secret.webhook.as_ref().unwrap().expose_secret(), url);
        assert!(!format!("{secret:?}").contains(url));
    }
    for url in ["http://hooks.example/T0/placeholder", "ftp://127.0.0.1/placeholder", "hooks.example/placeholder"] {
        let error = with(url).unwrap_err();
        assert!(error.to_string().contains("webhook is not an https address"), "{error}");
        assert!(!format!("{error} {error:?}").contains("placeholder"), "{error:?}");
    }
    assert!(with("").unwrap().webhook.is_none(), "off");
}

#[test]
fn a_missing_file_is_an_error_that_says_what_goes_into_it() {
    let error = from_file(Path::new("/nowhere/dev_secret.ini")).unwrap_err().to_string();
    assert!(
        error.contains("/nowhere/dev_secret.ini") && error.contains("[SECRET]") && error.contains("access_token"),
        "{error}"
    );
}

#[test]
fn a_secret_prints_nothing_secret() {
    let secret = json(&format!(r#"{},"app_id":"1","app_secret":"{TOKEN}2""#, good())).unwrap();
    assert!(!format!("{secret:?}").contains(TOKEN));
}

#[test]
fn a_secrets_arn_names_its_region_and_a_name_names_none() {
    assert_eq!(region_of("arn:aws:secretsmanager:us-east-1:123456789012:secret:collector-AbCdEf"), Some("us-east-1"));
    for other in ["collector", "arn:", "arn:aws:s3:::bucket", "arn:aws:secretsmanager", "arn:aws:secretsmanager::1:x"] {
        assert_eq!(region_of(other), None, "{other}");
    }
}

#[test]
fn the_proof_is_the_hmac_of_the_token_under_the_apps_secret() {
    // RFC 4231, test case 2.
    let proof = super::proof("Jefe", "what do ya want for nothing?");
    assert_eq!(proof, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

#[test]
fn the_app_is_the_caller_only_if_the_call_says_so() {
    let mut credentials = Credentials { ig_user_id: "1".into(), access_token: "t".into(), app: None };
    assert_eq!(credentials.caller(true), [("access_token", "t".to_owned())]);
    credentials.app = Some(App { id: "7".into(), secret: "s".into() });
    let tokens = [false, true].map(|as_app| credentials.caller(as_app));
    assert_eq!(tokens.each_ref().map(|q| q[0].1.as_str()), ["t", "7|s"]);
    assert_ne!(tokens[0][1].1, tokens[1][1].1, "the proof is of the token used in the call");
}
