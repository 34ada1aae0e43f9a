"""DuckDB loads what was collected by the statements of `luxury-brands schema --for duckdb`."""

import json

import duckdb
import pytest

from conftest import ADDED, LACKING, LUXURY_BRANDS, MODELS, ROOT, VIEWS, Collected, read, run, statements, without, write

TYPES = dict.fromkeys(["timestamp", "collected_at"], "TIMESTAMP WITH TIME ZONE") | dict.fromkeys(
    ["followers_count", "media_count", "like_count", "comments_count"], "BIGINT"
)


def load(collected, *, of=None, into=None):
    connection = into or duckdb.connect()
    # Not UTC, so that an offset that is passed over shows.
    connection.execute("SET TimeZone = 'Asia/Seoul'")
    for statement in collected.statements("duckdb", of):
        connection.execute(statement)
    return connection


def all_rows(connection, table):
    # The client turns instants into objects of a package that nothing else needs.
    described = connection.execute(f"DESCRIBE {table}").fetchall()
    instants = [name for name, kind, *_ in described if kind.startswith("TIMESTAMP")]
    columns = ", ".join(f'epoch("{n}")::BIGINT' if n in instants else f'"{n}"' for n, *_ in described)
    return sorted(connection.execute(f"SELECT {columns} FROM {table}").fetchall(), key=repr)


def test_every_record_arrives_with_every_value_its_time_and_its_key(collected, model):
    rows = all_rows(load(collected), f"{model}_rows")
    assert rows == sorted(collected.rows(model), key=repr)
    assert rows


def test_columns_have_their_types_and_are_not_null(collected, model):
    described = load(collected).execute(f"DESCRIBE {model}_rows").fetchall()
    assert [name for name, *_ in described] == [*collected.records(model)[0], *ADDED]
    assert {name: kind for name, kind, *_ in described} == {n: TYPES.get(n, "VARCHAR") for n, *_ in described}
    assert {null for _, _, null, *_ in described} == {"NO"}


def test_one_model_loads_on_its_own(collected, model):
    tables = load(collected, of=model).execute("SHOW TABLES").fetchall()
    assert sorted(tables) == sorted([("loaded_objects",), (f"{model}_rows",)])


@pytest.mark.parametrize("part", LACKING)
def test_data_that_lacks_a_part_loads_the_rest(collected, part, tmp_path):
    data = without(collected, part, tmp_path)
    connection = load(data)
    for model in MODELS:
        assert all_rows(connection, f"{model}_rows") == sorted(data.rows(model), key=repr)
    models = {model for model, in connection.execute("SELECT DISTINCT model FROM quality").fetchall()}
    assert models == {quality["model"] for quality in data.quality()}


def test_a_null_is_refused(collected):
    connection = load(collected)
    with pytest.raises(duckdb.ConstraintException, match="NOT NULL"):
        connection.execute("INSERT INTO brand_rows SELECT * REPLACE (NULL AS name) FROM brand_rows LIMIT 1")


def test_data_that_is_loaded_twice_is_there_once(collected):
    connection = load(collected)
    once = {table: all_rows(connection, table) for table in [*VIEWS, "quality"]}
    load(collected, into=connection)
    twice = {table: all_rows(connection, table) for table in once}
    assert {table: len(rows) for table, rows in twice.items()} == {table: len(rows) for table, rows in once.items()}
    assert twice == once and all(once.values())


def test_an_object_that_a_repeated_run_replaced_replaces_its_rows(collected, tmp_path):
    data = collected.copy(tmp_path)
    connection = load(data)
    first, *others = data.objects("media")
    records = read(first, data.format)
    write(first, data.format, [record | {"like_count": 7} for record in records[:3]])
    quality = first.parents[2] / "quality" / first.parent.name / first.name
    quality.write_text(f'{{"model":"media","time":"2026-11-23T23:00:00Z","object":"{data.key(first)}","counts":{{"records":3}}}}')
    load(data, into=connection)
    assert all_rows(connection, "media_rows") == sorted(data.rows("media"), key=repr)
    counts = connection.execute("SELECT source_key, count(*) FROM media GROUP BY ALL ORDER BY ALL").fetchall()
    assert counts == [(data.key(first), 3), *((data.key(path), len(read(path, data.format))) for path in others)]
    # What the older quality object listed is gone with it.
    left = connection.execute("SELECT outcome, cases FROM quality WHERE object_key = ?", [data.key(first)]).fetchall()
    assert left == [("stored", 3)]


def test_rows_whose_objects_have_expired_stay(collected, tmp_path):
    data = collected.copy(tmp_path)
    connection = load(data)
    before = all_rows(connection, "media")
    data.objects("media")[0].unlink()
    load(data, into=connection)
    assert all_rows(connection, "media") == before


def test_quality_adds_up_to_the_counts_of_its_objects(collected):
    connection = load(collected)
    sums = dict(connection.execute("SELECT outcome, sum(cases)::BIGINT FROM quality GROUP BY ALL").fetchall())
    counts = [quality["counts"] for quality in collected.quality()]
    assert sums == {"stored": sum(c["records"] for c in counts), "defaulted": sum(c["defaulted"] for c in counts), "rejected": sum(c["rejected"] for c in counts)}
    assert sums["defaulted"] and sums["rejected"]
    listed = sorted(
        (quality["model"], field, reason, record["id"])
        for quality in collected.quality()
        for field, reasons in quality["defaulted"].items()
        for reason, records in reasons.items()
        for record in records
    )
    rows = connection.execute("SELECT model, field, reason, record_id FROM quality WHERE outcome = 'defaulted' ORDER BY ALL").fetchall()
    assert rows == listed


