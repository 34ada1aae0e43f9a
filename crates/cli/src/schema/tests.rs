//! The statements: what they have in common, and the JSON Schema.

use super::*;

mod athena;
mod engines;
mod parts;

const SHIPPED: &str = include_str!("../../../../configure.ini");

fn text_of(config: &str, part: &str, target: Target) -> Result<String> {
    let config = Config::parse(config.as_bytes(), "configure.ini").unwrap();
    let args = SchemaArgs {
        part: (!part.is_empty()).then(|| part.to_owned()),
        target,
        from: "s3://BUCKET/".to_owned(),
        config: PathBuf::new(),
    };
    args.text(&config)
}

fn array(part: &str, target: Target) -> String {
    text_of(SHIPPED, part, target).unwrap()
}

fn ndjson(part: &str, target: Target) -> String {
    text_of(&SHIPPED.replace("[common]", "[common]\nformat = ndjson"), part, target).unwrap()
}

#[test]
fn a_json_schema_takes_the_defaults_beside_the_allowed_values() {
    insta::assert_snapshot!(array("media", Target::JsonSchema), @r##"
    {
      "$schema": "https://json-schema.org/draft/2020-12/schema",
      "items": {
        "additionalProperties": false,
        "properties": {
          "caption": {
            "type": "string"
          },
          "comments_count": {
            "maximum": 9223372036854775807,
            "minimum": -9223372036854775808,
            "type": "integer"
          },
          "like_count": {
            "maximum": 9223372036854775807,
            "minimum": -9223372036854775808,
            "type": "integer"
          },
          "media_id": {
            "pattern": "^[0-9]+$",
            "type": "string"
          },
          "media_product_type": {
            "enum": [
              "AD",
              "FEED",
              "STORY",
              "REELS",
              ""
            ]
          },
          "media_type": {
            "enum": [
              "IMAGE",
              "VIDEO",
              "CAROUSEL_ALBUM",
              ""
            ]
          },
          "media_url": {
            "pattern": "^$|^[hH][tT][tT][pP][sS]?://",
            "type": "string"
          },
          "permalink": {
            "pattern": "^$|^[hH][tT][tT][pP][sS]?://",
            "type": "string"
          },
          "timestamp": {
            "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}[+-][0-9]{4}$",
            "type": "string"
          },
          "user_id": {
            "type": "string"
          }
        },
        "required": [
          "user_id",
          "media_id",
          "timestamp",
          "caption",
          "media_type",
          "media_product_type",
          "media_url",
          "permalink",
          "like_count",
          "comments_count"
        ],
        "type": "object"
      },
      "minItems": 1,
      "title": "A media object",
      "type": "array"
    }
    "##);
}

#[test]
fn every_engine_distinguishes_arrays_and_lines() {
    for target in Target::value_variants() {
        assert_ne!(array("media", *target), ndjson("media", *target), "{target:?}");
    }
}

#[test]
fn without_a_model_all_are_printed() {
    for target in Target::value_variants() {
        let text = array("", *target);
        assert!(Model::ALL.iter().all(|m| text.contains(m.name())), "{target:?}");
    }
}

#[test]
fn no_glob_of_a_model_takes_another_models_objects() {
    let config = Config::parse(SHIPPED.as_bytes(), "x").unwrap();
    let regex = |model| Files::new(&config.locations, model, "s3://BUCKET").regex();
    let day = "[0-9]{4}-[0-9]{2}-[0-9]{2}";
    let time = format!("{day}_[0-9]{{2}}[0-9]{{2}}[0-9]{{2}}");
    assert_eq!(regex(Model::Media), format!("raw/media_{day}/media_{time}.*[.]json"));
    assert_eq!(regex(Model::MediaHashtag), format!("raw/media_hashtag_{day}/media_hashtag_{time}.*[.]json"));
}

#[test]
fn partitions_follow_the_date_format() {
    let athena =
        |ymd: &str| text_of(&SHIPPED.replace("ymd = %Y-%m-%d", &format!("ymd = {ymd}")), "brand", Target::Athena);
    for (ymd, pattern, unit) in [
        ("%Y%m%d", "yyyyMMdd", "DAYS"),
        ("%Y-%m", "yyyy-MM", "MONTHS"),
        ("day%F.%H", "''day''yyyy-MM-dd.HH", "HOURS"),
        ("%y.%j", "yy.DDD", "DAYS"),
    ] {
        let text = athena(ymd).unwrap();
        assert!(text.contains(&format!("'projection.ymd.format' = '{pattern}'")), "{text}");
        assert!(text.contains(&format!("'projection.ymd.interval.unit' = '{unit}'")), "{text}");
    }
    assert!(athena("%b %d %Y").unwrap_err().to_string().contains("[common] ymd"));
}

#[test]
fn folders_that_an_engine_could_not_distinguish_are_refused() {
    let shared = SHIPPED.replace("raw/brand_{ymd}/", "raw/all_{ymd}/").replace("raw/media_{ymd}/", "raw/all_{ymd}/");
    assert!(text_of(&shared, "brand", Target::Athena).unwrap_err().to_string().contains("share the folder"));
    assert!(text_of(&shared, "brand", Target::Duckdb).is_ok(), "it reads by the objects' names");
    let a_run = SHIPPED.replace("raw/brand_{ymd}/", "raw/brand_{datetime}/");
    assert!(
        text_of(&a_run, "brand", Target::Athena).unwrap_err().to_string().contains("each run would be a partition")
    );
}

#[test]
fn without_a_date_in_the_folder_there_are_no_partitions() {
    let flat = SHIPPED.replace("raw/brand_{ymd}/", "raw/brand/");
    let text = text_of(&flat, "brand", Target::Athena).unwrap();
    assert!(
        text.contains("LOCATION 's3://BUCKET/raw/brand/'") && !text.contains("projection") && !text.contains("ymd")
    );
}
