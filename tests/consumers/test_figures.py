"""The views have the figures of docs/figures.md: those of a calculation in plain Python over the stored JSON."""

import json
import random
import shutil

import duckdb
import pytest

from conftest import EVERY, LUXURY_BRANDS, ROOT, VIEWS, Collected, run, write
from independent import Data, seconds
from test_duckdb import all_rows, load

QUESTIONS = [block.split("```")[0] for block in (ROOT / "docs" / "tables.md").read_text().split("```sql\n")[1:]]


@pytest.fixture(scope="module")
def connection(day):
    return load(day)


@pytest.fixture(scope="module")
def data(day):
    return Data(day.folder / "sandbox_env")


def asked(connection, query, keys):
    """The answer to a query, by its first `keys` columns."""
    rows = connection.execute(query).fetchall()
    answer = {row[:keys]: row[keys:] for row in rows}
    assert len(answer) == len(rows), "each key once"
    return answer


def test_each_topic_of_a_time_is_there_once_with_its_moment(connection, data):
    for model in ["brand", "media", "media_hashtag"]:
        id = "user_id" if model == "brand" else "media_id"
        rows = connection.execute(f"SELECT source_key, user_id, {id}, epoch(asked_at), asked_at_known FROM {model}").fetchall()
        expected = [(key, r["user_id"], r[id], moment, known) for _, moment, key, known, records in data.results(model) for r in records]
        assert sorted(rows) == sorted(expected)
        assert len(rows) < connection.execute(f"SELECT count(*) FROM {model}_rows").fetchone()[0], "some are there twice"
    known = dict(connection.execute("SELECT asked_at_known, count(*) FROM brand GROUP BY ALL").fetchall())
    assert known[False] == 33, "those without a quality object, with a broken one and with one of before"


def test_two_halves_of_a_time_are_a_whole_one(connection):
    rows = connection.execute(
        "SELECT count(DISTINCT user_id), count(DISTINCT source_key) FROM brand WHERE collected_at = TIMESTAMPTZ '2026-11-24T22:00:00Z'"
    ).fetchone()
    assert rows == (11, 2)
    run = connection.execute(
        "SELECT expected_topics, collected_topics, failed_topics, reasons FROM runs WHERE job = 'brand_media' AND time = TIMESTAMPTZ '2026-11-24T22:00:00Z'"
    ).fetchone()
    assert run == (11, 11, 0, None)


def test_shards_that_overlap_count_once(connection):
    rows = connection.execute(
        "SELECT user_id, count(*), count(DISTINCT media_id), count(DISTINCT source_key) FROM media_hashtag"
        " WHERE collected_at = TIMESTAMPTZ '2026-11-24T22:00:00Z' GROUP BY ALL"
    ).fetchall()
    assert len(rows) == 3 and all(count == media == 25 and objects == 1 for _, count, media, objects in rows)


def test_followers_of_a_day(connection, data):
    rows = asked(connection, "SELECT day::VARCHAR, user_id, followers, gained, gained_raw, runs::INT FROM followers_daily", 2)
    assert rows == data.followers_daily()
    gains = {day: [g for (of, _), (_, g, *_) in rows.items() if of == day] for day in ["2026-11-23", "2026-11-24"]}
    assert all(g is None for g in gains["2026-11-23"]), "three runs are too few"
    assert sum(g is not None for g in gains["2026-11-24"]) >= 8


def test_likes_and_comments_gained(connection, data):
    rows = asked(connection, "SELECT user_id, epoch(asked_at), likes_gained::BIGINT, comments_gained::BIGINT FROM engagement_over_time", 2)
    assert rows == data.gains()
    assert any(likes for likes, _ in rows.values())


def test_posts(connection, data):
    # What only the report shows is not in the view.
    posts = {key: {name: value for name, value in post.items() if name not in ["kind", "hidden"]} for key, post in data.posts().items()}
    names = list(next(iter(posts.values())))
    times = ["first_seen", "last_seen", "published_at", "gone_by"]
    columns = ", ".join(f"epoch({name})" if name in times else name for name in names)
    rows = asked(connection, f"SELECT user_id, media_id, {columns} FROM posts", 2)
    assert {key: dict(zip(names, row)) for key, row in rows.items()} == posts
    for name in names:
        assert any(post[name] is not None for post in posts.values()) or name in ["likes_24h", "likes_7d", "gone_by"], name


