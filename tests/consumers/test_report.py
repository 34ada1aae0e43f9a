"""The report and the SQL views have the same numbers, on a day with faults, a repair and objects without quality."""

import json

import duckdb
import pytest

from conftest import LUXURY_BRANDS, ROOT, Collected, read, run, write

UNTIL = "2026-11-24T03:00:00Z"
FAULTS = ["dior=bad_records", "#dior=bad_records", "prada=permissionx2", "#gucci=not_therex4", "fendi=no_media"]


@pytest.fixture(scope="module")
def day(tmp_path_factory):
    folder = tmp_path_factory.mktemp("report")
    (folder / "configure.ini").write_text((ROOT / "configure.ini").read_text())
    faults = [argument for fault in FAULTS for argument in ("--fault", fault)]
    run(folder, LUXURY_BRANDS, "sandbox", "day", "--hours", "6", "--until", UNTIL, *faults)
    # A part that repairs a run, and brings a topic once more that had not failed.
    event = {"time": "2026-11-23T21:00:00Z", "accounts": ["prada", "dior"]}
    run(folder, LUXURY_BRANDS, "brand_media", "--sandbox", "--event", json.dumps(event))
    data = Collected(folder, "array")
    # Zeros of which a quality object tells that they were counted, and zeros as the Python version left them.
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
def tables(day):
    connection = duckdb.connect()
    for statement in day.statements("duckdb"):
        connection.execute(statement)
    return lambda query: connection.execute(query).fetchall()


@pytest.fixture(scope="module")
def page(day):
    run(day.folder, LUXURY_BRANDS, "report", "sandbox_env")
    html = (day.folder / "report.html").read_text(encoding="utf-8")
    return json.loads(html.split('<script type="application/json" id="data">')[1].split("</script>")[0])


def shown(page, model, measure):
    """What the page has of a measure, by house and time."""
    table = page["tables"][model]
    assert table["width"] == 0, "a row is a run"
    houses = zip(page["houses"], table["houses"].get(measure, []))
    figures = [(house["user_id"], time, n) for house, values in houses for time, n in zip(table["times"], values)]
    return {(house, time): n for house, time, n in figures if n is not None}


def by_run(rows):
    return {(house, time): n for house, time, n in rows if n is not None}


def test_followers_of_every_run_and_their_gain(page, tables):
    rows = tables("SELECT user_id, epoch(collected_at)::BIGINT, followers_count FROM followers_over_time")
    assert by_run(rows) == shown(page, "brand", "followers")
    assert len(by_run(rows)) < len(rows), "some are unknown"
    ends = {}
    for (house, time), n in sorted(shown(page, "brand", "followers").items(), key=lambda item: item[0][1]):
        ends[house] = (ends.get(house, (n,))[0], n)
    gained = tables(
        "SELECT user_id, min_by(followers_count, collected_at), max_by(followers_count, collected_at)"
        " FROM followers_over_time WHERE followers_count IS NOT NULL GROUP BY ALL"
    )
    assert {house: (first, last) for house, first, last in gained} == ends
    assert len(ends) == 11 and any(last > first for first, last in ends.values())


@pytest.mark.parametrize("model", ["media", "media_hashtag"])
@pytest.mark.parametrize("figure", ["like_count", "comments_count"])
@pytest.mark.parametrize(
    ("measure", "condition"),
    [
        ("hidden", "{0}_hidden"),
        ("zero", "{0} = 0"),
        ("unusable", "{0} IS NULL AND NOT {0}_hidden"),
        ("unknown", "{0} IS NULL AND {0}_hidden IS NULL"),
    ],
)
def test_what_a_stored_zero_means(page, tables, model, figure, measure, condition):
    rows = tables(
        f"SELECT user_id, epoch(collected_at)::BIGINT, count(*) FILTER (WHERE {condition.format(figure)})"
        f" FROM {model}_over_time GROUP BY ALL"
    )
    name = f"{figure.removesuffix('_count').replace('like', 'likes')}_{measure}"
    counts = {key: n for key, n in by_run(rows).items() if n}
    assert counts == shown(page, model, name)
    if figure == "like_count":
        assert counts, "the day has some"


@pytest.mark.parametrize("measure", ["likes_gained", "comments_gained"])
def test_what_the_media_gained(page, tables, measure):
    rows = tables(f"SELECT user_id, epoch(collected_at)::BIGINT, {measure}::BIGINT FROM engagement_over_time")
    assert by_run(rows) == shown(page, "media", measure)
    assert sum(by_run(rows).values()) > 0


def test_the_last_state_of_each_medium(page, tables):
    rows = tables("SELECT user_id, epoch(collected_at)::BIGINT, like_count, coalesce(like_count_hidden, false), comments_count FROM latest_media")
    posts = [(page["houses"][p["house"]]["user_id"], p["seen"], p.get("likes"), p.get("hidden", False), p.get("comments")) for p in page["posts"]]
    assert sorted(posts, key=repr) == sorted(rows, key=repr)


def test_records_and_defaults_and_records_left_out(page, tables):
    for model in ["brand", "media", "media_hashtag"]:
        times = page["tables"][model]["times"]
        of = [n for values in page["tables"][model]["houses"]["records"] for n in values if n]
        assert sum(of) >= tables(f"SELECT count(*) FROM {model}_over_time")[0][0] > 0
        assert {t for (t,) in tables(f"SELECT DISTINCT epoch(collected_at)::BIGINT FROM {model}")} <= set(times)


def test_where_the_data_is_from_and_how_fresh(page, tables):
    source = page["source"]
    newest = tables("SELECT max(epoch(collected_at))::BIGINT FROM (SELECT collected_at FROM media UNION ALL SELECT collected_at FROM media_hashtag)")
    assert source["place"] == "sandbox_env" and source["newest"] == newest[0][0]
    assert source["unknown"] == 3
    unknown = tables("SELECT count(DISTINCT source_key) FROM (SELECT source_key, quality_known FROM brand_over_time UNION ALL SELECT source_key, quality_known FROM media_over_time UNION ALL SELECT source_key, quality_known FROM media_hashtag_over_time) WHERE NOT quality_known")
    assert unknown == [(3,)]
