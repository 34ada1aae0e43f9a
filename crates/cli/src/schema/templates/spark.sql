{# Spark SQL, from Spark 4 on: tables, views of the objects, and loads.

   A table of Parquet files has no MERGE and no DELETE. So a load rewrites each day of which it reads an object: the
   rows of the objects that it read, and the rows of that day whose objects it did not read. #}
{% set types = {"text": "STRING", "timestamp": "TIMESTAMP", "integer": "BIGINT"} %}
{% set partition = "collected_on" %}
{% macro seconds(instant) %}(unix_millis({{ instant }}) / 1000){% endmacro %}
{% macro instant_of(seconds) %}timestamp_seconds({{ seconds }}){% endmacro %}
{% macro utc_day(instant) %}CAST(to_utc_timestamp({{ instant }}, current_timezone()) AS DATE){% endmacro %}
{% macro double(number) %}CAST({{ number }} AS DOUBLE){% endmacro %}
{% macro joined(texts) %}array_join(array_sort(collect_set({{ texts }})), ', '){% endmacro %}

{# The objects, each row with the object's key. Spark names a file by its URL, in which a plus is not a space. #}
{% macro keyed(table, objects, partial) %}
(
    SELECT *, regexp_extract(url_decode(replace(input_file_name(), '+', '%2B')), {{ ("(" ~ objects.key_pattern ~ "|" ~ partial.key_pattern ~ ")") | text }}, 0) AS `source_key`
    FROM `{{ table }}_objects`
)
{%- endmacro %}

{# A view of the objects of the two places. A record's offset is written as +0000, a quality object's as Z. #}
{% macro read(table, objects, partial, options) %}
{% set columns = caller() | trim %}
{% set names = "{" ~ (objects.below_root | split("/") | last) ~ "," ~ (partial.below_root | split("/") | last) ~ "}" %}
{% set nothing %}
CREATE OR REPLACE TEMPORARY VIEW `{{ table }}_objects` AS SELECT o.* FROM (SELECT from_json('{}', {{ columns | text }}) AS o) WHERE FALSE
{%- endset %}
{% set statement %}
CREATE OR REPLACE TEMPORARY VIEW `{{ table }}_objects` (
    {{ columns }}
) USING json OPTIONS (
    path {{ (objects.root ~ "/{" ~ objects.below_root ~ "," ~ partial.below_root ~ "}") | text }},
    {{ options }},
    timestampFormat 'yyyy-MM-dd\'T\'HH:mm:ss[Z][XXX]',
    modifiedAfter
{%- endset %}
-- The objects that were stored since the last load began. One more hour is read, since clocks differ. To load all objects
-- again, delete the rows of `loads`.
DECLARE OR REPLACE VARIABLE started TIMESTAMP DEFAULT current_timestamp();
DECLARE OR REPLACE VARIABLE reading STRING;
SET VARIABLE reading = (
    SELECT {{ statement | text }} || ' \'' || date_format(COALESCE(MAX(started_at) - INTERVAL 1 HOUR, TIMESTAMP '1971-01-01 00:00:00'), 'yyyy-MM-dd\'T\'HH:mm:ss') || '\')'
    FROM loads
    WHERE loaded = '{{ table }}'
);
-- Spark fails on a path that matches nothing. If there are no objects yet, the view has no rows.
CREATE OR REPLACE TEMPORARY VIEW `{{ table }}_files` USING binaryFile OPTIONS (
    path {{ objects.root | text }},
    recursiveFileLookup 'true',
    pathGlobFilter {{ names | text }}
);
SET VARIABLE reading = (
    SELECT CASE count(*) WHEN 0 THEN {{ nothing | text }} ELSE reading END
    FROM (SELECT path FROM `{{ table }}_files` WHERE path RLIKE {{ ("(" ~ objects.key_pattern ~ "|" ~ partial.key_pattern ~ ")") | text }} LIMIT 1)
);
EXECUTE IMMEDIATE reading;
{% endmacro %}

{% macro replace_days(table, columns, source) %}
-- The rows of an object replace those of its last load. Days that are not read stay unchanged.
SET spark.sql.sources.partitionOverwriteMode = dynamic;
INSERT OVERWRITE TABLE `{{ table }}` PARTITION (`collected_on`)
SELECT {{ columns }}
FROM `{{ table }}_read`
UNION ALL
SELECT {{ columns }}
FROM `{{ table }}`
WHERE `collected_on` IN (SELECT `collected_on` FROM `{{ table }}_read`) AND `source_key` NOT IN (SELECT `source_key` FROM `{{ source }}_read`);

{% endmacro %}

CREATE TABLE IF NOT EXISTS loads (loaded STRING, started_at TIMESTAMP) USING parquet;

{% for model in models %}
-- The records of all objects. The view `{{ model.name }}` has each topic of a time once.
-- Parquet does not enforce NOT NULL; Delta and Iceberg tables do, with the same statements.
CREATE TABLE IF NOT EXISTS `{{ model.name }}_rows` (
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

-- Each topic of each object. The view `topic_runs` has those of a run.
CREATE TABLE IF NOT EXISTS object_topics (
    model STRING NOT NULL,
    job STRING NOT NULL,
    time TIMESTAMP NOT NULL,
    topic STRING NOT NULL,
    user_id STRING,
    asked_at TIMESTAMP,
    records BIGINT NOT NULL,
    failure_kind STRING,
    failure_code BIGINT,
    failure_message STRING,
    gap_likely BOOLEAN,
    object_key STRING,
    source_key STRING NOT NULL,
    collected_on DATE NOT NULL
) USING parquet
PARTITIONED BY (collected_on);

{% endif %}
{% include "views.sql" %}
{% for model in models %}
{% set objects = model.objects %}
{# One JSON object per line is read in parallel. An array is read as a whole. #}
{% call read(model.name, objects, model.partial, "multiLine '" ~ ("false" if ndjson else "true") ~ "', mode 'FAILFAST'") %}
    {% for field in model.fields %}
    {{ field.name | ident }} {{ types[field.type] }}{{ "" if loop.last else "," }}
    {% endfor %}
{% endcall %}
{% set time_of_partial = "regexp_replace(`source_key`, " ~ (model.partial_moment.pattern | text) ~ ", " ~ (model.partial_moment.time | text) ~ ")" %}
{% set day_of_partial = "regexp_replace(`source_key`, " ~ (model.partial_moment.pattern | text) ~ ", " ~ (model.partial_moment.day | text) ~ ")" %}
CREATE OR REPLACE TEMPORARY VIEW `{{ model.name }}_rows_read` AS
SELECT
    {% for field in model.fields %}
    {{ field.name | ident }},
    {% endfor %}
    to_timestamp(regexp_replace({{ time_of_partial }}, {{ model.moment.pattern | text }}, {{ model.moment.time | text }}), 'yyyy-MM-dd\'T\'HH:mm:ssZ') AS `collected_at`,
    `source_key`,
    CAST(regexp_replace({{ day_of_partial }}, {{ model.moment.pattern | text }}, {{ model.moment.day | text }}) AS DATE) AS `collected_on`
FROM {{ keyed(model.name, objects, model.partial) }};

{% set fields = model.fields | map(attribute="name") | map("ident") | join(", ") %}
{{ replace_days(model.name ~ "_rows", fields ~ ", `collected_at`, `source_key`, `collected_on`", model.name ~ "_rows") -}}
INSERT INTO loads VALUES ('{{ model.name }}', started);

{% endfor %}
{% if quality %}
{% set columns = "`model`, `outcome`, `cases`, `object_key`, `record_id`, `field`, `reason`, `topic`, `collected_at`, `source_key`" %}
-- A quality object that cannot be read is skipped: the meaning of its records' defaults is then unknown.
{% call read("quality", quality.objects, quality.partial, "mode 'DROPMALFORMED'") %}
    `model` STRING,
    `job` STRING,
    `time` TIMESTAMP,
    `object` STRING,
    `counts` STRUCT<`records`: BIGINT>,
    `not_listed` STRUCT<`defaulted`: BIGINT, `rejected`: BIGINT>,
    `topics` STRING,
    `failed_topics` STRING,
    `defaulted` MAP<STRING, MAP<STRING, ARRAY<STRUCT<`id`: STRING>>>>,
    `rejected` ARRAY<STRUCT<`topic`: STRING, `reason`: STRING>>
{% endcall %}
CREATE OR REPLACE TEMPORARY VIEW quality_objects_read AS
SELECT *, CAST(to_utc_timestamp(`time`, current_timezone()) AS DATE) AS `collected_on`
FROM {{ keyed("quality", quality.objects, quality.partial) }}
WHERE `model` IS NOT NULL AND `time` IS NOT NULL;
CREATE OR REPLACE TEMPORARY VIEW `quality_read` AS
SELECT {{ columns }}, CAST(to_utc_timestamp(`collected_at`, current_timezone()) AS DATE) AS `collected_on`
FROM (
SELECT o.`model`, 'stored', o.`counts`.`records`, o.`object`, NULL, NULL, NULL, NULL, o.`time`, o.`source_key`
FROM quality_objects_read o
UNION ALL
SELECT o.`model`, 'defaulted', 1, o.`object`, c.`record`.`id`, f.`field`, r.`reason`, NULL, o.`time`, o.`source_key`
FROM quality_objects_read o
LATERAL VIEW explode(o.`defaulted`) f AS `field`, `reasons`
LATERAL VIEW explode(f.`reasons`) r AS `reason`, `records`
LATERAL VIEW explode(r.`records`) c AS `record`
UNION ALL
SELECT o.`model`, 'rejected', 1, o.`object`, NULL, NULL, c.`record`.`reason`, c.`record`.`topic`, o.`time`, o.`source_key`
FROM quality_objects_read o
LATERAL VIEW explode(o.`rejected`) c AS `record`
UNION ALL
SELECT o.`model`, 'defaulted', o.`not_listed`.`defaulted`, o.`object`, NULL, NULL, 'not listed', NULL, o.`time`, o.`source_key`
FROM quality_objects_read o
WHERE o.`not_listed`.`defaulted` > 0
UNION ALL
SELECT o.`model`, 'rejected', o.`not_listed`.`rejected`, o.`object`, NULL, NULL, 'not listed', NULL, o.`time`, o.`source_key`
FROM quality_objects_read o
WHERE o.`not_listed`.`rejected` > 0
) AS q ({{ columns }});

{% set topic_columns = "model, job, time, topic, user_id, asked_at, records, failure_kind, failure_code, failure_message, gap_likely, object_key, source_key, collected_on" %}
-- Objects of earlier versions list only the failed topics.
CREATE OR REPLACE TEMPORARY VIEW object_topics_read AS
SELECT
    o.`model`,
    COALESCE(o.`job`, CASE o.`model` WHEN 'media_hashtag' THEN 'hashtag' ELSE 'brand_media' END) AS job,
    o.`time`,
    t.run.topic,
    t.run.user_id,
    TRY_CAST(t.run.asked_at AS TIMESTAMP) AS asked_at,
    COALESCE(t.run.records, 0) AS records,
    t.run.kind AS failure_kind,
    t.run.code AS failure_code,
    t.run.message AS failure_message,
    t.run.gap_likely,
    o.`object` AS object_key,
    o.source_key,
    o.collected_on
FROM quality_objects_read o
LATERAL VIEW explode(from_json(
    COALESCE(o.`failed_topics`, o.`topics`),
    'ARRAY<STRUCT<topic: STRING, user_id: STRING, asked_at: STRING, records: BIGINT, kind: STRING, code: BIGINT, message: STRING, gap_likely: BOOLEAN>>'
)) t AS run
WHERE t.run.topic IS NOT NULL;

{{ replace_days("quality", columns ~ ", `collected_on`", "quality_objects") -}}
{{ replace_days("object_topics", topic_columns, "quality_objects") -}}
INSERT INTO loads VALUES ('quality', started);
{% endif %}
