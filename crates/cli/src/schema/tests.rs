//! The statements of each engine, and the JSON Schema.

use super::*;

const SHIPPED: &str = include_str!("../../../../configure.ini");

fn text_of(config: &str, part: &str, target: Target) -> Result<String> {
    let config = Config::parse(config.as_bytes(), "configure.ini").unwrap();
    let args = SchemaArgs {
        part: (!part.is_empty()).then(|| part.to_owned()),
        target,
        from: "s3://BUCKET/".to_owned(),
        config: None,
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
fn a_json_schema_accepts_the_defaults_and_the_allowed_values() {
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
fn without_a_model_all_are_printed() {
    for target in Target::value_variants() {
        let text = array("", *target);
        assert!(Model::ALL.iter().all(|m| text.contains(m.name())), "{target:?}");
    }
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
    let tables: Vec<_> = text.split(";\n").filter(|statement| statement.contains("EXTERNAL TABLE")).collect();
    let partitions = tables.iter().map(|table| table.contains("projection")).collect::<Vec<_>>();
    assert!(tables[0].contains("LOCATION 's3://BUCKET/raw/brand/'") && partitions == [false, true], "{text}");
    // The view has the column all the same, from the time in the key.
    assert!(text.contains("'yyyy-MM-dd') AS \"ymd\"") && text.contains("o.\"ymd\""), "{text}");
}

#[test]
fn views_are_those_that_the_mapping_allows() {
    let views = |config: &str| {
        let text = text_of(config, "views", Target::Duckdb).unwrap();
        let names = text.lines().filter_map(|line| line.strip_prefix("CREATE OR REPLACE VIEW ")?.strip_suffix(" AS"));
        names.map(str::to_owned).collect::<Vec<_>>()
    };
    let all = views(SHIPPED);
    for view in ["topic_runs", "runs", "posts", "followers_daily", "hashtag_posts", "share_of_voice"] {
        assert!(all.iter().any(|name| name == view), "{view} is missing in {all:?}");
    }
    let without = SHIPPED
        .replace("followers_count = followers_count int\n", "")
        .replace("comments_count = comments_count int\n", "");
    let left = views(&without);
    assert!(!left.iter().any(|view| view.contains("followers") || view.contains("engagement")), "{left:?}");
    assert!(left.iter().any(|view| view == "hashtag_posts"), "{left:?}");
}

#[test]
fn only_the_likes_are_hidden_by_an_owner() {
    let videos = SHIPPED.replace("like_count = like_count int", "likes = like_count int\nviews = view_count int");
    let text = text_of(&videos, "views", Target::Duckdb).unwrap();
    assert!(text.contains("AS \"likes_hidden\"") && !text.contains("views_hidden"), "{text}");
}

#[test]
fn views_use_the_names_of_the_mapping() {
    let renamed = SHIPPED.replace("followers_count = followers_count int", "fans = followers_count int");
    let text = text_of(&renamed, "views", Target::Snowflake).unwrap();
    assert!(text.contains("\"FANS\"") && text.contains("= 'fans'") && !text.contains("\"FOLLOWERS_COUNT\""), "{text}");
}

#[test]
fn a_field_with_the_name_of_an_added_column_is_refused() {
    let taken = SHIPPED.replace("name = name str", "source_key = name str");
    let error = text_of(&taken, "brand", Target::Duckdb).unwrap_err().to_string();
    assert!(error.contains("the field source_key") && error.contains("another name"), "{error}");
    assert!(text_of(&taken, "brand", Target::JsonSchema).is_ok());
    for (line, is_ok) in [
        ("asked_at_known = asked_at_known str", false),
        ("asked_at = name timestamp", false),
        ("asked_at = asked_at timestamp", true),
        ("topic = name str", true),
    ] {
        let text = text_of(&SHIPPED.replace("name = name str", line), "brand", Target::Duckdb);
        assert_eq!(text.is_ok(), is_ok, "{line}: {text:?}");
    }
}

#[test]
fn json_schema_has_no_quality_and_no_views() {
    for part in ["quality", "views"] {
        assert!(text_of(SHIPPED, part, Target::JsonSchema).unwrap_err().to_string().contains("brand, media"));
    }
}

#[test]
fn the_time_of_a_run_is_read_as_the_location_spells_it() {
    let time = |datetime: &str, ymd: &str| {
        let config = SHIPPED.replace("datetime = %Y-%m-%d_%H%M%S", datetime).replace("ymd = %Y-%m-%d", ymd);
        text_of(&config, "brand", Target::Athena)
    };
    let ymd = "ymd = %Y-%m-%d";
    for (datetime, ymd, expected) in [
        ("datetime = %Y-%m-%d_%H%M%S", ymd, "'$1-$2-$3T$4:$5:$6+0000'"),
        ("datetime = %H%M", "ymd = %d.%m.%Y", "'$3-$2-$1T$4:$5:00+0000'"),
        ("datetime = %y%m%dT%H", "ymd = %j", "'20$1-$2-$3T$4:00:00+0000'"),
    ] {
        assert!(time(datetime, ymd).unwrap().contains(expected), "{datetime}");
    }
    let error = time("datetime = %s", "ymd = %Y").unwrap_err().to_string();
    assert!(error.contains("[common] datetime") && error.contains("(%s given)"), "{error}");
}

#[test]
fn a_nullable_field_is_a_nullable_column_and_json_is_a_text() {
    let optional = SHIPPED
        .replace("like_count = like_count int", "like_count = like_count int?")
        .replace("permalink = permalink url", "children = children{id} json");
    for (target, columns) in [
        (Target::Duckdb, ["\"like_count\" BIGINT,", "\"children\" VARCHAR NOT NULL,"]),
        (Target::Redshift, ["\"like_count\" BIGINT,", "\"children\" VARCHAR(65535) NOT NULL,"]),
        (Target::Snowflake, ["\"LIKE_COUNT\" NUMBER(38, 0),", "\"CHILDREN\" VARCHAR NOT NULL,"]),
        (Target::Spark, ["`like_count` BIGINT,", "`children` STRING NOT NULL,"]),
    ] {
        let text = text_of(&optional, "media", target).unwrap();
        assert!(columns.iter().all(|column| text.contains(column)), "{text}");
    }
}

#[test]
fn names_and_texts_are_quoted_as_the_engine_quotes_them() {
    let quotes = SHIPPED.replace("name = name str", "it's = name str").replace("raw/brand_", "raw/br'and_");
    for (target, expected) in [
        (Target::Duckdb, "'it''s': 'VARCHAR'"),
        (Target::Duckdb, "'s3://BUCKET/raw/br''and_"),
        (Target::Snowflake, "'\\\\1-\\\\2-\\\\3T\\\\4:\\\\5:\\\\6+0000'"),
        // It is within the text of a statement.
        (Target::Spark, r"path \'s3://BUCKET/{raw/br\\\'and_"),
        (Target::Spark, "`it's` STRING"),
    ] {
        let text = text_of(&quotes, "brand", target).unwrap();
        assert!(text.contains(expected), "{text}");
    }
}

#[test]
fn lines_are_read_without_taking_an_array_apart() {
    for (target, array_only, lines_only) in [
        (Target::Athena, "UNNEST", "JsonSerDe"),
        (Target::Redshift, "'strip.outer.array' = 'true'", ""),
        (Target::Snowflake, "STRIP_OUTER_ARRAY = TRUE", "STRIP_OUTER_ARRAY = FALSE"),
        (Target::Duckdb, "format = 'array'", "format = 'newline_delimited'"),
        (Target::Spark, r"multiLine \'true\'", r"multiLine \'false\'"),
    ] {
        let (array, lines) = (array("brand", target), ndjson("brand", target));
        assert!(array.contains(array_only) && lines.contains(lines_only), "{target:?}");
        assert!(!lines.contains(array_only), "{target:?}");
    }
}

#[test]
fn athena_takes_an_array_apart_in_a_view() {
    insta::assert_snapshot!(array("media_hashtag", Target::Athena), @r#"
    -- Only parsed: there is no Athena for tests. Spark has read the objects through its external tables.

    -- Athena's JSON readers need one object per line; with [common] format = array, an object in S3
    -- is one line. So the table reads lines as text, and the view splits the array.
    CREATE EXTERNAL TABLE IF NOT EXISTS `media_hashtag_objects` (
        `line` string
    )
    PARTITIONED BY (`ymd` string)
    ROW FORMAT DELIMITED FIELDS TERMINATED BY '\001' LINES TERMINATED BY '\n'
    STORED AS TEXTFILE
    LOCATION 's3://BUCKET/raw/'
    TBLPROPERTIES (
        'projection.enabled' = 'true',
        'projection.ymd.type' = 'date',
        'projection.ymd.format' = 'yyyy-MM-dd',
        'projection.ymd.interval' = '1',
        'projection.ymd.interval.unit' = 'DAYS',
        'projection.ymd.range' = 'NOW-3YEARS,NOW',
        'storage.location.template' = 's3://BUCKET/raw/media_hashtag_${ymd}/'
    );

    CREATE EXTERNAL TABLE IF NOT EXISTS `media_hashtag_partial` (
        `line` string
    )
    PARTITIONED BY (`ymd` string)
    ROW FORMAT DELIMITED FIELDS TERMINATED BY '\001' LINES TERMINATED BY '\n'
    STORED AS TEXTFILE
    LOCATION 's3://BUCKET/partial/'
    TBLPROPERTIES (
        'projection.enabled' = 'true',
        'projection.ymd.type' = 'date',
        'projection.ymd.format' = 'yyyy-MM-dd',
        'projection.ymd.interval' = '1',
        'projection.ymd.interval.unit' = 'DAYS',
        'projection.ymd.range' = 'NOW-3YEARS,NOW',
        'storage.location.template' = 's3://BUCKET/partial/media_hashtag_${ymd}/'
    );

    -- The records of all objects. The view media_hashtag has each topic of a time once.
    CREATE OR REPLACE VIEW media_hashtag_json AS
    SELECT
        r."user_id",
        r."media_id",
        CAST(parse_datetime(r."timestamp", 'yyyy-MM-dd''T''HH:mm:ssZ') AT TIME ZONE 'UTC' AS timestamp(3)) AS "timestamp",
        r."caption",
        r."media_type",
        r."like_count",
        r."comments_count",
        CAST(parse_datetime(regexp_replace(regexp_extract(o."$path", 'raw/media_hashtag_[0-9]{4}-[0-9]{2}-[0-9]{2}/media_hashtag_[0-9]{4}-[0-9]{2}-[0-9]{2}_[0-9]{2}[0-9]{2}[0-9]{2}.*[.]json$'), '^raw/media_hashtag_([0-9]{4})-([0-9]{2})-([0-9]{2})/media_hashtag_[0-9]{4}-[0-9]{2}-[0-9]{2}_([0-9]{2})([0-9]{2})([0-9]{2}).*[.]json$', '$1-$2-$3T$4:$5:$6+0000'), 'yyyy-MM-dd''T''HH:mm:ssZ') AT TIME ZONE 'UTC' AS timestamp(3)) AS "collected_at",
        regexp_extract(o."$path", 'raw/media_hashtag_[0-9]{4}-[0-9]{2}-[0-9]{2}/media_hashtag_[0-9]{4}-[0-9]{2}-[0-9]{2}_[0-9]{2}[0-9]{2}[0-9]{2}.*[.]json$') AS "source_key",
        o."ymd"
    FROM "media_hashtag_objects" o
    CROSS JOIN UNNEST(CAST(json_parse(o."line") AS array(row(
        "user_id" varchar,
        "media_id" varchar,
        "timestamp" varchar,
        "caption" varchar,
        "media_type" varchar,
        "like_count" bigint,
        "comments_count" bigint
    )))) AS r ("user_id", "media_id", "timestamp", "caption", "media_type", "like_count", "comments_count")
    UNION ALL
    SELECT
        r."user_id",
        r."media_id",
        CAST(parse_datetime(r."timestamp", 'yyyy-MM-dd''T''HH:mm:ssZ') AT TIME ZONE 'UTC' AS timestamp(3)) AS "timestamp",
        r."caption",
        r."media_type",
        r."like_count",
        r."comments_count",
        CAST(parse_datetime(regexp_replace(regexp_extract(o."$path", 'partial/media_hashtag_[0-9]{4}-[0-9]{2}-[0-9]{2}/media_hashtag_[0-9]{4}-[0-9]{2}-[0-9]{2}_[0-9]{2}[0-9]{2}[0-9]{2}.*[.]json$'), '^partial/media_hashtag_([0-9]{4})-([0-9]{2})-([0-9]{2})/media_hashtag_[0-9]{4}-[0-9]{2}-[0-9]{2}_([0-9]{2})([0-9]{2})([0-9]{2}).*[.]json$', '$1-$2-$3T$4:$5:$6+0000'), 'yyyy-MM-dd''T''HH:mm:ssZ') AT TIME ZONE 'UTC' AS timestamp(3)) AS "collected_at",
        regexp_extract(o."$path", 'partial/media_hashtag_[0-9]{4}-[0-9]{2}-[0-9]{2}/media_hashtag_[0-9]{4}-[0-9]{2}-[0-9]{2}_[0-9]{2}[0-9]{2}[0-9]{2}.*[.]json$') AS "source_key",
        o."ymd"
    FROM "media_hashtag_partial" o
    CROSS JOIN UNNEST(CAST(json_parse(o."line") AS array(row(
        "user_id" varchar,
        "media_id" varchar,
        "timestamp" varchar,
        "caption" varchar,
        "media_type" varchar,
        "like_count" bigint,
        "comments_count" bigint
    )))) AS r ("user_id", "media_id", "timestamp", "caption", "media_type", "like_count", "comments_count");

    CREATE OR REPLACE VIEW media_hashtag_rows AS SELECT * FROM media_hashtag_json;
    "#);
}

#[test]
fn redshift_loads_a_day_from_an_external_table() {
    insta::assert_snapshot!(array("media_hashtag", Target::Redshift), @r##"
    -- Tested on PostgreSQL 18, where each table and view has the rows that it has in DuckDB.
    -- Only parsed: CREATE EXTERNAL SCHEMA, CREATE EXTERNAL TABLE, ALTER TABLE, COPY.
    -- Run in PostgreSQL's words: CREATE TEMPORARY TABLE "quality_loaded", CREATE TEMPORARY TABLE "topics_loaded", CREATE OR REPLACE VIEW runs.

    CREATE EXTERNAL SCHEMA IF NOT EXISTS "collected" FROM DATA CATALOG DATABASE 'collected' IAM_ROLE default CREATE EXTERNAL DATABASE IF NOT EXISTS;

    -- The records of all objects. The view media_hashtag has each topic of a time once.
    CREATE TABLE IF NOT EXISTS media_hashtag_rows (
        "user_id" VARCHAR(65535) NOT NULL,
        "media_id" VARCHAR(65535) NOT NULL,
        "timestamp" TIMESTAMPTZ NOT NULL,
        "caption" VARCHAR(65535) NOT NULL,
        "media_type" VARCHAR(65535) NOT NULL,
        "like_count" BIGINT NOT NULL,
        "comments_count" BIGINT NOT NULL,
        "collected_at" TIMESTAMPTZ NOT NULL,
        "source_key" VARCHAR(65535) NOT NULL
    );

    -- Once: this statement has no IF NOT EXISTS.
    CREATE EXTERNAL TABLE "collected"."media_hashtag_objects" (
        "user_id" VARCHAR(65535),
        "media_id" VARCHAR(65535),
        "timestamp" VARCHAR(65535),
        "caption" VARCHAR(65535),
        "media_type" VARCHAR(65535),
        "like_count" BIGINT,
        "comments_count" BIGINT
    )
    PARTITIONED BY ("ymd" VARCHAR(64))
    ROW FORMAT SERDE 'org.openx.data.jsonserde.JsonSerDe'
    WITH SERDEPROPERTIES ('strip.outer.array' = 'true')
    STORED AS TEXTFILE
    LOCATION 's3://BUCKET/raw/';

    -- Once: this statement has no IF NOT EXISTS.
    CREATE EXTERNAL TABLE "collected"."media_hashtag_partial" (
        "user_id" VARCHAR(65535),
        "media_id" VARCHAR(65535),
        "timestamp" VARCHAR(65535),
        "caption" VARCHAR(65535),
        "media_type" VARCHAR(65535),
        "like_count" BIGINT,
        "comments_count" BIGINT
    )
    PARTITIONED BY ("ymd" VARCHAR(64))
    ROW FORMAT SERDE 'org.openx.data.jsonserde.JsonSerDe'
    WITH SERDEPROPERTIES ('strip.outer.array' = 'true')
    STORED AS TEXTFILE
    LOCATION 's3://BUCKET/partial/';

    -- The objects of one day.
    ALTER TABLE "collected"."media_hashtag_objects" ADD IF NOT EXISTS PARTITION ("ymd" = '{ymd}') LOCATION 's3://BUCKET/raw/media_hashtag_{ymd}/';
    BEGIN;
    DELETE FROM media_hashtag_rows WHERE "source_key" IN (SELECT REGEXP_SUBSTR("$path", 'raw/media_hashtag_[0-9]{4}-[0-9]{2}-[0-9]{2}/media_hashtag_[0-9]{4}-[0-9]{2}-[0-9]{2}_[0-9]{2}[0-9]{2}[0-9]{2}.*[.]json$') FROM "collected"."media_hashtag_objects" WHERE "ymd" = '{ymd}');
    INSERT INTO media_hashtag_rows
    SELECT
        "user_id",
        "media_id",
        "timestamp"::TIMESTAMPTZ,
        "caption",
        "media_type",
        "like_count",
        "comments_count",
        REGEXP_REPLACE(REGEXP_SUBSTR("$path", 'raw/media_hashtag_[0-9]{4}-[0-9]{2}-[0-9]{2}/media_hashtag_[0-9]{4}-[0-9]{2}-[0-9]{2}_[0-9]{2}[0-9]{2}[0-9]{2}.*[.]json$'), '^raw/media_hashtag_([0-9]{4})-([0-9]{2})-([0-9]{2})/media_hashtag_[0-9]{4}-[0-9]{2}-[0-9]{2}_([0-9]{2})([0-9]{2})([0-9]{2}).*[.]json$', '$1-$2-$3T$4:$5:$6+0000')::TIMESTAMPTZ AS "collected_at",
        REGEXP_SUBSTR("$path", 'raw/media_hashtag_[0-9]{4}-[0-9]{2}-[0-9]{2}/media_hashtag_[0-9]{4}-[0-9]{2}-[0-9]{2}_[0-9]{2}[0-9]{2}[0-9]{2}.*[.]json$') AS "source_key"
    FROM "collected"."media_hashtag_objects"
    WHERE "ymd" = '{ymd}';
    COMMIT;

    -- The objects of one day.
    ALTER TABLE "collected"."media_hashtag_partial" ADD IF NOT EXISTS PARTITION ("ymd" = '{ymd}') LOCATION 's3://BUCKET/partial/media_hashtag_{ymd}/';
    BEGIN;
    DELETE FROM media_hashtag_rows WHERE "source_key" IN (SELECT REGEXP_SUBSTR("$path", 'partial/media_hashtag_[0-9]{4}-[0-9]{2}-[0-9]{2}/media_hashtag_[0-9]{4}-[0-9]{2}-[0-9]{2}_[0-9]{2}[0-9]{2}[0-9]{2}.*[.]json$') FROM "collected"."media_hashtag_partial" WHERE "ymd" = '{ymd}');
    INSERT INTO media_hashtag_rows
    SELECT
        "user_id",
        "media_id",
        "timestamp"::TIMESTAMPTZ,
        "caption",
        "media_type",
        "like_count",
        "comments_count",
        REGEXP_REPLACE(REGEXP_SUBSTR("$path", 'partial/media_hashtag_[0-9]{4}-[0-9]{2}-[0-9]{2}/media_hashtag_[0-9]{4}-[0-9]{2}-[0-9]{2}_[0-9]{2}[0-9]{2}[0-9]{2}.*[.]json$'), '^partial/media_hashtag_([0-9]{4})-([0-9]{2})-([0-9]{2})/media_hashtag_[0-9]{4}-[0-9]{2}-[0-9]{2}_([0-9]{2})([0-9]{2})([0-9]{2}).*[.]json$', '$1-$2-$3T$4:$5:$6+0000')::TIMESTAMPTZ AS "collected_at",
        REGEXP_SUBSTR("$path", 'partial/media_hashtag_[0-9]{4}-[0-9]{2}-[0-9]{2}/media_hashtag_[0-9]{4}-[0-9]{2}-[0-9]{2}_[0-9]{2}[0-9]{2}[0-9]{2}.*[.]json$') AS "source_key"
    FROM "collected"."media_hashtag_partial"
    WHERE "ymd" = '{ymd}';
    COMMIT;
    "##);
}

#[test]
fn redshift_copies_no_quality_objects_of_a_model_without_topics() {
    let folders = |config: &str| {
        let script = text_of(config, "quality", Target::Redshift).unwrap();
        script.matches("COPY \"quality_objects\" FROM").count()
    };
    let empty = |key: &str| {
        let line =
            |line: &str| if line.starts_with(&format!("{key} =")) { format!("{key} =\n") } else { format!("{line}\n") };
        SHIPPED.lines().map(line).collect::<String>()
    };
    assert_eq!([SHIPPED, &empty("hashtags"), &empty("accounts")].map(folders), [3, 2, 1]);
}

#[test]
fn snowflake_strips_the_outer_array() {
    insta::assert_snapshot!(array("media_hashtag", Target::Snowflake), @r#"
    -- Tested on fakesnow 0.12, where each table and view has the rows that it has in DuckDB.
    -- Only parsed: CREATE STAGE, COPY INTO.

    -- The records of all objects. The view media_hashtag has each topic of a time once.
    CREATE TABLE IF NOT EXISTS media_hashtag_rows (
        "USER_ID" VARCHAR NOT NULL,
        "MEDIA_ID" VARCHAR NOT NULL,
        "TIMESTAMP" TIMESTAMP_TZ NOT NULL,
        "CAPTION" VARCHAR NOT NULL,
        "MEDIA_TYPE" VARCHAR NOT NULL,
        "LIKE_COUNT" NUMBER(38, 0) NOT NULL,
        "COMMENTS_COUNT" NUMBER(38, 0) NOT NULL,
        "COLLECTED_AT" TIMESTAMP_TZ NOT NULL,
        "SOURCE_KEY" VARCHAR NOT NULL
    );

    CREATE TABLE IF NOT EXISTS "MEDIA_HASHTAG_STAGED" (
        "FILE" VARCHAR NOT NULL,
        "MODIFIED" TIMESTAMP_NTZ NOT NULL,
        "OBJECT" VARIANT NOT NULL
    );

    -- INTEGRATION is yours: it says which role reads the bucket.
    CREATE STAGE IF NOT EXISTS "COLLECTED" URL = 's3://BUCKET/' STORAGE_INTEGRATION = INTEGRATION;

    -- Loaded objects are skipped; one that a repeated run replaced is loaded again.
    COPY INTO "MEDIA_HASHTAG_STAGED"
    FROM (
        SELECT METADATA$FILENAME, METADATA$FILE_LAST_MODIFIED, $1
        FROM @"COLLECTED"
    )
    PATTERN = '(.*raw/media_hashtag_[0-9]{4}-[0-9]{2}-[0-9]{2}/media_hashtag_[0-9]{4}-[0-9]{2}-[0-9]{2}_[0-9]{2}[0-9]{2}[0-9]{2}.*[.]json|.*partial/media_hashtag_[0-9]{4}-[0-9]{2}-[0-9]{2}/media_hashtag_[0-9]{4}-[0-9]{2}-[0-9]{2}_[0-9]{2}[0-9]{2}[0-9]{2}.*[.]json)'
    FILE_FORMAT = (TYPE = JSON STRIP_OUTER_ARRAY = TRUE)
    ON_ERROR = ABORT_STATEMENT;

    BEGIN TRANSACTION;
    DELETE FROM media_hashtag_rows WHERE "SOURCE_KEY" IN (SELECT REGEXP_SUBSTR("FILE", '(raw/media_hashtag_[0-9]{4}-[0-9]{2}-[0-9]{2}/media_hashtag_[0-9]{4}-[0-9]{2}-[0-9]{2}_[0-9]{2}[0-9]{2}[0-9]{2}.*[.]json$|partial/media_hashtag_[0-9]{4}-[0-9]{2}-[0-9]{2}/media_hashtag_[0-9]{4}-[0-9]{2}-[0-9]{2}_[0-9]{2}[0-9]{2}[0-9]{2}.*[.]json$)') FROM "MEDIA_HASHTAG_STAGED");
    INSERT INTO media_hashtag_rows
    SELECT
        o."OBJECT":"user_id"::VARCHAR,
        o."OBJECT":"media_id"::VARCHAR,
        TO_TIMESTAMP_TZ(o."OBJECT":"timestamp"::VARCHAR, 'YYYY-MM-DD"T"HH24:MI:SSTZHTZM'),
        o."OBJECT":"caption"::VARCHAR,
        o."OBJECT":"media_type"::VARCHAR,
        o."OBJECT":"like_count"::NUMBER(38, 0),
        o."OBJECT":"comments_count"::NUMBER(38, 0),
        TO_TIMESTAMP_TZ(REGEXP_REPLACE(REGEXP_REPLACE(o."SOURCE_KEY", '^raw/media_hashtag_([0-9]{4})-([0-9]{2})-([0-9]{2})/media_hashtag_[0-9]{4}-[0-9]{2}-[0-9]{2}_([0-9]{2})([0-9]{2})([0-9]{2}).*[.]json$', '\\1-\\2-\\3T\\4:\\5:\\6+0000'), '^partial/media_hashtag_([0-9]{4})-([0-9]{2})-([0-9]{2})/media_hashtag_[0-9]{4}-[0-9]{2}-[0-9]{2}_([0-9]{2})([0-9]{2})([0-9]{2}).*[.]json$', '\\1-\\2-\\3T\\4:\\5:\\6+0000'), 'YYYY-MM-DD"T"HH24:MI:SSTZHTZM'),
        o."SOURCE_KEY"
    FROM (SELECT REGEXP_SUBSTR("FILE", '(raw/media_hashtag_[0-9]{4}-[0-9]{2}-[0-9]{2}/media_hashtag_[0-9]{4}-[0-9]{2}-[0-9]{2}_[0-9]{2}[0-9]{2}[0-9]{2}.*[.]json$|partial/media_hashtag_[0-9]{4}-[0-9]{2}-[0-9]{2}/media_hashtag_[0-9]{4}-[0-9]{2}-[0-9]{2}_[0-9]{2}[0-9]{2}[0-9]{2}.*[.]json$)') AS "SOURCE_KEY", "OBJECT" FROM "MEDIA_HASHTAG_STAGED" QUALIFY RANK() OVER (PARTITION BY "FILE" ORDER BY "MODIFIED" DESC) = 1) o;
    DELETE FROM "MEDIA_HASHTAG_STAGED";
    COMMIT;
    "#);
}
