//! In a terminal, AWS credentials and endpoints are found in all the usual places.

use std::convert::Infallible;
use std::time::Duration;

use bytes::Bytes;
use chrono::Utc;
use collector::config::Config;
use http_body_util::Full;
use hyper::Response;
use hyper::service::service_fn;
use sandbox::{Options, Sandbox, Server};
use serde_json::json;

use crate::commands::{folder, local, out};
use support::aws::{Aws, BUCKET, KEY};
use support::harness::{CONFIGURE_INI, TOKEN, api_of};

/// The SHA-1 of `brands`, which is what the AWS CLI names the file of that session's token after.
const SSO_TOKEN: &str = ".aws/sso/cache/87101ba2142d22ad19c991d1411c1c91f90aa90d.json";

#[tokio::test(flavor = "multi_thread")]
async fn a_profile_of_single_sign_on_is_taken() {
    let aws = Aws::start().await;
    let portal = Server::start(
        0,
        service_fn(|_| async {
            let expiration = (Utc::now() + Duration::from_secs(3_600)).timestamp_millis();
            let credentials = json!({"accessKeyId": KEY.0, "secretAccessKey": KEY.1, "expiration": expiration});
            let body = json!({ "roleCredentials": credentials }).to_string();
            Ok::<_, Infallible>(Response::new(Full::new(Bytes::from(body))))
        }),
    )
    .await
    .unwrap();
    let config = Config::parse(CONFIGURE_INI.as_bytes(), "configure.ini").unwrap();
    let sandbox = Sandbox::start(Options::for_config(&config)).await.unwrap();
    aws.set_secrets([json!({"ig_user_id": "17841400000000000", "access_token": TOKEN, "bucket": BUCKET}).to_string()]);

    let folder = folder(&CONFIGURE_INI.replace("https://graph.facebook.com", &sandbox.end_point()));
    let token = folder.path().join(SSO_TOKEN);
    std::fs::create_dir_all(token.parent().unwrap()).unwrap();
    let expires = (Utc::now() + Duration::from_secs(3_600)).format("%Y-%m-%dT%H:%M:%SZ").to_string();
    std::fs::write(token, json!({"accessToken": "placeholder-session", "expiresAt": expires}).to_string()).unwrap();
    std::fs::write(
        folder.path().join(".aws/config"),
        "[default]\nregion = us-west-2\nsso_session = brands\nsso_account_id = 123456789012\nsso_role_name = reader\n\
         [sso-session brands]\nsso_region = us-west-2\nsso_start_url = https://localhost/start\n",
    )
    .unwrap();

    let home = folder.path().to_str().unwrap().to_owned();
    let (portal, end_point) = (format!("http://{}", portal.address()), aws.end_point());
    let checked = tokio::task::spawn_blocking(move || {
        let environment = [
            ("HOME", home.as_str()),
            ("SECRET_ID", "collector"),
            ("AWS_ENDPOINT_URL", end_point.as_str()),
            ("AWS_ENDPOINT_URL_SSO", portal.as_str()),
        ];
        local(folder.path(), &["check"], &environment)
    })
    .await
    .unwrap();
    assert!(checked.status.success(), "{checked:?}");
    assert!(out(&checked).contains("collector in AWS Secrets Manager: bucket lux-raw"), "{}", out(&checked));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_in_the_profile_is_addressed_path_style() {
    let aws = Aws::start().await;
    // For an IP address, the SDK itself uses path style.
    let end_point = aws.end_point().replace("127.0.0.1", "localhost");
    for profile in [
        format!("services = local\n[services local]\ns3 =\n  endpoint_url = {end_point}\n"),
        format!("endpoint_url = {end_point}\n"),
        format!(
            "endpoint_url = http://127.0.0.1:9\nservices = local\n[services local]\ns3 =\n  endpoint_url = {end_point}\n"
        ),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let _api = api_of(folder.path(), BUCKET).await;
        let file = folder.path().join("aws_config");
        let keys = format!("aws_access_key_id = {}\naws_secret_access_key = {}\n", KEY.0, KEY.1);
        std::fs::write(&file, format!("[default]\nregion = us-west-2\n{keys}{profile}")).unwrap();
        let run = tokio::task::spawn_blocking(move || {
            let environment = [("SECRET_FILE", "secret.ini"), ("AWS_CONFIG_FILE", file.to_str().unwrap())];
            local(folder.path(), &["brand_media", "--accounts", "hermes"], &environment)
        });
        let run = run.await.unwrap();
        assert!(run.status.success(), "{profile} {run:?}");
    }
    assert!(aws.objects().iter().any(|(key, _)| key.starts_with("raw/brand_")));
}
