"""Spark loads what was collected by the statements of `luxury-brands schema --for spark`, and reads what
Athena's table of `luxury-brands schema --for athena` would read."""

import re
from decimal import Decimal

import pytest
from pyspark.sql import SparkSession

from conftest import ADDED, LACKING, MODELS, VIEWS, read, without, write
from test_duckdb import load as load_duckdb
from test_figures import QUESTIONS

TYPES = dict.fromkeys(["timestamp", "collected_at"], "timestamp") | {"collected_on": "date"} | dict.fromkeys(
    ["followers_count", "media_count", "like_count", "comments_count"], "bigint"
)


@pytest.fixture(scope="session")
def session(tmp_path_factory):
    folder = tmp_path_factory.mktemp("spark")
    options = {
        # Only on loopback, and nothing stays.
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.sql.warehouse.dir": str(folder / "warehouse"),
        "spark.hadoop.javax.jdo.option.ConnectionURL": "jdbc:derby:memory:consumers;create=true",
        "spark.driver.extraJavaOptions": f"-Dderby.system.home={folder}",
        "spark.sql.catalogImplementation": "hive",
        "spark.sql.shuffle.partitions": "1",
        # Small data: many tasks, adapted plans and compiled stages would take most of the time.
        "spark.sql.files.openCostInBytes": "0",
        "spark.sql.adaptive.enabled": "false",
        "spark.sql.codegen.wholeStage": "false",
        # `${ymd}` in Athena's table is no variable of Spark's.
        "spark.sql.variable.substitute": "false",
        # Snappy's native library does not load if musl is installed next to glibc.
        "spark.sql.parquet.compression.codec": "uncompressed",
        # Not UTC, so that an offset that is passed over shows.
        "spark.sql.session.timeZone": "Asia/Seoul",
    }
    builder = SparkSession.builder.master("local[2]").appName("consumers")
    for key, value in options.items():
        builder = builder.config(key, value)
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("ERROR")
    yield session
    session.stop()


def load(session, collected, database, views=True):
    """Runs the statements, or all but those that create the views, which take half of the time."""
    session.sql(f"CREATE DATABASE IF NOT EXISTS `{database}`")
    session.sql(f"USE `{database}`")
    for statement in collected.statements("spark"):
        if views or not statement.startswith("CREATE OR REPLACE VIEW "):
            session.sql(statement)


def all_rows(session, database, table):
    # The day follows from the time; its test is below.
    described = [(name, kind) for name, kind in session.table(f"`{database}`.{table}").dtypes if name != "collected_on"]
    columns = ", ".join(f"unix_timestamp(`{n}`)" if kind == "timestamp" else f"`{n}`" for n, kind in described)
    return sorted(map(tuple, session.sql(f"SELECT {columns} FROM `{database}`.{table}").collect()), key=repr)


@pytest.fixture(scope="session")
def loaded(session, collected):
    load(session, collected, collected.format)
    return collected


def test_every_record_arrives_with_every_value_its_time_and_its_key(session, loaded, model):
    rows = all_rows(session, loaded.format, f"{model}_rows")
    assert rows == sorted(loaded.rows(model), key=repr)
    assert rows


def test_columns_have_their_types_and_hold_no_null(session, loaded, model):
    table = session.table(f"`{loaded.format}`.{model}_rows")
    assert table.columns == [*loaded.records(model)[0], *ADDED, "collected_on"]
    assert dict(table.dtypes) == {name: TYPES.get(name, "string") for name in table.columns}
    any_null = " OR ".join(f"`{name}` IS NULL" for name in table.columns)
    assert table.where(any_null).count() == 0


def test_data_that_is_loaded_twice_is_there_once(session, loaded):
    if loaded.format != "array":
        pytest.skip("the format makes no difference to it")
    tables = [*MODELS, "quality", "topic_runs"]
    once = {table: all_rows(session, loaded.format, table) for table in tables}
    load(session, loaded, loaded.format)
    twice = {table: all_rows(session, loaded.format, table) for table in tables}
    assert {table: len(rows) for table, rows in twice.items()} == {table: len(rows) for table, rows in once.items()}
    assert twice == once and all(once.values())


