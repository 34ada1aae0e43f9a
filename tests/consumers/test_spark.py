"""Spark loads what was collected by the statements of `luxury-brands schema --for spark`, and reads what
Athena's table of `luxury-brands schema --for athena` would read."""

import pytest
from pyspark.sql import SparkSession

from conftest import instant

TYPES = {"timestamp": "timestamp"} | dict.fromkeys(
    ["followers_count", "media_count", "like_count", "comments_count"], "bigint"
)


@pytest.fixture(scope="session")
def session(tmp_path_factory):
    folder = tmp_path_factory.mktemp("spark")
    options = {
        # On loopback alone, and nothing left behind.
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.ui.enabled": "false",
        "spark.sql.warehouse.dir": str(folder / "warehouse"),
        "spark.hadoop.javax.jdo.option.ConnectionURL": "jdbc:derby:memory:consumers;create=true",
        "spark.driver.extraJavaOptions": f"-Dderby.system.home={folder}",
        "spark.sql.catalogImplementation": "hive",
        "spark.sql.shuffle.partitions": "1",
        # `${ymd}` in Athena's table is no variable of Spark's.
        "spark.sql.variable.substitute": "false",
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


@pytest.fixture(scope="session")
def loaded(session, collected):
    session.sql(f"CREATE DATABASE `{collected.format}`")
    session.sql(f"USE `{collected.format}`")
    for statement in collected.statements("spark"):
        session.sql(statement)
    return collected


def test_every_record_arrives_with_every_value(session, loaded, model):
    records = loaded.records(model)
    names = list(records[0])
    columns = ", ".join(f"unix_timestamp(`{n}`)" if n == "timestamp" else f"`{n}`" for n in names)
    rows = session.sql(f"SELECT {columns} FROM `{loaded.format}`.{model}").collect()
    expected = [tuple(instant(r) if n == "timestamp" else r[n] for n in names) for r in records]
    assert len(rows) == len(records) > 0
    assert sorted(map(tuple, rows)) == sorted(expected)


def test_columns_have_their_types_and_hold_no_null(session, loaded, model):
    table = session.table(f"`{loaded.format}`.{model}")
    assert table.columns == list(loaded.records(model)[0])
    assert dict(table.dtypes) == {name: TYPES.get(name, "string") for name in table.columns}
    any_null = " OR ".join(f"`{name}` IS NULL" for name in table.columns)
    assert table.where(any_null).count() == 0


def test_athenas_table_of_lines_holds_each_array_whole(session, collected, model):
    """Athena itself cannot be had; Hive's readers, on which its tables stand, come with Spark."""
    if collected.format != "array":
        pytest.skip("the JSON SerDe that reads ndjson does not come with Spark")
    session.sql("CREATE DATABASE IF NOT EXISTS athena")
    session.sql("USE athena")
    create, _view = collected.statements("athena", model)
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
