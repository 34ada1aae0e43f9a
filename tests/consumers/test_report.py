"""The report has the numbers of the SQL views, and of a calculation in plain Python, on days with faults and repairs."""

import json
from datetime import UTC
from statistics import median

import duckdb
import pytest

from conftest import LUXURY_BRANDS, ROOT, Collected, configured, read, run, write
from independent import Data, seconds
from independent import day as day_of

UNTIL = "2026-11-24T03:00:00Z"
FAULTS = ["dior=bad_records", "#dior=bad_records", "prada=permissionx2", "#gucci=not_therex4", "fendi=no_media"]


@pytest.fixture(scope="module")
def hours(tmp_path_factory):
    """Six hours with a late repair, zeros that were counted and zeros of which no object says whether they were."""
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
    return loaded(hours)


def loaded(data):
    """Runs queries on the tables and views of the data."""
    connection = duckdb.connect()
    for statement in data.statements("duckdb"):
        connection.execute(statement)
    return lambda query: connection.execute(query).fetchall()


def reported(data, *options):
    """The data of the page, and the document of `--json`."""
    written = json.loads(run(data.folder, LUXURY_BRANDS, "report", "--json", "sandbox_env", *options))
    html = (data.folder / "report.html").read_text(encoding="utf-8")
    return json.loads(html.split('<script type="application/json" id="data">')[1].split("</script>")[0]), written


@pytest.fixture(scope="module")
def page(hours):
    return reported(hours)[0]


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


def test_where_the_data_is_from_and_how_fresh(page, tables):
    source = page["source"]
    newest = tables("SELECT max(epoch(collected_at))::BIGINT FROM (SELECT collected_at FROM media UNION ALL SELECT collected_at FROM media_hashtag)")
    assert source["place"] == "sandbox_env" and source["newest"] == newest[0][0]
    assert source["unknown"] == 3
    unknown = tables("SELECT count(DISTINCT source_key) FROM (SELECT source_key, quality_known FROM brand_over_time UNION ALL SELECT source_key, quality_known FROM media_over_time UNION ALL SELECT source_key, quality_known FROM media_hashtag_over_time) WHERE NOT quality_known")
    assert unknown == [(3,)]


TOPICS = {
    "accounts = hermes chanelofficial dior louisvuitton gucci prada ysl celine maisonvalentino miumiu fendi": "accounts = dior gucci maisonvalentino",
    # Two hashtags of one house.
    "hashtags = hermes chanel dior louisvuitton gucci prada ysl celine valentino miumiu fendi": "hashtags = dior gucci valentino maisonvalentino",
    "[topic]": "[limits]\nhashtag_runs_per_hour = 2\n\n[topic]",
}
# The days whose hashtag posts the test changes.
CHANGED = ["2026-11-12", "2026-11-13", "2026-11-20", "2026-11-24"]
DIOR, GUCCI = "17841401694708594", "17841401591500037"


@pytest.fixture(scope="module")
def weeks(tmp_path_factory):
    """Two periods of seven days: bad records, missing runs, posts under the hashtags of two houses, a house's own posts."""
    folder = tmp_path_factory.mktemp("weeks")
    configured(folder, "array", TOPICS)
    faults = [fault for name in ["dior=bad_recordsx40", "#dior=bad_recordsx9", "#gucci=not_therex4"] for fault in ("--fault", name)]
    run(folder, LUXURY_BRANDS, "sandbox", "day", "--hours", "365", "--until", "2026-11-25T03:00:00Z", *faults)
    data = Collected(folder, "array")
    own = {house: next(r["media_id"] for r in read(data.objects("media")[-1], "array") if r["user_id"] == house) for house in [DIOR, GUCCI]}
    for day in CHANGED:
        for hour, posts in {"04": {DIOR: own[DIOR], GUCCI: own[DIOR]}, "11": {DIOR: own[GUCCI]}}.items():
            path = folder / "sandbox_env" / "raw" / f"media_hashtag_{day}" / f"media_hashtag_{day}_{hour}0000.json"
            records = read(path, "array")
            for house, medium in posts.items():
                record = next(r for r in records if r["user_id"] == house)
                record["media_id"] = medium
            # A post under the hashtags of two houses, which neither has published.
            common = next(r for r in records if r["user_id"] == DIOR and r["media_id"] not in own.values())
            next(r for r in records if r["user_id"] == GUCCI and r["media_id"] not in own.values())["media_id"] = common["media_id"]
            write(path, "array", records)
    for name in ["2026-11-14_050000", "2026-11-14_060000", "2026-11-21_100000"]:
        for path in (folder / "sandbox_env").glob(f"*/*/*_{name}.json"):
            path.unlink()
    return data


