{# Spark SQL: tables, views of the objects, and loads.

   A table of Parquet files has no MERGE and no DELETE. So a load writes each day that it reads anew: the rows of the
   objects, and the rows of that day whose objects it did not read. #}
{% set types = {"text": "STRING", "timestamp": "TIMESTAMP", "integer": "BIGINT"} %}

{# The objects, each row with the object's key. Spark names a file by its URL, in which a plus is no space. #}
{% macro keyed(table, objects) %}
(
    SELECT *, regexp_extract(url_decode(replace(input_file_name(), '+', '%2B')), {{ objects.key_pattern | text }}, 0) AS `source_key`
    FROM `{{ table }}_objects`
)
{%- endmacro %}

{# A record's offset is written as +0000, a quality object's as Z. #}
{% macro json(objects, multi_line) %}
USING json OPTIONS (
    path {{ objects.glob | text }},
    multiLine '{{ multi_line }}',
    mode 'FAILFAST',
    timestampFormat 'yyyy-MM-dd\'T\'HH:mm:ss[Z][XXX]'
);
{% endmacro %}

{% macro replace_days(table, columns) %}
-- The rows of an object replace those of its last load. Days that are not read stay as they are.
SET spark.sql.sources.partitionOverwriteMode = dynamic;
INSERT OVERWRITE TABLE `{{ table }}` PARTITION (`collected_on`)
SELECT {{ columns }}
FROM `{{ table }}_read`
UNION ALL
SELECT {{ columns }}
FROM `{{ table }}`
WHERE `collected_on` IN (SELECT `collected_on` FROM `{{ table }}_read`) AND `source_key` NOT IN (SELECT `source_key` FROM `{{ table }}_read`);

{% endmacro %}

{% for model in models %}
-- Parquet does not enforce NOT NULL; Delta and Iceberg tables do, with the same statements.
CREATE TABLE IF NOT EXISTS `{{ model.name }}` (
    {% for field in model.fields %}
    {{ field.name | ident }} {{ types[field.type] }}{{ "" if field.nullable else " NOT NULL" }},
    {% endfor %}
    `collected_at` TIMESTAMP NOT NULL,
    `source_key` STRING NOT NULL,
    `collected_on` DATE NOT NULL
) USING parquet
PARTITIONED BY (`collected_on`);

{% endfor %}
{% if quality %}
-- Parquet does not enforce NOT NULL; Delta and Iceberg tables do, with the same statements.
CREATE TABLE IF NOT EXISTS `quality` (
    `model` STRING NOT NULL,
    `outcome` STRING NOT NULL,
    `cases` BIGINT NOT NULL,
    `object_key` STRING,
    `record_id` STRING,
    `field` STRING,
    `reason` STRING,
    `topic` STRING,
    `collected_at` TIMESTAMP NOT NULL,
    `source_key` STRING NOT NULL,
    `collected_on` DATE NOT NULL
) USING parquet
PARTITIONED BY (`collected_on`);

{% endif %}
{% include "views.sql" %}
{% for model in models %}
{% set objects = model.objects %}
{% if ndjson %}
-- One JSON object a line: without multiLine large objects are read in parallel.
{% else %}
-- An object is one JSON array: multiLine reads it as a whole.
{% endif %}
CREATE OR REPLACE TEMPORARY VIEW `{{ model.name }}_objects` (
    {% for field in model.fields %}
    {{ field.name | ident }} {{ types[field.type] }}{{ "" if loop.last else "," }}
    {% endfor %}
) {{ json(objects, "false" if ndjson else "true") }}
CREATE OR REPLACE TEMPORARY VIEW `{{ model.name }}_read` AS
SELECT
    {% for field in model.fields %}
    {{ field.name | ident }},
    {% endfor %}
    to_timestamp(regexp_replace(`source_key`, {{ model.moment.pattern | text }}, {{ model.moment.time | text }}), 'yyyy-MM-dd\'T\'HH:mm:ssZ') AS `collected_at`,
    `source_key`,
    CAST(regexp_replace(`source_key`, {{ model.moment.pattern | text }}, {{ model.moment.day | text }}) AS DATE) AS `collected_on`
FROM {{ keyed(model.name, objects) }};

{% set fields = model.fields | map(attribute="name") | map("ident") | join(", ") %}
{{ replace_days(model.name, fields ~ ", `collected_at`, `source_key`, `collected_on`") -}}
{% endfor %}
{% if quality %}
{% set o = keyed("quality", quality) ~ " o" %}
{% set columns = "`model`, `outcome`, `cases`, `object_key`, `record_id`, `field`, `reason`, `topic`, `collected_at`, `source_key`" %}
-- Data without quality objects has nothing to read here: leave out the rest then.
CREATE OR REPLACE TEMPORARY VIEW `quality_objects` (
    `model` STRING,
    `time` TIMESTAMP,
    `object` STRING,
    `counts` STRUCT<`records`: BIGINT>,
    `not_listed` STRUCT<`defaulted`: BIGINT, `rejected`: BIGINT>,
    `defaulted` MAP<STRING, MAP<STRING, ARRAY<STRUCT<`id`: STRING>>>>,
    `rejected` ARRAY<STRUCT<`topic`: STRING, `reason`: STRING>>
) {{ json(quality, "false") }}
CREATE OR REPLACE TEMPORARY VIEW `quality_read` AS
SELECT *, CAST(to_utc_timestamp(`collected_at`, current_timezone()) AS DATE) AS `collected_on`
FROM (
SELECT o.`model`, 'stored', o.`counts`.`records`, o.`object`, NULL, NULL, NULL, NULL, o.`time`, o.`source_key`
FROM {{ o }}
UNION ALL
SELECT o.`model`, 'defaulted', 1, o.`object`, c.`record`.`id`, f.`field`, r.`reason`, NULL, o.`time`, o.`source_key`
FROM {{ o }}
LATERAL VIEW explode(o.`defaulted`) f AS `field`, `reasons`
LATERAL VIEW explode(f.`reasons`) r AS `reason`, `records`
LATERAL VIEW explode(r.`records`) c AS `record`
UNION ALL
SELECT o.`model`, 'rejected', 1, o.`object`, NULL, NULL, c.`record`.`reason`, c.`record`.`topic`, o.`time`, o.`source_key`
FROM {{ o }}
LATERAL VIEW explode(o.`rejected`) c AS `record`
UNION ALL
SELECT o.`model`, 'defaulted', o.`not_listed`.`defaulted`, o.`object`, NULL, NULL, 'not listed', NULL, o.`time`, o.`source_key`
FROM {{ o }}
WHERE o.`not_listed`.`defaulted` > 0
UNION ALL
SELECT o.`model`, 'rejected', o.`not_listed`.`rejected`, o.`object`, NULL, NULL, 'not listed', NULL, o.`time`, o.`source_key`
FROM {{ o }}
WHERE o.`not_listed`.`rejected` > 0
) AS q ({{ columns }});

{{ replace_days("quality", columns ~ ", `collected_on`") -}}
{% endif %}
