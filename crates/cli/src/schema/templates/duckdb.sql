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

{# The time of a key, or its day. #}
{% macro from_key(key, objects, part) %}
regexp_replace(regexp_replace({{ key }}, {{ objects.moment.pattern | text }}, {{ objects.moment[part] | replace("$", "\\") | text }}), {{ objects.partial_moment.pattern | text }}, {{ objects.partial_moment[part] | replace("$", "\\") | text }})
{%- endmacro %}

{# The objects that are new since the last load, or that were replaced. If there are none, no rows are read: read_blob and
   read_json fail on an empty list. #}
{% macro new(places) %}
-- The objects that were not loaded yet, and those that were replaced since.
SET VARIABLE paths = (SELECT list(file) FROM (FROM glob({{ places.objects.glob | text }}) UNION ALL FROM glob({{ places.partial.glob | text }})));
CREATE OR REPLACE TEMPORARY TABLE new_objects AS
SELECT o.*, CAST({{ from_key("source_key", places, "day") }} AS DATE) AS day
FROM (
    SELECT {{ key(places.objects, places.partial) }} AS source_key, "filename", size, last_modified
    FROM query(CASE WHEN getvariable('paths') IS NULL
        THEN 'SELECT '''' AS filename, 0 AS size, now() AS last_modified LIMIT 0'
        ELSE 'SELECT filename, size, last_modified FROM read_blob(getvariable(''paths''))' END)
) o
WHERE (source_key, size, last_modified) NOT IN (SELECT (source_key, size, last_modified) FROM loaded_objects);
SET VARIABLE paths = (SELECT list("filename") FROM new_objects);
{% endmacro %}

{% macro note_loaded() %}
INSERT OR REPLACE INTO loaded_objects SELECT source_key, size, last_modified, day, FALSE FROM new_objects;
COMMIT;
DROP TABLE new_objects;
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

{% macro parquet(table) %}{{ (root ~ "/parquet/rows_of=" ~ table ~ "/*/*.parquet") | text }}{% endmacro %}
{# The rows of finished days, for objects whose Parquet is not loaded yet. #}
{% macro read_compacted(table, columns) %}
DELETE FROM {{ table }} WHERE source_key IN (SELECT source_key FROM compacted_objects);
INSERT INTO {{ table }} FROM query(CASE WHEN getvariable('paths') IS NULL THEN 'FROM {{ table }} LIMIT 0' ELSE $rows$
    SELECT {{ columns }} FROM read_parquet({{ parquet(table) }}) WHERE source_key IN (SELECT source_key FROM compacted_objects)
$rows$ END);
{% endmacro %}
{% set quality_columns = "model, outcome, cases, object_key, record_id, field, reason, topic, collected_at, source_key" %}
{% set topic_columns = "model, job, time, topic, user_id, asked_at, records, failure_kind, failure_code, failure_message, gap_likely, object_key, source_key" %}
{% macro columns_of(model) %}{% for field in model.fields %}{{ field.name | ident }}, {% endfor %}collected_at, source_key{% endmacro %}
{% if compaction %}
-- Turns the finished days of a loaded database into Parquet, below {{ root }}/parquet. The JSON objects stay. A day with
-- new objects since then, such as a repair, is written again by the next compaction. A day that is not over is skipped.
SET threads = 1;
SET preserve_insertion_order = FALSE;
SET memory_limit = '400MB';
CREATE OR REPLACE TEMPORARY TABLE days_to_compact AS
SELECT DISTINCT day FROM loaded_objects WHERE NOT compacted AND day < CAST(timezone('UTC', now()) AS DATE);
{% macro compact(table, columns) %}
COPY (
    SELECT {{ columns }}, day, '{{ table }}' AS rows_of
    FROM {{ table }}
    JOIN (SELECT source_key AS loaded_key, day FROM loaded_objects) ON loaded_key = source_key
    WHERE day IN (FROM days_to_compact)
) TO {{ (root ~ "/parquet") | text }} (FORMAT parquet, COMPRESSION zstd, PARTITION_BY (rows_of, day), OVERWRITE_OR_IGNORE TRUE, FILENAME_PATTERN 'rows');
{% endmacro %}
{% for model in compaction %}
{{ compact(model.name ~ "_rows", columns_of(model)) -}}
{% endfor %}
{{ compact("quality", quality_columns) -}}
{{ compact("object_topics", topic_columns) -}}
-- The list of the objects comes last: without it, a day is not read from Parquet.
COPY (
    SELECT source_key, size, last_modified, day, 'loaded_objects' AS rows_of FROM loaded_objects WHERE day IN (FROM days_to_compact)
) TO {{ (root ~ "/parquet") | text }} (FORMAT parquet, PARTITION_BY (rows_of, day), OVERWRITE_OR_IGNORE TRUE, FILENAME_PATTERN 'rows');
UPDATE loaded_objects SET compacted = TRUE WHERE day IN (FROM days_to_compact);
SELECT
    day,
    count(*) AS objects,
    CASE WHEN day IN (FROM days_to_compact) THEN 'compacted' WHEN bool_and(compacted) THEN 'compacted before' ELSE 'not over yet' END AS state
FROM loaded_objects
GROUP BY day
ORDER BY day;
RESET memory_limit;
RESET preserve_insertion_order;
RESET threads;
{% endif %}
{% if models or quality %}
-- The loaded objects. `compacted` is true if the object is also in the Parquet of its day.
CREATE TABLE IF NOT EXISTS loaded_objects (
    source_key VARCHAR PRIMARY KEY,
    size BIGINT NOT NULL,
    last_modified TIMESTAMPTZ NOT NULL,
    day DATE NOT NULL,
    compacted BOOLEAN NOT NULL
);
{% endif %}

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
{% if models or quality %}
-- A load of a month fits into this memory.
SET preserve_insertion_order = FALSE;
SET memory_limit = '400MB';
{% endif %}
{% if models and quality %}
-- Finished days that `luxury-brands schema compaction` turned into Parquet are read from there.
SET VARIABLE paths = (SELECT list(file) FROM glob({{ parquet("loaded_objects") }}));
CREATE OR REPLACE TEMPORARY TABLE compacted_objects AS
SELECT c.*
FROM query(CASE WHEN getvariable('paths') IS NULL
    THEN 'SELECT source_key, size, last_modified, day FROM loaded_objects LIMIT 0'
    ELSE 'SELECT source_key, size, last_modified, day FROM read_parquet(getvariable(''paths''))' END) c
LEFT JOIN loaded_objects l ON l.source_key = c.source_key
WHERE l.source_key IS NULL OR (NOT l.compacted AND l.last_modified <= c.last_modified);
BEGIN TRANSACTION;
{% for model in models %}
{{ read_compacted(model.name ~ "_rows", columns_of(model)) -}}
{% endfor %}
{{ read_compacted("quality", quality_columns) -}}
{{ read_compacted("object_topics", topic_columns) -}}
INSERT OR REPLACE INTO loaded_objects SELECT source_key, size, last_modified, day, TRUE FROM compacted_objects;
COMMIT;
DROP TABLE compacted_objects;
{% endif %}
{% for model in models %}
{{ new(model) }}
BEGIN TRANSACTION;
{% call insert(model.name ~ "_rows") %}
    SELECT
        {% for field in model.fields %}
        {{ field.name | ident }},
        {% endfor %}
        CAST({{ from_key(key(model.objects, model.partial), model, "time") }} AS TIMESTAMPTZ) AS "collected_at",
        {{ key(model.objects, model.partial) }} AS "source_key"
    FROM {% call read_json("newline_delimited" if ndjson else "array", "") %}
                {% for field in model.fields %}
                {{ field.name | text }}: '{{ types[field.type] }}'{{ "" if loop.last else "," }}
                {% endfor %}
    {% endcall %}
{% endcall %}
{{ note_loaded() }}
{% endfor %}
{% if quality %}
{{ new(quality) }}
-- A quality object that cannot be read is skipped: the meaning of its records' defaults is then unknown.
CREATE OR REPLACE TEMPORARY TABLE quality_read AS FROM query(CASE WHEN getvariable('paths') IS NULL THEN 'SELECT NULL LIMIT 0' ELSE $objects$
    SELECT {{ key(quality.objects, quality.partial) }} AS source_key, *
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
-- Objects of earlier versions list only the failed topics.
{% call insert("object_topics") %}
    SELECT
        o.model,
        COALESCE(o.job, CASE o.model WHEN 'media_hashtag' THEN 'hashtag' ELSE 'brand_media' END),
        o.time,
        t.topic.topic,
        t.topic.user_id,
        TRY_CAST(t.topic.asked_at AS TIMESTAMPTZ),
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
{{ note_loaded() }}DROP TABLE quality_read;
{% endif %}
{% if models or quality %}
RESET memory_limit;
RESET preserve_insertion_order;
{% endif %}
