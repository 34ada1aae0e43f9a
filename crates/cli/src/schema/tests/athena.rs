//! The external tables and the views of Athena.

use super::*;

#[test]
fn athena_takes_an_array_apart_in_a_view() {
    insta::assert_snapshot!(array("media_hashtag", Target::Athena), @r##"
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
fn athena_reads_one_object_a_line_by_its_json_reader() {
    insta::assert_snapshot!(ndjson("brand", Target::Athena), @r##"
    -- [common] format = ndjson: one object a line, as Athena's JSON readers want it.
    CREATE EXTERNAL TABLE IF NOT EXISTS `brand_objects` (
        `user_id` string,
        `user_name` string,
        `name` string,
        `profile_picture_url` string,
        `followers_count` bigint,
        `media_count` bigint
    )
    PARTITIONED BY (`ymd` string)
    ROW FORMAT SERDE 'org.apache.hive.hcatalog.data.JsonSerDe'
    STORED AS TEXTFILE
    LOCATION 's3://BUCKET/raw/'
    TBLPROPERTIES (
        'projection.enabled' = 'true',
        'projection.ymd.type' = 'date',
        'projection.ymd.format' = 'yyyy-MM-dd',
        'projection.ymd.interval' = '1',
        'projection.ymd.interval.unit' = 'DAYS',
        'projection.ymd.range' = 'NOW-3YEARS,NOW',
        'storage.location.template' = 's3://BUCKET/raw/brand_${ymd}/'
    );

    CREATE OR REPLACE VIEW "brand" AS
    SELECT
        o."user_id",
        o."user_name",
        o."name",
        o."profile_picture_url",
        o."followers_count",
        o."media_count",
        CAST(parse_datetime(regexp_replace(regexp_extract(o."$path", 'raw/brand_[0-9]{4}-[0-9]{2}-[0-9]{2}/brand_[0-9]{4}-[0-9]{2}-[0-9]{2}_[0-9]{2}[0-9]{2}[0-9]{2}.*[.]json$'), '^raw/brand_([0-9]{4})-([0-9]{2})-([0-9]{2})/brand_[0-9]{4}-[0-9]{2}-[0-9]{2}_([0-9]{2})([0-9]{2})([0-9]{2}).*[.]json$', '$1-$2-$3T$4:$5:$6+0000'), 'yyyy-MM-dd''T''HH:mm:ssZ') AT TIME ZONE 'UTC' AS timestamp(3)) AS "collected_at",
        regexp_extract(o."$path", 'raw/brand_[0-9]{4}-[0-9]{2}-[0-9]{2}/brand_[0-9]{4}-[0-9]{2}-[0-9]{2}_[0-9]{2}[0-9]{2}[0-9]{2}.*[.]json$') AS "source_key",
        o."ymd"
    FROM "brand_objects" o;
    "##);
}

#[test]
fn athena_reads_the_quality_objects_of_all_models_by_one_table() {
    insta::assert_snapshot!(array("quality", Target::Athena), @r##"
    -- A quality object is one line.
    CREATE EXTERNAL TABLE IF NOT EXISTS `quality_objects` (
        `line` string
    )
    PARTITIONED BY (`model` string, `ymd` string)
    ROW FORMAT DELIMITED FIELDS TERMINATED BY '\001' LINES TERMINATED BY '\n'
    STORED AS TEXTFILE
    LOCATION 's3://BUCKET/quality/'
    TBLPROPERTIES (
        'projection.enabled' = 'true',
        'projection.model.type' = 'enum',
        'projection.model.values' = 'brand,media,media_hashtag',
        'projection.ymd.type' = 'date',
        'projection.ymd.format' = 'yyyy-MM-dd',
        'projection.ymd.interval' = '1',
        'projection.ymd.interval.unit' = 'DAYS',
        'projection.ymd.range' = 'NOW-3YEARS,NOW',
        'storage.location.template' = 's3://BUCKET/quality/${model}_${ymd}/'
    );

    CREATE OR REPLACE VIEW "quality" AS
    SELECT *
    FROM (
    SELECT o."model", 'stored', CAST(json_extract_scalar(o."line", '$.counts.records') AS bigint), json_extract_scalar(o."line", '$.object'), NULL, NULL, NULL, NULL, CAST(from_iso8601_timestamp(json_extract_scalar(o."line", '$.time')) AT TIME ZONE 'UTC' AS timestamp(3)), regexp_extract(o."$path", 'quality/.*_[0-9]{4}-[0-9]{2}-[0-9]{2}/.*_[0-9]{4}-[0-9]{2}-[0-9]{2}_[0-9]{2}[0-9]{2}[0-9]{2}.*[.]json$')
    FROM "quality_objects" o
    UNION ALL
    SELECT o."model", 'defaulted', 1, json_extract_scalar(o."line", '$.object'), c."id", f."field", r."reason", NULL, CAST(from_iso8601_timestamp(json_extract_scalar(o."line", '$.time')) AT TIME ZONE 'UTC' AS timestamp(3)), regexp_extract(o."$path", 'quality/.*_[0-9]{4}-[0-9]{2}-[0-9]{2}/.*_[0-9]{4}-[0-9]{2}-[0-9]{2}_[0-9]{2}[0-9]{2}[0-9]{2}.*[.]json$')
    FROM "quality_objects" o
    CROSS JOIN UNNEST(CAST(json_extract(o."line", '$.defaulted') AS map(varchar, map(varchar, array(row("id" varchar)))))) AS f ("field", "reasons")
    CROSS JOIN UNNEST(f."reasons") AS r ("reason", "records")
    CROSS JOIN UNNEST(r."records") AS c ("id")
    UNION ALL
    SELECT o."model", 'rejected', 1, json_extract_scalar(o."line", '$.object'), NULL, NULL, c."reason", c."topic", CAST(from_iso8601_timestamp(json_extract_scalar(o."line", '$.time')) AT TIME ZONE 'UTC' AS timestamp(3)), regexp_extract(o."$path", 'quality/.*_[0-9]{4}-[0-9]{2}-[0-9]{2}/.*_[0-9]{4}-[0-9]{2}-[0-9]{2}_[0-9]{2}[0-9]{2}[0-9]{2}.*[.]json$')
    FROM "quality_objects" o
    CROSS JOIN UNNEST(CAST(json_extract(o."line", '$.rejected') AS array(row("topic" varchar, "reason" varchar)))) AS c ("topic", "reason")
    UNION ALL
    SELECT o."model", 'defaulted', CAST(json_extract_scalar(o."line", '$.not_listed.defaulted') AS bigint), json_extract_scalar(o."line", '$.object'), NULL, NULL, 'not listed', NULL, CAST(from_iso8601_timestamp(json_extract_scalar(o."line", '$.time')) AT TIME ZONE 'UTC' AS timestamp(3)), regexp_extract(o."$path", 'quality/.*_[0-9]{4}-[0-9]{2}-[0-9]{2}/.*_[0-9]{4}-[0-9]{2}-[0-9]{2}_[0-9]{2}[0-9]{2}[0-9]{2}.*[.]json$')
    FROM "quality_objects" o
    WHERE CAST(json_extract_scalar(o."line", '$.not_listed.defaulted') AS bigint) > 0
    UNION ALL
    SELECT o."model", 'rejected', CAST(json_extract_scalar(o."line", '$.not_listed.rejected') AS bigint), json_extract_scalar(o."line", '$.object'), NULL, NULL, 'not listed', NULL, CAST(from_iso8601_timestamp(json_extract_scalar(o."line", '$.time')) AT TIME ZONE 'UTC' AS timestamp(3)), regexp_extract(o."$path", 'quality/.*_[0-9]{4}-[0-9]{2}-[0-9]{2}/.*_[0-9]{4}-[0-9]{2}-[0-9]{2}_[0-9]{2}[0-9]{2}[0-9]{2}.*[.]json$')
    FROM "quality_objects" o
    WHERE CAST(json_extract_scalar(o."line", '$.not_listed.rejected') AS bigint) > 0
    ) AS q ("model", "outcome", "cases", "object_key", "record_id", "field", "reason", "topic", "collected_at", "source_key");
    "##);
}
