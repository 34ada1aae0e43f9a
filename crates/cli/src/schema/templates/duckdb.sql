{# DuckDB: tables, the views over them, and loads by read_json. #}
{% set types = {"text": "VARCHAR", "timestamp": "TIMESTAMPTZ", "integer": "BIGINT"} %}

{# The rows of the objects, each with the object's key. #}
{% macro read_json(objects, format) %}
(
        SELECT * REPLACE (regexp_extract("source_key", {{ objects.key_pattern | text }}) AS "source_key")
        FROM read_json(
            {{ objects.glob | text }},
            filename = 'source_key',
            format = '{{ format }}',
            timestampformat = '%Y-%m-%dT%H:%M:%S%z',
            columns = {
                {{ caller() | trim }}
            }
        )
    )
{%- endmacro %}

{% macro load(table, objects) %}
-- read_json fails on a glob without files. If there are none, no rows are read.
SET VARIABLE reading = (SELECT CASE WHEN count(*) > 0 THEN $objects$
    {{ caller() | trim }}
$objects$ ELSE 'FROM "{{ table }}" LIMIT 0' END FROM glob({{ objects.glob | text }}));

-- The rows of an object replace those of its last load.
BEGIN TRANSACTION;
CREATE OR REPLACE TEMPORARY TABLE "{{ table }}_loaded" AS FROM query(getvariable('reading'));
DELETE FROM "{{ table }}" WHERE "source_key" IN (SELECT "source_key" FROM "{{ table }}_loaded");
INSERT INTO "{{ table }}" FROM "{{ table }}_loaded";
DROP TABLE "{{ table }}_loaded";
COMMIT;

{% endmacro %}

{% for model in models %}
CREATE TABLE IF NOT EXISTS "{{ model.name }}" (
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

{% endif %}
{% include "views.sql" %}
{% for model in models %}
{% call load(model.name, model.objects) %}
    SELECT
        {% for field in model.fields %}
        {{ field.name | ident }},
        {% endfor %}
        CAST(regexp_replace("source_key", {{ model.moment.pattern | text }}, {{ model.moment.time | replace("$", "\\") | text }}) AS TIMESTAMPTZ) AS "collected_at",
        "source_key"
    FROM {% call read_json(model.objects, "newline_delimited" if ndjson else "array") %}
                {% for field in model.fields %}
                {{ field.name | text }}: '{{ types[field.type] }}'{{ "" if loop.last else "," }}
                {% endfor %}
    {% endcall %}
{% endcall %}
{% endfor %}
{% if quality %}
{% call load("quality", quality) %}
    WITH o AS MATERIALIZED (FROM {% call read_json(quality, "newline_delimited") %}
                'model': 'VARCHAR',
                'time': 'TIMESTAMPTZ',
                'object': 'VARCHAR',
                'counts': 'STRUCT(records BIGINT)',
                'not_listed': 'STRUCT(defaulted BIGINT, rejected BIGINT)',
                'defaulted': 'MAP(VARCHAR, MAP(VARCHAR, STRUCT(id VARCHAR)[]))',
                'rejected': 'STRUCT(topic VARCHAR, reason VARCHAR)[]'
    {% endcall %})
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
{% endcall %}
{% endif %}