@pytest.fixture(scope="module")
def report_of_weeks(weeks):
    return reported(weeks)


@pytest.fixture(scope="module")
def tables_of_weeks(weeks):
    return loaded(weeks)


@pytest.fixture(scope="module")
def plain(weeks):
    return Data(weeks.folder / "sandbox_env")


def median_of(values):
    values = [value for value in values if value is not None]
    return pytest.approx(median(values)) if values else None


def rate(n, followers):
    return 1000 * n / followers if n is not None and followers else None


@pytest.mark.parametrize("of", ["period", "before"])
def test_the_figures_of_a_period_are_those_of_a_plain_calculation(report_of_weeks, plain, of):
    figures = report_of_weeks[1]["figures"]
    period = figures[of]
    start = seconds(period["from"] + "T00:00:00Z")
    days = [day_of(start + i * 86400) for i in range(period["days"])]
    assert (days[-1], len(days)) == (period["to"], 7)
    daily, posts, gains = plain.followers_daily(), plain.posts(), plain.gains()
    (of_day, of_house), full = plain.under_hashtags(), plain.only_new_posts()
    owned, under = {}, {}
    for house, medium in posts:
        owned.setdefault(house, set()).add(medium)
    for day, house in of_house:
        under.setdefault(house, set()).update(of_house[day, house] if day in days else set())
    everything = sum(map(len, under.values()))
    all_own = sum(len(ids & owned[house]) for house, ids in under.items())
    assert all_own and everything > len(set().union(*under.values())), "own posts, and posts under the hashtags of two houses"
    published = [(house, post) for (house, _), post in posts.items() if post["published_at"] and day_of(post["published_at"]) in days]
    for house in figures["houses"]:
        shown, user_id = house[of], house["user_id"]
        rows = [daily[day, user_id] for day in days if (day, user_id) in daily]
        known_gains = [gain for _, gain, _, _ in rows if gain is not None]
        assert known_gains
        assert (shown["followers"], shown["gained"], shown["days_with_gain"]) == (rows[-1][0], sum(known_gains), len(known_gains))
        assert shown["gained_raw"] == sum(raw for _, _, raw, _ in rows)
        assert shown["gained_percent"] == pytest.approx(100 * sum(known_gains) / (rows[0][0] - rows[0][2]))
        own = [post for of_post, post in published if of_post == user_id]
        assert (shown["posts"], shown["likes_hidden"]) == (len(own), sum(post["hidden"] for post in own))
        assert shown["engagement_per_mille"] == median_of([post["engagement_per_mille"] for post in own])
        assert shown["likes_24h_per_mille"] == median_of([rate(post["likes_24h"], post["followers_at_post"]) for post in own])
        for i, name in enumerate(["likes_gained", "comments_gained"]):
            assert shown[name] == sum(gain[i] for (h, at), gain in gains.items() if h == user_id and day_of(at) in days and gain[i] is not None)
        own_posts = len(under[user_id] & owned[user_id])
        assert (shown["hashtag_posts"], shown["own_posts"]) == (len(under[user_id]), own_posts)
        assert shown["share"] == pytest.approx(len(under[user_id]) / everything)
        assert shown["share_of_others"] == pytest.approx((len(under[user_id]) - own_posts) / (everything - all_own))
        assert shown["at_least"] == any(h == user_id and day_of(at) in days for h, at in full)
    if of == "period":
        assert figures["hashtag_posts"] == len(set().union(*(of_day[day] for day in days)))
        for format in figures["formats"]:
            own = [post for _, post in published if post["kind"] == format["kind"]]
            assert format["posts"] == len(own)
            assert format["engagement_per_mille"] == median_of([post["engagement_per_mille"] for post in own])
            assert format["likes_24h_per_mille"] == median_of([rate(post["likes_24h"], post["followers_at_post"]) for post in own])
        assert {format["kind"] for format in figures["formats"]} == {post["kind"] for _, post in published}


