{# Snowflake: tables, a stage, and loads of new objects. Names in capitals are those that Snowflake reads without
   quotes. The quotes allow reserved words. #}
{% set types = {"text": "VARCHAR", "timestamp": "TIMESTAMP_TZ", "integer": "NUMBER(38, 0)"} %}
{% macro seconds(instant) %}(DATE_PART(EPOCH_MILLISECOND, {{ instant }}) / 1000){% endmacro %}
{% macro instant_of(seconds) %}DATEADD(SECOND, {{ seconds }}, '1970-01-01 00:00:00 +00:00'::TIMESTAMP_TZ){% endmacro %}
{% macro utc_day(instant) %}CAST(CONVERT_TIMEZONE('UTC', {{ instant }}) AS DATE){% endmacro %}
{% macro double(number) %}CAST({{ number }} AS DOUBLE){% endmacro %}
{% macro joined(texts) %}LISTAGG({{ texts }}, ', ') WITHIN GROUP (ORDER BY {{ texts }}){% endmacro %}

{# The key of the object of a row, in the usual place or in partial/. #}
{% macro key(objects, partial) %}
REGEXP_SUBSTR("FILE", {{ ("(" ~ objects.key_pattern ~ "|" ~ partial.key_pattern ~ ")") | text }})
{%- endmacro %}

{# The time of the run in a key, as a text. #}
{% macro run_time(key, moments) %}
{% for moment in moments %}REGEXP_REPLACE({% endfor %}{{ key }}
{%- for moment in moments %}, {{ moment.pattern | text }}, {{ moment.time | replace("$", "\\") | text }}){% endfor %}
{%- endmacro %}

{# A text like 2026-11-24T03:00:00+0000 as an instant. #}
{% macro instant(text) %}
TO_TIMESTAMP_TZ({{ text }}, 'YYYY-MM-DD"T"HH24:MI:SSTZHTZM')
{%- endmacro %}

{# The staged values, of each object's last state, with the object's key. #}
{% macro newest(table, objects, partial) %}
(SELECT {{ key(objects, partial) }} AS "SOURCE_KEY", "OBJECT" FROM "{{ table }}_STAGED" QUALIFY RANK() OVER (PARTITION BY "FILE" ORDER BY "MODIFIED" DESC) = 1) o
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

{% macro copy(table, objects, partial, strip, on_error) %}
-- Loaded objects are skipped; one that a repeated run replaced is loaded again.
COPY INTO "{{ table }}_STAGED"
FROM (
    SELECT METADATA$FILENAME, METADATA$FILE_LAST_MODIFIED, $1
    FROM @"COLLECTED"
)
PATTERN = {{ ("(" ~ objects.path_pattern ~ "|" ~ partial.path_pattern ~ ")") | text }}
FILE_FORMAT = (TYPE = JSON STRIP_OUTER_ARRAY = {{ strip }})
ON_ERROR = {{ on_error }};

{% endmacro %}

{# The rows of an object replace those of its last load. #}
{% macro replace_rows(table, staged, objects, partial) %}
DELETE FROM {{ table }} WHERE "SOURCE_KEY" IN (SELECT {{ key(objects, partial) }} FROM "{{ staged }}_STAGED");
INSERT INTO {{ table }}
{{ caller() | trim }};
{% endmacro %}

-- Tested on fakesnow 0.12, where each table and view has the rows that it has in DuckDB.
-- Only parsed: CREATE STAGE, COPY INTO.

{% for model in models %}
-- The records of all objects. The view {{ model.name }} has each topic of a time once.
CREATE TABLE IF NOT EXISTS {{ model.name }}_rows (
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

-- Each topic of each object. The view topic_runs has those of a run.
CREATE TABLE IF NOT EXISTS object_topics (
    model VARCHAR NOT NULL,
    job VARCHAR NOT NULL,
    time TIMESTAMP_TZ NOT NULL,
    topic VARCHAR NOT NULL,
    user_id VARCHAR,
    asked_at TIMESTAMP_TZ,
    records NUMBER(38, 0) NOT NULL,
    failure_kind VARCHAR,
    failure_code NUMBER(38, 0),
    failure_message VARCHAR,
    gap_likely BOOLEAN,
    object_key VARCHAR,
    source_key VARCHAR NOT NULL
);

{{ stage("QUALITY", quality.objects.root) -}}
{% endif %}
{% include "views.sql" %}
{% for model in models %}
{% set staged = model.name | upper %}
{{ copy(staged, model.objects, model.partial, "FALSE" if ndjson else "TRUE", "ABORT_STATEMENT") -}}
BEGIN TRANSACTION;
{% call replace_rows(model.name ~ "_rows", staged, model.objects, model.partial) %}
SELECT
    {% for field in model.fields %}
    {% if field.type == "timestamp" %}
    {{ instant('o."OBJECT":"' ~ field.name ~ '"::VARCHAR') }},
    {% else %}
    o."OBJECT":"{{ field.name }}"::{{ types[field.type] }},
    {% endif %}
    {% endfor %}
    {{ instant(run_time('o."SOURCE_KEY"', [model.moment, model.partial_moment])) }},
    o."SOURCE_KEY"
FROM {{ newest(staged, model.objects, model.partial) }}
{% endcall %}
DELETE FROM "{{ staged }}_STAGED";
COMMIT;

{% endfor %}
{% if quality %}
{% set partial = quality.partial %}
{% macro text_at(path) %}o."OBJECT":{{ path }}::VARCHAR{% endmacro %}
{% set time = text_at('"time"') ~ "::TIMESTAMP_TZ" %}
{% set read %}
{{ newest("QUALITY", quality.objects, partial) }}
{%- endset %}
-- A quality object that cannot be read is skipped: the meaning of its records' defaults is then unknown.
{{ copy("QUALITY", quality.objects, partial, "FALSE", "SKIP_FILE") -}}
BEGIN TRANSACTION;
{% call replace_rows("\"QUALITY\"", "QUALITY", quality.objects, partial) %}
SELECT *
FROM (
    SELECT {{ text_at('"model"') }}, 'stored', o."OBJECT":"counts":"records"::NUMBER, {{ text_at('"object"') }}, NULL, NULL, NULL, NULL, {{ time }}, o."SOURCE_KEY"
    FROM {{ read }}
    UNION ALL
    SELECT {{ text_at('"model"') }}, 'defaulted', 1, {{ text_at('"object"') }}, c.VALUE:"id"::VARCHAR, f.KEY, r.KEY, NULL, {{ time }}, o."SOURCE_KEY"
    FROM {{ read }},
        LATERAL FLATTEN(INPUT => o."OBJECT":"defaulted") f,
        LATERAL FLATTEN(INPUT => f.VALUE) r,
        LATERAL FLATTEN(INPUT => r.VALUE) c
    UNION ALL
    SELECT {{ text_at('"model"') }}, 'rejected', 1, {{ text_at('"object"') }}, NULL, NULL, c.VALUE:"reason"::VARCHAR, c.VALUE:"topic"::VARCHAR, {{ time }}, o."SOURCE_KEY"
    FROM {{ read }},
        LATERAL FLATTEN(INPUT => o."OBJECT":"rejected") c
    {% for outcome in ["defaulted", "rejected"] %}
    UNION ALL
    SELECT {{ text_at('"model"') }}, '{{ outcome }}', o."OBJECT":"not_listed":"{{ outcome }}"::NUMBER, {{ text_at('"object"') }}, NULL, NULL, 'not listed', NULL, {{ time }}, o."SOURCE_KEY"
    FROM {{ read }}
    WHERE o."OBJECT":"not_listed":"{{ outcome }}"::NUMBER > 0
    {% endfor %}
) q ("MODEL", "OUTCOME", "CASES", "OBJECT_KEY", "RECORD_ID", "FIELD", "REASON", "TOPIC", "COLLECTED_AT", "SOURCE_KEY")
WHERE "MODEL" IS NOT NULL AND "COLLECTED_AT" IS NOT NULL
{% endcall %}
-- Objects of earlier versions list only the failed topics.
{% call replace_rows("object_topics", "QUALITY", quality.objects, partial) %}
SELECT
    {{ text_at('"model"') }},
    COALESCE({{ text_at('"job"') }}, CASE {{ text_at('"model"') }} WHEN 'media_hashtag' THEN 'hashtag' ELSE 'brand_media' END),
    {{ time }},
    t.VALUE:"topic"::VARCHAR,
    t.VALUE:"user_id"::VARCHAR,
    TRY_CAST(t.VALUE:"asked_at"::VARCHAR AS TIMESTAMP_TZ),
    COALESCE(t.VALUE:"records"::NUMBER, 0),
    t.VALUE:"kind"::VARCHAR,
    t.VALUE:"code"::NUMBER,
    t.VALUE:"message"::VARCHAR,
    t.VALUE:"gap_likely"::BOOLEAN,
    {{ text_at('"object"') }},
    o."SOURCE_KEY"
FROM {{ read }},
    LATERAL FLATTEN(INPUT => COALESCE(o."OBJECT":"failed_topics", o."OBJECT":"topics")) t
WHERE {{ text_at('"model"') }} IS NOT NULL AND {{ text_at('"time"') }} IS NOT NULL AND t.VALUE:"topic"::VARCHAR IS NOT NULL
{% endcall %}
DELETE FROM "QUALITY_STAGED";
COMMIT;

{% endif %}