def test_runs_and_their_topics(connection, data):
    rows = asked(connection, "SELECT job, epoch(time), expected_topics, collected_topics::INT, failed_topics::INT, reasons FROM runs", 2)
    expected = data.runs(EVERY)
    # Without a list of the topics, those of the records count.
    for hour in ["02", "07", "08"]:
        time = seconds(f"2026-11-24T{hour}:00:00Z")
        assert rows["brand_media", time] == expected["brand_media", time] == (11, 11, 0, None), "the quality object of media has it"
    assert rows == expected
    assert rows["brand_media", seconds("2026-11-24T03:00:00Z")] == (None, 0, None, "nothing stored")
    topics = asked(connection, "SELECT job, epoch(time), topic, epoch(asked_at), failure_kind, records::INT FROM topic_runs", 5)
    assert {key: n for key, (n,) in topics.items()} == data.topic_runs()
    assert {kind for *_, kind in topics} >= {"permission", "not_there"}


def test_a_late_repair_counts_when_it_was_asked(connection, data):
    late = connection.execute("SELECT epoch(time), late_topics FROM runs WHERE late_topics > 0 AND job = 'brand_media' ORDER BY time").fetchall()
    # The two halves were asked long after their time too.
    assert late == [(seconds("2026-11-24T05:00:00Z"), 2), (seconds("2026-11-24T22:00:00Z"), 11)]
    hours = connection.execute(
        "SELECT count(*) FROM engagement_over_time e JOIN brand b ON b.user_id = e.user_id AND b.user_name = 'prada' AND b.asked_at = e.asked_at"
        " WHERE e.asked_at BETWEEN TIMESTAMPTZ '2026-11-24T04:30:00Z' AND TIMESTAMPTZ '2026-11-24T05:30:00Z'"
    ).fetchone()
    assert hours == (0,), "the hour is a gap"


def test_posts_under_hashtags_are_distinct(connection, data):
    of_day, of_house = data.under_hashtags()
    assert asked(connection, "SELECT day::VARCHAR, hashtag, posts, own_posts FROM hashtag_posts", 2) == {
        (day, None): (len(posts), 0) for day, posts in of_day.items()
    }
    rows = asked(connection, "SELECT day::VARCHAR, user_id, posts, share FROM share_of_voice", 2)
    assert {key: posts for key, (posts, _) in rows.items()} == {key: len(posts) for key, posts in of_house.items()}
    for day in of_day:
        assert sum(share for (of, _), (_, share) in rows.items() if of == day) == pytest.approx(1)


def test_defaults_are_null_and_have_their_reason(connection, data):
    for model, id in {"brand": "user_id", "media": "media_id", "media_hashtag": "media_id"}.items():
        names = [name for name, *_ in connection.execute(f"DESCRIBE {model}_rows").fetchall()][:-2]
        columns = ", ".join(f"epoch({n})" if n == "timestamp" else n for n in names)
        rows = connection.execute(f"SELECT source_key, {columns} FROM {model}_over_time").fetchall()
        expected = [(r["key"], *(r[n] and seconds(r[n]) if n == "timestamp" else r[n] for n in names)) for r in data.rows(model)]
        assert sorted(rows, key=repr) == sorted(expected, key=repr)
    wrong = connection.execute("SELECT count(*) FROM media_over_time WHERE timestamp <= 'epoch'::TIMESTAMPTZ OR caption = ''").fetchone()
    assert wrong == (0,)
    reasons = connection.execute("SELECT DISTINCT defaults FROM media_over_time WHERE caption IS NULL AND quality_known").fetchall()
    assert reasons and all("caption: " in reason for (reason,) in reasons)


def test_every_question_in_the_docs_has_an_answer(connection):
    assert len(QUESTIONS) >= 10
    for question in QUESTIONS:
        (rows,) = connection.execute(f"SELECT count(*) FROM ({question.strip().removesuffix(';')})").fetchone()
        assert rows or "gone_by" in question, question


