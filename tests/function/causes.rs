//! Each failure is reported once, with its cause and the next step, and no other cause is named.

use collector::diagnosis::Diagnosis;
use sandbox::Options;
use serde_json::{Value, json};

use support::aws::S3Fault;
use support::harness::{APP_SECRET, Harness, Setting};

/// The messages of a level.
fn messages(harness: &Harness, level: &str) -> Vec<String> {
    harness.logged(level).iter().map(|line| line["message"].as_str().unwrap().to_owned()).collect()
}

/// A secret that names an app.
fn with_app() -> Option<Value> {
    Some(json!({"app_id": "12345", "app_secret": APP_SECRET}))
}

/// The run's only CRITICAL line names the cause, no other line does, and the calls end.
async fn is_the_set_up(harness: &Harness, job: &str, diagnosis: Diagnosis, most_calls: usize) {
    let error = harness.run(job).await.unwrap_err().to_string();
    let row = diagnosis.row();
    let [critical] = &harness.logged("CRITICAL")[..] else { panic!("{:?}", harness.logged("CRITICAL")) };
    assert_eq!((&critical["kind"], &critical["job"]), (&json!("set_up"), &json!(job)));
    let message = critical["message"].as_str().unwrap();
    assert!(message.contains(row.cause) && message.contains(&*row.next), "{message}");
    assert!(
        error.contains(row.cause) && error.contains(&*row.next) && error.contains("\"kind\":\"set_up\""),
        "{error}"
    );
    let (errors, warnings) = (messages(harness, "ERROR"), messages(harness, "WARNING"));
    assert!(errors.len() == 1 && warnings.iter().all(|w| w.starts_with("the event's time")), "{errors:?} {warnings:?}");
    assert!(harness.sandbox.calls().len() <= most_calls && !harness.leaks());
}

#[tokio::test]
async fn an_id_that_is_no_instagram_user_is_named_and_no_topic_is_blamed() {
    let harness = Harness::with_faults(&["*=wrong_ig_user_id"]).await;
    is_the_set_up(&harness, "brand_media", Diagnosis::UserIdWrong, 11).await;
}

#[tokio::test]
async fn a_wrong_app_secret_is_named_and_keeps_the_hashtag_ids() {
    let wrong = |options: &mut Options| options.app_secret = Some("another".to_owned());
    for job in ["brand_media", "hashtag"] {
        let setting = Setting { secret: with_app(), options: Some(wrong), ..Setting::default() };
        is_the_set_up(&Harness::new(setting).await, job, Diagnosis::AppSecretWrong, 11).await;
    }
    let none = Harness::new(Setting { options: Some(wrong), ..Setting::default() }).await;
    is_the_set_up(&none, "brand_media", Diagnosis::ProofMissing, 11).await;

    let harness = Harness::new(Setting { secret: with_app(), ..Setting::default() }).await;
    harness.run("hashtag").await.unwrap();
    let known = harness.function.known_ids().await;
    harness.sandbox.set_faults(vec!["*=wrong_app_secret".parse().unwrap()]);
    let error = harness.run("hashtag").await.unwrap_err().to_string();
    assert!(error.contains(Diagnosis::AppSecretWrong.row().cause) && !error.contains("no longer there"), "{error}");
    assert_eq!(harness.function.known_ids().await, known);
}

#[tokio::test]
async fn the_next_run_reads_the_secret_again_after_a_wrong_key() {
    let right = |options: &mut Options| options.app_secret = Some(APP_SECRET.to_owned());
    let wrong = Some(json!({"app_id": "12345", "app_secret": "wrong"}));
    let harness = Harness::new(Setting { secret: wrong, options: Some(right), ..Setting::default() }).await;
    harness.run("brand_media").await.unwrap_err();
    let secret = support::harness::secret(&harness.config_file(), &with_app().unwrap());
    harness.aws.set_secrets([secret.to_string()]);
    assert_eq!(harness.run("brand_media").await.unwrap().summary.records(), 286);
}

#[tokio::test]
async fn an_app_that_is_refused_is_named_and_the_token_is_not_blamed() {
    let setting = Setting { secret: with_app(), faults: vec!["token=wrong_app"], ..Setting::default() };
    let harness = Harness::new(setting).await;
    is_the_set_up(&harness, "token", Diagnosis::AppRefused, 1).await;
    let log: String = harness.log().iter().map(Value::to_string).collect();
    assert!(!log.contains("long-lived token") && harness.aws.secret_reads() == 1, "{log}");
}

/// The shipped configuration with fields that only the kept responses have.
fn keeping(ini: String) -> String {
    let keys = "answers_location = answers/{job}_{datetime}.jsonl.gz\n\
                answers_media_fields = thumbnail_url children\nanswers_hashtag_fields = children";
    ini.replace("[common]\n", &format!("[common]\n{keys}\n"))
}

