{# Redshift: tables, external tables of Spectrum, and the load of a day.

   COPY does not give a row the object that it is from, and reads an array as one row. Spectrum gives it ("$path"), and
   reads each element of the array. The quality objects are maps within maps. Spectrum does not read these, so COPY does.

   VARCHAR counts bytes and has 256 by default. A longer caption would end the load. #}
{% set types = {"text": "VARCHAR(65535)", "timestamp": "TIMESTAMPTZ", "integer": "BIGINT"} %}
{% macro seconds(instant) %}EXTRACT(EPOCH FROM {{ instant }}){% endmacro %}
{% macro instant_of(seconds) %}(TIMESTAMPTZ 'epoch' + ({{ seconds }}) * INTERVAL '1 second'){% endmacro %}
{% macro utc_day(instant) %}CAST({{ instant }} AT TIME ZONE 'UTC' AS DATE){% endmacro %}
{% macro double(number) %}CAST({{ number }} AS DOUBLE PRECISION){% endmacro %}
{% macro joined(texts) %}LISTAGG({{ texts }}, ', ') WITHIN GROUP (ORDER BY {{ texts }}){% endmacro %}

{# The key of the object of a row. #}
{% macro key(objects) %}
REGEXP_SUBSTR("$path", {{ objects.key_pattern | text }})
{%- endmacro %}

{% for model in models %}
{% set objects = model.objects %}
CREATE TABLE IF NOT EXISTS "{{ model.name }}" (
    {% for field in model.fields %}
    {{ field.name | ident }} {{ types[field.type] }}{{ "" if field.nullable else " NOT NULL" }},
    {% endfor %}
    "collected_at" TIMESTAMPTZ NOT NULL,
    "source_key" VARCHAR(65535) NOT NULL
);

CREATE EXTERNAL SCHEMA IF NOT EXISTS "collected" FROM DATA CATALOG DATABASE 'collected' IAM_ROLE default CREATE EXTERNAL DATABASE IF NOT EXISTS;

{# Spectrum reads no timestamp with such an offset: the load converts the text. #}
-- Once: this statement has no IF NOT EXISTS.
CREATE EXTERNAL TABLE "collected"."{{ model.name }}_objects" (
    {% for field in model.fields %}
    {{ field.name | ident }} {{ "BIGINT" if field.type == "integer" else "VARCHAR(65535)" }}{{ "" if loop.last else "," }}
    {% endfor %}
)
{% if objects.partition %}
PARTITIONED BY ("ymd" VARCHAR(64))
{% endif %}
ROW FORMAT SERDE 'org.openx.data.jsonserde.JsonSerDe'
{% if not ndjson %}
WITH SERDEPROPERTIES ('strip.outer.array' = 'true')
{% endif %}
STORED AS TEXTFILE
LOCATION {{ objects.folder | text }};

{% endfor %}
{% if quality %}
CREATE TABLE IF NOT EXISTS "quality" (
    "model" VARCHAR(65535) NOT NULL,
    "outcome" VARCHAR(65535) NOT NULL,
    "cases" BIGINT NOT NULL,
    "object_key" VARCHAR(65535),
    "record_id" VARCHAR(65535),
    "field" VARCHAR(65535),
    "reason" VARCHAR(65535),
    "topic" VARCHAR(65535),
    "collected_at" TIMESTAMPTZ NOT NULL,
    "source_key" VARCHAR(65535) NOT NULL
);

{% endif %}
{% include "views.sql" %}
{% for model in models %}
{% set objects = model.objects %}
{% set of_day = "WHERE \"ymd\" = 'YYYY-MM-DD'" if objects.partition else "" %}
-- The objects of one day.
{% if objects.partition %}
ALTER TABLE "collected"."{{ model.name }}_objects" ADD IF NOT EXISTS PARTITION ("ymd" = 'YYYY-MM-DD') LOCATION {{ objects.partition.path | replace("${ymd}", "YYYY-MM-DD") | text }};
{% endif %}
BEGIN;
DELETE FROM "{{ model.name }}" WHERE "source_key" IN (SELECT {{ key(objects) }} FROM "collected"."{{ model.name }}_objects"{{ " " ~ of_day if of_day }});
INSERT INTO "{{ model.name }}"
SELECT
    {% for field in model.fields %}
    {{ field.name | ident }}{{ "::TIMESTAMPTZ" if field.type == "timestamp" }},
    {% endfor %}
    REGEXP_REPLACE({{ key(objects) }}, {{ model.moment.pattern | text }}, {{ model.moment.time | text }})::TIMESTAMPTZ AS "collected_at",
    {{ key(objects) }} AS "source_key"
FROM "collected"."{{ model.name }}_objects"{{ "\n" ~ of_day if of_day }};
COMMIT;

{% endfor %}
{% if quality %}
{# The key of a quality object: the key of its records, or the model and time if none were stored. #}
{% set key %}
COALESCE(o."object"."object"::VARCHAR, o."object"."model"::VARCHAR || ' ' || o."object"."time"::VARCHAR)
{%- endset %}
-- The quality objects of one day.
CREATE TEMPORARY TABLE "quality_objects" ("object" SUPER);
{% for model in ["brand", "media", "media_hashtag"] %}
COPY "quality_objects" FROM {{ (quality.root ~ "/quality/" ~ model ~ "_YYYY-MM-DD/") | text }} IAM_ROLE default FORMAT JSON 'noshred';
{% endfor %}
BEGIN;
DELETE FROM "quality" WHERE "source_key" IN (SELECT {{ key }} FROM "quality_objects" o);
INSERT INTO "quality"
SELECT o."object"."model"::VARCHAR, 'stored', o."object"."counts"."records"::BIGINT, o."object"."object"::VARCHAR, NULL, NULL, NULL, NULL, o."object"."time"::VARCHAR::TIMESTAMPTZ, {{ key }}
FROM "quality_objects" o
UNION ALL
SELECT o."object"."model"::VARCHAR, 'defaulted', 1, o."object"."object"::VARCHAR, c."id"::VARCHAR, "field"::VARCHAR, "reason"::VARCHAR, NULL, o."object"."time"::VARCHAR::TIMESTAMPTZ, {{ key }}
FROM "quality_objects" o,
    UNPIVOT o."object"."defaulted" AS f AT "field",
    UNPIVOT f AS r AT "reason",
    r AS c
UNION ALL
SELECT o."object"."model"::VARCHAR, 'rejected', 1, o."object"."object"::VARCHAR, NULL, NULL, c."reason"::VARCHAR, c."topic"::VARCHAR, o."object"."time"::VARCHAR::TIMESTAMPTZ, {{ key }}
FROM "quality_objects" o,
    o."object"."rejected" AS c
UNION ALL
SELECT o."object"."model"::VARCHAR, 'defaulted', o."object"."not_listed"."defaulted"::BIGINT, o."object"."object"::VARCHAR, NULL, NULL, 'not listed', NULL, o."object"."time"::VARCHAR::TIMESTAMPTZ, {{ key }}
FROM "quality_objects" o
WHERE o."object"."not_listed"."defaulted"::BIGINT > 0
UNION ALL
SELECT o."object"."model"::VARCHAR, 'rejected', o."object"."not_listed"."rejected"::BIGINT, o."object"."object"::VARCHAR, NULL, NULL, 'not listed', NULL, o."object"."time"::VARCHAR::TIMESTAMPTZ, {{ key }}
FROM "quality_objects" o
WHERE o."object"."not_listed"."rejected"::BIGINT > 0;
COMMIT;
DROP TABLE "quality_objects";

{% endif %}
