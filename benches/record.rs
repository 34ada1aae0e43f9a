//! Compares the record path of one response, from its bytes to the stored ones, with parsing the same bytes into a
//! `serde_json::Value` that is then dropped.
//!
//! `cargo run --release -p luxury-brands-benches --bin record` measures times. With `-- --instructions` it counts
//! instructions, which other work on the machine does not change. It needs valgrind.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a benchmark, not the program"
)]

use std::hint::black_box;
use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;

use collector::body::ObjectBody;
use collector::config::Config;
use collector::graph::Page;
use collector::record::{Model, Own};
use divan::Bencher;
use divan::counter::BytesCount;
use sandbox::{Options, Sandbox};
use serde_json::Value;

const CONFIGURE_INI: &str = include_str!("../configure.ini");

/// A path of a response.
type Way = fn(&Input);

/// The compared paths, by name.
const PATHS: [(&str, Way); 4] = [("record_path", record_path), ("value", value), ("utf8", utf8), ("nothing", |_| ())];

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["--instructions"] => instructions(),
        ["--repeat", name, times, body] => {
            let input = Input { config: config(), body: std::fs::read(body).unwrap() };
            let (_, path) = PATHS.into_iter().find(|(n, _)| n == name).unwrap();
            (0..times.parse().unwrap()).for_each(|_: u32| path(&input));
        }
        _ => divan::main(),
    }
}

/// A response as the API writes it, and the configuration for its records.
struct Input {
    config: Config,
    body: Vec<u8>,
}

fn config() -> Config {
    Config::parse(CONFIGURE_INI.as_bytes(), "configure.ini").unwrap()
}

impl Input {
    /// The response for one account with its 25 media, from the sandbox at a fixed time.
    fn response() -> &'static Self {
        static ANSWER: OnceLock<Input> = OnceLock::new();
        ANSWER.get_or_init(|| {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            let body = runtime.block_on(Self::body());
            Self { config: config(), body }
        })
    }

    async fn body() -> Vec<u8> {
        let config = config();
        let now = Some("2026-01-31T23:59:07Z".parse().unwrap());
        let sandbox = Sandbox::start(Options { now, ..Options::for_config(&config) }).await.unwrap();
        let asked = |model| config.mapping(model).requested().join(",");
        let (profile, media) = (asked(Model::Brand), asked(Model::Media));
        let fields = format!("business_discovery.username(dior){{{profile},media.limit(25){{{media}}}}}");
        let client = collector::http::client().unwrap();
        let call = client
            .get(&format!("{}/v21.0/1", sandbox.end_point()))
            .query(&[("fields", fields.as_str()), ("access_token", "x")]);
        client.send(call).await.unwrap().bytes().await.unwrap().to_vec()
    }
}

/// The collector's path.
fn record_path(input: &Input) {
    let (profile, media) = (input.config.mapping(Model::Brand), input.config.mapping(Model::Media));
    let page = Page::of_account(std::str::from_utf8(&input.body).unwrap(), 25).unwrap();
    let own = Own { user_id: "17841401694708594", topic: "dior", asked_at: "2026-11-24T03:00:02+0000" };
    let profile = profile.flatten(&page.profile.unwrap(), own, &[]).unwrap();
    let mut body = ObjectBody::with_capacity(input.config.format, 25, input.body.len());
    let posts = page.records;
    posts.iter().for_each(|post| body.add(&media.flatten(post, own, &[]).unwrap()));
    assert_eq!((profile.issues.len(), posts.len()), (0, 25));
    black_box((profile, body.finish()));
}

fn value(input: &Input) {
    black_box(serde_json::from_slice::<Value>(&input.body).unwrap());
}

fn utf8(input: &Input) {
    black_box(std::str::from_utf8(&input.body).unwrap());
}

#[divan::bench(args = ["record_path", "value", "utf8"], sample_count = 1_000)]
fn answer(bencher: Bencher<'_, '_>, name: &str) {
    let input = Input::response();
    let (_, path) = PATHS.into_iter().find(|(n, _)| *n == name).unwrap();
    bencher.counter(BytesCount::new(input.body.len())).bench(|| path(input));
}

/// Counts the instructions of each path under valgrind: those of many runs minus those of no run.
fn instructions() {
    const TIMES: u64 = 200;
    let body = std::env::temp_dir().join(format!("answer-{}.json", std::process::id()));
    std::fs::write(&body, &Input::response().body).unwrap();
    let counted = |name: &str| (collected(name, TIMES, &body) - collected(name, 0, &body)) / TIMES;
    let counts = PATHS.map(|(name, _)| (name, counted(name)));
    std::fs::remove_file(&body).unwrap();
    let of = |name: &str| counts.iter().find(|(n, _)| *n == name).unwrap().1;
    for (name, count) in counts {
        println!("{name:12} {count:>9} instructions, {:.2} × value", count as f64 / of("value") as f64);
    }
}

/// The instructions of a process that runs the path `times` times.
fn collected(name: &str, times: u64, body: &Path) -> u64 {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(std::env::current_exe().unwrap())
        .args(["--repeat", name, &times.to_string()])
        .arg(body)
        .output()
        .expect("valgrind counts the instructions");
    let text = String::from_utf8_lossy(&output.stderr);
    let line = text.lines().find_map(|line| line.split("Collected : ").nth(1)).unwrap_or_else(|| panic!("{text}"));
    line.trim().parse().unwrap()
}
