{# Athena: external tables with partition projection, and views with the types. Nothing is loaded, so nothing can be
   loaded twice.

   Athena has no NOT NULL. The collector itself stores null only in nullable fields. #}
{% set types = {"text": "varchar", "timestamp": "varchar", "integer": "bigint"} %}
{% macro seconds(instant) %}to_unixtime({{ instant }}){% endmacro %}
{% macro instant_of(seconds) %}CAST(from_unixtime({{ seconds }}) AT TIME ZONE 'UTC' AS timestamp(3)){% endmacro %}
{% macro utc_day(instant) %}CAST({{ instant }} AS date){% endmacro %}
{% macro double(number) %}CAST({{ number }} AS double){% endmacro %}
{% macro joined(texts) %}array_join(array_agg(DISTINCT {{ texts }} ORDER BY {{ texts }}), ', '){% endmacro %}

{# The key of the object of a row. #}
{% macro key(objects) %}
regexp_extract(o."$path", {{ objects.key_pattern | text }})
{%- endmacro %}

{# The time of the run in the key, as a text. #}
{% macro run_time(model) %}
regexp_replace({{ key(model.objects) }}, {{ model.moment.pattern | text }}, {{ model.moment.time | text }})
{%- endmacro %}

{# A text like 2026-11-24T03:00:00+0000 as an instant. Athena's timestamps have no offset: they are in UTC here. #}
{% macro instant(text) %}
CAST(parse_datetime({{ text }}, 'yyyy-MM-dd''T''HH:mm:ssZ') AT TIME ZONE 'UTC' AS timestamp(3))
{%- endmacro %}

{% macro projection(partition) %}
    'projection.ymd.type' = 'date',
    'projection.ymd.format' = {{ partition.format | text }},
    'projection.ymd.interval' = '1',
    'projection.ymd.interval.unit' = '{{ partition.unit }}',
    'projection.ymd.range' = 'NOW-3YEARS,NOW',
    'storage.location.template' = {{ partition.path | text }}
{%- endmacro %}

{% for model in models %}
{% set objects = model.objects %}
{% if ndjson %}
-- [common] format = ndjson: one object a line, as Athena's JSON readers want it.
CREATE EXTERNAL TABLE IF NOT EXISTS `{{ model.name }}_objects` (
    {% for field in model.fields %}
    `{{ field.name }}` {{ "bigint" if field.type == "integer" else "string" }}{{ "" if loop.last else "," }}
    {% endfor %}
)
{% else %}
-- Athena's JSON readers want one object a line; an object of [common] format = array is one
-- line. So the table reads lines as text, and the view takes the array apart.
CREATE EXTERNAL TABLE IF NOT EXISTS `{{ model.name }}_objects` (
    `line` string
)
{% endif %}
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
{{ projection(objects.partition) }}
)
{%- endif %};

CREATE OR REPLACE VIEW "{{ model.name }}" AS
SELECT
    {% set row = "o" if ndjson else "r" %}
    {% for field in model.fields %}
    {% set name = field.name | ident %}
    {% if field.type == "timestamp" %}
    {{ instant(row ~ "." ~ name) }} AS {{ name }},
    {% else %}
    {{ row }}.{{ name }},
    {% endif %}
    {% endfor %}
    {{ instant(run_time(model)) }} AS "collected_at",
    {{ key(objects) }} AS "source_key"
    {%- if objects.partition %},
    o."ymd"
    {%- endif %}

FROM "{{ model.name }}_objects" o
{%- if not ndjson %}

CROSS JOIN UNNEST(CAST(json_parse(o."line") AS array(row(
    {% for field in model.fields %}
    {{ field.name | ident }} {{ types[field.type] }}{{ "" if loop.last else "," }}
    {% endfor %}
)))) AS r ({{ model.fields | map(attribute="name") | map("ident") | join(", ") }})
{%- endif %};

{% endfor %}
{% if quality %}
-- A quality object is one line.
CREATE EXTERNAL TABLE IF NOT EXISTS `quality_objects` (
    `line` string
)
PARTITIONED BY (`model` string, `ymd` string)
ROW FORMAT DELIMITED FIELDS TERMINATED BY '\001' LINES TERMINATED BY '\n'
STORED AS TEXTFILE
LOCATION {{ quality.folder | text }}
TBLPROPERTIES (
    'projection.enabled' = 'true',
    'projection.model.type' = 'enum',
    'projection.model.values' = 'brand,media,media_hashtag',
{{ projection(quality.partition) }}
);

{% macro text_at(path) %}json_extract_scalar(o."line", '$.{{ path }}'){% endmacro %}
{% macro number_at(path) %}CAST({{ text_at(path) }} AS bigint){% endmacro %}
{% set time = "CAST(from_iso8601_timestamp(" ~ text_at("time") ~ ") AT TIME ZONE 'UTC' AS timestamp(3))" %}
CREATE OR REPLACE VIEW "quality" AS
SELECT *
FROM (
    SELECT o."model", 'stored', {{ number_at("counts.records") }}, {{ text_at("object") }}, NULL, NULL, NULL, NULL, {{ time }}, {{ key(quality) }}
    FROM "quality_objects" o
    UNION ALL
    SELECT o."model", 'defaulted', 1, {{ text_at("object") }}, c."id", f."field", r."reason", NULL, {{ time }}, {{ key(quality) }}
    FROM "quality_objects" o
    CROSS JOIN UNNEST(CAST(json_extract(o."line", '$.defaulted') AS map(varchar, map(varchar, array(row("id" varchar)))))) AS f ("field", "reasons")
    CROSS JOIN UNNEST(f."reasons") AS r ("reason", "records")
    CROSS JOIN UNNEST(r."records") AS c ("id")
    UNION ALL
    SELECT o."model", 'rejected', 1, {{ text_at("object") }}, NULL, NULL, c."reason", c."topic", {{ time }}, {{ key(quality) }}
    FROM "quality_objects" o
    CROSS JOIN UNNEST(CAST(json_extract(o."line", '$.rejected') AS array(row("topic" varchar, "reason" varchar)))) AS c ("topic", "reason")
    UNION ALL
    SELECT o."model", 'defaulted', {{ number_at("not_listed.defaulted") }}, {{ text_at("object") }}, NULL, NULL, 'not listed', NULL, {{ time }}, {{ key(quality) }}
    FROM "quality_objects" o
    WHERE {{ number_at("not_listed.defaulted") }} > 0
    UNION ALL
    SELECT o."model", 'rejected', {{ number_at("not_listed.rejected") }}, {{ text_at("object") }}, NULL, NULL, 'not listed', NULL, {{ time }}, {{ key(quality) }}
    FROM "quality_objects" o
    WHERE {{ number_at("not_listed.rejected") }} > 0
) AS q ("model", "outcome", "cases", "object_key", "record_id", "field", "reason", "topic", "collected_at", "source_key");

{% endif %}
{% include "views.sql" %}
