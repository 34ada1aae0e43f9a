{# The views that answer questions. They are the same for every engine.

   A stored 0 has three meanings: it was counted, it replaces a figure that the API left out, or it is unknown, since
   there is no quality object for it. The views have NULL for all but the counted one. #}
{% if views %}
{% for model in views.models %}
-- The records of {{ model.name }} by run. A part that repairs a run replaces the records of the run. A figure that was
-- not counted is NULL: hidden, defaulted for another reason, or 0 without a quality object.
CREATE OR REPLACE VIEW {{ model.name }}_over_time AS
WITH defaulted AS (
    SELECT
        {% for figure in model.fields if figure.type == "integer" %}
        MAX(CASE WHEN field = {{ figure.name | text }} THEN reason END) AS {{ figure.name | ident }},
        {% endfor %}
        object_key,
        record_id
    FROM quality
    WHERE model = '{{ model.name }}' AND record_id IS NOT NULL
    GROUP BY object_key, record_id
),
checked AS (
    SELECT object_key
    FROM quality
    WHERE model = '{{ model.name }}'
    GROUP BY object_key
    HAVING SUM(CASE WHEN outcome = 'defaulted' AND record_id IS NULL THEN 1 ELSE 0 END) = 0
),
newest AS (
    SELECT
        r.*,
        ROW_NUMBER() OVER (
            PARTITION BY {{ model.identity | map("ident") | join(", ") }}, collected_at
            ORDER BY CASE WHEN REPLACE(source_key, '_part-', '') <> source_key THEN 1 ELSE 0 END DESC, source_key DESC
        ) AS place
    FROM {{ model.name }} r
)
SELECT
    {% for field in model.fields %}
    {% set name = field.name | ident %}
    {% if field.type == "integer" %}
    CASE WHEN d.{{ name }} IS NULL AND (r.{{ name }} <> 0 OR c.object_key IS NOT NULL) THEN r.{{ name }} END AS {{ name }},
    {% else %}
    r.{{ name }},
    {% endif %}
    {% endfor %}
    {% for figure in model.fields if figure.type == "integer" %}
    {% set name = figure.name | ident %}
    CASE WHEN d.{{ name }} IS NOT NULL THEN d.{{ name }} = 'not found field' WHEN r.{{ name }} <> 0 OR c.object_key IS NOT NULL THEN FALSE END AS {{ figure.hidden | ident }},
    {% endfor %}
    c.object_key IS NOT NULL AS quality_known,
    r.collected_at,
    r.source_key
FROM newest r
LEFT JOIN checked c ON c.object_key = r.source_key
LEFT JOIN defaulted d ON d.object_key = r.source_key AND d.record_id = r.{{ model.id | ident }}
WHERE r.place = 1;

{% if model.name != "brand" %}
-- The last state of each medium.
CREATE OR REPLACE VIEW latest_{{ model.name }} AS
SELECT
    {% for field in model.fields %}
    {{ field.name | ident }},
    {% endfor %}
    {% for figure in model.fields if figure.type == "integer" %}
    {{ figure.hidden | ident }},
    {% endfor %}
    quality_known,
    collected_at,
    source_key
FROM (
    SELECT
        r.*,
        ROW_NUMBER() OVER (PARTITION BY {{ model.identity | map("ident") | join(", ") }} ORDER BY collected_at DESC) AS place
    FROM {{ model.name }}_over_time r
) r
WHERE place = 1;

{% endif %}
{% endfor %}
{% if views.followers %}
-- The followers of each account by run.
CREATE OR REPLACE VIEW followers_over_time AS
SELECT
    {% for name in views.followers.account %}
    {{ name | ident }},
    {% endfor %}
    collected_at,
    {{ views.followers.count.name | ident }},
    {{ views.followers.count.hidden | ident }},
    quality_known
FROM brand_over_time;

{% endif %}
{% if views.engagement %}
{% set house = views.engagement.house | ident %}
{% set likes = views.engagement.likes.name | ident %}
{% set hidden = views.engagement.likes.hidden | ident %}
{% set comments = views.engagement.comments.name | ident %}
-- What the media of each house gained since the run before that has them. A gain needs a counted figure in both runs.
CREATE OR REPLACE VIEW engagement_over_time AS
SELECT
    {{ house }},
    collected_at,
    COUNT(*) AS media,
    SUM(CASE WHEN {{ hidden }} THEN 1 ELSE 0 END) AS likes_hidden,
    SUM(likes_gained) AS likes_gained,
    SUM(comments_gained) AS comments_gained
FROM (
    SELECT
        {{ house }},
        collected_at,
        {{ hidden }},
        {{ likes }} - LAG({{ likes }}) OVER (PARTITION BY {{ views.engagement.identity | map("ident") | join(", ") }} ORDER BY collected_at) AS likes_gained,
        {{ comments }} - LAG({{ comments }}) OVER (PARTITION BY {{ views.engagement.identity | map("ident") | join(", ") }} ORDER BY collected_at) AS comments_gained
    FROM media_over_time
) r
GROUP BY {{ house }}, collected_at;

{% endif %}
{% endif %}
