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
        "comments_count" BIGINT NOT NULL,
        "collected_at" TIMESTAMPTZ NOT NULL,
        "source_key" VARCHAR NOT NULL
    );

    -- read_json takes no glob without files: where there are none, no rows are read.
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
fn spark_reads_an_array_as_a_whole() {
    insta::assert_snapshot!(array("brand", Target::Spark), @r##"
    -- Parquet does not enforce NOT NULL; Delta and Iceberg tables do, with the same statements.
    CREATE TABLE IF NOT EXISTS `brand` (
        `user_id` STRING NOT NULL,
        `user_name` STRING NOT NULL,
        `name` STRING NOT NULL,
        `profile_picture_url` STRING NOT NULL,
        `followers_count` BIGINT NOT NULL,
        `media_count` BIGINT NOT NULL,
        `collected_at` TIMESTAMP NOT NULL,
        `source_key` STRING NOT NULL,
        `collected_on` DATE NOT NULL
    ) USING parquet
    PARTITIONED BY (`collected_on`);

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
        timestampFormat 'yyyy-MM-dd\'T\'HH:mm:ss[Z][XXX]'
    );

    CREATE OR REPLACE TEMPORARY VIEW `brand_read` AS
    SELECT
        `user_id`,
        `user_name`,
        `name`,
        `profile_picture_url`,
        `followers_count`,
        `media_count`,
        to_timestamp(regexp_replace(`source_key`, '^raw/brand_([0-9]{4})-([0-9]{2})-([0-9]{2})/brand_[0-9]{4}-[0-9]{2}-[0-9]{2}_([0-9]{2})([0-9]{2})([0-9]{2}).*[.]json$', '$1-$2-$3T$4:$5:$6+0000'), 'yyyy-MM-dd\'T\'HH:mm:ssZ') AS `collected_at`,
        `source_key`,
        CAST(regexp_replace(`source_key`, '^raw/brand_([0-9]{4})-([0-9]{2})-([0-9]{2})/brand_[0-9]{4}-[0-9]{2}-[0-9]{2}_([0-9]{2})([0-9]{2})([0-9]{2}).*[.]json$', '$1-$2-$3') AS DATE) AS `collected_on`
    FROM (
        SELECT *, regexp_extract(url_decode(replace(input_file_name(), '+', '%2B')), 'raw/brand_[0-9]{4}-[0-9]{2}-[0-9]{2}/brand_[0-9]{4}-[0-9]{2}-[0-9]{2}_[0-9]{2}[0-9]{2}[0-9]{2}.*[.]json$', 0) AS `source_key`
        FROM `brand_objects`
    );

    -- The rows of an object replace those of its last load. Days that are not read stay as they are.
    SET spark.sql.sources.partitionOverwriteMode = dynamic;
    INSERT OVERWRITE TABLE `brand` PARTITION (`collected_on`)
    SELECT `user_id`, `user_name`, `name`, `profile_picture_url`, `followers_count`, `media_count`, `collected_at`, `source_key`, `collected_on`
    FROM `brand_read`
    UNION ALL
    SELECT `user_id`, `user_name`, `name`, `profile_picture_url`, `followers_count`, `media_count`, `collected_at`, `source_key`, `collected_on`
    FROM `brand`
    WHERE `collected_on` IN (SELECT `collected_on` FROM `brand_read`) AND `source_key` NOT IN (SELECT `source_key` FROM `brand_read`);
    "##);
}

