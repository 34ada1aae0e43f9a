{# Snowflake: tables, a stage, and loads of what is new. Names in capitals are those that Snowflake takes without
   quotes. The quotes allow reserved words. #}
{% set types = {"text": "VARCHAR", "timestamp": "TIMESTAMP_TZ", "integer": "NUMBER(38, 0)"} %}
{% macro seconds(instant) %}(DATE_PART(EPOCH_MILLISECOND, {{ instant }}) / 1000){% endmacro %}
{% macro instant_of(seconds) %}TO_TIMESTAMP_TZ(TO_TIMESTAMP_NTZ({{ seconds }})){% endmacro %}
{% macro utc_day(instant) %}CAST(CONVERT_TIMEZONE('UTC', {{ instant }}) AS DATE){% endmacro %}
{% macro double(number) %}CAST({{ number }} AS DOUBLE){% endmacro %}
{% macro joined(texts) %}LISTAGG({{ texts }}, ', ') WITHIN GROUP (ORDER BY {{ texts }}){% endmacro %}

{# The key of the object of a row. #}
{% macro key(objects) %}
REGEXP_SUBSTR(o."FILE", {{ objects.key_pattern | text }})
{%- endmacro %}

{# The time of the run in the key, as a text. #}
{% macro run_time(model) %}
REGEXP_REPLACE({{ key(model.objects) }}, {{ model.moment.pattern | text }}, {{ model.moment.time | replace("$", "\\") | text }})
{%- endmacro %}

{# A text like 2026-11-24T03:00:00+0000 as an instant. #}
{% macro instant(text) %}
TO_TIMESTAMP_TZ({{ text }}, 'YYYY-MM-DD"T"HH24:MI:SSTZHTZM')
{%- endmacro %}

{# The staged rows, of each object's last state. #}
{% macro newest(table) %}
(SELECT * FROM "{{ table }}_STAGED" QUALIFY RANK() OVER (PARTITION BY "FILE" ORDER BY "MODIFIED" DESC) = 1) o
{%- endmacro %}

{% macro stage(table, root) %}
CREATE TABLE IF NOT EXISTS "{{ table }}_STAGED" (
    "FILE" VARCHAR NOT NULL,
    "MODIFIED" TIMESTAMP_NTZ NOT NULL,
    "OBJECT" VARIANT NOT NULL
);

-- INTEGRATION is yours: it says which role reads the bucket.
CREATE STAGE IF NOT EXISTS "COLLECTED" URL = {{ (root ~ "/") | text }} STORAGE_INTEGRATION = INTEGRATION;

{% endmacro %}

{% macro load(table, objects, strip) %}
-- Objects that were loaded are passed over; one that a repeated run replaced is loaded again.
COPY INTO "{{ table }}_STAGED"
FROM (
    SELECT METADATA$FILENAME, METADATA$FILE_LAST_MODIFIED, $1
    FROM @"COLLECTED"
)
PATTERN = {{ objects.path_pattern | text }}
FILE_FORMAT = (TYPE = JSON STRIP_OUTER_ARRAY = {{ strip }})
ON_ERROR = ABORT_STATEMENT;

-- The rows of an object replace those of its last load.
BEGIN TRANSACTION;
DELETE FROM "{{ table }}" WHERE "SOURCE_KEY" IN (SELECT {{ key(objects) }} FROM "{{ table }}_STAGED" o);
INSERT INTO "{{ table }}"
{{ caller() | trim }};
DELETE FROM "{{ table }}_STAGED";
COMMIT;

{% endmacro %}

{% for model in models %}
CREATE TABLE IF NOT EXISTS {{ model.name | ident }} (
    {% for field in model.fields %}
    {{ field.name | ident }} {{ types[field.type] }}{{ "" if field.nullable else " NOT NULL" }},
    {% endfor %}
    "COLLECTED_AT" TIMESTAMP_TZ NOT NULL,
    "SOURCE_KEY" VARCHAR NOT NULL
);

{{ stage(model.name | upper, model.objects.root) -}}
{% endfor %}
{% if quality %}
CREATE TABLE IF NOT EXISTS "QUALITY" (
    "MODEL" VARCHAR NOT NULL,
    "OUTCOME" VARCHAR NOT NULL,
    "CASES" NUMBER(38, 0) NOT NULL,
    "OBJECT_KEY" VARCHAR,
    "RECORD_ID" VARCHAR,
    "FIELD" VARCHAR,
    "REASON" VARCHAR,
    "TOPIC" VARCHAR,
    "COLLECTED_AT" TIMESTAMP_TZ NOT NULL,
    "SOURCE_KEY" VARCHAR NOT NULL
);

{{ stage("QUALITY", quality.root) -}}
{% endif %}
{% include "views.sql" %}
{% for model in models %}
{% set objects = model.objects %}
{% call load(model.name | upper, objects, "FALSE" if ndjson else "TRUE") %}
SELECT
    {% for field in model.fields %}
    {% if field.type == "timestamp" %}
    {{ instant('o."OBJECT":"' ~ field.name ~ '"::VARCHAR') }},
    {% else %}
    o."OBJECT":"{{ field.name }}"::{{ types[field.type] }},
    {% endif %}
    {% endfor %}
    {{ instant(run_time(model)) }},
    {{ key(objects) }}
FROM {{ newest(model.name | upper) }}
{% endcall %}
{% endfor %}
{% if quality %}
{% call load("QUALITY", quality, "FALSE") %}
{% set time = "TO_TIMESTAMP_TZ(o.\"OBJECT\":\"time\"::VARCHAR)" %}
SELECT o."OBJECT":"model"::VARCHAR, 'stored', o."OBJECT":"counts":"records"::NUMBER, o."OBJECT":"object"::VARCHAR, NULL, NULL, NULL, NULL, {{ time }}, {{ key(quality) }}
FROM {{ newest("QUALITY") }}
UNION ALL
SELECT o."OBJECT":"model"::VARCHAR, 'defaulted', 1, o."OBJECT":"object"::VARCHAR, c.VALUE:"id"::VARCHAR, f.KEY, r.KEY, NULL, {{ time }}, {{ key(quality) }}
FROM {{ newest("QUALITY") }},
    LATERAL FLATTEN(INPUT => o."OBJECT":"defaulted") f,
    LATERAL FLATTEN(INPUT => f.VALUE) r,
    LATERAL FLATTEN(INPUT => r.VALUE) c
UNION ALL
SELECT o."OBJECT":"model"::VARCHAR, 'rejected', 1, o."OBJECT":"object"::VARCHAR, NULL, NULL, c.VALUE:"reason"::VARCHAR, c.VALUE:"topic"::VARCHAR, {{ time }}, {{ key(quality) }}
FROM {{ newest("QUALITY") }},
    LATERAL FLATTEN(INPUT => o."OBJECT":"rejected") c
UNION ALL
SELECT o."OBJECT":"model"::VARCHAR, 'defaulted', o."OBJECT":"not_listed":"defaulted"::NUMBER, o."OBJECT":"object"::VARCHAR, NULL, NULL, 'not listed', NULL, {{ time }}, {{ key(quality) }}
FROM {{ newest("QUALITY") }}
WHERE o."OBJECT":"not_listed":"defaulted"::NUMBER > 0
UNION ALL
SELECT o."OBJECT":"model"::VARCHAR, 'rejected', o."OBJECT":"not_listed":"rejected"::NUMBER, o."OBJECT":"object"::VARCHAR, NULL, NULL, 'not listed', NULL, {{ time }}, {{ key(quality) }}
FROM {{ newest("QUALITY") }}
WHERE o."OBJECT":"not_listed":"rejected"::NUMBER > 0
{% endcall %}
{% endif %}
