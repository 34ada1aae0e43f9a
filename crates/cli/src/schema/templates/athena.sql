{# Athena: external tables with partition projection, and views with the types. Nothing is loaded, so nothing can be
   loaded twice.

   Athena has no NOT NULL. The collector itself stores null only in nullable fields. #}
{% set types = {"text": "varchar", "timestamp": "varchar", "integer": "bigint"} %}
{% set partition = "ymd" %}
{% macro seconds(instant) %}to_unixtime({{ instant }}){% endmacro %}
{% macro instant_of(seconds) %}{{ utc("from_unixtime(" ~ seconds ~ ")") }}{% endmacro %}
{% macro utc_day(instant) %}CAST({{ instant }} AS date){% endmacro %}
{% macro double(number) %}CAST({{ number }} AS double){% endmacro %}
{% macro joined(texts) %}array_join(array_agg({{ texts }} ORDER BY {{ texts }}), ', '){% endmacro %}

{# Athena's timestamps have no offset: they are in UTC here. #}
{% macro utc(instant) %}CAST({{ instant }} AT TIME ZONE 'UTC' AS timestamp(3)){% endmacro %}

{# A text like 2026-11-24T03:00:00+0000 as an instant. #}
{% macro instant(text) %}
{{ utc("parse_datetime(" ~ text ~ ", 'yyyy-MM-dd''T''HH:mm:ssZ')") }}
{%- endmacro %}

{# The key of the object of a row. #}
{% macro key(objects) %}
regexp_extract(o."$path", {{ objects.key_pattern | text }})
{%- endmacro %}

{# The time of the run in the key, as an instant. #}
{% macro run_time(objects, moment) %}
{{ instant("regexp_replace(" ~ key(objects) ~ ", " ~ moment.pattern | text ~ ", " ~ moment.time | text ~ ")") }}
{%- endmacro %}

{% macro projection(partition, model) %}
    'projection.ymd.type' = 'date',
    'projection.ymd.format' = {{ partition.format | text }},
    'projection.ymd.interval' = '1',
    'projection.ymd.interval.unit' = '{{ partition.unit }}',
    'projection.ymd.range' = 'NOW-3YEARS,NOW',
    'storage.location.template' = {{ partition.path | replace("${model}", model) | text }}
{%- endmacro %}

{# The view that all others read. The compaction replaces it. #}
{% macro of_json(table, view) %}
CREATE OR REPLACE VIEW {{ view }} AS SELECT * FROM {{ table }}_json;
{% endmacro %}

-- Only parsed: there is no Athena for tests. Spark has read the objects through its external tables.

{% for model in models %}
{% set row = "o" if ndjson else "r" %}
{% set sources = [("objects", model.objects, model.moment), ("partial", model.partial, model.partial_moment)] %}
{% if ndjson %}
-- [common] format = ndjson: one object per line, as Athena's JSON readers need it.
{% else %}
-- Athena's JSON readers need one object per line; with [common] format = array, an object in S3
-- is one line. So the table reads lines as text, and the view splits the array.
{% endif %}
{% for kind, objects, _moment in sources %}
CREATE EXTERNAL TABLE IF NOT EXISTS `{{ model.name }}_{{ kind }}` (
    {% if ndjson %}
    {% for field in model.fields %}
    `{{ field.name }}` {{ "bigint" if field.type == "integer" else "string" }}{{ "" if loop.last else "," }}
    {% endfor %}
    {% else %}
    `line` string
    {% endif %}
)
{% if objects.partition %}
PARTITIONED BY (`ymd` string)
{% endif %}
{% if ndjson %}
ROW FORMAT SERDE 'org.apache.hive.hcatalog.data.JsonSerDe'
{% else %}
ROW FORMAT DELIMITED FIELDS TERMINATED BY '\001' LINES TERMINATED BY '\n'
{% endif %}
STORED AS TEXTFILE
LOCATION {{ objects.folder | text }}
{%- if objects.partition %}

TBLPROPERTIES (
    'projection.enabled' = 'true',
{{ projection(objects.partition, model.name) }}
)
{%- endif %};

{% endfor %}
-- The records of all objects. The view {{ model.name }} has each topic of a time once.
CREATE OR REPLACE VIEW {{ model.name }}_json AS
{% for kind, objects, moment in sources %}
SELECT
    {% for field in model.fields %}
    {% set name = field.name | ident %}
    {% if field.type == "timestamp" %}
    {{ instant(row ~ "." ~ name) }} AS {{ name }},
    {% else %}
    {{ row }}.{{ name }},
    {% endif %}
    {% endfor %}
    {{ run_time(objects, moment) }} AS "collected_at",
    {{ key(objects) }} AS "source_key",
    {{ "o.\"ymd\"" if objects.partition else "format_datetime(" ~ run_time(objects, moment) ~ ", " ~ model.partial.partition.format | text ~ ") AS \"ymd\"" }}
FROM "{{ model.name }}_{{ kind }}" o
{%- if not ndjson %}

CROSS JOIN UNNEST(CAST(json_parse(o."line") AS array(row(
    {% for field in model.fields %}
    {{ field.name | ident }} {{ types[field.type] }}{{ "" if loop.last else "," }}
    {% endfor %}
)))) AS r ({{ model.fields | map(attribute="name") | map("ident") | join(", ") }})
{%- endif %}
{{ ";\n" if loop.last else "\nUNION ALL" }}
{% endfor %}
{{ of_json(model.name, model.name ~ "_rows") }}
{% endfor %}
{% if quality %}
{% set sources = [("objects", quality.objects), ("partial", quality.partial)] %}
{% for kind, objects in sources %}
-- A quality object is one line.
CREATE EXTERNAL TABLE IF NOT EXISTS `quality_{{ kind }}` (
    `line` string
)
PARTITIONED BY (`model` string, `ymd` string)
ROW FORMAT DELIMITED FIELDS TERMINATED BY '\001' LINES TERMINATED BY '\n'
STORED AS TEXTFILE
LOCATION {{ objects.folder | text }}
TBLPROPERTIES (
    'projection.enabled' = 'true',
    'projection.model.type' = 'enum',
    'projection.model.values' = 'brand,media,media_hashtag',
{{ projection(objects.partition, "${model}") }}
);

{% endfor %}
{% macro text_at(path) %}json_extract_scalar(o."line", '$.{{ path }}'){% endmacro %}
{% macro number_at(path) %}CAST({{ text_at(path) }} AS bigint){% endmacro %}
{% set time = utc("from_iso8601_timestamp(" ~ text_at("time") ~ ")") %}
-- A quality object that cannot be read is skipped: the meaning of its records' defaults is then unknown.
CREATE OR REPLACE VIEW "quality_read" AS
{% for kind, objects in sources %}
SELECT o."line", {{ key(objects) }} AS "source_key", o."model", o."ymd"
FROM "quality_{{ kind }}" o
WHERE {{ text_at("time") }} IS NOT NULL{{ ";\n" if loop.last else "\nUNION ALL" }}
{% endfor %}
CREATE OR REPLACE VIEW "quality_json" AS
SELECT *
FROM (
    SELECT o."model", 'stored', {{ number_at("counts.records") }}, {{ text_at("object") }}, NULL, NULL, NULL, NULL, {{ time }}, o."source_key", o."ymd"
    FROM "quality_read" o
    UNION ALL
    SELECT o."model", 'defaulted', 1, {{ text_at("object") }}, c."id", f."field", r."reason", NULL, {{ time }}, o."source_key", o."ymd"
    FROM "quality_read" o
    CROSS JOIN UNNEST(CAST(json_extract(o."line", '$.defaulted') AS map(varchar, map(varchar, array(row("id" varchar)))))) AS f ("field", "reasons")
    CROSS JOIN UNNEST(f."reasons") AS r ("reason", "records")
    CROSS JOIN UNNEST(r."records") AS c ("id")
    UNION ALL
    SELECT o."model", 'rejected', 1, {{ text_at("object") }}, NULL, NULL, c."reason", c."topic", {{ time }}, o."source_key", o."ymd"
    FROM "quality_read" o
    CROSS JOIN UNNEST(CAST(json_extract(o."line", '$.rejected') AS array(row("topic" varchar, "reason" varchar)))) AS c ("topic", "reason")
    {% for outcome in ["defaulted", "rejected"] %}
    UNION ALL
    SELECT o."model", '{{ outcome }}', {{ number_at("not_listed." ~ outcome) }}, {{ text_at("object") }}, NULL, NULL, 'not listed', NULL, {{ time }}, o."source_key", o."ymd"
    FROM "quality_read" o
    WHERE {{ number_at("not_listed." ~ outcome) }} > 0
    {% endfor %}
) AS q ("model", "outcome", "cases", "object_key", "record_id", "field", "reason", "topic", "collected_at", "source_key", "ymd");

{{ of_json("quality", "quality") }}

{# In earlier versions, `topics` is a list of names, which are not objects. #}
-- Each topic of each object. The view topic_runs has those of a run. Objects of earlier versions list only the failed
-- topics.
CREATE OR REPLACE VIEW object_topics_json AS
SELECT
    o."model" AS model,
    COALESCE({{ text_at("job") }}, CASE o."model" WHEN 'media_hashtag' THEN 'hashtag' ELSE 'brand_media' END) AS job,
    {{ time }} AS time,
    json_extract_scalar(t."topic", '$.topic') AS topic,
    json_extract_scalar(t."topic", '$.user_id') AS user_id,
    TRY({{ utc("from_iso8601_timestamp(json_extract_scalar(t.\"topic\", '$.asked_at'))") }}) AS asked_at,
    COALESCE(CAST(json_extract_scalar(t."topic", '$.records') AS bigint), 0) AS records,
    json_extract_scalar(t."topic", '$.kind') AS failure_kind,
    CAST(json_extract_scalar(t."topic", '$.code') AS bigint) AS failure_code,
    json_extract_scalar(t."topic", '$.message') AS failure_message,
    CAST(json_extract_scalar(t."topic", '$.gap_likely') AS boolean) AS gap_likely,
    {{ text_at("object") }} AS object_key,
    o."source_key",
    o."ymd"
FROM "quality_read" o
CROSS JOIN UNNEST(CAST(COALESCE(json_extract(o."line", '$.failed_topics'), json_extract(o."line", '$.topics')) AS array(json))) AS t ("topic")
WHERE json_extract_scalar(t."topic", '$.topic') IS NOT NULL;

{{ of_json("object_topics", "object_topics") }}

{% endif %}
{% include "views.sql" %}
{% if compaction and compaction[0].partial.partition.unit != "DAYS" %}
-- With this [common] ymd, a day has more than one folder: there is no compaction.
{% elif compaction %}
{% set format = compaction[0].partial.partition.format %}
{# The days since some time ago, in the form of `ymd`. A join with them reads only these days. #}
{% macro days(ago, last) %}
SELECT format_datetime(CAST(t.day AS timestamp), {{ format | text }}) AS "ymd" FROM UNNEST(sequence(current_date - INTERVAL {{ ago }}, {{ last }}, INTERVAL '1' DAY)) AS t (day)
{%- endmacro %}

{% macro compact(table, view, columns) %}
CREATE TABLE IF NOT EXISTS `{{ table }}_parquet` (
    {% for name, type in columns %}
    `{{ name }}` {{ type }},
    {% endfor %}
    `ymd` string
)
PARTITIONED BY (`ymd`)
LOCATION {{ (root ~ "/iceberg/" ~ table ~ "/") | text }}
TBLPROPERTIES ('table_type' = 'ICEBERG', 'format' = 'parquet');

{# An Iceberg table has timestamps in microseconds, which a view of Athena does not. #}
CREATE OR REPLACE VIEW {{ view }} AS
SELECT {% for name, type in columns %}{{ "CAST(" ~ name | ident ~ " AS timestamp(3)) AS " if type == "timestamp" }}{{ name | ident }}, {% endfor %}"ymd"
FROM {{ table }}_parquet
UNION ALL
SELECT {% for name, _type in columns %}j.{{ name | ident }}, {% endfor %}j."ymd"
FROM {{ table }}_json j
JOIN ({{ days("'3' YEAR", "current_date") }} EXCEPT SELECT "ymd" FROM {{ table }}_parquet) d ON d."ymd" = j."ymd";

CREATE OR REPLACE VIEW {{ table }}_to_compact AS
SELECT {% for name, _type in columns %}j.{{ name | ident }}, {% endfor %}j."ymd"
FROM {{ table }}_json j
JOIN ({{ days("'30' DAY", "current_date - INTERVAL '1' DAY") }}) d ON d."ymd" = j."ymd"
LEFT JOIN (SELECT DISTINCT "source_key", "ymd" FROM {{ table }}_parquet) p ON p."source_key" = j."source_key" AND p."ymd" = j."ymd"
WHERE p."source_key" IS NULL;

INSERT INTO {{ table }}_parquet SELECT * FROM {{ table }}_to_compact;

{% endmacro %}
-- Turns the last 30 finished days into Parquet, in Iceberg tables, where an INSERT is complete or has no effect. The JSON
-- objects stay. The views read Parquet for the days that it has, and JSON for all others. Repeat only the INSERT
-- statements, for example once a day (deploy/compaction.yaml), but never two at once. They add the objects that are not
-- in Parquet yet, so that a repair is in the views after the next INSERT. An object that is replaced later keeps its rows.
{% set types = {"text": "string", "timestamp": "timestamp", "integer": "bigint"} %}
{% for model in compaction %}
{% set columns = namespace(all=[]) %}
{% for field in model.fields %}
{% set columns.all = columns.all + [(field.name, types[field.type])] %}
{% endfor %}
{{ compact(model.name, model.name ~ "_rows", columns.all + [("collected_at", "timestamp"), ("source_key", "string")]) -}}
{% endfor %}
{{ compact("quality", "quality", [("model", "string"), ("outcome", "string"), ("cases", "bigint"), ("object_key", "string"), ("record_id", "string"), ("field", "string"), ("reason", "string"), ("topic", "string"), ("collected_at", "timestamp"), ("source_key", "string")]) -}}
{{ compact("object_topics", "object_topics", [("model", "string"), ("job", "string"), ("time", "timestamp"), ("topic", "string"), ("user_id", "string"), ("asked_at", "timestamp"), ("records", "bigint"), ("failure_kind", "string"), ("failure_code", "bigint"), ("failure_message", "string"), ("gap_likely", "boolean"), ("object_key", "string"), ("source_key", "string")]) -}}
{% endif %}
