"""DuckDB loads what was collected by the statements of `luxury-brands schema --for duckdb`."""

import duckdb
import pytest

from conftest import instant

TYPES = {"timestamp": "TIMESTAMP WITH TIME ZONE"} | dict.fromkeys(
    ["followers_count", "media_count", "like_count", "comments_count"], "BIGINT"
)


def load(collected, *, of=None):
    connection = duckdb.connect()
    # Not UTC, so that an offset that is passed over shows.
    connection.execute("SET TimeZone = 'Asia/Seoul'")
    for statement in collected.statements("duckdb", of):
        connection.execute(statement)
    return connection


def test_every_record_arrives_with_every_value(collected, model):
    records = collected.records(model)
    names = list(records[0])
    columns = ", ".join(f'epoch("{n}")::BIGINT' if n == "timestamp" else f'"{n}"' for n in names)
    rows = load(collected).execute(f"SELECT {columns} FROM {model}").fetchall()
    expected = [tuple(instant(r) if n == "timestamp" else r[n] for n in names) for r in records]
    assert len(rows) == len(records) > 0
    assert sorted(rows) == sorted(expected)


def test_columns_have_their_types_and_are_not_null(collected, model):
    described = load(collected).execute(f"DESCRIBE {model}").fetchall()
    assert [name for name, *_ in described] == list(collected.records(model)[0])
    assert {name: kind for name, kind, *_ in described} == {n: TYPES.get(n, "VARCHAR") for n, *_ in described}
    assert {null for _, _, null, *_ in described} == {"NO"}


def test_one_model_loads_on_its_own(collected, model):
    tables = load(collected, of=model).execute("SHOW TABLES").fetchall()
    assert tables == [(model,)]


def test_a_null_is_refused(collected):
    connection = load(collected)
    with pytest.raises(duckdb.ConstraintException, match="NOT NULL"):
        connection.execute("INSERT INTO brand SELECT * REPLACE (NULL AS name) FROM brand LIMIT 1")
