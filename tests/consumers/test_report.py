"""The report has the numbers of the SQL views, and of a calculation in plain Python, on days with faults and repairs."""

import json

import duckdb
import pytest

from conftest import LUXURY_BRANDS, ROOT, Collected, read, run, write
from independent import Data, gained

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


def shown(page, model, measure):
    """What the page has of a measure, by house and row."""
    table = page["tables"][model]
    assert table["width"] == 0, "a row is a run"
    houses = zip(page["houses"], table["houses"].get(measure, []))
    figures = [(house["user_id"], time, n) for house, values in houses for time, n in zip(table["times"], values)]
    return {(house, time): n for house, time, n in figures if n is not None}


def row(time, moment, every):
    """The row of a response: the time of its run, or the second at which it arrived if that is after the run's slot."""
    return int(moment if moment >= time + every else time)


def by_row(rows, every=3600):
    return {(house, row(time, moment, every)): n for house, time, moment, n in rows if n is not None}


TIMES = "user_id, epoch(collected_at), epoch(asked_at)"


def test_followers_of_every_run(page, tables):
    rows = tables(f"SELECT {TIMES}, followers_count FROM followers_over_time")
    assert by_row(rows) == shown(page, "brand", "followers")
    assert len(by_row(rows)) < len(rows), "some are unknown"
    moments = {(house, time): time + after / 1000 for (house, time), after in shown(page, "brand", "asked").items()}
    assert moments == by_row([(house, time, asked, asked) for house, time, asked, n in rows if n is not None])
    assert [late["houses"] for late in page["late"]] == [sorted({i for i, h in enumerate(page["houses"]) if h["account"] in ["prada", "dior"]})]


@pytest.mark.parametrize(("model", "every"), [("media", 3600), ("media_hashtag", 300)])
@pytest.mark.parametrize(
    ("measure", "condition"),
    [
        ("likes_hidden", "like_count_hidden"),
        ("likes_zero", "like_count = 0"),
        ("likes_unusable", "like_count IS NULL AND NOT like_count_hidden"),
        ("likes_unknown", "like_count IS NULL AND like_count_hidden IS NULL"),
        ("comments_zero", "comments_count = 0"),
        ("comments_unusable", "comments_count IS NULL AND quality_known"),
        ("comments_unknown", "comments_count IS NULL AND NOT quality_known"),
    ],
)
def test_what_a_stored_zero_means(page, tables, model, every, measure, condition):
    rows = tables(f"SELECT {TIMES}, count(*) FILTER (WHERE {condition}) FROM {model}_over_time GROUP BY ALL")
    counts = {key: n for key, n in by_row(rows, every).items() if n}
    assert counts == shown(page, model, measure)
    if measure.startswith("likes"):
        assert counts, "the hours have some"


@pytest.mark.parametrize("measure", ["likes_gained", "comments_gained"])
def test_what_the_media_gained(page, tables, measure):
    rows = tables(f"SELECT {TIMES}, {measure}::BIGINT FROM engagement_over_time")
    assert by_row(rows) == shown(page, "media", measure)
    assert sum(by_row(rows).values()) > 0


def test_the_last_state_of_each_medium(page, tables):
    rows = tables(f"SELECT {TIMES}, like_count, coalesce(like_count_hidden, false), comments_count FROM latest_media")
    rows = [(house, row(time, moment, 3600), *state) for house, time, moment, *state in rows]
    posts = [(page["houses"][p["house"]]["user_id"], p["seen"], p.get("likes"), p.get("hidden", False), p.get("comments")) for p in page["posts"]]
    assert sorted(posts, key=repr) == sorted(rows, key=repr)


def test_the_figures_of_a_day_are_those_of_a_plain_calculation(day, tmp_path):
    day = day.copy(tmp_path)
    # A post under the hashtags of two houses.
    path = day.objects("media_hashtag")[3]
    records = read(path, "array")
    records[0] = records[-1] | {"user_id": records[0]["user_id"]}
    write(path, "array", records)
    figures = json.loads(run(day.folder, LUXURY_BRANDS, "report", "--json", "sandbox_env"))["figures"]
    data = Data(day.folder / "sandbox_env")
    likes, posts, counts = {}, {}, {}
    for (house, _), gains in data.gains().items():
        likes[house] = [a if b is None else (a or 0) + b for a, b in zip(likes.get(house, [None, None]), gains)]
    of_day, of_house = data.under_hashtags()
    for (_, house), ids in of_house.items():
        posts.setdefault(house, set()).update(ids)
    for r in data.rows("brand"):
        if r["followers_count"] is not None:
            counts.setdefault(r["user_id"], []).append((row(r["time"], r["moment"], 3600), r["moment"], r["followers_count"]))
    every = {"brand": 3600, "media": 3600, "media_hashtag": 1800}
    rows = [row(time, moment, every[model]) for model in every for time, moment, *_ in data.results(model)]
    for house in figures["houses"]:
        user_id = house["user_id"]
        assert (house["likes_gained"], house["comments_gained"]) == tuple(likes[user_id])
        assert house["hashtag_posts"] == len(posts[user_id])
        pieces = estimates(counts[user_id], min(rows), max(rows))
        known = [n for n in pieces if n is not None]
        assert (house["pieces"], house["pieces_estimated"]) == (len(pieces), len(known))
        assert house["followers_gained"] == (sum(known) if known else None)
        assert house["followers_gained_raw"] == counts[user_id][-1][2] - counts[user_id][0][2]
        assert house["followers"] == counts[user_id][-1][2]
    assert figures["hashtag_posts"] == len(set().union(*of_day.values())) == sum(map(len, posts.values())) - 1
    assert any(house["followers_gained"] for house in figures["houses"])


def estimates(counts, start, end):
    """What was gained in each 24 hours from the end."""
    pieces = []
    while True:
        first = end - 86400 + 1 if end - start > 86400 else start
        window = [(t, n) for at, t, n in counts if first <= at <= end]
        before = [(t, n) for at, t, n in counts if at < first][-1:]
        pieces.append(gained(before + window) if window else None)
        if first == start:
            return pieces
        end -= 86400


def test_records_and_defaults_and_records_left_out(page, tables):
    for model in ["brand", "media", "media_hashtag"]:
        times = page["tables"][model]["times"]
        of = [n for values in page["tables"][model]["houses"]["records"] for n in values if n]
        assert sum(of) >= tables(f"SELECT count(*) FROM {model}_over_time")[0][0] > 0
        every = 300 if model == "media_hashtag" else 3600
        assert {row(*times, every) for times in tables(f"SELECT epoch(collected_at), epoch(asked_at) FROM {model}")} <= set(times)


def test_where_the_data_is_from_and_how_fresh(page, tables):
    source = page["source"]
    newest = tables("SELECT max(epoch(collected_at))::BIGINT FROM (SELECT collected_at FROM media UNION ALL SELECT collected_at FROM media_hashtag)")
    assert source["place"] == "sandbox_env" and source["newest"] == newest[0][0]
    assert source["unknown"] == 3
    unknown = tables("SELECT count(DISTINCT source_key) FROM (SELECT source_key, quality_known FROM brand_over_time UNION ALL SELECT source_key, quality_known FROM media_over_time UNION ALL SELECT source_key, quality_known FROM media_hashtag_over_time) WHERE NOT quality_known")
    assert unknown == [(3,)]
