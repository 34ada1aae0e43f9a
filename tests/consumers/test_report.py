"""The report has the numbers of the SQL views, and of a calculation in plain Python, on days with faults and repairs."""

import json
from datetime import UTC
from statistics import median

import duckdb
import pytest

from conftest import LUXURY_BRANDS, ROOT, Collected, read, run, write
from independent import Data, seconds
from independent import day as day_of

UNTIL = "2026-11-24T03:00:00Z"
FAULTS = ["dior=bad_records", "#dior=bad_records", "prada=permissionx2", "#gucci=not_therex4", "fendi=no_media"]


@pytest.fixture(scope="module")
def hours(tmp_path_factory):
    """Six hours with a late repair, zeros that were counted and zeros of which nobody knows."""
    folder = tmp_path_factory.mktemp("report")
    (folder / "configure.ini").write_text((ROOT / "configure.ini").read_text())
    faults = [argument for fault in FAULTS for argument in ("--fault", fault)]
    run(folder, LUXURY_BRANDS, "sandbox", "day", "--hours", "6", "--until", UNTIL, *faults)
    # A part that repairs a run, and brings a topic once more that had not failed.
    event = {"time": "2026-11-23T21:00:00Z", "accounts": ["prada", "dior"]}
    run(folder, LUXURY_BRANDS, "brand_media", "--sandbox", "--event", json.dumps(event))
    data = Collected(folder, "array")
    # Zeros of which a quality object says that they were counted, and zeros as the Python version left them.
    for model, fields in {"brand": ["followers_count"], "media": ["like_count", "comments_count"], "media_hashtag": ["like_count"]}.items():
        counted, unknown = data.objects(model)[1], data.objects(model)[-2]
        (folder / "sandbox_env" / "quality" / unknown.parent.name / unknown.name).unlink()
        for path in [counted, unknown]:
            records = read(path, "array")
            for record in records[::4]:
                record |= dict.fromkeys(fields, 0)
            write(path, "array", records)
    return data


@pytest.fixture(scope="module")
def tables(hours):
    connection = duckdb.connect()
    for statement in hours.statements("duckdb"):
        connection.execute(statement)
    return lambda query: connection.execute(query).fetchall()


@pytest.fixture(scope="module")
def page(hours):
    run(hours.folder, LUXURY_BRANDS, "report", "sandbox_env")
    html = (hours.folder / "report.html").read_text(encoding="utf-8")
    return json.loads(html.split('<script type="application/json" id="data">')[1].split("</script>")[0])


def by_day(page, rows):
    """What the page has of a figure, by house and day."""
    houses = zip(page["houses"], rows)
    return {(house["user_id"], day): n for house, values in houses for day, n in zip(page["days"], values, strict=True) if n is not None}


def known(rows):
    return {key: n for *key, n in rows if n is not None for key in [tuple(key)]}


@pytest.mark.parametrize(("figure", "column"), [("count", "followers"), ("gained", "gained"), ("gained_raw", "gained_raw"), ("runs", "runs")])
def test_followers_of_each_day(page, tables, figure, column):
    rows = tables(f"SELECT user_id, day::VARCHAR, {column}::BIGINT FROM followers_daily")
    assert by_day(page, page["followers"][figure]) == known(rows)
    assert figure == "gained" or by_day(page, page["followers"][figure])


@pytest.mark.parametrize("model", ["media", "media_hashtag"])
@pytest.mark.parametrize(
    ("measure", "condition"),
    [
        ("records", "TRUE"),
        ("hidden", "like_count_hidden"),
        ("zero", "like_count = 0"),
        ("unusable", "like_count IS NULL AND NOT like_count_hidden"),
        ("unknown", "like_count IS NULL AND like_count_hidden IS NULL"),
    ],
)
def test_what_a_stored_like_count_means(page, tables, model, measure, condition):
    rows = tables(f"SELECT user_id, asked_at, media_id FROM {model}_over_time WHERE {condition}")
    counts = {}
    for house, asked_at, _ in rows:
        key = (house, asked_at.astimezone(UTC).strftime("%Y-%m-%d"))
        counts[key] = counts.get(key, 0) + 1
    assert by_day(page, page["collector"]["likes"][model][measure]) == counts
    assert counts, "the hours have some"