#[tokio::test]
async fn a_field_for_the_kept_responses_never_costs_a_record() {
    for fault in ["*=refused_field:children", "*=unknown_field:children"] {
        let harness = Harness::new(Setting { faults: vec![fault], config: Some(keeping), ..Setting::default() }).await;
        for (job, records) in [("brand_media", 286), ("hashtag", 275)] {
            let response = harness.run(job).await.unwrap();
            assert_eq!((response.summary.records(), response.summary.failures.len()), (records, 0), "{fault} {job}");
        }
        let errors = messages(&harness, "ERROR");
        assert!(!errors.is_empty() && errors.iter().all(|e| e.contains("field of the kept responses")), "{errors:?}");
        let before = harness.sandbox.calls().len();
        harness.run("hashtag").await.unwrap();
        assert_eq!(harness.sandbox.calls().len() - before, 11, "{fault}: the process no longer requests it");
    }
    let harness =
        Harness::new(Setting { faults: vec!["*=permission"], config: Some(keeping), ..Setting::default() }).await;
    let error = harness.run("brand_media").await.unwrap_err().to_string();
    assert!(error.contains(Diagnosis::AccountsNotPermitted.row().cause), "{error}");
    harness.sandbox.set_faults(Vec::new());
    harness.run("brand_media").await.unwrap();
    assert!(
        harness.sandbox.calls().last().unwrap().query["fields"].contains("children"),
        "the fields were not the cause"
    );
}

#[tokio::test]
async fn a_mapped_field_that_is_refused_without_its_name_is_a_cause_that_the_api_does_not_tell() {
    let harness = Harness::with_faults(&["*=refused_field:caption"]).await;
    let error = harness.run("brand_media").await.unwrap_err().to_string();
    assert!(error.contains(Diagnosis::UnnamedField.row().cause), "{error}");
}

#[tokio::test]
async fn topics_that_fail_for_one_cause_are_one_line_and_each_cause_is_in_the_response() {
    let faults = ["dior=http:500", "gucci=http:500", "prada=permission"];
    let harness = Harness::with_faults(&faults).await;
    let response = harness.run("brand_media").await.unwrap();
    let lines: Vec<Value> = harness.logged("ERROR");
    let topics: Vec<(Value, Value)> = lines.iter().map(|l| (l["topics"].clone(), l["topic"].clone())).collect();
    assert_eq!(topics, [(json!(["dior", "gucci"]), Value::Null), (Value::Null, json!("prada"))]);
    assert!(lines[0]["message"].as_str().unwrap().starts_with("2 topics failed: HTTP 500"), "{lines:?}");
    let causes = serde_json::to_value(&response.summary.causes).unwrap();
    assert_eq!((&causes[0]["cause"], &causes[1]["cause"]), (&json!("api_fault"), &json!("accounts_not_permitted")));
    for text in [&response.body, harness.log().last().unwrap()["message"].as_str().unwrap()] {
        let fault = format!("3 topics failed. dior, gucci: {}", Diagnosis::ApiFault.sentence());
        let refusal = format!(". prada: {}", Diagnosis::AccountsNotPermitted.sentence());
        assert!(text.contains(&fault) && text.contains(&refusal), "{text}");
    }
}

#[tokio::test]
async fn a_wrong_port_and_a_version_that_is_not_known_are_each_one_line() {
    let port = |ini: String| {
        let address = ini.lines().find_map(|line| line.strip_prefix("end_point = ")).unwrap().to_owned();
        ini.replace(&address, "http://127.0.0.1:9/{VERSION}")
    };
    let version = |ini: String| ini.replace("v26.0", "v99.0");
    for (config, diagnosis, named) in [
        (port as fn(String) -> String, Diagnosis::Refused, "http://127.0.0.1:9"),
        (version, Diagnosis::VersionUnknown, "v99.0"),
    ] {
        let harness = Harness::new(Setting { config: Some(config), ..Setting::default() }).await;
        let error = harness.run("brand_media").await.unwrap_err().to_string();
        let errors = messages(&harness, "ERROR");
        assert!(errors.len() == 1 && errors[0].contains(named), "{errors:?}");
        let sentence = diagnosis.sentence_about(Some(named));
        assert!(error.contains(named) && error.contains(&sentence), "{error}");
    }
}

