//! The webhook of a secret, against a mock that keeps its messages.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use collector::function::{Function, Invocation};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use sandbox::Server;
use serde_json::{Value, json};

use crate::terminal::{command, stand_in, text};
use support::aws::{S3Fault, STALLS, STORED};
use support::harness::{APP_SECRET, HOOK, Harness, NEW_TOKEN, Setting, TIME, TOKEN};

/// How the mock responds.
#[derive(Debug, Clone, Copy)]
enum Mode {
    Takes,
    Status(u16),
    Hangs,
}

/// A mock of a chat's webhook.
struct Chat {
    server: Server,
    messages: Arc<Mutex<Vec<Value>>>,
}

impl Chat {
    async fn start(mode: Mode) -> Self {
        let messages = Arc::new(Mutex::new(Vec::new()));
        let posts = Arc::clone(&messages);
        let service = service_fn(move |request: Request<Incoming>| {
            let posts = Arc::clone(&posts);
            async move {
                assert_eq!(
                    (request.method().as_str(), request.uri().path()),
                    ("POST", format!("/services/{HOOK}").as_str())
                );
                assert_eq!(request.headers()["content-type"], "application/json");
                let body = request.into_body().collect().await.unwrap().to_bytes();
                posts.lock().unwrap().push(serde_json::from_slice(&body).unwrap());
                if matches!(mode, Mode::Hangs) {
                    std::future::pending::<()>().await;
                }
                let status = if let Mode::Status(status) = mode { status } else { 200 };
                // The body of a webhook's response must not be shown.
                let body = Full::new(Bytes::from(format!("no {HOOK}")));
                Ok::<_, Infallible>(Response::builder().status(status).body(body).unwrap())
            }
        });
        Self { server: Server::start(0, service).await.unwrap(), messages }
    }

    fn url(&self) -> String {
        format!("http://{}/services/{HOOK}", self.server.address())
    }

    /// The texts of the messages, which hold nothing else.
    fn messages(&self) -> Vec<String> {
        let messages = self.messages.lock().unwrap();
        let text = |message: &Value| {
            assert_eq!(message.as_object().unwrap().len(), 1);
            message["text"].as_str().unwrap().to_owned()
        };
        messages.iter().map(text).collect()
    }