def test_the_posts_that_houses_have_in_common_are_those_of_a_plain_calculation(report_of_weeks, plain):
    page, _ = report_of_weeks
    _, of_house = plain.under_hashtags()
    houses = [house["user_id"] for house in page["houses"]]
    assert page["shared"]
    for first in range(len(page["days"])):
        days = page["days"][first : first + 7]
        shown = {}
        for one, other, day, before, n in page["shared"]:
            if first <= day < first + 7 and before < first:
                key = (houses[one], houses[other])
                shown[key] = shown.get(key, 0) + n
        of = {house: set().union(*(of_house[day, house] for day in days if (day, house) in of_house)) for house in houses}
        pairs = {(one, other): len(of[one] & of[other]) for i, one in enumerate(houses) for other in houses[i + 1 :]}
        assert shown == {pair: n for pair, n in pairs.items() if n}


def test_the_runs_of_each_day(report_of_weeks, tables_of_weeks):
    page, _ = report_of_weeks
    first = tables_of_weeks(f"SELECT floor(epoch(TIMESTAMP '{page['days'][0]}') / 86400)::BIGINT")[0][0]
    for job in page["collector"]["jobs"]:
        rows = tables_of_weeks(f"SELECT floor(epoch(time) / 86400)::BIGINT, count(*) FILTER (reasons IS DISTINCT FROM 'nothing stored'), sum(expected_topics)::BIGINT, sum(collected_topics)::BIGINT FROM runs WHERE job = '{job['job']}' GROUP BY 1")
        shown = {first + day: row for day, row in enumerate(zip(job["runs"], job["expected"], job["collected"]))}
        assert shown == {day: row for day, *row in rows for row in [tuple(row)]}
        missing = tables_of_weeks(f"SELECT count(*) FROM runs WHERE job = '{job['job']}' AND reasons = 'nothing stored'")[0][0]
        assert sum(gap["missing"] for gap in job["gaps"]) == missing == 3
        assert [gap["missing"] for gap in job["gaps"]] == ([2, 1] if job["job"] == "brand_media" else [1, 1, 1])


@pytest.mark.parametrize(("measure", "columns"), [("defaulted", "field, reason"), ("rejected", "reason")])
def test_what_was_defaulted_and_left_out_by_day(report_of_weeks, tables_of_weeks, measure, columns):
    page, _ = report_of_weeks
    rows = tables_of_weeks(f"SELECT model, {columns}, CAST(timezone('UTC', collected_at) AS DATE)::VARCHAR, sum(cases)::BIGINT FROM quality WHERE outcome = '{measure}' GROUP BY ALL")
    shown = [(*of, page["days"][day], n) for *of, day, n in page["collector"][measure]]
    # A record with another id is not the one that its quality object lists.
    is_changed = lambda row: row[0] == "media_hashtag" and row[-2] in CHANGED
    assert shown and {row for row in shown if not is_changed(row)} == {row for row in rows if not is_changed(row)}


def test_the_texts_of_a_post(report_of_weeks, tables_of_weeks):
    page, written = report_of_weeks
    assert written["posts"] == page["posts"]
    product = "CASE WHEN coalesce(media_product_type, '') IN ('', 'FEED') THEN media_type ELSE media_product_type END"
    rows = tables_of_weeks(f"SELECT user_id, media_id, {product}, caption, permalink, like_count_hidden FROM latest_media")
    of = {(house, medium): row for house, medium, *row in rows}
    assert len(of) == len(page["posts"]) > 0
    for post in page["posts"]:
        kind, caption, link, hidden = of[page["houses"][post["house"]]["user_id"], post["id"]]
        caption = " ".join((caption or "").split())
        caption = caption if len(caption) <= 80 else caption[:80] + "…"
        assert (post["kind"], post.get("caption", ""), post.get("link"), post.get("hidden", False)) == (kind, caption, link, bool(hidden))


