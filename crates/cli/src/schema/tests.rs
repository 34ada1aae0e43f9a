//! The statements of each engine, and the JSON Schema.

use super::*;

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
    assert!(
        text.contains("LOCATION 's3://BUCKET/raw/brand/'") && !text.contains("projection") && !text.contains("ymd")
    );
}

#[test]
fn views_are_those_that_the_mapping_allows() {
    let views = |config: &str| {
        let text = text_of(config, "views", Target::Duckdb).unwrap();
        text.lines()
            .filter_map(|line| line.strip_prefix("CREATE OR REPLACE VIEW "))
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    assert_eq!(views(SHIPPED).len(), 7);
    let without = SHIPPED
        .replace("followers_count = followers_count int\n", "")
        .replace("comments_count = comments_count int\n", "");
    let left = views(&without);
    assert_eq!(left.len(), 5, "{left:?}");
    assert!(!left.iter().any(|view| view.contains("followers") || view.contains("engagement")), "{left:?}");
}

#[test]
fn views_use_the_names_of_the_mapping() {
    let renamed = SHIPPED.replace("followers_count = followers_count int", "fans = followers_count int");
    let text = text_of(&renamed, "views", Target::Snowflake).unwrap();
    assert!(
        text.contains("\"FANS_HIDDEN\"") && text.contains("= 'fans'") && !text.contains("\"FOLLOWERS_COUNT\""),
        "{text}"
    );
}

#[test]
fn a_field_with_the_name_of_an_added_column_is_refused() {
    let taken = SHIPPED.replace("name = name str", "source_key = name str");
    let error = text_of(&taken, "brand", Target::Duckdb).unwrap_err().to_string();
    assert!(error.contains("the field source_key") && error.contains("another name"), "{error}");
    assert!(text_of(&taken, "brand", Target::JsonSchema).is_ok());
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
        (Target::Spark, "'s3://BUCKET/raw/br\\'and_"),
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
        (Target::Spark, "multiLine 'true'", "multiLine 'false'"),
    ] {
        let (array, lines) = (array("brand", target), ndjson("brand", target));
        assert!(array.contains(array_only) && lines.contains(lines_only), "{target:?}");
        assert!(!lines.contains(array_only), "{target:?}");
    }
}

#[test]
fn athena_takes_an_array_apart_in_a_view() {
    insta::assert_snapshot!(array("media_hashtag", Target::Athena), @r##"
    -- Only parsed: Athena cannot be had for tests. Spark has read the objects through its external tables.

    -- Athena's JSON readers want one object a line; an object of [common] format = array is one
    -- line. So the table reads lines as text, and the view takes the array apart.
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

    CREATE OR REPLACE VIEW "media_hashtag" AS
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
    )))) AS r ("user_id", "media_id", "timestamp", "caption", "media_type", "like_count", "comments_count");
    "##);
}