    async fn harness(&self, faults: &[&'static str]) -> Harness {
        let secret = Some(json!({ "webhook": self.url() }));
        Harness::new(Setting { faults: faults.to_vec(), secret, ..Setting::default() }).await
    }
}

#[tokio::test]
async fn a_run_that_fails_is_reported_with_what_failed_and_what_to_do() {
    let chat = Chat::start(Mode::Takes).await;
    let harness = chat.harness(&["*=permission"]).await;
    assert!(harness.run("brand_media").await.is_err());
    insta::assert_snapshot!(chat.messages().join("\n---\n"), @"
    brand_media of 2026-01-31T23:59:07Z: 0 records stored, 11 topics failed
    Failed: nothing was collected: 11 of 11 topics failed: (10) HTTP 400, fbtrace_id AsAnDbOx: (#10) Application does not have permission for this action; kind nothing_collected
    Next step: grant instagram_basic, instagram_manage_insights and pages_read_engagement to a token of Facebook Login; read the app's dashboard for its review (docs/troubleshooting.md#missing-permission)
    Log: requestId request-1
    ");
    assert!(!harness.leaks() && harness.logged("WARNING").iter().all(|line| line["kind"] != "webhook"));
}

#[tokio::test]
async fn a_critical_run_is_reported_whatever_it_stored() {
    for (job, fault, expected) in [
        (
            "brand_media",
            "gucci=throttled",
            "CRITICAL: (4) no further call in this run: this app or user has made as many calls",
        ),
        ("brand_media", "fendi=token", "CRITICAL: (190/463) no further call in this run: the access token has expired"),
        ("token", "token=invalid", "CRITICAL: the access token cannot be used"),
    ] {
        let chat = Chat::start(Mode::Takes).await;
        let harness = chat.harness(&[fault]).await;
        assert!(harness.run(job).await.is_ok());
        let messages = chat.messages();
        let critical = harness.logged("CRITICAL").len();
        assert!(critical == 1 && messages.len() == 1 && messages[0].contains(expected), "{messages:?}");
        assert!(!harness.leaks());
    }
}

/// The messages since the last call.
fn new(chat: &Chat) -> Vec<String> {
    let messages = chat.messages();
    chat.messages.lock().unwrap().clear();
    messages
}

fn set_faults(harness: &Harness, faults: &[&str]) {
    harness.sandbox.set_faults(faults.iter().map(|fault| fault.parse().unwrap()).collect());
}

/// A new process, with the secret and the bucket of the harness.
async fn process(harness: &Harness) -> Function {
    Function::new(support::harness::settings(&harness.aws).await)
}

async fn run(function: &Function, job: &str) -> bool {
    let limit = SystemTime::now() + Duration::from_secs(30);
    function.invoke(&json!({"job": job}), &Invocation::new("request-2".to_owned(), limit), &()).await.is_ok()
}

#[tokio::test]
async fn a_dead_hour_is_two_messages_whichever_process_runs() {
    let chat = Chat::start(Mode::Takes).await;
    let harness = chat.harness(&[]).await;
    assert!(harness.run("brand_media").await.is_ok() && harness.run("hashtag").await.is_ok());
    assert_eq!(harness.aws.gets().statuses(), [404, 404], "read once a run, and nothing is written");
    set_faults(&harness, &["*=code:2"]);
    assert!(!run(&process(&harness).await, "brand_media").await);
    for _ in 0..12 {
        assert!(!run(&process(&harness).await, "hashtag").await);
    }
    let messages = new(&chat);
    assert!(messages.len() == 1 && messages[0].starts_with("brand_media of "), "{messages:#?}");
    set_faults(&harness, &[]);
    assert!(harness.run("hashtag").await.is_ok());
    assert_eq!(new(&chat), [""; 0], "brand_media still has the problem, as far as anybody knows");
    assert!(harness.run("hashtag").await.is_ok() && harness.run("brand_media").await.is_ok());
    let messages = new(&chat);
    assert!(
        messages.len() == 1 && messages[0].contains("\nOver (since ") && !messages[0].contains("Next step"),
        "{messages:#?}"
    );
    assert!(harness.run("brand_media").await.is_ok() && new(&chat).is_empty() && !harness.leaks());
}

#[tokio::test]
async fn an_account_that_is_renamed_is_named_once_and_once_more_when_it_is_over() {
    let chat = Chat::start(Mode::Takes).await;
    let harness = chat.harness(&["gucci=not_there"]).await;
    for runs in 0..3 {
        assert!(harness.run("brand_media").await.is_ok() && harness.run("hashtag").await.is_ok());
        let messages = new(&chat);
        assert_eq!(messages.len(), usize::from(runs == 0), "{messages:#?}");
        assert!(runs > 0 || messages[0].contains("\ngucci failed: (110/2207013) HTTP 400"), "{messages:#?}");
    }
    set_faults(&harness, &["gucci=not_there", "dior=not_there"]);
    for _ in 0..2 {
        harness.run("brand_media").await.unwrap();
    }
    let messages = new(&chat);
    assert!(
        messages.len() == 1 && messages[0].contains("\ndior failed") && !messages[0].contains("gucci"),
        "{messages:#?}"
    );
    // A manual repair reports no problem and ends none: the person who starts it reads its response.
    set_faults(&harness, &["ysl=not_there"]);
    harness.invoke(json!({"job": "brand_media", "accounts": ["gucci", "ysl"]})).await.unwrap();
    assert_eq!(new(&chat), [""; 0]);
    set_faults(&harness, &[]);
    harness.run("brand_media").await.unwrap();
    let messages = new(&chat);
    assert!(
        messages.len() == 1 && messages[0].contains("Over (since ") && messages[0].contains("): gucci, dior failed"),
        "{messages:#?}"
    );
}

#[tokio::test]
async fn a_topic_that_may_be_back_with_the_next_run_is_reported_by_the_second_run() {
    let chat = Chat::start(Mode::Takes).await;
    let harness = chat.harness(&["#dior=code:2"]).await;
    for messages in [0, 1, 0] {
        harness.run("hashtag").await.unwrap();
        assert_eq!(new(&chat).len(), messages);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_that_meet_the_same_cause_at_the_same_time_send_one_message() {
    let chat = Chat::start(Mode::Takes).await;
    let secret = json!({"webhook": chat.url()});
    let refusing: fn(&mut sandbox::Options) = |options| options.token = Some(NEW_TOKEN.to_owned());
    let harness = Harness::new(Setting { secret: Some(secret), options: Some(refusing), ..Setting::default() }).await;
    let functions = [process(&harness).await, process(&harness).await, process(&harness).await];
    let [first, second, third] = &functions;
    let ended = tokio::join!(run(first, "brand_media"), run(second, "hashtag"), run(third, "token"));
    assert_eq!(ended, (false, false, true));
    let messages = new(&chat);
    assert_eq!(messages.len(), 1, "{messages:#?}");
    let renewed = json!({"webhook": chat.url(), "access_token": NEW_TOKEN});
    harness.aws.set_secrets([support::harness::secret(&harness.config_file(), &renewed).to_string()]);
    let ended = tokio::join!(run(first, "brand_media"), run(second, "hashtag"), run(third, "token"));
    assert_eq!(ended, (true, true, true));
    let messages = new(&chat);
    assert!(messages.len() == 1 && messages[0].contains("Over (since "), "{messages:#?}");
}

#[tokio::test]
async fn a_store_that_refuses_the_object_leaves_each_process_to_report_once() {
    for part in ["/lux-raw/", "/lux-raw/notices.json"] {
        let chat = Chat::start(Mode::Takes).await;
        let harness = chat.harness(&["*=permission"]).await;
        harness.aws.fail_s3(S3Fault { part, status: 403, code: "AccessDenied", times: 99 });
        for _ in 0..2 {
            let function = process(&harness).await;
            for messages in [1, 0, 0] {
                assert!(!run(&function, "brand_media").await);
                assert_eq!(new(&chat).len(), messages, "{part}");
            }
        }
        let warned = harness.logged("WARNING").into_iter().filter(|line| line["kind"] == "webhook").count();
        assert_eq!(warned, 2, "once a process");
    }
}

#[tokio::test]
async fn a_put_of_the_object_whose_response_is_lost_costs_no_message() {
    let chat = Chat::start(Mode::Takes).await;
    let harness = chat.harness(&["*=permission"]).await;
    harness.aws.fail_s3(S3Fault { part: "PUT /lux-raw/notices.json", status: 500, code: STORED, times: 1 });
    assert!(harness.run("brand_media").await.is_err());
    assert_eq!((new(&chat).len(), harness.aws.s3_faults_left()), (1, 0));
}

#[tokio::test]
async fn what_the_webhook_did_not_take_is_reported_with_the_next_run() {
    let chat = Chat::start(Mode::Status(500)).await;
    let harness = chat.harness(&["*=permission"]).await;
    for _ in 0..2 {
        assert!(!run(&process(&harness).await, "brand_media").await);
        assert_eq!(new(&chat).len(), 1);
    }
    set_faults(&harness, &[]);
    assert!(harness.run("brand_media").await.is_ok() && new(&chat).is_empty(), "no message of it was taken");
}

#[tokio::test]
async fn a_run_that_cannot_read_the_object_forgets_nothing_in_it() {
    let chat = Chat::start(Mode::Takes).await;
    let harness = chat.harness(&["*=permission"]).await;
    assert!(harness.run("brand_media").await.is_err());
    assert_eq!(new(&chat).len(), 1);
    set_faults(&harness, &[]);
    harness.aws.fail_s3(S3Fault { part: "GET /lux-raw/notices.json", status: 500, code: STALLS, times: 1 });
    for _ in 0..2 {
        assert!(harness.run("hashtag").await.is_ok());
    }
    assert!(harness.run("brand_media").await.is_ok());
    let messages = new(&chat);
    assert!(messages.len() == 1 && messages[0].contains("Over (since "), "{messages:#?}");
    assert_eq!(harness.logged("WARNING").iter().filter(|line| line["kind"] == "webhook").count(), 1);
}

#[tokio::test]
async fn runs_without_a_problem_are_not_reported_nor_those_of_a_secret_without_a_webhook() {
    let chat = Chat::start(Mode::Takes).await;
    let harness = chat.harness(&["celine=usage:96"]).await;
    for job in ["brand_media", "hashtag", "token"] {
        assert!(harness.run(job).await.is_ok());
    }
    assert!(harness.logged("CRITICAL").is_empty());
    let without = Harness::with_faults(&["*=permission"]).await;
    assert!(without.run("brand_media").await.is_err());
    assert_eq!(without.aws.gets().statuses(), [0; 0]);
    assert_eq!(chat.messages(), [""; 0]);
}

#[tokio::test]
async fn a_webhook_that_does_not_take_it_costs_a_warning() {
    for (mode, expected) in [
        (Mode::Status(500), ": HTTP 500"),
        (Mode::Status(302), ": HTTP 302"),
        (Mode::Hangs, ": no response within 3000 ms"),
    ] {
        let chat = Chat::start(mode).await;
        let harness = chat.harness(&["gucci=throttled"]).await;
        let response = harness.run("brand_media").await.unwrap();
        assert!(response.summary.records() > 0 && chat.messages().len() == 1, "{mode:?}: posted once, not tried again");
        let warnings: Vec<Value> = harness.logged("WARNING").into_iter().filter(|l| l["kind"] == "webhook").collect();
        assert!(warnings.len() == 1 && warnings[0]["message"].as_str().unwrap().ends_with(expected), "{warnings:?}");
        assert!(harness.log().last().unwrap()["summary"].is_object(), "the summary stays the last line");
        assert!(!harness.leaks());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn processes_that_store_in_a_folder_share_what_was_reported() {
    let chat = Chat::start(Mode::Takes).await;
    let (_sandbox, folder) = stand_in(&["*=permission"]).await;
    let path = folder.path().join("secret.ini");
    let secret = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, format!("{secret}webhook = {}\n", chat.url())).unwrap();
    for messages in [1, 0] {
        let output = command(folder.path(), &["brand_media"]).env("SECRET_FILE", &path).output().unwrap();
        assert_eq!((output.status.code(), new(&chat).len()), (Some(1), messages), "{}", text(&output.stderr));
    }
}

#[tokio::test]
async fn a_webhook_that_is_not_there_is_named_without_its_address() {
    let chat = Chat::start(Mode::Takes).await;
    let harness = chat.harness(&["*=permission"]).await;
    drop(chat);
    assert!(harness.run("brand_media").await.is_err());
    let warnings: Vec<Value> = harness.logged("WARNING").into_iter().filter(|l| l["kind"] == "webhook").collect();
    assert!(warnings.len() == 1 && !harness.leaks(), "{warnings:?}");
}

#[tokio::test]
async fn at_the_end_of_its_time_a_run_waits_for_the_webhook_no_longer_than_it_has() {
    let chat = Chat::start(Mode::Hangs).await;
    let harness = chat.harness(&["*=stall"]).await;
    let event = json!({"job": "brand_media", "time": TIME});
    assert!(harness.invoke_within(event, Duration::from_millis(2_600)).await.is_err());
    let warnings: Vec<Value> = harness.logged("WARNING").into_iter().filter(|l| l["kind"] == "webhook").collect();
    let message = warnings[0]["message"].as_str().unwrap();
    let (_, limit) = message.split_once("no response within ").unwrap();
    assert!(limit.split(' ').next().unwrap().parse::<u64>().unwrap() < 2_000, "{message}");
}

#[tokio::test]
async fn a_run_that_a_person_ended_is_not_reported() {
    let chat = Chat::start(Mode::Takes).await;
    let harness = chat.harness(&["*=stall"]).await;
    let limit = std::time::SystemTime::now() + Duration::from_secs(30);
    let invocation = Invocation::new("request-1".to_owned(), limit);
    invocation.interrupt.cancel();
    harness.function.prepare().await;
    assert!(harness.function.invoke(&json!("brand_media"), &invocation, &()).await.is_err());
    assert_eq!(chat.messages(), [""; 0]);
}

#[tokio::test]
async fn an_event_or_a_configuration_that_cannot_be_used_is_reported_too() {
    let chat = Chat::start(Mode::Takes).await;
    let harness = chat.harness(&[]).await;
    assert!(harness.run("token").await.is_ok());
    assert!(harness.invoke(json!({"job": "<!channel> & co"})).await.is_err());
    std::fs::write(harness.config_file(), "[API]\n").unwrap();
    let other = collector::function::Function::new(support::harness::settings(&harness.aws).await);
    let invocation = Invocation::new("request-2".to_owned(), std::time::SystemTime::now() + Duration::from_secs(30));
    assert!(other.invoke(&json!("brand_media"), &invocation, &()).await.is_err());
    let messages = chat.messages();
    assert_eq!(messages.len(), 2);
    assert!(messages[0].contains("kind event") && messages[0].contains("&lt;!channel&gt; &amp; co"), "{}", messages[0]);
    assert!(messages[1].contains("kind config") && messages[1].contains("Log: requestId request-2"), "{}", messages[1]);
}

#[tokio::test]
async fn a_configuration_in_s3_that_becomes_invalid_is_reported_although_the_run_succeeds() {
    let chat = Chat::start(Mode::Takes).await;
    let secret = Some(json!({"webhook": chat.url(), "config_file": "s3://lux-raw/settings/configure.ini"}));
    let harness = Harness::new(Setting { secret, ..Setting::default() }).await;
    let ini = std::fs::read_to_string(harness.config_file()).unwrap();
    harness.aws.put("settings/configure.ini", &ini);
    assert!(harness.run("token").await.is_ok() && chat.messages().is_empty());
    harness.aws.put("settings/configure.ini", "[API]\n");
    assert!(harness.run("token").await.is_ok());
    let messages = new(&chat);
    assert!(
        messages.len() == 1
            && messages[0].contains("CRITICAL: the last good configuration stays in use: ")
            && messages[0].contains("kind config"),
        "{messages:?}"
    );
    harness.aws.put("settings/configure.ini", &ini);
    assert!(harness.run("token").await.is_ok());
    assert!(new(&chat).concat().contains("\nOver (since "));
}

#[tokio::test]
async fn no_message_holds_a_secret() {
    let chat = Chat::start(Mode::Takes).await;
    let secret = json!({"webhook": chat.url(), "app_id": "17", "app_secret": APP_SECRET});
    let options: fn(&mut sandbox::Options) = |options| options.app_secret = Some(APP_SECRET.to_owned());
    let faults = vec!["*=quotes_token"];
    let harness =
        Harness::new(Setting { faults, secret: Some(secret), options: Some(options), ..Setting::default() }).await;
    assert!(harness.run("brand_media").await.is_err());
    let messages = chat.messages().join("\n");
    assert!(messages.contains("REDACTED"), "{messages}");
    assert!(![TOKEN, NEW_TOKEN, APP_SECRET, HOOK].iter().any(|secret| messages.contains(secret)) && !harness.leaks());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_terminal_reports_it_and_prints_its_address_nowhere() {
    let chat = Chat::start(Mode::Status(500)).await;
    let (_sandbox, folder) = stand_in(&["*=permission"]).await;
    let path = folder.path().join("secret.ini");
    let secret = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, format!("{secret}webhook = {}\n", chat.url())).unwrap();
    let event = json!({"time": TIME}).to_string();
    for arguments in [
        &["brand_media", "--event", &event][..],
        &["brand_media"],
        &["hashtag", "--event", &event, "-vv"],
        &["check", "-vv"],
    ] {
        let output = command(folder.path(), arguments).env("SECRET_FILE", &path).output().unwrap();
        let printed = text(&output.stdout) + &text(&output.stderr);
        assert!(output.status.code() == Some(1) && !printed.contains(HOOK), "{printed}");
        assert!(
            arguments[0] == "check" || printed.contains("the webhook did not take the message of this run: HTTP 500")
        );
    }
    assert_eq!(chat.messages().len(), 3, "each process tries again, and a check is no run");
    support::aws::walk(folder.path(), &mut |file| {
        assert!(file == path || !std::fs::read_to_string(&file).unwrap_or_default().contains(HOOK), "{file:?}");
    });
}