#[tokio::test]
async fn a_field_that_the_api_does_not_know_is_one_line() {
    let harness = Harness::with_faults(&["*=unknown_field:caption"]).await;
    harness.run("brand_media").await.unwrap();
    let lines: Vec<Value> = harness.log().into_iter().filter(|line| line["field"] == "caption").collect();
    let above: Vec<&Value> = lines.iter().filter(|line| line["level"] != "DEBUG").collect();
    assert!(above.len() == 1 && above[0]["level"] == "ERROR", "{above:?}");
}

#[tokio::test]
async fn an_object_that_is_not_permitted_names_the_permission() {
    let harness = Harness::with_faults(&[]).await;
    harness.aws.fail_s3(S3Fault { part: "raw/media_", status: 403, code: "AccessDenied", times: 9 });
    let error = harness.run("brand_media").await.unwrap_err().to_string();
    assert!(error.contains(&Diagnosis::StoreDenied.sentence()), "{error}");
}

#[tokio::test]
async fn another_version_that_responds_is_one_line_a_process_at_the_level_of_its_state() {
    for (version, level) in [("v17.0", "WARNING"), ("v25.0", "INFO")] {
        let config = match version {
            "v17.0" => |ini: String| ini.replace("v26.0", "v17.0"),
            _ => |ini: String| ini.replace("v26.0", "v25.0"),
        };
        let faults = vec!["*=version:v26.0"];
        let harness = Harness::new(Setting { config: Some(config), faults, ..Setting::default() }).await;
        for _ in 0..2 {
            harness.run("brand_media").await.unwrap();
        }
        let lines: Vec<Value> = harness.log().into_iter().filter(|line| line["kind"] == "version").collect();
        assert_eq!(lines.len(), 1, "{lines:?}");
        let message = lines[0]["message"].as_str().unwrap();
        assert_eq!(lines[0]["level"], level, "{message}");
        assert!(message.starts_with(&format!("version {version} was requested and v26.0 responds")), "{message}");
        assert_eq!(message.contains("ended"), version == "v17.0", "{message}");
    }
}

#[tokio::test]
async fn an_account_whose_id_has_changed_is_a_warning_and_its_records_are_stored_as_received() {
    let other = |options: &mut Options| {
        let gucci = options.accounts.iter_mut().find(|(name, _)| name == "gucci").unwrap();
        gucci.1 = "17840000000000000".to_owned();
    };
    let harness = Harness::new(Setting { options: Some(other), ..Setting::default() }).await;
    assert_eq!(harness.run("brand_media").await.unwrap().summary.records(), 286);
    let warnings: Vec<Value> = harness.logged("WARNING").into_iter().filter(|l| l["kind"] == "identity").collect();
    let message = warnings[0]["message"].as_str().unwrap();
    assert!(warnings.len() == 1 && warnings[0]["topic"] == "gucci", "{warnings:?}");
    assert!(message.contains("the id 17840000000000000, and [add_user_id] lists 17841401591500037"), "{message}");
    for model in ["brand", "media"] {
        assert_eq!(harness.topic_run(model, "gucci")["identity"], "17840000000000000");
        assert_eq!(harness.topic_run(model, "dior").get("identity"), None);
    }
    let ids: Vec<Value> = harness.records("brand").iter().map(|record| record["user_id"].clone()).collect();
    assert!(ids.contains(&json!("17840000000000000")), "{ids:?}");
}

#[tokio::test]
async fn the_last_line_of_a_run_that_failed_has_the_reason_and_the_kind() {
    let harness = Harness::with_faults(&[]).await;
    harness.invoke(json!({"job": "nosuch"})).await.unwrap_err();
    harness.aws.set_secrets(["{}".to_owned()]);
    harness.run("brand_media").await.unwrap_err();
    let last: Vec<Value> = harness.log().into_iter().filter(|line| line["summary"].is_object()).collect();
    for (line, kind, reason) in [(&last[0], "event", "nosuch"), (&last[1], "secret", "ig_user_id is missing")] {
        assert_eq!((&line["kind"], &line["requestId"]), (&json!(kind), &json!("request-1")));
        let message = line["message"].as_str().unwrap();
        assert!(message.starts_with("the run failed: ") && message.contains(reason), "{message}");
    }
}

#[tokio::test]
async fn a_healthy_run_logs_nothing_above_info() {
    let harness = Harness::with_faults(&[]).await;
    for job in ["brand_media", "hashtag", "token"] {
        harness.invoke(json!(job)).await.unwrap();
    }
    let above: Vec<Value> =
        harness.log().into_iter().filter(|l| !matches!(l["level"].as_str(), Some("INFO" | "DEBUG"))).collect();
    assert_eq!(above, Vec::<Value>::new());
    let gaps = harness.logged("INFO");
    assert!(gaps.iter().any(|line| line["field"] == "like_count" && line["count"].is_u64()), "{gaps:?}");
}