def test_a_moment_that_cannot_be_read_is_unknown(collected, tmp_path):
    data = collected.copy(tmp_path)
    first = data.objects("media")[0]
    path = first.parents[2] / "quality" / first.parent.name / first.name
    quality = json.loads(path.read_text())
    quality["topics"][0]["asked_at"] = "yesterday"
    path.write_text(json.dumps(quality))
    connection = load(data)
    unknown = "SELECT DISTINCT user_id, quality_known FROM media_over_time WHERE NOT asked_at_known"
    assert connection.execute(unknown).fetchall() == [(quality["topics"][0]["user_id"], True)]
    assert connection.execute("SELECT count(*) FROM media").fetchone() == (len(data.records("media")),)


def test_a_folder_without_quality_objects_loads(collected, tmp_path):
    """As the Python version left it."""
    connection = duckdb.connect()
    for path in collected.objects("brand"):
        write(tmp_path / "sandbox_env" / collected.key(path), collected.format, read(path, collected.format))
    (tmp_path / "configure.ini").write_text((collected.folder / "configure.ini").read_text())
    load(Collected(tmp_path, collected.format), into=connection)
    assert connection.execute("SELECT count(*) FROM brand_over_time WHERE NOT quality_known").fetchone() == (22,)
    assert connection.execute("SELECT count(*) FROM media").fetchone() == (0,)


def test_optional_types_load_with_their_nulls_and_their_json(optional):
    connection = load(optional)
    load(optional, into=connection)
    assert connection.execute("SELECT count(*) FROM brand").fetchone() == (22,)
    assert all_rows(connection, "media_rows") == sorted(optional.rows("media"), key=repr)
    nulls, zeros = connection.execute("SELECT count(*) FILTER (like_count IS NULL), count(*) FILTER (like_count = 0) FROM media").fetchone()
    assert nulls == sum(record["like_count"] is None for record in optional.records("media")) > zeros
    albums = connection.execute("SELECT json_array_length(children, '$.data') FROM media WHERE children <> ''").fetchall()
    assert albums and all(elements >= 2 for (elements,) in albums)
    hidden = connection.execute("SELECT count(*) FROM media_over_time WHERE like_count_hidden AND like_count IS NULL").fetchone()
    assert hidden[0] > 0


def test_a_figure_that_was_not_counted_is_null_in_the_views(tmp_path):
    def stored(hour, records, quality=None, part=""):
        name = f"media_2026-11-24/media_2026-11-24_{hour:02}0000{part}.json"
        media = [{"user_id": "1", "media_id": id, "timestamp": "2026-11-20T00:00:00+0000", "like_count": likes, "comments_count": 1} for id, likes in records]
        for record in media:
            record |= dict.fromkeys(["caption", "media_type", "media_product_type", "media_url", "permalink"], "")
        write(tmp_path / "sandbox_env" / "raw" / name, "array", media)
        if quality is not None:
            head = {"model": "media", "time": f"2026-11-24T{hour:02}:00:00Z", "object": f"raw/{name}", "counts": {"records": len(media)}}
            write_to = tmp_path / "sandbox_env" / "quality" / name
            write_to.parent.mkdir(parents=True, exist_ok=True)
            write_to.write_text(json.dumps(head | quality))

    def listed(**reasons):
        return {"defaulted": {"like_count": {reason.replace("_", " "): [{"id": id}] for reason, id in reasons.items()}}}

    (tmp_path / "configure.ini").write_text((ROOT / "configure.ini").read_text())
    stored(1, [("17", 17), ("0", 0)])
    stored(2, [("17", 17), ("0", 0), ("hidden", 0), ("bad", 0)], listed(not_found_field="hidden", wrong_type="bad"))
    stored(3, [("17", 19), ("0", 0), ("hidden", 0)], {**listed(not_found_field="hidden"), "not_listed": {"rejected": 0, "defaulted": 9}})
    # A part that repairs the run is newer than it, and has a quality object of its own.
    stored(4, [("17", 19), ("repaired", 0)], listed(not_found_field="repaired"))
    stored(4, [("repaired", 5)], {}, part="_part-0a1b")
    connection = load(Collected(tmp_path, "array"))
    rows = connection.execute(
        "SELECT epoch(collected_at)::BIGINT // 3600 % 24, media_id, like_count, like_count_hidden, quality_known FROM media_over_time ORDER BY ALL"
    ).fetchall()
    assert rows == [
        (1, "0", None, None, False),
        (1, "17", 17, False, False),
        (2, "0", 0, False, True),
        (2, "17", 17, False, True),
        (2, "bad", None, False, True),
        (2, "hidden", None, True, True),
        (3, "0", None, None, False),
        (3, "17", 19, False, False),
        (3, "hidden", None, True, False),
        # The part has the whole topic, and so it is the topic of that time.
        (4, "repaired", 5, False, True),
    ]
    gained = connection.execute("SELECT likes_hidden::INT, likes_gained::INT FROM engagement_over_time ORDER BY collected_at").fetchall()
    assert gained == [(0, None), (1, 0), (1, 2), (0, None)]
    latest = connection.execute("SELECT media_id, like_count FROM latest_media ORDER BY ALL").fetchall()
    assert latest == [("0", None), ("17", 19), ("bad", None), ("hidden", None), ("repaired", 5)]
