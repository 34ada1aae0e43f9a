{# The views. They are the same for every engine: an engine's file has the differences in its macros `seconds`, `instant_of`,
   `utc_day`, `double` and `joined`. docs/figures.md defines the figures.

   All changes are ordered by `asked_at`, the moment of the response: a repair is stored under the time that it repairs,
   but has the API's state of hours later.

   A table may have a `partition`, the column of its days. It is in each step of the views of records, so that a filter on
   it reaches the tables: an engine moves a filter through a window or a join only if the column is one of its keys. #}
{% macro day(row) %}{% if partition %}{{ row }}.{{ partition | ident }}, {% endif %}{% endmacro %}
{% macro same_day(left, right) %}{% if partition %} AND {{ left }}.{{ partition | ident }} = {{ right }}.{{ partition | ident }}{% endif %}{% endmacro %}
{# The last known name of each account. #}
{% macro names(account, account_name) %}
names AS (
    SELECT user_id, user_name
    FROM (
        SELECT
            {{ account }} AS user_id,
            {{ account_name }} AS user_name,
            ROW_NUMBER() OVER (PARTITION BY {{ account }} ORDER BY asked_at DESC) AS place
        FROM brand_over_time
        WHERE {{ account_name }} IS NOT NULL
    ) b
    WHERE place = 1
)
{%- endmacro %}
{% if views %}
{% set brand, media, hashtags = views.models %}
{% set jobs = {"brand": "brand_media", "media": "brand_media", "media_hashtag": "hashtag"} %}
-- Each topic of each run: when it was requested, its records, and why it failed.
CREATE OR REPLACE VIEW topic_runs AS
SELECT
    job,
    time,
    topic,
    asked_at,
    SUM(records) AS records,
    failure_kind,
    MAX(failure_message) AS failure_message,
    MAX(CASE WHEN gap_likely THEN 1 WHEN NOT gap_likely THEN 0 END) = 1 AS gap_likely,
    MAX(failure_code) AS failure_code,
    MAX(user_id) AS user_id
FROM object_topics
GROUP BY job, time, topic, asked_at, failure_kind;

{% for model in views.models %}
{% set named = model.name == "brand" and model.of.username %}
{% set house = model.of.id if model.name == "brand" else model.of.user_id %}
{% set topic = model.of.topic %}
{% set known = model.of.asked_at %}
{# The topic of a record: the name, or the house's id. #}
{% macro owner(row) %}
{% if topic %}
{{ row }}.{{ topic | ident }}
{%- elif named %}
CASE WHEN {{ row }}.{{ named | ident }} <> '' THEN {{ row }}.{{ named | ident }} ELSE {{ row }}.{{ house | ident }} END
{%- elif house %}
{{ row }}.{{ house | ident }}
{%- else %}
{{ row }}.source_key
{%- endif %}
{% endmacro %}
-- The records of {{ model.name }}: of all objects of a time, each topic once. A complete result comes before one that was
-- cut short, and then the one that was requested last.
CREATE OR REPLACE VIEW {{ model.name }} AS
WITH topics AS (
    SELECT {{ day("t") }}object_key, time, owner, MAX(asked_at) AS asked_at, MAX(failure_kind) AS failure_kind, SUM(records) AS records
    FROM (
        {% if topic or named %}
        SELECT {{ day("o") }}object_key, time, topic AS owner, asked_at, failure_kind, records
        FROM object_topics o
        WHERE model = '{{ model.name }}' AND object_key IS NOT NULL
        {% endif %}
        {% if named and not topic %}
        UNION ALL
        {% endif %}
        {% if not topic %}
        SELECT {{ day("o") }}object_key, time, user_id AS owner, asked_at, failure_kind, records
        FROM object_topics o
        WHERE model = '{{ model.name }}' AND object_key IS NOT NULL AND user_id IS NOT NULL
        {% endif %}
    ) t
    GROUP BY {{ day("t") }}object_key, time, owner
),
results AS (
    SELECT DISTINCT {{ day("r") }}r.collected_at, r.source_key, {{ owner("r") }} AS owner
    FROM {{ model.name }}_rows r
    UNION
    SELECT {{ day("t") }}time, object_key, owner
    FROM topics t
    WHERE failure_kind IS NULL AND records = 0
),
ranked AS (
    SELECT
        {{ day("r") }}r.collected_at,
        r.source_key,
        r.owner,
        t.asked_at,
        ROW_NUMBER() OVER (
            PARTITION BY {{ day("r") }}r.collected_at, r.owner
            ORDER BY CASE WHEN t.failure_kind IS NULL THEN 1 ELSE 0 END DESC, COALESCE(t.asked_at, r.collected_at) DESC, r.source_key DESC
        ) AS place
    FROM results r
    LEFT JOIN topics t ON t.object_key = r.source_key AND t.owner = r.owner{{ same_day("t", "r") }}
)
SELECT
    {% for field in model.fields if field.name != "asked_at" %}
    r.{{ field.name | ident }},
    {% endfor %}
    {% if known %}
    COALESCE(c.asked_at, r.{{ known | ident }}) AS asked_at,
    TRUE AS asked_at_known,
    {% else %}
    COALESCE(c.asked_at, r.collected_at) AS asked_at,
    c.asked_at IS NOT NULL AS asked_at_known,
    {% endif %}
    {{ day("r") }}r.collected_at,
    r.source_key
FROM {{ model.name }}_rows r
JOIN ranked c ON c.source_key = r.source_key AND c.collected_at = r.collected_at AND c.owner = {{ owner("r") }}{{ same_day("c", "r") }}
WHERE c.place = 1;

-- The same with NULL for every default, and the reasons in `defaults`. A default that no quality object lists is NULL too:
-- nobody knows whether the API sent it. `like_count_hidden` is true if the account's owner hides the count.
CREATE OR REPLACE VIEW {{ model.name }}_over_time AS
WITH defaulted AS (
    SELECT
        {% for field in model.fields if field.response not in ["user_id", "topic", "asked_at"] %}
        MAX(CASE WHEN field = {{ field.name | text }} THEN reason END) AS {{ field.name | ident }},
        {% endfor %}
        {{ day("q") }}object_key,
        record_id
    FROM quality q
    WHERE model = '{{ model.name }}' AND record_id IS NOT NULL
    GROUP BY {{ day("q") }}object_key, record_id
),
checked AS (
    SELECT {{ day("q") }}object_key
    FROM quality q
    WHERE model = '{{ model.name }}'
    GROUP BY {{ day("q") }}object_key
    HAVING SUM(CASE WHEN outcome = 'defaulted' AND record_id IS NULL THEN 1 ELSE 0 END) = 0
),
once AS (
    SELECT
        r.*,
        ROW_NUMBER() OVER (PARTITION BY {{ day("r") }}{{ model.identity | map("ident") | join(", ") }}, collected_at ORDER BY source_key DESC) AS place
    FROM {{ model.name }} r
)
{% macro is_default(field) %}
{% set name = field.name | ident %}
{% if field.type == "integer" %}r.{{ name }} = 0{% elif field.type == "timestamp" %}{{ seconds("r." ~ name) }} = 0{% else %}r.{{ name }} = ''{% endif %}
{% endmacro %}
SELECT
    {% for field in model.fields if field.name != "asked_at" %}
    {% set name = field.name | ident %}
    {% if field.response in ["topic", "asked_at"] or field.response == "user_id" and model.name != "brand" %}
    r.{{ name }},
    {% else %}
    CASE WHEN d.{{ name }} IS NULL AND (c.object_key IS NOT NULL OR NOT ({{ is_default(field) | trim }})) THEN r.{{ name }} END AS {{ name }},
    {% endif %}
    {% endfor %}
    {% for field in model.fields if field.hidden %}
    {% set name = field.name | ident %}
    CASE WHEN d.{{ name }} IS NOT NULL THEN d.{{ name }} = 'not found field' WHEN r.{{ name }} <> 0 OR c.object_key IS NOT NULL THEN FALSE END AS {{ field.hidden | ident }},
    {% endfor %}
    {% set reasons = model.fields | rejectattr("response", "in", ["user_id", "topic", "asked_at"]) %}
    {% for field in reasons %}
    {{ "|| " if not loop.first }}COALESCE({{ field.name | text }} || ': ' || d.{{ field.name | ident }} || '; ', ''){{ " AS defaults," if loop.last }}
    {% endfor %}
    c.object_key IS NOT NULL AS quality_known,
    r.asked_at,
    r.asked_at_known,
    {{ day("r") }}r.collected_at,
    r.source_key
FROM once r
LEFT JOIN checked c ON c.object_key = r.source_key{{ same_day("c", "r") }}
LEFT JOIN defaulted d ON d.object_key = r.source_key AND d.record_id = r.{{ model.of.id | ident }}{{ same_day("d", "r") }}
WHERE r.place = 1;

{% if model.name != "brand" %}
-- The last state of each medium.
CREATE OR REPLACE VIEW latest_{{ model.name }} AS
SELECT *
FROM (
    SELECT
        r.*,
        ROW_NUMBER() OVER (PARTITION BY {{ model.identity | map("ident") | join(", ") }} ORDER BY asked_at DESC, source_key DESC) AS place
    FROM {{ model.name }}_over_time r
) r
WHERE place = 1;

{% endif %}
{% endfor %}
-- Each scheduled time: how many topics were expected, collected and lost, and why. A time at which nothing ran has a row
-- too. `late_topics` are those that were requested at the next scheduled time or later, as by a repair.
CREATE OR REPLACE VIEW runs AS
WITH best AS (
    SELECT
        job,
        time,
        topic,
        MAX(CASE WHEN failure_kind IS NULL OR records > 0 THEN 1 ELSE 0 END) AS is_collected,
        MAX(CASE WHEN failure_kind IS NULL THEN 1 ELSE 0 END) AS is_complete,
        MAX(failure_kind) AS failure_kind,
        COALESCE(MAX(CASE WHEN failure_kind IS NULL THEN asked_at END), MAX(CASE WHEN records > 0 THEN asked_at END)) AS asked_at
    FROM topic_runs
    GROUP BY job, time, topic
),
listed AS (
    SELECT
        job,
        time,
        COUNT(*) AS topics,
        SUM(is_collected) AS collected,
        SUM(CASE job {% for job, every in views.seconds_between | items %}WHEN '{{ job }}' THEN CASE WHEN {{ seconds("asked_at") }} >= {{ seconds("time") }} + {{ every }} THEN 1 ELSE 0 END {% endfor %}END) AS late
    FROM best
    GROUP BY job, time
),
lost AS (
    SELECT job, time, {{ joined("failure_kind") }} AS reasons
    FROM (SELECT DISTINCT job, time, failure_kind FROM best WHERE is_complete = 0) r
    GROUP BY job, time
),
stored AS (
    SELECT job, time, MAX(houses) AS houses
    FROM (
        {% for model in views.models %}
        {% set house = model.of.id if model.name == "brand" else model.of.user_id %}
        SELECT '{{ jobs[model.name] }}' AS job, collected_at AS time, COUNT(DISTINCT {{ house | ident if house else "source_key" }}) AS houses
        FROM {{ model.name }}_rows
        GROUP BY collected_at
        {% if not loop.last %}
        UNION ALL
        {% endif %}
        {% endfor %}
    ) s
    GROUP BY job, time
),
times AS (
    SELECT job, time FROM listed
    UNION
    SELECT job, time FROM stored
),
ordered AS (
    SELECT
        job,
        time,
        LEAD(time) OVER (PARTITION BY job ORDER BY time) AS next_time,
        CASE job {% for job, every in views.seconds_between | items %}WHEN '{{ job }}' THEN {{ every }} {% endfor %}END AS every
    FROM times
),
digits AS (
    SELECT 0 AS d{% for digit in range(1, 10) %} UNION ALL SELECT {{ digit }}{% endfor %}

),
numbers AS (
    SELECT 1 + a.d + 10 * b.d + 100 * c.d + 1000 * e.d AS n
    FROM digits a CROSS JOIN digits b CROSS JOIN digits c CROSS JOIN digits e
)
SELECT
    t.job,
    t.time,
    l.topics AS expected_topics,
    CASE WHEN s.houses > COALESCE(l.collected, 0) THEN s.houses ELSE l.collected END AS collected_topics,
    l.topics - l.collected AS failed_topics,
    CASE WHEN l.topics IS NULL THEN 'no quality object' ELSE r.reasons END AS reasons,
    l.late AS late_topics
FROM times t
LEFT JOIN listed l ON l.job = t.job AND l.time = t.time
LEFT JOIN lost r ON r.job = t.job AND r.time = t.time
LEFT JOIN stored s ON s.job = t.job AND s.time = t.time
UNION ALL
SELECT o.job, {{ instant_of(seconds("o.time") ~ " + n.n * o.every") }}, NULL, 0, NULL, 'nothing stored', NULL
FROM ordered o
JOIN numbers n ON n.n < ROUND(({{ seconds("o.next_time") }} - {{ seconds("o.time") }}) / o.every);

{% set account, account_name, followers = brand.of.id, brand.of.username, brand.of.followers_count %}
{% if account and account_name and followers %}
{% set account, account_name, followers = account | ident, account_name | ident, followers | ident %}
-- Each known count of followers within the window of a UTC day: the day's, and the last one before it. The API responds
-- from two levels, which `level` distinguishes: 1 is the lower one.
CREATE OR REPLACE VIEW followers_levels AS
WITH counts AS (
    SELECT
        {{ account }} AS user_id,
        MAX({{ account_name }}) AS user_name,
        asked_at,
        {{ utc_day("asked_at") }} AS day,
        {{ double(seconds("asked_at")) }} AS t,
        {{ double("MAX(" ~ followers ~ ")") }} AS n
    FROM brand_over_time
    WHERE {{ followers }} IS NOT NULL
    GROUP BY {{ account }}, asked_at
),
with_next AS (
    SELECT c.*, LEAD(day) OVER (PARTITION BY user_id ORDER BY t) AS next_day
    FROM counts c
),
members AS (
    SELECT user_id, user_name, asked_at, day, t, n, 0 AS is_before FROM counts
    UNION ALL
    SELECT user_id, user_name, asked_at, next_day, t, n, 1 FROM with_next WHERE next_day <> day
),
steps AS (
    SELECT
        m.*,
        (n - LAG(n) OVER (PARTITION BY user_id, day ORDER BY t)) / NULLIF(t - LAG(t) OVER (PARTITION BY user_id, day ORDER BY t), 0) AS rate,
        FIRST_VALUE(t) OVER (PARTITION BY user_id, day ORDER BY t ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS first_t,
        FIRST_VALUE(n) OVER (PARTITION BY user_id, day ORDER BY t ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS first_n
    FROM members m
),
ordered_rates AS (
    SELECT
        user_id,
        day,
        rate,
        ROW_NUMBER() OVER (PARTITION BY user_id, day ORDER BY rate) AS place,
        COUNT(*) OVER (PARTITION BY user_id, day) AS size
    FROM steps
    WHERE rate IS NOT NULL
),
rates AS (
    SELECT user_id, day, AVG(rate) AS rate
    FROM ordered_rates
    WHERE 2 * place BETWEEN size AND size + 2
    GROUP BY user_id, day
),
residuals AS (
    SELECT s.*, s.n - COALESCE(r.rate, 0) * (s.t - s.first_t) AS residual
    FROM steps s
    LEFT JOIN rates r ON r.user_id = s.user_id AND r.day = s.day
),
gaps AS (
    SELECT user_id, day, residual, LEAD(residual) OVER (PARTITION BY user_id, day ORDER BY residual) - residual AS gap
    FROM residuals
),
ordered_gaps AS (
    SELECT g.*, ROW_NUMBER() OVER (PARTITION BY user_id, day ORDER BY gap DESC, residual) AS place
    FROM gaps g
    WHERE gap IS NOT NULL
),
splits AS (
    SELECT
        user_id,
        day,
        MAX(CASE WHEN place = 1 THEN gap END) AS gap,
        MAX(CASE WHEN place = 1 THEN residual END) AS below,
        COALESCE(MAX(CASE WHEN place = 2 THEN gap END), 0) AS next_gap
    FROM ordered_gaps
    WHERE place <= 2
    GROUP BY user_id, day
)
SELECT
    r.user_id,
    r.user_name,
    r.asked_at,
    r.day,
    r.t,
    r.n,
    r.is_before,
    CASE
        WHEN s.gap > 2 * s.next_gap AND s.gap > r.first_n / 10000 AND r.residual > s.below THEN 2
        ELSE 1
    END AS level
FROM residuals r
LEFT JOIN splits s ON s.user_id = r.user_id AND s.day = r.day;

-- The followers of each account by moment. A change of `level` is not a change of followers.
CREATE OR REPLACE VIEW followers_over_time AS
SELECT
    b.{{ account }},
    b.{{ account_name }},
    b.asked_at,
    b.collected_at,
    b.{{ followers }},
    l.level,
    b.quality_known,
    b.asked_at_known
FROM brand_over_time b
LEFT JOIN followers_levels l ON l.user_id = b.{{ account }} AND l.asked_at = b.asked_at AND l.is_before = 0;

-- What each account gained on a UTC day. `gained` is estimated within the two levels of the API, and NULL if there are too
-- few runs. `gained_raw` is the plain difference.
CREATE OR REPLACE VIEW followers_daily AS
WITH ends AS (
    SELECT
        l.*,
        ROW_NUMBER() OVER (PARTITION BY user_id, day ORDER BY t) AS from_first,
        ROW_NUMBER() OVER (PARTITION BY user_id, day ORDER BY t DESC) AS from_last,
        ROW_NUMBER() OVER (PARTITION BY user_id, day, level ORDER BY t) AS from_first_of_level,
        ROW_NUMBER() OVER (PARTITION BY user_id, day, level ORDER BY t DESC) AS from_last_of_level
    FROM followers_levels l
),
windows AS (
    SELECT
        user_id,
        day,
        MAX(CASE WHEN from_last = 1 THEN user_name END) AS user_name,
        MAX(CASE WHEN from_last = 1 THEN n END) AS followers,
        MAX(CASE WHEN from_last = 1 THEN n END) - MAX(CASE WHEN from_first = 1 THEN n END) AS gained_raw,
        MAX(t) - MIN(t) AS seconds,
        COUNT(*) AS counts,
        SUM(1 - is_before) AS runs,
        MAX(level) AS levels
    FROM ends
    GROUP BY user_id, day
),
by_level AS (
    SELECT
        user_id,
        day,
        level,
        COUNT(*) AS counts,
        MAX(t) - MIN(t) AS seconds,
        MAX(CASE WHEN from_last_of_level = 1 THEN n END) - MAX(CASE WHEN from_first_of_level = 1 THEN n END) AS gained
    FROM ends
    GROUP BY user_id, day, level
),
estimates AS (
    SELECT
        w.user_id,
        w.day,
        SUM(l.counts * l.gained / NULLIF(l.seconds, 0)) * MAX(w.seconds) / MAX(w.counts) AS gained,
        MIN(CASE WHEN l.counts >= 2 AND 2 * l.seconds >= w.seconds THEN 1 ELSE 0 END) AS is_sure
    FROM windows w
    JOIN by_level l ON l.user_id = w.user_id AND l.day = w.day
    GROUP BY w.user_id, w.day
)
SELECT
    w.day,
    w.user_id,
    w.user_name,
    CAST(w.followers AS BIGINT) AS followers,
    CAST(CASE
        WHEN w.counts < 12 THEN NULL
        WHEN w.levels = 1 THEN w.gained_raw
        WHEN e.is_sure = 1 THEN ROUND(e.gained)
    END AS BIGINT) AS gained,
    CAST(w.gained_raw AS BIGINT) AS gained_raw,
    w.runs
FROM windows w
JOIN estimates e ON e.user_id = w.user_id AND e.day = w.day
WHERE w.runs > 0;

{% endif %}
{% set house, medium, published, likes, comments = media.of.user_id, media.of.id, media.of.timestamp, media.of.like_count, media.of.comments_count %}
{% if house and medium and published and likes and comments %}
{% set house, medium, published, likes, comments = house | ident, medium | ident, published | ident, likes | ident, comments | ident %}
-- What each post gained at each moment, since its last known count. The first count of a post that is new since the
-- house's response before counts in full. That of an older post does not count: it is unknown when it was gained.
CREATE OR REPLACE VIEW post_gains AS
WITH sightings AS (
    SELECT
        {{ house }} AS user_id,
        {{ medium }} AS media_id,
        asked_at,
        MAX(collected_at) AS collected_at,
        MAX({{ published }}) AS published_at,
        MAX({{ likes }}) AS likes,
        MAX(CASE WHEN {{ (media.of.like_count ~ "_hidden") | ident }} THEN 1 ELSE 0 END) AS likes_hidden,
        MAX({{ comments }}) AS comments
    FROM media_over_time
    GROUP BY {{ house }}, {{ medium }}, asked_at
),
responses AS (
    SELECT user_id, asked_at, LAG(asked_at) OVER (PARTITION BY user_id ORDER BY asked_at) AS before
    FROM (SELECT DISTINCT user_id, asked_at FROM sightings) r
),
firsts AS (
    SELECT user_id, media_id, MIN(asked_at) AS first_seen, MAX(published_at) AS published_at
    FROM sightings
    GROUP BY user_id, media_id
),
news AS (
    SELECT f.user_id, f.media_id, CASE WHEN f.published_at > r.before THEN 1 ELSE 0 END AS is_new
    FROM firsts f
    JOIN responses r ON r.user_id = f.user_id AND r.asked_at = f.first_seen
){% for count in ["likes", "comments"] %},
{{ count }}_known AS (
    SELECT
        k.user_id,
        k.media_id,
        k.asked_at,
        k.{{ count }} - LAG(k.{{ count }}) OVER (PARTITION BY k.user_id, k.media_id ORDER BY k.asked_at) AS change,
        ROW_NUMBER() OVER (PARTITION BY k.user_id, k.media_id ORDER BY k.asked_at) AS place
    FROM sightings k
    WHERE k.{{ count }} IS NOT NULL
){% endfor %}

SELECT
    s.user_id,
    s.media_id,
    s.asked_at,
    s.collected_at,
    s.likes_hidden,
    CASE WHEN l.place > 1 THEN l.change WHEN l.place = 1 AND n.is_new = 1 THEN s.likes END AS likes_gained,
    CASE WHEN c.place > 1 THEN c.change WHEN c.place = 1 AND n.is_new = 1 THEN s.comments END AS comments_gained
FROM sightings s
JOIN news n ON n.user_id = s.user_id AND n.media_id = s.media_id
LEFT JOIN likes_known l ON l.user_id = s.user_id AND l.media_id = s.media_id AND l.asked_at = s.asked_at
LEFT JOIN comments_known c ON c.user_id = s.user_id AND c.media_id = s.media_id AND c.asked_at = s.asked_at;

-- What the media of each house gained, by moment.
CREATE OR REPLACE VIEW engagement_over_time AS
SELECT
    user_id{{ " AS " ~ house if house != ("user_id" | ident) }},
    asked_at,
    MAX(collected_at) AS collected_at,
    COUNT(*) AS media,
    SUM(likes_hidden) AS likes_hidden,
    SUM(likes_gained) AS likes_gained,
    SUM(comments_gained) AS comments_gained
FROM post_gains
GROUP BY user_id, asked_at;

{% if account and account_name and followers %}
{% macro last_known(name, column) %}
{{ name }} AS (
    SELECT user_id, media_id, {{ column }} AS {{ name }}
    FROM (
        SELECT s.*, ROW_NUMBER() OVER (PARTITION BY user_id, media_id ORDER BY asked_at DESC) AS place
        FROM sightings s
        WHERE {{ column }} IS NOT NULL
    ) k
    WHERE place = 1
)
{%- endmacro %}
{% macro at_age(name, age) %}
    CAST(ROUND(MAX(CASE
        WHEN {{ age }} > age_before AND {{ age }} <= age AND age - age_before <= 10800
        THEN likes_before + (likes - likes_before) * ({{ age }} - age_before) / (age - age_before)
    END)) AS BIGINT) AS {{ name }}
{%- endmacro %}
-- Each post of the houses, once. The likes at an age lie between two counts that are at most 3 hours apart.
CREATE OR REPLACE VIEW posts AS
WITH sightings AS (
    SELECT
        {{ house }} AS user_id,
        {{ medium }} AS media_id,
        asked_at,
        MAX({{ published }}) AS published_at,
        MAX({{ media.of.media_type | ident if media.of.media_type else "CAST(NULL AS VARCHAR(1))" }}) AS media_type,
        MAX({{ likes }}) AS likes,
        MAX({{ comments }}) AS comments
    FROM media_over_time
    GROUP BY {{ house }}, {{ medium }}, asked_at
),
seen AS (
    SELECT user_id, media_id, MIN(asked_at) AS first_seen, MAX(asked_at) AS last_seen
    FROM sightings
    GROUP BY user_id, media_id
),
{{ last_known("published_at", "published_at") }},
{{ last_known("media_type", "media_type") }},
{{ last_known("likes", "likes") }},
{{ last_known("comments", "comments") }},
ages AS (
    SELECT
        s.user_id,
        s.media_id,
        {{ double(seconds("s.asked_at")) }} - {{ seconds("p.published_at") }} AS age,
        {{ double("s.likes") }} AS likes,
        COALESCE(LAG({{ double(seconds("s.asked_at")) }} - {{ seconds("p.published_at") }}) OVER (PARTITION BY s.user_id, s.media_id ORDER BY s.asked_at), 0) AS age_before,
        COALESCE(LAG({{ double("s.likes") }}) OVER (PARTITION BY s.user_id, s.media_id ORDER BY s.asked_at), 0) AS likes_before
    FROM sightings s
    JOIN published_at p ON p.user_id = s.user_id AND p.media_id = s.media_id
    WHERE s.likes IS NOT NULL
),
at_ages AS (
    SELECT
        user_id,
        media_id,
    {{ at_age("likes_1h", 3600) }},
    {{ at_age("likes_3h", 10800) }},
    {{ at_age("likes_24h", 86400) }},
    {{ at_age("likes_7d", 604800) }}
    FROM ages
    GROUP BY user_id, media_id
),
responses AS (
    SELECT user_id, asked_at, MIN(published_at) AS oldest
    FROM sightings
    GROUP BY user_id, asked_at
),
gone AS (
    SELECT s.user_id, s.media_id, MIN(r.asked_at) AS gone_by
    FROM seen s
    JOIN published_at p ON p.user_id = s.user_id AND p.media_id = s.media_id
    JOIN responses r ON r.user_id = s.user_id AND r.asked_at > s.last_seen AND r.oldest < p.published_at
    GROUP BY s.user_id, s.media_id
),
accounts AS (
    SELECT {{ account }} AS user_id, asked_at, {{ followers }} AS followers
    FROM brand_over_time
),
counts AS (
    SELECT
        p.user_id,
        p.media_id,
        COALESCE(MAX(CASE WHEN a.asked_at <= p.published_at THEN a.asked_at END), MIN(a.asked_at)) AS asked_at
    FROM published_at p
    JOIN accounts a ON a.user_id = p.user_id
    WHERE a.followers IS NOT NULL
    GROUP BY p.user_id, p.media_id
),
{{ names(account, account_name) }}
SELECT
    s.media_id,
    s.user_id,
    n.user_name,
    p.published_at,
    s.first_seen,
    s.last_seen,
    t.media_type,
    a.likes_1h,
    a.likes_3h,
    a.likes_24h,
    a.likes_7d,
    l.likes,
    c.comments,
    f.followers AS followers_at_post,
    1000 * {{ double("l.likes + c.comments") }} / NULLIF(f.followers, 0) AS engagement_per_mille,
    g.gone_by
FROM seen s
LEFT JOIN published_at p ON p.user_id = s.user_id AND p.media_id = s.media_id
LEFT JOIN media_type t ON t.user_id = s.user_id AND t.media_id = s.media_id
LEFT JOIN likes l ON l.user_id = s.user_id AND l.media_id = s.media_id
LEFT JOIN comments c ON c.user_id = s.user_id AND c.media_id = s.media_id
LEFT JOIN at_ages a ON a.user_id = s.user_id AND a.media_id = s.media_id
LEFT JOIN counts k ON k.user_id = s.user_id AND k.media_id = s.media_id
LEFT JOIN accounts f ON f.user_id = k.user_id AND f.asked_at = k.asked_at
LEFT JOIN names n ON n.user_id = s.user_id
LEFT JOIN gone g ON g.user_id = s.user_id AND g.media_id = s.media_id;

{% endif %}
{% endif %}
{% if hashtags.of.id and media.of.id %}
{% set medium, own = hashtags.of.id | ident, media.of.id | ident %}
-- The distinct posts that were seen under each hashtag on a UTC day, and those of them that are the houses' own.
-- `hashtag` is the mapping's field `topic`. Without it, there is one row per day.
CREATE OR REPLACE VIEW hashtag_posts AS
SELECT
    h.day,
    h.hashtag,
    COUNT(DISTINCT h.media_id) AS posts,
    COUNT(DISTINCT o.media_id) AS own_posts
FROM (
    SELECT DISTINCT
        {{ utc_day("asked_at") }} AS day,
        {{ hashtags.of.topic | ident if hashtags.of.topic else "CAST(NULL AS VARCHAR(1))" }} AS hashtag,
        {{ medium }} AS media_id
    FROM media_hashtag
) h
LEFT JOIN (SELECT DISTINCT {{ own }} AS media_id FROM media) o ON o.media_id = h.media_id
GROUP BY h.day, h.hashtag;

{% if hashtags.of.user_id and media.of.user_id and account and account_name %}
-- The distinct posts under the hashtags of each house on a UTC day, and their share among all houses.
CREATE OR REPLACE VIEW share_of_voice AS
WITH posts_of_day AS (
    SELECT h.day, h.user_id, COUNT(DISTINCT h.media_id) AS posts, COUNT(DISTINCT o.media_id) AS own_posts
    FROM (
        SELECT DISTINCT {{ utc_day("asked_at") }} AS day, {{ hashtags.of.user_id | ident }} AS user_id, {{ medium }} AS media_id
        FROM media_hashtag
    ) h
    LEFT JOIN (SELECT DISTINCT {{ media.of.user_id | ident }} AS user_id, {{ own }} AS media_id FROM media) o
        ON o.user_id = h.user_id AND o.media_id = h.media_id
    GROUP BY h.day, h.user_id
),
{{ names(account, account_name) }}
SELECT
    p.day,
    n.user_name,
    p.posts,
    p.own_posts,
    {{ double("p.posts") }} / SUM(p.posts) OVER (PARTITION BY p.day) AS share,
    p.user_id
FROM posts_of_day p
LEFT JOIN names n ON n.user_id = p.user_id;

{% endif %}
{% endif %}
{% endif %}