def test_the_posts_under_hashtags_with_the_most_likes_and_comments(report_of_weeks, plain):
    page, _ = report_of_weeks
    last, owned = {}, {medium: house for house, medium in plain.posts()}
    for row in plain.rows("media_hashtag"):
        if row["timestamp"]:
            last[row["user_id"], row["media_id"]] = row
    best = {}
    for (house, medium), row in last.items():
        best.setdefault((house, row["timestamp"][:10]), []).append(((row["like_count"] or 0) + (row["comments_count"] or 0), owned.get(medium)))
    shown = {}
    for post in page["hashtag_posts"]:
        author = page["houses"][post["author"]]["user_id"] if "author" in post else None
        key = (page["houses"][post["house"]]["user_id"], day_of(post["time"]))
        shown.setdefault(key, []).append((post.get("likes", 0) + post.get("comments", 0), author))
    assert shown.keys() == best.keys()
    for key, posts in shown.items():
        listed = min(page["hashtag_posts_listed"], len(best[key]))
        assert sorted(n for n, _ in posts) == sorted(n for n, _ in best[key])[-listed:]
        assert set(posts) <= set(best[key])


def test_up_to_three_days_are_shown_by_hour(weeks, tables_of_weeks):
    page, _ = reported(weeks, "--since", "2026-11-20", "--until", "2026-11-22")
    assert page["series"]["step"] == 3600
    slots = [page["series"]["from"] + i * 3600 for i in range(len(page["series"]["likes_gained"][0]))]
    for measure in ["likes_gained", "comments_gained"]:
        rows = tables_of_weeks(f"SELECT user_id, (floor(epoch(asked_at) / 3600) * 3600)::BIGINT AS slot, sum({measure})::BIGINT FROM engagement_over_time WHERE slot >= epoch(TIMESTAMP '2026-11-20 01:00:00') AND slot < epoch(TIMESTAMP '2026-11-22') GROUP BY ALL")
        shown = {(house["user_id"], at): n for house, row in zip(page["houses"], page["series"][measure]) for at, n in zip(slots, row) if n is not None}
        # The first responses have no count before them.
        shown = {key: n for key, n in shown.items() if key[1] >= min(at for _, at, _ in rows)}
        assert shown == known(rows) and shown


def test_finished_days_are_read_from_parquet(weeks, tmp_path):
    data = weeks.copy(tmp_path)
    page, written = reported(data)
    assert written["source"]["files"] > 2000
    statements = [*data.statements("duckdb"), *data.statements("duckdb", "compaction")]
    connection = duckdb.connect()
    for statement in statements:
        connection.execute(statement)

    def differs(page_before, written_before, most_files):
        page, written = reported(data)
        assert written["source"]["files"] < most_files and not written["skipped"]
        for report in [page, page_before]:
            report["source"] |= dict.fromkeys(["made", "files", "bytes"])
        assert page == page_before
        return {key for key in ["figures", "posts"] if written[key] != written_before[key]}

    assert not differs(page, written, 200)
    # The JSON of the finished days expires. That of one quality object says that the sandbox made the data up.
    for path in (data.folder / "sandbox_env").glob("*/*_2026-11-1*/*.json"):
        path.unlink()
    assert not differs(page, written, 200)
    # A repair after the compaction counts.
    event = {"time": "2026-11-21T10:00:00Z"}
    run(data.folder, LUXURY_BRANDS, "brand_media", "--sandbox", "--event", json.dumps(event))
    repaired, _ = reported(data)
    assert {late["time"] for late in repaired["collector"]["late"]} == {seconds(event["time"])} and not page["collector"]["late"]


def test_parquet_that_cannot_be_read_is_named_and_its_json_is_read(collected, tmp_path):
    data = collected.copy(tmp_path)
    _, before = reported(data)
    connection = duckdb.connect()
    for statement in [*data.statements("duckdb"), *data.statements("duckdb", "compaction")]:
        connection.execute(statement)
    for path in (data.folder / "sandbox_env" / "parquet" / "rows_of=media_rows").glob("*/*.parquet"):
        path.write_bytes(b"PAR1 and nothing more")
    page, written = reported(data)
    assert written["figures"] == before["figures"] and written["posts"] == before["posts"] and written["posts"]
    skipped = page["collector"]["skipped"]
    assert len(skipped) == 2
    for file in skipped:
        assert "rows_of=media_rows" in file["key"] and file["reason"].endswith("; the JSON of its objects is read")
    for path in data.objects("media"):
        path.unlink()
    page, _ = reported(data)
    assert [file["reason"].split("; ")[1] for file in page["collector"]["skipped"]] == ["the JSON of 1 object of its day is gone"] * 2
