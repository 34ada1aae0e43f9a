//! The objects of a folder, by the locations of a configuration.

use super::*;

const SHIPPED: &str = include_str!("../../../../configure.ini");

/// The object of a key by the shipped locations, changed by `changes`.
fn object(changes: &[(&str, &str)], key: &str) -> Option<(Kind, Model, String, String)> {
    let ini = changes.iter().fold(SHIPPED.to_owned(), |ini, (from, to)| ini.replace(from, to));
    let config = Config::parse(ini.as_bytes(), "configure.ini").unwrap();
    patterns(&config.locations).iter().find_map(|(kind, model, pattern)| {
        let (time, part) = pattern.run_of(key)?;
        Some((*kind, *model, time.format("%FT%T").to_string(), part.to_owned()))
    })
}

#[test]
fn a_key_names_kind_model_time_and_part() {
    use Kind::{Quality, Records};
    use Model::{Brand, Media, MediaHashtag};
    for (key, kind, model, part) in [
        ("raw/brand_2026-11-24/brand_2026-11-24_030507.json", Records, Brand, ""),
        ("raw/media_2026-11-24/media_2026-11-24_030507_shard-1.json", Records, Media, "shard-1"),
        ("raw/media_hashtag_2026-11-24/media_hashtag_2026-11-24_030507.json", Records, MediaHashtag, ""),
        ("quality/media_2026-11-24/media_2026-11-24_030507_2.json", Quality, Media, "2"),
        ("partial/brand_2026-11-24/brand_2026-11-24_030507.json", Records, Brand, ""),
        ("partial/quality/media_2026-11-24/media_2026-11-24_030507_part-0a.json", Quality, Media, "part-0a"),
    ] {
        let expected = (kind, model, "2026-11-24T03:05:07".to_owned(), part.to_owned());
        assert_eq!(object(&[], key), Some(expected), "{key}");
    }
}

#[test]
fn a_key_of_another_location_names_nothing() {
    for key in [
        "",
        "raw/x.json",
        "raw/brand_2026-11-24/brand_2026-11-24_030507",
        "raw/brand_2026-11-24/brand_2026-11-24_030507x.json",
        "raw/brand_2026-11-24/brand_2026-11-24_030507.json.7.part",
        "raw/brand_2026-11-24/brand_2026-13-24_030507.json",
        "raw/brand_2026-11-25/brand_2026-11-24_030507.json",
        "partial/answers/brand_media_2026-11-24/brand_media_2026-11-24_030507.jsonl.gz",
    ] {
        assert_eq!(object(&[], key), None, "{key}");
    }
}

#[test]
fn the_configuration_says_where_objects_are() {
    let location = ("raw/brand_{ymd}/brand_{datetime}.json", "{ymd}/100% houses/{datetime}_v1.ndjson");
    let formats = [("ymd = %Y-%m-%d", "ymd = %j"), ("datetime = %Y-%m-%d_%H%M%S", "datetime = %y%m%dT%H")];
    let key = "328/100% houses/261124T03_v1.ndjson_s-1";
    let found = object(&[location, formats[0], formats[1]], key);
    assert_eq!(found, Some((Kind::Records, Model::Brand, "2026-11-24T03:00:00".to_owned(), "s-1".to_owned())));
    let found =
        object(&[("datetime = %Y-%m-%d_%H%M%S", "datetime = %s")], "raw/brand_2026-11-24/brand_1795489507.json");
    assert_eq!(found.map(|(.., time, _)| time).as_deref(), Some("2026-11-24T03:05:07"));
}

#[tokio::test]
async fn the_objects_of_a_folder_are_listed_and_other_json_files_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let config = Config::parse(SHIPPED.as_bytes(), "configure.ini").unwrap();
    let place = folder.path().to_str().unwrap();
    let nothing = Stored::list(place, &config).await.unwrap();
    assert!(nothing.objects.is_empty() && nothing.others.is_empty());
    let object = "raw/media_2026-11-24/media_2026-11-24_030000.json";
    let storage = Storage::open(place).await.unwrap();
    for key in [object, "raw/media/b.json", "raw/media/b.json.7.part", "other/c.json"] {
        storage.write(key, key.into()).await.unwrap();
    }
    let stored = Stored::list(place, &config).await.unwrap();
    assert_eq!((stored.objects.len(), &*stored.objects[0].key), (1, object));
    assert_eq!(stored.others, ["raw/media/b.json"]);
    assert_eq!(stored.read(object).await.unwrap(), object.as_bytes());
    let error = stored.nothing("here", &config).to_string();
    assert!(error.contains("looked for quality/{model}_{ymd}/") && error.contains("raw/media/b.json has"), "{error}");
}

#[tokio::test]
async fn objects_may_be_at_the_root_of_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    let config = SHIPPED.replace("raw/brand_{ymd}/brand_{datetime}.json", "{datetime}.json");
    let config = Config::parse(config.as_bytes(), "configure.ini").unwrap();
    std::fs::write(folder.path().join("2026-11-24_030000.json"), "[]").unwrap();
    let stored = Stored::list(folder.path().to_str().unwrap(), &config).await.unwrap();
    assert_eq!(stored.objects.iter().map(|object| &*object.key).collect::<Vec<_>>(), ["2026-11-24_030000.json"]);
}