@pytest.mark.parametrize("part", LACKING)
def test_data_that_lacks_a_part_loads_the_rest_and_the_part_once_it_is_there(session, collected, part, tmp_path):
    if collected.format != "array":
        pytest.skip("the format makes no difference to it")
    database = f"without_{part}"
    data = without(collected, part, tmp_path)
    load(session, data, database, views=False)
    for model in MODELS:
        assert all_rows(session, database, f"{model}_rows") == sorted(data.rows(model), key=repr)
    models = {row.model for row in session.sql(f"SELECT DISTINCT model FROM `{database}`.quality").collect()}
    assert models == {quality["model"] for quality in data.quality()}
    if part == "media_hashtag":
        data = collected.copy(tmp_path)
        load(session, data, database, views=False)
        assert all_rows(session, database, f"{part}_rows") == sorted(data.rows(part), key=repr)


def test_a_day_is_that_of_the_run_in_utc(session, loaded):
    for table in [*(f"{model}_rows" for model in MODELS), "quality", "object_topics"]:
        days = session.sql(f"SELECT DISTINCT CAST(collected_on AS STRING), source_key FROM `{loaded.format}`.{table}").collect()
        assert {day for day, _ in days} == {"2026-11-23", "2026-11-24"}
        assert all(f"_{day}/" in key for day, key in days)


@pytest.fixture
def adapted_plans(session):
    session.conf.set("spark.sql.adaptive.enabled", "true")
    yield
    session.conf.set("spark.sql.adaptive.enabled", "false")


@pytest.mark.usefixtures("adapted_plans")
def test_a_filter_on_the_day_reaches_every_table_that_a_view_of_records_reads(session, loaded, model):
    """Athena's views have the same steps, with `ymd` for the day."""
    for view in [model, f"{model}_over_time"]:
        query = session.sql(f"SELECT * FROM `{loaded.format}`.{view} WHERE collected_on = DATE '2026-11-24'")
        filters = re.findall(r"FileScan parquet \S+?(\w+)\[.*PartitionFilters: \[(.*?)\]", query._jdf.queryExecution().executedPlan().toString())
        assert len(filters) >= 3, "records, topics and reasons"
        assert [table for table, filter in filters if "collected_on" not in filter] == [], filters


def test_quality_adds_up_to_the_counts_of_its_objects(session, loaded):
    sums = dict(map(tuple, session.sql(f"SELECT outcome, sum(cases) FROM `{loaded.format}`.quality GROUP BY outcome").collect()))
    counts = [quality["counts"] for quality in loaded.quality()]
    assert sums == {"stored": sum(c["records"] for c in counts), "defaulted": sum(c["defaulted"] for c in counts), "rejected": sum(c["rejected"] for c in counts)}


def test_objects_replace_their_rows_and_rows_whose_objects_have_expired_stay(session, collected, tmp_path):
    if collected.format != "array":
        pytest.skip("the format makes no difference to it")
    data = collected.copy(tmp_path)
    load(session, data, "replaced", views=False)
    before = {row[-1]: row for row in all_rows(session, "replaced", "media_rows")}
    # Both are of days of which another object is read, or none.
    replaced, expired = data.objects("media")
    gone = data.key(expired)
    write(replaced, data.format, read(replaced, data.format)[:3])
    expired.unlink()
    load(session, data, "replaced", views=False)
    rows = all_rows(session, "replaced", "media_rows")
    assert [row for row in rows if row[-1] != gone] == sorted(data.rows("media"), key=repr)
    assert sum(row[-1] == gone for row in rows) == len(read(collected.folder / "sandbox_env" / gone, data.format))
    assert set(before) == {row[-1] for row in rows}
    # Of a day of which some objects are left, the others stay too.
    hours = data.objects("media_hashtag")
    data_rows = all_rows(session, "replaced", "media_hashtag_rows")
    hours[0].unlink()
    load(session, data, "replaced", views=False)
    assert all_rows(session, "replaced", "media_hashtag_rows") == data_rows


