"""The statements for engines that cannot be had here are at least sentences of their languages. test_warehouses.py
runs those for Redshift and Snowflake that have a mock."""

import re
from datetime import date, timedelta

import duckdb
import pytest
import sqlglot
from sqlglot import ErrorLevel, exp

from conftest import ADDED, MODELS

RELOAD = ["Transaction", "Delete", "Insert"]

# What each engine's script of a model consists of.
MODEL = {
    "athena": ["Create"] * 4,
    "redshift": ["EXTERNAL SCHEMA", "Create", *["EXTERNAL TABLE"] * 2, *["Alter", *RELOAD, "Commit"] * 2],
    "snowflake": ["Create"] * 3 + ["Copy", *RELOAD, "Delete", "Commit"],
}
QUALITY = {
    "athena": ["Create"] * 7,
    "redshift": ["EXTERNAL SCHEMA", "Create", "Create", "EXTERNAL TABLE", "Create", *["Copy", "Alter"] * 3, "Insert", "Create", "Create"]
    + [*RELOAD, "Delete", "Insert", "Commit", "Drop", "Drop", "Drop"],
    "snowflake": ["Create"] * 4 + ["Copy", *RELOAD, "Delete", "Insert", "Delete", "Commit"],
}
VIEWS = ["Create"] * 18


def kind(statement):
    # sqlglot takes these two of Redshift's for text: it reads no further than the first words.
    if isinstance(statement, exp.Command):
        return " ".join(str(statement.expression).split()[:2])
    if statement.find(exp.ExternalProperty):
        return "EXTERNAL TABLE"
    return type(statement).__name__


def kinds(collected, engine, part):
    parsed = []
    for statement in collected.statements(engine, part):
        found = sqlglot.parse(statement, dialect=engine, error_level=ErrorLevel.RAISE)
        parsed += [kind(s) for s in found if s is not None and not isinstance(s, exp.Semicolon)]
    return [name if engine == "redshift" else name.replace("EXTERNAL TABLE", "Create") for name in parsed]


@pytest.mark.parametrize("engine", list(MODEL))
def test_every_statement_of_a_model_parses(collected, model, engine):
    assert kinds(collected, engine, model) == MODEL[engine]


@pytest.mark.parametrize("engine", list(QUALITY))
def test_every_statement_of_the_quality_objects_parses(collected, engine):
    assert kinds(collected, engine, "quality") == QUALITY[engine]


@pytest.mark.parametrize("engine", list(QUALITY))
def test_every_view_parses(collected, engine):
    assert kinds(collected, engine, "views") == VIEWS


@pytest.mark.parametrize("engine", ["athena", "duckdb", "redshift", "snowflake", "spark"])
def test_tables_and_views_come_before_the_first_load(collected, engine):
    """Where there is nothing to load, the rest is there all the same."""
    parts = [*MODELS, "quality", "views"]
    whole = [statement.strip().removesuffix(";") for statement in collected.statements(engine)]
    of_parts = [statement for part in parts for statement in collected.statements(engine, part)]
    # The whole script of DuckDB also reads compacted days.
    assert set(whole) >= {statement.strip().removesuffix(";") for statement in of_parts}
    views = [i for i, statement in enumerate(whole) if "CREATE OR REPLACE VIEW" in statement]
    loads = [i for i, statement in enumerate(whole) if statement.startswith(("DELETE", "INSERT", "COPY", "SET"))]
    assert views and all(views[-1] < load for load in loads)
    assert bool(loads) == (engine != "athena"), "nothing is loaded where the tables are the objects"


@pytest.mark.parametrize("engine", ["redshift", "snowflake"])
def test_every_column_is_not_null(collected, model, engine):
    script = collected.statements(engine, model)
    create = sqlglot.parse_one(next(s for s in script if s.startswith("CREATE TABLE")), dialect=engine)
    columns = list(create.find_all(exp.ColumnDef))
    assert [c.name.lower() for c in columns] == [*collected.records(model)[0], *ADDED]
    assert all(c.find(exp.NotNullColumnConstraint) for c in columns)


def test_every_statement_of_athenas_compaction_parses(collected):
    assert kinds(collected, "athena", "compaction") == ["Create", "Create", "Create", "Insert"] * 5


def test_athenas_compaction_adds_what_finished_days_lack_and_its_view_has_each_row_once(collected):
    """In DuckDB's words, over tables in place of the external ones."""
    connection = duckdb.connect()
    connection.execute("CREATE MACRO format_datetime(day, format) AS strftime(day, '%Y-%m-%d')")
    script = [s for s in collected.statements("athena", "compaction") if re.search(r"\bbrand_", s)]
    table, rows, to_compact, insert = ("\n".join(sqlglot.transpile(s, read="athena", write="duckdb")) for s in script)
    connection.execute(re.sub(r"\) (PARTITIONED BY|LOCATION|WITH).*", ")", re.sub(r"\s+", " ", table)))
    connection.execute("CREATE TABLE brand_json AS FROM brand_parquet")
    days = [date.today() - timedelta(days=ago) for ago in [0, 1, 2, 40]]

    def stored(day, key):
        columns = {name: "0" for name, *_ in connection.execute("DESCRIBE brand_json").fetchall()}
        record = columns | {"collected_at": day.isoformat(), "source_key": key, "ymd": day.isoformat()}
        connection.execute(f"INSERT INTO brand_json VALUES ({', '.join('?' * len(record))})", list(record.values()))

    def keys(table):
        return sorted(key for (key,) in connection.execute(f"SELECT source_key FROM {table}").fetchall())

    for day, key in zip(days, ["today", "yesterday", "before", "long ago"]):
        stored(day, key)
    connection.execute(rows)
    connection.execute(to_compact)
    assert keys("brand_rows") == ["before", "long ago", "today", "yesterday"], "without Parquet, all is JSON"
    connection.execute(insert)
    connection.execute(insert)
    assert keys("brand_parquet") == ["before", "yesterday"]
    stored(days[1], "repair")
    assert keys("brand_rows") == ["before", "long ago", "today", "yesterday"]
    connection.execute(insert)
    assert keys("brand_parquet") == ["before", "repair", "yesterday"]
    assert keys("brand_rows") == ["before", "long ago", "repair", "today", "yesterday"]


# Those of Snowflake and Redshift that could name something in a view. Their stand-ins reserve fewer.
RESERVED = """all any check column connect constraint current default delta end following for from full group having increment
inner into issue join lateral left like minus natural new null of off offset old on only open or order organization
overlaps parallel partition percent pivot placing primary qualify raw recover references regexp respect right rlike row
rows sample schema select session_user set snapshot some start table tablesample tag text32k then to top trailing
trigger union unique unpivot update user using values verbose view when where window with without""".split()


def test_no_name_in_a_view_is_a_reserved_word(collected):
    script = collected.schema("snowflake", "views")
    names = re.findall(r"\bAS ([a-z_0-9]+)\b", script) + re.findall(r"^(?:WITH )?([a-z_0-9]+) AS \($", script, re.MULTILINE)
    assert len(names) > 100
    assert set(names) & set(RESERVED) == set()
