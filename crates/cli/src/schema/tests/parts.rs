//! The quality objects, the views, and the time of a run.

use super::*;

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

    -- read_json takes no glob without files: where there are none, no rows are read.
    SET VARIABLE reading = (SELECT CASE WHEN count(*) > 0 THEN $objects$
    WITH o AS MATERIALIZED (
        FROM (
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
        )
    )
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
    let view = |name: &str| {
        let (_, rest) = views.split_once(&format!("VIEW \"{name}\"")).unwrap();
        rest.split_once(';').unwrap().0.to_owned()
    };
    insta::assert_snapshot!(view("brand_over_time"), @r##"
     AS
    WITH "defaulted" AS (
        SELECT
            "object_key",
            "record_id",
            MAX(CASE WHEN "field" = 'followers_count' THEN "reason" END) AS "followers_count",
            MAX(CASE WHEN "field" = 'media_count' THEN "reason" END) AS "media_count"
        FROM "quality"
        WHERE "model" = 'brand' AND "record_id" IS NOT NULL
        GROUP BY "object_key", "record_id"
    ),
    "checked" AS (
        SELECT "object_key"
        FROM "quality"
        WHERE "model" = 'brand'
        GROUP BY "object_key"
        HAVING SUM(CASE WHEN "outcome" = 'defaulted' AND "record_id" IS NULL THEN 1 ELSE 0 END) = 0
    ),
    "newest" AS (
        SELECT
            r.*,
            ROW_NUMBER() OVER (
                PARTITION BY "user_id", "collected_at"
                ORDER BY CASE WHEN REPLACE("source_key", '_part-', '') <> "source_key" THEN 1 ELSE 0 END DESC, "source_key" DESC
            ) AS "place"
        FROM "brand" r
    )
    SELECT
        r."user_id",
        r."user_name",
        r."name",
        r."profile_picture_url",
        CASE WHEN d."followers_count" IS NULL AND (r."followers_count" <> 0 OR c."object_key" IS NOT NULL) THEN r."followers_count" END AS "followers_count",
        CASE WHEN d."media_count" IS NULL AND (r."media_count" <> 0 OR c."object_key" IS NOT NULL) THEN r."media_count" END AS "media_count",
        CASE WHEN d."followers_count" IS NOT NULL THEN d."followers_count" = 'not found field' WHEN r."followers_count" <> 0 OR c."object_key" IS NOT NULL THEN FALSE END AS "followers_count_hidden",
        CASE WHEN d."media_count" IS NOT NULL THEN d."media_count" = 'not found field' WHEN r."media_count" <> 0 OR c."object_key" IS NOT NULL THEN FALSE END AS "media_count_hidden",
        c."object_key" IS NOT NULL AS "quality_known",
        r."collected_at",
        r."source_key"
    FROM "newest" r
    LEFT JOIN "checked" c ON c."object_key" = r."source_key"
    LEFT JOIN "defaulted" d ON d."object_key" = r."source_key" AND d."record_id" = r."user_id"
    WHERE r."place" = 1
    "##);
    insta::assert_snapshot!(view("engagement_over_time"), @r##"
     AS
    SELECT
        "user_id",
        "collected_at",
        COUNT(*) AS "media",
        SUM(CASE WHEN "like_count_hidden" THEN 1 ELSE 0 END) AS "likes_hidden",
        SUM("likes_gained") AS "likes_gained",
        SUM("comments_gained") AS "comments_gained"
    FROM (
        SELECT
            "user_id",
            "collected_at",
            "like_count_hidden",
            "like_count" - LAG("like_count") OVER (PARTITION BY "user_id", "media_id" ORDER BY "collected_at") AS "likes_gained",
            "comments_count" - LAG("comments_count") OVER (PARTITION BY "user_id", "media_id" ORDER BY "collected_at") AS "comments_gained"
        FROM "media_over_time"
    ) r
    GROUP BY "user_id", "collected_at"
    "##);
    insta::assert_snapshot!(view("latest_media_hashtag"), @r##"
     AS
    SELECT
        "user_id",
        "media_id",
        "timestamp",
        "caption",
        "media_type",
        "like_count",
        "comments_count",
        "like_count_hidden",
        "comments_count_hidden",
        "quality_known",
        "collected_at",
        "source_key"
    FROM (
        SELECT
            r.*,
            ROW_NUMBER() OVER (PARTITION BY "user_id", "media_id" ORDER BY "collected_at" DESC) AS "place"
        FROM "media_hashtag_over_time" r
    ) r
    WHERE "place" = 1
    "##);
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
fn the_time_of_a_run_is_read_as_the_location_spells_it() {
    let instant = |datetime: &str, ymd: &str| {
        let config = SHIPPED.replace("datetime = %Y-%m-%d_%H%M%S", datetime).replace("ymd = %Y-%m-%d", ymd);
        let config = Config::parse(config.as_bytes(), "x").unwrap();
        Files::new(&config.locations, Model::Brand, "x")
            .moment()
            .map(|moment| moment.instant(|group| format!("${group}")))
    };
    let ymd = "ymd = %Y-%m-%d";
    assert_eq!(instant("datetime = %Y-%m-%d_%H%M%S", ymd).unwrap(), "$1-$2-$3T$4:$5:$6+0000");
    assert_eq!(instant("datetime = %H%M", "ymd = %d.%m.%Y").unwrap(), "$3-$2-$1T$4:$5:00+0000");
    assert_eq!(instant("datetime = %y%m%dT%H", "ymd = %j").unwrap(), "20$1-$2-$3T$4:00:00+0000");
    let error = instant("datetime = %s", "ymd = %Y").unwrap_err().to_string();
    assert!(error.contains("[common] datetime") && error.contains("(%s given)"), "{error}");
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