def test_loads_in_any_order_give_the_same_rows(day, tmp_path):
    """Objects arrive one after another, and the loads come when they come."""
    paths = sorted((day.folder / "sandbox_env").glob("**/*.json"))
    loaded = load(day)
    expected = {view: all_rows(loaded, view) for view in VIEWS}
    for seed in range(5):
        folder = tmp_path / str(seed)
        data = Collected(folder, "array")
        folder.mkdir()
        shutil.copy(day.folder / "configure.ini", folder)
        order = random.Random(seed).sample(paths, len(paths))
        if seed == 0:
            order.sort(key=lambda path: "partial" not in path.parts)
        connection = duckdb.connect()
        for n, path in enumerate(order):
            to = folder / path.relative_to(day.folder)
            to.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, to)
            if n in [3, len(order) // 2, len(order) - 1]:
                load(data, into=connection)
        load(data, into=connection)
        assert {view: all_rows(connection, view) for view in VIEWS} == expected, seed


def test_a_compacted_day_loads_from_parquet_and_its_repair_from_json(day, tmp_path):
    data = day.copy(tmp_path)
    folder = tmp_path / "sandbox_env"
    json_objects = sorted(folder.glob("**/*.json"))
    event = json.dumps({"time": "2026-11-24T09:00:00Z", "accounts": ["fendi"]})
    # Today is not over.
    run(tmp_path, LUXURY_BRANDS, "brand_media", "--sandbox")

    def states(connection):
        *statements, last = data.statements("duckdb", "compaction")
        select = next(statement for statement in statements if statement.lstrip().startswith("SELECT"))
        answers = [connection.execute(statement).fetchall() for statement in [*statements, last]]
        return {str(day): state for day, _, state in answers[statements.index(select)]}

    connection = load(data)
    today = connection.execute("SELECT max(day)::VARCHAR FROM loaded_objects").fetchone()[0]
    expected = {"2026-11-23": "compacted", "2026-11-24": "compacted", today: "not over yet"}
    assert states(connection) == expected
    assert states(connection) == {day: state.replace("compacted", "compacted before") for day, state in expected.items()}
    assert set(json_objects) < set(folder.glob("**/*.json")), "the JSON stays"
    expected_rows = {view: all_rows(connection, view) for view in VIEWS}
    fresh = load(data)
    assert {view: all_rows(fresh, view) for view in VIEWS} == expected_rows
    assert fresh.execute("SELECT count(*) FROM loaded_objects WHERE NOT compacted").fetchone() == (4,), "today's only"
    # A late repair is read from JSON, and makes its day be compacted again.
    run(tmp_path, LUXURY_BRANDS, "brand_media", "--sandbox", "--event", event)
    for one in [connection, fresh, other := load(data)]:
        load(data, into=one)
    repaired = {view: all_rows(connection, view) for view in VIEWS}
    assert repaired != expected_rows and {view: all_rows(fresh, view) for view in VIEWS} == repaired
    assert {view: all_rows(other, view) for view in VIEWS} == repaired
    assert states(other) == {"2026-11-23": "compacted before", "2026-11-24": "compacted", today: "not over yet"}
    for one in [load(data, into=connection), load(data)]:
        assert {view: all_rows(one, view) for view in VIEWS} == repaired


class Made:
    """A folder of hourly objects with made-up counts."""

    def __init__(self, folder):
        self.folder = folder
        folder.mkdir(exist_ok=True)
        (folder / "configure.ini").write_text((ROOT / "configure.ini").read_text())

    def store(self, model, time, records, asked_at=None, part="", **quality):
        """An object of one house at an hour of two days, with its quality object."""
        day, hour = 24 + time // 24, time % 24
        name = f"{model}_2026-11-{day}/{model}_2026-11-{day}_{hour:02}0000{part}.json"
        blank = {"brand": BRAND, "media": MEDIA}[model]
        write(self.folder / "sandbox_env" / "raw" / name, "array", [blank | record for record in records])
        asked_at = time if asked_at is None else asked_at
        moment = f"2026-11-{24 + asked_at // 24}T{asked_at % 24:02}:00:01.000Z"
        topics = [{"topic": "dior", "user_id": "7", "asked_at": moment, "records": len(records)}]
        head = {"model": model, "job": "brand_media", "time": f"2026-11-{day}T{hour:02}:00:00Z", "object": f"raw/{name}"}
        path = self.folder / "sandbox_env" / "quality" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(head | {"counts": {"records": len(records)}, "topics": topics, "rejected": [], "defaulted": {}} | quality))

    def ask(self, query):
        return load(Collected(self.folder, "array")).execute(query).fetchall()


BRAND = {"user_id": "7", "user_name": "dior", "name": "Dior", "profile_picture_url": "", "followers_count": 0, "media_count": 1}
MEDIA = {"user_id": "7", "media_id": "1", "timestamp": "2026-11-20T00:00:00+0000", "caption": "x", "media_type": "IMAGE",
         "media_product_type": "FEED", "media_url": "", "permalink": "", "like_count": 0, "comments_count": 0}


@pytest.mark.parametrize(
    ("growth", "gap", "gained"),
    [(500, 30_000, 23 * 500), (-90, 30_000, -23 * 90), (700, 6_000, 23 * 700), (500, 0, 23 * 500)],
)
def test_followers_gained_are_those_within_the_two_levels(tmp_path, growth, gap, gained):
    made, levels = Made(tmp_path), random.Random(gap)
    for hour in range(24):
        level = gap if hour in [1, 23] or (0 < hour < 22 and levels.random() < 0.45) else 0
        made.store("brand", hour, [{"followers_count": 20_000_000 + growth * hour + level}])
    ((estimate, raw),) = made.ask("SELECT gained, gained_raw FROM followers_daily")
    assert (estimate, raw) == (gained, gained + gap)