#[test]
fn redshift_loads_a_day_from_an_external_table() {
    insta::assert_snapshot!(array("media_hashtag", Target::Redshift), @r##"
    -- Tested on PostgreSQL 18, where each table and view has the rows that it has in DuckDB.
    -- Only parsed: CREATE EXTERNAL SCHEMA, CREATE EXTERNAL TABLE, ALTER TABLE, COPY, CREATE TEMPORARY TABLE "quality_loaded".

    CREATE TABLE IF NOT EXISTS "media_hashtag" (
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

    CREATE EXTERNAL SCHEMA IF NOT EXISTS "collected" FROM DATA CATALOG DATABASE 'collected' IAM_ROLE default CREATE EXTERNAL DATABASE IF NOT EXISTS;

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

    -- The objects of one day.
    ALTER TABLE "collected"."media_hashtag_objects" ADD IF NOT EXISTS PARTITION ("ymd" = '{ymd}') LOCATION 's3://BUCKET/raw/media_hashtag_{ymd}/';
    BEGIN;
    DELETE FROM "media_hashtag" WHERE "source_key" IN (SELECT REGEXP_SUBSTR("$path", 'raw/media_hashtag_[0-9]{4}-[0-9]{2}-[0-9]{2}/media_hashtag_[0-9]{4}-[0-9]{2}-[0-9]{2}_[0-9]{2}[0-9]{2}[0-9]{2}.*[.]json$') FROM "collected"."media_hashtag_objects" WHERE "ymd" = '{ymd}');
    INSERT INTO "media_hashtag"
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
    "##);
}

#[test]
fn snowflake_strips_the_outer_array() {
    insta::assert_snapshot!(array("media_hashtag", Target::Snowflake), @r##"
    -- Tested on fakesnow 0.12, where each table and view has the rows that it has in DuckDB.
    -- Only parsed: CREATE STAGE, COPY INTO.

    CREATE TABLE IF NOT EXISTS "MEDIA_HASHTAG" (
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

    -- Objects that were loaded are passed over; one that a repeated run replaced is loaded again.
    COPY INTO "MEDIA_HASHTAG_STAGED"
    FROM (
        SELECT METADATA$FILENAME, METADATA$FILE_LAST_MODIFIED, $1
        FROM @"COLLECTED"
    )
    PATTERN = '.*raw/media_hashtag_[0-9]{4}-[0-9]{2}-[0-9]{2}/media_hashtag_[0-9]{4}-[0-9]{2}-[0-9]{2}_[0-9]{2}[0-9]{2}[0-9]{2}.*[.]json'
    FILE_FORMAT = (TYPE = JSON STRIP_OUTER_ARRAY = TRUE)
    ON_ERROR = ABORT_STATEMENT;

    -- The rows of an object replace those of its last load.
    BEGIN TRANSACTION;
    DELETE FROM "MEDIA_HASHTAG" WHERE "SOURCE_KEY" IN (SELECT REGEXP_SUBSTR("FILE", 'raw/media_hashtag_[0-9]{4}-[0-9]{2}-[0-9]{2}/media_hashtag_[0-9]{4}-[0-9]{2}-[0-9]{2}_[0-9]{2}[0-9]{2}[0-9]{2}.*[.]json$') FROM "MEDIA_HASHTAG_STAGED");
    INSERT INTO "MEDIA_HASHTAG"
    SELECT
        o."OBJECT":"user_id"::VARCHAR,
        o."OBJECT":"media_id"::VARCHAR,
        TO_TIMESTAMP_TZ(o."OBJECT":"timestamp"::VARCHAR, 'YYYY-MM-DD"T"HH24:MI:SSTZHTZM'),
        o."OBJECT":"caption"::VARCHAR,
        o."OBJECT":"media_type"::VARCHAR,
        o."OBJECT":"like_count"::NUMBER(38, 0),
        o."OBJECT":"comments_count"::NUMBER(38, 0),
        TO_TIMESTAMP_TZ(REGEXP_REPLACE(o."SOURCE_KEY", '^raw/media_hashtag_([0-9]{4})-([0-9]{2})-([0-9]{2})/media_hashtag_[0-9]{4}-[0-9]{2}-[0-9]{2}_([0-9]{2})([0-9]{2})([0-9]{2}).*[.]json$', '\\1-\\2-\\3T\\4:\\5:\\6+0000'), 'YYYY-MM-DD"T"HH24:MI:SSTZHTZM'),
        o."SOURCE_KEY"
    FROM (SELECT REGEXP_SUBSTR("FILE", 'raw/media_hashtag_[0-9]{4}-[0-9]{2}-[0-9]{2}/media_hashtag_[0-9]{4}-[0-9]{2}-[0-9]{2}_[0-9]{2}[0-9]{2}[0-9]{2}.*[.]json$') AS "SOURCE_KEY", "OBJECT" FROM "MEDIA_HASHTAG_STAGED" QUALIFY RANK() OVER (PARTITION BY "FILE" ORDER BY "MODIFIED" DESC) = 1) o;
    DELETE FROM "MEDIA_HASHTAG_STAGED";
    COMMIT;
    "##);
}

#[test]
fn duckdb_loads_an_array_by_read_json() {
    insta::assert_snapshot!(array("media_hashtag", Target::Duckdb), @r##"
    CREATE TABLE IF NOT EXISTS "media_hashtag" (
        "user_id" VARCHAR NOT NULL,
        "media_id" VARCHAR NOT NULL,
        "timestamp" TIMESTAMPTZ NOT NULL,
        "caption" VARCHAR NOT NULL,
        "media_type" VARCHAR NOT NULL,
        "like_count" BIGINT NOT NULL,
        "comments_count" BIGINT NOT NULL,
        "collected_at" TIMESTAMPTZ NOT NULL,
        "source_key" VARCHAR NOT NULL
    );

    -- read_json fails on a glob without files. If there are none, no rows are read.
    SET VARIABLE reading = (SELECT CASE WHEN count(*) > 0 THEN $objects$
        SELECT
            "user_id",
            "media_id",
            "timestamp",
            "caption",
            "media_type",
            "like_count",
            "comments_count",
            CAST(regexp_replace("source_key", '^raw/media_hashtag_([0-9]{4})-([0-9]{2})-([0-9]{2})/media_hashtag_[0-9]{4}-[0-9]{2}-[0-9]{2}_([0-9]{2})([0-9]{2})([0-9]{2}).*[.]json$', '\1-\2-\3T\4:\5:\6+0000') AS TIMESTAMPTZ) AS "collected_at",
            "source_key"
        FROM (
            SELECT * REPLACE (regexp_extract("source_key", 'raw/media_hashtag_[0-9]{4}-[0-9]{2}-[0-9]{2}/media_hashtag_[0-9]{4}-[0-9]{2}-[0-9]{2}_[0-9]{2}[0-9]{2}[0-9]{2}.*[.]json$') AS "source_key")
            FROM read_json(
                's3://BUCKET/raw/media_hashtag_[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]/media_hashtag_[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]_[0-9][0-9][0-9][0-9][0-9][0-9]*.json',
                filename = 'source_key',
                format = 'array',
                timestampformat = '%Y-%m-%dT%H:%M:%S%z',
                columns = {
                    'user_id': 'VARCHAR',
                    'media_id': 'VARCHAR',
                    'timestamp': 'TIMESTAMPTZ',
                    'caption': 'VARCHAR',
                    'media_type': 'VARCHAR',
                    'like_count': 'BIGINT',
                    'comments_count': 'BIGINT'
                }
            )
        )
    $objects$ ELSE 'FROM "media_hashtag" LIMIT 0' END FROM glob('s3://BUCKET/raw/media_hashtag_[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]/media_hashtag_[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]_[0-9][0-9][0-9][0-9][0-9][0-9]*.json'));

    -- The rows of an object replace those of its last load.
    BEGIN TRANSACTION;
    CREATE OR REPLACE TEMPORARY TABLE "media_hashtag_loaded" AS FROM query(getvariable('reading'));
    DELETE FROM "media_hashtag" WHERE "source_key" IN (SELECT "source_key" FROM "media_hashtag_loaded");
    INSERT INTO "media_hashtag" FROM "media_hashtag_loaded";
    DROP TABLE "media_hashtag_loaded";
    COMMIT;
    "##);
}

#[test]
fn a_quality_object_becomes_a_row_for_each_outcome() {
    insta::assert_snapshot!(array("quality", Target::Duckdb), @r##"
    CREATE TABLE IF NOT EXISTS "quality" (
        "model" VARCHAR NOT NULL,
        "outcome" VARCHAR NOT NULL,
        "cases" BIGINT NOT NULL,
        "object_key" VARCHAR,
        "record_id" VARCHAR,
        "field" VARCHAR,
        "reason" VARCHAR,
        "topic" VARCHAR,
        "collected_at" TIMESTAMPTZ NOT NULL,
        "source_key" VARCHAR NOT NULL
    );

    -- read_json fails on a glob without files. If there are none, no rows are read.
    SET VARIABLE reading = (SELECT CASE WHEN count(*) > 0 THEN $objects$
        WITH o AS MATERIALIZED (FROM (
            SELECT * REPLACE (regexp_extract("source_key", 'quality/.*_[0-9]{4}-[0-9]{2}-[0-9]{2}/.*_[0-9]{4}-[0-9]{2}-[0-9]{2}_[0-9]{2}[0-9]{2}[0-9]{2}.*[.]json$') AS "source_key")
            FROM read_json(
                's3://BUCKET/quality/*_[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]/*_[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]_[0-9][0-9][0-9][0-9][0-9][0-9]*.json',
                filename = 'source_key',
                format = 'newline_delimited',
                timestampformat = '%Y-%m-%dT%H:%M:%S%z',
                columns = {
                    'model': 'VARCHAR',
                    'time': 'TIMESTAMPTZ',
                    'object': 'VARCHAR',
                    'counts': 'STRUCT(records BIGINT)',
                    'not_listed': 'STRUCT(defaulted BIGINT, rejected BIGINT)',
                    'defaulted': 'MAP(VARCHAR, MAP(VARCHAR, STRUCT(id VARCHAR)[]))',
                    'rejected': 'STRUCT(topic VARCHAR, reason VARCHAR)[]'
                }
            )
        ))
        FROM (
            SELECT o."model", 'stored', o."counts"."records", o."object", NULL, NULL, NULL, NULL, o."time", o."source_key"
            FROM o
            UNION ALL
            SELECT o."model", 'defaulted', 1, o."object", c."record"."id", f."field"."key", r."reason"."key", NULL, o."time", o."source_key"
            FROM o,
                unnest(map_entries(o."defaulted")) f("field"),
                unnest(map_entries(f."field"."value")) r("reason"),
                unnest(r."reason"."value") c("record")
            UNION ALL
            SELECT o."model", 'rejected', 1, o."object", NULL, NULL, c."record"."reason", c."record"."topic", o."time", o."source_key"
            FROM o,
                unnest(o."rejected") c("record")
            UNION ALL
            SELECT o."model", 'defaulted', o."not_listed"."defaulted", o."object", NULL, NULL, 'not listed', NULL, o."time", o."source_key"
            FROM o
            WHERE o."not_listed"."defaulted" > 0
            UNION ALL
            SELECT o."model", 'rejected', o."not_listed"."rejected", o."object", NULL, NULL, 'not listed', NULL, o."time", o."source_key"
            FROM o
            WHERE o."not_listed"."rejected" > 0
        ) q ("model", "outcome", "cases", "object_key", "record_id", "field", "reason", "topic", "collected_at", "source_key")
    $objects$ ELSE 'FROM "quality" LIMIT 0' END FROM glob('s3://BUCKET/quality/*_[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]/*_[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]_[0-9][0-9][0-9][0-9][0-9][0-9]*.json'));

    -- The rows of an object replace those of its last load.
    BEGIN TRANSACTION;
    CREATE OR REPLACE TEMPORARY TABLE "quality_loaded" AS FROM query(getvariable('reading'));
    DELETE FROM "quality" WHERE "source_key" IN (SELECT "source_key" FROM "quality_loaded");
    INSERT INTO "quality" FROM "quality_loaded";
    DROP TABLE "quality_loaded";
    COMMIT;
    "##);
}

#[test]
fn a_figure_that_was_not_counted_is_null_in_the_views() {
    let views = array("views", Target::Duckdb);
    let (brand, _) = views.split_once("-- The records of media by run").unwrap();
    insta::assert_snapshot!(brand, @r##"
    -- The records of brand by run. A part that repairs a run replaces the records of the run. A figure that was
    -- not counted is NULL: hidden, defaulted for another reason, or 0 without a quality object.
    CREATE OR REPLACE VIEW brand_over_time AS
    WITH defaulted AS (
        SELECT
            MAX(CASE WHEN field = 'followers_count' THEN reason END) AS "followers_count",
            MAX(CASE WHEN field = 'media_count' THEN reason END) AS "media_count",
            object_key,
            record_id
        FROM quality
        WHERE model = 'brand' AND record_id IS NOT NULL
        GROUP BY object_key, record_id
    ),
    checked AS (
        SELECT object_key
        FROM quality
        WHERE model = 'brand'
        GROUP BY object_key
        HAVING SUM(CASE WHEN outcome = 'defaulted' AND record_id IS NULL THEN 1 ELSE 0 END) = 0
    ),
    newest AS (
        SELECT
            r.*,
            ROW_NUMBER() OVER (
                PARTITION BY "user_id", collected_at
                ORDER BY CASE WHEN REPLACE(source_key, '_part-', '') <> source_key THEN 1 ELSE 0 END DESC, source_key DESC
            ) AS place
        FROM brand r
    )
    SELECT
        r."user_id",
        r."user_name",
        r."name",
        r."profile_picture_url",
        CASE WHEN d."followers_count" IS NULL AND (r."followers_count" <> 0 OR c.object_key IS NOT NULL) THEN r."followers_count" END AS "followers_count",
        CASE WHEN d."media_count" IS NULL AND (r."media_count" <> 0 OR c.object_key IS NOT NULL) THEN r."media_count" END AS "media_count",
        CASE WHEN d."followers_count" IS NOT NULL THEN d."followers_count" = 'not found field' WHEN r."followers_count" <> 0 OR c.object_key IS NOT NULL THEN FALSE END AS "followers_count_hidden",
        CASE WHEN d."media_count" IS NOT NULL THEN d."media_count" = 'not found field' WHEN r."media_count" <> 0 OR c.object_key IS NOT NULL THEN FALSE END AS "media_count_hidden",
        c.object_key IS NOT NULL AS quality_known,
        r.collected_at,
        r.source_key
    FROM newest r
    LEFT JOIN checked c ON c.object_key = r.source_key
    LEFT JOIN defaulted d ON d.object_key = r.source_key AND d.record_id = r."user_id"
    WHERE r.place = 1;
    "##);
    let (_, answers) = views.split_once("-- The followers").unwrap();
    insta::assert_snapshot!(answers, @r##"
     of each account by run.
    CREATE OR REPLACE VIEW followers_over_time AS
    SELECT
        "user_id",
        "user_name",
        collected_at,
        "followers_count",
        "followers_count_hidden",
        quality_known
    FROM brand_over_time;

    -- What the media of each house gained since the run before that has them. A gain needs a counted figure in both runs.
    CREATE OR REPLACE VIEW engagement_over_time AS
    SELECT
        "user_id",
        collected_at,
        COUNT(*) AS media,
        SUM(CASE WHEN "like_count_hidden" THEN 1 ELSE 0 END) AS likes_hidden,
        SUM(likes_gained) AS likes_gained,
        SUM(comments_gained) AS comments_gained
    FROM (
        SELECT
            "user_id",
            collected_at,
            "like_count_hidden",
            "like_count" - LAG("like_count") OVER (PARTITION BY "user_id", "media_id" ORDER BY collected_at) AS likes_gained,
            "comments_count" - LAG("comments_count") OVER (PARTITION BY "user_id", "media_id" ORDER BY collected_at) AS comments_gained
        FROM media_over_time
    ) r
    GROUP BY "user_id", collected_at;
    "##);
}

#[test]
fn spark_writes_the_days_that_it_reads_anew() {
    insta::assert_snapshot!(array("media_hashtag", Target::Spark), @r##"
    -- Parquet does not enforce NOT NULL; Delta and Iceberg tables do, with the same statements.
    CREATE TABLE IF NOT EXISTS `media_hashtag` (
        `user_id` STRING NOT NULL,
        `media_id` STRING NOT NULL,
        `timestamp` TIMESTAMP NOT NULL,
        `caption` STRING NOT NULL,
        `media_type` STRING NOT NULL,
        `like_count` BIGINT NOT NULL,
        `comments_count` BIGINT NOT NULL,
        `collected_at` TIMESTAMP NOT NULL,
        `source_key` STRING NOT NULL,
        `collected_on` DATE NOT NULL
    ) USING parquet
    PARTITIONED BY (`collected_on`);

    -- An object is one JSON array: multiLine reads it as a whole.
    CREATE OR REPLACE TEMPORARY VIEW `media_hashtag_objects` (
        `user_id` STRING,
        `media_id` STRING,
        `timestamp` TIMESTAMP,
        `caption` STRING,
        `media_type` STRING,
        `like_count` BIGINT,
        `comments_count` BIGINT
    ) USING json OPTIONS (
        path 's3://BUCKET/raw/media_hashtag_[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]/media_hashtag_[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]_[0-9][0-9][0-9][0-9][0-9][0-9]*.json',
        multiLine 'true',
        mode 'FAILFAST',
        timestampFormat 'yyyy-MM-dd\'T\'HH:mm:ss[Z][XXX]'
    );

    CREATE OR REPLACE TEMPORARY VIEW `media_hashtag_read` AS
    SELECT
        `user_id`,
        `media_id`,
        `timestamp`,
        `caption`,
        `media_type`,
        `like_count`,
        `comments_count`,
        to_timestamp(regexp_replace(`source_key`, '^raw/media_hashtag_([0-9]{4})-([0-9]{2})-([0-9]{2})/media_hashtag_[0-9]{4}-[0-9]{2}-[0-9]{2}_([0-9]{2})([0-9]{2})([0-9]{2}).*[.]json$', '$1-$2-$3T$4:$5:$6+0000'), 'yyyy-MM-dd\'T\'HH:mm:ssZ') AS `collected_at`,
        `source_key`,
        CAST(regexp_replace(`source_key`, '^raw/media_hashtag_([0-9]{4})-([0-9]{2})-([0-9]{2})/media_hashtag_[0-9]{4}-[0-9]{2}-[0-9]{2}_([0-9]{2})([0-9]{2})([0-9]{2}).*[.]json$', '$1-$2-$3') AS DATE) AS `collected_on`
    FROM (
        SELECT *, regexp_extract(url_decode(replace(input_file_name(), '+', '%2B')), 'raw/media_hashtag_[0-9]{4}-[0-9]{2}-[0-9]{2}/media_hashtag_[0-9]{4}-[0-9]{2}-[0-9]{2}_[0-9]{2}[0-9]{2}[0-9]{2}.*[.]json$', 0) AS `source_key`
        FROM `media_hashtag_objects`
    );

    -- The rows of an object replace those of its last load. Days that are not read stay as they are.
    SET spark.sql.sources.partitionOverwriteMode = dynamic;
    INSERT OVERWRITE TABLE `media_hashtag` PARTITION (`collected_on`)
    SELECT `user_id`, `media_id`, `timestamp`, `caption`, `media_type`, `like_count`, `comments_count`, `collected_at`, `source_key`, `collected_on`
    FROM `media_hashtag_read`
    UNION ALL
    SELECT `user_id`, `media_id`, `timestamp`, `caption`, `media_type`, `like_count`, `comments_count`, `collected_at`, `source_key`, `collected_on`
    FROM `media_hashtag`
    WHERE `collected_on` IN (SELECT `collected_on` FROM `media_hashtag_read`) AND `source_key` NOT IN (SELECT `source_key` FROM `media_hashtag_read`);
    "##);
}