def test_optional_types_load_with_their_nulls_and_their_json(session, optional):
    load(session, optional, "optional")
    load(session, optional, "optional", views=False)
    assert session.table("optional.brand").count() == 22
    assert all_rows(session, "optional", "media_rows") == sorted(optional.rows("media"), key=repr)
    assert session.sql("SELECT 1 FROM optional.media WHERE like_count IS NULL").count() == sum(
        record["like_count"] is None for record in optional.records("media")
    )
    albums = session.sql("SELECT get_json_object(children, '$.data[1].id') AS id FROM optional.media WHERE children <> ''").collect()
    assert albums and all(row.id for row in albums)


def plain(value):
    """Dates, decimals and doubles of both engines alike."""
    return round(float(value), 6) if isinstance(value, (int, float, Decimal)) and not isinstance(value, bool) else str(value)


@pytest.fixture(scope="module")
def whole_day(session, day):
    load(session, day, "day")
    # Views read other views, and questions read most: each is computed once.
    views = [row.viewName for row in session.sql("SHOW VIEWS IN day").collect() if not row.isTemporary]
    for view in views:
        session.sql(f"CACHE LAZY TABLE day.{view}")
    return load_duckdb(day)


def in_order(rows):
    return sorted((tuple(map(plain, row)) for row in rows), key=repr)


def rows_of(session, query):
    """The rows of a query in Spark, with instants in milliseconds."""
    answer = session.sql(query)
    columns = [f"unix_millis(`{n}`) AS `{n}`" if kind == "timestamp" else f"`{n}`" for n, kind in answer.dtypes]
    return in_order(answer.selectExpr(*columns).collect())


def rows_in_duckdb(connection, query):
    """The same in DuckDB."""
    described = connection.execute(f"DESCRIBE {query}").fetchall()
    columns = ", ".join(f'epoch_ms("{n}")' if kind.startswith("TIMESTAMP") else f'"{n}"' for n, kind, *_ in described)
    return in_order(connection.execute(f"SELECT {columns} FROM ({query})").fetchall())


@pytest.mark.parametrize("view", [view for view in VIEWS if not view.startswith("latest_")])
def test_every_view_has_the_rows_that_it_has_in_duckdb(session, whole_day, view):
    # Spark's views of records have the day that its tables are partitioned by, too.
    columns = ", ".join(n for n in session.table(f"day.{view}").columns if n != "collected_on")
    rows = rows_of(session, f"SELECT {columns} FROM day.{view}")
    assert rows == rows_in_duckdb(whole_day, f"SELECT {columns} FROM {view}") and rows


@pytest.mark.parametrize("question", QUESTIONS)
def test_every_question_in_the_docs_has_the_same_answer_as_in_duckdb(session, whole_day, question):
    question = question.strip().removesuffix(";")
    session.sql("USE day")
    assert rows_of(session, question) == rows_in_duckdb(whole_day, question)


def test_athenas_table_of_lines_holds_each_array_whole(session, collected, model):
    """Athena itself cannot be had; Hive's readers, on which its tables stand, come with Spark."""
    if collected.format != "array":
        pytest.skip("the JSON SerDe that reads ndjson does not come with Spark")
    session.sql("CREATE DATABASE IF NOT EXISTS athena")
    session.sql("USE athena")
    create, *_ = collected.statements("athena", model)
    session.sql(create)
    days = sorted({path.parent.name.removeprefix(f"{model}_") for path in collected.objects(model)})
    table = f"athena.{model}_objects"
    template = session.sql(f"SHOW TBLPROPERTIES {table} ('storage.location.template')").first()[1]
    for day in days:
        assert "${ymd}" in template
        place = template.replace("${ymd}", day)
        session.sql(f"ALTER TABLE {table} ADD PARTITION (ymd = '{day}') LOCATION '{place}'")
    lines = [row.line for row in session.sql(f"SELECT line FROM {table}").collect()]
    assert sorted(lines) == sorted(path.read_text(encoding="utf-8") for path in collected.objects(model))
