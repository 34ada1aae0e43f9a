//! Two folders or buckets compared, as a person who moves from one program to another does it.

use std::path::Path;
use std::process::Output;

use serde_json::{Value, json};

use crate::aws::{Aws, BUCKET};
use crate::commands::{local, local_on, out};

/// The other program's objects: named by the moment at which it started, with spaces and escapes in the JSON.
const THERE: [&str; 2] =
    ["raw/brand_2026-01-31/brand_2026-01-31_230014.json", "raw/media_2026-01-31/media_2026-01-31_230014.json"];

/// The collector's, named by the schedule.
const HERE: [&str; 2] =
    ["raw/brand_2026-01-31/brand_2026-01-31_230000.json", "raw/media_2026-01-31/media_2026-01-31_230000.json"];

fn write(folder: &Path, key: &str, text: &str) {
    let path = folder.join(key);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

fn brand() -> Value {
    json!([{"user_id": "17", "user_name": "maison", "name": "Maison é", "followers_count": 120}])
}

fn media() -> Value {
    let of = |id: &str| json!({"user_id": "17", "media_id": id, "timestamp": "2026-01-31T22:00:00+0000", "caption": "", "media_url": "https://a.example/x/1.jpg?s=1", "like_count": 5});
    json!([of("1"), of("2"), of("3")])
}

/// As Python's `json.dumps` writes it.
fn spaced(value: &Value) -> String {
    value.to_string().replace(",\"", ", \"").replace("\":", "\": ").replace('é', "\\u00e9")
}

/// The records of both sides, of which the collector's are changed.
fn compared(change: impl FnOnce(&mut Vec<Value>, &mut Vec<Value>), more: &[&str]) -> Output {
    let folder = tempfile::tempdir().unwrap();
    let (mut of_brand, mut of_media) = (brand().as_array().unwrap().clone(), media().as_array().unwrap().clone());
    change(&mut of_brand, &mut of_media);
    for (key, records) in THERE.into_iter().zip([brand(), media()]) {
        write(&folder.path().join("there"), key, &spaced(&records));
    }
    for (key, records) in HERE.into_iter().zip([of_brand, of_media]) {
        write(&folder.path().join("here"), key, &Value::from(records).to_string());
        let quality = key.replacen("raw/", "quality/", 1);
        write(&folder.path().join("here"), &quality, "{}");
    }
    local(folder.path(), &[&["compare", "there", "here"], more].concat(), &[])
}

#[test]
fn the_same_records_in_another_form_under_another_second_are_no_difference() {
    let same = compared(|_, _| {}, &[]);
    insta::assert_snapshot!(out(&same), @"
    A  there: 2 runs
    B  here: 2 runs
    2 runs are in both
    no difference: the 4 records of both are the same
    ");
    assert_eq!(same.status.code(), Some(0));
}

#[test]
fn what_differs_is_counted_by_kind_with_examples() {
    let differs = compared(
        |brand, media| {
            brand[0]["followers_count"] = json!(131);
            media[0]["timestamp"] = json!("2026-01-31T22:00:00Z");
            media[0]["media_url"] = json!("https://b.example/y/1.jpg?s=2");
            media[0]["like_count"] = json!("5");
            media[1].as_object_mut().unwrap().remove("caption");
            media[1]["like_count"] = json!(4);
            media[2]["media_id"] = json!("4");
            media.push(json!({}));
        },
        &["--examples", "1"],
    );
    insta::assert_snapshot!(out(&differs), @r#"
    A  there: 2 runs
    B  here: 2 runs
    2 runs are in both

     model  difference          field            count  largest  A | B
     brand  value moved         followers_count      1       11  2026-01-31 23:00:14 17: 120 | 131
     media  record in one only                       2           2026-01-31 23:00:14: 3 of 17 in A
     media  record without id                        1           2026-01-31 23:00:14: in B
     media  missing, default    caption              1           2026-01-31 23:00:14 2 of 17: "" | nothing
     media  type                like_count           1           2026-01-31 23:00:14 1 of 17: 5 | "5"
     media  spelling of a time  timestamp            1           2026-01-31 23:00:14 1 of 17: "2026-01-31T22:00:00+0000" | "2026-01-31T22:00:00Z"
     media  address of a file   media_url            1           2026-01-31 23:00:14 1 of 17: "https://a.example/x/1.jpg?s=1" | "https://b.example/y/1.jpg?s=2"
     media  value moved         like_count           1        1  2026-01-31 23:00:14 2 of 17: 5 | 4

    9 differences; 3 records are in both
    "#);
    assert_eq!(differs.status.code(), Some(1));
}

#[test]
fn another_order_of_records_is_told_once_a_run() {
    let turned = compared(|_, media| media.swap(0, 2), &[]);
    let told = out(&turned);
    assert!(told.contains("order of records") && told.contains("1 of 17 | 3 of 17"), "{told}");
    assert!(turned.status.code() == Some(1) && told.contains("1 differences; 4 records"), "{told}");
}

#[test]
fn every_kind_of_difference_stands_in_the_page_for_those_who_move() {
    let page = include_str!("../../docs/migrating.md");
    let code = include_str!("../../src/local/compare/difference.rs");
    let (_, names) = code.split_once("const fn name(self)").unwrap();
    let names: Vec<&str> = names.split("\n    }\n").next().unwrap().split('"').skip(1).step_by(2).collect();
    assert_eq!(names.len(), 14);
    for name in names {
        assert!(page.contains(&format!("`{name}`")), "{name}");
    }
}

#[test]
fn runs_that_lie_further_apart_than_allowed_are_in_one_only() {
    let apart = compared(|_, _| {}, &["--within", "13"]);
    assert_eq!(apart.status.code(), Some(1));
    assert_eq!(out(&apart).matches("2026-01-31 23:00:14: in A").count(), 2, "{}", out(&apart));
    assert_eq!(compared(|_, _| {}, &["--within", "14"]).status.code(), Some(0));
}

#[test]
fn what_cannot_be_compared_is_no_difference_and_has_a_status_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), &format!("there/{}", THERE[0]), "[]");
    write(folder.path(), &format!("broken/{}", THERE[0]), "[{");
    for (arguments, told) in [
        (&["compare", "there", "nowhere"][..], "nothing collected in nowhere"),
        (&["compare", "there", "broken"], "holds no records"),
        (&["compare", "there"], "required arguments"),
        (&["compare", "there", "s3://"], "names no bucket"),
    ] {
        let compared = local(folder.path(), arguments, &[]);
        let error = String::from_utf8_lossy(&compared.stderr).into_owned();
        assert!(compared.status.code() == Some(2) && error.contains(told), "{arguments:?}: {error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prefix_of_a_bucket_is_compared_with_a_folder() {
    let aws = Aws::start().await;
    let folder = tempfile::tempdir().unwrap();
    write(&folder.path().join("there"), THERE[0], &spaced(&brand()));
    aws.put(&format!("new/{}", HERE[0]), &brand().to_string());
    let compared = local_on(&aws, folder.path(), &["compare", "there", &format!("s3://{BUCKET}/new")]).await;
    assert!(compared.status.success() && out(&compared).contains("the 1 records of both are the same"), "{compared:?}");
}

#[test]
fn a_script_gets_a_document() {
    let same = crate::documents::document("compare", &compared(|_, _| {}, &["--json"]));
    assert_eq!((&same["differences"], &same["records_in_both"]), (&json!(0), &json!(4)));
    let differs = compared(|brand, _| brand[0]["followers_count"] = json!(1), &["--json"]);
    let document = crate::documents::document("compare", &differs);
    assert_eq!((differs.status.code(), &document["kinds"][0]["largest"]), (Some(1), &json!(119)));
    let cannot = local(Path::new("."), &["compare", "nowhere", "nowhere", "--json"], &[]);
    crate::documents::document("failure", &cannot);
    assert_eq!(cannot.status.code(), Some(2));
}
