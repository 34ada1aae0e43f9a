{# Redshift: tables, external tables of Spectrum, and the load of a day.

   COPY does not say which object a row is from, and reads an array as one row. Spectrum says it ("$path"), and
   reads each element of the array. The quality objects are maps within maps. Spectrum does not read these, so COPY does.
   COPY ends with an error if a folder does not exist, and that of partial/ often does not. So Spectrum reads its lines.

   VARCHAR counts bytes and has 256 by default. A longer caption would end the load. #}
{% set types = {"text": "VARCHAR(65535)", "timestamp": "TIMESTAMPTZ", "integer": "BIGINT"} %}
{% set text = types.text %}
{% macro seconds(instant) %}EXTRACT(EPOCH FROM {{ instant }}){% endmacro %}
{% macro instant_of(seconds) %}(TIMESTAMPTZ '1970-01-01 00:00:00+00' + ({{ seconds }}) * INTERVAL '1 second'){% endmacro %}
{% macro utc_day(instant) %}CAST({{ instant }} AT TIME ZONE 'UTC' AS DATE){% endmacro %}
{% macro double(number) %}CAST({{ number }} AS DOUBLE PRECISION){% endmacro %}
{% macro joined(texts) %}LISTAGG({{ texts }}, ', ') WITHIN GROUP (ORDER BY {{ texts }}){% endmacro %}

{# The key of the object of a row. #}
{% macro key(objects) %}
REGEXP_SUBSTR("$path", {{ objects.key_pattern | text }})
{%- endmacro %}

{# The folder of a model's objects of a day. #}
{% macro folder(partition, model) %}
{{ partition.path | replace("${model}", model) | replace("${ymd}", "{ymd}") | text }}
{%- endmacro %}

{% macro partitioned(columns) %}
PARTITIONED BY ({% for column in columns %}"{{ column }}" VARCHAR(64){{ "" if loop.last else ", " }}{% endfor %})
{% endmacro %}

-- Tested on PostgreSQL 18, where each table and view has the rows that it has in DuckDB.
-- Only parsed: CREATE EXTERNAL SCHEMA, CREATE EXTERNAL TABLE, ALTER TABLE, COPY.
-- Run in PostgreSQL's words: CREATE TEMPORARY TABLE "quality_loaded", CREATE TEMPORARY TABLE "topics_loaded", CREATE OR REPLACE VIEW runs.

{% if models or quality %}
CREATE EXTERNAL SCHEMA IF NOT EXISTS "collected" FROM DATA CATALOG DATABASE 'collected' IAM_ROLE default CREATE EXTERNAL DATABASE IF NOT EXISTS;

{% endif %}
{% for model in models %}
-- The records of all objects. The view {{ model.name }} has each topic of a time once.
CREATE TABLE IF NOT EXISTS {{ model.name }}_rows (
    {% for field in model.fields %}
    {{ field.name | ident }} {{ types[field.type] }}{{ "" if field.nullable else " NOT NULL" }},
    {% endfor %}
    "collected_at" TIMESTAMPTZ NOT NULL,
    "source_key" {{ text }} NOT NULL
);

{# Spectrum reads no timestamp with such an offset: the load converts the text. #}
{% for kind, objects in {"objects": model.objects, "partial": model.partial} | items %}
-- Once: this statement has no IF NOT EXISTS.
CREATE EXTERNAL TABLE "collected"."{{ model.name }}_{{ kind }}" (
    {% for field in model.fields %}
    {{ field.name | ident }} {{ "BIGINT" if field.type == "integer" else text }}{{ "" if loop.last else "," }}
    {% endfor %}
)
{{ partitioned(["ymd"]) if objects.partition -}}
ROW FORMAT SERDE 'org.openx.data.jsonserde.JsonSerDe'
{% if not ndjson %}
WITH SERDEPROPERTIES ('strip.outer.array' = 'true')
{% endif %}
STORED AS TEXTFILE
LOCATION {{ objects.folder | text }};

{% endfor %}
{% endfor %}
{% if quality %}
CREATE TABLE IF NOT EXISTS "quality" (
    "model" {{ text }} NOT NULL,
    "outcome" {{ text }} NOT NULL,
    "cases" BIGINT NOT NULL,
    "object_key" {{ text }},
    "record_id" {{ text }},
    "field" {{ text }},
    "reason" {{ text }},
    "topic" {{ text }},
    "collected_at" TIMESTAMPTZ NOT NULL,
    "source_key" {{ text }} NOT NULL
);

-- Each topic of each object. The view topic_runs has those of a run.
CREATE TABLE IF NOT EXISTS object_topics (
    model {{ text }} NOT NULL,
    job {{ text }} NOT NULL,
    time TIMESTAMPTZ NOT NULL,
    topic {{ text }} NOT NULL,
    user_id {{ text }},
    asked_at TIMESTAMPTZ,
    records BIGINT NOT NULL,
    failure_kind {{ text }},
    failure_code BIGINT,
    failure_message {{ text }},
    gap_likely BOOLEAN,
    object_key {{ text }},
    source_key {{ text }} NOT NULL
);

-- Once: this statement has no IF NOT EXISTS.
CREATE EXTERNAL TABLE "collected"."quality_partial" (
    "line" {{ text }}
)
{{ partitioned(["model", "ymd"]) -}}
ROW FORMAT DELIMITED FIELDS TERMINATED BY '\001' LINES TERMINATED BY '\n'
STORED AS TEXTFILE
LOCATION {{ quality.partial.folder | text }};

{% endif %}
{% include "views.sql" %}
{% for model in models %}
{% for kind, objects, moment in [("objects", model.objects, model.moment), ("partial", model.partial, model.partial_moment)] %}
{% set of_day = "WHERE \"ymd\" = '{ymd}'" if objects.partition else "" %}
-- The objects of one day.
{% if objects.partition %}
ALTER TABLE "collected"."{{ model.name }}_{{ kind }}" ADD IF NOT EXISTS PARTITION ("ymd" = '{ymd}') LOCATION {{ folder(objects.partition, model.name) }};
{% endif %}
BEGIN;
DELETE FROM {{ model.name }}_rows WHERE "source_key" IN (SELECT {{ key(objects) }} FROM "collected"."{{ model.name }}_{{ kind }}"{{ " " ~ of_day if of_day }});
INSERT INTO {{ model.name }}_rows
SELECT
    {% for field in model.fields %}
    {{ field.name | ident }}{{ "::TIMESTAMPTZ" if field.type == "timestamp" }},
    {% endfor %}
    REGEXP_REPLACE({{ key(objects) }}, {{ moment.pattern | text }}, {{ moment.time | text }})::TIMESTAMPTZ AS "collected_at",
    {{ key(objects) }} AS "source_key"
FROM "collected"."{{ model.name }}_{{ kind }}"{{ "\n" ~ of_day if of_day }};
COMMIT;

{% endfor %}
{% endfor %}
{% if quality %}
{% macro text_at(path) %}o."object".{{ path }}::{{ text }}{% endmacro %}
{# The key of a quality object: the key of its records, or the model and time if none were stored. #}
{% set key %}
COALESCE({{ text_at('"object"') }}, {{ text_at('"model"') }} || ' ' || {{ text_at('"time"') }})
{%- endset %}
{% set time = text_at('"time"') ~ "::TIMESTAMPTZ" %}
-- The quality objects of one day. One that cannot be read is skipped: the meaning of its records' defaults is then
-- unknown. COPY ends with an error if a model has none on that day: then leave it out.
CREATE TEMPORARY TABLE "quality_objects" ("object" SUPER);
{% for model in collected %}
COPY "quality_objects" FROM {{ folder(quality.objects.partition, model) }} IAM_ROLE default FORMAT JSON 'noshred' MAXERROR 100000;
ALTER TABLE "collected"."quality_partial" ADD IF NOT EXISTS PARTITION ("model" = '{{ model }}', "ymd" = '{ymd}') LOCATION {{ folder(quality.partial.partition, model) }};
{% endfor %}
INSERT INTO "quality_objects" SELECT CASE WHEN IS_VALID_JSON("line") THEN JSON_PARSE("line") END FROM "collected"."quality_partial" WHERE "ymd" = '{ymd}';
CREATE TEMPORARY TABLE "quality_loaded" AS
SELECT *
FROM (
    SELECT {{ text_at('"model"') }}, 'stored', o."object"."counts"."records"::BIGINT, {{ text_at('"object"') }}, NULL::{{ text }}, NULL::{{ text }}, NULL::{{ text }}, NULL::{{ text }}, {{ time }}, {{ key }}
    FROM "quality_objects" o
    UNION ALL
    SELECT {{ text_at('"model"') }}, 'defaulted', 1, {{ text_at('"object"') }}, c."id"::{{ text }}, "field"::{{ text }}, "reason"::{{ text }}, NULL, {{ time }}, {{ key }}
    FROM "quality_objects" o,
        UNPIVOT o."object"."defaulted" AS f AT "field",
        UNPIVOT f AS r AT "reason",
        r AS c
    UNION ALL
    SELECT {{ text_at('"model"') }}, 'rejected', 1, {{ text_at('"object"') }}, NULL, NULL, c."reason"::{{ text }}, c."topic"::{{ text }}, {{ time }}, {{ key }}
    FROM "quality_objects" o,
        o."object"."rejected" AS c
    {% for outcome in ["defaulted", "rejected"] %}
    UNION ALL
    SELECT {{ text_at('"model"') }}, '{{ outcome }}', o."object"."not_listed"."{{ outcome }}"::BIGINT, {{ text_at('"object"') }}, NULL, NULL, 'not listed', NULL, {{ time }}, {{ key }}
    FROM "quality_objects" o
    WHERE o."object"."not_listed"."{{ outcome }}"::BIGINT > 0
    {% endfor %}
) q ("model", "outcome", "cases", "object_key", "record_id", "field", "reason", "topic", "collected_at", "source_key")
WHERE "model" IS NOT NULL AND "collected_at" IS NOT NULL;
-- Objects of earlier versions list only the failed topics.
CREATE TEMPORARY TABLE "topics_loaded" AS
{% for list in ["topics", "failed_topics"] %}
SELECT
    {{ text_at('"model"') }} AS model,
    COALESCE({{ text_at('"job"') }}, CASE {{ text_at('"model"') }} WHEN 'media_hashtag' THEN 'hashtag' ELSE 'brand_media' END) AS job,
    {{ time }} AS time,
    t."topic"::{{ text }} AS topic,
    t."user_id"::{{ text }} AS user_id,
    CASE WHEN t."asked_at"::{{ text }} ~ '^[0-9]{4}(-[0-9]{2}){2}T[0-9]{2}(:[0-9]{2}){2}' THEN t."asked_at"::{{ text }}::TIMESTAMPTZ END AS asked_at,
    COALESCE(t."records"::BIGINT, 0) AS records,
    t."kind"::{{ text }} AS failure_kind,
    t."code"::BIGINT AS failure_code,
    t."message"::{{ text }} AS failure_message,
    t."gap_likely"::BOOLEAN AS gap_likely,
    {{ text_at('"object"') }} AS object_key,
    {{ key }} AS source_key
FROM "quality_objects" o,
    o."object"."{{ list }}" AS t
WHERE {{ text_at('"model"') }} IS NOT NULL AND {{ text_at('"time"') }} IS NOT NULL AND t."topic"::{{ text }} IS NOT NULL{{ ";" if loop.last else "\nUNION ALL" }}
{% endfor %}
BEGIN;
{% for table, loaded in {"\"quality\"": "quality_loaded", "object_topics": "topics_loaded"} | items %}
DELETE FROM {{ table }} WHERE "source_key" IN (SELECT "source_key" FROM "quality_loaded");
INSERT INTO {{ table }} SELECT * FROM "{{ loaded }}";
{% endfor %}
COMMIT;
DROP TABLE "topics_loaded";
DROP TABLE "quality_loaded";
DROP TABLE "quality_objects";

{% endif %}