@pytest.mark.parametrize("measure", ["likes_gained", "comments_gained"])
def test_what_the_media_gained(page, tables, measure):
    series, step = page["series"], page["series"]["step"]
    slots = [series["from"] + i * step for i in range(len(series[measure][0]))]
    shown = {(house["user_id"], at): n for house, row in zip(page["houses"], series[measure]) for at, n in zip(slots, row) if n is not None}
    rows = tables(f"SELECT user_id, (floor(epoch(asked_at) / {step}) * {step})::BIGINT, sum({measure})::BIGINT FROM engagement_over_time GROUP BY ALL")
    assert shown == known(rows)
    assert sum(shown.values()) > 0


def test_each_post(page, tables):
    columns = ["likes", "comments", "likes_1h", "likes_3h", "likes_24h", "likes_7d", "followers_at_post::BIGINT", "floor(epoch(gone_by))::BIGINT"]
    rows = tables(f"SELECT user_id, media_id, coalesce(epoch(published_at)::BIGINT, 0), floor(epoch(first_seen))::BIGINT, floor(epoch(last_seen))::BIGINT, {', '.join(columns)} FROM posts")
    names = ["time", "first", "seen", "likes", "comments", "likes_1h", "likes_3h", "likes_24h", "likes_7d", "followers", "gone"]
    posts = [(page["houses"][p["house"]]["user_id"], p["id"], *(p.get(name) for name in names)) for p in page["posts"]]
    assert sorted(posts, key=repr) == sorted(rows, key=repr)
    assert page["posts_unlisted"] == 0


def test_the_share_of_voice_of_each_day(page, tables):
    posts, own = {}, {}
    for house, author, day, _, n in page["voice"]:
        if house >= 0:
            key = (page["houses"][house]["user_id"], page["days"][day])
            posts[key] = posts.get(key, 0) + n
            own[key] = own.get(key, 0) + (n if author == house else 0)
    rows = tables("SELECT user_id, day::VARCHAR, posts, own_posts FROM share_of_voice")
    assert {(house, day): (n, own_posts) for house, day, n, own_posts in rows} == {key: (posts[key], own[key]) for key in posts}


def test_the_runs_of_each_day(page, tables):
    for job in page["collector"]["jobs"]:
        rows = tables(f"SELECT floor(epoch(time) / 86400)::BIGINT, sum(expected_topics)::BIGINT, sum(collected_topics)::BIGINT FROM runs WHERE job = '{job['job']}' AND expected_topics IS NOT NULL GROUP BY 1 ORDER BY 1")
        unknown = tables(f"SELECT count(*) FROM runs WHERE job = '{job['job']}' AND reasons = 'no quality object'")[0][0]
        days = [(e, c) for e, c in zip(job["expected"], job["collected"]) if e is not None]
        if not unknown:
            assert days == [(e, c) for _, e, c in rows]
        missing = tables(f"SELECT count(*) FROM runs WHERE job = '{job['job']}' AND reasons = 'nothing stored'")[0][0]
        late = sum(late["job"] == job["job"] for late in page["collector"]["late"])
        assert sum(gap["missing"] for gap in job["gaps"]) in (missing, missing + late)


def median_of(values):
    values = [value for value in values if value is not None]
    return pytest.approx(median(values)) if values else None