def test_a_step_without_a_return_and_too_few_runs_give_no_figure(tmp_path):
    made = Made(tmp_path)
    for hour in range(35):
        made.store("brand", hour, [{"followers_count": 20_000_000 + 100 * hour + (30_000 if hour >= 12 else 0)}])
    rows = made.ask("SELECT gained, gained_raw, runs FROM followers_daily ORDER BY day")
    assert rows == [(None, 32_300, 24), (1_100, 1_100, 11)], "the second day has the last count of the first, too"
    few = Made(tmp_path / "few")
    for hour in range(11):
        few.store("brand", hour, [{"followers_count": 20_000_000 + 100 * hour}])
    assert few.ask("SELECT gained, gained_raw FROM followers_daily") == [(None, 1_000)]


def test_a_count_that_was_defaulted_loses_nothing(tmp_path):
    made = Made(tmp_path)
    for hour in range(24):
        missing = hour in [5, 11, 12, 17]
        listed = {"defaulted": {"like_count": {"not found field": [{"id": "1"}]}}} if missing else {}
        made.store("media", hour, [{"like_count": 0 if missing else 1_000 + 10 * hour}], **listed)
    assert made.ask("SELECT SUM(likes_gained)::INT FROM engagement_over_time") == [(230,)]


def test_the_first_count_of_a_new_post_is_a_gain_and_that_of_an_old_one_is_not(tmp_path):
    made = Made(tmp_path)
    new = {"media_id": "2", "timestamp": "2026-11-24T01:20:00+0000"}
    old = {"media_id": "3", "timestamp": "2026-11-23T01:20:00+0000"}
    made.store("media", 0, [{"like_count": 5}])
    made.store("media", 1, [{"like_count": 5}])
    made.store("media", 2, [{"like_count": 6}, new | {"like_count": 400}, old | {"like_count": 900}])
    made.store("media", 3, [{"like_count": 6}, new | {"like_count": 450}, old | {"like_count": 901}])
    gains = made.ask("SELECT media_id, likes_gained::INT FROM post_gains WHERE likes_gained > 0 ORDER BY ALL")
    assert gains == [("1", 1), ("2", 50), ("2", 400), ("3", 1)]
    assert made.ask("SELECT likes_1h, likes_3h FROM posts WHERE media_id = '2'") == [(417, None)]


def test_a_day_begins_at_the_last_run_before_it(tmp_path):
    made = Made(tmp_path)
    for hour in range(48):
        made.store("brand", hour, [{"followers_count": 20_000_000 + 100 * hour}])
        made.store("media", hour, [{"like_count": 1_000 + 10 * hour}])
    assert made.ask("SELECT gained FROM followers_daily ORDER BY day") == [(2_300,), (2_400,)]
    likes = "SELECT SUM(likes_gained)::INT FROM engagement_over_time GROUP BY date_trunc('day', asked_at AT TIME ZONE 'UTC') ORDER BY ALL"
    assert made.ask(likes) == [(230,), (240,)]


def test_the_repair_of_an_hour_8_hours_late_adds_nothing_to_that_hour(tmp_path):
    made = Made(tmp_path)
    for hour in [0, 1, 3, 4, 5, 6, 7, 8, 9, 10, 11]:
        made.store("media", hour, [{"like_count": 1_000 * hour}])
    made.store("media", 2, [{"like_count": 10_500}], asked_at=10, part="_part-0a")
    gains = made.ask("SELECT hour(asked_at AT TIME ZONE 'UTC'), likes_gained::INT FROM engagement_over_time ORDER BY asked_at, collected_at DESC")
    assert [gain for hour, gain in gains if hour == 2] == [] and [gain for hour, gain in gains if hour == 3] == [2_000]
    assert sum(gain or 0 for _, gain in gains) == 11_000


def test_a_mapping_with_the_topic_tells_the_hashtags_apart(tmp_path):
    mapping = "[hashtag_media]\nhashtag = topic str\nasked_at = asked_at timestamp"
    (tmp_path / "configure.ini").write_text((ROOT / "configure.ini").read_text().replace("[hashtag_media]", mapping))
    for time in ["2026-11-24T00:00:00Z", "2026-11-24T00:05:00Z"]:
        event = json.dumps({"time": time, "hashtags": ["dior", "gucci"]})
        run(tmp_path, LUXURY_BRANDS, "hashtag", "--sandbox", "--event", event)
    connection = load(Collected(tmp_path, "array"))
    rows = connection.execute("SELECT hashtag, posts FROM hashtag_posts ORDER BY hashtag").fetchall()
    assert [hashtag for hashtag, _ in rows] == ["dior", "gucci"] and all(posts >= 25 for _, posts in rows)
    exact = "SELECT count(*) FROM media_hashtag m JOIN media_hashtag_rows r ON r.source_key = m.source_key AND r.media_id = m.media_id WHERE date_trunc('second', m.asked_at) = r.asked_at"
    assert connection.execute(exact).fetchone() == connection.execute("SELECT count(*) FROM media_hashtag").fetchone()