#[test]
fn snowflake_strips_the_outer_array() {
    insta::assert_snapshot!(array("media_hashtag", Target::Snowflake), @r##"
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
    DELETE FROM "MEDIA_HASHTAG" WHERE "SOURCE_KEY" IN (SELECT REGEXP_SUBSTR(o."FILE", 'raw/media_hashtag_[0-9]{4}-[0-9]{2}-[0-9]{2}/media_hashtag_[0-9]{4}-[0-9]{2}-[0-9]{2}_[0-9]{2}[0-9]{2}[0-9]{2}.*[.]json$') FROM "MEDIA_HASHTAG_STAGED" o);
    INSERT INTO "MEDIA_HASHTAG"
    SELECT
        o."OBJECT":"user_id"::VARCHAR,
        o."OBJECT":"media_id"::VARCHAR,
        TO_TIMESTAMP_TZ(o."OBJECT":"timestamp"::VARCHAR, 'YYYY-MM-DD"T"HH24:MI:SSTZHTZM'),
        o."OBJECT":"caption"::VARCHAR,
        o."OBJECT":"media_type"::VARCHAR,
        o."OBJECT":"like_count"::NUMBER(38, 0),
        o."OBJECT":"comments_count"::NUMBER(38, 0),
        TO_TIMESTAMP_TZ(REGEXP_REPLACE(REGEXP_SUBSTR(o."FILE", 'raw/media_hashtag_[0-9]{4}-[0-9]{2}-[0-9]{2}/media_hashtag_[0-9]{4}-[0-9]{2}-[0-9]{2}_[0-9]{2}[0-9]{2}[0-9]{2}.*[.]json$'), '^raw/media_hashtag_([0-9]{4})-([0-9]{2})-([0-9]{2})/media_hashtag_[0-9]{4}-[0-9]{2}-[0-9]{2}_([0-9]{2})([0-9]{2})([0-9]{2}).*[.]json$', '\\1-\\2-\\3T\\4:\\5:\\6+0000'), 'YYYY-MM-DD"T"HH24:MI:SSTZHTZM'),
        REGEXP_SUBSTR(o."FILE", 'raw/media_hashtag_[0-9]{4}-[0-9]{2}-[0-9]{2}/media_hashtag_[0-9]{4}-[0-9]{2}-[0-9]{2}_[0-9]{2}[0-9]{2}[0-9]{2}.*[.]json$')
    FROM (SELECT * FROM "MEDIA_HASHTAG_STAGED" QUALIFY RANK() OVER (PARTITION BY "FILE" ORDER BY "MODIFIED" DESC) = 1) o;
    DELETE FROM "MEDIA_HASHTAG_STAGED";
    COMMIT;
    "##);
}

#[test]
fn redshift_loads_a_day_from_an_external_table() {
    insta::assert_snapshot!(ndjson("brand", Target::Redshift), @r##"
    CREATE TABLE IF NOT EXISTS "brand" (
        "user_id" VARCHAR(65535) NOT NULL,
        "user_name" VARCHAR(65535) NOT NULL,
        "name" VARCHAR(65535) NOT NULL,
        "profile_picture_url" VARCHAR(65535) NOT NULL,
        "followers_count" BIGINT NOT NULL,
        "media_count" BIGINT NOT NULL,
        "collected_at" TIMESTAMPTZ NOT NULL,
        "source_key" VARCHAR(65535) NOT NULL
    );

    CREATE EXTERNAL SCHEMA IF NOT EXISTS "collected" FROM DATA CATALOG DATABASE 'collected' IAM_ROLE default CREATE EXTERNAL DATABASE IF NOT EXISTS;

    -- Once: this statement has no IF NOT EXISTS.
    CREATE EXTERNAL TABLE "collected"."brand_objects" (
        "user_id" VARCHAR(65535),
        "user_name" VARCHAR(65535),
        "name" VARCHAR(65535),
        "profile_picture_url" VARCHAR(65535),
        "followers_count" BIGINT,
        "media_count" BIGINT
    )
    PARTITIONED BY ("ymd" VARCHAR(64))
    ROW FORMAT SERDE 'org.openx.data.jsonserde.JsonSerDe'
    STORED AS TEXTFILE
    LOCATION 's3://BUCKET/raw/';

    -- The objects of one day.
    ALTER TABLE "collected"."brand_objects" ADD IF NOT EXISTS PARTITION ("ymd" = 'YYYY-MM-DD') LOCATION 's3://BUCKET/raw/brand_YYYY-MM-DD/';
    BEGIN;
    DELETE FROM "brand" WHERE "source_key" IN (SELECT REGEXP_SUBSTR("$path", 'raw/brand_[0-9]{4}-[0-9]{2}-[0-9]{2}/brand_[0-9]{4}-[0-9]{2}-[0-9]{2}_[0-9]{2}[0-9]{2}[0-9]{2}.*[.]json$') FROM "collected"."brand_objects" WHERE "ymd" = 'YYYY-MM-DD');
    INSERT INTO "brand"
    SELECT
        "user_id",
        "user_name",
        "name",
        "profile_picture_url",
        "followers_count",
        "media_count",
        REGEXP_REPLACE(REGEXP_SUBSTR("$path", 'raw/brand_[0-9]{4}-[0-9]{2}-[0-9]{2}/brand_[0-9]{4}-[0-9]{2}-[0-9]{2}_[0-9]{2}[0-9]{2}[0-9]{2}.*[.]json$'), '^raw/brand_([0-9]{4})-([0-9]{2})-([0-9]{2})/brand_[0-9]{4}-[0-9]{2}-[0-9]{2}_([0-9]{2})([0-9]{2})([0-9]{2}).*[.]json$', '$1-$2-$3T$4:$5:$6+0000')::TIMESTAMPTZ AS "collected_at",
        REGEXP_SUBSTR("$path", 'raw/brand_[0-9]{4}-[0-9]{2}-[0-9]{2}/brand_[0-9]{4}-[0-9]{2}-[0-9]{2}_[0-9]{2}[0-9]{2}[0-9]{2}.*[.]json$') AS "source_key"
    FROM "collected"."brand_objects"
    WHERE "ymd" = 'YYYY-MM-DD';
    COMMIT;
    "##);
}

#[test]
fn redshift_takes_an_array_apart() {
    let strip = "'strip.outer.array' = 'true'";
    assert!(array("media", Target::Redshift).contains(strip) && !ndjson("media", Target::Redshift).contains(strip));
}