def test_the_figures_of_a_period_are_those_of_a_plain_calculation(day, tmp_path):
    day = day.copy(tmp_path)
    # A post under the hashtags of two houses, and a house's own post under its hashtag and under that of another.
    first, second = day.objects("media_hashtag")[3], day.objects("media_hashtag")[7]
    records = read(first, "array")
    records[0] = records[-1] | {"user_id": records[0]["user_id"]}
    write(first, "array", records)
    own = read(day.objects("media")[0], "array")[0]
    records = read(second, "array")
    other = next(r["user_id"] for r in records if r["user_id"] != own["user_id"])
    mine = next(i for i, r in enumerate(records) if r["user_id"] == own["user_id"])
    theirs = next(i for i, r in enumerate(records) if r["user_id"] == other)
    for i in (mine, theirs):
        records[i] |= {"media_id": own["media_id"]}
    write(second, "array", records)
    figures = json.loads(run(day.folder, LUXURY_BRANDS, "report", "--json", "sandbox_env"))["figures"]
    data = Data(day.folder / "sandbox_env")
    period, days = figures["period"], set()
    start = seconds(period["from"] + "T00:00:00Z")
    for i in range(period["days"]):
        days.add(day_of(start + i * 86400))
    assert max(days) == period["to"]
    daily, posts, gains = data.followers_daily(), data.posts(), data.gains()
    of_day, of_house = data.under_hashtags()
    owned = {}
    for house, medium in posts:
        owned.setdefault(house, set()).add(medium)
    under = {house["user_id"]: set().union(*(ids for (of, h), ids in of_house.items() if of in days and h == house["user_id"])) for house in figures["houses"]}
    everything = sum(map(len, under.values()))
    all_own = sum(len(ids & owned.get(house, set())) for house, ids in under.items())
    assert all_own, "the day has an own post under a hashtag"
    kinds = {}
    for house in figures["houses"]:
        of, user_id = house["period"], house["user_id"]
        rows = [daily[key] for key in sorted(daily) if key[1] == user_id and key[0] in days]
        known_gains = [gain for _, gain, _, _ in rows if gain is not None]
        assert (of["followers"], of["gained"], of["days_with_gain"]) == (rows[-1][0], sum(known_gains) if known_gains else None, len(known_gains))
        assert of["gained_raw"] == sum(raw for _, _, raw, _ in rows)
        base = rows[0][0] - rows[0][2]
        assert of["gained_percent"] == (pytest.approx(100 * sum(known_gains) / base) if known_gains else None)
        published = [post for (h, _), post in posts.items() if h == user_id and post["published_at"] and day_of(post["published_at"]) in days]
        rates = [1000 * post["likes_24h"] / post["followers_at_post"] if post["likes_24h"] is not None and post["followers_at_post"] else None for post in published]
        assert of["posts"] == len(published)
        assert of["engagement_per_mille"] == median_of([post["engagement_per_mille"] for post in published])
        assert of["likes_24h_per_mille"] == median_of(rates)
        for i, name in enumerate(["likes_gained", "comments_gained"]):
            gained = [gain[i] for (h, at), gain in gains.items() if h == user_id and day_of(at) in days and gain[i] is not None]
            assert of[name] == (sum(gained) if gained else None)
        own_posts = len(under[user_id] & owned.get(user_id, set()))
        assert (of["hashtag_posts"], of["own_posts"]) == (len(under[user_id]), own_posts)
        assert of["share"] == pytest.approx(len(under[user_id]) / everything)
        assert of["share_of_others"] == pytest.approx((len(under[user_id]) - own_posts) / (everything - all_own))
        kinds[user_id] = len(published)
    assert figures["hashtag_posts"] == len(set().union(*(ids for of, ids in of_day.items() if of in days)))
    assert sum(format["posts"] for format in figures["formats"]) == sum(kinds.values())
    assert any(house["period"]["gained"] for house in figures["houses"])


def test_where_the_data_is_from_and_how_fresh(page, tables):
    source = page["source"]
    newest = tables("SELECT max(epoch(collected_at))::BIGINT FROM (SELECT collected_at FROM media UNION ALL SELECT collected_at FROM media_hashtag)")
    assert source["place"] == "sandbox_env" and source["newest"] == newest[0][0]
    assert source["unknown"] == 3
    unknown = tables("SELECT count(DISTINCT source_key) FROM (SELECT source_key, quality_known FROM brand_over_time UNION ALL SELECT source_key, quality_known FROM media_over_time UNION ALL SELECT source_key, quality_known FROM media_hashtag_over_time) WHERE NOT quality_known")
    assert unknown == [(3,)]
