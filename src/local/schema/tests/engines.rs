//! The statements of each engine.

use super::*;

#[test]
fn duckdb_reads_an_array_into_columns_that_are_not_null() {
    insta::assert_snapshot!(array("media_hashtag", Target::Duckdb), @r##"
    CREATE TABLE IF NOT EXISTS "media_hashtag" (
        "user_id" VARCHAR NOT NULL,
        "media_id" VARCHAR NOT NULL,
        "timestamp" TIMESTAMPTZ NOT NULL,
        "caption" VARCHAR NOT NULL,
        "media_type" VARCHAR NOT NULL,
        "like_count" BIGINT NOT NULL,
        "comments_count" BIGINT NOT NULL
    );

    INSERT INTO "media_hashtag"
    SELECT
        "user_id",
        "media_id",
        "timestamp",
        "caption",
        "media_type",
        "like_count",
        "comments_count"
    FROM read_json(
        's3://BUCKET/raw/media_hashtag_[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]/media_hashtag_[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]_[0-9][0-9][0-9][0-9][0-9][0-9]*.json',
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
    );
    "##);
}

#[test]
fn spark_reads_an_array_as_a_whole() {
    insta::assert_snapshot!(array("brand", Target::Spark), @r##"
    -- Parquet does not enforce NOT NULL; Delta and Iceberg tables do, with the same statements.
    CREATE TABLE IF NOT EXISTS `brand` (
        `user_id` STRING NOT NULL,
        `user_name` STRING NOT NULL,
        `name` STRING NOT NULL,
        `profile_picture_url` STRING NOT NULL,
        `followers_count` BIGINT NOT NULL,
        `media_count` BIGINT NOT NULL
    ) USING parquet;

    -- An object is one JSON array: multiLine reads it as a whole.
    CREATE OR REPLACE TEMPORARY VIEW `brand_objects` (
        `user_id` STRING,
        `user_name` STRING,
        `name` STRING,
        `profile_picture_url` STRING,
        `followers_count` BIGINT,
        `media_count` BIGINT
    ) USING json OPTIONS (
        path 's3://BUCKET/raw/brand_[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]/brand_[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]_[0-9][0-9][0-9][0-9][0-9][0-9]*.json',
        multiLine 'true',
        mode 'FAILFAST',
        timestampFormat 'yyyy-MM-dd\'T\'HH:mm:ssZ'
    );

    INSERT INTO `brand`
    SELECT
        `user_id`,
        `user_name`,
        `name`,
        `profile_picture_url`,
        `followers_count`,
        `media_count`
    FROM `brand_objects`;
    "##);
}

#[test]
fn snowflake_strips_the_outer_array() {
    insta::assert_snapshot!(array("media", Target::Snowflake), @r##"
    CREATE TABLE IF NOT EXISTS "MEDIA" (
        "USER_ID" VARCHAR NOT NULL,
        "MEDIA_ID" VARCHAR NOT NULL,
        "TIMESTAMP" TIMESTAMP_TZ NOT NULL,
        "CAPTION" VARCHAR NOT NULL,
        "MEDIA_TYPE" VARCHAR NOT NULL,
        "MEDIA_PRODUCT_TYPE" VARCHAR NOT NULL,
        "MEDIA_URL" VARCHAR NOT NULL,
        "PERMALINK" VARCHAR NOT NULL,
        "LIKE_COUNT" NUMBER(38, 0) NOT NULL,
        "COMMENTS_COUNT" NUMBER(38, 0) NOT NULL
    );

    -- INTEGRATION is yours: it says which role reads the bucket.
    CREATE STAGE IF NOT EXISTS "COLLECTED" URL = 's3://BUCKET/' STORAGE_INTEGRATION = INTEGRATION;

    -- Objects that were loaded are passed over; one that a repeated run replaced is loaded again.
    COPY INTO "MEDIA"
    FROM (
        SELECT
            $1:"user_id"::VARCHAR,
            $1:"media_id"::VARCHAR,
            TO_TIMESTAMP_TZ($1:"timestamp"::VARCHAR, 'YYYY-MM-DD"T"HH24:MI:SSTZHTZM'),
            $1:"caption"::VARCHAR,
            $1:"media_type"::VARCHAR,
            $1:"media_product_type"::VARCHAR,
            $1:"media_url"::VARCHAR,
            $1:"permalink"::VARCHAR,
            $1:"like_count"::NUMBER(38, 0),
            $1:"comments_count"::NUMBER(38, 0)
        FROM @"COLLECTED"
    )
    PATTERN = '.*raw/media_[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]/media_[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]_[0-9][0-9][0-9][0-9][0-9][0-9].*[.]json'
    FILE_FORMAT = (TYPE = JSON STRIP_OUTER_ARRAY = TRUE)
    ON_ERROR = ABORT_STATEMENT;
    "##);
}

#[test]
fn redshift_copies_one_object_a_line() {
    insta::assert_snapshot!(ndjson("media", Target::Redshift), @r##"
    CREATE TABLE IF NOT EXISTS "media" (
        "user_id" VARCHAR(65535) NOT NULL,
        "media_id" VARCHAR(65535) NOT NULL,
        "timestamp" TIMESTAMPTZ NOT NULL,
        "caption" VARCHAR(65535) NOT NULL,
        "media_type" VARCHAR(65535) NOT NULL,
        "media_product_type" VARCHAR(65535) NOT NULL,
        "media_url" VARCHAR(65535) NOT NULL,
        "permalink" VARCHAR(65535) NOT NULL,
        "like_count" BIGINT NOT NULL,
        "comments_count" BIGINT NOT NULL
    );

    -- The objects of one day.
    COPY "media"
    FROM 's3://BUCKET/raw/media_YYYY-MM-DD/media_'
    IAM_ROLE default
    FORMAT AS JSON 'auto'
    TIMEFORMAT 'auto';
    "##);
}

#[test]
fn redshift_says_that_it_copies_no_array() {
    let text = array("media", Target::Redshift);
    assert!(text.contains("-- COPY \"media\"") && !text.contains("\nCOPY "), "{text}");
}

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
        o."ymd"
    FROM "brand_objects" o;
    "##);
}
