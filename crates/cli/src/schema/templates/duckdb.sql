{# DuckDB: tables, the views over them, and loads by read_json. #}
{% set types = {"text": "VARCHAR", "timestamp": "TIMESTAMPTZ", "integer": "BIGINT"} %}
{% macro seconds(instant) %}epoch({{ instant }}){% endmacro %}
{% macro instant_of(seconds) %}to_timestamp({{ seconds }}){% endmacro %}
{% macro utc_day(instant) %}CAST(timezone('UTC', {{ instant }}) AS DATE){% endmacro %}
{% macro double(number) %}CAST({{ number }} AS DOUBLE){% endmacro %}
{% macro joined(texts) %}string_agg({{ texts }}, ', ' ORDER BY {{ texts }}){% endmacro %}

{# The key of the object of a row, in the usual place or in partial/. #}
{% macro key(objects, partial) %}
regexp_extract("filename", '({{ objects.key_pattern | replace("'", "''") }}|{{ partial.key_pattern | replace("'", "''") }})')
{%- endmacro %}

{# Reads the objects that are new since the last load, or that were replaced. If there are none, no rows are read:
   read_json fails on an empty list. #}
{% macro new(table, objects, partial) %}
-- The objects that were not loaded yet, and those that were replaced since.
SET VARIABLE paths = (SELECT list(file) FROM (FROM glob({{ objects.glob | text }}) UNION ALL FROM glob({{ partial.glob | text }})));
CREATE OR REPLACE TEMPORARY TABLE new_objects AS
SELECT {{ key(objects, partial) }} AS source_key, "filename", size, last_modified
FROM query(CASE WHEN getvariable('paths') IS NULL
    THEN 'SELECT '''' AS filename, 0 AS size, now() AS last_modified LIMIT 0'
    ELSE 'SELECT filename, size, last_modified FROM read_blob(getvariable(''paths''))' END)
WHERE ("filename", size, last_modified) NOT IN (SELECT (path, size, last_modified) FROM loaded_objects);
SET VARIABLE paths = (SELECT list("filename") FROM new_objects);
{% endmacro %}

{% macro read_json(format, extra) %}
read_json(
            getvariable('paths'),
            filename = true,
            format = '{{ format }}',
            timestampformat = '%Y-%m-%dT%H:%M:%S%z',
            columns = {
                {{ caller() | trim }}
            }{{ extra }}
        )
{%- endmacro %}

{% macro insert(table) %}
DELETE FROM {{ table }} WHERE source_key IN (SELECT source_key FROM new_objects);
INSERT INTO {{ table }} FROM query(CASE WHEN getvariable('paths') IS NULL THEN 'FROM {{ table }} LIMIT 0' ELSE $objects$
    {{ caller() | trim }}
$objects$ END);
{% endmacro %}

CREATE TABLE IF NOT EXISTS loaded_objects (path VARCHAR PRIMARY KEY, size BIGINT NOT NULL, last_modified TIMESTAMPTZ NOT NULL);

{% for model in models %}
-- The records of all objects. The view "{{ model.name }}" has each topic of a time once.
CREATE TABLE IF NOT EXISTS {{ model.name }}_rows (
    {% for field in model.fields %}
    {{ field.name | ident }} {{ types[field.type] }}{{ "" if field.nullable else " NOT NULL" }},
    {% endfor %}
    "collected_at" TIMESTAMPTZ NOT NULL,
    "source_key" VARCHAR NOT NULL
);

{% endfor %}
{% if quality %}
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

-- Each topic of each object. The view "topic_runs" has those of a run.
CREATE TABLE IF NOT EXISTS object_topics (
    model VARCHAR NOT NULL,
    job VARCHAR NOT NULL,
    time TIMESTAMPTZ NOT NULL,
    topic VARCHAR NOT NULL,
    user_id VARCHAR,
    asked_at TIMESTAMPTZ,
    records BIGINT NOT NULL,
    failure_kind VARCHAR,
    failure_code BIGINT,
    failure_message VARCHAR,
    gap_likely BOOLEAN,
    object_key VARCHAR,
    source_key VARCHAR NOT NULL
);

{% endif %}
{% include "views.sql" %}
{% for model in models %}
{{ new(model.name, model.objects, model.partial) }}
BEGIN TRANSACTION;
{% call insert(model.name ~ "_rows") %}
    SELECT
        {% for field in model.fields %}
        {{ field.name | ident }},
        {% endfor %}
        {% set usual, partial = model.moment, model.partial_moment %}
        CAST(regexp_replace(regexp_replace({{ key(model.objects, model.partial) }}, {{ usual.pattern | text }}, {{ usual.time | replace("$", "\\") | text }}), {{ partial.pattern | text }}, {{ partial.time | replace("$", "\\") | text }}) AS TIMESTAMPTZ) AS "collected_at",
        {{ key(model.objects, model.partial) }} AS "source_key"
    FROM {% call read_json("newline_delimited" if ndjson else "array", "") %}
                {% for field in model.fields %}
                {{ field.name | text }}: '{{ types[field.type] }}'{{ "" if loop.last else "," }}
                {% endfor %}
    {% endcall %}
{% endcall %}
INSERT OR REPLACE INTO loaded_objects SELECT "filename", size, last_modified FROM new_objects;
COMMIT;
DROP TABLE new_objects;

{% endfor %}
{% if quality %}
{{ new("quality", quality, quality.partial) }}
-- A quality object that cannot be read is passed over: the meaning of its records' defaults is unknown then.
CREATE OR REPLACE TEMPORARY TABLE quality_read AS FROM query(CASE WHEN getvariable('paths') IS NULL THEN 'SELECT NULL LIMIT 0' ELSE $objects$
    SELECT {{ key(quality, quality.partial) }} AS source_key, *
    FROM {% call read_json("newline_delimited", ",\n            ignore_errors = true") %}
                'model': 'VARCHAR',
                'job': 'VARCHAR',
                'time': 'TIMESTAMPTZ',
                'object': 'VARCHAR',
                'counts': 'STRUCT(records BIGINT)',
                'not_listed': 'STRUCT(defaulted BIGINT, rejected BIGINT)',
                'topics': 'JSON',
                'failed_topics': 'JSON',
                'defaulted': 'MAP(VARCHAR, MAP(VARCHAR, STRUCT(id VARCHAR)[]))',
                'rejected': 'STRUCT(topic VARCHAR, reason VARCHAR)[]'
    {% endcall %}

    WHERE model IS NOT NULL AND time IS NOT NULL
$objects$ END);
BEGIN TRANSACTION;
{% call insert("quality") %}
    FROM (
        SELECT o."model", 'stored', o."counts"."records", o."object", NULL, NULL, NULL, NULL, o."time", o."source_key"
        FROM quality_read o
        UNION ALL
        SELECT o."model", 'defaulted', 1, o."object", c."record"."id", f."field"."key", r."reason"."key", NULL, o."time", o."source_key"
        FROM quality_read o,
            unnest(map_entries(o."defaulted")) f("field"),
            unnest(map_entries(f."field"."value")) r("reason"),
            unnest(r."reason"."value") c("record")
        UNION ALL
        SELECT o."model", 'rejected', 1, o."object", NULL, NULL, c."record"."reason", c."record"."topic", o."time", o."source_key"
        FROM quality_read o,
            unnest(o."rejected") c("record")
        UNION ALL
        SELECT o."model", 'defaulted', o."not_listed"."defaulted", o."object", NULL, NULL, 'not listed', NULL, o."time", o."source_key"
        FROM quality_read o
        WHERE o."not_listed"."defaulted" > 0
        UNION ALL
        SELECT o."model", 'rejected', o."not_listed"."rejected", o."object", NULL, NULL, 'not listed', NULL, o."time", o."source_key"
        FROM quality_read o
        WHERE o."not_listed"."rejected" > 0
    ) q ("model", "outcome", "cases", "object_key", "record_id", "field", "reason", "topic", "collected_at", "source_key")
{% endcall %}
-- Objects of before topics were listed name the failed ones only.
{% call insert("object_topics") %}
    SELECT
        o.model,
        COALESCE(o.job, CASE o.model WHEN 'media_hashtag' THEN 'hashtag' ELSE 'brand_media' END),
        o.time,
        t.topic.topic,
        t.topic.user_id,
        CAST(t.topic.asked_at AS TIMESTAMPTZ),
        COALESCE(t.topic.records, 0),
        t.topic.kind,
        t.topic.code,
        t.topic.message,
        t.topic.gap_likely,
        o.object,
        o.source_key
    FROM quality_read o,
        unnest(json_transform(
            COALESCE(o.failed_topics, o.topics),
            '[{"topic":"VARCHAR","user_id":"VARCHAR","asked_at":"VARCHAR","records":"BIGINT","kind":"VARCHAR","code":"BIGINT","message":"VARCHAR","gap_likely":"BOOLEAN"}]'
        )) t(topic)
    WHERE t.topic.topic IS NOT NULL
{% endcall %}
INSERT OR REPLACE INTO loaded_objects SELECT "filename", size, last_modified FROM new_objects;
COMMIT;
DROP TABLE new_objects;
DROP TABLE quality_read;
{% endif %}
